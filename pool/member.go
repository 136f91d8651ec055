package pool

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt"
)

// member is an instance of the pool. All but the first group is guarded by Pool.mu,
// which is never held across a network call.
type member struct {
	Instance
	pool    *Pool
	address string
	control *tnt.Conn
	kick    chan struct{} // a probe is due now
	end     context.CancelFunc
	ended   chan struct{} // closed when its goroutine has ended
	next    atomic.Uint32 // of its connections
	current atomic.Pointer[[]*tnt.Conn]

	conns   []*tnt.Conn // for requests; nil while it is superseded
	connErr error       // why those are not up
	left    bool        // it is not the pool's any more

	connected  bool  // the control connection is up
	controlErr error // why it is not
	permanent  bool  // trying again will not help
	down       bool  // it announced its shutdown
	silent     bool  // it did not answer a probe
	denied     bool  // box.info is denied

	account    account
	heardRO    bool // in the present session: whether it is read-only
	heardTerm  bool // likewise: of the election
	told       bool // there is an account, if an old one
	replicaSet string
	running    string         // box.info.status: "running"
	stranger   error          // it is another instance than before
	outsider   *IdentityError // it is of another replica set
	lag        *time.Duration
	lagFrom    map[uint64]time.Duration // by the number of the one it takes from

	markUntil time.Time // it refused to write, or was loading
	markErr   error     // why; nil: it refused to write
	markTimer *time.Timer

	role       Role
	why        error
	since      time.Time
	retirement *time.Timer
}

// newMember makes a member that is not connected yet.
func (p *Pool) newMember(i Instance) (*member, error) {
	m := &member{
		Instance: i, pool: p, kick: make(chan struct{}, 1), ended: make(chan struct{}),
		controlErr: errStarting, why: errStarting, since: time.Now(),
	}
	opts := i.forControl()
	opts.AfterConnect = func(_ context.Context, s *tnt.Pinned) error { return m.identify(s.InstanceUUID()) }
	opts.Hooks = []tnt.Hook{controlHook{m}}
	var err error
	if m.control, err = tnt.New(opts); err != nil {
		return nil, fmt.Errorf("pool: instance %q: %w", i.Name, err)
	}
	m.address = m.control.Options().Address
	m.control.OnState(m.onControl)
	return m, nil
}

// start connects the member. p.mu is held.
func (m *member) start() {
	ctx, cancel := context.WithCancel(context.Background())
	m.end = cancel
	m.openConns()
	m.control.Start()
	go m.run(ctx)
}

// openConns makes the connections for requests. p.mu is held: nothing here waits.
func (m *member) openConns() {
	if m.left || m.conns != nil {
		return
	}
	opts := m.forRequests()
	users := opts.AfterConnect
	opts.AfterConnect = func(ctx context.Context, s *tnt.Pinned) error {
		if err := m.identify(s.InstanceUUID()); err != nil || users == nil {
			return err
		}
		return users(ctx, s)
	}
	m.connErr = nil
	for range m.pool.opts.Connections {
		conn, err := tnt.New(opts)
		if err != nil { // it was checked
			m.connErr = err
			return
		}
		m.conns = append(m.conns, conn)
		m.pool.owners[conn] = m
		conn.OnState(func(_, to tnt.State, cause error) { m.onConn(to, cause) })
	}
	m.publish()
	for _, conn := range m.conns {
		conn.Start()
	}
}

// publish makes the connections known to who holds no lock. p.mu is held.
func (m *member) publish() {
	conns := m.conns
	m.current.Store(&conns)
}

// live returns the connections for requests.
func (m *member) live() []*tnt.Conn {
	if conns := m.current.Load(); conns != nil {
		return *conns
	}
	return nil
}

// takeConns takes the connections for requests away. p.mu is held.
func (m *member) takeConns() []*tnt.Conn {
	conns := m.conns
	m.conns = nil
	m.publish()
	for _, conn := range conns {
		delete(m.pool.owners, conn)
	}
	return conns
}

// retire drops the sessions of an instance that is superseded still.
func (m *member) retire() {
	p := m.pool
	p.mu.Lock()
	if p.closed || m.role != Superseded {
		p.mu.Unlock()
		return
	}
	conns := m.takeConns()
	p.retiring.Add(1)
	p.mu.Unlock()
	defer p.retiring.Done()
	for _, conn := range conns {
		conn.Drop(ErrSuperseded)
		_ = conn.Close() // so that nobody who still holds it sends on a new session
	}
	for _, conn := range conns {
		disconnect(conn)
	}
}

// onControl follows the state of the control connection.
func (m *member) onControl(_, to tnt.State, cause error) {
	p := m.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if to == tnt.Connected {
		m.connected, m.controlErr, m.permanent = true, nil, false
		m.down, m.silent, m.denied = false, false, false // it may be a newer server, or have been granted more
		m.probeNow()
	} else {
		m.connected, m.heardRO, m.heardTerm, m.lagFrom = false, false, false, nil
		if cause != nil {
			m.controlErr = cause
		}
	}
	p.update()
}

