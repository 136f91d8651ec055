package vshard

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/luacall"
	"github.com/gotnt/tnt/pool"
)

// connections is a replica set's pool, as the router uses it: replicas, and what
// stands for it in tests. Its methods are safe for concurrent use, and none but
// refresh, await and close waits.
type connections interface {
	// pick chooses an instance for a call of a mode, but none of those that were
	// tried. Its error is an ErrNoInstance that says why.
	pick(mode Mode, tried []string) (member, error)
	// hasOther reports whether there is an instance for a read besides those that were
	// tried.
	hasOther(tried []string) bool
	// setMaster takes what a storage said to be the master, by name or UUID. It
	// reports whether there is such an instance.
	setMaster(id string) bool
	// rest leaves an instance alone for some time.
	rest(name string, d time.Duration, why error)
	// refresh asks the storages which is the master.
	refresh(ctx context.Context)
	// await waits until there is a master.
	await(ctx context.Context)
	// info tells what is known.
	info() []InstanceInfo
	// change puts instances in the place of those that there are: at once, but what is
	// in flight on those that are gone is waited for by leave.
	change(instances []pool.Instance) (leave func(context.Context) error, err error)
	// close ends the connections when what is in flight on them is answered, or ctx
	// ends.
	close(ctx context.Context)
}

// member is an instance that was picked for a call.
type member struct {
	tnt.Executor
	name    string
	timeout time.Duration // its RequestTimeout, 0 for none
}

// InstanceInfo is what is known of an instance.
type InstanceInfo struct {
	pool.Status
	RestsUntil time.Time // zero, or until when the router leaves it alone
	RestsFor   error     // why it does
}

// claimFor is for how long a storage's word counts more than the pool's account of
// who is the master. Where that is right they agree by then.
const claimFor = time.Second

// replicas is a pool, and what its instances say as storages: that one can't serve
// for now, or that another is the master.
type replicas struct {
	id    string
	pool  *pool.Pool
	views [BRE + 1][]*pool.View // by mode, in their order
	most  time.Duration         // that a replica may be behind, 0 for any

	mu    sync.Mutex
	claim claim
	rests map[string]rest
	names map[string]string // of instances by their UUIDs, as far as they were asked
}

// claim is a master by a storage's word.
type claim struct {
	view  *pool.View
	until time.Time
}

type rest struct {
	until time.Time
	why   error
}

// connect makes a replica set's pool, and waits for nothing.
func connect(rs ReplicaSet, opts pool.Options) (connections, error) {
	opts.Instances = rs.Instances
	// A call is tried again by the router, which knows what vshard's errors mean.
	opts.MaxWait, opts.TryFor, opts.Independent = tnt.Never, 0, false
	p, err := pool.New(opts)
	if err != nil {
		return nil, fmt.Errorf("vshard: replica set %s: %w", rs.ID(), err)
	}
	r := &replicas{id: rs.ID(), pool: p, most: opts.MaxLag, rests: make(map[string]rest), names: make(map[string]string)}
	r.views = [...][]*pool.View{
		RW: {p.Master()}, RO: {p.Master(), p.Replica()}, BRO: {p.Any()},
		RE: {p.PreferReplica()}, BRE: {p.PreferReplica()},
	}
	return r, nil
}

// change implements connections.
func (r *replicas) change(instances []pool.Instance) (leave func(context.Context) error, err error) {
	leave, err = r.pool.ChangeInstances(instances)
	r.mu.Lock()
	defer r.mu.Unlock()
	// What is known by names may be of those before.
	r.claim, r.rests, r.names = claim{}, make(map[string]rest), make(map[string]string)
	return leave, err
}

// on returns the view of an instance, nil where there is none of that name any more.
func (r *replicas) on(name string) *pool.View {
	view, _ := r.pool.On(name)
	return view
}

// routed is the way to an instance that a view has chosen. The view is told of
// failures: the pool learns from them.
type routed struct {
	way  tnt.Route
	view *pool.View
}

// Route implements tnt.Executor.
func (r routed) Route(ctx context.Context, a tnt.Attempt) (tnt.Route, error) {
	return r.way.Route(ctx, a)
}

// OnFailure implements tnt.FailureObserver.
func (r routed) OnFailure(ctx context.Context, a tnt.Attempt) { r.view.OnFailure(ctx, a) }

// pick implements connections: the views choose, and where their choice is left
// alone any other instance that will do.
func (r *replicas) pick(mode Mode, tried []string) (member, error) {
	var why []error
	for _, views := range [...]func(Mode) []*pool.View{r.viewsFor, r.others} {
		for _, v := range views(mode) {
			m, err := r.via(v, tried)
			if err == nil {
				return m, nil
			}
			why = append(why, err)
		}
	}
	return member{}, fmt.Errorf("%w in replica set %s: %w", ErrNoInstance, r.id, errors.Join(why...))
}

func (r *replicas) viewsFor(mode Mode) []*pool.View {
	if mode == RW {
		if v := r.claimed(); v != nil {
			return []*pool.View{v}
		}
	}
	return r.views[mode]
}

