package tnttest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// TestFaultsTakeTheirTime has faults that keep a request from being executed come as
// late as they say, outside and inside of a stream, and hold up nobody else.
func TestFaultsTakeTheirTime(t *testing.T) {
	loading := &tnt.Error{Code: errcode.Loading, Message: "loading"}
	for name, test := range map[string]struct {
		fault tnttest.Fault
		is    error
	}{
		"an error after a delay": {tnttest.Fault{Delay: time.Second, Error: loading}, errcode.Loading},
		"a late error":           {tnttest.Fault{Late: time.Second, Error: loading}, errcode.Loading},
		"closed after a delay":   {tnttest.Fault{Delay: time.Second, CloseBefore: true}, tnt.ErrConnectionLost},
	} {
		for _, on := range []iproto.Type{iproto.TypeInsert, iproto.TypeCall} {
			for _, streamed := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%v/%v", name, on, streamed), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						srv := tnttest.Run(t, tnttest.InMemory(), membersSpace)
						executed := false
						srv.Handle("do", func(*tnttest.Call) ([]any, error) { executed = true; return nil, nil })
						conn := inMemory(t, srv)
						test.fault.On = on
						srv.Inject(test.fault)
						var ex tnt.Executor = conn
						if streamed {
							ex = conn.Stream()
						}
						var req tnt.Request = tnt.Call{Function: "do"}
						if on == iproto.TypeInsert {
							req = tnt.Insert{SpaceID: 512, Tuple: []any{1, 1}}
						}
						began := time.Now()
						slow := tnt.Go(t.Context(), ex, req)
						synctest.Wait()
						if err := conn.Ping(t.Context()); err != nil || time.Since(began) != 0 {
							t.Errorf("another request took %v: %v", time.Since(began), err)
						}
						_, err := slow.Wait(t.Context())
						if !errors.Is(err, test.is) || time.Since(began) != time.Second {
							t.Errorf("after %v: %v", time.Since(began), err)
						}
						if n, err := srv.Space("kv").Len(); n != 0 || err != nil || executed {
							t.Errorf("it was executed: %d, %v, %v", n, executed, err)
						}
					})
				})
			}
		}
	}
}

// TestFaultInsideOfAStream has an error answer in its turn.
func TestFaultInsideOfAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := tnttest.Run(t, tnttest.InMemory(), membersSpace)
		release := make(chan struct{})
		srv.Handle("held", func(*tnttest.Call) ([]any, error) { <-release; return nil, nil })
		conn := inMemory(t, srv)
		srv.Inject(tnttest.Fault{On: iproto.TypeInsert, Error: &tnt.Error{Code: errcode.Loading}})
		s := conn.Stream()
		first := s.Go(t.Context(), tnt.Call{Function: "held"})
		synctest.Wait()
		second := s.Go(t.Context(), tnt.Insert{SpaceID: 512, Tuple: []any{1, 1}})
		synctest.Wait()
		select {
		case <-second.Done():
			t.Error("the second request was answered before the first")
		default:
		}
		close(release)
		if _, err := first.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := second.Wait(t.Context()); !errors.Is(err, errcode.Loading) {
			t.Error(err)
		}
	})
}

// TestFaultsOfWatch has a WATCH of one key go wrong in each way that an answer can: of
// the event that it brings about.
func TestFaultsOfWatch(t *testing.T) {
	for name, test := range map[string]struct {
		fault tnttest.Fault
		after time.Duration // -1: never
		lost  bool          // the connection
	}{
		"delay":           {tnttest.Fault{Delay: time.Second}, time.Second, false},
		"late":            {tnttest.Fault{Late: time.Second}, time.Second, false},
		"dropped":         {tnttest.Fault{Drop: true}, -1, false},
		"cut":             {tnttest.Fault{Cut: true}, -1, true},
		"garbage":         {tnttest.Fault{Garbage: []byte{0xc1, 0xc1, 0xc1}}, -1, true},
		"closed before":   {tnttest.Fault{CloseBefore: true}, -1, true},
		"closed after":    {tnttest.Fault{CloseAfter: true}, -1, true},
		"of another key":  {tnttest.Fault{Key: "other", Drop: true}, 0, false},
		"of another type": {tnttest.Fault{On: iproto.TypeWatchOnce, Drop: true}, 0, false},
		"of any request":  {tnttest.Fault{On: tnttest.AnyRequest, Key: "key", Late: time.Second}, time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := tnttest.Run(t, tnttest.InMemory())
				if err := srv.Broadcast("key", "value"); err != nil {
					t.Fatal(err)
				}
				conn := inMemory(t, srv)
				f := test.fault
				if f.On == 0 {
					f.On = iproto.TypeWatch
				}
				if f.Key == "" {
					f.Key = "key"
				}
				f.Times = 1
				srv.Inject(f)
				began, came := time.Now(), time.Duration(-1)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				for event, err := range conn.Watch(ctx, "key") {
					if value, _ := event.Value(); err == nil && value == "value" {
						came = time.Since(began)
					}
					break
				}
				if came != test.after || conn.IsConnected() == test.lost {
					t.Errorf("the event came after %v, want %v; connected: %v", came, test.after, conn.IsConnected())
				}
				if test.lost {
					return
				}
				if _, err := conn.WatchOnce(t.Context(), "other"); err != nil && f.On != iproto.TypeWatchOnce {
					t.Error(err)
				}
			})
		})
	}
}

// inMemory connects to a server that listens nowhere.
func inMemory(t *testing.T, srv *tnttest.Server) *tnt.Conn {
	t.Helper()
	conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{
		Address: "memory:1", Dialer: srv.DialContext, PingInterval: tnt.Never, ReconnectInterval: tnt.Never,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Disconnect(context.Background()) })
	return conn
}

func TestFaultOfASpaceOfArrow(t *testing.T) {
	srv := tnttest.Run(t, membersSpace)
	conn, err := tnt.Connect(t.Context(), srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	srv.Inject(tnttest.Fault{On: iproto.TypeInsertArrow, Space: "kv", Error: &tnt.Error{Code: errcode.Loading}})
	if err := tnt.Exec(t.Context(), conn, tnt.InsertArrow{Space: "kv", IPC: []byte{1}}); !errors.Is(err, errcode.Loading) {
		t.Error(err)
	}
}
