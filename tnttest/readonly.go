package tnttest

import (
	"fmt"
	"strings"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// writable reports why the member takes no writes, nil where it does: ER_READONLY
// with the words and the fields of the real server. 2.10 and 2.11 tell of either
// the election or the queue of synchronous transactions, 3.8 of both; what came
// between is taken to be as 3.8.
func (m *member) writable() *types.Error {
	switch {
	case m.srv.down:
		return memtx.Errorf(errcode.Readonly, "Can't modify data: the member %s of the replica set was killed", m.name)
	case !m.readOnly():
		return nil
	case !since2x10(m.srv.opts.version):
		return memtx.Errorf(errcode.Readonly, "Can't modify data because this instance is in read-only mode.")
	}
	reason := m.roReason()
	both := m.srv.opts.version.AtLeast(3, 0, 0)
	e := memtx.Errorf(errcode.Readonly, "")
	e.SetField("reason", reason)
	var why []string
	if reason == "config" {
		why = append(why, "box.cfg.read_only is true")
	}
	if reason == "election" || reason == "synchro" && both {
		why = append(why, m.electionState(e))
	}
	if reason == "synchro" {
		why = append(why, m.queueState(e, both))
	}
	e.Message = "Can't modify data on a read-only instance - " + strings.Join(why, ", ")
	return e
}

// roReason is box.info.ro_reason: the election comes before the configuration.
func (m *member) roReason() string {
	switch {
	case !m.elects() || m.master:
		return "config"
	case m.role != leading && !m.srv.opts.version.AtLeast(3, 0, 0):
		return "election"
	}
	return "synchro"
}

// electionState says what the member knows of the election, in words and in the
// fields of the error.
func (m *member) electionState(e *types.Error) string {
	e.SetField("state", string(m.role))
	e.SetField("term", m.term)
	text := fmt.Sprintf("state is election %s with term %d", m.role, m.term)
	if l := m.set.byID(m.leader); l != nil {
		e.SetField("leader_id", uint64(l.id))
		e.SetField("leader_uuid", l.srv.uuid)
		text += fmt.Sprintf(", leader is %d (%v)", l.id, l.srv.uuid)
	}
	return text
}

// queueState says whose the queue of synchronous transactions is.
func (m *member) queueState(e *types.Error, frozen bool) string {
	e.SetField("queue_owner_id", uint64(m.queueOwner))
	e.SetField("queue_term", m.queueTerm)
	text := fmt.Sprintf("synchro queue with term %d belongs to %d", m.queueTerm, m.queueOwner)
	if o := m.set.byID(m.queueOwner); o != nil {
		e.SetField("queue_owner_uuid", o.srv.uuid)
		text += fmt.Sprintf(" (%v)", o.srv.uuid)
	}
	if frozen && m.queueOwner == m.id {
		text += " and is frozen until promotion"
	}
	return text
}
