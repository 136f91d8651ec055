package pool

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt"
)

// Pool is several instances behind the interface of one connection: itself it is the
// master's view. It is safe for concurrent use.
type Pool struct {
	*View

	opts  Options
	hooks hooks
	news  news
	table atomic.Pointer[table]
	turn  atomic.Uint32 // of the round robin

	counts counts

	mu      sync.Mutex // never held across a network call, nor while a hook is called
	members []*member
	leaving map[*member][]*tnt.Conn // those that are left, with their connections for requests
	owners  map[*tnt.Conn]*member   // of the connections for requests
	turns   uint64                  // how often one turned writable
	closed  bool
	done    chan struct{} // closed by Close

	retiring sync.WaitGroup // of superseded instances; none joins it after Close
}

// New makes a pool and starts to connect to its instances; it waits for none. The
// error names what is wrong with the options.
func New(opts Options) (*Pool, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	instances, err := checkAll(opts.Instances)
	if err != nil {
		return nil, err
	}
	hooks, err := sortHooks(opts.Hooks)
	if err != nil {
		return nil, err
	}
	opts.Instances = nil // from now on they are members
	p := &Pool{opts: opts, hooks: hooks, leaving: map[*member][]*tnt.Conn{}, owners: map[*tnt.Conn]*member{}, done: make(chan struct{})}
	p.View = &View{pool: p, kind: kindMaster}
	p.news.hooks = hooks.roles
	p.table.Store(&table{changed: make(chan struct{})})
	for _, i := range instances {
		m, err := p.newMember(i)
		if err != nil {
			return nil, err
		}
		p.members = append(p.members, m)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.members {
		m.start()
	}
	p.update()
	return p, nil
}

// Open makes a pool and returns when there is a master; of Independent instances, any
// that fits. Where ctx ends first, or no instance can be connected to for reasons that
// will not change, such as wrong credentials, the error says what is wrong with each,
// and there is no pool.
func Open(ctx context.Context, opts Options) (*Pool, error) {
	p, err := New(opts)
	if err != nil {
		return nil, err
	}
	wait := p.Master()
	if opts.Independent {
		wait = p.Any()
	}
	if err := p.waitFor(ctx, wait, true); err != nil {
		_ = p.Close()
		return nil, fmt.Errorf("pool: cannot open it: %w", err)
	}
	return p, nil
}

// WaitMaster waits until there is a master. Its error has the context's cause and, of
// each instance, why it is none.
func (p *Pool) WaitMaster(ctx context.Context) error { return p.waitFor(ctx, p.View, false) }

// waitFor waits until an instance fits a view; hopeful says to end where none ever
// will.
func (p *Pool) waitFor(ctx context.Context, v *View, hopeful bool) error {
	began := time.Now()
	for {
		t := p.table.Load()
		switch {
		case t.closed:
			return errClosed
		case len(v.choice(t).fit) > 0:
			return nil
		case hopeful && p.isHopeless():
			return t.noInstance(v, began, nil)
		}
		select {
		case <-t.changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), t.noInstance(v, began, nil))
		}
	}
}

// isHopeless reports whether no instance can be connected to for a reason that trying
// again will not change.
func (p *Pool) isHopeless() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.members {
		if !m.permanent {
			return false
		}
	}
	return true
}

// Close closes all connections, those that Remove, Replace or CloseGraceful wait for
// as well. Requests in flight fail with tnt.ErrClosed, and so do those that come later.
// When it returns no goroutine of the pool is left, but for a Dialer, AfterConnect or
// hook of the user's that does not end. It may be called again.
func (p *Pool) Close() error {
	p.end(func(conns []*tnt.Conn) {
		for _, conn := range conns {
			disconnect(conn)
		}
	})
	return nil
}

// CloseGraceful closes the pool after the requests in flight have their answers; new
// ones fail at once. Where ctx ends first the rest fails as well, and the error is the
// context's cause.
func (p *Pool) CloseGraceful(ctx context.Context) error {
	var mu sync.Mutex
	var errs []error
	p.end(func(conns []*tnt.Conn) {
		err := closeGraceful(ctx, conns)
		mu.Lock()
		defer mu.Unlock()
		errs = append(errs, err)
	})
	if err := errors.Join(errs...); err != nil {
		return context.Cause(ctx)
	}
	return nil
}

// closeMost bounds the wait for what the user's own code may keep.
const closeMost = time.Second

func disconnect(conn *tnt.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), closeMost)
	defer cancel()
	_ = conn.Disconnect(ctx)
}

func closeGraceful(ctx context.Context, conns []*tnt.Conn) error {
	errs := make([]error, len(conns))
	var all sync.WaitGroup
	for i, conn := range conns {
		all.Go(func() { errs[i] = conn.CloseGraceful(ctx) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// end closes the pool; finish closes a member's connections for requests.
func (p *Pool) end(finish func([]*tnt.Conn)) {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.done)
		for _, m := range p.members {
			m.leave()
		}
		p.members = nil
		p.update()
	}
	leaving := maps.Clone(p.leaving)
	p.mu.Unlock()
	var all sync.WaitGroup
	for m, conns := range leaving {
		all.Go(func() {
			finish(conns)
			m.finish()
		})
	}
	all.Wait()
	p.retiring.Wait()
	p.news.wait()
}

// finish ends what is left of a member when its connections for requests are closed.
// It may be called again.
func (m *member) finish() {
	disconnect(m.control)
	<-m.ended
	p := m.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.leaving, m)
}

// wait waits until the hooks have been told all, or do not return.
func (n *news) wait() {
	n.mu.Lock()
	idle := n.idle
	n.mu.Unlock()
	if idle == nil {
		return
	}
	timer := time.NewTimer(closeMost)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
	}
}
