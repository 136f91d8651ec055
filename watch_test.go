package tnt_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// onWatchers runs a test on the embedded server and on every real one that has
// watchers. broadcast sets a key.
func onWatchers(t *testing.T, test func(t *testing.T, conn *tnt.Conn, broadcast func(key string, value any))) {
	t.Helper()
	run := func(t *testing.T, opts tnt.Options, do func(conn *tnt.Conn, key string, value any) error) {
		t.Helper()
		conn, other := connect(t, opts), connect(t, opts)
		test(t, conn, func(key string, value any) {
			t.Helper()
			if err := do(other, key, value); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Run("embedded", func(t *testing.T) {
		srv := embedded(t)
		srv.HandleDemo()
		run(t, tnt.Options{Dialer: srv.DialContext}, func(conn *tnt.Conn, key string, value any) error {
			_, err := conn.Call(testContext(t), "bcast", key, value)
			return err
		})
	})
	onServers(t, func(t *testing.T, p *program) {
		if !p.Version.AtLeast(2, 10, 0) {
			t.Skipf("Tarantool %v has no watchers", p.Version)
		}
		run(t, tnt.Options{Address: p.shared.Address}, func(conn *tnt.Conn, key string, value any) error {
			_, err := conn.Eval(testContext(t), "box.broadcast(...)", key, value)
			return err
		})
	})
}

// events collects what a watcher's function is called with.
type events chan any

func (ev events) add(e tnt.Event) {
	v, err := e.Value()
	if err != nil {
		v = err
	}
	ev <- v
}

// want waits for a value, passing over older ones.
func (ev events) want(t *testing.T, want any) {
	t.Helper()
	timer := time.NewTimer(15 * time.Second)
	defer timer.Stop()
	for {
		select {
		case got := <-ev:
			if got == want {
				return
			}
		case <-timer.C:
			t.Fatalf("the value %v did not come", want)
		}
	}
}

func TestWatch(t *testing.T) {
	onWatchers(t, func(t *testing.T, conn *tnt.Conn, broadcast func(string, any)) {
		broadcast("watch", "first")
		var got []any
		for e, err := range conn.Watch(testContext(t), "watch") {
			if err != nil {
				t.Fatal(err)
			}
			v, err := e.Value()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, v)
			if len(got) == 1 {
				broadcast("watch", "second")
			}
			if v == "second" {
				var text string
				if err := e.Decode(&text); err != nil || text != "second" || e.Key != "watch" || !e.IsSet() {
					t.Errorf("decoded %q, %v", text, err)
				}
				break
			}
		}
		if got[0] != "first" {
			t.Errorf("the values are %v", got)
		}
		for e, err := range conn.Watch(testContext(t), "watch never set") {
			v, verr := e.Value()
			if err != nil || verr != nil || v != nil || e.IsSet() {
				t.Errorf("a key without a value: %v, %v, %v", v, verr, err)
			}
			break
		}
		ctx, cancel := context.WithCancelCause(testContext(t))
		defer cancel(nil)
		mine := errors.New("mine")
		for _, err := range conn.Watch(ctx, "watch") {
			if err != nil {
				if !errors.Is(err, mine) {
					t.Errorf("a watch whose context ended: %v", err)
				}
				break
			}
			cancel(mine)
		}
	})
}

func TestWatchFunc(t *testing.T) {
	onWatchers(t, func(t *testing.T, conn *tnt.Conn, broadcast func(string, any)) {
		broadcast("func", int64(1))
		first, second := make(events, 100), make(events, 100)
		a, err := conn.WatchFunc("func", first.add)
		if err != nil {
			t.Fatal(err)
		}
		b, err := conn.WatchFunc("func", second.add)
		if err != nil {
			t.Fatal(err)
		}
		first.want(t, int64(1))
		second.want(t, int64(1))
		a.Unregister()
		a.Unregister()
		<-a.Done()
		broadcast("func", int64(2))
		second.want(t, int64(2))
		select {
		case v := <-first:
			t.Errorf("an unregistered watcher got %v", v)
		default:
		}
		if err := conn.Reconnect(testContext(t)); err != nil {
			t.Fatal(err)
		}
		second.want(t, int64(2)) // the present value, from the new session
		disconnect(t, conn)
		<-b.Done()
		if !errors.Is(b.Err(), tnt.ErrClosed) || a.Err() != nil {
			t.Errorf("the watchers ended by %v and %v", a.Err(), b.Err())
		}
	})
}

// TestSecondWatcherGetsThePresentValue watches a key that is watched already,
// of which the server sends nothing more.
func TestSecondWatcherGetsThePresentValue(t *testing.T) {
	onWatchers(t, func(t *testing.T, conn *tnt.Conn, broadcast func(string, any)) {
		broadcast("second", "present")
		first, second := make(events, 100), make(events, 100)
		if _, err := conn.WatchFunc("second", first.add); err != nil {
			t.Fatal(err)
		}
		first.want(t, "present")
		if _, err := conn.WatchFunc("second", second.add); err != nil {
			t.Fatal(err)
		}
		second.want(t, "present")
		if len(first) != 0 {
			t.Errorf("the first one got %v again", <-first)
		}
	})
}

func TestUnregisterInsideOfCallback(t *testing.T) {
	onWatchers(t, func(t *testing.T, conn *tnt.Conn, broadcast func(string, any)) {
		broadcast("inside", "x")
		var mu sync.Mutex
		var w *tnt.Watcher
		calls := make(events, 100)
		mu.Lock()
		w, err := conn.WatchFunc("inside", func(e tnt.Event) {
			mu.Lock()
			defer mu.Unlock()
			w.Unregister()
			calls.add(e)
		})
		mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		calls.want(t, "x")
		<-w.Done()
		broadcast("inside", "y")
		last := make(events, 100)
		if _, err := conn.WatchFunc("inside", last.add); err != nil {
			t.Fatal(err)
		}
		last.want(t, "y")
		if len(calls) != 0 {
			t.Error("called after it unregistered itself")
		}
	})
}

func TestSlowWatcherGetsTheNewest(t *testing.T) {
	onWatchers(t, func(t *testing.T, conn *tnt.Conn, broadcast func(string, any)) {
		broadcast("slow", int64(0))
		hold, began := make(chan struct{}), make(chan struct{}, 1000)
		values := make(events, 1000)
		if _, err := conn.WatchFunc("slow", func(e tnt.Event) {
			began <- struct{}{}
			<-hold
			values.add(e)
		}); err != nil {
			t.Fatal(err)
		}
		<-began
		for i := range int64(50) {
			broadcast("slow", i+1)
		}
		if err := conn.Ping(testContext(t)); err != nil { // the reader is not blocked
			t.Error(err)
		}
		close(hold)
		values.want(t, int64(50))
	})
}

func TestWatchSurvivesReconnect(t *testing.T) {
	onServersWith(t, 2, 10, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address, ReconnectInterval: 5 * time.Millisecond})
		values := make(events, 100)
		if _, err := conn.WatchFunc("again", values.add); err != nil {
			t.Fatal(err)
		}
		values.want(t, nil)
		s.Kill()
		eventually(t, "the loss is seen", func() bool { return !conn.IsConnected() })
		late := make(events, 100)
		if _, err := conn.WatchFunc("late", late.add); err != nil { // while there is no session
			t.Fatal(err)
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		values.want(t, nil)
		works(t, conn)
		if _, err := conn.Eval(testContext(t), "box.broadcast('again', 'new') box.broadcast('late', 'too')"); err != nil {
			t.Fatal(err)
		}
		values.want(t, "new")
		late.want(t, "too")
	})
}

