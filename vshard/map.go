package vshard

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/luacall"
)

// MapOptions are those of Map.
type MapOptions struct {
	// Buckets whose replica sets are asked. Default: all.
	Buckets []uint32
}

// Map calls a function on the masters of all replica sets, or of those that have
// the buckets of the options, at the same time and while no bucket is moved, and
// returns its first result by the replica sets' names (or UUIDs). It is all or
// nothing: where one fails the error is a *MapError that names it, but the
// function may have been done on others. For T see tnt.One.
//
// Buckets can't be moved while a Map goes on, so it should be short. Its time is
// what is left of the context's, or Config.MaxWait.
func Map[T any](ctx context.Context, r *Router, function string, args []any, opts MapOptions) (map[string]T, error) {
	parts, err := r.doMap(ctx, function, args, opts)
	if err != nil {
		return nil, err
	}
	decoded := make(map[string]T, len(parts))
	for _, p := range parts {
		var v T
		if err := decode(p.answer, nil, &v); err != nil {
			return nil, &MapError{Function: function, ReplicaSet: p.ID(), Err: err}
		}
		decoded[p.ID()] = v
	}
	return decoded, nil
}

// MapError is the error of a Map.
type MapError struct {
	Function   string
	ReplicaSet string // where it failed; "" for none in particular
	Err        error
}

// Error tells where the Map failed and of what.
func (e *MapError) Error() string {
	if e.ReplicaSet == "" {
		return fmt.Sprintf("vshard: map of %s: %v", e.Function, e.Err)
	}
	return fmt.Sprintf("vshard: map of %s on %s: %v", e.Function, e.ReplicaSet, e.Err)
}

// Unwrap returns what went wrong.
func (e *MapError) Unwrap() error { return e.Err }

// unrefTime bounds the giving back of refs, which a context that has ended
// must not keep from being done.
const unrefTime = 2 * time.Second

// mapping is one attempt of a Map.
type mapping struct {
	router   *Router
	table    *table
	function string
	args     []any
	ref      uint64
	parts    []*part
	called   bool // the function was, or may have been
}

// part is a replica set of a mapping.
type part struct {
	*set
	buckets []uint32    // nil: all
	session *tnt.Pinned // on the master: a storage knows a ref by its session
	count   int64       // of buckets that are held in their place
	moved   []uint32
	answer  tnt.Response // true and the function's first result
	err     error
}

// errMoved is that of buckets that were moved while they were to be held in
// their place. It is tried again.
var errMoved = errors.New("buckets are being moved")

// doMap does a Map, with the hooks around it.
func (r *Router) doMap(ctx context.Context, function string, args []any, opts MapOptions) ([]*part, error) {
	if r.ctx.Err() != nil {
		return nil, ErrClosed
	}
	for _, b := range opts.Buckets {
		if b == 0 || b > r.Buckets() {
			return nil, fmt.Errorf("vshard: bucket %d is none of 1 to %d", b, r.Buckets())
		}
	}
	config := r.table().config
	asked := MapCall{Function: function, Args: args, Buckets: opts.Buckets}
	began := time.Now()
	if config.Hooks.StartMap != nil {
		ctx = config.Hooks.StartMap(ctx, asked)
	}
	m, attempts, err := r.tryMap(ctx, config.MaxWait, asked)
	if config.Hooks.EndMap != nil {
		config.Hooks.EndMap(ctx, MapEnd{Map: asked, ReplicaSets: len(m.parts), Attempts: attempts, Duration: time.Since(began), Err: err})
	}
	return m.parts, err
}

// tryMap attempts a Map until it is done, or failed in a way that won't be over soon,
// or its time is. It returns the last attempt, and how many there were.
func (r *Router) tryMap(ctx context.Context, most time.Duration, c MapCall) (m *mapping, attempts int, err error) {
	if c.Args == nil {
		c.Args = []any{}
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, most)
		defer cancel()
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		m = &mapping{router: r, table: r.table(), function: c.Function, args: c.Args, ref: r.refs.Add(1)}
		attempts++
		err = m.run(ctx, c.Buckets)
		if err == nil || m.called || !again(err) {
			return m, attempts, err
		}
		if ended := sleep(ctx, jitter(pause)); ended != nil {
			failed := &MapError{Function: c.Function, Err: errors.Join(ended, err)}
			var e *MapError
			if errors.As(err, &e) {
				failed.ReplicaSet, failed.Err = e.ReplicaSet, errors.Join(ended, e.Err)
			}
			return m, attempts, failed
		}
		if r.ctx.Err() != nil {
			return m, attempts, ErrClosed
		}
	}
}

// again reports whether a Map that has not called the function yet failed of what may be
// over soon. The function's own errors may be the same: vshard passes them on as they are.
func again(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Name == "STORAGE_REF_ADD" || e.Name == "NON_MASTER" || e.Name == "TRANSFER_IS_IN_PROGRESS" || e.Name == "BUCKET_IS_LOCKED"
	}
	return errors.Is(err, errMoved) || errors.Is(err, ErrNoInstance) || errors.Is(err, ErrNoBucket)
}

