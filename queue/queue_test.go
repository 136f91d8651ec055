package queue_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/queue"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/queuetest"
)

// world is a fake queue and a client of it, in a bubble of time.
type world struct {
	srv    *tnttest.Server
	fake   *queuetest.Queue
	client *queue.Client
	jobs   queue.Tube
}

func inWorld(t *testing.T, fn func(t *testing.T, w world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := tnttest.Run(t, tnttest.InMemory())
		w := world{srv: srv, fake: queuetest.Attach(srv)}
		w.fake.Create("jobs", "fifottl")
		w.client = w.open(t)
		w.jobs = w.client.Tube("jobs")
		defer func() {
			if err := w.client.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		fn(t, w)
	})
}

func (w world) open(t *testing.T) *queue.Client {
	t.Helper()
	conn := connect(t, tnt.Options{Dialer: w.srv.DialContext})
	c, err := queue.Open(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// connect makes a connection that ends with the test, and starts it.
func connect(t *testing.T, opts tnt.Options) *tnt.Conn {
	t.Helper()
	conn, err := tnt.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.Start()
	return conn
}

// cut ends all connections and returns when the server has seen that.
func (w world) cut() {
	for _, c := range w.srv.Connections() {
		c.Close()
		<-c.Done()
	}
}

func (w world) states() (states string) {
	for _, k := range w.fake.Tasks("jobs") {
		states += k.State
	}
	return states
}

func put(t *testing.T, tube queue.Tube, data ...any) {
	t.Helper()
	for _, d := range data {
		if _, err := tube.Put(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
}

func take[T any](t *testing.T, tube queue.Tube) *queue.Task[T] {
	t.Helper()
	task, err := queue.Take[T](t.Context(), tube)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func TestTasks(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		type mail struct {
			To string
			No int
		}
		put(t, w.jobs, mail{"ann", 1}, nil, "text")
		if task := take[mail](t, w.jobs); task.Data != (mail{"ann", 1}) || task.Ack(t.Context()) != nil {
			t.Errorf("a struct: %+v", task)
		}
		if task := take[any](t, w.jobs); task.Data != nil || task.Ack(t.Context()) != nil {
			t.Errorf("nil: %+v", task)
		}
		task, err := queue.Take[int](t.Context(), w.jobs)
		var bad *tnt.DecodeError
		if !errors.As(err, &bad) || task == nil {
			t.Fatalf("data of another type: %v, %v", task, err)
		}
		if err := task.Bury(t.Context()); err != nil || w.states() != "!" {
			t.Errorf("burying it: %v, %s", err, w.states())
		}
		if err := task.Ack(t.Context()); !errors.Is(err, queue.ErrNotTaken) {
			t.Errorf("after it was buried: %v", err)
		}
		if n, err := w.jobs.Kick(t.Context(), 5); n != 1 || err != nil {
			t.Errorf("kicked %d, %v", n, err)
		}
		if e, err := queue.Peek[string](t.Context(), w.jobs, task.ID); err != nil || e.Data != "text" || e.State != queue.Ready {
			t.Errorf("peeked %v, %v", e, err)
		}
	})
}

func TestErrorsHaveNames(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		ctx := t.Context()
		if _, err := w.client.Tube("nope").Put(ctx, 1); !errors.Is(err, queue.ErrNoTube) {
			t.Errorf("a tube that is not there: %v", err)
		}
		if _, err := queue.Peek[any](ctx, w.jobs, 7); !errors.Is(err, queue.ErrNoTask) {
			t.Errorf("a task that is not there: %v", err)
		}
		if _, err := queue.TryTake[any](ctx, w.jobs); !errors.Is(err, queue.ErrNoTask) {
			t.Errorf("an empty tube: %v", err)
		}
		w.fake.CreateLimited("few", 1)
		put(t, w.client.Tube("few"), 1)
		if _, err := w.client.Tube("few").Put(ctx, 2); !errors.Is(err, queue.ErrFull) {
			t.Errorf("a full tube: %v", err)
		}
		if _, err := w.client.Tube("nope").Statistics(ctx); !errors.Is(err, queue.ErrNoTube) {
			t.Errorf("statistics of a tube that is not there: %v", err)
		}
		w.fake.SetState("WAITING")
		if _, err := w.jobs.Put(ctx, 1); !errors.Is(err, queue.ErrNotRunning) {
			t.Errorf("a queue that does not run: %v", err)
		}
		if err := w.jobs.Truncate(ctx); !errors.Is(err, queue.ErrNotRunning) {
			t.Errorf("truncating one that does not run: %v", err)
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := queue.Take[any](short, w.jobs); !errors.Is(err, queue.ErrNoTask) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a take whose time is over: %v", err)
		}
		w.fake.SetState("RUNNING")
		put(t, w.jobs, 1)
	})
}

// A take that was given up must not take a task to its grave.
func TestTakeGivenUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(time.Second)
			cancel()
		}()
		if _, err := queue.Take[any](ctx, w.jobs); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		put(t, w.jobs, "x")
		synctest.Wait()
		if w.states() != "r" {
			t.Errorf("the task is %q", w.states())
		}
		if got := take[string](t, w.jobs); got.Data != "x" {
			t.Errorf("got %v", got)
		}
	})
}

