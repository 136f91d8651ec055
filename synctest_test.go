package tnt_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
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

// bubble is a server and a way to it in a bubble of testing/synctest, whose time
// passes when all wait.
type bubble struct {
	*testing.T
	srv   *tnttest.Server
	began time.Time

	mu    sync.Mutex
	away  bool            // dialling fails
	dials []time.Duration // since the beginning
	ends  []net.Conn      // of the client
}

// inTime runs a test in a bubble, with a server in it.
func inTime(t *testing.T, test func(b *bubble), opts ...tnttest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		opts := append([]tnttest.Option{tnttest.InMemory(), tnttest.WithSpace(tnttest.SpaceDef{
			Name: "users", Format: []tnttest.Field{{Name: "id", Type: "unsigned"}},
			Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
		})}, opts...)
		test(&bubble{T: t, srv: tnttest.Run(t, opts...), began: time.Now()})
	})
}

func (b *bubble) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dials = append(b.dials, time.Since(b.began))
	if b.away {
		return nil, errors.New("nobody is there")
	}
	c, err := b.srv.Dial(ctx)
	if err == nil {
		b.ends = append(b.ends, c)
	}
	return c, err
}

// setAway has dialling fail, or not any more.
func (b *bubble) setAway(away bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away = away
}

// cut ends the newest session.
func (b *bubble) cut() {
	b.mu.Lock()
	end := b.ends[len(b.ends)-1]
	b.mu.Unlock()
	_ = end.Close()
	synctest.Wait()
}

// dialled returns the times of the dials since the last call.
func (b *bubble) dialled() []time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() { b.dials = nil }()
	return b.dials
}

// connect connects; the test's end disconnects.
func (b *bubble) connect(change ...func(*tnt.Options)) *tnt.Conn {
	b.Helper()
	c := b.make(change...)
	if err := c.Connect(context.Background()); err != nil {
		b.Fatal(err)
	}
	return c
}

