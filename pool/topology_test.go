package pool_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

func names(p *pool.Pool) string {
	var all []string
	for _, s := range p.Status() {
		all = append(all, s.Name)
	}
	return strings.Join(all, " ")
}

func TestAddRemoveReplace(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		ctx := t.Context()
		if err := e.pool.Add(e.instance(1)); err == nil || !strings.Contains(err.Error(), "Replace") {
			t.Errorf("another of the same name: %v", err)
		}
		// What is in flight on an instance that is removed has its answer.
		slow := e.Instance(0).Inject(tnttest.Fault{On: iproto.TypeInsert, Delay: time.Second})
		inFlight := make(chan error, 1)
		go func() { inFlight <- insert(ctx, e.pool, 1) }()
		synctest.Wait()
		began := time.Now()
		must(t, e.pool.Remove(ctx, "r0"))
		must(t, <-inFlight)
		if took := time.Since(began); took != time.Second {
			t.Errorf("it was removed after %v", took)
		}
		slow()
		if got := names(e.pool); got != "r1 r2" {
			t.Errorf("the pool has %s", got)
		}
		if _, err := e.pool.On("r0"); err == nil || !strings.Contains(err.Error(), "r1") {
			t.Errorf("On of what was removed: %v", err)
		}
		must(t, e.pool.Add(e.instance(0)))
		must(t, insert(ctx, e.pool, 2)) // waits for it
		other := e.instance(1)
		other.Zone = "elsewhere"
		must(t, e.pool.Replace(ctx, other))
		if s := e.pool.Status()[0]; s.Zone != "elsewhere" {
			t.Errorf("r1 was not replaced: %+v", s)
		}
		if err := e.pool.Replace(ctx, pool.Instance{Name: "r7"}); err == nil {
			t.Error("an instance was replaced that is not there")
		}
		// Where the context ends first what is in flight fails.
		e.Instance(0).Inject(tnttest.Fault{On: iproto.TypeInsert, Delay: time.Minute})
		go func() { inFlight <- insert(ctx, e.pool, 3) }()
		synctest.Wait()
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := e.pool.Remove(short, "r0"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Remove with a context that ended: %v", err)
		}
		if err := <-inFlight; !errors.Is(err, tnt.ErrConnectionLost) {
			t.Errorf("what was in flight: %v", err)
		}
	})
}

func TestFollow(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		lists := make(chan []pool.Instance)
		ended := make(chan error, 1)
		go func() { ended <- e.pool.Follow(t.Context(), lists) }()
		before := e.pool.Status()
		time.Sleep(time.Second) // so that a change has another time
		lists <- e.instances()
		synctest.Wait()
		for i, s := range e.pool.Status() {
			if s.Since != before[i].Since {
				t.Errorf("%s was touched though nothing of it changed", s.Name)
			}
		}
		lists <- []pool.Instance{e.instance(0), e.instance(2)}
		synctest.Wait()
		if got := names(e.pool); got != "r0 r2" {
			t.Errorf("the pool has %s", got)
		}
		heavy := e.instance(2)
		heavy.Weight = 7
		lists <- []pool.Instance{e.instance(1), heavy, e.instance(0)}
		synctest.Wait()
		if got := names(e.pool); got != "r0 r2 r1" {
			t.Errorf("the pool has %s", got)
		}
		must(t, insert(t.Context(), e.pool, 1))
		lists <- []pool.Instance{e.instance(1), e.instance(1)}
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "r1") {
			t.Errorf("a list with one twice: %v", err)
		}
		go func() { ended <- e.pool.Follow(t.Context(), lists) }()
		synctest.Wait()
		must(t, e.pool.Close())
		if err := <-ended; !errors.Is(err, tnt.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		close(lists)
	})
}

