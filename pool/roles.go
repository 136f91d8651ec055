package pool

import (
	"fmt"
)

// Role is what an instance is to the pool.
type Role uint8

// The roles of instances.
const (
	// Unknown: it can't be used now; Status.Why says why.
	Unknown Role = iota
	// Replica: it answers reads.
	Replica
	// Master: it takes the writes.
	Master
	// Superseded: it took writes when it was heard of last, and another is the master
	// now. Nothing is sent to it, and its sessions are dropped.
	Superseded
)

var roleNames = [...]string{"unknown", "replica", "master", "superseded"}

// String returns the role in one word.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return fmt.Sprintf("Role(%d)", uint8(r))
}

// account is what an instance says of itself and its replica set, or said last.
type account struct {
	ro         bool
	term       uint64
	leader     uint64 // number of the leader, 0: none
	leaderUUID string // of the leader, as ER_READONLY named it
	id         uint64 // its own number
	uuid       string
	// turned numbers, over the whole pool, the last time that it was seen to turn from
	// read-only to writable; 0: never. A first value is no turn: it may be old.
	turned uint64
}

// facts are what roles are decided by.
type facts struct {
	account
	unfit  error // why it can't be used whatever its role; nil: it can
	away   bool  // because it is not connected
	silent bool  // because it did not answer a probe
	known  bool  // the account is of the present session
	told   bool  // there is an account, if an old one
	denied bool  // it may not be asked: an account will not come
	marked bool  // it has just refused to write
	master bool  // it is the pool's master
}

// verdict is the role of an instance, and why it has that.
type verdict struct {
	role Role
	why  error
}

// writable reports whether it takes writes, by its last account.
func (f *facts) writable() bool { return f.told && !f.ro }

// knowsLeader reports whether it has a leader in its term, itself for one.
func (f *facts) knowsLeader() bool {
	return f.told && (f.leader != 0 || f.leaderUUID != "" || !f.ro)
}

// decide decides the roles. Independent instances each have that of their account.
//
// The master is writable, and its term is not behind: a stopped leader and the new
// one both say that they are writable, and the term alone tells them apart. Of several
// in one term it is the one that the others call leader, else the one that turned
// writable last, else the one that was.
func decide(all []facts, independent bool) []verdict {
	verdicts := make([]verdict, len(all))
	best := -1
	for i := range all {
		f := &all[i]
		verdicts[i] = f.alone(all, independent)
		if verdicts[i].why == errAlsoWrites && (best < 0 || f.isMasterBefore(&all[best], all)) { //nolint:errorlint // the very value
			best = i
		}
	}
	if independent {
		return verdicts
	}
	if best < 0 {
		guess(all, verdicts)
		return verdicts
	}
	verdicts[best] = verdict{Master, errWrites}
	for i := range all {
		if i != best {
			if why := all[i].yields(&all[best]); why != nil {
				verdicts[i] = verdict{Superseded, fmt.Errorf("%w: %w", ErrSuperseded, why)}
			}
		}
	}
	return verdicts
}

// alone returns what an instance is by itself: that of several that take writes one is
// the master comes after that.
func (f *facts) alone(all []facts, independent bool) verdict {
	if !f.away && !independent && f.known && f.writable() {
		if why := f.behind(all); why != nil {
			return verdict{Superseded, fmt.Errorf("%w: %w", ErrSuperseded, why)}
		}
	}
	switch {
	case f.unfit != nil:
		return verdict{Unknown, f.unfit}
	case f.marked:
		return verdict{Replica, errRefusedWrite}
	case !f.known:
		return verdict{Replica, errDenied} // or the master by a guess
	case f.ro:
		return verdict{Replica, errReadOnly}
	case independent:
		return verdict{Master, errWrites}
	}
	return verdict{Replica, errAlsoWrites}
}

// behind returns the reason why a later term than the instance's is in force, nil
// where none is: a leader has it, or a majority has.
func (f *facts) behind(all []facts) error {
	later := 0
	for i := range all {
		o := &all[i]
		if !o.told || o.term <= f.term {
			continue
		}
		if o.knowsLeader() {
			return fmt.Errorf("its term is %d, and there is a leader in term %d", f.term, o.term)
		}
		later++
	}
	if 2*later > len(all) {
		return fmt.Errorf("its term is %d, and a majority has a later one", f.term)
	}
	return nil
}

// yields returns why an instance that has not said so is not the master any more
// beside the one that is, nil where it may take writes as well.
func (f *facts) yields(master *facts) error {
	switch {
	case f.away, f.marked, !f.known, !f.writable():
		return nil
	case f.turned < master.turned:
		return errTurnedLater
	case f.silent: // when the other turned may not have been seen
		return errSilent
	}
	return nil
}

// isMasterBefore reports whether of two that take writes this one is the master.
func (f *facts) isMasterBefore(o *facts, all []facts) bool {
	if f.term != o.term {
		return f.term > o.term
	}
	if a, b := f.votes(all), o.votes(all); a != b {
		return a > b
	}
	if f.turned != o.turned {
		return f.turned > o.turned
	}
	return f.master && !o.master
}

// votes returns how many in its term call it the leader, itself not counted.
func (f *facts) votes(all []facts) (n int) {
	for i := range all {
		o := &all[i]
		if o == f || !o.known || o.term != f.term {
			continue
		}
		if o.leader != 0 && o.leader == f.id || o.leaderUUID != "" && o.leaderUUID == f.uuid {
			n++
		}
	}
	return n
}

// guess makes one of those that may not be asked the master, to be tried: the one
// that refusals named, else the one that was, else the first that has not refused.
func guess(all []facts, verdicts []verdict) {
	best := -1
	for i := range all {
		f := &all[i]
		if f.unfit != nil || f.known || f.marked || !f.denied || verdicts[i].role == Superseded {
			continue
		}
		if best < 0 || f.votes(all) > all[best].votes(all) || f.votes(all) == all[best].votes(all) && f.master {
			best = i
		}
	}
	if best >= 0 {
		verdicts[best] = verdict{Master, errDenied}
	}
}
