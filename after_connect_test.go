package tnt_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/tnttest"
)

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

// TestAfterConnectAsksForNoSpace has an AfterConnect ask for a space that is not there,
// which is no sign of a server that starts: the attempt ends, however long it may take.
func TestAfterConnectAsksForNoSpace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := tnttest.Start(tnttest.InMemory())
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		_, err = tnt.ConnectOptions(ctx, tnt.Options{
			Dialer: srv.DialContext, ConnectOnce: true, ConnectTimeout: tnt.Never,
			AfterConnect: func(ctx context.Context, s *tnt.Pinned) error {
				return tnt.Exec(ctx, s, tnt.Select{SpaceID: 999, Key: tnt.K(1)})
			},
		})
		if !errors.Is(err, errcode.NoSuchSpace) || time.Since(began) > 0 {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// TestPinnedOfAFailedAfterConnect has what is left of a session whose AfterConnect
// failed say why it is lost.
func TestPinnedOfAFailedAfterConnect(t *testing.T) {
	srv := embedded(t)
	mine := errors.New("mine")
	var pinned *tnt.Pinned
	_, err := tnt.ConnectOptions(testContext(t), tnt.Options{Dialer: srv.DialContext, ConnectOnce: true, AfterConnect: func(_ context.Context, p *tnt.Pinned) error {
		pinned = p
		return mine
	}})
	if !errors.Is(err, mine) {
		t.Fatal(err)
	}
	if err := pinned.Err(); !errors.Is(err, mine) || !errors.Is(err, tnt.ErrSessionLost) {
		t.Errorf("the session was lost for %v", err)
	}
}
