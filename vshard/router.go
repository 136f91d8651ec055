package vshard

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Router calls functions where buckets are. It is safe for concurrent use.
type Router struct {
	ctx     context.Context // ends with the Router
	cancel  context.CancelCauseFunc
	current atomic.Pointer[table]
	workers sync.WaitGroup
	wake    chan struct{} // has discovery begin

	configuring sync.Mutex // held by the one that makes a new table

	mu            sync.Mutex
	lastDiscovery DiscoveryEnd

	requests, again atomic.Uint64
	refs            atomic.Uint64 // numbers of Map's refs
}

// Open opens a router, and returns after a first look for where buckets are:
// replica sets whose master can't be reached in a second are left for later. A
// context that ends before is an error.
func Open(ctx context.Context, config Config) (*Router, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	r := &Router{wake: make(chan struct{}, 1)}
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	t, opened, err := newTable(config, nil)
	if err != nil {
		closeAll(opened)
		return nil, err
	}
	r.current.Store(t)
	// Not those of another router in the same session. From 1e14 on Lua has
	// integers as objects, of which no two are the same key of a table.
	r.refs.Store(rand.Uint64N(1e12))
	first := make(chan struct{})
	r.workers.Go(func() { r.discovering(first) })
	select {
	case <-first:
		return r, nil
	case <-ctx.Done():
		_ = r.Close()
		return nil, context.Cause(ctx)
	}
}

// closeAll closes connections at once.
func closeAll(sets []*set) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, s := range sets {
		s.pool.close(ctx)
	}
}

// Close ends the router and its connections. Calls that go on fail.
func (r *Router) Close() error {
	r.cancel(ErrClosed)
	r.configuring.Lock() // a Reconfigure that goes on may begin something yet, a later one not
	sets := r.table().sets
	r.configuring.Unlock()
	r.workers.Wait()
	closeAll(sets)
	return nil
}

func (r *Router) table() *table { return r.current.Load() }

var errBucketsChanged = errors.New("vshard: the number of buckets can't be changed")

// Reconfigure changes the cluster's configuration at once: a call that begins
// afterwards uses the new one. Replica sets that stay keep what is known of their
// buckets and their pools, unless Config.Pool changed; of those just the instances that
// changed are connected to anew (see pool.SetInstances for what a change is). What is
// in flight on instances and replica sets that are gone goes on, at the latest for
// Config.MaxWait. Where the error is not nil nothing has changed.
func (r *Router) Reconfigure(ctx context.Context, config Config) error {
	config, err := config.withDefaults()
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.configuring.Lock()
	defer r.configuring.Unlock()
	if r.ctx.Err() != nil {
		return ErrClosed
	}
	before := r.table()
	if config.Buckets != before.config.Buckets {
		return errBucketsChanged
	}
	t, opened, err := newTable(config, before)
	if err != nil {
		closeAll(opened)
		return err
	}
	r.current.Store(t)
	kept := make(map[connections]bool)
	for _, s := range t.sets {
		kept[s.pool] = true
		if !slices.Contains(opened, s) {
			leave, changed := s.pool.change(s.Instances)
			if changed != nil { // though they were checked, so the pool is closed
				err = errors.Join(err, changed)
				continue
			}
			r.later(config.MaxWait, func(ctx context.Context) { _ = leave(ctx) })
		}
	}
	for _, s := range before.sets {
		if !kept[s.pool] {
			r.later(config.MaxWait, s.pool.close)
		}
	}
	r.discoverSoon()
	return err
}

// later does what may take some time, at the latest until the router is closed.
func (r *Router) later(most time.Duration, do func(context.Context)) {
	r.workers.Go(func() {
		ctx, cancel := context.WithTimeout(r.ctx, most)
		defer cancel()
		do(ctx)
	})
}

// Buckets returns how many there are.
func (r *Router) Buckets() uint32 { return r.table().config.Buckets }

// StrCRC32 returns the bucket of a sharding key; see the function StrCRC32.
func (r *Router) StrCRC32(key ...any) (uint32, error) { return StrCRC32(r.Buckets(), key...) }

// MPCRC32 returns the bucket of a sharding key; see the function MPCRC32.
func (r *Router) MPCRC32(key ...any) (uint32, error) { return MPCRC32(r.Buckets(), key...) }

// Info is what a Router knows, to look at.
type Info struct {
	Buckets     uint32
	Unknown     int // buckets of which it is not known where they are
	ReplicaSets []ReplicaSetInfo
	Discovery   DiscoveryEnd // the last one
	Requests    uint64       // sent for calls, without those of Maps
	Again       uint64       // of them, those that followed another
}

// ReplicaSetInfo is what is known of a replica set.
type ReplicaSetInfo struct {
	Name, UUID string
	Buckets    int
	Instances  []InstanceInfo
}

// Info returns what the router knows. It never blocks.
func (r *Router) Info() Info {
	t := r.table()
	bySet, unknown := t.counts()
	info := Info{Buckets: t.config.Buckets, Unknown: unknown, Requests: r.requests.Load(), Again: r.again.Load()}
	for i, s := range t.sets {
		info.ReplicaSets = append(info.ReplicaSets, ReplicaSetInfo{
			Name: s.Name, UUID: s.UUID, Buckets: bySet[i], Instances: s.pool.info(),
		})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	info.Discovery = r.lastDiscovery
	return info
}
