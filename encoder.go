package tnt

import (
	"fmt"
	"sync"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// environment is what encoding a request takes from the session. It never
// changes: a new schema comes with a new environment.
type environment struct {
	schema      *schema.Schema // nil where there is none
	namesOnWire bool           // the server resolves names
	server      iproto.Version
	settings    *mp.Settings // nil: the defaults
}

// encoder is what a request's body is written to, and what its names are
// resolved by. It is used by one goroutine at a time.
type encoder struct {
	wire.BodyWriter
	*environment
	// resolved says that something was found by its name in the schema, so that
	// the server has to be asked whether it still has that schema.
	resolved bool
	// checked says that the server was asked.
	checked bool
}

// encoders are few at a time, as a request is sent by a copy, so they stay in the
// cache.
var encoders = sync.Pool{New: func() any { return new(encoder) }}

// keepEncoder is the largest place to encode in, in bytes, that is kept.
const keepEncoder = 64 << 10

func newEncoder(env *environment) *encoder {
	e := encoders.Get().(*encoder)
	e.environment = env
	return e
}

func (e *encoder) release() {
	e.environment = nil
	if e.B = e.B[:0]; cap(e.B) <= keepEncoder {
		encoders.Put(e)
	}
}

// begin starts the body behind what is in B.
func (e *encoder) begin() { e.BodyWriter = wire.NewBody(e.B) }

// space writes which space a request works on and returns it where the schema
// knows it.
func (e *encoder) space(name string, id uint32) (*schema.Space, error) {
	if name == "" {
		if id == 0 {
			return nil, &SchemaError{What: "the request names no space"}
		}
		e.Uint(iproto.KeySpaceID, uint64(id))
		return e.schema.SpaceByID(id), nil
	}
	if space := e.schema.Space(name); space != nil {
		e.resolved = true
		e.Uint(iproto.KeySpaceID, uint64(space.ID))
		return space, nil
	}
	if e.schema == nil && e.namesOnWire {
		e.String(iproto.KeySpaceName, name)
		return nil, nil
	}
	return nil, e.unknown("space", name)
}

// index is space for an index. space may be nil.
func (e *encoder) index(space *schema.Space, name string, id uint32) (*schema.Index, error) {
	if name == "" {
		if id != 0 {
			e.Uint(iproto.KeyIndexID, uint64(id))
		}
		return space.IndexByID(id), nil
	}
	if index := space.Index(name); index != nil {
		e.resolved = true
		e.Uint(iproto.KeyIndexID, uint64(index.ID))
		return index, nil
	}
	if space == nil && e.namesOnWire {
		e.String(iproto.KeyIndexName, name)
		return nil, nil
	}
	if space != nil {
		return nil, &SchemaError{What: fmt.Sprintf("space %q has no index %q", space.Name, name), stale: true}
	}
	return nil, e.unknown("index", name)
}

func (e *encoder) unknown(what, name string) error {
	if e.schema == nil {
		return &SchemaError{What: fmt.Sprintf("%s %q is named, but there is no schema to find its id in and the server resolves no names: use ids", what, name)}
	}
	return &SchemaError{What: fmt.Sprintf("no %s %q in the schema, or none that the user may see", what, name), stale: true}
}

// key writes the key of a request. index may be nil.
func (e *encoder) key(key Key, index *schema.Index) (err error) {
	e.Key(iproto.KeyKey)
	e.resolved = e.resolved || index != nil && key.mayHaveNames()
	if e.B, err = key.append(e.settings, e.B, index); index == nil {
		err = e.stale(err)
	}
	return err
}

// tuple writes the tuple of a request. space may be nil.
func (e *encoder) tuple(tuple any, space *schema.Space) (err error) {
	e.Key(iproto.KeyTuple)
	e.resolved = e.resolved || space != nil && space.Format != nil && mayHaveNames(tuple)
	if e.B, err = appendTuple(e.settings, e.B, tuple, space); space == nil {
		err = e.stale(err)
	}
	return err
}

// stale marks the error of names that can't be resolved for want of the space, where
// there is a schema that lacks it: a newer one may have it.
func (e *encoder) stale(err error) error {
	unknown, ok := err.(*SchemaError) //nolint:errorlint // the one that was just made
	if !ok || e.schema == nil {
		return err
	}
	return &SchemaError{What: unknown.What, stale: true}
}

// operations writes update operations. The server resolves their names.
func (e *encoder) operations(key iproto.Key, ops []Op) (err error) {
	e.Key(key)
	e.B, err = appendOps(e.settings, e.B, ops)
	return err
}

// list writes a list of values, which is none of theirs.
func (e *encoder) list(key iproto.Key, values []any) (err error) {
	e.Key(key)
	e.B, err = appendList(e.settings, e.B, values, 0)
	return err
}

// mayHaveNames reports whether a tuple may be written by the names of its
// fields. That it may, and does not, costs no more than that the server is asked
// about the schema.
func mayHaveNames(tuple any) bool {
	switch tuple.(type) {
	case []any, Tuple:
		return false
	}
	return true
}

func (k Key) mayHaveNames() bool {
	switch k.kind {
	case keyNamed:
		return true
	case keyValue:
		return mayHaveNames(k.value)
	}
	return false
}

// appendRequest appends the frame of a request to e.B. The schema's version goes
// with it, for the server to refuse the request if it has another one, where a
// name was resolved by the schema or the names of the answer's fields matter.
func appendRequest[R Request](e *encoder, to *target, sync uint64, req *R) error {
	if err := to.live.supports((*req).needs()); err != nil {
		return err
	}
	c := to.conn
	h := wire.Header{Type: (*req).Type(), Sync: sync, StreamID: to.stream}
	start := len(e.B)
	e.B = wire.BeginFrame(e.B)
	versioned := e.schema != nil && resolves(h.Type)
	if versioned {
		e.B = wire.AppendVersionedHeader(e.B, h)
	} else {
		e.B = wire.AppendRequestHeader(e.B, h)
	}
	body := len(e.B)
	e.resolved, e.checked = false, false
	if err := (*req).encode(e); err != nil {
		return err
	}
	if versioned && (e.resolved || to.byName) && to.version != 0 {
		e.checked = true
		wire.SetSchemaVersion(e.B[:body], to.version)
	}
	if err := refuseLongDecimals(e.B[body:], e.server); err != nil {
		return err
	}
	if c.opts.Encoding != nil {
		var err error
		if e.B, err = c.encodeStrings(e.B, body); err != nil {
			return err
		}
	}
	if n := len(e.B) - start; n > c.opts.MaxRequest {
		return fmt.Errorf("%w: %d bytes, Options.MaxRequest is %d", ErrTooLarge, n, c.opts.MaxRequest)
	}
	return wire.EndFrame(e.B, start)
}
