package queue_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
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

// sockets are connections, to be cut.
type sockets struct {
	mu   sync.Mutex
	open map[net.Conn]bool
}

type socket struct {
	net.Conn
	of *sockets
}

func (s *sockets) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[conn] = true
	return socket{conn, s}, nil
}

func (c socket) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c.Conn)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// cut ends one of the connections, if there are so many.
func (s *sockets) cut(least int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) < least {
		return false
	}
	for conn := range s.open { // in no order
		_ = conn.Close()
		break
	}
	return true
}

func openReal(t *testing.T, instances []*clustertest.Instance, opts ...queue.Options) (*queue.Client, *sockets) {
	t.Helper()
	s := &sockets{open: make(map[net.Conn]bool)}
	var members pool.Options
	for _, in := range instances {
		members.Instances = append(members.Instances, pool.Instance{
			Name: in.Name, Options: tnt.Options{Address: in.Address, ConnectTimeout: time.Second, Dialer: s.dial},
		})
	}
	p, err := pool.Open(t.Context(), members)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	c, err := queue.Open(t.Context(), p, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = c.Close(ctx)
	})
	return c, s
}

// Every kind of tube on a real server.
func TestRealTubes(t *testing.T) {
	clustertest.Each(t, func(t *testing.T, p tarantool.Program) {
		ctx := t.Context()
		servers := clustertest.StartQueue(t, p, 1)
		client, _ := openReal(t, servers)
		logVersions(t, servers[0])
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

func logVersions(t *testing.T, in *clustertest.Instance) {
	t.Helper()
	version, err := evalOn[string](t, in, "return _TARANTOOL .. ', queue ' .. require('queue')._VERSION")
	t.Logf("Tarantool %s (%v)", version, err)
}

func evalOn[T any](t *testing.T, in *clustertest.Instance, expr string, args ...any) (T, error) {
	t.Helper()
	conn, err := tnt.Connect(t.Context(), in.Address)
	if err != nil {
		var none T
		return none, err
	}
	defer conn.Close()
	return tnt.One[T](t.Context(), conn, tnt.Eval{Expr: expr, Args: args})
}

// A put, or a take, on a master that is read-only is an error, and does nothing.
func TestRealReadOnly(t *testing.T) {
	clustertest.Each(t, func(t *testing.T, p tarantool.Program) {
		ctx := t.Context()
		servers := clustertest.StartQueue(t, p, 1)
		client, _ := openReal(t, servers, queue.Options{MaxWait: 500 * time.Millisecond})
		tube, err := client.Create(ctx, "jobs", queue.FIFO, queue.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		put(t, tube, "x")
		if _, err := evalOn[any](t, servers[0], "box.cfg{read_only = true} return 1"); err != nil {
			t.Fatal(err)
		}
		if _, err := tube.Put(ctx, "y"); !errors.Is(err, queue.ErrNotRunning) {
			t.Errorf("a put: %v", err)
		}
		if _, err := queue.TryTake[any](ctx, tube); !errors.Is(err, queue.ErrNotRunning) {
			t.Errorf("a take: %v", err)
		}
		if _, err := evalOn[any](t, servers[0], "box.cfg{read_only = false} return 1"); err != nil {
			t.Fatal(err)
		}
		for { // it takes the module a second to see that
			got, err := queue.Take[string](ctx, tube)
			if errors.Is(err, queue.ErrNotRunning) && ctx.Err() == nil {
				continue
			}
			if err != nil || got.Data != "x" || got.Ack(ctx) != nil {
				t.Errorf("took %v, %v", got, err)
			}
			break
		}
		if s, err := tube.Statistics(ctx); err != nil || s.Tasks.Total != 0 {
			t.Errorf("left: %+v, %v", s.Tasks, err)
		}
	})
}

// A take that is at work when its connection has ended takes the task for a session of
// nobody's: the module's own doing, which a Client ends.
func TestRealTaskOfNobody(t *testing.T) {
	clustertest.Each(t, func(t *testing.T, p tarantool.Program) {
		ctx := t.Context()
		servers := clustertest.StartQueue(t, p, 1)
		client, sockets := openReal(t, servers)
		tube, err := client.Create(ctx, "jobs", queue.FIFO, queue.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		put(t, tube, "x")
		dying, err := tnt.Connect(ctx, servers[0].Address)
		if err != nil {
			t.Fatal(err)
		}
		dying.Go(ctx, tnt.Eval{Expr: "require('fiber').sleep(0.3) return queue.tube.jobs:take(0)"})
		if err := dying.Ping(ctx); err != nil { // the one before has begun
			t.Error(err)
		}
		dying.Close()
		for stop := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			if s, err := tube.Statistics(ctx); err != nil || s.Tasks.Taken == 1 || time.Now().After(stop) {
				break
			}
		}
		sockets.cut(0) // a Client looks at once where it has lost a connection itself
		sockets.cut(0)
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		began := time.Now()
		task, err := queue.Take[string](ctx, tube)
		if err != nil || task.Ack(ctx) != nil {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		t.Logf("taken by nobody, and taken again after %v", time.Since(began))
	})
}

// Tasks are neither lost nor stuck, whatever happens to takes, connections and
// masters.
func TestRealTasksAreDoneOnce(t *testing.T) {
	clustertest.Each(t, func(t *testing.T, p tarantool.Program) {
		pair := clustertest.StartQueue(t, p, 2)
		client, sockets := openReal(t, pair)
		logVersions(t, pair[0])
		tube, err := client.Create(t.Context(), "jobs", queue.FIFO, queue.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		const tasks, switches = 10000, 5
		j := jobs{tube: tube, done: make([]atomic.Int32, tasks), finished: make(chan struct{})}
		var all sync.WaitGroup
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		all.Go(func() { j.produce(ctx, t, tasks) })
		for range 8 {
			all.Go(func() { j.consume(ctx, t) })
		}
		cuts := 0
		all.Go(func() {
			for {
				select {
				case <-j.finished:
					return
				case <-ctx.Done():
					return
				case <-time.After(200 * time.Millisecond):
					if sockets.cut(2 * 2) { // each instance's control connection, and that for requests
						cuts++
					}
				}
			}
		})
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
		// Takes that were given up release what they got. What the module took for nobody
		// just before a switch is kept on the new master for the ttr, which is 10 s here.
		var s queue.Statistics
		for stop := time.Now().Add(25 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			if s, err = tube.Statistics(t.Context()); err != nil || s.Tasks.Taken == 0 || time.Now().After(stop) {
				break
			}
		}
		if err != nil || s.Tasks.Taken > 0 || s.Tasks.Total > uint64(j.uncertain.Load()) {
			t.Errorf("left: %+v, %v", s.Tasks, err)
		}
		t.Logf("%d tasks, %d of them done more than once, %d takes given up, %d puts of unknown fate, %d connections cut, %d switches",
			tasks, twice, j.givenUp.Load(), j.uncertain.Load(), cuts, switches)
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
	box.cfg{read_only = false}
	return 1`
	vclock, err := evalOn[map[int]uint64](t, from, stop)
	if err == nil {
		_, err = evalOn[any](t, to, begin, vclock)
	}
	if err != nil {
		t.Error(err)
	}
}
