package tnt_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// attempts notes when it was dialled.
type attempts struct {
	mu   sync.Mutex
	at   []time.Time
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func (a *attempts) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	a.mu.Lock()
	a.at = append(a.at, time.Now())
	tooMany := len(a.at) > 1000
	a.mu.Unlock()
	if tooMany { // without pauses the bubble's time would stand still
		<-ctx.Done()
	}
	return a.dial(ctx, network, address)
}

// pauses returns those from a moment on, and forgets what was noted.
func (a *attempts) pauses(from time.Time) (pauses []time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, at := range a.at {
		pauses = append(pauses, at.Sub(from))
		from = at
	}
	a.at = nil
	return pauses
}

// TestReconnectPauses has the first attempt after a loss be made at once, and the
// further ones after pauses that double, each less a random part of up to a half.
func TestReconnectPauses(t *testing.T) {
	const first, most = 100 * time.Millisecond, time.Second
	synctest.Test(t, func(t *testing.T) {
		srv, err := tnttest.Start(tnttest.InMemory())
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		s := &bubbleServer{Server: srv}
		a := &attempts{dial: s.dial}
		conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{Dialer: a.Dial, ReconnectInterval: first, MaxReconnectInterval: most})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Disconnect(context.Background()) }()
		different := map[time.Duration]bool{}
		for round := range 3 { // each begins anew
			time.Sleep(time.Minute)
			a.pauses(time.Now())
			lost := time.Now()
			s.leave()
			time.Sleep(20 * time.Second)
			pauses := a.pauses(lost)
			if len(pauses) < 20 || pauses[0] != 0 {
				t.Fatalf("round %d: the attempts came after %v", round, pauses)
			}
			want := first
			for i, pause := range pauses[1:] {
				if pause > want || pause < want/2 {
					t.Errorf("round %d: pause %d is %v, of %v", round, i+1, pause, want)
				}
				different[want-pause] = true
				want = min(2*want, most)
			}
			s.come()
			if err := conn.Connect(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if len(different) < 10 {
			t.Errorf("%d different parts were taken off the pauses", len(different))
		}

		// Sessions that die at once are no reason to dial without a pause.
		s.Inject(tnttest.Fault{On: iproto.TypePing, CloseBefore: true})
		time.Sleep(time.Minute)
		a.pauses(time.Now())
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
					_ = conn.Ping(t.Context())
				}
			}
		})
		time.Sleep(10 * time.Second)
		close(stop)
		wg.Wait()
		if n := len(a.pauses(time.Now())); n > 30 {
			t.Errorf("it dialled %d times in 10 s", n)
		}
	})
}

// TestPermanentFailures end the first Connect at once. After a success they don't
// end the connection, which says why it is not up, and comes up when they are over.
func TestPermanentFailures(t *testing.T) {
	says := func(text string) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				_, _ = io.WriteString(theirs, text)
				_ = theirs.Close()
			}()
			return ours, nil
		}
	}
	for name, test := range map[string]struct {
		change func(o *tnt.Options, srv *tnttest.Server)
		is     error
		as     any
	}{
		"wrong password":   {change: func(o *tnt.Options, _ *tnttest.Server) { o.User, o.Password = "alice", "wrong" }, is: errcode.CredsMismatch},
		"unknown user":     {change: func(o *tnt.Options, _ *tnttest.Server) { o.User, o.Password = "nobody", "x" }, is: errcode.CredsMismatch},
		"unknown setting":  {change: func(o *tnt.Options, _ *tnttest.Server) { o.SessionSettings = map[string]any{"no_such": true} }, as: new(*tnt.SettingError)},
		"HTTP":             {change: func(o *tnt.Options, _ *tnttest.Server) { o.Dialer = says("HTTP/1.1 400 Bad Request\r\n\r\n") }, is: tnt.ErrNotTarantool},
		"schema too large": {change: func(o *tnt.Options, _ *tnttest.Server) { o.MaxFrame = 1000 }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, err := tnttest.Start(tnttest.InMemory(), tnttest.WithUser("alice", "s3cret"))
				if err != nil {
					t.Fatal(err)
				}
				defer srv.Close()
				bad := tnt.Options{Dialer: srv.DialContext}
				test.change(&bad, srv)
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				began := time.Now()
				_, err = tnt.ConnectOptions(ctx, bad)
				if took := time.Since(began); err == nil || took > time.Second {
					t.Fatalf("%v after %v", err, took)
				}
				if test.is != nil && !errors.Is(err, test.is) || test.as != nil && !errors.As(err, test.as) {
					t.Errorf("got %v", err)
				}
				if strings.Count(err.Error(), "tnt: ") != 1 {
					t.Errorf("it says more than once whose it is: %v", err)
				}
				if errors.Is(err, context.DeadlineExceeded) || tnt.IsTransient(err) {
					t.Errorf("it is worth another try: %v", err)
				}
				if name == "schema too large" {
					failsWith(t, "its text", err, "Options.MaxFrame")
				}

				// Started, or asked to reconnect, it goes on.
				conn, err := tnt.New(bad)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.Disconnect(context.Background()) }()
				if err := conn.Reconnect(ctx); err == nil {
					t.Error("Reconnect succeeded")
				}
				time.Sleep(time.Minute)
				if s := conn.State(); s == tnt.Disconnected {
					t.Errorf("it has given up: %v", conn)
				}
				if err := conn.Ping(ctx); !errors.Is(err, tnt.ErrNotConnected) || test.is != nil && !errors.Is(err, test.is) {
					t.Errorf("a request meanwhile: %v", err)
				}
			})
		})
	}
}

