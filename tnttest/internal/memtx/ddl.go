package memtx

import (
	"sort"
	"strings"

	"github.com/gotnt/tnt/errcode"
)

// ddlUndo takes back what a change of the schema did.
type ddlUndo struct{ undo func() }

// addSpace makes a space without indexes.
func (e *Engine) addSpace(def *SpaceDef) {
	sp := &Space{Def: def}
	sp.format, _ = newFormat(def, nil)
	sp.formatID = e.nextFormatID
	e.nextFormatID++
	e.spaces[def.ID], e.spacesByName[def.Name] = sp, sp
}

// addIndex adds an index to a space and fills it.
func (e *Engine) addIndex(sp *Space, def *IndexDef) *Error {
	defs := append(sp.Indexes(), def)
	sort.Slice(defs, func(i, j int) bool { return defs[i].ID < defs[j].ID })
	return e.rebuild(nil, sp, sp.Def, defs)
}

// rebuild gives a space another definition and other indexes. Where that
// cannot be, the space stays as it was. Other transactions that touched the
// space are aborted.
func (e *Engine) rebuild(t *Txn, sp *Space, def *SpaceDef, defs []*IndexDef) *Error {
	var rows []*row
	sp.rowsOf(t, func(r *row) bool {
		rows = append(rows, r)
		return true
	})
	fresh := &Space{
		Def: def, onReplace: sp.onReplace, source: sp.source, visible: sp.visible,
		sequence: sp.sequence, sequenceField: sp.sequenceField,
	}
	fresh.indexes = newIndexes(sp, defs)
	var err *Error
	if fresh.format, err = newFormat(def, fresh.indexes); err != nil {
		return err
	}
	for _, r := range rows {
		if err := fresh.fill(r.data); err != nil {
			return err
		}
	}
	e.detach(t, sp)
	fresh.formatID = e.nextFormatID
	e.nextFormatID++
	*sp = *fresh
	return nil
}

func newIndexes(sp *Space, defs []*IndexDef) (indexes []*Index) {
	var pk *keyDef
	for i, d := range defs {
		ix := newIndex(sp, d, pk)
		ix.pos = i
		if d.ID == 0 {
			pk = ix.key
		}
		indexes = append(indexes, ix)
	}
	return indexes
}

// keep returns what puts a space back as it is, for a change of its definition
// that is taken back. Its indexes may hold rows that were never committed, or
// are deleted, which only their stories tell: those end with the change, so then
// the indexes are filled again.
func (e *Engine) keep(sp *Space) (restore func()) {
	before := *sp
	if !e.hasStories(sp) {
		return func() { *sp = before }
	}
	defs := sp.Indexes()
	var rows []*row
	sp.rows(func(r *row) bool {
		rows = append(rows, r)
		return true
	})
	return func() {
		before.indexes = newIndexes(sp, defs)
		*sp = before
		for _, r := range rows {
			_ = sp.fill(r.data) // it was there
		}
	}
}

func (e *Engine) hasStories(sp *Space) bool {
	for st := e.stories.next; st != &e.stories; st = st.next {
		if st.space == sp {
			return true
		}
	}
	return false
}

// fill adds a tuple that another index holds already.
func (sp *Space) fill(data []byte) *Error {
	if err := sp.format.check(data); err != nil {
		return err
	}
	r := sp.format.row(data)
	for _, ix := range sp.indexes {
		if ix.key.excludes(r) {
			continue
		}
		if dup := ix.store.put(r); dup != nil {
			return checkDuplicate(ix, nil, r, dup, dupInsert)
		}
	}
	return nil
}

// rowsOf calls f with the rows that the transaction sees.
func (sp *Space) rowsOf(t *Txn, f func(*row) bool) {
	if t == nil {
		sp.rows(f)
		return
	}
	if len(sp.indexes) == 0 {
		return
	}
	each := func(r *row) bool {
		if r.story != nil {
			if r, _ = visibleRow(r.story, t, 0); r == nil {
				return true
			}
		}
		return f(r)
	}
	switch st := sp.indexes[0].store.(type) {
	case *light:
		st.from(0, each)
	case *tree:
		st.walk(nil, IterGE, each)
	}
}