// TestTakesThroughLosses loses the connection under takes at every moment: one hears of
// it from the server, and the others leave with it, some before they were sent. No task
// stays taken by a take that nobody waits for.
func TestTakesThroughLosses(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		ctx, cancel := context.WithCancel(t.Context())
		var takers sync.WaitGroup
		var patience atomic.Int64
		patience.Store(int64(20 * time.Millisecond))
		for range 8 {
			takers.Go(func() {
				for ctx.Err() == nil {
					short, stop := context.WithTimeout(ctx, time.Duration(patience.Load()))
					task, err := queue.Take[int](short, w.jobs)
					stop()
					if err != nil {
						continue
					}
					err = queue.ErrNotRunning
					for errors.Is(err, queue.ErrNotRunning) { // for as long as reconnecting pauses
						err = task.Ack(context.Background())
					}
					if err != nil && !errors.Is(err, queue.ErrNotTaken) {
						t.Error(err)
					}
				}
			})
		}
		for i := range 150 {
			if _, err := w.jobs.Put(t.Context(), i); err != nil && !errors.Is(err, tnt.ErrConnectionLost) {
				t.Error(err)
			}
			if i%10 == 0 {
				w.cut()
			}
		}
		patience.Store(int64(time.Minute))
		for end := time.Now().Add(5 * time.Minute); w.states() != ""; time.Sleep(time.Second) {
			if time.Now().After(end) {
				t.Errorf("the tasks that are left are %s", w.states())
				break
			}
		}
		cancel()
		takers.Wait()
	})
}

func TestSessionOutlivesConnections(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		put(t, w.jobs, "a", "b")
		a, b := take[string](t, w.jobs), take[string](t, w.jobs)
		w.cut()
		if err := a.Ack(t.Context()); err != nil {
			t.Error(err)
		}
		w.cut()
		if err := b.Release(t.Context(), time.Minute); err != nil || w.states() != "~" {
			t.Errorf("%v, the tasks are %q", err, w.states())
		}
	})
}

// The answer to a take, or to an ack, may be lost with its connection.
func TestLostAnswers(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		put(t, w.jobs, "a")
		w.srv.Inject(tnttest.Fault{On: iproto.TypeCall, Times: 1, CloseAfter: true})
		task := take[string](t, w.jobs) // the second one; the first was not heard of
		w.srv.Inject(tnttest.Fault{On: iproto.TypeCall, Times: 1, CloseAfter: true})
		if err := task.Ack(t.Context()); err != nil || w.states() != "" {
			t.Errorf("an ack that was done: %v, the tasks are %q", err, w.states())
		}
		w.srv.Inject(tnttest.Fault{On: iproto.TypeCall, Times: 1, CloseAfter: true})
		if _, err := w.jobs.Put(t.Context(), 1); err == nil || errors.Is(err, queue.ErrNotRunning) || tnt.SafeToRetry(err) {
			t.Errorf("a put of unknown fate: %v", err)
		}
	})
}

// The module may take a task for a session of nobody's, which nobody can finish and
// which does not expire.
func TestTasksOfNobody(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		put(t, w.jobs, "a", "b")
		mine := take[string](t, w.jobs)
		w.cut()
		if !w.fake.Lose("jobs") || w.states() != "tt" {
			t.Fatalf("the tasks are %q", w.states())
		}
		again := func(data string, most time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), most)
			defer cancel()
			if got, err := queue.Take[string](ctx, w.jobs); err != nil || got.Data != data {
				t.Errorf("took %v, %v", got, err)
			}
		}
		again("b", 4*time.Second)
		if err := mine.Ack(t.Context()); err != nil {
			t.Errorf("of the session that goes on: %v", err)
		}
		put(t, w.jobs, "c")
		w.fake.Lose("jobs") // without a connection of ours being lost
		again("c", 20*time.Second)
	})
}

