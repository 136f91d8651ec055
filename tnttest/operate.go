package tnttest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// operate does something to member i that its process has to do, with the lock
// held.
func (rs *ReplicaSet) operate(i int, what string, f func(*member) error) error {
	m, err := rs.member(i)
	if err != nil {
		return err
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	switch {
	case rs.closed || m.srv.closed:
		return ErrClosed
	case m.srv.down:
		return fmt.Errorf("tnttest: can't %s %s: it was killed; Restart it first", what, m.name)
	case m.frozen:
		return fmt.Errorf("tnttest: can't %s %s: it is frozen; Thaw it first", what, m.name)
	}
	return f(m)
}

// Promote makes member i the leader, as box.ctl.promote() does, and waits until
// it is: some milliseconds of the clock. Then it takes writes, unless its
// read_only is set. It fails where the member
// hears no majority or the others refuse what it sends. Without elections it
// is an operator's switch: all other members that can be reached become
// read-only, then this one writable. With a ManualClock somebody else has to
// advance that meanwhile.
func (rs *ReplicaSet) Promote(i int) error {
	var e *election
	err := rs.operate(i, "promote", func(m *member) error {
		voters := rs.reach(m)
		switch {
		case !m.elects():
			m.switchTo()
			return nil
		case m.role == leading && m.master:
			return nil
		case len(voters) < rs.quorum():
			return fmt.Errorf("tnttest: can't promote %s: it hears %d of %d members, no majority", m.name, len(voters), len(rs.members))
		case !rs.eligible(m, voters):
			return fmt.Errorf("tnttest: can't promote %s: it lacks what others have, or they refuse what it sends (%v)",
				m.name, m.refusals())
		}
		e = rs.startElection(m)
		e.run()
		return nil
	})
	if err != nil || e == nil {
		return err
	}
	<-e.done
	return e.err
}

// refusals says who refuses what the member sends, and why.
func (m *member) refusals() map[string]string {
	why := make(map[string]string)
	for _, o := range m.set.members {
		if text := o.broken[m.id]; text != "" {
			why[o.name] = text
		}
	}
	return why
}

// switchTo makes the member the one that is writable.
func (m *member) switchTo() {
	for _, o := range m.set.members {
		if o != m && o.awake() {
			o.setReadOnly(true)
		}
	}
	m.setReadOnly(false)
}

// Demote makes the leader i a follower, as box.ctl.demote() does. The members
// elect another, or the same again.
func (rs *ReplicaSet) Demote(i int) error {
	return rs.operate(i, "demote", func(m *member) error {
		if m.role != leading {
			return fmt.Errorf("tnttest: can't demote %s: it is no leader", m.name)
		}
		m.stepDown()
		return nil
	})
}

// SetReadOnly sets box.cfg.read_only of member i.
func (rs *ReplicaSet) SetReadOnly(i int, on bool) error {
	return rs.operate(i, "configure", func(m *member) error {
		m.setReadOnly(on)
		return nil
	})
}

func (m *member) setReadOnly(on bool) {
	if m.roCfg == on {
		return
	}
	before := m.readOnly()
	m.roCfg = on
	if m.readOnly() == before {
		m.srv.publishStatus()
	} else {
		m.roChanged()
		m.srv.publishElection()
	}
	m.set.changed()
}

// SetLag lets member i apply what others commit so much later, and tell of it as
// the lag in its box.info. It can't be elected while it lacks something.
func (rs *ReplicaSet) SetLag(i int, lag time.Duration) error {
	return rs.operate(i, "delay", func(m *member) error {
		m.lag = max(lag, 0)
		rs.changed()
		return nil
	})
}

// Freeze stops member i as SIGSTOP does: it accepts connections, and reads,
// writes and does nothing. What it was asked meanwhile it does after Thaw.
func (rs *ReplicaSet) Freeze(i int) error {
	return rs.operate(i, "freeze", func(m *member) error {
		m.frozen, m.waking = true, false
		m.srv.frozen.set(true)
		rs.announce()
		rs.changed()
		return nil
	})
}

// Thaw lets a frozen member go on, as SIGCONT does. For some milliseconds a
// leader does not know that it was superseded, and takes the writes that
// waited for it.
func (rs *ReplicaSet) Thaw(i int) error {
	m, err := rs.member(i)
	if err != nil {
		return err
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if !m.frozen {
		return fmt.Errorf("tnttest: can't thaw %s: it is not frozen", m.name)
	}
	m.frozen = false
	m.srv.frozen.set(false)
	m.wake()
	rs.announce()
	return nil
}

// Kill ends member i at once, as SIGKILL does: its connections are cut, and new
// ones refused. What it committed it still has after Restart. It may be frozen.
func (rs *ReplicaSet) Kill(i int) error {
	m, err := rs.member(i)
	if err != nil {
		return err
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.closed || !m.up() {
		return fmt.Errorf("tnttest: can't kill %s: it does not run", m.name)
	}
	m.srv.cut()
	m.stop()
	return nil
}

// cut ends all connections and listens no more. The lock is held.
func (s *Server) cut() {
	s.down, s.shutdown = true, false
	for _, l := range s.listeners {
		_ = l.Close()
	}
	s.listeners = nil
	for c := range s.conns {
		c.close()
	}
	s.engine.AbortWriters()
	s.frozen.set(false)
	clear(s.events) // a process that is started again has its own alone
}

// Restart starts a member that was killed or shut down, at the same address. It
// catches up with the others when it hears them, some milliseconds later. The
// error is that of listening.
func (rs *ReplicaSet) Restart(i int) error {
	m, err := rs.member(i)
	if err != nil {
		return err
	}
	rs.mu.Lock()
	if rs.closed || m.srv.closed || !m.srv.down {
		rs.mu.Unlock()
		return fmt.Errorf("tnttest: can't restart %s: it was not killed", m.name)
	}
	m.srv.down = false
	m.srv.started = rs.opts.clock.Now()
	clear(m.broken)
	m.srv.publishState()
	m.wake()
	rs.mu.Unlock()
	return m.listen()
}

// Shutdown ends member i in order, as SIGTERM does: it listens no more, tells
// its clients by the event box.shutdown, and waits until those who watch that
// have left. It leads meanwhile. Clients that stay are cut off when ctx is done
// or after three seconds of the clock, as on a real server.
func (rs *ReplicaSet) Shutdown(ctx context.Context, i int) error {
	err := rs.operate(i, "shut down", func(m *member) error {
		m.srv.announceShutdown()
		return nil
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := rs.opts.clock.AfterFunc(shutdownTime, func() { cancel(errShutdownTime) })
	defer stop()
	err = rs.members[i].srv.waitForConns(ctx)
	if errors.Is(err, errShutdownTime) {
		err = nil
	}
	return errors.Join(err, rs.Kill(i))
}

var errShutdownTime = errors.New("tnttest: the time for a shutdown is over")

// Partition lets only the members of one group hear each other, as a network
// does that fell apart. Members that no group names are one more group.
// Clients still reach all.
func (rs *ReplicaSet) Partition(groups ...[]int) error {
	group := make(map[*member]int)
	for g, members := range groups {
		for _, i := range members {
			m, err := rs.member(i)
			if err != nil {
				return err
			}
			if _, twice := group[m]; twice {
				return fmt.Errorf("tnttest: %s is in two groups", m.name)
			}
			group[m] = g + 1
		}
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.regroup(group)
	return nil
}

// Heal ends a partition.
func (rs *ReplicaSet) Heal() {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.regroup(nil)
}

// regroup gives the members their groups.
func (rs *ReplicaSet) regroup(group map[*member]int) {
	for _, m := range rs.members {
		m.group = group[m]
	}
	rs.changed()
}
