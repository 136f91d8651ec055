package tnttest

import "time"

// member is what a server is in its replica set. It is guarded by the lock that
// all members share.
type member struct {
	set     *ReplicaSet
	srv     *Server
	id      uint32
	name    string
	network string // what it listens on, "" in memory
	address string

	group  int  // of a partition
	frozen bool // it does nothing at all
	waking bool // it was frozen, away or partitioned and hears nobody yet

	roCfg  bool // box.cfg.read_only
	role   role
	term   uint64
	leader uint32 // the id of the one it follows, 0: it knows none
	// master tells that the leader has the queue and takes writes.
	master bool
	// queueOwner and queueTerm are of the last promotion that it knows.
	queueOwner uint32
	queueTerm  uint64

	lag    time.Duration // after which it applies what others committed
	vclock map[uint32]uint64
	broken map[uint32]string    // from whom it takes nothing more, and why
	heard  map[uint32]time.Time // when it last heard those that it doesn't hear

	watchdog *timer // what it does about a silence
	due      time.Time
}

// role is raft's state of a member, as box.info.election and box.election name it.
type role string

const (
	follower  role = "follower"
	candidate role = "candidate"
	leading   role = "leader"
)

func newMember(rs *ReplicaSet, i int, srv *Server) *member {
	m := &member{
		set: rs, srv: srv, id: uint32(i + 1), name: rs.Name(i), address: rs.Name(i) + ":3301",
		role: follower, term: 1,
		vclock: make(map[uint32]uint64), broken: make(map[uint32]string), heard: make(map[uint32]time.Time),
	}
	return m
}

// join makes a new server a member that has what all have, with r0 as the
// master.
func (m *member) join() {
	s, first := m.srv, uint32(1)
	if lsn := s.changes.vclock[first]; lsn > 0 {
		m.vclock[first] = lsn // each has made the same
	}
	if m.set.opts.noElections {
		m.roCfg = m.id != first
	} else {
		m.term, m.leader, m.queueOwner, m.queueTerm = termAtStart, first, first, termAtStart
		if m.id == first {
			m.role, m.master = leading, true
		}
	}
	s.member = m
	s.engine.Writable = m.writable
	s.publishState()
}

// elects reports whether the members elect a leader.
func (m *member) elects() bool { return !m.set.opts.noElections }

// up reports whether the member's process runs, be it frozen.
func (m *member) up() bool { return !m.srv.down && !m.srv.closed }

// awake reports whether the member can do something.
func (m *member) awake() bool { return m.up() && !m.frozen }

// linked reports whether two members hear each other.
func linked(a, b *member) bool {
	if a == b {
		return a.awake() && !a.waking
	}
	return a.awake() && b.awake() && !a.waking && !b.waking && a.group == b.group
}

// readOnly reports whether the member takes no writes.
func (m *member) readOnly() bool { return m.roCfg || m.elects() && !m.master }

// turn gives the member a role and tells its clients, status first.
func (m *member) turn(r role, term uint64, leader uint32) {
	before := m.readOnly()
	m.role, m.term, m.leader = r, term, leader
	if r != leading {
		m.master = false
	}
	if m.readOnly() != before {
		m.roChanged()
	}
	m.srv.publishElection()
	m.set.announce()
}

// roChanged tells the clients that the member is read-only now, or not any
// more. The event box.election is the caller's to tell.
func (m *member) roChanged() {
	if m.readOnly() {
		m.srv.engine.AbortWriters()
	}
	m.srv.publishStatus()
	m.srv.publishBallot()
	m.set.announce()
}

// follow makes the member a follower of the leader that l is.
func (m *member) follow(l *member) {
	m.queueOwner, m.queueTerm = l.queueOwner, l.queueTerm
	m.turn(follower, l.term, l.id)
}

// stop ends what the member's process does. The server is down or closed
// already.
func (m *member) stop() {
	if m.set.closed {
		return
	}
	m.watchdog.stop()
	m.watchdog = nil
	m.role, m.leader, m.master, m.frozen, m.waking = follower, 0, false, false, false
	m.set.announce()
	m.set.changed()
}

// wake lets a member hear the others, some time from now.
func (m *member) wake() {
	m.waking = true
	m.set.after(wakeTime, func() {
		if !m.waking || !m.awake() {
			return
		}
		m.waking = false
		m.set.changed()
	})
}

// watch starts the member's watchdog: f is called after d, unless unwatch is
// called before. One that is due earlier stays.
func (m *member) watch(d time.Duration, f func()) {
	due := m.set.opts.clock.Now().Add(d)
	if m.watchdog != nil {
		if !due.Before(m.due) {
			return
		}
		m.watchdog.stop()
	}
	m.due = due
	m.watchdog = m.set.after(d, func() {
		m.watchdog = nil
		f()
	})
}

func (m *member) unwatch() {
	m.watchdog.stop()
	m.watchdog = nil
}

// upstreams notes whom the member doesn't hear, and since when.
func (m *member) upstreams() {
	now := m.set.opts.clock.Now()
	for _, o := range m.set.members {
		switch _, silent := m.heard[o.id]; {
		case o == m:
		case linked(m, o):
			delete(m.heard, o.id)
		case !silent:
			m.heard[o.id] = now
		}
	}
}
