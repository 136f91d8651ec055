package tnttest

import (
	"fmt"
	"strings"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// writable reports why the member takes no writes, nil where it does: ER_READONLY
// with the words and the fields of the real server.
func (m *member) writable() *types.Error {
	switch {
	case m.srv.down:
		return memtx.Errorf(errcode.Readonly, "Can't modify data: the member %s of the replica set was killed", m.name)
	case !m.readOnly():
		return nil
	case !since2x10(m.srv.opts.version):
		return memtx.Errorf(errcode.Readonly, "Can't modify data because this instance is in read-only mode.")
	}
	e := memtx.Errorf(errcode.Readonly, "Can't modify data on a read-only instance - %s", m.roState())
	e.SetField("reason", m.roReason())
	if !m.elects() || m.master {
		return e
	}
	e.SetField("state", string(m.role))
	e.SetField("term", m.term)
	if l := m.set.byID(m.leader); l != nil {
		e.SetField("leader_id", uint64(l.id))
		e.SetField("leader_uuid", l.srv.uuid)
	}
	e.SetField("queue_owner_id", uint64(m.queueOwner))
	e.SetField("queue_term", m.queueTerm)
	if o := m.set.byID(m.queueOwner); o != nil {
		e.SetField("queue_owner_uuid", o.srv.uuid)
	}
	return e
}

// roReason is box.info.ro_reason: the election comes before the configuration.
func (m *member) roReason() string {
	if m.elects() && !m.master {
		return "synchro"
	}
	return "config"
}

// roState says why the member is read-only, in the words of the real server.
func (m *member) roState() string {
	if m.roReason() == "config" {
		return "box.cfg.read_only is true"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "state is election %s with term %d", m.role, m.term)
	if l := m.set.byID(m.leader); l != nil {
		fmt.Fprintf(&b, ", leader is %d (%v)", l.id, l.srv.uuid)
	}
	fmt.Fprintf(&b, ", synchro queue with term %d belongs to %d", m.queueTerm, m.queueOwner)
	if o := m.set.byID(m.queueOwner); o != nil {
		fmt.Fprintf(&b, " (%v)", o.srv.uuid)
	}
	if m.queueOwner == m.id {
		b.WriteString(" and is frozen until promotion")
	}
	return b.String()
}
