package tnt_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/tnttest"
)

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
