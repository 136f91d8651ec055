package tnttest

import (
	"github.com/google/uuid"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// gcConsumersID is the id of _gc_consumers, which came with 3.3.
const gcConsumersID = 388

func (s *Server) hasConsumers() bool { return s.opts.version.AtLeast(3, 3, 0) }

// keepConsumer writes the row of a consumer.
func (s *Server) keepConsumer(id uuid.UUID, position types.VClock) *types.Error {
	b := mp.AppendString(mp.AppendArrayLen(nil, 3), id.String())
	b = mp.AppendMapLen(replication.AppendVClock(b, position), 0)
	return s.engine.SetLocal(gcConsumersID, b)
}

// dropConsumer is box.ctl.replica_gc.
func dropConsumer(c *Call) ([]any, error) {
	args, err := c.Args()
	if err != nil {
		return nil, err
	}
	text, ok := "", false
	if len(args) > 0 {
		text, ok = args[0].(string)
	}
	if !ok {
		return nil, memtx.IllegalParams("expected string as 1 argument")
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return nil, memtx.IllegalParams("Invalid UUID: %s", text)
	}
	s := c.conn.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	fail := func(why string) error {
		e := memtx.Errorf(errcode.ReplicaGC, "Cannot clean up replica's resources")
		e.SetField("uuid", id.String())
		e.SetField("details", why)
		return e
	}
	switch {
	case id == s.uuid:
		return nil, fail("Cannot clean up self")
	case s.changes.followers[id] != nil:
		return nil, fail("Replica is connected")
	}
	there, refused := s.engine.RemoveLocal(c.conn.user, gcConsumersID, mp.AppendString(mp.AppendArrayLen(nil, 1), id.String()))
	switch {
	case refused != nil:
		return nil, refused
	case !there:
		return nil, fail("Replica does not exist")
	}
	return nil, nil
}