// TestPeerThatHangsUp has Connect wait for a server whose proxy takes connections, and
// ends them, while it is away.
func TestPeerThatHangsUp(t *testing.T) {
	for _, said := range []string{"", "Tarantool 3"} {
		inTime(t, func(b *bubble) {
			dials := 0
			b.connect(func(o *tnt.Options) {
				o.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
					if dials++; dials > 3 {
						return b.dial(ctx, network, address)
					}
					ours, theirs := net.Pipe()
					go func() {
						_, _ = io.WriteString(theirs, said)
						_ = theirs.Close()
					}()
					return ours, nil
				}
			})
			if dials != 4 {
				t.Errorf("it dialled %d times", dials)
			}
		})
	}
}

// TestLaterLossesGoOn has a failure that would end the first Connect come later.
func TestLaterLossesGoOn(t *testing.T) {
	var wrong atomic.Bool
	synctest.Test(t, func(t *testing.T) {
		srv, err := tnttest.Start(tnttest.InMemory())
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{ConnectOnce: true, Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if !wrong.Load() {
				return srv.Dial(ctx)
			}
			ours, theirs := net.Pipe()
			go func() {
				_, _ = io.WriteString(theirs, "SSH-2.0-OpenSSH_9.2\r\n")
				_ = theirs.Close()
			}()
			return ours, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Disconnect(context.Background()) }()
		wrong.Store(true)
		for _, c := range srv.Connections() {
			c.Close()
		}
		time.Sleep(time.Minute)
		if err := conn.Ping(t.Context()); !errors.Is(err, tnt.ErrNotConnected) || !errors.Is(err, tnt.ErrNotTarantool) {
			t.Errorf("meanwhile: %v", err)
		}
		wrong.Store(false)
		time.Sleep(time.Minute)
		if err := conn.Ping(t.Context()); err != nil {
			t.Errorf("once it is over: %v", err)
		}
	})
}

// TestNothingIsStoredAfterClose inserts right after the connection was closed.
func TestNothingIsStoredAfterClose(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		admin := shared(t, p)
		for i := range 300 {
			conn := connect(t, tnt.Options{Address: p.shared.Address, NoSchema: true})
			id := admin.Schema().Space("tester").ID
			ends := []func() error{
				conn.Close,
				func() error { return conn.Disconnect(testContext(t)) },
				func() error { return conn.CloseGraceful(testContext(t)) },
			}
			if err := ends[i%len(ends)](); err != nil {
				t.Error(err)
			}
			if conn.IsConnected() {
				t.Error("a closed connection is connected")
			}
			_, err := conn.Do(testContext(t), tnt.Insert{SpaceID: id, Tuple: []any{i + 1, "x"}})
			if !errors.Is(err, tnt.ErrClosed) || !errors.Is(err, tnt.ErrNotConnected) || !tnt.SafeToRetry(err) || tnt.IsTransient(err) {
				t.Fatalf("after the end: %v", err)
			}
		}
		equal(t, "what is stored", lua(t, admin, "return box.space.tester:len()"), ints(0))
	})
}