// A change is there when it returns, whoever else changes the pool, and what is in
// flight on those that are gone is waited for afterwards.
func TestChangeInstances(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		ctx := t.Context()
		e.Instance(0).Inject(tnttest.Fault{On: iproto.TypeInsert, Times: 1, Delay: 3 * time.Second})
		inFlight := make(chan error, 1)
		go func() { inFlight <- insert(ctx, e.pool, 1) }()
		synctest.Wait()
		began := time.Now()
		leave, err := e.pool.ChangeInstances([]pool.Instance{e.instance(2), e.instance(1)})
		must(t, err)
		if got := names(e.pool); got != "r1 r2" || time.Since(began) > 0 {
			t.Errorf("the pool has %s after %v", got, time.Since(began))
		}
		if _, err := e.pool.ChangeInstances([]pool.Instance{e.instance(1), e.instance(1)}); err == nil || names(e.pool) != "r1 r2" {
			t.Errorf("a list with one twice: %v, the pool has %s", err, names(e.pool))
		}
		if err := pool.CheckInstances(nil); err == nil {
			t.Error("no instances: no error")
		}
		must(t, leave(ctx))
		if err := <-inFlight; err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("what was in flight, after %v: %v", time.Since(began), err)
		}
		var changes sync.WaitGroup
		for i := range 30 {
			changes.Go(func() {
				leave, err := e.pool.ChangeInstances([]pool.Instance{e.instance(i % 3), e.instance((i + 1) % 3)})
				if err == nil {
					err = leave(ctx)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		changes.Wait()
		if n := len(e.pool.Instances()); n != 2 {
			t.Errorf("the pool has %d instances of one list or another", n)
		}
		must(t, e.pool.Close())
		if _, err := e.pool.ChangeInstances(e.instances()); !errors.Is(err, tnt.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// An instance that is another than before, or of another replica set, is no member.
func TestStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &embedded{ReplicaSet: tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), kvSpace)}
		foreign := tnttest.RunReplicaSet(t, 1, tnttest.InMemory(), kvSpace)
		var switched atomic.Bool
		opts := pool.Options{Instances: e.instances(), MaxWait: time.Second}
		opts.Instances[1].Options.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
			if switched.Load() {
				return foreign.DialContext(ctx, network, "r0")
			}
			return e.DialContext(ctx, network, address)
		}
		p, err := pool.Open(t.Context(), opts)
		must(t, err)
		defer func() { _ = p.Close() }()
		e.pool = p
		synctest.Wait()
		e.wantRoles(t, pool.Master, pool.Replica, pool.Replica)

		switched.Store(true)
		must(t, e.Kill(1))
		must(t, e.Restart(1))
		time.Sleep(10 * time.Second)
		var other *pool.IdentityError
		if s := p.Status()[1]; s.Role != pool.Unknown || !errors.As(s.Why, &other) || other.What != "instance" {
			t.Errorf("another instance at the address: %v, %v", s.Role, s.Why)
		}
		for k := range 10 {
			must(t, insert(t.Context(), p, k))
			must(t, selectOne(t.Context(), p.Replica()))
		}
		if n, _ := foreign.Instance(0).Space("kv").Len(); n != 0 {
			t.Errorf("the stranger was written to: it has %d tuples", n)
		}
		// It is another replica set's in any case.
		i := e.instance(1)
		i.Options.Dialer = opts.Instances[1].Options.Dialer
		must(t, p.Replace(t.Context(), i))
		time.Sleep(10 * time.Second)
		if s := p.Status()[1]; s.Role != pool.Unknown || !errors.As(s.Why, &other) || other.What != "replica set" {
			t.Errorf("of another replica set: %v, %v", s.Role, s.Why)
		}
		switched.Store(false)
		must(t, p.Replace(t.Context(), e.instance(1)))
		time.Sleep(time.Second)
		e.wantRoles(t, pool.Master, pool.Replica, pool.Replica)
		// The same instance twice.
		twice := e.instance(2)
		twice.Name = "again"
		must(t, p.Add(twice))
		time.Sleep(time.Second)
		if s := p.Status()[3]; s.Role != pool.Unknown || !strings.Contains(s.Why.Error(), "r2") {
			t.Errorf("the same instance twice: %v, %v", s.Role, s.Why)
		}
	})
}

func TestConnections(t *testing.T) {
	inBubble(t, nil, pool.Options{Connections: 3}, func(t *testing.T, e *embedded) {
		s := e.pool.Status()
		if s[0].Connected != 3 || s[1].Connected != 3 {
			t.Fatalf("connections: %+v", s)
		}
		used := map[*tnt.Conn]int{}
		for range 30 {
			rt, err := e.pool.Route(t.Context(), tnt.Attempt{Try: 1})
			must(t, err)
			used[rt.Conn()]++
		}
		if len(used) != 3 {
			t.Errorf("%d of three connections are used: %v", len(used), used)
		}
		for conn, n := range used {
			if n != 10 {
				t.Errorf("%v was chosen %d times of 30", conn, n)
			}
			conn.Drop(nil)
			must(t, insert(t.Context(), e.pool, n*len(used))) // over another
			break
		}
	})
}

