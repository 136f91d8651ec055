package tnttest

import (
	"fmt"
	"slices"

	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// Ids of the spaces that hold users, privileges and objects, and of their views.
const (
	vspaceID    = 281
	vsequenceID = 286
	vfuncID     = 297
	userID      = 304
	vuserID     = 305
	privID      = 312
	vprivID     = 313
	truncateID  = 330
)

// Indexes of these spaces.
const (
	byID     = 0 // of _priv: by grantee
	byOwner  = 1
	byName   = 2
	byObject = 2 // of _priv
)

// schemaCall is a call of one of the functions in box.schema. They are those
// of Tarantool's own Lua, which read the views and write the spaces as the
// caller.
type schemaCall struct {
	srv  *Server
	txn  *memtx.Txn
	by   *memtx.User // the caller, nil for the server itself
	self *memtx.User // whose session it is
	args []any
}

// handleSchema registers a function of box.schema. It runs in the transaction
// of the caller's stream, or in one of its own.
func (s *Server) handleSchema(name string, f func(*schemaCall) ([]any, error)) {
	s.Handle(name, func(c *Call) ([]any, error) {
		args, err := c.Args()
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		defer func() { s.schemaVersion.Store(s.engine.SchemaVersion()) }()
		call := &schemaCall{srv: s, txn: c.req.txn(), by: c.conn.user, self: c.conn.user, args: args}
		if call.txn != nil {
			return f(call)
		}
		var fail *types.Error
		if call.txn, fail = s.engine.Begin(0, memtx.IsolationDefault); fail != nil {
			return nil, fail
		}
		results, err := f(call)
		if err != nil {
			call.txn.Rollback()
			return nil, err
		}
		if fail := call.txn.Commit(); fail != nil {
			return nil, fail
		}
		return results, nil
	})
}

// arg returns an argument, nil where it was not given.
func (c *schemaCall) arg(i int) any {
	if i < len(c.args) {
		return c.args[i]
	}
	return nil
}

// name returns the first argument. In Lua it may also be an id.
func (c *schemaCall) name() (string, error) {
	switch name := c.arg(0).(type) {
	case nil:
		return "", nil
	case string:
		return name, nil
	default:
		return "", fmt.Errorf("the embedded server takes users and roles by their names, not %v", name)
	}
}

// options returns an argument that is a table of options, each of its type.
func (c *schemaCall) options(i int, known map[string]string) (map[string]any, error) {
	var table map[string]any
	switch v := c.arg(i).(type) {
	case nil:
	case map[string]any:
		table = v
	case []any:
		if len(v) > 0 {
			return nil, memtx.IllegalParams("unexpected option '1'")
		}
	default:
		return nil, memtx.IllegalParams("options should be a table")
	}
	for name, value := range table {
		var ok bool
		switch known[name] {
		case "":
			return nil, memtx.IllegalParams("unexpected option '%s'", name)
		case "string":
			_, ok = value.(string)
		case "boolean":
			_, ok = value.(bool)
		}
		if !ok {
			return nil, memtx.IllegalParams("options parameter '%s' should be of type %s", name, known[name])
		}
	}
	return table, nil
}

// asServer runs f with all rights, as box.session.su('admin', f) does.
func (c *schemaCall) asServer(f func() error) error {
	by := c.by
	c.by = nil
	defer func() { c.by = by }()
	return f()
}

// callerID is the id that what the caller makes belongs to.
func (c *schemaCall) callerID() uint32 {
	if c.by == nil {
		return adminID
	}
	return c.by.ID
}

// find reads the tuples with a key of an index.
func (c *schemaCall) find(space, index uint32, key ...any) ([][]any, error) {
	return c.read(&memtx.Select{Space: space, Index: index, Iterator: uint64(memtx.IterEq), Limit: allTuples}, key)
}

func (c *schemaCall) read(req *memtx.Select, key []any) ([][]any, error) {
	var err error
	if req.Key, err = appendTupleOf(nil, key); err != nil {
		return nil, err
	}
	out, fail := c.srv.engine.Select(c.txn, c.by, req)
	if fail != nil {
		return nil, fail
	}
	tuples := make([][]any, len(out.Tuples))
	for i, b := range out.Tuples {
		if tuples[i], err = decodeTuple(b); err != nil {
			return nil, err
		}
	}
	return tuples, nil
}

// remove deletes the tuple with a primary key.
func (c *schemaCall) remove(space uint32, key ...any) error {
	k, err := appendTupleOf(nil, key)
	if err != nil {
		return err
	}
	return c.change((*memtx.Engine).Delete, &memtx.Change{Space: space, Key: k})
}

// write adds or replaces a tuple.
func (c *schemaCall) write(space uint32, fields ...any) error {
	tuple, err := appendTupleOf(nil, fields)
	if err != nil {
		return err
	}
	return c.change((*memtx.Engine).Replace, &memtx.Change{Space: space, Tuple: tuple})
}

func (c *schemaCall) change(do changer, ch *memtx.Change) error {
	if _, fail := do(c.srv.engine, c.txn, c.by, ch); fail != nil {
		return fail
	}
	return nil
}

// number is a field of a system space that holds one.
func number(field any) uint64 {
	switch n := field.(type) {
	case int64:
		return uint64(n)
	case uint64:
		return n
	}
	return 0
}

// dropSpaces drops what spaces a user has.
func (c *schemaCall) dropSpaces(owner uint64) error {
	spaces, err := c.find(vspaceID, byOwner, owner)
	if err != nil {
		return err
	}
	for _, sp := range spaces {
		id := number(sp[0])
		indexes, err := c.find(indexID, byID, id)
		if err != nil {
			return err
		}
		for _, ix := range slices.Backward(indexes) { // the primary one last
			if err := c.remove(indexID, id, ix[1]); err != nil {
				return err
			}
		}
		if err := c.removeGrants("space", id); err != nil {
			return err
		}
		if err := c.remove(spaceSequenceID, id); err != nil {
			return err
		}
		if err := c.remove(truncateID, id); err != nil {
			return err
		}
		if err := c.remove(spaceID, id); err != nil {
			return err
		}
	}
	return nil
}

// removeGrants revokes what was granted on an object from whoever has it.
func (c *schemaCall) removeGrants(objectType string, id uint64) error {
	grants, err := c.find(vprivID, byObject, objectType, id)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if err := c.remove(privID, g[1], g[2], g[3]); err != nil {
			return err
		}
	}
	return nil
}
