package tnttest

import (
	"errors"
	"time"
)

// changed follows each change of who hears whom. The lock is held.
func (rs *ReplicaSet) changed() {
	if rs.closed {
		return
	}
	rs.catchUp()
	for _, m := range rs.members {
		m.upstreams()
		if m.elects() {
			m.review()
		}
	}
}

// review does what a member has to do about whom it hears.
func (m *member) review() {
	rs := m.set
	if !m.awake() || m.waking && m.role != leading {
		m.unwatch()
		return
	}
	switch {
	case m.waking: // it still believes to lead
	case m.role == leading && rs.superseded(m):
		m.unwatch()
		m.stepDown()
	case m.role == leading && !rs.opts.noFencing && len(rs.reach(m)) < rs.quorum():
		m.watch(rs.fencingDelay(), m.stepDown)
	case m.role == leading || m.role == candidate:
		m.unwatch()
	case rs.newest(m) != nil:
		m.unwatch()
		m.meet(rs.newest(m))
	case m.leader != 0 && !linked(m, rs.byID(m.leader)):
		m.watch(rs.opts.electionDelay, m.loseLeader)
	case m.leader != 0 && rs.byID(m.leader).role != leading: // it says so itself
		m.unwatch()
		m.loseLeader()
	default:
		m.unwatch()
		rs.elect(m)
	}
}

// newest returns the leader with the highest term that m hears and that is not
// older than what m knows, nil where it hears none.
func (rs *ReplicaSet) newest(m *member) *member {
	var found *member
	for _, o := range rs.reach(m) {
		if o != m && o.role == leading && o.term >= m.term && (found == nil || o.term > found.term) {
			found = o
		}
	}
	return found
}

// superseded reports whether m hears of a term past its own.
func (rs *ReplicaSet) superseded(m *member) bool {
	for _, o := range rs.reach(m) {
		if o.term > m.term {
			return true
		}
	}
	return false
}

// meet makes the member follow the leader that it hears: at once where it
// follows none, else after it has seen that its own is none any more.
func (m *member) meet(l *member) {
	switch {
	case m.leader == l.id && m.term == l.term:
	case m.leader == 0:
		m.follow(l)
		m.set.changed()
	default:
		m.turn(follower, m.term, 0)
		m.set.after(stepTime, m.set.changed)
	}
}

// fencingDelay is after what time a leader without a majority steps down: soon
// where the others are gone for sure.
func (rs *ReplicaSet) fencingDelay() time.Duration {
	up := 0
	for _, o := range rs.members {
		if o.up() {
			up++
		}
	}
	if up < rs.quorum() {
		return wakeTime
	}
	return rs.opts.electionDelay
}

// stepDown makes a leader a follower of nobody. Those who hear it know.
func (m *member) stepDown() {
	rs := m.set
	for _, o := range append(rs.reach(m), m) {
		if o == m && m.leader != 0 || o.leader == m.id && o.term == m.term {
			o.turn(follower, o.term, 0)
		}
	}
	rs.after(stepTime, rs.changed)
}

// loseLeader makes a follower that heard nothing of its leader for long enough
// forget it.
func (m *member) loseLeader() {
	m.turn(follower, m.term, 0)
	m.set.after(stepTime, m.set.changed)
}

// election is one on its way. There is one at a time, as one majority.
type election struct {
	rs        *ReplicaSet
	candidate *member
	step      int
	next      *timer
	done      chan struct{} // closed at the end
	err       error         // why there is no leader, to be read after it
}

var errElection = errors.New("tnttest: the election failed: its candidate has lost the majority, or another was started")

// elect starts an election among those that m hears, if they are a majority
// and none of them follows a leader.
func (rs *ReplicaSet) elect(m *member) {
	voters := rs.reach(m)
	if rs.election != nil || len(voters) < rs.quorum() {
		return
	}
	for _, o := range voters {
		if o.leader != 0 {
			return
		}
	}
	for _, readOnly := range []bool{false, true} {
		for _, o := range voters {
			if o.roCfg == readOnly && rs.eligible(o, voters) {
				rs.startElection(o).run()
				return
			}
		}
	}
}

// eligible reports whether the voters would vote for a member: it has all that
// they have, and they take what it sends. That it is read-only is no hindrance
// to Tarantool's.
func (rs *ReplicaSet) eligible(m *member, voters []*member) bool {
	for _, o := range voters {
		if o.broken[m.id] != "" {
			return false
		}
		for id, lsn := range o.vclock {
			if m.vclock[id] < lsn && m.broken[o.id] == "" {
				return false
			}
		}
	}
	return true
}

func (rs *ReplicaSet) startElection(m *member) *election {
	if e := rs.election; e != nil {
		e.end(errElection)
		e.withdraw()
	}
	rs.election = &election{rs: rs, candidate: m, done: make(chan struct{})}
	return rs.election
}

// run does the next step, each a millisecond after the one before, so that
// clients see them all:
//
//	0: those who follow a leader forget it, and that one is read-only
//	1: the candidate begins a new term
//	2: it has won, and is read-only yet
//	3: it takes writes (box.status)
//	4: it says so once more (box.election)
func (e *election) run() {
	rs, c := e.rs, e.candidate
	voters := rs.reach(c)
	if len(voters) < rs.quorum() {
		e.end(errElection)
		e.withdraw()
		rs.changed()
		return
	}
	switch e.step {
	case 0:
		for _, o := range voters {
			if o.leader != 0 || o.role != follower {
				o.turn(follower, o.term, 0)
			}
		}
	case 1:
		term := uint64(0)
		for _, o := range voters {
			term = max(term, o.term)
		}
		for _, o := range voters {
			r := follower
			if o == c {
				r = candidate
			}
			o.turn(r, term+1, 0)
		}
	case 2:
		c.turn(leading, c.term, c.id)
		for _, o := range voters {
			if o != c {
				o.turn(follower, c.term, c.id)
			}
		}
	case 3:
		for _, o := range voters {
			o.queueOwner, o.queueTerm = c.id, c.term
		}
		c.master = true
		if !c.readOnly() {
			c.roChanged()
		}
	case 4:
		c.srv.publishElection()
		e.end(nil)
		rs.changed()
		return
	}
	e.step++
	e.next = rs.after(stepTime, e.run)
}

// withdraw makes the candidate of an election that failed a follower again.
func (e *election) withdraw() {
	if c := e.candidate; c.role != follower && !c.master {
		c.turn(follower, c.term, 0)
	}
}

// end ends the election, won where err is nil.
func (e *election) end(err error) {
	e.next.stop()
	if e.rs.election == e {
		e.rs.election = nil
	}
	e.err = err
	close(e.done)
}