func (b *bubble) make(change ...func(*tnt.Options)) *tnt.Conn {
	b.Helper()
	opts := tnt.Options{Dialer: b.dial, PingInterval: tnt.Never}
	for _, f := range change {
		f(&opts)
	}
	c, err := tnt.New(opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := c.Disconnect(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return c
}

// took checks how long something took, to the nanosecond.
func (b *bubble) took(what string, want time.Duration, do func()) {
	b.Helper()
	began := time.Now()
	do()
	if d := time.Since(began); d != want {
		b.Errorf("%s took %v, not %v", what, d, want)
	}
}

// TestTimeOfReconnects holds the pauses between attempts to what Options say:
// each twice the one before, up to the longest, less a random part of up to a half.
func TestTimeOfReconnects(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.connect(func(o *tnt.Options) {
			o.ReconnectInterval, o.MaxReconnectInterval = 100*time.Millisecond, 2*time.Second
		})
		time.Sleep(time.Minute)
		b.dialled()
		b.setAway(true)
		lost := time.Since(b.began)
		b.cut()
		time.Sleep(time.Minute)
		dials := b.dialled()
		if len(dials) < 30 || dials[0] != lost {
			t.Fatalf("%d attempts, the first %v after the loss", len(dials), dials[0]-lost)
		}
		var parts []float64
		for i := 1; i < len(dials); i++ {
			longest := min(2*time.Second, 100*time.Millisecond<<min(i-1, 10))
			pause := dials[i] - dials[i-1]
			if pause < longest/2 || pause > longest {
				t.Errorf("pause %d is %v, not between %v and %v", i, pause, longest/2, longest)
			}
			parts = append(parts, float64(pause)/float64(longest))
		}
		slices.Sort(parts)
		if parts[0] > 0.65 || parts[len(parts)-1] < 0.85 {
			t.Errorf("the random parts of the pauses are all between %.2f and %.2f", parts[0], parts[len(parts)-1])
		}
		b.setAway(false)
		if err := c.Connect(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestTimeOfSessionsThatDieAtOnce has the back-off go on where sessions come up
// and are lost at once, and begin anew after one that has lasted.
func TestTimeOfSessionsThatDieAtOnce(t *testing.T) {
	inTime(t, func(b *bubble) {
		up := make(chan struct{}, 100)
		c := b.make(func(o *tnt.Options) {
			o.ReconnectInterval, o.MaxReconnectInterval = 100*time.Millisecond, time.Second
		})
		defer c.OnState(func(_, to tnt.State, _ error) {
			if to == tnt.Connected {
				up <- struct{}{}
			}
		})()
		c.Start()
		for range 8 {
			<-up
			b.cut()
		}
		<-up
		dials := b.dialled()
		for i := 1; i < len(dials); i++ {
			longest := min(time.Second, 100*time.Millisecond<<(i-1))
			if pause := dials[i] - dials[i-1]; pause < longest/2 || pause > longest {
				t.Errorf("pause %d is %v, not between %v and %v", i, pause, longest/2, longest)
			}
		}
		time.Sleep(100 * time.Millisecond) // it has lasted now
		lost := time.Since(b.began)
		b.cut()
		if dials = b.dialled(); len(dials) != 1 || dials[0] != lost {
			t.Errorf("after a session that has lasted the attempts are at %v, and the loss at %v", dials, lost)
		}
		b.setAway(true)
		time.Sleep(100 * time.Millisecond)
		b.cut()
		b.dialled()
		time.Sleep(100 * time.Millisecond)
		if dials = b.dialled(); len(dials) == 0 {
			t.Error("the back-off has not begun anew")
		}
	})
}

// TestTimeOfDrop has Drop end a pause, and dial at once.
func TestTimeOfDrop(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.connect(func(o *tnt.Options) { o.ReconnectInterval, o.MaxReconnectInterval = time.Hour, time.Hour })
		b.setAway(true)
		b.cut()
		time.Sleep(time.Minute)
		b.setAway(false)
		b.dialled()
		b.took("the way back after Drop", 0, func() {
			c.Drop(nil)
			synctest.Wait()
		})
		if !c.IsConnected() || len(b.dialled()) != 1 {
			t.Error("Drop in a pause has not brought the connection back at once")
		}
	})
}

// TestTimeOfPings counts pings, and has silence end a session.
func TestTimeOfPings(t *testing.T) {
	inTime(t, func(b *bubble) {
		var overdue atomic.Int32
		c := b.connect(func(o *tnt.Options) {
			o.PingInterval, o.DeadAfter = 5*time.Second, 30*time.Second
			o.Hooks = []tnt.Hook{overdueHook(func(since time.Duration) {
				overdue.Add(1)
				if since != 5*time.Second {
					t.Errorf("told that a ping is overdue %v after it was sent", since)
				}
			})}
		})
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if n := b.srv.Counters().Requests[iproto.TypePing]; n != 12 {
			t.Errorf("%d pings in a minute", n)
		}
		if n := overdue.Load(); n != 0 {
			t.Errorf("%d pings were overdue", n)
		}
		remove := b.srv.Inject(tnttest.Fault{On: iproto.TypePing, Drop: true})
		var lost error
		var when time.Duration
		began := time.Now()
		defer c.OnState(func(_, to tnt.State, cause error) {
			if to == tnt.Reconnecting && lost == nil {
				lost, when = cause, time.Since(began)
			}
		})()
		time.Sleep(40 * time.Second)
		synctest.Wait()
		remove()
		// The first ping that is dropped goes out 4 s later. That its own bytes went is
		// seen 5 s after that, and 30 s later the session is over.
		if lost == nil || when != 39*time.Second {
			t.Errorf("the session was lost after %v: %v", when, lost)
		}
		if n := overdue.Load(); n != 1 {
			t.Errorf("told of overdue pings %d times", n)
		}
		if !c.IsConnected() {
			t.Error("it is not back")
		}
	})
}

// TestSilenceBetweenPings has a session end when Options.DeadAfter says, though that is
// less than the pause between pings.
func TestSilenceBetweenPings(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.connect(func(o *tnt.Options) { o.PingInterval, o.DeadAfter = 5*time.Second, 2*time.Second })
		time.Sleep(time.Minute - time.Second)
		synctest.Wait()
		if n := b.srv.Counters().Requests[iproto.TypePing]; n != 11 {
			t.Errorf("%d pings in 59 seconds", n)
		}
		b.srv.Inject(tnttest.Fault{On: iproto.TypePing, Drop: true})
		lost := make(chan struct{})
		defer c.OnState(func(_, to tnt.State, _ error) {
			if to == tnt.Reconnecting {
				close(lost)
			}
		})()
		// The ping goes out in a second, its own bytes are seen to have gone 2 s later, and
		// 2 s after that the session is over.
		b.took("the loss", 5*time.Second, func() { <-lost })
	})
}

// overdueHook is a hook that is told of overdue pings.
type overdueHook func(since time.Duration)

func (overdueHook) OnState(*tnt.Conn, tnt.State, tnt.State, error) {}

func (h overdueHook) OnPingOverdue(_ *tnt.Conn, since time.Duration) { h(since) }