func share(t *testing.T, v *pool.View, e *embedded, n int) (shares []int) {
	t.Helper()
	before := make([]int, e.Len())
	for i, srv := range e.Instances() {
		before[i] = selects(srv)
	}
	for range n {
		must(t, selectOne(t.Context(), v))
	}
	for i, srv := range e.Instances() {
		shares = append(shares, selects(srv)-before[i])
	}
	return shares
}

func TestBalancing(t *testing.T) {
	withWeights := func(e *embedded) []pool.Instance {
		all := e.instances()
		all[0].Zone, all[1].Zone, all[2].Zone = "a", "a", "b"
		all[1].Weight, all[2].Weight = 3, 1
		return all
	}
	for _, test := range []struct {
		name string
		opts pool.Options
		view func(*pool.Pool) *pool.View
		want []int
	}{
		{"round robin by weight", pool.Options{}, (*pool.Pool).Replica, []int{0, 30, 10}},
		{"all, by weight", pool.Options{}, (*pool.Pool).Any, []int{8, 24, 8}},
		{"in a zone", pool.Options{Zone: "b"}, (*pool.Pool).Any, []int{0, 0, 40}},
		{"in a zone without any", pool.Options{Zone: "c"}, (*pool.Pool).Replica, []int{0, 30, 10}},
		{"one's own", pool.Options{Balance: func(fit []*pool.Candidate) int { return len(fit) - 1 }}, (*pool.Pool).Any, []int{0, 0, 40}},
		{"one's own gone mad", pool.Options{Balance: func([]*pool.Candidate) int { return -7 }}, (*pool.Pool).Any, []int{40, 0, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &embedded{ReplicaSet: tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), kvSpace)}
				test.opts.Instances = withWeights(e)
				p, err := pool.Open(t.Context(), test.opts)
				must(t, err)
				defer func() { _ = p.Close() }()
				synctest.Wait()
				got := share(t, test.view(p), e, 40)
				if fmt.Sprint(got) != fmt.Sprint(test.want) {
					t.Errorf("shares %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestLeastInFlight(t *testing.T) {
	inBubble(t, nil, pool.Options{Balance: pool.LeastInFlight}, func(t *testing.T, e *embedded) {
		e.Instance(1).Inject(tnttest.Fault{On: iproto.TypeSelect, Delay: time.Minute, Times: 1})
		e.Instance(2).Inject(tnttest.Fault{On: iproto.TypeSelect, Delay: time.Minute, Times: 1})
		done := make(chan error, 1)
		go func() { done <- selectOne(t.Context(), e.pool.Replica()) }()
		synctest.Wait()
		go func() { done <- selectOne(t.Context(), e.pool.Replica()) }()
		synctest.Wait()
		for i, want := range []int{0, 1, 1} {
			if got := e.pool.Status()[i].InFlight; got != want {
				t.Errorf("r%d has %d in flight, want %d", i, got, want)
			}
		}
		must(t, <-done)
		must(t, <-done)
	})
}

// By weight: of four requests that wait one is on the first, and three on the other.
func TestLeastInFlightByWeight(t *testing.T) {
	inBubble(t, nil, pool.Options{Balance: pool.LeastInFlight}, func(t *testing.T, e *embedded) {
		heavy := e.instance(2)
		heavy.Weight = 3
		must(t, e.pool.Replace(t.Context(), heavy))
		must(t, e.named(t, 2).WaitFor(t.Context()))
		e.everywhere(tnttest.Fault{On: iproto.TypeSelect, Delay: time.Minute})
		done := make(chan error, 12)
		for range cap(done) {
			go func() { done <- selectOne(t.Context(), e.pool.Replica()) }()
			synctest.Wait()
		}
		if s := e.pool.Status(); s[1].InFlight != 3 || s[2].InFlight != 9 {
			t.Errorf("%d and %d are in flight, want 3 and 9", s[1].InFlight, s[2].InFlight)
		}
		for range cap(done) {
			must(t, <-done)
		}
	})
}

func TestWatch(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		events := make(chan error, 10)
		go func() {
			defer close(events)
			for _, err := range e.pool.Watch(t.Context(), "key") {
				events <- err
			}
		}()
		must(t, <-events)
		must(t, e.Instance(0).Broadcast("key", 1))
		must(t, <-events)
		must(t, e.Promote(1))
		if err := <-events; !errors.Is(err, pool.ErrInstanceLeft) {
			t.Errorf("the watched master is none any more: %v", err)
		}
		if err, more := <-events; more {
			t.Errorf("and then %v", err)
		}
		for _, err := range e.pool.Watch(t.Context(), "key") {
			must(t, err)
			break // a loop may be left
		}
	})
}

func TestClose(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		e.Instance(0).Inject(tnttest.Fault{On: iproto.TypeInsert, Delay: time.Second})
		inFlight := make(chan error, 1)
		go func() { inFlight <- insert(t.Context(), e.pool, 1) }()
		synctest.Wait()
		must(t, e.pool.CloseGraceful(t.Context()))
		must(t, <-inFlight)
		for _, v := range []tnt.Executor{e.pool, e.pool.Replica(), e.pool.Any()} {
			if err := insert(t.Context(), v, 2); !errors.Is(err, tnt.ErrClosed) || tnt.IsTransient(err) {
				t.Errorf("after the end: %v", err)
			}
		}
		must(t, e.pool.Close())
		if err := e.pool.Add(e.instance(0)); !errors.Is(err, tnt.ErrClosed) {
			t.Errorf("Add after the end: %v", err)
		}
		if err := e.pool.WaitMaster(t.Context()); !errors.Is(err, tnt.ErrClosed) {
			t.Errorf("WaitMaster after the end: %v", err)
		}
	})
}

func TestOpenFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &embedded{ReplicaSet: tnttest.RunReplicaSet(t, 3, tnttest.InMemory())}
		for _, test := range []struct {
			name string
			opts func(*pool.Options)
			want string
		}{
			{"no instances", func(o *pool.Options) { o.Instances = nil }, "no instances"},
			{"a name twice", func(o *pool.Options) { o.Instances[1].Name = "r0" }, "r0"},
			{"a weight", func(o *pool.Options) { o.Instances[1].Weight = 101 }, "weight"},
			{"a negative duration", func(o *pool.Options) { o.MaxLag = -2 }, "MaxLag"},
			{"a hook that is none", func(o *pool.Options) { o.Hooks = []pool.Hook{1} }, "Hooks[0]"},
			{"a bad address", func(o *pool.Options) { o.Instances[2].Options.Address = "x:y:z" }, "x:y:z"},
		} {
			opts := pool.Options{Instances: e.instances()}
			test.opts(&opts)
			if _, err := pool.Open(t.Context(), opts); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want an error with %q", test.name, err, test.want)
			}
		}
		// Wrong credentials everywhere end it at once, and the error has each instance.
		opts := pool.Options{Instances: e.instances()}
		for i := range opts.Instances {
			opts.Instances[i].Options.User, opts.Instances[i].Options.Password = "nobody", "s3cret"
		}
		began := time.Now()
		_, err := pool.Open(t.Context(), opts)
		if err == nil || !strings.Contains(err.Error(), "r2") || strings.Contains(err.Error(), "s3cret") || time.Since(began) > time.Second {
			t.Errorf("wrong credentials: %v after %v", err, time.Since(began))
		}
		must(t, e.Kill(0))
		must(t, e.Kill(1))
		must(t, e.Kill(2))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := pool.Open(ctx, pool.Options{Instances: e.instances()}); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, pool.ErrNoInstance) {
			t.Errorf("nobody is there: %v", err)
		}
	})
}

// Routers are no replica set: each does what it is asked.
func TestIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := tnttest.RunReplicaSet(t, 1, tnttest.InMemory(), kvSpace)
		b := tnttest.RunReplicaSet(t, 1, tnttest.InMemory(), kvSpace)
		opts := pool.Options{Independent: true, Instances: []pool.Instance{
			{Name: "a", Options: tnt.Options{Address: "r0", Dialer: a.DialContext}},
			{Name: "b", Options: tnt.Options{Address: "r0", Dialer: b.DialContext}},
		}}
		p, err := pool.Open(t.Context(), opts)
		must(t, err)
		defer func() { _ = p.Close() }()
		synctest.Wait()
		for k := range 10 {
			must(t, insert(t.Context(), p.Any(), k))
		}
		for _, rs := range []*tnttest.ReplicaSet{a, b} {
			if n, err := rs.Instance(0).Space("kv").Len(); err != nil || n != 5 {
				t.Errorf("a router got %d of 10, %v", n, err)
			}
		}
	})
}

// Open of independent instances is content with one that is read-only.
func TestOpenIndependentReadOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &embedded{ReplicaSet: tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), kvSpace)}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		p, err := pool.Open(ctx, pool.Options{Independent: true, Instances: []pool.Instance{e.instance(1), e.instance(2)}})
		must(t, err)
		must(t, selectOne(ctx, p.Any()))
		must(t, p.Close())
	})
}
