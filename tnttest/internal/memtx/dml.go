package memtx

import (
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
)

// Change is a request that changes a space.
type Change struct {
	Space, Index uint32
	Key          []byte // an array: UPDATE, DELETE
	Tuple        []byte // an array: INSERT, REPLACE, UPSERT
	Ops          []byte // an array of operations: UPDATE, UPSERT
	IndexBase    int
}

// Changed is what a Change did.
type Changed struct {
	Space *Space
	Tuple []byte // nil: none to show
}

// Insert adds a tuple and fails if there is one with the same key.
func (e *Engine) Insert(t *Txn, u *User, req *Change) (Changed, *Error) {
	return e.execute(t, u, req, func(s *stmt, sp *Space) ([]byte, *Error) {
		return e.put(s, sp, req, dupInsert)
	})
}

// Replace adds a tuple, in the place of the one with the same primary key.
func (e *Engine) Replace(t *Txn, u *User, req *Change) (Changed, *Error) {
	return e.execute(t, u, req, func(s *stmt, sp *Space) ([]byte, *Error) {
		return e.put(s, sp, req, dupReplaceOrInsert)
	})
}

// Delete takes away the tuple with the key and returns it.
func (e *Engine) Delete(t *Txn, u *User, req *Change) (Changed, *Error) {
	return e.execute(t, u, req, func(s *stmt, sp *Space) ([]byte, *Error) {
		old, err := e.exact(s, sp, req)
		if err != nil {
			return nil, err
		}
		s.requested(sp, iproto.TypeDelete, req, old)
		if old == nil {
			return nil, nil
		}
		return old.data, e.change(s, sp, old, nil, dupReplaceOrInsert)
	})
}

// Update changes fields of the tuple with the key and returns it.
func (e *Engine) Update(t *Txn, u *User, req *Change) (Changed, *Error) {
	return e.execute(t, u, req, func(s *stmt, sp *Space) ([]byte, *Error) {
		old, err := e.exact(s, sp, req)
		if err != nil {
			return nil, err
		}
		s.requested(sp, iproto.TypeUpdate, req, old)
		if old == nil {
			return nil, nil
		}
		data, err := sp.format.update(old.data, req.Ops, req.IndexBase)
		if err != nil {
			return nil, err
		}
		fresh, err := sp.format.newRow(data)
		if err != nil {
			return nil, err
		}
		return fresh.data, e.change(s, sp, old, fresh, dupReplace)
	})
}

// Upsert changes fields of the tuple with the primary key of the given one, or
// adds that. It shows nothing.
func (e *Engine) Upsert(t *Txn, u *User, req *Change) (Changed, *Error) {
	return e.execute(t, u, req, func(s *stmt, sp *Space) ([]byte, *Error) {
		return nil, e.upsert(s, sp, req)
	})
}

// execute runs one statement, in a transaction of its own where t is nil.
func (e *Engine) execute(t *Txn, u *User, req *Change, f func(*stmt, *Space) ([]byte, *Error)) (Changed, *Error) {
	sp, err := e.Space(req.Space)
	if err != nil {
		return Changed{}, err
	}
	auto := t == nil
	if auto {
		t = e.begin()
	}
	tuple, err := e.statement(t, u, sp, f)
	if err != nil {
		if auto {
			t.Rollback()
		}
		return Changed{}, err
	}
	if auto {
		if err := t.Commit(); err != nil {
			return Changed{}, err
		}
	}
	return Changed{sp, tuple}, nil
}

func (e *Engine) statement(t *Txn, u *User, sp *Space, f func(*stmt, *Space) ([]byte, *Error)) ([]byte, *Error) {
	if !checkedLate(sp.Def.ID) {
		if err := e.checkWritable(); err != nil {
			return nil, err
		}
	}
	if err := e.checkAccess(u, sp, PrivWrite); err != nil {
		return nil, err
	}
	if checkedLate(sp.Def.ID) {
		if err := e.checkWritable(); err != nil {
			return nil, err
		}
	}
	s, err := t.beginStmt()
	if err != nil {
		return nil, err
	}
	s.user = u
	if sp.source != nil {
		t.dropStmt()
		return nil, with(Errorf(errcode.ViewIsRO, "View '%s' is read-only", sp.Def.Name), "space", sp.Def.Name)
	}
	if t.level == IsolationLinearizable {
		t.dropStmt()
		return nil, t.checkSpace(sp)
	}
	tuple, err := f(s, sp)
	if err != nil {
		t.dropStmt()
		return nil, err
	}
	t.ddl = t.ddl || sp.system() && (s.add != nil || s.del != nil)
	return tuple, nil
}

func (e *Engine) put(s *stmt, sp *Space, req *Change, mode dupMode) ([]byte, *Error) {
	tuple, err := e.fillSequence(s.user, sp, req.Tuple)
	if err != nil {
		return nil, err
	}
	typ := iproto.TypeReplace
	if mode == dupInsert {
		typ = iproto.TypeInsert
	}
	s.requested(sp, typ, req, nil)
	fresh, err := sp.format.newRow(tuple)
	if err != nil {
		return nil, err
	}
	return fresh.data, e.change(s, sp, nil, fresh, mode)
}

// exact finds the row that the key of the request tells.
func (e *Engine) exact(s *stmt, sp *Space, req *Change) (*row, *Error) {
	ix, err := sp.index(req.Index)
	if err != nil {
		return nil, err
	}
	key, count := few(req.Key, maxKeyParts)
	if err := ix.checkExactKey(key, count); err != nil {
		return nil, err
	}
	return e.get(s.txn, ix, key), nil
}

func (e *Engine) upsert(s *stmt, sp *Space, req *Change) *Error {
	if err := sp.format.check(req.Tuple); err != nil {
		return err
	}
	pk, err := sp.primary()
	if err != nil {
		return err
	}
	s.requested(sp, iproto.TypeUpsert, req, nil)
	given := sp.format.row(req.Tuple)
	old := e.get(s.txn, pk, pk.key.key(given))
	if old == nil {
		if err := sp.format.checkOps(req.Ops, req.IndexBase); err != nil {
			return err
		}
		fresh, err := sp.format.newRow(req.Tuple)
		if err != nil {
			return err
		}
		return e.change(s, sp, nil, fresh, dupReplaceOrInsert)
	}
	data, err := sp.format.upsert(old.data, req.Ops, req.IndexBase)
	if err != nil {
		return err
	}
	fresh, err := sp.format.newRow(data)
	if err != nil {
		return err
	}
	if pk.key.compareRows(old, fresh) != 0 {
		return nil // Tarantool writes this to its log and does nothing
	}
	return e.change(s, sp, old, fresh, dupReplaceOrInsert)
}