// detach ends what transactions know of the space.
func (e *Engine) detach(t *Txn, sp *Space) {
	for other := range e.txns {
		if other != t && other.touched(sp) {
			other.conflict()
		}
	}
	for st := e.stories.next; st != &e.stories; {
		next := st.next
		if st.space == sp {
			for reader := range st.readers {
				delete(reader.reads, st)
			}
			if st.adder != nil {
				st.adder.add = nil
			}
			for _, d := range st.deleters {
				d.del = nil
			}
			e.dropStory(st)
		}
		st = next
	}
	for _, ix := range sp.indexes {
		ix.gaps = nil
	}
}

// touched reports whether the transaction read or changed the space.
func (t *Txn) touched(sp *Space) bool {
	for st := range t.reads {
		if st.space == sp {
			return true
		}
	}
	for ix := range t.gapIndexes {
		if ix.space == sp {
			return true
		}
	}
	for _, c := range t.gapChains {
		if c.story.space == sp {
			return true
		}
	}
	for _, s := range t.stmts {
		if s.add != nil && s.add.space == sp || s.del != nil && s.del.space == sp {
			return true
		}
	}
	return false
}

// replaceSpace follows a change of the space _space.
func (e *Engine) replaceSpace(t *Txn, s *stmt, old, fresh *row) *Error {
	defer e.schemaChanged()
	if old == nil {
		def, err := e.parseSpace(fresh.data)
		if err != nil {
			return err
		}
		if e.spacesByName[def.Name] != nil {
			return Errorf(errcode.SpaceExists, "Space '%s' already exists", def.Name)
		}
		e.addSpace(def)
		s.ddl = &ddlUndo{func() { e.forget(def) }}
		return nil
	}
	id := uint32(readInteger(elements(old.data)[0]).abs)
	sp := e.spaces[id]
	if sp == nil {
		return nil
	}
	if fresh == nil {
		return e.dropSpace(t, s, sp)
	}
	def, err := e.parseSpace(fresh.data)
	if err != nil {
		return err
	}
	if def.Engine != sp.Def.Engine {
		return Errorf(errcode.AlterSpace, "Can't modify space '%s': can not change space engine", sp.Def.Name)
	}
	restore, oldName := e.keep(sp), sp.Def.Name
	if err := e.rebuild(t, sp, def, sp.Indexes()); err != nil {
		return err
	}
	delete(e.spacesByName, oldName)
	e.spacesByName[def.Name] = sp
	s.ddl = &ddlUndo{func() {
		delete(e.spacesByName, def.Name)
		restore()
		e.spacesByName[oldName] = sp
		e.schemaChanged()
	}}
	return nil
}

func (e *Engine) forget(def *SpaceDef) {
	delete(e.spaces, def.ID)
	delete(e.spacesByName, def.Name)
	e.schemaChanged()
}

func (e *Engine) dropSpace(t *Txn, s *stmt, sp *Space) *Error {
	fail := func(why string) *Error {
		return Errorf(errcode.DropSpace, "Can't drop space '%s': %s", sp.Def.Name, why)
	}
	switch {
	case len(sp.indexes) > 0:
		return fail("the space has indexes")
	case sp.system():
		return fail("the space is a system space")
	}
	e.detach(t, sp)
	delete(e.spaces, sp.Def.ID)
	delete(e.spacesByName, sp.Def.Name)
	s.ddl = &ddlUndo{func() {
		e.spaces[sp.Def.ID], e.spacesByName[sp.Def.Name] = sp, sp
		e.schemaChanged()
	}}
	return nil
}

