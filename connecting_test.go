package tnt_test

import (
	"context"
	"errors"
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
		for end, timeout := range map[string]time.Duration{"the caller's": time.Second, "the caller's, in a pause": 950 * time.Millisecond, "the attempt's": time.Minute} {
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