// TestTimeOfCalls has every form of call end at its deadline, to the nanosecond,
// at a server that answers nothing.
func TestTimeOfCalls(t *testing.T) {
	forms := map[string]func(ctx context.Context, ex tnt.Executor) error{
		"Do": func(ctx context.Context, ex tnt.Executor) error {
			_, err := tnt.Do(ctx, ex, tnt.Call{Function: "f"})
			return err
		},
		"Go": func(ctx context.Context, ex tnt.Executor) error {
			_, err := tnt.Go(ctx, ex, tnt.Call{Function: "f"}).Wait(ctx)
			return err
		},
		"Batch": func(ctx context.Context, ex tnt.Executor) error {
			reqs := make([]tnt.Request, 600)
			for i := range reqs {
				reqs[i] = tnt.Call{Function: "f"}
			}
			var err error
			for _, r := range tnt.Batch(ctx, ex, reqs...) {
				if err = r.Err; err == nil {
					return nil
				}
			}
			return err
		},
		"Each": func(ctx context.Context, ex tnt.Executor) error {
			var err error
			for _, err = range tnt.Each[any](ctx, ex, make([]tnt.Call, 600)) {
				if err == nil {
					return nil
				}
			}
			return err
		},
		"Scan": func(ctx context.Context, ex tnt.Executor) error {
			var err error
			for _, err = range tnt.Scan(ctx, ex, tnt.Select{Space: "users"}, 10) {
				break
			}
			return err
		},
		"InTx": func(ctx context.Context, ex tnt.Executor) error {
			return tnt.InTx(ctx, ex, func(s *tnt.Stream) error { return tnt.Exec(ctx, s, tnt.Call{Function: "f"}) })
		},
		"Prepared": func(ctx context.Context, ex tnt.Executor) error {
			_, err := tnt.NewPrepared(ctx, ex, "SELECT 1")
			return err
		},
	}
	for name, do := range forms {
		t.Run(name, func(t *testing.T) { callsEndInTime(t, do) })
	}
}

func callsEndInTime(t *testing.T, do func(ctx context.Context, ex tnt.Executor) error) {
	t.Helper()
	inTime(t, func(b *bubble) {
		c := b.connect(func(o *tnt.Options) {
			o.RequestTimeout, o.WaitConnected, o.ReconnectInterval = 2*time.Second, true, time.Hour
		})
		remove := b.srv.Inject(tnttest.Fault{On: tnttest.AnyRequest, Delay: time.Hour})
		b.took("a call with RequestTimeout", 2*time.Second, func() {
			if err := do(context.Background(), c); !errors.Is(err, tnt.ErrTimeout) {
				t.Errorf("with RequestTimeout: %v", err)
			}
		})
		mine := errors.New("my cause")
		ctx, cancel := context.WithTimeoutCause(context.Background(), 3*time.Second, mine)
		defer cancel()
		b.took("a call with a context's deadline", 3*time.Second, func() {
			if err := do(ctx, c); !errors.Is(err, mine) || errors.Is(err, tnt.ErrTimeout) {
				t.Errorf("with a deadline: %v", err)
			}
		})
		remove()
		b.setAway(true)
		b.cut()
		b.took("a call with RequestTimeout while the server is away", 2*time.Second, func() {
			if err := do(context.Background(), c); !errors.Is(err, tnt.ErrTimeout) || !tnt.SafeToRetry(err) {
				t.Errorf("while the server is away: %v", err)
			}
		})
	})
}

// TestTimeOfShutdown lets what is in flight end when the server announces its
// shutdown, and bounds that by DeadAfter.
func TestTimeOfShutdown(t *testing.T) {
	for _, test := range []struct {
		name          string
		delay, within time.Duration
		fails         bool
	}{
		{"in time", 3 * time.Second, 3 * time.Second, false},
		{"too late", time.Hour, 10 * time.Second, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inTime(t, func(b *bubble) {
				c := b.connect(func(o *tnt.Options) { o.DeadAfter, o.ReconnectInterval = 10*time.Second, time.Hour })
				b.srv.Handle("f", func(call *tnttest.Call) ([]any, error) {
					select {
					case <-time.After(test.delay):
					case <-call.Context().Done():
					}
					return []any{1}, nil
				})
				f := c.Go(context.Background(), tnt.Call{Function: "f"})
				synctest.Wait()
				ctx, cancel := context.WithCancel(context.Background())
				ended := make(chan struct{})
				go func() {
					_ = b.srv.Shutdown(ctx)
					close(ended)
				}()
				synctest.Wait()
				if err := c.Ping(context.Background()); !errors.Is(err, tnt.ErrNotConnected) {
					t.Errorf("a new request meanwhile: %v", err)
				}
				b.took("what was in flight", test.within, func() {
					if _, err := f.Wait(context.Background()); (err != nil) != test.fails {
						t.Errorf("it ended with %v", err)
					}
				})
				cancel()
				<-ended
			})
		})
	}
}