// Connections that never last a second leave no task with nobody.
func TestTasksOfNobodyThoughConnectionsAreCut(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		put(t, w.jobs, "a")
		w.cut()
		w.fake.Lose("jobs")
		for range 10 {
			time.Sleep(700 * time.Millisecond)
			w.cut()
			synctest.Wait()
		}
		if w.states() != "r" {
			t.Errorf("the task is %q", w.states())
		}
	})
}

// A task whose session was forgotten may have the number of one that was taken
// since: it is not to be finished by its old taker.
func TestForgottenSession(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		put(t, w.jobs, "a")
		old := take[string](t, w.jobs)
		w.srv.RefuseConnections(true)
		w.cut()
		time.Sleep(2 * time.Minute)
		w.srv.RefuseConnections(false)
		now := take[string](t, w.jobs)
		if err := old.Ack(t.Context()); !errors.Is(err, queue.ErrNotTaken) || w.states() != "t" {
			t.Errorf("the old one: %v, the tasks are %q", err, w.states())
		}
		if err := now.Ack(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Within one session the server can't tell takers apart.
func TestTakenAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		if _, err := w.jobs.Put(t.Context(), "a", queue.PutOptions{TTR: time.Second}); err != nil {
			t.Fatal(err)
		}
		old := take[string](t, w.jobs)
		if err := old.Touch(t.Context(), time.Second); err != nil {
			t.Error(err)
		}
		began := time.Now()
		now := take[string](t, w.jobs)
		if waited := time.Since(began); waited < 1900*time.Millisecond {
			t.Errorf("the touch gave %v", waited)
		}
		if err := old.Ack(t.Context()); !errors.Is(err, queue.ErrNotTaken) {
			t.Errorf("the old taker: %v", err)
		}
		if err := now.Ack(t.Context()); err != nil {
			t.Errorf("the new one: %v", err)
		}
	})
}

func TestWork(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		for i := range 20 {
			if _, err := w.jobs.Put(t.Context(), i, queue.PutOptions{TTR: 2 * time.Second}); err != nil {
				t.Fatal(err)
			}
		}
		put(t, w.jobs, "no number")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var tries, failures, running, most atomic.Int32
		go func() {
			time.Sleep(time.Minute)
			cancel()
		}()
		err := queue.Work(ctx, w.jobs, queue.WorkOptions{
			Workers: 4, Touch: time.Second, OnError: func(queue.ID, error) { failures.Add(1) },
		}, func(ctx context.Context, task *queue.Task[int]) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(3 * time.Second) // longer than the ttr
			switch tries.Add(1) {
			case 1:
				return errors.New("once more")
			case 2:
				panic("also once more")
			case 3:
				return queue.ErrBury
			}
			return ctx.Err()
		})
		if err != nil || w.states() != "!!" || tries.Load() != 22 || failures.Load() != 4 || most.Load() != 4 {
			t.Errorf("%v, the tasks are %q after %d tries, %d failures and %d at once", err, w.states(), tries.Load(), failures.Load(), most.Load())
		}
	})
}

func TestWorkStops(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		put(t, w.jobs, 1, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := queue.Work(ctx, w.jobs, queue.WorkOptions{Workers: 2, Grace: 5 * time.Second}, func(ctx context.Context, task *queue.Task[int]) error {
			if task.Data == 1 {
				time.Sleep(3 * time.Second)
				return ctx.Err()
			}
			<-ctx.Done()
			return ctx.Err()
		})
		if took := time.Since(began); err != nil || w.states() != "r" || took != 6*time.Second {
			t.Errorf("%v, the tasks are %q after %v", err, w.states(), took)
		}
		err = queue.Work(t.Context(), w.client.Tube("nope"), queue.WorkOptions{Workers: 3}, func(context.Context, *queue.Task[int]) error { return nil })
		if !errors.Is(err, queue.ErrNoTube) {
			t.Errorf("without a tube: %v", err)
		}
	})
}

func TestTasksIterator(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		put(t, w.jobs, 1, "x", 3)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var got []string
		for task, err := range queue.Tasks[int](ctx, w.jobs) {
			got = append(got, fmt.Sprint(task.Data, err != nil))
		}
		if want := []string{"1 false", "0 true", "3 false"}; !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	})
}

