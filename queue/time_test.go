package queue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/queue"
	"github.com/gotnt/tnt/tnttest"
)

// openWith is open on a connection with options of its own.
func (w world) openWith(t *testing.T, opts tnt.Options) *queue.Client {
	t.Helper()
	opts.Dialer = w.srv.DialContext
	c, err := queue.Open(t.Context(), connect(t, opts))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// noDeadline is a context that has none, and ends all the same when a test would
// otherwise last for ever.
func noDeadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stop := time.AfterFunc(10*time.Minute, cancel)
	t.Cleanup(func() { stop.Stop(); cancel() })
	return ctx
}

type heldTask = *queue.Task[string]

// calls are all that have an end of their own, on a tube that is full, or with a task
// of another that is held.
var calls = map[string]func(context.Context, *queue.Client, heldTask) error{
	"Put": func(ctx context.Context, c *queue.Client, _ heldTask) error {
		_, err := c.Tube("full").Put(ctx, "x")
		return err
	},
	"TryTake": func(ctx context.Context, c *queue.Client, _ heldTask) error {
		_, err := queue.TryTake[any](ctx, c.Tube("full"))
		return err
	},
	"Peek": func(ctx context.Context, c *queue.Client, _ heldTask) error {
		_, err := queue.Peek[any](ctx, c.Tube("full"), 0)
		return err
	},
	"Kick": func(ctx context.Context, c *queue.Client, _ heldTask) error {
		_, err := c.Tube("full").Kick(ctx, 1)
		return err
	},
	"Truncate": func(ctx context.Context, c *queue.Client, _ heldTask) error { return c.Tube("full").Truncate(ctx) },
	"Statistics": func(ctx context.Context, c *queue.Client, _ heldTask) error {
		_, err := c.Tube("nope").Statistics(ctx)
		return err
	},
	"Create": func(ctx context.Context, c *queue.Client, _ heldTask) error {
		_, err := c.Create(ctx, "more", queue.FIFO, queue.CreateOptions{})
		return err
	},
	"Ack":   func(ctx context.Context, _ *queue.Client, task heldTask) error { return task.Ack(ctx) },
	"Touch": func(ctx context.Context, _ *queue.Client, task heldTask) error { return task.Touch(ctx, time.Second) },
}

// Each call ends when RequestTimeout is over, whatever it waits for and however many
// requests it takes.
func TestCallsEndByOneDeadline(t *testing.T) {
	const timeout = 2 * time.Second
	for what, makeItSo := range map[string]func(world){
		"unanswered":  func(w world) { w.srv.Inject(tnttest.Fault{On: tnttest.AnyRequest, Drop: true}) },
		"not running": func(w world) { w.fake.SetState("WAITING") },
		"gone": func(w world) {
			w.srv.RefuseConnections(true)
			w.cut()
		},
		"slow": func(w world) { // one request is in time, and two are not
			for _, on := range []iproto.Type{iproto.TypeCall, iproto.TypeEval} {
				w.srv.Inject(tnttest.Fault{On: on, Late: timeout * 2 / 3})
			}
		},
	} {
		for how, call := range calls {
			t.Run(what+" "+how, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w world) {
					w.fake.CreateLimited("full", 1)
					c := w.openWith(t, tnt.Options{RequestTimeout: timeout, PingInterval: tnt.Never})
					put(t, c.Tube("full"), "x")
					put(t, c.Tube("jobs"), "x")
					task := take[string](t, c.Tube("jobs"))
					makeItSo(w)
					began := time.Now()
					err := call(noDeadline(t), c, task)
					took := time.Since(began)
					// Statistics asks why it was refused, and has the refusal without that.
					refused := what == "slow" && how == "Statistics"
					if timedOut := errors.Is(err, tnt.ErrTimeout); took > timeout || timedOut != (took == timeout && !refused) {
						t.Errorf("it took %v and ended with %v", took, err)
					}
					if what == "slow" && how == "Put" && took != timeout {
						t.Errorf("a put that takes several requests ended after %v: the test shows nothing", took)
					}
				})
			})
		}
	}
}

