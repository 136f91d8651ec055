package pool

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/box"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
)

// maxBackoff is the longest pause between probes of an instance that is silent.
const maxBackoff = 5 * time.Second

// run probes the member until it leaves the pool: a sign of life from each, and
// box.info from those that don't tell of their role by themselves, or where lags are
// asked for.
func (m *member) run(ctx context.Context) {
	defer close(m.ended)
	every := m.pool.opts.Probe
	watchers := m.watch()
	timer := time.NewTimer(every)
	defer timer.Stop()
	pause, soon := every, every/hurryFirst
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.kick:
		case <-timer.C:
		}
		if !m.control.IsConnected() {
			timer.Reset(every)
			continue
		}
		watches := m.control.Features().Has(iproto.FeatureWatchers)
		if watches && isOver(watchers) {
			for _, w := range watchers { // of some it may have refused
				w.Unregister()
			}
			watchers = m.watch() // it was an older server before, or refused to be watched
		}
		err := m.probe(ctx, watches)
		if isSilence(err) {
			pause = min(2*pause, maxBackoff)
		} else {
			pause = every / 4 // for the first probe after a silence
		}
		if errors.Is(err, tnt.ErrTooMany) { // that many probes have no answer
			m.control.Drop(errSilent)
		}
		next := every
		switch silent, hurry := m.urgency(); {
		case silent:
			next = pause - rand.N(pause/2+1)
		case hurry && !watches:
			next = soon
			soon = min(2*soon, every)
		default:
			soon = every / hurryFirst
		}
		timer.Reset(next)
	}
}

// isSilence reports whether a probe had no answer in time, or there are too many before
// it that have none.
func isSilence(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, tnt.ErrTooMany)
}

// isOver reports whether watchers have ended, as they do on a server without them.
func isOver(watchers []*tnt.Watcher) bool {
	for _, w := range watchers {
		select {
		case <-w.Done():
			return true
		default:
		}
	}
	return len(watchers) == 0
}

// hurryFirst is by how much sooner those that have to be asked are asked while there is
// no master; each time is twice as long as the one before.
const hurryFirst = 32

// urgency returns whether the member is silent, and whether there is no master, or it
// has yet to say that it is none any more.
func (m *member) urgency() (silent, hurry bool) {
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	return m.silent, m.role == Superseded || len(m.pool.table.Load().choices[kindMaster].fit) == 0
}

// probe asks the instance for a sign of life, and for box.info where that is needed.
func (m *member) probe(ctx context.Context, watches bool) error {
	ctx, cancel := context.WithTimeout(ctx, m.pool.opts.Probe)
	defer cancel()
	var info *box.InstanceInfo
	var err error
	if asks := !watches || m.pool.opts.MaxLag > 0; asks {
		var i box.InstanceInfo
		if i, err = box.Info(ctx, m.control); err == nil {
			info = &i
		}
	} else {
		err = m.control.Ping(ctx)
	}
	var refused *tnt.Error
	p := m.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	switch silent := isSilence(err); {
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil, errors.Is(err, context.Canceled), errors.Is(err, tnt.ErrNotConnected), errors.Is(err, tnt.ErrConnectionLost):
		return nil // the state of the connection tells
	case silent:
		m.silent = true
	case info != nil:
		m.silent, m.denied = false, false
		m.inform(info, watches)
	case errors.As(err, &refused):
		m.silent, m.lagFrom = false, nil
		if !watches {
			m.denied = isDenied(refused)
			m.heardRO = m.heardRO && !m.denied
		}
	default:
		m.silent = false
	}
	if !m.silent && errors.Is(m.markErr, errSlow) {
		m.unmark()
	}
	p.update()
	return err
}

// isDenied reports whether box.info may not be called.
func isDenied(e *tnt.Error) bool {
	return e.Code == errcode.AccessDenied || e.Code == errcode.NoSuchProc || e.Code == errcode.NoSuchFunction
}

// inform takes what box.info says. p.mu is held.
func (m *member) inform(i *box.InstanceInfo, watches bool) {
	m.lagFrom = map[uint64]time.Duration{}
	for id, r := range i.Replication {
		if up := r.Upstream; up != nil {
			if up.Status == "follow" && up.Idle <= m.pool.opts.MaxLag+replicationPause {
				m.lagFrom[id] = up.Lag
			}
		}
	}
	if watches {
		return // events are newer
	}
	m.account.id, m.running = i.ID, i.Status
	if err := m.identifyLocked(i.UUID); err != nil {
		return
	}
	m.joins(i.ReplicasetUUID)
	var term, leader uint64
	if e := i.Election; e != nil { // 2.6 and later
		term, leader = e.Term, e.Leader
	}
	m.elect(term, leader)
	m.hear(i.RO)
}

// replicationPause is how long an upstream that has nothing to say may be idle:
// box.cfg.replication_timeout is a second by default.
const replicationPause = time.Second

// stale returns why a replica is too far behind the master, nil where it is not. p.mu
// is held.
func (m *member) stale(most time.Duration, master uint64) error {
	if most == 0 {
		return nil
	}
	m.lag = nil
	if master == 0 { // then nobody is ahead that is known
		return nil
	}
	lag, ok := m.lagFrom[master]
	if !ok {
		return errLagUnknown
	}
	m.lag = &lag
	if lag > most {
		return fmt.Errorf("it is %v behind the master", lag)
	}
	return nil
}

func (m *member) lagOf() time.Duration {
	if m.lag == nil {
		return 0
	}
	return *m.lag
}