// onConn follows the state of a connection for requests.
func (m *member) onConn(to tnt.State, cause error) {
	p := m.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if cause != nil {
		m.connErr = cause
	}
	if to != tnt.Connecting {
		p.update()
	}
}

// controlHook keeps what attempts to connect come to.
type controlHook struct{ m *member }

// OnConnect implements tnt.ConnectHook.
func (h controlHook) OnConnect(_ *tnt.Conn, a tnt.ConnectAttempt) {
	p := h.m.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.m.permanent = a.Permanent; a.Err != nil {
		h.m.controlErr = a.Err
		p.update()
	}
}

// identify holds the instance at the address to who was there before.
func (m *member) identify(uuid string) error {
	p := m.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	return m.identifyLocked(uuid)
}

func (m *member) identifyLocked(uuid string) error {
	p := m.pool
	switch {
	case uuid == "" || uuid == nilUUID:
		return nil
	case m.account.uuid == "":
		for _, o := range p.members {
			if o.account.uuid == uuid {
				return m.estrange(fmt.Errorf("it is the same instance as %s: its UUID is %s", o.Name, uuid))
			}
		}
		m.account.uuid = uuid
	case m.account.uuid != uuid:
		return m.estrange(&IdentityError{What: "instance", Is: uuid, Was: m.account.uuid})
	}
	if m.stranger != nil {
		m.stranger = nil
		p.update()
	}
	return nil
}

// nilUUID is that of an instance that is not bootstrapped yet.
const nilUUID = "00000000-0000-0000-0000-000000000000"

func (m *member) estrange(err error) error {
	m.stranger = err
	m.pool.update()
	return err
}

// joins holds the instance to the replica set of the others. p.mu is held.
func (m *member) joins(replicaSet string) {
	p := m.pool
	if replicaSet == "" || replicaSet == nilUUID || m.left {
		return
	}
	was := m.replicaSet
	if was == "" && !p.opts.Independent {
		for _, o := range p.members {
			if o.replicaSet != "" {
				was = o.replicaSet
			}
		}
	}
	if was != "" && was != replicaSet {
		m.outsider = &IdentityError{What: "replica set", Is: replicaSet, Was: was}
		return
	}
	m.replicaSet, m.outsider = replicaSet, nil
}

// rejoin holds those of another replica set to the instances that there are now: what
// they were held to may be gone, and of theirs they tell but once. p.mu is held.
func (p *Pool) rejoin() {
	for _, m := range p.members {
		if m.outsider != nil {
			m.joins(m.outsider.Is)
		}
	}
}

// known reports whether the account is of the present session. Of an instance whose term
// has yet to come it is not known whether it is the leader or was. p.mu is held.
func (m *member) known() bool { return m.heardRO && m.heardTerm }

// facts returns what the member's role is decided by. p.mu is held.
func (m *member) facts() facts {
	f := facts{
		account: m.account, known: m.known(), told: m.told && m.stranger == nil && m.outsider == nil, denied: m.denied, master: m.role == Master,
	}
	marked := time.Now().Before(m.markUntil)
	f.marked = marked && m.markErr == nil
	switch {
	case m.stranger != nil:
		f.unfit = m.stranger
	case m.outsider != nil:
		f.unfit = m.outsider
	case !m.connected:
		f.unfit, f.away = fmt.Errorf("not connected: %w", orElse(m.controlErr, errStarting)), true
	case m.down:
		f.unfit = errShuttingDown
	case m.silent:
		f.unfit, f.silent = errSilent, true
	case marked && m.markErr != nil:
		f.unfit = m.markErr
	case m.denied:
	case !f.known:
		f.unfit = errNotYet
	case m.replicaSet == "" && !m.pool.opts.Independent:
		f.unfit = errNotYet
	case m.running != "" && m.running != "running":
		f.unfit = fmt.Errorf("its status is %q", m.running)
	}
	return f
}

// mark leaves the instance out for a moment: as a master where why is nil, else
// altogether. p.mu is held.
func (m *member) mark(why error, d time.Duration) {
	m.markErr, m.markUntil = why, time.Now().Add(d)
	if m.markTimer != nil {
		m.markTimer.Stop()
	}
	m.markTimer = time.AfterFunc(d, func() {
		m.pool.mu.Lock()
		defer m.pool.mu.Unlock()
		m.pool.update()
	})
}

// unmark ends what a refusal led to. p.mu is held.
func (m *member) unmark() {
	m.markUntil, m.markErr = time.Time{}, nil
	if m.markTimer != nil {
		m.markTimer.Stop()
	}
}

// probeNow has the member probed at once.
func (m *member) probeNow() {
	select {
	case m.kick <- struct{}{}:
	default: // it is due anyway
	}
}

// leave ends the member for the pool and returns its connections for requests, which
// are the caller's to close. p.mu is held.
func (m *member) leave() []*tnt.Conn {
	m.left = true
	m.unmark()
	if m.retirement != nil {
		m.retirement.Stop()
	}
	if p := m.pool; m.role != Unknown && !p.closed {
		p.news.add(roleChange{m.Name, m.role, Unknown, errRemoved})
	}
	m.end()
	conns := m.takeConns()
	m.pool.leaving[m] = conns
	return conns
}