func TestWatchOnce(t *testing.T) {
	onWatchers(t, func(t *testing.T, conn *tnt.Conn, broadcast func(string, any)) {
		if !conn.Features().Has(iproto.FeatureWatchOnce) {
			t.Skip("the server has no WATCH_ONCE")
		}
		broadcast("once", "value")
		e, err := conn.WatchOnce(testContext(t), "once")
		if err != nil {
			t.Fatal(err)
		}
		if v, err := e.Value(); v != "value" || err != nil {
			t.Errorf("got %v, %v", v, err)
		}
		if e, err = conn.WatchOnce(testContext(t), "once never set"); err != nil || e.IsSet() {
			t.Errorf("a key without a value: %v, %v", e, err)
		}
	})
}

func TestWatchOnOldServer(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		if p.Version.AtLeast(2, 10, 0) {
			t.Skipf("Tarantool %v has watchers", p.Version)
		}
		conn := connect(t, tnt.Options{Address: p.shared.Address})
		before := conn.Stats().Writes
		var missing *tnt.FeatureError
		if _, err := conn.WatchFunc("x", func(tnt.Event) {}); !errors.As(err, &missing) || missing.Feature != iproto.FeatureWatchers {
			t.Errorf("WatchFunc: %v", err)
		}
		for _, err := range conn.Watch(testContext(t), "x") {
			if !errors.As(err, &missing) {
				t.Errorf("Watch: %v", err)
			}
		}
		if _, err := conn.WatchOnce(testContext(t), "x"); !errors.As(err, &missing) || missing.Feature != iproto.FeatureWatchOnce {
			t.Errorf("WatchOnce: %v", err)
		}
		if conn.Stats().Writes != before {
			t.Error("something was sent")
		}
	})
}