// TestTimeOfCloseGraceful waits for what is in flight, as long as its context lasts.
func TestTimeOfCloseGraceful(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.connect()
		b.srv.Inject(tnttest.Fault{On: iproto.TypePing, Delay: 4 * time.Second})
		f := c.Go(context.Background(), tnt.Ping{})
		b.took("CloseGraceful", 4*time.Second, func() {
			if err := c.CloseGraceful(context.Background()); err != nil {
				t.Error(err)
			}
		})
		if _, err := f.Wait(context.Background()); err != nil {
			t.Errorf("what was in flight: %v", err)
		}
		if err := c.Connect(context.Background()); err != nil {
			t.Fatal(err)
		}
		f = c.Go(context.Background(), tnt.Ping{})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		b.took("CloseGraceful that gives up", time.Second, func() {
			if err := c.CloseGraceful(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("it ended with %v", err)
			}
		})
		if _, err := f.Wait(context.Background()); !errors.Is(err, tnt.ErrClosed) || !errors.Is(err, tnt.ErrConnectionLost) {
			t.Errorf("what was in flight: %v", err)
		}
	})
}

// TestTimeOfWatchers has a watcher see the newest value alone of those set while
// its connection was away, when that is back.
func TestTimeOfWatchers(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.connect(func(o *tnt.Options) {
			o.ReconnectInterval, o.MaxReconnectInterval = 10*time.Second, 10*time.Second
		})
		type seen struct {
			value any
			at    time.Duration
		}
		var all []seen
		w, err := c.WatchFunc("key", func(e tnt.Event) {
			v, _ := e.Value()
			all = append(all, seen{v, time.Since(b.began)})
		})
		if err != nil {
			t.Fatal(err)
		}
		set := func(v any) {
			if err := b.srv.Broadcast("key", v); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		synctest.Wait()
		set("a")
		b.setAway(true)
		b.cut()
		for _, v := range []string{"b", "c", "d"} {
			set(v)
			time.Sleep(time.Second)
		}
		b.setAway(false)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if len(all) != 3 || all[0].value != nil || all[1].value != "a" || all[2].value != "d" {
			t.Fatalf("the watcher saw %v", all)
		}
		if at := b.dialled(); all[2].at != at[len(at)-1] {
			t.Errorf("the newest value came at %v, the session at %v", all[2].at, at[len(at)-1])
		}
		w.Unregister()
		set("e")
		if len(all) != 3 {
			t.Errorf("after Unregister the watcher saw %v", all[3:])
		}
	})
}

// TestWatcherAfterALoss has a watcher that is made after a call has failed, before the
// supervisor knows of the loss, wait for the next session's value.
func TestWatcherAfterALoss(t *testing.T) {
	inTime(t, func(b *bubble) {
		held, goOn := make(chan struct{}), make(chan struct{})
		c := b.connect(func(o *tnt.Options) {
			o.PingInterval = time.Second
			o.Hooks = []tnt.Hook{overdueHook(func(time.Duration) {
				close(held)
				<-goOn // the supervisor waits here
			})}
		})
		if err := b.srv.Broadcast("key", "old"); err != nil {
			t.Fatal(err)
		}
		watch := func() <-chan tnt.Event {
			seen := make(chan tnt.Event, 10)
			w, err := c.WatchFunc("key", func(e tnt.Event) { seen <- e })
			if err != nil {
				t.Fatal(err)
			}
			b.Cleanup(w.Unregister)
			return seen
		}
		<-watch()
		defer b.srv.Inject(tnttest.Fault{On: iproto.TypePing, Drop: true, Times: 1})()
		<-held
		b.cut()
		if err := c.Ping(context.Background()); err == nil {
			t.Fatal("the session is not lost")
		}
		seen := watch()
		synctest.Wait()
		if len(seen) > 0 {
			t.Errorf("the watcher was given %v of the session that is lost", <-seen)
		}
		close(goOn)
		<-seen
	})
}

// gatedConn is a connection whose writes wait until its gate is open.
type gatedConn struct {
	net.Conn
	gate *atomic.Pointer[chan struct{}] // closed when open
}

func (c gatedConn) Write(b []byte) (int, error) {
	<-*c.gate.Load()
	return c.Conn.Write(b)
}

