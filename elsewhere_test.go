package tnt_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// inOrder goes to each of its connections once, in their order.
type inOrder struct {
	conns []*tnt.Conn
	asked atomic.Int64
}

func (x *inOrder) Route(ctx context.Context, a tnt.Attempt) (tnt.Route, error) {
	x.asked.Add(1)
	if a.Try > len(x.conns) {
		return tnt.Route{}, a.Err
	}
	return x.conns[a.Try-1].Route(ctx, tnt.Attempt{Request: a.Request, Try: 1})
}

// several returns servers with a space "users", and an executor of all.
func several(t *testing.T, n int) ([]*tnttest.Server, *inOrder) {
	t.Helper()
	x := &inOrder{}
	var servers []*tnttest.Server
	for range n {
		srv := withUsers(t)
		servers = append(servers, srv)
		x.conns = append(x.conns, connect(t, tnt.Options{Address: srv.Addr(), PingInterval: tnt.Never}))
	}
	return servers, x
}

// TestRefusedIsFinal asks no other server for what one has refused.
func TestRefusedIsFinal(t *testing.T) {
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			servers, x := several(t, 2)
			req := tnt.Insert{Space: "users", Tuple: []any{1, "x"}}
			do(t, x.conns[0], req)
			x.asked.Store(0)
			if err := write(testContext(t), x, req); !errors.Is(err, errcode.TupleFound) || x.asked.Load() != 1 {
				t.Errorf("after %d tries: %v", x.asked.Load(), err)
			}
			if n := servers[1].Counters().Requests[iproto.TypeInsert]; n != 0 {
				t.Errorf("the other server was asked %d times", n)
			}
		})
	}
}

// TestRefusedByAReplica does elsewhere, and once, what a replica does not do; and
// where all refuse it the error is that of the last.
func TestRefusedByAReplica(t *testing.T) {
	for _, all := range []bool{false, true} {
		for name, write := range writes {
			servers, x := several(t, 2)
			readonly := tnttest.Fault{On: iproto.TypeInsert, Error: &tnt.Error{Code: errcode.Readonly, Message: "read-only"}}
			servers[0].Inject(readonly)
			if all {
				servers[1].Inject(readonly)
			}
			err := write(testContext(t), x, tnt.Insert{Space: "users", Tuple: []any{1, "x"}})
			if all != errors.Is(err, errcode.Readonly) || all != (err != nil) {
				t.Errorf("%s, all of them replicas %v: %v", name, all, err)
			}
			for i, srv := range servers {
				n := srv.Counters().Requests[iproto.TypeInsert]
				if all && name == "Go" && n == 2 {
					continue // Go itself was told in time, and then whoever waited tried once more
				}
				if n != 1 {
					t.Errorf("%s, all of them replicas %v: server %d was asked %d times", name, all, i+1, n)
				}
			}
		}
	}
}

// TestFutureIsDoneAgainOnce has several wait for a future that is done again by the
// first of them: all have the one answer, then and later.
func TestFutureIsDoneAgainOnce(t *testing.T) {
	for _, fails := range []bool{false, true} {
		servers, x := several(t, 2)
		servers[0].Inject(tnttest.Fault{On: iproto.TypeInsert, Delay: 5 * time.Millisecond, Error: &tnt.Error{Code: errcode.Readonly, Message: "read-only"}})
		second := tnttest.Fault{On: iproto.TypeInsert, Delay: 50 * time.Millisecond} // so that the others come to wait
		if fails {
			second.Error = &tnt.Error{Code: errcode.TupleFound, Message: "mine"}
		}
		servers[1].Inject(second)
		f := tnt.Go(testContext(t), x, tnt.Insert{Space: "users", Tuple: []any{1, "x"}})
		<-f.Done()
		check := func() {
			resp, err := f.Wait(testContext(t))
			if fails != errors.Is(err, errcode.TupleFound) || fails != (err != nil) {
				t.Errorf("failing %v: %v", fails, err)
			}
			if rows, err := resp.Data(); !fails && (err != nil || len(rows) != 1) {
				t.Errorf("got %v, %v", rows, err)
			}
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(check)
		}
		wg.Wait()
		check()
		if n := servers[1].Counters().Requests[iproto.TypeInsert]; n != 1 {
			t.Errorf("it was done again %d times", n)
		}
	}
}