// TestWatchBeforeConnect has a watcher wait for its first session, and end with
// the connection.
func TestWatchBeforeConnect(t *testing.T) {
	srv := tnttest.Run(t)
	if err := srv.Broadcast("key", "value"); err != nil {
		t.Fatal(err)
	}
	conn, err := tnt.New(tnt.Options{Address: srv.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan tnt.Event, 8)
	w, err := conn.WatchFunc("key", func(e tnt.Event) { came <- e })
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Connect(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if v, err := (<-came).Value(); v != "value" || err != nil {
		t.Errorf("the value is %v, %v", v, err)
	}
	disconnect(t, conn)
	<-w.Done()
	if !errors.Is(w.Err(), tnt.ErrClosed) {
		t.Errorf("the watcher ended by %v", w.Err())
	}
	if _, err := conn.WatchFunc("key", func(tnt.Event) {}); !errors.Is(err, tnt.ErrClosed) {
		t.Errorf("a watcher after the end: %v", err)
	}
}

func TestShutdown(t *testing.T) {
	onServersWith(t, 2, 10, func(t *testing.T, p *program) {
		for _, wait := range []bool{false, true} {
			s := ownServer(t, p)
			conn := connect(t, tnt.Options{Address: s.Address, ReconnectInterval: 5 * time.Millisecond, WaitConnected: wait})
			inFlight := conn.Go(testContext(t), tnt.Eval{Expr: "require('fiber').sleep(0.3) return 'done'"})
			if err := conn.Ping(testContext(t)); err != nil { // the call is there by now
				t.Fatal(err)
			}
			s.Terminate()
			eventually(t, "the shutdown is seen", func() bool { return !conn.IsConnected() })
			waiting := make(chan error, 1)
			go func() { waiting <- conn.Ping(testContext(t)) }()
			if _, err := inFlight.Wait(testContext(t)); err != nil {
				t.Errorf("a request in flight at the shutdown: %v", err)
			}
			if !wait {
				if err := <-waiting; !errors.Is(err, tnt.ErrNotConnected) || !tnt.SafeToRetry(err) {
					t.Errorf("a new request, to fail fast: %v", err)
				}
			}
			s.Stop()
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			if wait {
				if err := <-waiting; err != nil {
					t.Errorf("a new request, to wait: %v", err)
				}
			}
			works(t, conn)
		}
	})
}

// TestWatchedShutdown has the user watch what the connection watches itself, and
// no more: the value comes, and the shutdown is graceful all the same.
func TestWatchedShutdown(t *testing.T) {
	onServersWith(t, 2, 10, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		lost := make(chan error, 1)
		conn := connect(t, tnt.Options{Address: s.Address, ReconnectInterval: tnt.Never, Hooks: []tnt.Hook{
			tnt.StateFunc(func(_ *tnt.Conn, from, _ tnt.State, cause error) {
				if from == tnt.Connected {
					lost <- cause
				}
			}),
		}})
		if err := conn.Ping(testContext(t)); err != nil { // the connection has had the value
			t.Fatal(err)
		}
		came := make(chan struct{}, 1)
		w, err := conn.WatchFunc("box.shutdown", func(tnt.Event) {
			select {
			case came <- struct{}{}:
			default:
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-came:
		case <-testContext(t).Done():
			t.Error("the present value did not come")
		}
		w.Unregister()
		if err := conn.Ping(testContext(t)); err != nil { // the server has seen all that
			t.Fatal(err)
		}
		s.Terminate()
		failsWith(t, "the end", <-lost, "shutting down")
	})
}

func TestCloseGraceful(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := connect(t, tnt.Options{Address: p.shared.Address})
		inFlight := conn.Go(testContext(t), tnt.Call{Function: "hold"})
		other := connect(t, tnt.Options{Address: p.shared.Address})
		closed := make(chan error, 1)
		go func() { closed <- conn.CloseGraceful(testContext(t)) }()
		eventually(t, "no new requests are taken", func() bool {
			return errors.Is(conn.Ping(testContext(t)), tnt.ErrNotConnected)
		})
		if _, err := other.Call(testContext(t), "release"); err != nil {
			t.Fatal(err)
		}
		if _, err := inFlight.Wait(testContext(t)); err != nil {
			t.Errorf("a request in flight: %v", err)
		}
		if err := <-closed; err != nil || conn.State() != tnt.Disconnected {
			t.Errorf("closed by %v, state %v", err, conn.State())
		}

		conn = connect(t, tnt.Options{Address: p.shared.Address})
		inFlight = conn.Go(testContext(t), tnt.Call{Function: "hold"})
		ctx, cancel := context.WithTimeoutCause(testContext(t), 20*time.Millisecond, errors.New("mine"))
		defer cancel()
		if err := conn.CloseGraceful(ctx); err == nil || err.Error() != "mine" {
			t.Errorf("with a context that ended: %v", err)
		}
		if _, err := inFlight.Wait(testContext(t)); !errors.Is(err, tnt.ErrClosed) || !errors.Is(err, tnt.ErrConnectionLost) {
			t.Errorf("a request in flight at the end: %v", err)
		}
		if _, err := other.Call(testContext(t), "release"); err != nil {
			t.Fatal(err)
		}
	})
}

// TestCloseGracefulThoughRequestsWait has requests wait to be connected, which
// they need not while the connection is ended.
func TestCloseGracefulThoughRequestsWait(t *testing.T) {
	srv := tnttest.Run(t)
	began, gate := make(chan struct{}), make(chan struct{})
	srv.Handle("slow", func(*tnttest.Call) ([]any, error) {
		close(began)
		<-gate
		return nil, nil
	})
	conn := connect(t, tnt.Options{Address: srv.Addr(), WaitConnected: true})
	inFlight := conn.Go(testContext(t), tnt.Call{Function: "slow"})
	<-began
	closed := make(chan error, 1)
	go func() { closed <- conn.CloseGraceful(testContext(t)) }()
	eventually(t, "the end has begun", func() bool { return !conn.IsConnected() })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := conn.Ping(ctx); !errors.Is(err, tnt.ErrNotConnected) || ctx.Err() != nil {
		t.Errorf("a new request: %v", err)
	}
	close(gate)
	if _, err := inFlight.Wait(testContext(t)); err != nil {
		t.Errorf("the request in flight: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestRaw(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := connect(t, tnt.Options{Address: p.shared.Address})
		if _, err := conn.Do(testContext(t), tnt.Raw{RequestType: 64}); err != nil { // PING
			t.Error(err)
		}
		// EVAL: {EXPR: "return 7", TUPLE: []}
		resp, err := conn.Do(testContext(t), tnt.Raw{RequestType: 8, Body: []byte("\x82\x27\xa8return 7\x21\x90")})
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := resp.Decode(&n); err != nil || n != 7 || resp.RawBody()[0]&0xf0 != 0x80 {
			t.Errorf("got %d, %v, % x", n, err, resp.RawBody())
		}
		if _, err := conn.Do(testContext(t), tnt.Raw{RequestType: 999}); !errors.Is(err, errcode.UnknownRequestType) {
			t.Errorf("a type nobody knows: %v", err)
		}
	})
}
