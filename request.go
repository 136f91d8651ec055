package tnt

import (
	"fmt"
	"math"
	"time"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// A Request is one of this package's structs: Select, Insert, Replace, Update,
// Upsert, Delete, Call, Eval, Execute, Ping and so on. It is a plain value:
// it may be copied, kept and done again, by several goroutines at once as
// long as none changes it or what it refers to.
type Request interface {
	// Type returns the type of the request.
	Type() iproto.Type
	// appendBody writes the request's body behind b.
	appendBody(b []byte, env *environment) ([]byte, error)
	// place tells what the request works on.
	place() place
}

// place is what a request works on, for the resolution of names, for the
// names of its result's fields, and for messages. It is of the size that is
// still passed in registers.
type place struct {
	name    string // of a space, "": spaceID; or a function's name, or an SQL statement
	needs   uint64 // a bit for each Feature that the server must have
	spaceID uint32
	data    bool // the request works on a space
}

// namesSpace tells whether it is a space by its name.
func (p place) namesSpace() bool { return p.data && p.name != "" }

// String names the place for a message, "" where there is nothing to name.
func (p place) String() string {
	if p.data && p.name == "" {
		return fmt.Sprintf("space %d", p.spaceID)
	}
	return p.name
}

// environment is what encoding a request takes from the session. It never
// changes: a new schema comes with a new environment.
type environment struct {
	schema      *schema.Schema // nil where there is none
	namesOnWire bool           // the server resolves names
}

// appendSpace writes which space a request works on and returns it where the
// schema knows it.
func (env *environment) appendSpace(w *wire.BodyWriter, name string, id uint32) (*schema.Space, error) {
	if name == "" {
		if id == 0 {
			return nil, &SchemaError{What: "the request names no space"}
		}
		w.Uint(iproto.KeySpaceID, uint64(id))
		return env.schema.SpaceByID(id), nil
	}
	if space := env.schema.Space(name); space != nil {
		w.Uint(iproto.KeySpaceID, uint64(space.ID))
		return space, nil
	}
	if env.schema == nil && env.namesOnWire {
		w.String(iproto.KeySpaceName, name)
		return nil, nil
	}
	return nil, env.unknown("space", name)
}

// appendIndex is appendSpace for an index. space may be nil.
func (env *environment) appendIndex(w *wire.BodyWriter, space *schema.Space, name string, id uint32) (*schema.Index, error) {
	if name == "" {
		if id != 0 {
			w.Uint(iproto.KeyIndexID, uint64(id))
		}
		return space.IndexByID(id), nil
	}
	if index := space.Index(name); index != nil {
		w.Uint(iproto.KeyIndexID, uint64(index.ID))
		return index, nil
	}
	if space == nil && env.namesOnWire {
		w.String(iproto.KeyIndexName, name)
		return nil, nil
	}
	if space != nil {
		return nil, &SchemaError{What: fmt.Sprintf("space %q has no index %q", space.Name, name), stale: true}
	}
	return nil, env.unknown("index", name)
}

func (env *environment) unknown(what, name string) error {
	if env.schema == nil {
		return &SchemaError{What: fmt.Sprintf("%s %q is named, but there is no schema to find its id in and the server resolves no names: use ids", what, name)}
	}
	return &SchemaError{What: fmt.Sprintf("no %s %q in the schema, or none that the user may see", what, name), stale: true}
}

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

func (s Select) place() place { return s.where() }

func (s *Select) where() place {
	var needs uint64
	if s.After != nil || s.FetchPosition {
		needs = 1 << iproto.FeaturePagination
	}
	return place{name: s.Space, spaceID: s.SpaceID, data: true, needs: needs}
}

func (s Select) appendBody(b []byte, env *environment) ([]byte, error) { return s.write(b, env) }

func (s *Select) write(b []byte, env *environment) ([]byte, error) {
	w := wire.NewBody(b)
	space, err := env.appendSpace(&w, s.Space, s.SpaceID)
	if err != nil {
		return b, err
	}
	index, err := env.appendIndex(&w, space, s.Index, s.IndexID)
	if err != nil {
		return b, err
	}
	limit := uint64(s.Limit)
	if limit == 0 {
		limit = math.MaxUint32
	}
	w.Uint(iproto.KeyLimit, limit)
	if s.Offset != 0 {
		w.Uint(iproto.KeyOffset, uint64(s.Offset))
	}
	w.Uint(iproto.KeyIterator, uint64(s.iterator()))
	if s.FetchPosition {
		w.Bool(iproto.KeyFetchPosition, true)
	}
	w.Key(iproto.KeyKey)
	if w.B, err = s.Key.append(w.B, index); err != nil {
		return b, err
	}
	if s.After != nil {
		s.After.append(&w)
	}
	return w.End(), nil
}

// iterator tells the iterator to send: a hash index takes no empty key but
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

func (r Insert) place() place { return place{name: r.Space, spaceID: r.SpaceID, data: true} }

func (r Insert) appendBody(b []byte, env *environment) ([]byte, error) {
	return appendStore(b, env, r.Space, r.SpaceID, r.Tuple)
}

// Replace adds a tuple, in place of the one with the same primary key if
// there is one. For Tuple see Insert.
type Replace struct {
	Space   string // by name; or
	SpaceID uint32 // by number, where Space is ""
	Tuple   any
}

// Type implements Request.
func (r Replace) Type() iproto.Type { return iproto.TypeReplace }

func (r Replace) place() place { return place{name: r.Space, spaceID: r.SpaceID, data: true} }

func (r Replace) appendBody(b []byte, env *environment) ([]byte, error) {
	return appendStore(b, env, r.Space, r.SpaceID, r.Tuple)
}

func appendStore(b []byte, env *environment, space string, id uint32, tuple any) ([]byte, error) {
	w := wire.NewBody(b)
	s, err := env.appendSpace(&w, space, id)
	if err != nil {
		return b, err
	}
	w.Key(iproto.KeyTuple)
	if w.B, err = appendTuple(w.B, tuple, s); err != nil {
		return b, err
	}
	return w.End(), nil
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

func (r Update) place() place { return place{name: r.Space, spaceID: r.SpaceID, data: true} }

func (r Update) appendBody(b []byte, env *environment) ([]byte, error) {
	w, err := beginKeyed(b, env, r.Space, r.SpaceID, r.Index, r.IndexID, r.Key)
	if err != nil {
		return b, err
	}
	w.Key(iproto.KeyTuple) // UPDATE's operations stand at this key
	if w.B, err = appendOps(w.B, r.Ops); err != nil {
		return b, err
	}
	return w.End(), nil
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

func (r Delete) place() place { return place{name: r.Space, spaceID: r.SpaceID, data: true} }

func (r Delete) appendBody(b []byte, env *environment) ([]byte, error) {
	w, err := beginKeyed(b, env, r.Space, r.SpaceID, r.Index, r.IndexID, r.Key)
	if err != nil {
		return b, err
	}
	return w.End(), nil
}

// beginKeyed starts the body of a request for one tuple by its key.
func beginKeyed(b []byte, env *environment, space string, spaceID uint32, index string, indexID uint32, key Key) (wire.BodyWriter, error) {
	w := wire.NewBody(b)
	if key.kind == keyEmpty {
		return w, errEmptyKey
	}
	s, err := env.appendSpace(&w, space, spaceID)
	if err != nil {
		return w, err
	}
	i, err := env.appendIndex(&w, s, index, indexID)
	if err != nil {
		return w, err
	}
	w.Key(iproto.KeyKey)
	w.B, err = key.append(w.B, i)
	return w, err
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

func (r Upsert) place() place { return place{name: r.Space, spaceID: r.SpaceID, data: true} }

func (r Upsert) appendBody(b []byte, env *environment) ([]byte, error) {
	w := wire.NewBody(b)
	s, err := env.appendSpace(&w, r.Space, r.SpaceID)
	if err != nil {
		return b, err
	}
	w.Key(iproto.KeyTuple)
	if w.B, err = appendTuple(w.B, r.Tuple, s); err != nil {
		return b, err
	}
	w.Key(iproto.KeyOps)
	if w.B, err = appendOps(w.B, r.Ops); err != nil {
		return b, err
	}
	return w.End(), nil
}

// Ping asks for nothing but an answer.
type Ping struct{}

// Type implements Request.
func (Ping) Type() iproto.Type { return iproto.TypePing }

func (Ping) place() place { return place{} }

func (Ping) appendBody(b []byte, _ *environment) ([]byte, error) {
	return mp.AppendMapLen(b, 0), nil
}

// Begin starts a transaction in a stream.
type Begin struct {
	Isolation Isolation
	// Timeout after which the server rolls the transaction back. Default: the
	// server's.
	Timeout time.Duration
	// IsSync makes the transaction synchronous (3.2 and later).
	IsSync bool
}

// Type implements Request.
func (Begin) Type() iproto.Type { return iproto.TypeBegin }

func (r Begin) place() place { return syncPlace(r.IsSync) }

func syncPlace(isSync bool) place {
	if isSync {
		return place{needs: 1 << iproto.FeatureIsSync}
	}
	return place{}
}

func (r Begin) appendBody(b []byte, _ *environment) ([]byte, error) {
	w := wire.NewBody(b)
	if r.Timeout < 0 {
		return b, fmt.Errorf("the timeout %v of a transaction is negative", r.Timeout)
	}
	if r.Timeout > 0 {
		w.Float(iproto.KeyTimeout, r.Timeout.Seconds())
	}
	if r.Isolation != 0 {
		w.Uint(iproto.KeyTxnIsolation, uint64(r.Isolation))
	}
	if r.IsSync {
		w.Bool(iproto.KeyIsSync, true)
	}
	return w.End(), nil
}

// Commit ends a transaction in a stream.
type Commit struct {
	// IsSync makes the transaction synchronous (3.2 and later).
	IsSync bool
}

// Type implements Request.
func (Commit) Type() iproto.Type { return iproto.TypeCommit }

func (r Commit) place() place { return syncPlace(r.IsSync) }

func (r Commit) appendBody(b []byte, _ *environment) ([]byte, error) {
	w := wire.NewBody(b)
	if r.IsSync {
		w.Bool(iproto.KeyIsSync, true)
	}
	return w.End(), nil
}

// Rollback undoes a transaction in a stream.
type Rollback struct{}

// Type implements Request.
func (Rollback) Type() iproto.Type { return iproto.TypeRollback }

func (Rollback) place() place { return place{} }

func (Rollback) appendBody(b []byte, _ *environment) ([]byte, error) {
	return mp.AppendMapLen(b, 0), nil
}