// TestWatchAgainWhileSubscribing unregisters a watcher of a new session to which the
// subscription is on its way, and watches the key again.
func TestWatchAgainWhileSubscribing(t *testing.T) {
	inTime(t, func(b *bubble) {
		var gate atomic.Pointer[chan struct{}]
		open, shut := make(chan struct{}), make(chan struct{})
		close(open)
		gate.Store(&open)
		c := b.connect(func(o *tnt.Options) {
			dial, sessions := o.Dialer, 0
			o.WriteBuffer = 1
			o.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dial(ctx, network, address)
				return gatedConn{conn, &gate}, err
			}
			o.AfterConnect = func(context.Context, *tnt.Pinned) error {
				if sessions++; sessions > 1 {
					gate.Store(&shut) // before subscriptions are sent
				}
				return nil
			}
		})
		watchers := map[string]*tnt.Watcher{}
		for i := range 40 { // of a kilobyte each: some pieces of 16 kilobytes
			key := fmt.Sprintf("key %d %s", i, strings.Repeat("x", 1000))
			w, err := c.WatchFunc(key, func(tnt.Event) {})
			if err != nil {
				t.Fatal(err)
			}
			watchers[key] = w
		}
		time.Sleep(time.Second) // the session has lasted, so the next one comes at once
		b.cut()
		if !c.IsConnected() {
			t.Fatal("it is not back")
		}
		for _, w := range watchers {
			w.Unregister()
		}
		close(shut)
		synctest.Wait()
		for key := range watchers {
			seen := make(chan tnt.Event, 10)
			if _, err := c.WatchFunc(key, func(e tnt.Event) { seen <- e }); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if len(seen) == 0 {
				t.Errorf("who watches %.10q again is not given its value", key)
			}
		}
	})
}

// TestTimeOfRetry holds Retry's pauses to its policy, and has it wait for a server
// that is away, and no longer.
func TestTimeOfRetry(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.connect(func(o *tnt.Options) {
			o.ReconnectInterval, o.MaxReconnectInterval = 100*time.Second, 100*time.Second
		})
		var tries []time.Duration
		busy := func(context.Context) error {
			tries = append(tries, time.Since(b.began))
			return &tnt.Error{Code: errcode.TransactionConflict, Message: "conflict"}
		}
		policy := tnt.Policy{Attempts: 12, MinPause: 10 * time.Millisecond, MaxPause: 80 * time.Millisecond}
		if err := tnt.Retry(context.Background(), policy, busy); !errors.Is(err, errcode.TransactionConflict) || len(tries) != 12 {
			t.Fatalf("%d tries, %v", len(tries), err)
		}
		for i := 1; i < len(tries); i++ {
			longest := min(80*time.Millisecond, 10*time.Millisecond<<(i-1))
			if pause := tries[i] - tries[i-1]; pause < longest/2 || pause > longest {
				t.Errorf("pause %d is %v, not between %v and %v", i, pause, longest/2, longest)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		b.took("Retry until its context ends", 5*time.Second, func() {
			if err := tnt.Retry(ctx, tnt.Policy{}, busy); !errors.Is(err, errcode.TransactionConflict) {
				t.Errorf("it ended with %v", err)
			}
		})
		b.setAway(true)
		b.cut()
		b.dialled()
		b.setAway(false)
		calls := 0
		if err := tnt.Retry(context.Background(), tnt.Policy{}, func(ctx context.Context) error {
			calls++
			return c.Ping(ctx)
		}); err != nil || calls != 2 {
			t.Errorf("while the server is away Retry called %d times: %v", calls, err)
		}
		if dials := b.dialled(); len(dials) != 1 || dials[0] != time.Since(b.began) {
			t.Errorf("Retry ended at %v, the connection was back at %v", time.Since(b.began), dials)
		}
	})
}

// TestTimeOfConnect bounds an attempt by ConnectTimeout, and Connect by its context.
func TestTimeOfConnect(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.make(func(o *tnt.Options) { o.ConnectOnce, o.ConnectTimeout = true, 3*time.Second })
		remove := b.srv.Inject(tnttest.Fault{On: iproto.TypeID, Drop: true})
		b.took("an attempt", 3*time.Second, func() {
			if err := c.Connect(context.Background()); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Connect: %v", err)
			}
		})
		remove()
		patient := b.make()
		b.setAway(true)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		b.took("Connect", time.Minute, func() {
			if err := patient.Connect(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Connect: %v", err)
			}
		})
		if s := patient.State(); s != tnt.Disconnected {
			t.Errorf("after a Connect that gave up the state is %v", s)
		}
	})
}
