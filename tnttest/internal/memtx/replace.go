package memtx

import "github.com/gotnt/tnt/errcode"

// dupMode returns what to do with a row that has the primary key of a new one.
type dupMode uint8

const (
	dupInsert  dupMode = iota // fail
	dupReplace                // fail if it is not there (UPDATE)
	dupReplaceOrInsert
)

// change puts a new row in the place of the old one, which may be nil where
// it is not known, or deletes the old one where fresh is nil.
func (e *Engine) change(s *stmt, sp *Space, old, fresh *row, mode dupMode) *Error {
	if len(sp.indexes) == 0 || sp.indexes[0].Def.ID != 0 {
		_, err := sp.primary()
		return err
	}
	if fresh == nil {
		st := old.story // begun when the transaction found the row
		s.ownDelete = st.adder != nil && st.adder.txn == s.txn
		st.addDeleter(s)
		s.logged(old, nil, mode)
		e.countedDelete(st)
		return e.afterChange(s, sp, old, nil)
	}
	st := e.newStory(sp, fresh)
	st.adder = s
	s.add = st
	covered := make([]*row, len(sp.indexes))
	for i, ix := range sp.indexes {
		if !ix.key.excludes(fresh) {
			covered[i] = ix.store.put(fresh)
		}
	}
	seen, err := e.checkDuplicates(s, sp, covered, old, fresh, mode)
	if err != nil {
		e.uncover(sp, fresh, covered)
		st.adder, s.add = nil, nil
		e.dropStory(st)
		return err
	}
	if covered[0] != nil {
		e.storyOf(sp, covered[0])
	}
	for i, ix := range sp.indexes {
		switch {
		case covered[i] != nil:
			st.linkTop(e.storyOf(sp, covered[i]), i)
		case !ix.key.excludes(fresh):
			e.gapWrite(st, i)
		}
	}
	if seen != nil {
		e.storyOf(sp, seen).addDeleter(s)
	}
	s.logged(nil, fresh, mode)
	if mode == dupInsert && !st.links[0].own {
		s.txn.trackGapAt(st, 0)
	}
	return e.afterChange(s, sp, seen, fresh)
}

// afterChange runs the space's trigger.
func (e *Engine) afterChange(s *stmt, sp *Space, old, fresh *row) *Error {
	if sp.onReplace == nil || old == nil && fresh == nil {
		return nil
	}
	if err := sp.onReplace(s.txn, s, old, fresh); err != nil {
		e.rollback(s)
		return err
	}
	return nil
}

// uncover takes a row out of the indexes and puts back what it covered.
func (e *Engine) uncover(sp *Space, fresh *row, covered []*row) {
	for i := len(sp.indexes) - 1; i >= 0; i-- {
		ix := sp.indexes[i]
		switch {
		case covered[i] != nil:
			ix.store.put(covered[i])
		case !ix.key.excludes(fresh):
			ix.store.remove(fresh)
		}
	}
}

// checkDuplicates returns which row the new one replaces, or that there is one
// with the same key in a unique index that it may not replace.
func (e *Engine) checkDuplicates(s *stmt, sp *Space, covered []*row, old, fresh *row, mode dupMode) (seen *row, err *Error) {
	st := s.add
	seen = covered[0]
	if seen != nil && seen.story != nil {
		seen, st.links[0].own = visibleRow(seen.story, s.txn, 0)
	}
	if err := checkDuplicate(sp.indexes[0], old, fresh, seen, mode); err != nil {
		e.trackDuplicate(s.txn, sp, seen)
		return nil, err
	}
	for i := 1; i < len(sp.indexes); i++ {
		dup := covered[i]
		if dup == nil {
			continue
		}
		if dup.story != nil {
			dup, st.links[i].own = visibleRow(dup.story, s.txn, i)
		}
		if err := checkDuplicate(sp.indexes[i], seen, fresh, dup, dupInsert); err != nil {
			e.trackDuplicate(s.txn, sp, dup)
			return nil, err
		}
	}
	return seen, nil
}

func visibleRow(st *story, t *Txn, i int) (*row, bool) {
	seen, own := st.visible(t, i)
	if seen == nil {
		return nil, own
	}
	return seen.row, own
}

// trackDuplicate remembers that a change failed because of a row.
func (e *Engine) trackDuplicate(t *Txn, sp *Space, dup *row) {
	if dup != nil {
		t.trackRead(e.storyOf(sp, dup))
	}
}

func checkDuplicate(ix *Index, old, fresh, dup *row, mode dupMode) *Error {
	switch {
	case dup == nil && mode == dupReplace:
		return errPrimaryKeyChanged(ix.space)
	case dup != nil && dup != old && (old != nil || mode == dupInsert):
		e := Errorf(errcode.TupleFound, "Duplicate key exists in unique index \"%s\" in space \"%s\" with old tuple - %s and new tuple - %s",
			ix.Def.Name, ix.space.Def.Name, FormatTuple(dup.data), FormatTuple(fresh.data))
		return with(e, "index", ix.Def.Name, "space", ix.space.Def.Name)
	}
	return nil
}

func errPrimaryKeyChanged(sp *Space) *Error {
	e := Errorf(errcode.CantUpdatePrimaryKey, "Attempt to modify a tuple field which is part of primary index in space '%s'", sp.Def.Name)
	return with(e, "space", sp.Def.Name, "space_id", uint64(sp.Def.ID))
}