// TestClosedBeforeItWasConnected closes a connection that never was one.
func TestClosedBeforeItWasConnected(t *testing.T) {
	for name, end := range map[string]func(*tnt.Conn) error{
		"Close":         (*tnt.Conn).Close,
		"Disconnect":    func(c *tnt.Conn) error { return c.Disconnect(context.Background()) },
		"CloseGraceful": func(c *tnt.Conn) error { return c.CloseGraceful(context.Background()) },
	} {
		conn, err := tnt.New(tnt.Options{WaitConnected: true})
		if err != nil {
			t.Fatal(err)
		}
		w, err := conn.WatchFunc("key", func(tnt.Event) {})
		if err != nil {
			t.Fatal(err)
		}
		if err := end(conn); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		select {
		case <-w.Done():
			if !errors.Is(w.Err(), tnt.ErrClosed) {
				t.Errorf("%s: the watcher ended by %v", name, w.Err())
			}
		case <-testContext(t).Done():
			t.Errorf("%s: a watcher goes on", name)
			w.Unregister()
		}
		if err := conn.Ping(t.Context()); !errors.Is(err, tnt.ErrClosed) || tnt.IsTransient(err) {
			t.Errorf("%s: a request afterwards: %v", name, err)
		}
	}
}

// TestStartThenClose has the last of several orders count, though the connection is
// yet to end by the first.
func TestStartThenClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := tnttest.Start(tnttest.InMemory())
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		conn, err := tnt.New(tnt.Options{Dialer: srv.DialContext})
		if err != nil {
			t.Fatal(err)
		}
		conn.Start()
		synctest.Wait()
		if !conn.IsConnected() {
			t.Fatalf("it was started and is %v", conn.State())
		}
		for range 20 {
			_ = conn.Close()
			conn.Start()
			_ = conn.Close()
			synctest.Wait()
			if conn.State() != tnt.Disconnected || len(srv.Connections()) > 0 {
				t.Fatalf("it was closed last and is %v", conn.State())
			}
			conn.Start()
			_ = conn.Close()
			conn.Start()
			synctest.Wait()
			if !conn.IsConnected() {
				t.Fatalf("it was started last and is %v", conn.State())
			}
		}
		_ = conn.Disconnect(t.Context())
	})
}

// TestStartGoesOn though Connect would report the first failure.
func TestStartGoesOn(t *testing.T) {
	for _, once := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			srv, err := tnttest.Start(tnttest.InMemory())
			if err != nil {
				t.Fatal(err)
			}
			defer srv.Close()
			s := &bubbleServer{Server: srv, away: true}
			conn, err := tnt.New(tnt.Options{Dialer: s.dial, ConnectOnce: once})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Disconnect(context.Background()) }()
			conn.Start()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := conn.Connect(ctx); !errors.Is(err, errAway) {
				t.Errorf("Connect: %v", err)
			}
			if took := time.Now(); once && ctx.Err() != nil {
				t.Errorf("ConnectOnce took until %v", took)
			}
			if err := conn.Ping(t.Context()); !errors.Is(err, errAway) || !errors.Is(err, tnt.ErrNotConnected) {
				t.Errorf("a request meanwhile: %v", err)
			}
			s.come()
			time.Sleep(time.Minute)
			if err := conn.Ping(t.Context()); err != nil {
				t.Error(err)
			}

			// A Reconnect whose context ends goes on trying, too.
			s.leave()
			short, cancel2 := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel2()
			if err := conn.Reconnect(short); err == nil {
				t.Error("Reconnect succeeded")
			}
			time.Sleep(time.Minute)
			s.come()
			time.Sleep(time.Minute)
			if err := conn.Ping(t.Context()); err != nil {
				t.Errorf("after a Reconnect that was given up: %v", err)
			}
		})
	}
}

// TestReconnectOfANewConnectionGoesOn is TestStartGoesOn for one that was never up.
func TestReconnectOfANewConnectionGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := tnttest.Start(tnttest.InMemory())
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		s := &bubbleServer{Server: srv, away: true}
		conn, err := tnt.New(tnt.Options{Dialer: s.dial})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Disconnect(context.Background()) }()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := conn.Reconnect(ctx); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errAway) {
			t.Errorf("Reconnect: %v", err)
		}
		s.come()
		time.Sleep(time.Minute)
		if err := conn.Ping(t.Context()); err != nil {
			t.Errorf("it does not go on: %v", err)
		}
	})
}

