package tnt

import (
	"math"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// Select reads tuples by a key of an index.
type Select struct {
	Space    string // by name; or
	SpaceID  uint32 // by number, where Space is ""
	Index    string // by name; or
	IndexID  uint32 // by number, where Index is "". Default: the primary index
	Key      Key    // Default: every tuple
	Iterator iproto.Iterator
	Offset   uint32 // tuples passed over first
	Limit    uint32 // tuples at the most. Default: no limit

	// After, where set, starts behind a tuple of the same index and order,
	// for reading page by page (2.11 and later).
	After *After
	// FetchPosition asks for Response.Position, to go on after this page.
	FetchPosition bool
}

// Type implements Request.
func (s Select) Type() iproto.Type { return iproto.TypeSelect }

func (s Select) info() RequestInfo {
	return RequestInfo{Type: iproto.TypeSelect, Space: s.Space, SpaceID: s.SpaceID, Index: s.Index, IndexID: s.IndexID}
}

func (s Select) needs() uint64 {
	if s.After != nil || s.FetchPosition {
		return 1 << iproto.FeaturePagination
	}
	return 0
}

func (s Select) encode(e *encoder) error {
	e.begin()
	space, err := e.space(s.Space, s.SpaceID)
	if err != nil {
		return err
	}
	index, err := e.index(space, s.Index, s.IndexID)
	if err != nil {
		return err
	}
	limit := uint64(s.Limit)
	if limit == 0 {
		limit = math.MaxUint32
	}
	e.Uint(iproto.KeyLimit, limit)
	if s.Offset != 0 {
		e.Uint(iproto.KeyOffset, uint64(s.Offset))
	}
	e.Uint(iproto.KeyIterator, uint64(s.iterator()))
	if s.FetchPosition {
		e.Bool(iproto.KeyFetchPosition, true)
	}
	if err := e.key(s.Key, index); err != nil {
		return err
	}
	if s.After != nil {
		s.After.append(&e.BodyWriter)
	}
	e.B = e.End()
	return nil
}

// iterator returns the iterator to send: a hash index takes no empty key but
// for ALL.
func (s *Select) iterator() iproto.Iterator {
	if s.Iterator == iproto.IterEq && s.Key.kind == keyEmpty {
		return iproto.IterAll
	}
	return s.Iterator
}

// After is where a page begins: behind a position, or behind a tuple.
type After struct {
	position string
	tuple    []byte
}

// AfterPosition begins behind a position that Response.Position returned. With ""
// it begins at the start; after the last page the position is "", so stop there.
func AfterPosition(position string) *After { return &After{position: position} }

// AfterTuple begins behind a tuple that was selected before, and with the zero
// Tuple at the start.
func AfterTuple(t Tuple) *After { return &After{tuple: t.raw} }

func (a *After) append(w *wire.BodyWriter) {
	if a.tuple != nil {
		w.Raw(iproto.KeyAfterTuple, a.tuple)
		return
	}
	w.String(iproto.KeyAfterPosition, a.position)
}

// Insert adds a tuple. Another with the same primary key is an error,
// errcode.TupleFound.
//
// Tuple is a list ([]any or any slice), a struct or a pointer to one, a Tuple,
// or a map[string]any by field names, which takes a schema.
type Insert struct {
	Space   string // by name; or
	SpaceID uint32 // by number, where Space is ""
	Tuple   any
}

// Type implements Request.
func (r Insert) Type() iproto.Type { return iproto.TypeInsert }

func (r Insert) info() RequestInfo {
	return RequestInfo{Type: iproto.TypeInsert, Space: r.Space, SpaceID: r.SpaceID}
}

func (r Insert) needs() uint64 { return 0 }

func (r Insert) encode(e *encoder) error { return e.store(r.Space, r.SpaceID, r.Tuple) }

// Replace adds a tuple, in place of the one with the same primary key if
// there is one. For Tuple see Insert.
type Replace struct {
	Space   string // by name; or
	SpaceID uint32 // by number, where Space is ""
	Tuple   any
}

// Type implements Request.
func (r Replace) Type() iproto.Type { return iproto.TypeReplace }

func (r Replace) info() RequestInfo {
	return RequestInfo{Type: iproto.TypeReplace, Space: r.Space, SpaceID: r.SpaceID}
}

func (r Replace) needs() uint64 { return 0 }

func (r Replace) encode(e *encoder) error { return e.store(r.Space, r.SpaceID, r.Tuple) }

// store writes the body of a request that stores a tuple.
func (e *encoder) store(space string, id uint32, tuple any) error {
	e.begin()
	s, err := e.space(space, id)
	if err != nil {
		return err
	}
	if err := e.tuple(tuple, s); err != nil {
		return err
	}
	e.B = e.End()
	return nil
}

// Update changes fields of the tuple that a key of a unique index finds.
type Update struct {
	Space   string // by name; or
	SpaceID uint32 // by number, where Space is ""
	Index   string // by name; or
	IndexID uint32 // by number, where Index is "". Default: the primary index
	Key     Key
	Ops     []Op
}

// Type implements Request.
func (r Update) Type() iproto.Type { return iproto.TypeUpdate }

func (r Update) info() RequestInfo {
	return RequestInfo{Type: iproto.TypeUpdate, Space: r.Space, SpaceID: r.SpaceID, Index: r.Index, IndexID: r.IndexID}
}

func (r Update) needs() uint64 { return 0 }

func (r Update) encode(e *encoder) error {
	if err := e.beginKeyed(r.Space, r.SpaceID, r.Index, r.IndexID, r.Key); err != nil {
		return err
	}
	if err := e.operations(iproto.KeyTuple, r.Ops); err != nil { // that is where UPDATE has them
		return err
	}
	e.B = e.End()
	return nil
}

// Delete removes the tuple that a key of a unique index finds.
type Delete struct {
	Space   string // by name; or
	SpaceID uint32 // by number, where Space is ""
	Index   string // by name; or
	IndexID uint32 // by number, where Index is "". Default: the primary index
	Key     Key
}

// Type implements Request.
func (r Delete) Type() iproto.Type { return iproto.TypeDelete }

func (r Delete) info() RequestInfo {
	return RequestInfo{Type: iproto.TypeDelete, Space: r.Space, SpaceID: r.SpaceID, Index: r.Index, IndexID: r.IndexID}
}

func (r Delete) needs() uint64 { return 0 }

func (r Delete) encode(e *encoder) error {
	if err := e.beginKeyed(r.Space, r.SpaceID, r.Index, r.IndexID, r.Key); err != nil {
		return err
	}
	e.B = e.End()
	return nil
}

// beginKeyed starts the body of a request for one tuple by its key.
func (e *encoder) beginKeyed(space string, spaceID uint32, index string, indexID uint32, key Key) error {
	if key.kind == keyEmpty {
		return errEmptyKey
	}
	e.begin()
	s, err := e.space(space, spaceID)
	if err != nil {
		return err
	}
	i, err := e.index(s, index, indexID)
	if err != nil {
		return err
	}
	return e.key(key, i)
}

// Upsert applies the operations to the tuple that has Tuple's primary key, or
// inserts Tuple where there is none. It returns no tuple. For Tuple see
// Insert.
type Upsert struct {
	Space   string // by name; or
	SpaceID uint32 // by number, where Space is ""
	Tuple   any
	Ops     []Op
}

// Type implements Request.
func (r Upsert) Type() iproto.Type { return iproto.TypeUpsert }

func (r Upsert) info() RequestInfo {
	return RequestInfo{Type: iproto.TypeUpsert, Space: r.Space, SpaceID: r.SpaceID}
}

func (r Upsert) needs() uint64 { return 0 }

func (r Upsert) encode(e *encoder) error {
	e.begin()
	s, err := e.space(r.Space, r.SpaceID)
	if err != nil {
		return err
	}
	if err := e.tuple(r.Tuple, s); err != nil {
		return err
	}
	if err := e.operations(iproto.KeyOps, r.Ops); err != nil {
		return err
	}
	e.B = e.End()
	return nil
}