// TestWaitBesideOneThatDoesAgain gives up a wait for an answer that somebody else
// waits for.
func TestWaitBesideOneThatDoesAgain(t *testing.T) {
	servers, x := several(t, 2)
	servers[0].Inject(tnttest.Fault{On: iproto.TypeInsert, Delay: 5 * time.Millisecond, Error: &tnt.Error{Code: errcode.Readonly, Message: "read-only"}})
	remove := servers[1].Inject(tnttest.Fault{On: iproto.TypeInsert, Drop: true})
	defer remove()
	f := tnt.Go(testContext(t), x, tnt.Insert{Space: "users", Tuple: []any{1, "x"}})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := f.Wait(ctx)
		first <- err
	}()
	eventually(t, "the request is done again", func() bool { return servers[1].Counters().Requests[iproto.TypeInsert] == 1 })
	cause := errors.New("mine")
	other, giveUp := context.WithCancelCause(t.Context())
	giveUp(cause)
	if _, err := f.Wait(other); !errors.Is(err, cause) {
		t.Errorf("who gave up: %v", err)
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("who does it: %v", err)
	}
}

// TestBatchGoesElsewhere does a batch on the first connection that is up.
func TestBatchGoesElsewhere(t *testing.T) {
	servers, x := several(t, 3)
	for _, conn := range x.conns[:2] {
		disconnect(t, conn)
	}
	for i, result := range tnt.Batch(testContext(t), x, tnt.Ping{}, tnt.Insert{Space: "users", Tuple: []any{1, "x"}}) {
		if result.Err != nil {
			t.Errorf("request %d: %v", i, result.Err)
		}
	}
	if n := servers[2].Counters().Requests[iproto.TypeInsert]; n != 1 {
		t.Errorf("%d inserts", n)
	}
	disconnect(t, x.conns[2])
	for i, result := range tnt.Batch(testContext(t), x, tnt.Ping{}, tnt.Ping{}) {
		if !errors.Is(result.Err, tnt.ErrNotConnected) || !tnt.SafeToRetry(result.Err) {
			t.Errorf("without any connection, request %d: %v", i, result.Err)
		}
	}
}

// TestAnswersWithoutAServer does each way of a request by an Answer.
func TestAnswersWithoutAServer(t *testing.T) {
	mine := errors.New("mine")
	var asked atomic.Int64
	var failure error
	ex := tnt.Answer(func(context.Context, tnt.Request) (tnt.Response, error) {
		asked.Add(1)
		if failure != nil {
			return tnt.Response{}, failure
		}
		return tnt.NewResponse([]any{1, "x"})
	})
	req := tnt.Insert{Space: "users", Tuple: []any{1, "x"}}
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(mine)
	for name, write := range writes {
		failure = nil
		if err := write(testContext(t), ex, req); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		failure = &tnt.Error{Code: errcode.TupleFound, Message: "there"}
		err := write(testContext(t), ex, req)
		var re *tnt.RequestError
		if !errors.Is(err, errcode.TupleFound) || !errors.As(err, &re) || re.Fate() != tnt.FateRefused || re.Request.Space != "users" {
			t.Errorf("%s, refused: %v", name, err)
		}
		asked.Store(0)
		if err := write(ended, ex, req); !errors.Is(err, mine) || !tnt.SafeToRetry(err) || asked.Load() != 0 {
			t.Errorf("%s, after the end of its context: %v, asked %d times", name, err, asked.Load())
		}
		failure = err
		if err := write(testContext(t), ex, req); err == nil || err.Error() != failure.Error() {
			t.Errorf("%s: %v became %v", name, failure, err)
		}
	}
}

// unencodable is no tuple.
var unencodable = []any{make(chan int)}

// TestNothingStaysInFlight has each way of a request fail in ways that leave the
// connection whole: nothing counts as in flight afterwards.
func TestNothingStaysInFlight(t *testing.T) {
	srv := withUsers(t)
	conn := connect(t, tnt.Options{Address: srv.Addr(), PingInterval: tnt.Never})
	do(t, conn, tnt.Insert{Space: "users", Tuple: []any{1, "x"}})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, write := range writes {
		if err := write(testContext(t), conn, tnt.Insert{Space: "users", Tuple: []any{1, "x"}}); !errors.Is(err, errcode.TupleFound) {
			t.Errorf("%s, refused: %v", name, err)
		}
		if err := write(testContext(t), conn, tnt.Insert{Space: "users", Tuple: unencodable}); err == nil || !tnt.SafeToRetry(err) {
			t.Errorf("%s, not encoded: %v", name, err)
		}
		if err := write(testContext(t), conn, tnt.Insert{Space: "nowhere", Tuple: []any{1}}); err == nil || !tnt.SafeToRetry(err) {
			t.Errorf("%s, no such space: %v", name, err)
		}
		if err := write(ended, conn, tnt.Insert{Space: "users", Tuple: []any{2, "x"}}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, given up: %v", name, err)
		}
		eventually(t, name+" leaves nothing in flight", func() bool { return conn.Stats().InFlight == 0 })
	}
	for _, err := range tnt.Each[any](testContext(t), conn, make([]tnt.Ping, 300)) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	eventually(t, "an Each whose loop was left leaves nothing in flight", func() bool { return conn.Stats().InFlight == 0 })
	if err := conn.CloseGraceful(testContext(t)); err != nil {
		t.Error(err)
	}
}