// TestCausesSurviveATimeout has the caller's context, and the attempt's time, end
// while something else is in the way.
func TestCausesSurviveATimeout(t *testing.T) {
	silent := func(context.Context, string, string) (net.Conn, error) {
		ours, _ := net.Pipe()
		return ours, nil
	}
	for name, test := range map[string]struct {
		dialer func(srv *tnttest.Server) func(context.Context, string, string) (net.Conn, error)
		is     error
		says   string
	}{
		"loading": {dialer: func(srv *tnttest.Server) func(context.Context, string, string) (net.Conn, error) {
			return srv.DialContext
		}, is: errcode.Loading},
		"no greeting": {dialer: func(*tnttest.Server) func(context.Context, string, string) (net.Conn, error) { return silent }, says: "no greeting came"},
		"dial": {dialer: func(*tnttest.Server) func(context.Context, string, string) (net.Conn, error) {
			return func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, errAway }
		}, is: errAway},
	} {
		for end, timeout := range map[string]time.Duration{"the caller's": time.Second, "the attempt's": time.Minute} {
			t.Run(name+", "+end, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv, err := tnttest.Start(tnttest.InMemory())
					if err != nil {
						t.Fatal(err)
					}
					defer srv.Close()
					srv.Inject(tnttest.Fault{On: tnttest.AnyRequest, Error: &tnt.Error{Code: errcode.Loading, Message: "loading"}})
					ctx, cancel := context.WithTimeout(t.Context(), timeout)
					defer cancel()
					conn, err := tnt.New(tnt.Options{Dialer: test.dialer(srv), ConnectOnce: true})
					if err != nil {
						t.Fatal(err)
					}
					err = conn.Connect(ctx)
					if !errors.Is(err, context.DeadlineExceeded) || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
						t.Errorf("got %v", err)
					}
					t.Log(err)
					err = conn.Ping(t.Context())
					if !errors.Is(err, tnt.ErrNotConnected) || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
						t.Errorf("a request afterwards: %v", err)
					}
					t.Log(err)
				})
			})
		}
	}
}

