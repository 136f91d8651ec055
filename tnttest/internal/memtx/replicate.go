package memtx

import (
	"bytes"
	"maps"
	"math"
	"slices"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
)

// Row is one change of a transaction: what it does, as the other members of a
// replica set apply it, and the request that did it, as a log has it.
type Row struct {
	Space uint32
	Tuple []byte // nil: the change deletes, or it changes nothing where Old is nil too
	Old   []byte // what it deletes
	// Insert: a tuple with the same primary key is a conflict.
	Insert  bool
	Request Request
}

// Request is a request that changes a space, or that found nothing to change.
type Request struct {
	Type      iproto.Type
	Index     uint32 // of the key; other than 0 only where nothing was found
	IndexBase int
	Key       []byte // UPDATE, DELETE
	Tuple     []byte // INSERT, REPLACE, UPSERT
	Ops       []byte // UPDATE, UPSERT
}

// logged notes what the statement does, for the log of changes.
func (s *stmt) logged(old, fresh *row, mode dupMode) {
	s.row.Insert = mode == dupInsert
	if fresh != nil {
		s.row.Tuple = fresh.data
		return
	}
	s.row.Old = old.data
}

// requested notes the request that the statement is. The key is that of the
// primary index where a row was found by another one, as Tarantool's
// request_rebind_to_primary_key has it.
func (s *stmt) requested(sp *Space, typ iproto.Type, req *Change, found *row) {
	s.row = Row{Space: sp.Def.ID, Request: Request{Type: typ, Index: req.Index}}
	r := &s.row.Request
	switch typ {
	case iproto.TypeInsert, iproto.TypeReplace: // the tuple is known later
		r.Index = 0
	case iproto.TypeUpsert:
		r.Index, r.Tuple = 0, bytes.Clone(req.Tuple)
	default:
		r.Key = req.Key
		if found != nil && req.Index != 0 {
			r.Index, r.Key = 0, encodeKey(sp.indexes[0].key.key(found))
		}
		r.Key = bytes.Clone(r.Key)
	}
	if req.Ops != nil {
		r.Ops, r.IndexBase = bytes.Clone(req.Ops), req.IndexBase
	}
}

// rows returns what the transaction did, in the order of its statements. What
// is done to local spaces no other server is told of.
func (t *Txn) rows() []Row {
	var rows []Row
	for _, s := range t.stmts {
		if sp := t.engine.spaces[s.row.Space]; s.row.Request.Type != 0 && (sp == nil || !sp.Def.Local) {
			rows = append(rows, s.row)
		}
	}
	return rows
}

// SetLocal replaces a tuple of a local space, which a server does that is
// read-only, too.
func (e *Engine) SetLocal(space uint32, tuple []byte) *Error {
	e.applying = true
	defer func() { e.applying = false }()
	_, err := e.Replace(nil, nil, &Change{Space: space, Tuple: tuple})
	return err
}

// RemoveLocal deletes a tuple of a local space for a user, of a server that is
// read-only, too. It reports whether there was one.
func (e *Engine) RemoveLocal(u *User, space uint32, key []byte) (bool, *Error) {
	e.applying = true
	defer func() { e.applying = false }()
	out, err := e.Delete(nil, u, &Change{Space: space, Key: key})
	return out.Tuple != nil, err
}

// Snapshot returns the committed tuples of all spaces that other servers are
// told of, in the order of the spaces' ids.
func (e *Engine) Snapshot() (spaces []Stored, err *Error) {
	for _, id := range slices.Sorted(maps.Keys(e.spaces)) {
		sp := e.spaces[id]
		if sp.source != nil || sp.Def.Local || len(sp.indexes) == 0 || sp.indexes[0].Def.ID != 0 {
			continue
		}
		out, err := e.Select(nil, nil, &Select{Space: id, Iterator: uint64(IterAll), Limit: math.MaxUint32, Key: []byte{0x90}})
		if err != nil {
			return nil, err
		}
		spaces = append(spaces, Stored{Space: id, Tuples: out.Tuples})
	}
	return spaces, nil
}

// Stored is what a space holds. The tuples must not be changed.
type Stored struct {
	Space  uint32
	Tuples [][]byte
}

// Apply makes the changes of a transaction of another member, all or none. It
// asks neither for rights nor whether the engine is writable.
func (e *Engine) Apply(rows []Row) *Error {
	e.applying = true
	defer func() { e.applying = false }()
	t := e.begin()
	for _, r := range rows {
		if err := e.applyRow(t, r); err != nil {
			t.Rollback()
			return err
		}
	}
	return t.Commit()
}

func (e *Engine) applyRow(t *Txn, r Row) *Error {
	ch := &Change{Space: r.Space, Tuple: r.Tuple}
	var err *Error
	switch {
	case r.Tuple == nil && r.Old == nil:
	case r.Tuple == nil:
		sp, fail := e.Space(r.Space)
		if fail != nil {
			return fail
		}
		pk, fail := sp.primary()
		if fail != nil {
			return fail
		}
		ch.Key = encodeKey(pk.key.key(sp.format.row(r.Old)))
		_, err = e.Delete(t, nil, ch)
	case r.Insert:
		_, err = e.Insert(t, nil, ch)
	default:
		_, err = e.Replace(t, nil, ch)
	}
	return err
}

// AbortWriters aborts the transactions that have changed something, as a
// server does that becomes read-only.
func (e *Engine) AbortWriters() {
	for t := range e.txns {
		if t.status < txnAborted && len(t.stmts) > 0 {
			t.status, t.abort, t.view = txnAborted, errcode.Readonly, 0
		}
	}
}

// checkWritable reports why a space can't be changed, nil where it can.
func (e *Engine) checkWritable() *Error {
	if e.Writable == nil || e.applying {
		return nil
	}
	return e.Writable()
}

// checkedLate reports whether a space is one of those in which a read-only
// server looks for the caller's rights first: _space, _index and _truncate.
func checkedLate(id uint32) bool { return id == spaceID || id == indexID || id == truncateID }
