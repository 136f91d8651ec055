package tnttest

import (
	"fmt"
	"time"

	"github.com/gotnt/tnt/tnttest/internal/memtx"
)

// logEntry is a transaction in the log that members take from each other what
// they lack from.
type logEntry struct {
	origin uint32 // the id of the member that committed it
	lsn    uint64 // of its last row
	term   uint64 // of the promotion under which it was committed
	at     time.Time
	rows   []memtx.Row
}

// minLog is the length up to which the log is not compacted.
const minLog = 64

// committed follows each transaction of the member's own.
func (m *member) committed(rows []memtx.Row) {
	rs := m.set
	m.vclock[m.id] += uint64(len(rows))
	rs.log = append(rs.log, logEntry{origin: m.id, lsn: m.vclock[m.id], term: m.queueTerm, at: rs.opts.clock.Now(), rows: rows})
	for _, o := range rs.members {
		switch {
		case o == m || !linked(m, o):
		case o.lag > 0:
			rs.after(o.lag, rs.changed)
		default:
			o.pull(m)
		}
	}
	if len(rs.log) >= rs.compact {
		rs.compactLog()
	}
}

// pull applies what another member has and this one lacks.
func (m *member) pull(from *member) {
	if m.broken[from.id] != "" {
		return
	}
	for _, e := range m.set.log {
		if e.lsn <= m.vclock[e.origin] || e.lsn > from.vclock[e.origin] {
			continue
		}
		if m.lag > 0 && m.set.opts.clock.Now().Sub(e.at) < m.lag {
			return
		}
		if why := m.take(from, e); why != "" {
			m.broken[from.id] = why
			return
		}
	}
}

// take applies a transaction, or says why it can't be.
func (m *member) take(from *member, e logEntry) (why string) {
	// A member that knows of the last promotion has nothing that came too late
	// for it. Of another, what was committed under an earlier one is refused:
	// the same test as that of Tarantool's txn_limbo.
	if e.term < m.queueTerm && from.queueTerm < m.queueTerm {
		return "Split-Brain discovered: got an async transaction from an old term"
	}
	if gap := e.lsn - uint64(len(e.rows)); gap != m.vclock[e.origin] {
		return fmt.Sprintf("Missing transactions of the member %d between its lsn %d and %d", e.origin, m.vclock[e.origin], gap)
	}
	if err := m.srv.engine.Apply(e.rows); err != nil {
		return err.Message
	}
	m.srv.schemaVersion.Store(m.srv.engine.SchemaVersion())
	m.vclock[e.origin] = e.lsn
	m.srv.changes.commit(e.origin, e.at, e.rows)
	return ""
}

// catchUp lets all that hear each other have the same. Those that know the
// last promotion are asked first.
func (rs *ReplicaSet) catchUp() {
	for _, fresh := range []bool{true, false} {
		for _, m := range rs.members {
			for _, from := range rs.members {
				if m != from && linked(m, from) && (from.queueTerm >= m.queueTerm) == fresh {
					m.pull(from)
				}
			}
		}
	}
}

// compactLog drops what all members have.
func (rs *ReplicaSet) compactLog() {
	kept := rs.log[:0]
	for _, e := range rs.log {
		for _, m := range rs.members {
			if m.vclock[e.origin] < e.lsn {
				kept = append(kept, e)
				break
			}
		}
	}
	clear(rs.log[len(kept):])
	rs.log = kept
	rs.compact = max(2*len(kept), minLog)
}