// An instance that hangs delays nothing, neither beside the master nor in its
// place.
func TestInstanceThatHangs(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		hung := tnt.Options{Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}}
		began := time.Now()
		p, err := pool.New(pool.Options{Instances: []pool.Instance{
			{Name: "hung", Options: hung},
			{Name: "master", Options: tnt.Options{Dialer: w.srv.DialContext, PingInterval: time.Second, DeadAfter: 5 * time.Second}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = p.Close() }()
		c, err := queue.Open(t.Context(), p)
		if err != nil || time.Since(began) > 100*time.Millisecond {
			t.Fatalf("opened after %v: %v", time.Since(began), err)
		}
		defer func() { _ = c.Close(t.Context()) }()
		put(t, c.Tube("jobs"), "x")
		for _, conn := range w.srv.Connections() {
			conn.StallReads(true)
		}
		began = time.Now()
		if got := take[string](t, c.Tube("jobs")); got.Data != "x" || time.Since(began) > 10*time.Second {
			t.Errorf("got %v after %v", got.Data, time.Since(began))
		}
	})
}

func TestOpenWithoutServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := tnttest.Run(t, tnttest.InMemory()) // without the module
		conn := connect(t, tnt.Options{Dialer: srv.DialContext})
		if _, err := queue.Open(t.Context(), conn); !errors.Is(err, queue.ErrNotRunning) || !errors.Is(err, queue.ErrNoTube) {
			t.Error(err)
		}
		if _, err := queue.Open(t.Context(), nil); err == nil {
			t.Error("without anything to choose the master: no error")
		}
	})
}

// Two clients on one connection would be one to the server.
func TestConnectionOfAnotherClient(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		conn := connect(t, tnt.Options{Dialer: w.srv.DialContext})
		first, err := queue.Open(t.Context(), conn)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := queue.Open(t.Context(), conn); err == nil || time.Since(began) > time.Second {
			t.Errorf("a second client, after %v: %v", time.Since(began), err)
		}
		if err := first.Close(t.Context()); err != nil {
			t.Error(err)
		}
		next, err := queue.Open(t.Context(), conn)
		if err != nil {
			t.Fatal(err)
		}
		if err := next.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A take that waits follows the master, though the session on the former one lives
// on and nobody tells that its queue has stopped.
func TestSwitchOfMasters(t *testing.T) {
	for version, most := range map[string]time.Duration{"3.8.0": 100 * time.Millisecond, "2.6.0": 3 * time.Second} {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { switchWhileTaking(t, version, most) })
		})
	}
}

func switchWhileTaking(t *testing.T, version string, most time.Duration) {
	rs := tnttest.RunReplicaSet(t, 2, tnttest.InMemory(), tnttest.WithoutElections(), tnttest.WithVersion(version))
	var fakes [2]*queuetest.Queue
	var opts pool.Options
	for i, srv := range rs.Instances() {
		fakes[i] = queuetest.Attach(srv)
		fakes[i].Create("jobs", "fifo")
		opts.Instances = append(opts.Instances, pool.Instance{Name: rs.Name(i), Options: tnt.Options{Dialer: srv.DialContext}})
	}
	fakes[1].SetState("WAITING")
	p, err := pool.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	c, err := queue.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(t.Context()) }()
	other := connect(t, tnt.Options{Dialer: rs.Instance(1).DialContext})
	var got *queue.Task[string]
	taken := make(chan error)
	began := time.Now()
	go func() {
		var err error
		got, err = queue.Take[string](t.Context(), c.Tube("jobs"))
		taken <- err
	}()
	synctest.Wait()
	fakes[0].SetState("WAITING")
	if err := errors.Join(rs.SetReadOnly(0, true), rs.SetReadOnly(1, false)); err != nil {
		t.Fatal(err)
	}
	fakes[1].SetState("RUNNING")
	if _, err := other.Call(t.Context(), "queue.tube.jobs:put", "x"); err != nil {
		t.Fatal(err)
	}
	if err := <-taken; err != nil || got.Data != "x" || time.Since(began) > most {
		t.Fatalf("took %v after %v, %v", got, time.Since(began), err)
	}
	if err := got.Ack(t.Context()); err != nil || len(fakes[1].Tasks("jobs")) != 0 {
		t.Errorf("%v, left: %v", err, fakes[1].Tasks("jobs"))
	}
}
