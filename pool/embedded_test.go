package pool_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

var kvSpace = tnttest.WithSpace(tnttest.SpaceDef{
	ID: 512, Name: "kv",
	Format:  []tnttest.Field{{Name: "k", Type: "unsigned"}, {Name: "v", Type: "any", IsNullable: true}},
	Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1}}}},
})

// embedded is a replica set of three in a bubble, and a pool of it.
type embedded struct {
	*tnttest.ReplicaSet
	pool  *pool.Pool
	hooks *recorder
}

// recorder is a hook that keeps what it is told.
type recorder struct {
	mu      sync.Mutex
	roles   []string
	waits   []pool.Wait
	retries []pool.Retry
}

func (r *recorder) OnRole(name string, from, to pool.Role, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.roles = append(r.roles, name+": "+from.String()+" to "+to.String()+": "+why.Error())
}

func (r *recorder) OnWait(w pool.Wait) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waits = append(r.waits, w)
}

func (r *recorder) OnRetry(w pool.Retry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retries = append(r.retries, w)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.roles, "\n")
}

// inBubble runs a test with a replica set of three and an open pool of it, in a bubble
// whose clock costs no time.
func inBubble(t *testing.T, servers []tnttest.Option, opts pool.Options, f func(t *testing.T, e *embedded)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		rs := tnttest.RunReplicaSet(t, 3, append([]tnttest.Option{tnttest.InMemory(), kvSpace}, servers...)...)
		e := &embedded{ReplicaSet: rs, hooks: &recorder{}}
		opts.Hooks = append(opts.Hooks, e.hooks)
		opts.Instances = append(e.instances(), opts.Instances...)
		p, err := pool.Open(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		e.pool = p
		defer func() { _ = p.Close() }()
		synctest.Wait()
		f(t, e)
	})
}

// instances returns the members as instances of a pool.
func (e *embedded) instances() (all []pool.Instance) {
	for i := range e.Len() {
		all = append(all, e.instance(i))
	}
	return all
}

func (e *embedded) instance(i int) pool.Instance {
	return pool.Instance{Name: e.Name(i), Options: tnt.Options{Address: e.Name(i) + ":3301", Dialer: e.DialContext}}
}

// wantRoles checks the roles of all instances, in order.
func (e *embedded) wantRoles(t *testing.T, want ...pool.Role) {
	t.Helper()
	synctest.Wait()
	for i, s := range e.pool.Status() {
		if s.Role != want[i] {
			t.Errorf("%s is %v (%v), want %v", s.Name, s.Role, s.Why, want[i])
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func insert(ctx context.Context, ex tnt.Executor, k int) error {
	return tnt.Exec(ctx, ex, tnt.Insert{Space: "kv", Tuple: []any{k, "x"}})
}

func TestPoolAtRest(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		ctx := t.Context()
		e.wantRoles(t, pool.Master, pool.Replica, pool.Replica)
		must(t, insert(ctx, e.pool, 1))
		for _, v := range []*pool.View{e.pool.Replica(), e.pool.PreferReplica(), e.pool.Any()} {
			for range 4 {
				if rows, err := v.Select(ctx, "kv", tnt.K(1)); err != nil || len(rows) != 1 {
					t.Errorf("%v: %v, %v", v, rows, err)
				}
			}
		}
		s := e.pool.Status()
		if s[0].Term != 2 || s[0].ID != 1 || s[1].ID != 2 || s[0].ReplicaSet == "" || s[0].ReplicaSet != s[1].ReplicaSet || s[0].UUID == s[1].UUID {
			t.Errorf("status: %+v", s)
		}
		if err := insert(ctx, e.pool.Replica(), 2); !isReadOnly(err) {
			t.Errorf("a write on the replicas' view: %v, want ER_READONLY", err)
		}
		must(t, insert(ctx, e.pool.Any(), 3)) // wherever it begins
		must(t, insert(ctx, e.pool.PreferReplica(), 4))
		must(t, tnt.InTx(ctx, e.pool, func(s *tnt.Stream) error { return insert(ctx, s, 5) }))
	})
}

func TestPromote(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		for i := range 10 {
			must(t, e.Promote((i+1)%3))
			must(t, insert(t.Context(), e.pool, i))
		}
		must(t, e.Demote(e.Leader()))
		must(t, insert(t.Context(), e.pool, 100))
	})
}

func TestKill(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		must(t, e.Kill(0))
		synctest.Wait() // what is sent before the loss is seen may have arrived
		began := time.Now()
		must(t, insert(t.Context(), e.pool, 1))
		if took := time.Since(began); took > 120*time.Millisecond {
			t.Errorf("the write took %v, the election %v", took, 100*time.Millisecond)
		}
		e.wantRoles(t, pool.Unknown, pool.Master, pool.Replica)
		must(t, e.Restart(0))
		time.Sleep(10 * time.Second)
		e.wantRoles(t, pool.Replica, pool.Master, pool.Replica)
	})
}

// A leader that stands still is found out, and what waits for it goes to the next one.
func TestFreeze(t *testing.T) {
	inBubble(t, []tnttest.Option{tnttest.WithElectionDelay(3 * time.Second)}, pool.Options{}, func(t *testing.T, e *embedded) {
		must(t, e.Freeze(0))
		began := time.Now()
		inFlight := make(chan error, 1)
		go func() { inFlight <- insert(t.Context(), e.pool, 1) }()
		_, err := e.WaitLeader(t.Context())
		must(t, err)
		elected := time.Since(began)
		err = <-inFlight
		if late := time.Since(began) - elected; late > 300*time.Millisecond {
			t.Errorf("what was in flight failed %v after the election", late)
		}
		var re *tnt.RequestError
		if !errors.Is(err, pool.ErrSuperseded) || !errors.As(err, &re) || re.Fate() != tnt.FateUnknown {
			t.Errorf("in flight on the stopped leader: %v, want ErrSuperseded with an unknown fate", err)
		}
		e.wantRoles(t, pool.Superseded, pool.Master, pool.Replica)
		must(t, insert(t.Context(), e.pool, 2))
		must(t, e.Thaw(0))
		time.Sleep(10 * time.Second)
		e.wantRoles(t, pool.Replica, pool.Master, pool.Replica)
		for i, want := range []int{2, 2, 1} { // the split brain is what was in flight
			if n, _ := e.Instance(i).Space("kv").Len(); i > 0 && n > want {
				t.Errorf("%s has %d tuples, want %d at the most", e.Name(i), n, want)
			}
		}
	})
}