// TestNothingIsSentAfterDrop has Drop return only when the session can't be used
// any more.
func TestNothingIsSentAfterDrop(t *testing.T) {
	srv := withUsers(t)
	conn := connect(t, tnt.Options{Address: srv.Addr(), WaitConnected: true, PingInterval: tnt.Never})
	cause := errors.New("my cause")
	for i := range 300 {
		first, err := tnt.Pin(testContext(t), conn)
		if err != nil {
			t.Fatal(err)
		}
		inFlight := conn.Go(testContext(t), tnt.Replace{Space: "users", Tuple: []any{1, "x"}})
		conn.Drop(cause)
		if err := first.Err(); !errors.Is(err, tnt.ErrSessionLost) || !errors.Is(err, cause) {
			t.Fatalf("the session goes on: %v", err)
		}
		if _, err := inFlight.Wait(testContext(t)); err != nil && !errors.Is(err, cause) {
			t.Errorf("what was in flight: %v", err)
		}
		if err := tnt.Exec(testContext(t), conn, tnt.Insert{Space: "users", Tuple: []any{i + 2, strings.Repeat("x", i+2)}}); err != nil {
			t.Fatalf("the next request: %v", err)
		}
		if err := first.Err(); err == nil {
			t.Fatal("the session is up again")
		}
	}
	conns := map[uint64]int{}
	for _, r := range srv.Requests() {
		if r.Type == iproto.TypeInsert {
			conns[r.Conn]++
		}
	}
	for c, n := range conns {
		if n > 1 {
			t.Errorf("session %d had %d requests after its Drop", c, n-1)
		}
	}
	// Of a connection that is not connected it is nothing.
	idle, err := tnt.New(tnt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	idle.Drop(nil)
	if idle.State() != tnt.Disconnected {
		t.Error("Drop has begun to connect")
	}
}

// TestDropEndsAPause between two attempts.
func TestDropEndsAPause(t *testing.T) {
	inBubble(t, tnt.Options{ReconnectInterval: time.Hour, MaxReconnectInterval: time.Hour}, func(t *testing.T, s *bubbleServer, conn *tnt.Conn) {
		time.Sleep(2 * time.Hour)
		s.leave()
		time.Sleep(time.Second)
		s.come()
		began := time.Now()
		conn.Drop(nil)
		synctest.Wait()
		if !conn.IsConnected() || time.Since(began) != 0 {
			t.Errorf("it is %v", conn.State())
		}
	})
}

// TestOnState adds a listener to a connection that exists, and takes it away.
func TestOnState(t *testing.T) {
	inBubble(t, tnt.Options{}, func(t *testing.T, s *bubbleServer, conn *tnt.Conn) {
		var got []tnt.State
		var causes []error
		stop := conn.OnState(func(_, to tnt.State, cause error) { got, causes = append(got, to), append(causes, cause) })
		other := conn.OnState(func(_, to tnt.State, _ error) {})
		other()
		time.Sleep(time.Minute)
		s.leave()
		synctest.Wait()
		s.come()
		time.Sleep(time.Minute)
		stop()
		stop() // again
		_ = conn.Disconnect(t.Context())
		equal(t, "the states", got, []tnt.State{tnt.Reconnecting, tnt.Connecting, tnt.Reconnecting, tnt.Connecting, tnt.Connected})
		if len(causes) > 2 && (causes[0] == nil || causes[1] != nil || !errors.Is(causes[2], errAway)) {
			t.Errorf("the causes are %v", causes)
		}
	})
}

// TestAfterConnect does requests before the connection counts as up.
func TestAfterConnect(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		var conn *tnt.Conn
		var calls, fails atomic.Int64
		broken := errors.New("not today")
		var err error
		conn, err = tnt.New(tnt.Options{
			Address: p.shared.Address, ReconnectInterval: 5 * time.Millisecond, ConnectTimeout: 5 * time.Second,
			AfterConnect: func(ctx context.Context, s *tnt.Pinned) error {
				n := calls.Add(1)
				if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 5*time.Second {
					t.Errorf("its context ends at %v, %v", deadline, ok)
				}
				if conn.IsConnected() || conn.State() != tnt.Connecting {
					t.Error("the connection counts as up")
				}
				if err := conn.Ping(ctx); !errors.Is(err, tnt.ErrNotConnected) {
					t.Errorf("another request: %v", err)
				}
				if n == 1 {
					fails.Add(1)
					return broken
				}
				// A space that is made here is known by its name, in its session.
				if _, err := s.Eval(ctx, createSpace, "made_here"); err != nil {
					return err
				}
				defer func() { _, _ = s.Eval(ctx, dropSpace, "made_here") }()
				type row struct {
					ID uint64 `tnt:"id"`
					V  string `tnt:"v"`
				}
				got, err := tnt.One[row](ctx, s, tnt.Insert{Space: "made_here", Tuple: row{1, "x"}})
				if err != nil || got.V != "x" {
					t.Errorf("by the name of a space that was just made: %v, %v", got, err)
				}
				_, err = s.Eval(ctx, "box.session.storage.mine = 42")
				return err
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer disconnect(t, conn)
		if err := conn.Connect(testContext(t)); err != nil {
			t.Fatal(err)
		}
		equal(t, "what it left in the session", lua(t, conn, "return box.session.storage.mine"), ints(42))
		if calls.Load() != 2 || fails.Load() != 1 {
			t.Errorf("it was called %d times", calls.Load())
		}
		if err := conn.Reconnect(testContext(t)); err != nil {
			t.Fatal(err)
		}
		equal(t, "in the next session", lua(t, conn, "return box.session.storage.mine"), ints(42))

		once := tnt.Options{Address: p.shared.Address, ConnectOnce: true, AfterConnect: func(context.Context, *tnt.Pinned) error { return broken }}
		if _, err := tnt.ConnectOptions(testContext(t), once); !errors.Is(err, broken) {
			t.Errorf("an error of it: %v", err)
		}
	})
}

// TestAfterConnectEnds with the attempt's time.
func TestAfterConnectEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := tnttest.Start(tnttest.InMemory())
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		_, err = tnt.ConnectOptions(t.Context(), tnt.Options{Dialer: srv.DialContext, ConnectOnce: true, ConnectTimeout: time.Second, AfterConnect: func(ctx context.Context, s *tnt.Pinned) error {
			<-ctx.Done()
			return s.Ping(ctx)
		}})
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "connect timeout") {
			t.Errorf("got %v", err)
		}
	})
}