// Without a RequestTimeout a call goes on to other sessions until MaxWait is over, and
// no longer.
func TestMaxWaitBoundsCalls(t *testing.T) {
	const maxWait, request = 10 * time.Second, time.Second
	for how, c := range map[string]struct {
		method string
		call   func(context.Context, *queue.Client, heldTask) error
	}{"Peek": {"queue.tube.full:peek", calls["Peek"]}, "Ack": {"queue.tube.jobs:ack", calls["Ack"]}} {
		t.Run(how, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w world) {
				put(t, w.jobs, "x")
				task := take[string](t, w.jobs)
				w.srv.Handle(c.method, func(c *tnttest.Call) ([]any, error) {
					time.Sleep(request)
					c.Conn().Close()
					return nil, nil
				})
				began := time.Now()
				err := c.call(noDeadline(t), w.client, task)
				if took := time.Since(began); took < maxWait || took > maxWait+request {
					t.Errorf("it took %v", took)
				}
				// It may have been done each time.
				if !errors.Is(err, tnt.ErrConnectionLost) || tnt.SafeToRetry(err) {
					t.Errorf("it ended with %v", err)
				}
			})
		})
	}
	t.Run("TryTake", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w world) {
			w.srv.Handle("queue.tube.jobs:take", func(c *tnttest.Call) ([]any, error) {
				<-c.Context().Done()
				return nil, c.Context().Err()
			})
			began := time.Now()
			_, err := queue.TryTake[any](noDeadline(t), w.jobs)
			if took := time.Since(began); !errors.Is(err, queue.ErrNotRunning) || took < maxWait || took > maxWait+5*time.Second {
				t.Errorf("it took %v and ended with %v", took, err)
			}
		})
	})
}

// What a call that was lost has done is not known, also where no master is found then.
func TestLostBeforeNotRunning(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		put(t, w.jobs, "x")
		task := take[string](t, w.jobs)
		w.srv.Handle("queue.tube.jobs:ack", func(*tnttest.Call) ([]any, error) {
			w.srv.RefuseConnections(true)
			for _, c := range w.srv.Connections() {
				c.Close()
			}
			return nil, nil
		})
		err := task.Ack(t.Context())
		if !errors.Is(err, tnt.ErrConnectionLost) || !errors.Is(err, queue.ErrNotRunning) || tnt.SafeToRetry(err) {
			t.Errorf("its time is over: %v", err)
		}
		w.srv.RefuseConnections(false)
		if _, err := w.client.State(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = task.Ack(ctx)
		if !errors.Is(err, tnt.ErrConnectionLost) || !errors.Is(err, context.DeadlineExceeded) || tnt.SafeToRetry(err) {
			t.Errorf("its context has ended: %v", err)
		}
	})
}

// A put that waits for room waits as long as it is to, whatever RequestTimeout is.
func TestPutWaitsForRoom(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		c := w.openWith(t, tnt.Options{RequestTimeout: time.Second})
		w.srv.Handle("queue.tube.jobs:put", func(*tnttest.Call) ([]any, error) {
			time.Sleep(4 * time.Second)
			return []any{[]any{7, "r", "x"}}, nil
		})
		if id, err := c.Tube("jobs").Put(t.Context(), "x", queue.PutOptions{Wait: 5 * time.Second}); id != 7 || err != nil {
			t.Errorf("put %d, %v", id, err)
		}
		began := time.Now()
		id, err := c.Tube("jobs").Put(t.Context(), "x", queue.PutOptions{Wait: 2 * time.Second})
		if took := time.Since(began); took != 3*time.Second || !errors.Is(err, tnt.ErrTimeout) || id != queue.NoID {
			t.Errorf("put %d, %v after %v", id, err, took)
		}
	})
}

// Close does not wait for a server that does not answer for longer than it says.
func TestCloseEnds(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		c := w.openWith(t, tnt.Options{PingInterval: tnt.Never})
		hang := func(c *tnttest.Call) ([]any, error) {
			<-c.Context().Done()
			return nil, c.Context().Err()
		}
		w.srv.Handle("queue.tube.jobs:take", func(*tnttest.Call) ([]any, error) {
			time.Sleep(9 * time.Second)
			return []any{[]any{7, "t", "x"}}, nil
		})
		w.srv.Handle("queue.tube.jobs:release", hang)
		ctx, cancel := context.WithCancel(t.Context())
		stop := time.AfterFunc(time.Millisecond, cancel)
		defer stop.Stop()
		if _, err := queue.Take[any](ctx, c.Tube("jobs")); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		began := time.Now()
		if err := c.Close(context.Background()); err != nil || time.Since(began) > 10*time.Second {
			t.Errorf("closed after %v: %v", time.Since(began), err)
		}
	})
}

// The first task of a tube has the number 0, which is not that of no task.
func TestNumberOfNoTask(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		put(t, w.jobs, "x")
		told := make(map[queue.ID]error)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := queue.Work(ctx, w.jobs, queue.WorkOptions{OnError: func(id queue.ID, err error) { told[id] = err }}, func(context.Context, heldTask) error {
			time.AfterFunc(time.Second, func() { w.fake.SetState("WAITING") })
			return queue.ErrBury
		})
		if err != nil || len(told) != 2 || !errors.Is(told[0], queue.ErrBury) || !errors.Is(told[queue.NoID], queue.ErrNotRunning) {
			t.Errorf("%v, told of %v", err, told)
		}
	})
}
