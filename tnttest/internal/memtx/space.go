package memtx

import (
	"strconv"

	"github.com/gotnt/tnt/errcode"
)

// SpaceDef is the definition of a space: a row of _space.
type SpaceDef struct {
	ID         uint32
	Owner      uint32
	Name       string
	Engine     string
	FieldCount int
	Format     []FieldDef
	RawFormat  []byte // the format as it was given, an array of maps
	View       bool
	Local      bool // local to the server, or temporary: in no log that others read
}

// IndexDef is the definition of an index: a row of _index.
type IndexDef struct {
	SpaceID uint32
	ID      uint32
	Name    string
	Type    IndexType
	Unique  bool
	Parts   []Part
}

// IndexType is the type of an index.
type IndexType string

// The types of indexes that the engine has, as errors name them.
const (
	Hash IndexType = "HASH"
	Tree IndexType = "TREE"
)

// store holds the rows of an index.
type store interface {
	get(key [][]byte) *row
	put(*row) (replaced *row)
	remove(*row)
}

// Space is a space with its indexes.
type Space struct {
	Def     *SpaceDef
	format  *format
	indexes []*Index // by id
	// formatID tells formats apart in MP_TUPLE answers.
	formatID uint32
	// sequence fills the field with the number sequenceField, nil: none does.
	sequence      *sequence
	sequenceField int
	// source is the space that a system view shows, nil for no view.
	source  *Space
	visible func(u *User, tuple []byte) bool
	// onReplace runs before a change of the space: the DDL of system spaces.
	onReplace func(t *Txn, s *stmt, old, new *row) *Error
}

// Index is an index of a space.
type Index struct {
	Def   *IndexDef
	space *Space
	pos   int     // among the indexes of the space
	key   *keyDef // the parts of the definition
	cmp   *keyDef // and those of the primary key behind them
	order *keyDef // the one that the store orders by
	store store
	gaps  []*gapRead
}

// newIndex makes an empty index. pk is the key of the primary index, nil for
// the primary index itself.
func newIndex(s *Space, def *IndexDef, pk *keyDef) *Index {
	ix := &Index{Def: def, space: s, key: newKeyDef(def.Parts, len(def.Parts))}
	ix.cmp = ix.key
	if pk != nil {
		ix.cmp = ix.key.merged(pk, def.Unique)
	}
	ix.order = ix.key
	if !def.Unique || ix.key.nullable {
		ix.order = ix.cmp
	}
	if def.Type == Hash {
		ix.store = newLight(ix.key)
	} else {
		ix.store = newTree(ix.order)
	}
	return ix
}

// index finds an index of the space by its id.
func (sp *Space) index(id uint32) (*Index, *Error) {
	for _, ix := range sp.indexes {
		if ix.Def.ID == id {
			return ix, nil
		}
	}
	return nil, with(Errorf(errcode.NoSuchIndexID, "No index #%d is defined in space '%s'", id, sp.Def.Name),
		"index_id", uint64(id), "space", sp.Def.Name)
}

// IndexByName finds an index of the space.
func (sp *Space) IndexByName(name string) (*Index, *Error) {
	for _, ix := range sp.indexes {
		if ix.Def.Name == name {
			return ix, nil
		}
	}
	return nil, with(Errorf(errcode.NoSuchIndexName, "No index '%s' is defined in space '%s'", name, sp.Def.Name),
		"index", name, "space", sp.Def.Name)
}

// Indexes returns the definitions of the space's indexes by id.
func (sp *Space) Indexes() []*IndexDef {
	defs := make([]*IndexDef, len(sp.indexes))
	for i, ix := range sp.indexes {
		defs[i] = ix.Def
	}
	return defs
}

// FormatID returns the number that answers have for the format of the space.
func (sp *Space) FormatID() uint32 { return sp.formatID }

// system tells of the spaces that hold the schema.
func (sp *Space) system() bool { return sp.Def.ID <= SystemIDMax }

// SystemIDMax is the greatest id of a system space.
const SystemIDMax = 511

// Space finds a space by its id.
func (e *Engine) Space(id uint32) (*Space, *Error) {
	if s := e.spaces[id]; s != nil {
		return s, nil
	}
	return nil, errNoSuchSpace(strconv.FormatUint(uint64(id), 10))
}

// SpaceByName finds a space by its name.
func (e *Engine) SpaceByName(name string) (*Space, *Error) {
	if s := e.spacesByName[name]; s != nil {
		return s, nil
	}
	return nil, errNoSuchSpace(name)
}

// primary returns the primary index.
func (sp *Space) primary() (*Index, *Error) { return sp.index(0) }

// rows calls f with the rows that are committed, in the order of the primary
// index.
func (sp *Space) rows(f func(*row) bool) {
	if len(sp.indexes) == 0 {
		return
	}
	each := func(r *row) bool {
		if r.story != nil {
			seen, _ := r.story.visible(nil, 0)
			if seen == nil {
				return true
			}
			r = seen.row
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

// FreeSpaceID returns an id that no space has.
func (e *Engine) FreeSpaceID() uint32 {
	id := uint32(SystemIDMax)
	for other := range e.spaces {
		id = max(id, other)
	}
	return id + 1
}
