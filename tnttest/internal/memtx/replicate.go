package memtx

import "github.com/gotnt/tnt/errcode"

// Row is one change of a transaction, as the other members of a replica set
// apply it.
type Row struct {
	Space uint32
	Tuple []byte // nil: the change deletes
	Old   []byte // what it deletes
	// Insert: a tuple with the same primary key is a conflict.
	Insert bool
}

// logged notes what the statement does, for the log of changes.
func (s *stmt) logged(sp *Space, old, fresh *row, mode dupMode) {
	s.row = Row{Space: sp.Def.ID, Insert: mode == dupInsert}
	if fresh != nil {
		s.row.Tuple = fresh.data
		return
	}
	s.row.Old = old.data
}

// rows returns what the transaction changed, in the order of its statements.
func (t *Txn) rows() []Row {
	var rows []Row
	for _, s := range t.stmts {
		if s.row.Tuple != nil || s.row.Old != nil {
			rows = append(rows, s.row)
		}
	}
	return rows
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
	case r.Tuple == nil:
		sp, fail := e.Space(r.Space)
		if fail != nil {
			return fail
		}
		pk, fail := sp.primary()
		if fail != nil {
			return fail
		}
		ch.Key = appendKey(nil, pk.key.key(sp.format.row(r.Old)))
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
