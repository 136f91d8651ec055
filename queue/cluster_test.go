package queue_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/clustertest"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/queue"
)

func openReal(t *testing.T, instances []*clustertest.Instance) *queue.Client {
	t.Helper()
	var opts pool.Options
	for _, in := range instances {
		opts.Instances = append(opts.Instances, pool.Instance{Name: in.Name, Options: tnt.Options{Address: in.Address, ConnectTimeout: time.Second}})
	}
	p, err := pool.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	c, err := queue.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = c.Close(ctx)
	})
	return c
}

// Every kind of tube on a real server.
func TestRealTubes(t *testing.T) {
	clustertest.Each(t, func(t *testing.T, p tarantool.Program) {
		ctx := t.Context()
		client := openReal(t, clustertest.StartQueue(t, p, 1))
		for _, kind := range []queue.Kind{queue.FIFO, queue.FIFOTTL, queue.UTube, queue.UTubeTTL, queue.LimFIFOTTL} {
			name := string(kind)
			tube, err := client.Create(ctx, name, kind, queue.CreateOptions{IfNotExists: true, Capacity: 2})
			if err != nil {
				t.Fatal(err)
			}
			if there, err := tube.Exists(ctx); err != nil || !there {
				t.Errorf("%s: %v, %v", kind, there, err)
			}
			put(t, tube, nil, "x")
			if _, err := tube.Put(ctx, 3); errors.Is(err, queue.ErrFull) != (kind == queue.LimFIFOTTL) {
				t.Errorf("%s: a third task: %v", kind, err)
			}
			task := take[any](t, tube)
			if task.Data != nil {
				t.Errorf("%s: got %v", kind, task.Data)
			}
			err = task.Touch(ctx, time.Second)
			if untimed := kind == queue.FIFO || kind == queue.UTube; (err != nil) != untimed {
				t.Errorf("%s: touched: %v", kind, err)
			}
			if err := errors.Join(task.Release(ctx, 0), take[any](t, tube).Ack(ctx), task.Ack(ctx)); !errors.Is(err, queue.ErrNotTaken) {
				t.Errorf("%s: %v", kind, err)
			}
			if s, err := tube.Statistics(ctx); err != nil || s.Calls["ack"] != 1 || s.Tasks.Ready == 0 {
				t.Errorf("%s: %+v, %v", kind, s, err)
			}
			if err := errors.Join(tube.Truncate(ctx), tube.ReleaseAll(ctx), tube.Drop(ctx)); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
			if _, err := tube.Put(ctx, 1); !errors.Is(err, queue.ErrNoTube) {
				t.Errorf("%s: dropped: %v", kind, err)
			}
		}
		if state, err := client.State(ctx); state != "RUNNING" || err != nil {
			t.Error(state, err)
		}
	})
}

// Tasks are neither lost nor stuck, whatever happens to takes, connections and
// masters.
func TestRealTasksAreDoneOnce(t *testing.T) {
	clustertest.Each(t, func(t *testing.T, p tarantool.Program) {
		pair := clustertest.StartQueue(t, p, 2)
		client := openReal(t, pair)
		tube, err := client.Create(t.Context(), "jobs", queue.FIFO, queue.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		tasks, switches := 10000, 5
		if p.Version.Major < 3 {
			tasks, switches = 3000, 2
		}
		j := jobs{tube: tube, done: make([]atomic.Int32, tasks), finished: make(chan struct{})}
		var all sync.WaitGroup
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		all.Go(func() { j.produce(ctx, t, tasks) })
		for range 8 {
			all.Go(func() { j.consume(ctx, t) })
		}
		all.Go(func() {
			for i := range switches {
				select {
				case <-j.finished:
					return
				case <-time.After(time.Second):
				}
				switchMaster(t, pair[i%2], pair[(i+1)%2])
			}
			j.switched.Store(true)
			j.check(tasks)
		})
		all.Wait()
		twice := 0
		for i := range j.done {
			switch n := j.done[i].Load(); {
			case n == 0:
				t.Errorf("task %d was not done", i)
			case n > 1:
				twice++
			}
		}
		// Takes that were given up release what they got.
		var s queue.Statistics
		for stop := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			if s, err = tube.Statistics(t.Context()); err != nil || s.Tasks.Taken == 0 || time.Now().After(stop) {
				break
			}
		}
		if err != nil || s.Tasks.Taken > 0 || s.Tasks.Total > uint64(j.uncertain.Load()) {
			t.Errorf("left: %+v, %v", s.Tasks, err)
		}
		t.Logf("%d tasks, %d of them done more than once, %d takes given up, %d puts of unknown fate", tasks, twice, j.givenUp.Load(), j.uncertain.Load())
	})
}

type jobs struct {
	tube      queue.Tube
	done      []atomic.Int32
	count     atomic.Int64
	givenUp   atomic.Int64
	uncertain atomic.Int64
	switched  atomic.Bool
	once      sync.Once
	finished  chan struct{}
}

func (j *jobs) check(tasks int) {
	if j.switched.Load() && int(j.count.Load()) == tasks {
		j.once.Do(func() { close(j.finished) })
	}
}

func (j *jobs) produce(ctx context.Context, t *testing.T, tasks int) {
	for i := range tasks {
		for {
			_, err := j.tube.Put(ctx, i)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				t.Errorf("task %d was not put: %v", i, err)
				return
			}
			j.uncertain.Add(1) // it may be there, so it may be done twice
		}
	}
}

func (j *jobs) consume(ctx context.Context, t *testing.T) {
	for {
		select {
		case <-j.finished:
			return
		case <-ctx.Done():
			t.Errorf("%d tasks were done in time", j.count.Load())
			return
		default:
		}
		short, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(50))*time.Millisecond)
		task, err := queue.Take[int](short, j.tube)
		cancel()
		if err != nil {
			j.givenUp.Add(1)
			continue
		}
		if rand.IntN(10) == 0 {
			err = task.Release(ctx, 0)
		} else if err = task.Ack(ctx); err == nil && j.done[task.Data].Add(1) == 1 {
			j.count.Add(1)
			j.check(len(j.done))
		}
		if err != nil && !errors.Is(err, queue.ErrNotTaken) && ctx.Err() == nil {
			t.Errorf("finishing %d: %v", task.ID, err)
		}
	}
}

// switchMaster makes another instance the master, in order: when it has all that the
// former one wrote. The module does not wait for that, and would give out the numbers
// of tasks twice.
func switchMaster(t *testing.T, from, to *clustertest.Instance) {
	const stop = "box.cfg{read_only = true} return box.info.vclock"
	const begin = `for id, lsn in pairs(...) do
		while id ~= 0 and (box.info.vclock[id] or 0) < lsn do require('fiber').sleep(0.001) end
	end
	box.cfg{read_only = false}`
	var vclock map[int]uint64
	for _, step := range []struct {
		at *clustertest.Instance
		do func(*tnt.Conn) error
	}{
		{from, func(conn *tnt.Conn) (err error) {
			vclock, err = tnt.One[map[int]uint64](t.Context(), conn, tnt.Eval{Expr: stop})
			return err
		}},
		{to, func(conn *tnt.Conn) error {
			_, err := conn.Eval(t.Context(), begin, vclock)
			return err
		}},
	} {
		conn, err := tnt.Connect(t.Context(), step.at.Address)
		if err != nil {
			t.Error(err)
			return
		}
		err = step.do(conn)
		conn.Close()
		if err != nil {
			t.Error(err)
		}
	}
}
