package queue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/queue"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

// calls returns how many functions were called.
func (w world) calls() int { return int(w.srv.Counters().Requests[iproto.TypeCall]) }

// Of a pool with several connections to the master one is the session: that the next
// request would have another is no switch of the master.
func TestSeveralConnections(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		p, err := pool.Open(t.Context(), pool.Options{Connections: 2, Instances: []pool.Instance{{Name: "a", Options: tnt.Options{Dialer: w.srv.DialContext}}}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = p.Close() }()
		c, err := queue.Open(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close(t.Context()) }()
		before := w.calls()
		time.Sleep(time.Minute)
		if n := w.calls() - before; n > 0 {
			t.Errorf("%d new sessions in a quiet minute", n)
		}
	})
}

// A queue that says that it runs and whose server is read-only is not asked all the time.
func TestReadonlyThatRuns(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		w.srv.Handle("queue.tube.jobs:put", func(*tnttest.Call) ([]any, error) {
			return nil, &types.Error{Type: "ClientError", Code: errcode.Readonly, Message: "read-only"}
		})
		before := w.calls()
		_, err := w.jobs.Put(t.Context(), 1)
		if n := w.calls() - before; !errors.Is(err, queue.ErrNotRunning) || n > 500 || n < 10 {
			t.Errorf("%d requests: %v", n, err)
		}
	})
}

// Who waits for another to finish a task waits no longer than his context does.
func TestFinishingBeside(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		put(t, w.jobs, 1)
		task := take[int](t, w.jobs)
		w.srv.Inject(tnttest.Fault{On: iproto.TypeCall, Delay: time.Hour, Times: 1})
		done := make(chan error, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() { done <- task.Ack(ctx) }()
		time.Sleep(time.Millisecond)
		for name, do := range map[string]func(context.Context) error{
			"Ack": task.Ack, "Touch": func(ctx context.Context) error { return task.Touch(ctx, time.Second) },
		} {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			err := do(ctx)
			cancel()
			if took := time.Since(began); err == nil || took > time.Second {
				t.Errorf("%s: %v after %v", name, err, took)
			}
		}
		if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the first ended with %v", err)
		}
	})
}