// run holds all buckets in their place, calls the function, and lets go.
func (m *mapping) run(ctx context.Context, buckets []uint32) error {
	if err := m.split(ctx, buckets); err != nil {
		return err
	}
	// All sessions come first: while one is waited for, no ref is to block the
	// moving of buckets elsewhere.
	for _, p := range m.parts {
		master, err := p.pool.pick(RW, nil)
		if err != nil {
			p.findMaster(ctx)
			return m.failed(p, err)
		}
		if p.session, err = tnt.Pin(ctx, master); err != nil {
			return m.failed(p, err)
		}
	}
	err := m.each(ctx, m.hold)
	if err == nil {
		err = m.complete(buckets == nil)
	}
	if err == nil {
		m.called = true
		err = m.each(ctx, m.call)
	}
	if err != nil {
		m.letGo(ctx)
	}
	return err
}

// split finds which replica sets are to be asked.
func (m *mapping) split(ctx context.Context, buckets []uint32) error {
	if buckets == nil {
		for _, s := range m.table.sets {
			m.parts = append(m.parts, &part{set: s})
		}
		return nil
	}
	bySet := make(map[*set]*part)
	for _, b := range buckets {
		s := m.table.lookup(b)
		if s == nil {
			var err error
			if s, _, err = m.table.find(ctx, b); err != nil {
				return &MapError{Function: m.function, Err: fmt.Errorf("bucket %d: %w", b, err)}
			}
		}
		p := bySet[s]
		if p == nil {
			p = &part{set: s}
			bySet[s] = p
			m.parts = append(m.parts, p)
		}
		p.buckets = append(p.buckets, b)
	}
	return nil
}

// each does a step on all parts at once, and returns the first error.
func (m *mapping) each(ctx context.Context, step func(context.Context, *part)) error {
	var steps sync.WaitGroup
	for _, p := range m.parts {
		steps.Go(func() { step(ctx, p) })
	}
	steps.Wait()
	for _, p := range m.parts {
		if p.err != nil {
			return m.failed(p, p.err)
		}
	}
	return nil
}

func (m *mapping) failed(p *part, err error) error {
	return &MapError{Function: m.function, ReplicaSet: p.ID(), Err: err}
}

// do does a step on a storage, and returns the first result of its answer too.
func (p *part) do(ctx context.Context, name string, args ...any) (answer tnt.Response, first luacall.Value, err error) {
	answer, err = tnt.Do(ctx, p.session, tnt.Call{Function: "vshard.storage._call", Args: append([]any{name}, args...)})
	if err != nil {
		return answer, nil, err
	}
	var second luacall.Value
	if err := decode(answer, &first, &second); err != nil {
		return answer, nil, err
	}
	if !first.IsNil() || second.IsNil() {
		return answer, first, nil
	}
	if e, ok := parseError(second); ok {
		return answer, nil, e
	}
	return answer, nil, &FunctionError{Function: name, ReplicaSet: p.ID(), Err: serverError(second)}
}

// hold has a storage keep its buckets where they are.
func (m *mapping) hold(ctx context.Context, p *part) {
	defer p.learn(ctx)
	left, _, err := luacall.Timeout(ctx, 0)
	if err != nil {
		p.err = err
		return
	}
	seconds := luacall.Seconds(left)
	if p.buckets == nil {
		_, count, err := p.do(ctx, "storage_ref", m.ref, seconds)
		p.count, p.err = count.Int(), err
		return
	}
	_, held, err := p.do(ctx, "storage_ref_make_with_buckets", m.ref, seconds, p.buckets)
	p.err = err
	for _, moved := range held.Get("moved").Values() {
		b := uint32(moved.Get("id").Int())
		if b == 0 || b > m.table.config.Buckets {
			continue
		}
		p.moved = append(p.moved, b)
		if to := m.table.byKey[moved.Get("dst").Text()]; to != nil {
			m.table.assign(b, to)
		} else {
			m.table.drop(b, p.set)
		}
	}
}

// learn takes who the master is of a storage that is none, or asks the others.
func (p *part) learn(ctx context.Context) {
	var e *Error
	if errors.As(p.err, &e) && e.Name == "NON_MASTER" && !p.pool.setMaster(e.Master) {
		p.findMaster(ctx)
	}
}

// complete checks that all buckets are held: one that is being moved is held
// nowhere, or is held in its old place and its new one.
func (m *mapping) complete(all bool) error {
	var held int64
	for _, p := range m.parts {
		held += p.count
		if len(p.moved) > 0 {
			return m.failed(p, errMoved)
		}
	}
	if all && held != int64(m.table.config.Buckets) {
		m.router.discoverSoon()
		return &MapError{Function: m.function, Err: fmt.Errorf("%w: %d of %d are in their place", errMoved, held, m.table.config.Buckets)}
	}
	return nil
}

// call calls the function on a storage, which lets go of its buckets then.
func (m *mapping) call(ctx context.Context, p *part) {
	p.answer, _, p.err = p.do(ctx, "storage_map", m.ref, m.function, m.args)
	var e *FunctionError
	if errors.As(p.err, &e) {
		e.Function = m.function
	}
}

// unref lets go of a storage's buckets. That there is no such ref is as well.
func (m *mapping) unref(ctx context.Context, p *part) {
	_, _, _ = p.do(ctx, "storage_unref", m.ref)
}

// letGo has all storages let go of their buckets, as far as their sessions last:
// refs end with them. It waits for that as long as the context does.
func (m *mapping) letGo(ctx context.Context) {
	telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), unrefTime)
	var steps sync.WaitGroup
	for _, p := range m.parts {
		steps.Go(func() { m.unref(telling, p) })
	}
	done := make(chan struct{})
	go func() {
		defer cancel()
		steps.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
