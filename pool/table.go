package pool

import (
	"errors"
	"fmt"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
)

// kind is what a view chooses.
type kind uint8

const (
	kindMaster kind = iota
	kindReplica
	kindPreferReplica
	kindAny
	kindNamed
	kinds = kindNamed
)

var kindNames = [...]string{"master", "replica", "master or replica", "any", "named"}

// table is what requests are routed by: a snapshot that is replaced as a whole with
// each change.
type table struct {
	closed  bool
	changed chan struct{} // closed when there is another table
	choices [kinds]choice
	named   map[string]*Candidate
	status  []Status
	members []*member // in the order of status
}

// update decides the roles anew, and publishes what comes of it. p.mu is held.
func (p *Pool) update() {
	all := make([]facts, len(p.members))
	for i, m := range p.members {
		all[i] = m.facts()
	}
	verdicts := decide(all, p.opts.Independent)
	t := &table{closed: p.closed, changed: make(chan struct{}), named: map[string]*Candidate{}, members: append([]*member(nil), p.members...)}
	masterID := uint64(0)
	for i, m := range p.members {
		p.assign(m, verdicts[i])
		if m.role == Master {
			masterID = m.account.id
		}
	}
	var master, replicas, any []*Candidate
	for _, m := range p.members {
		why := m.why
		stale := m.stale(p.opts.MaxLag, masterID)
		c, lacks := m.candidate()
		if c != nil {
			any = append(any, c)
			t.named[m.Name] = c
			if c.Role == Master {
				master = append(master, c)
			} else if lacks = stale; lacks == nil {
				replicas = append(replicas, c)
			}
		}
		if lacks != nil {
			why = lacks
		}
		t.status = append(t.status, m.status(why))
	}
	prefer := replicas
	if len(prefer) == 0 {
		prefer = master
	}
	t.choices = [kinds]choice{
		kindMaster: newChoice(master, ""), kindReplica: newChoice(replicas, p.opts.Zone),
		kindPreferReplica: newChoice(prefer, p.opts.Zone), kindAny: newChoice(any, p.opts.Zone),
	}
	before := p.table.Swap(t)
	close(before.changed)
	if len(before.choices[kindMaster].fit) > 0 && len(master) == 0 {
		for _, m := range p.members { // those that are asked for their role say who is next
			m.probeNow()
		}
	}
}

// assign gives an instance its role. p.mu is held.
func (p *Pool) assign(m *member, v verdict) {
	from := m.role
	if m.why == nil || m.why.Error() != v.why.Error() {
		m.why = v.why
	}
	if from == v.role {
		return
	}
	m.role, m.since = v.role, time.Now()
	p.news.add(roleChange{m.Name, from, v.role, v.why})
	switch {
	case v.role == Superseded:
		m.retirement = time.AfterFunc(retireAfter, m.retire)
		m.probeNow()
	case from == Superseded:
		m.retirement.Stop()
		m.openConns()
	}
}

// retireAfter is how long what is in flight on a superseded instance may take.
const retireAfter = 200 * time.Millisecond

// candidate returns the instance as one that can be chosen, nil and why where it
// can't. p.mu is held.
func (m *member) candidate() (*Candidate, error) {
	if m.role != Master && m.role != Replica {
		return nil, nil //nolint:nilnil // its role says why
	}
	for _, conn := range m.conns {
		if conn.IsConnected() {
			return &Candidate{
				Name: m.Name, Zone: m.Zone, Weight: m.Weight, Role: m.role, Lag: m.lagOf(),
				member: m, conns: m.conns,
			}, nil
		}
	}
	return nil, fmt.Errorf("its control connection is up, and that for requests is not: %w", orElse(m.connErr, errStarting))
}

func orElse(err, other error) error {
	if err == nil {
		return other
	}
	return err
}

// Status is what is known of an instance.
type Status struct {
	Name, Address, Zone string
	Role                Role
	// Why it has its role, or why it is not used.
	Why error
	// Since when it has its role.
	Since time.Time
	// Term of the election of leaders that it is in, by its last account; 0: none.
	Term uint64
	// UUID, ReplicaSet and ID (its number in the replica set) of the instance, zero
	// while they are not known.
	UUID, ReplicaSet string
	ID               uint64
	Version          iproto.Version
	// Lag of a replica; LagKnown only with Options.MaxLag.
	Lag      time.Duration
	LagKnown bool
	// Connected is how many of its connections for requests are up, and InFlight how
	// many requests of this pool wait for its answers.
	Connected, InFlight int
}

// Status returns what is known of each instance, in the order of the pool. It never
// blocks.
func (p *Pool) Status() []Status {
	t := p.table.Load()
	all := append([]Status(nil), t.status...)
	for i := range all {
		for _, conn := range t.members[i].live() {
			if conn.IsConnected() {
				all[i].Connected++
			}
			all[i].InFlight += conn.InFlight()
		}
	}
	return all
}

// status describes the instance. p.mu is held.
func (m *member) status(why error) Status {
	s := Status{
		Name: m.Name, Address: m.address, Zone: m.Zone, Role: m.role, Why: why, Since: m.since,
		Term: m.account.term, UUID: m.account.uuid, ReplicaSet: m.replicaSet, ID: m.account.id,
		Version: m.control.Version(), Lag: m.lagOf(), LagKnown: m.lag != nil,
	}
	return s
}

// noInstance says of each instance why it does not fit a view.
func (t *table) noInstance(v *View, began time.Time, failed error) error {
	e := &NoInstanceError{View: v.String()}
	if !began.IsZero() {
		e.Waited = time.Since(began)
	}
	for _, s := range t.status {
		if v.kind == kindNamed && s.Name != v.name {
			continue
		}
		e.Unfit = append(e.Unfit, Unfit{Name: s.Name, Address: s.Address, Role: s.Role, Why: s.Why})
	}
	if v.kind == kindNamed && len(e.Unfit) == 0 {
		e.Unfit = []Unfit{{Name: v.name, Why: errNotIn}}
	}
	if failed != nil {
		return fmt.Errorf("%w; the last try: %w", e, innermost(failed))
	}
	return e
}

// innermost returns what went wrong in the request, without its name, which its error
// will have anyway.
func innermost(err error) error {
	var re *tnt.RequestError
	if errors.As(err, &re) {
		return re.Err
	}
	return err
}
