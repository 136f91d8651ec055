package tnt_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/tnttest"
)

// works waits until a request succeeds and checks that names resolve.
func works(t *testing.T, conn *tnt.Conn) {
	t.Helper()
	eventually(t, "the connection works again", func() bool { return conn.Ping(testContext(t)) == nil })
	if _, err := conn.Replace(testContext(t), "tester", []any{1, "x", 1, nil}); err != nil {
		t.Errorf("after the return: %v", err)
	}
}

func TestReconnect(t *testing.T) {
	ways := map[string]func(s *tarantool.Server){
		"killed":     (*tarantool.Server).Kill,
		"segfaulted": (*tarantool.Server).Segfault,
		"stopped":    (*tarantool.Server).Stop,
	}
	onServers(t, func(t *testing.T, p *program) {
		for name, end := range ways {
			t.Run(name, func(t *testing.T) {
				s := ownServer(t, p)
				conn := connect(t, tnt.Options{
					Address: s.Address, User: "alice", Password: "s3cret", ReconnectInterval: 5 * time.Millisecond,
				})
				end(s)
				eventually(t, "the loss is seen", func() bool { return !conn.IsConnected() })
				if err := conn.Ping(testContext(t)); !errors.Is(err, tnt.ErrNotConnected) {
					t.Errorf("while the server is away: %v", err)
				}
				if err := s.Run(); err != nil {
					t.Fatal(err)
				}
				works(t, conn)
				resp, err := conn.Eval(testContext(t), "return box.session.user()")
				if err != nil {
					t.Fatal(err)
				}
				if data, _ := resp.Data(); data[0] != "alice" {
					t.Errorf("the user is %v after the reconnect", data)
				}
			})
		}
	})
}

func TestReconnectInFlight(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address, ReconnectInterval: 5 * time.Millisecond})
		f := conn.Go(testContext(t), tnt.Call{Function: "wait", Args: []any{30}})
		if err := conn.Ping(testContext(t)); err != nil {
			t.Fatal(err)
		}
		s.Kill()
		if _, err := f.Wait(testContext(t)); !errors.Is(err, tnt.ErrConnectionLost) || errors.Is(err, tnt.ErrNotConnected) || tnt.SafeToRetry(err) {
			t.Errorf("a request in flight at a crash: %v", err)
		}
	})
}

func TestWaitConnected(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address, ReconnectInterval: 5 * time.Millisecond, WaitConnected: true})
		s.Kill()
		eventually(t, "the loss is seen", func() bool { return !conn.IsConnected() })
		done := make(chan error, 1)
		go func() { done <- conn.Ping(testContext(t)) }()
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Errorf("a request that waited for the connection: %v", err)
		}
	})
}

// TestWaitConnectedAtTheLoss has requests begin all the time while connections are
// lost: each was sent, or waits for the next connection.
func TestWaitConnectedAtTheLoss(t *testing.T) {
	srv := tnttest.Run(t)
	conn := connect(t, tnt.Options{Address: srv.Addr(), ReconnectInterval: time.Millisecond, WaitConnected: true})
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !stop.Load() {
				if err := conn.Ping(testContext(t)); tnt.SafeToRetry(err) {
					t.Errorf("a request that was to wait: %v", err)
					return
				}
			}
		})
	}
	for range 50 {
		eventually(t, "the connection is up", func() bool { return conn.IsConnected() && len(srv.Connections()) == 1 })
		srv.Connections()[0].Close()
	}
	stop.Store(true)
	wg.Wait()
}

// TestWaitConnectedEnds waits for a server that doesn't come back.
func TestWaitConnectedEnds(t *testing.T) {
	srv := tnttest.Run(t)
	conn := connect(t, tnt.Options{
		Address: srv.Addr(), WaitConnected: true, ReconnectInterval: time.Hour, RequestTimeout: 200 * time.Millisecond,
	})
	srv.Connections()[0].Close()
	eventually(t, "the loss is seen", func() bool { return conn.State() == tnt.Reconnecting })
	err := conn.Ping(context.Background())
	if !errors.Is(err, tnt.ErrTimeout) || !errors.Is(err, tnt.ErrNotConnected) || !tnt.SafeToRetry(err) {
		t.Errorf("after RequestTimeout: %v", err)
	}
	cause := errors.New("my cause")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, cause)
	defer cancel()
	err = conn.Ping(ctx)
	if !errors.Is(err, cause) || !errors.Is(err, tnt.ErrNotConnected) || errors.Is(err, tnt.ErrTimeout) || !tnt.SafeToRetry(err) {
		t.Errorf("after the context's end: %v", err)
	}
}

func TestReconnectMethod(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn, err := tnt.New(tnt.Options{Address: p.shared.Address})
		if err != nil {
			t.Fatal(err)
		}
		defer disconnect(t, conn)
		for _, from := range []string{"idle", "connected"} {
			if err := conn.Reconnect(testContext(t)); err != nil {
				t.Errorf("from %s: %v", from, err)
			}
			if err := conn.Ping(testContext(t)); err != nil {
				t.Errorf("from %s: %v", from, err)
			}
		}
	})
}

func TestReconnectMethodWhileReconnecting(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address, ReconnectInterval: time.Hour})
		s.Kill()
		eventually(t, "it waits for the next attempt", func() bool { return conn.State() == tnt.Reconnecting })
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		if err := conn.Reconnect(testContext(t)); err != nil {
			t.Fatal(err)
		}
		works(t, conn)
	})
}

func TestNoReconnect(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address, ReconnectInterval: tnt.Never})
		s.Kill()
		eventually(t, "it is disconnected", func() bool { return conn.State() == tnt.Disconnected })
		if err := conn.Ping(testContext(t)); !errors.Is(err, tnt.ErrNotConnected) {
			t.Error(err)
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		if err := conn.Connect(testContext(t)); err != nil {
			t.Fatal(err)
		}
		works(t, conn)
	})
}

func TestReconnectStorm(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := connect(t, tnt.Options{Address: p.shared.Address})
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for range 10 {
					if i%2 == 0 {
						_ = conn.Reconnect(testContext(t))
						continue
					}
					_ = conn.Ping(testContext(t))
					_ = conn.RefetchSchema(testContext(t))
				}
			})
		}
		wg.Wait()
		if err := conn.Connect(testContext(t)); err != nil {
			t.Fatal(err)
		}
		works(t, conn)
	})
}

func TestPausedServer(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{
			Address: s.Address, ReconnectInterval: 5 * time.Millisecond, ConnectTimeout: 100 * time.Millisecond,
			PingInterval: 10 * time.Millisecond, DeadAfter: 50 * time.Millisecond,
		})
		s.Pause()
		eventually(t, "the silence is noticed", func() bool { return !conn.IsConnected() })
		s.Resume()
		works(t, conn)
	})
}