// others returns the instances that a read may go to where the first choice will not do:
// those that are as good for the mode first, by chance, and those that are too far behind
// last.
func (r *replicas) others(mode Mode) []*pool.View {
	if mode == RW {
		return nil
	}
	all := r.pool.Status()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	slices.SortStableFunc(all, func(a, b pool.Status) int { return r.rank(mode, &a) - r.rank(mode, &b) })
	var views []*pool.View
	for _, s := range all {
		if v := r.on(s.Name); v != nil {
			views = append(views, v)
		}
	}
	return views
}

// rank is the place of an instance among those that a read of a mode may go to.
func (r *replicas) rank(mode Mode, s *pool.Status) int {
	stale := r.most > 0 && (!s.LagKnown || s.Lag > r.most)
	switch {
	case s.Role == pool.Master:
		if mode == RE || mode == BRE {
			return 1
		}
		return 0
	case stale:
		return 2
	case mode == RO:
		return 1
	}
	return 0
}

// hasOther implements connections. No turn is taken by it.
func (r *replicas) hasOther(tried []string) bool {
	all := r.pool.Status()
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(all, func(s pool.Status) bool {
		return (s.Role == pool.Master || s.Role == pool.Replica) && s.Connected > 0 &&
			!slices.Contains(tried, s.Name) && time.Now().After(r.rests[s.Name].until)
	})
}

// claimed returns the master by a storage's word, nil for none.
func (r *replicas) claimed() *pool.View {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claim.view == nil {
		return nil
	}
	if time.Now().After(r.claim.until) || !r.claim.view.Fits() {
		r.claim = claim{}
	}
	return r.claim.view
}

// via returns the instance that a view chooses, or why that won't do.
func (r *replicas) via(v *pool.View, tried []string) (member, error) {
	rt, err := v.Route(context.Background(), tnt.Attempt{Try: 1, Began: time.Now()}) // it waits for nothing
	if err != nil {
		return member{}, err
	}
	m := member{Executor: routed{rt, v}, name: r.nameOf(rt.Conn()), timeout: rt.Conn().Options().RequestTimeout}
	if slices.Contains(tried, m.name) {
		return member{}, fmt.Errorf("%s was asked already", m.name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if rests := r.rests[m.name]; time.Now().Before(rests.until) {
		return member{}, fmt.Errorf("%s: %w", m.name, rests.why)
	}
	return m, nil
}

// nameOf returns the name of the instance that a connection is to.
func (r *replicas) nameOf(conn *tnt.Conn) string {
	uuid := conn.InstanceUUID()
	r.mu.Lock()
	names := r.names // of the present instances: what is found goes there, if they are others by then
	name := names[uuid]
	r.mu.Unlock()
	if name != "" {
		return name
	}
	all := r.pool.Status()
	at := slices.IndexFunc(all, func(s pool.Status) bool { return s.UUID == uuid })
	if at < 0 || uuid == "" { // it was lost just now: it is none of those whose UUID is not known
		return conn.Options().Address
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	names[uuid] = all[at].Name
	return all[at].Name
}

// setMaster implements connections.
func (r *replicas) setMaster(id string) bool {
	var view *pool.View
	for _, s := range r.pool.Status() {
		if id != "" && (s.Name == id || s.UUID == id) {
			view = r.on(s.Name)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.claim = claim{}
	if view != nil {
		r.claim = claim{view: view, until: time.Now().Add(claimFor)}
	}
	return view != nil
}

// rest implements connections.
func (r *replicas) rest(name string, d time.Duration, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rests[name] = rest{until: time.Now().Add(d), why: why}
}

// refresh implements connections: each storage says whether it is the master. It
// is for what the pool can't know, as where its user may not call box.info before
// 2.10. Where the pool's master says so too, that is it.
func (r *replicas) refresh(ctx context.Context) {
	all := r.pool.Status()
	claims := make([]bool, len(all))
	var asked sync.WaitGroup
	for i, s := range all {
		v := r.on(s.Name)
		if v == nil || !v.Fits() {
			continue
		}
		asked.Go(func() {
			results, err := luacall.Do(ctx, v, "vshard.storage._call", "info")
			claims[i] = err == nil && luacall.At(results, 0).Get("is_master").Bool()
		})
	}
	asked.Wait()
	found := ""
	for i, s := range all {
		if claims[i] && (found == "" || s.Role == pool.Master) {
			found = s.Name
		}
	}
	if found != "" {
		r.setMaster(found)
	}
}

// await implements connections.
func (r *replicas) await(ctx context.Context) { _ = r.pool.WaitMaster(ctx) }

// info implements connections.
func (r *replicas) info() []InstanceInfo {
	all := r.pool.Status()
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]InstanceInfo, len(all))
	for i, s := range all {
		list[i].Status = s
		if rests := r.rests[s.Name]; time.Now().Before(rests.until) {
			list[i].RestsUntil, list[i].RestsFor = rests.until, rests.why
		}
	}
	return list
}

// close implements connections.
func (r *replicas) close(ctx context.Context) {
	if ctx.Err() == nil {
		_ = r.pool.CloseGraceful(ctx)
	}
	_ = r.pool.Close()
}