// replaceIndex follows a change of the space _index.
func (e *Engine) replaceIndex(t *Txn, s *stmt, old, fresh *row) *Error {
	var sp *Space
	var def *IndexDef
	var dropped uint32
	hadOld := old != nil
	if fresh != nil {
		var err *Error
		if def, sp, err = e.parseIndex(fresh.data); err != nil {
			return err
		}
	} else {
		f := elements(old.data)
		if sp = e.spaces[uint32(readInteger(f[0]).abs)]; sp == nil {
			return nil
		}
		dropped = uint32(readInteger(f[1]).abs)
	}
	if err := checkIndexChange(sp, def, dropped); err != nil {
		return err
	}
	var defs []*IndexDef
	for _, d := range sp.Indexes() {
		if hadOld && (def != nil && d.ID == def.ID || def == nil && d.ID == dropped) {
			continue
		}
		defs = append(defs, d)
	}
	if def != nil {
		defs = append(defs, def)
	}
	sort.Slice(defs, func(i, j int) bool { return defs[i].ID < defs[j].ID })
	restore := e.keep(sp)
	if err := e.rebuild(t, sp, sp.Def, defs); err != nil {
		return err
	}
	e.schemaChanged()
	s.ddl = &ddlUndo{func() {
		restore()
		e.schemaChanged()
	}}
	return nil
}

// checkIndexChange reports whether an index can be made (def) or dropped.
func checkIndexChange(sp *Space, def *IndexDef, dropped uint32) *Error {
	switch {
	case sp.source != nil:
		return Errorf(errcode.AlterSpace, "Can't modify space '%s': can not add index on a view", sp.Def.Name)
	case def == nil && dropped == 0 && sp.system():
		return Errorf(errcode.LastDrop, "Can't drop the primary key in a system space, space '%s'", sp.Def.Name)
	case def == nil && dropped == 0 && len(sp.indexes) > 1:
		return Errorf(errcode.DropPrimaryKey, "Can't drop primary key in space '%s' while secondary keys exist", sp.Def.Name)
	case def != nil && def.ID > 0 && len(sp.indexes) == 0:
		return Errorf(errcode.AlterSpace, "Can't modify space '%s': can not add a secondary key before primary", sp.Def.Name)
	}
	return nil
}

// replaceTruncate follows a change of the space _truncate: a new count
// empties the space.
func (e *Engine) replaceTruncate(t *Txn, s *stmt, _, fresh *row) *Error {
	if fresh == nil {
		return nil
	}
	sp := e.spaces[uint32(readInteger(elements(fresh.data)[0]).abs)]
	if sp == nil {
		return nil
	}
	before, defs, restore := *sp, sp.Indexes(), e.keep(sp)
	e.detach(t, sp)
	empty := Space{Def: sp.Def}
	*sp = empty
	if err := e.rebuild(t, sp, before.Def, defs); err != nil {
		restore()
		return err
	}
	sp.onReplace, sp.formatID = before.onReplace, before.formatID
	sp.sequence, sp.sequenceField = before.sequence, before.sequenceField
	s.ddl = &ddlUndo{restore}
	return nil
}

// replaceCollation follows a change of the space _collation.
func (e *Engine) replaceCollation(_ *Txn, _ *stmt, old, fresh *row) *Error {
	if old != nil {
		id := int(readInteger(elements(old.data)[0]).abs)
		kept := e.collations[:0:0]
		for _, c := range e.collations {
			if c.ID != id {
				kept = append(kept, c)
			}
		}
		e.collations = kept
	}
	if fresh == nil {
		return nil
	}
	f := elements(fresh.data)
	c := &Collation{
		ID: int(readInteger(f[0]).abs), Name: string(text(f[1])),
		Type: strings.ToUpper(string(text(f[3]))), Locale: string(text(f[4])),
	}
	n, rest := mapping(f[5])
	for range n {
		var key, val []byte
		key, rest = next(rest)
		val, rest = next(rest)
		if string(text(key)) == "strength" {
			c.Strength = string(text(val))
		}
	}
	e.collations = append(e.collations, c)
	return nil
}