// TestPinOnEveryVersion holds requests to one session, whatever happens.
func TestPinOnEveryVersion(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := connect(t, tnt.Options{Address: p.shared.Address, ReconnectInterval: 5 * time.Millisecond, WaitConnected: true})
		pinned, err := tnt.Pin(testContext(t), conn)
		if err != nil {
			t.Fatal(err)
		}
		lua(t, pinned, "box.session.storage.mine = 1")
		equal(t, "the session's own", lua(t, pinned, "return box.session.storage.mine"), ints(1))
		if pinned.Err() != nil || pinned.Conn() != conn {
			t.Errorf("%v, %v", pinned.Err(), pinned.Conn())
		}
		conn.Drop(nil)
		<-pinned.Lost()
		if err := conn.Ping(testContext(t)); err != nil {
			t.Fatal(err)
		}
		for how, write := range writes {
			err := write(testContext(t), pinned, tnt.Insert{Space: "tester", Tuple: []any{77, "x"}})
			if !errors.Is(err, tnt.ErrSessionLost) || !errors.Is(err, tnt.ErrNotConnected) || !tnt.SafeToRetry(err) {
				t.Errorf("%s: %v", how, err)
			}
		}
		equal(t, "what is stored", lua(t, conn, "return box.space.tester:get(77)"), []any{})
		if pinned.Err() == nil {
			t.Error("it is up")
		}
	})
}

// TestAnnouncedShutdownFollowsWaitConnected has requests after the announcement
// wait for the next server, or fail at once, as the option says.
func TestAnnouncedShutdownFollowsWaitConnected(t *testing.T) {
	for _, waits := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var servers [2]*tnttest.Server
			for i := range servers {
				srv, err := tnttest.Start(tnttest.InMemory())
				if err != nil {
					t.Fatal(err)
				}
				defer srv.Close()
				servers[i] = srv
				srv.Handle("slow", func(*tnttest.Call) ([]any, error) { time.Sleep(100 * time.Millisecond); return []any{i}, nil })
			}
			var next atomic.Int64
			conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{WaitConnected: waits, Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return servers[next.Load()].Dial(ctx)
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Disconnect(context.Background()) }()
			time.Sleep(time.Minute)
			inFlight := conn.Go(t.Context(), tnt.Call{Function: "slow"})
			next.Store(1)
			var wg sync.WaitGroup
			wg.Go(func() { _ = servers[0].Shutdown(t.Context()) })
			synctest.Wait()
			n, err := tnt.One[int](t.Context(), conn, tnt.Call{Function: "slow"})
			switch {
			case waits && (err != nil || n != 1):
				t.Errorf("a request that waits: %d, %v", n, err)
			case !waits && (!errors.Is(err, tnt.ErrNotConnected) || !strings.Contains(err.Error(), "shutting down") || !tnt.SafeToRetry(err)):
				t.Errorf("one that does not: %v", err)
			}
			if _, err := inFlight.Wait(t.Context()); err != nil {
				t.Errorf("what was in flight: %v", err)
			}
			wg.Wait()
		})
	}
}

// TestPermanentFailuresOfServers are those that take a real server, or TLS.
func TestPermanentFailuresOfServers(t *testing.T) {
	permanent := func(t *testing.T, what string, opts tnt.Options, is error) {
		t.Helper()
		opts.ReconnectInterval = time.Millisecond
		if _, err := tnt.ConnectOptions(testContext(t), opts); err == nil || errors.Is(err, context.DeadlineExceeded) || is != nil && !errors.Is(err, is) {
			t.Errorf("%s: %v", what, err)
		}
	}
	onServers(t, func(t *testing.T, p *program) {
		addr := p.shared.Address
		permanent(t, "a setting without such a value", tnt.Options{Address: addr, SessionSettings: map[string]any{"sql_default_engine": "steam"}}, nil)
		permanent(t, "a setting of another type", tnt.Options{Address: addr, SessionSettings: map[string]any{"sql_default_engine": 1}}, nil)
		permanent(t, "an unknown setting", tnt.Options{Address: addr, SessionSettings: map[string]any{"no_such": 1}}, nil)
		permanent(t, "a wrong password", tnt.Options{Address: addr, User: "alice", Password: "wrong"}, nil)
		permanent(t, "a schema larger than MaxFrame", tnt.Options{Address: addr, MaxFrame: 1000}, nil)
		permanent(t, "TLS to a plain port", tnt.Options{Address: addr, TLS: &tls.Config{MinVersion: tls.VersionTLS12}}, nil)
	})
	srv := embedded(t)
	addr, _ := listenTLS(t, srv)
	permanent(t, "a certificate that nobody vouches for", tnt.Options{Address: addr, TLS: &tls.Config{MinVersion: tls.VersionTLS12}}, nil)
}
