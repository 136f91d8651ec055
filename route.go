package tnt

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"sync"

	"github.com/gotnt/tnt/internal/iproto"
	"github.com/gotnt/tnt/internal/session"
)

// Executor is what requests can be done on: a Conn, a Stream, or a pool of
// connections. The package's typed functions work on all of them.
type Executor interface {
	// Route chooses the way for one request. It does no network call.
	Route(ctx context.Context) (Route, error)
}

// Route is the way for one request: a connection and, in a stream, that. It
// is itself an Executor.
type Route struct {
	conn   *Conn
	stream *Stream // nil: none
}

// Route implements Executor.
func (rt Route) Route(context.Context) (Route, error) { return rt, nil }

// live returns the session to use. For a context that is over there is none:
// what nobody wants any more must not be sent.
func (rt Route) live(ctx context.Context) (*live, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if rt.stream != nil {
		return rt.stream.bind(ctx)
	}
	return rt.conn.current(ctx)
}

func (rt Route) streamID() uint64 {
	if rt.stream == nil {
		return 0
	}
	return rt.stream.id.Load()
}

// schemaTries is how often a request is done when the server says that it was
// made by an old schema.
const schemaTries = 3

// exchange is a request done: its answer, in the session's memory until
// release.
type exchange struct {
	session *session.Session
	slot    *session.Slot
	body    []byte
	env     *environment // by which the request was encoded
}

func (x *exchange) release() { x.session.Release(x.slot) }

// do does a request and waits for the answer. Without an error the caller
// must release it. That a request is passed on by its own type, here and
// below, keeps it off the heap; only an error, or a hook, puts it there.
func do[R Request](ctx context.Context, rt Route, req *R, x *exchange) error {
	if isNil(req) {
		return errNilRequest
	}
	var observed *observed
	if rt.conn.hooks.ofRequests() {
		ctx, observed = rt.observe(ctx, *req)
	}
	var err error
	for try := 1; ; try++ {
		var used *live
		used, err = once(ctx, rt, req, x)
		if err == nil || used == nil || try == schemaTries || !outdated(*req, err) {
			break
		}
		if !rt.conn.refreshFor(ctx, used, x.env.schema, err) {
			err = endedMeanwhile(ctx, *req, err)
			break
		}
	}
	observed.end(len(x.body), err)
	return err
}

// isNil tells whether the request is an interface and nil.
func isNil[R Request](req *R) bool {
	r, ok := any(req).(*Request)
	return ok && *r == nil
}

// outdated tells whether a request failed, without any effect, for it was made
// by an old schema. One without names doesn't tell the server its schema, so
// the error is that of a Lua function then, which may have done things before.
func outdated(req Request, err error) bool {
	var unknown *SchemaError
	return errors.As(err, &unknown) && unknown.stale ||
		errors.Is(err, ErrWrongSchemaVersion) && req.place().namesSpace()
}

// endedMeanwhile adds the context's cause to the error of an outdated request,
// where the context ended the wait for a newer schema.
func endedMeanwhile(ctx context.Context, req Request, err error) error {
	var re *RequestError
	if ctx.Err() == nil || !errors.As(err, &re) {
		return err
	}
	return requestError(req, fmt.Errorf("%w (%w)", context.Cause(ctx), re.Err), false)
}

// refreshFor tells whether a request that failed is worth another try with a
// newer schema, once that is there.
func (c *Conn) refreshFor(ctx context.Context, l *live, used *Schema, err error) bool {
	var unknown *SchemaError
	switch {
	case c.opts.NoSchema || c.opts.NoSchemaRefetch || used == nil:
		return false
	case errors.As(err, &unknown) && unknown.stale:
		// The name may be new. A ping tells whether the schema changed at all.
		if _, err := c.send(ctx, l, Ping{}).Wait(ctx); err != nil || l.session.SchemaVersion() == used.Version {
			return false
		}
	case errors.Is(err, ErrWrongSchemaVersion):
	default:
		return false
	}
	return c.refetchSchema(ctx, used) == nil
}

// once does a request once. Of one that was not encoded, or that the server
// refused, it also returns the session that was chosen.
func once[R Request](ctx context.Context, rt Route, req *R, x *exchange) (*live, error) {
	l, err := rt.live(ctx)
	if err != nil {
		return nil, requestError(*req, err, false)
	}
	x.env, x.session = l.env.Load(), l.session
	to := target{conn: rt.conn, live: l, env: x.env, stream: rt.streamID(), checked: true}
	slot, frame, err := prepare(&to, req)
	if err != nil {
		return l, requestError(*req, err, false)
	}
	err = x.session.Send(ctx, slot, frame.b)
	frame.release()
	if err != nil {
		return nil, requestError(*req, err, false)
	}
	if err := x.session.Wait(ctx, slot, rt.conn.timeout(ctx)); err != nil {
		return nil, requestError(*req, err, true)
	}
	if x.body, err = rt.conn.content(slot.Type, slot.Body); err != nil {
		x.session.Release(slot)
		return l, refusal(*req, err)
	}
	x.slot = slot
	return l, nil
}

// prepare takes a slot and encodes a request for it.
func prepare[R Request](to *target, req *R) (*session.Slot, *frame, error) {
	s := to.live.session
	slot, err := s.Acquire()
	if err != nil {
		return nil, nil, err
	}
	encoded := false
	defer func() {
		if !encoded { // for an error, or a panic
			s.Release(slot)
		}
	}()
	f := newFrame()
	if f.b, err = appendRequest(f.b, to, slot.Sync(), req); err != nil {
		f.release()
		return nil, nil, err
	}
	encoded = true
	return slot, f, nil
}

// content returns the body of an answer, or the error that the server answered
// with.
func (c *Conn) content(typ iproto.Type, body []byte) ([]byte, error) {
	body = c.decoded(body)
	if typ&iproto.TypeError != 0 {
		return nil, serverError(typ, body)
	}
	return body, nil
}

// frame is a place to encode a request in. Few are in use at a time, as a
// request is sent by a copy, so they stay in the cache.
type frame struct{ b []byte }

var frames = sync.Pool{New: func() any { return new(frame) }}

// keepFrame is the largest place, in bytes, that is kept.
const keepFrame = 64 << 10

func newFrame() *frame { return frames.Get().(*frame) }

func (f *frame) release() {
	if f.b = f.b[:0]; cap(f.b) <= keepFrame {
		frames.Put(f)
	}
}

// target is where requests are going.
type target struct {
	conn   *Conn
	live   *live
	env    *environment
	stream uint64 // 0: none
	// checked: the server is to refuse names that were resolved by another schema
	// than it has, unless the schema is to stay as it is: then the first DDL
	// anywhere would end all use of names.
	checked bool
}

// appendRequest appends the frame of a request.
func appendRequest[R Request](b []byte, to *target, sync uint64, req *R) ([]byte, error) {
	typ, p := about(req)
	if err := to.live.supports(p); err != nil {
		return b, err
	}
	c, env := to.conn, to.env
	h := iproto.Header{Type: typ, Sync: sync, StreamID: to.stream}
	if to.checked && !c.opts.NoSchemaRefetch && env.schema != nil && p.namesSpace() {
		h.SchemaVersion = env.schema.Version
	}
	start := len(b)
	b = iproto.AppendRequestHeader(iproto.BeginFrame(b), h)
	body := len(b)
	b, err := appendBodyOf(b, req, env)
	if err != nil {
		return b, err
	}
	if c.opts.Encoding != nil && h.Type != iproto.TypeAuth { // a scramble is no text
		if b, err = c.encodeStrings(b, body); err != nil {
			return b, err
		}
	}
	if n := len(b) - start; n > c.opts.MaxRequest {
		return b, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, n, c.opts.MaxRequest)
	}
	return b, iproto.EndFrame(b, start)
}

// about returns the request's type and place. A Select is not copied for that:
// its 128 bytes, on the stacks of many callers, are a miss of the cache for
// every 64.
func about[R Request](req *R) (RequestType, place) {
	if s, ok := any(req).(*Select); ok {
		return iproto.TypeSelect, s.where()
	}
	return (*req).Type(), (*req).place()
}

// appendBodyOf appends the request's body, without a copy of a Select.
func appendBodyOf[R Request](b []byte, req *R, env *environment) ([]byte, error) {
	if s, ok := any(req).(*Select); ok {
		return s.write(b, env)
	}
	return (*req).appendBody(b, env)
}

// setSchema makes a schema the session's; nil for none.
func (l *live) setSchema(s *Schema) {
	l.env.Store(&environment{schema: s, namesOnWire: l.features.Has(FeatureSpaceAndIndexNames)})
}

// supports refuses a request that the server does not know.
func (l *live) supports(p place) error {
	missing := p.needs &^ l.features.set
	if missing == 0 {
		return nil
	}
	return l.need(Feature(bits.TrailingZeros64(missing)))
}

func (l *live) need(f Feature) error {
	if l.features.Has(f) {
		return nil
	}
	return &FeatureError{Feature: f, Server: l.greeting.Version}
}

// formatFor returns the format of the tuples that a request's answer holds,
// nil where it is not known.
func formatFor[R Request](schema *Schema, req *R) *Format {
	_, p := about(req)
	switch {
	case schema == nil || !p.data:
		return nil
	case p.name != "":
		return schema.Space(p.name).format()
	}
	return schema.SpaceByID(p.spaceID).format()
}

// send starts a request of the connection's own on a session.
func (c *Conn) send(ctx context.Context, l *live, req Request) *Future {
	f := newFuture(c, req)
	c.sendOn(ctx, l, 0, f, flushed)
	return f
}

// sending is how a request gets on its way.
type sending int

const (
	flushed  sending = iota
	deferred         // until the next one is flushed, or the session is
	atOnce           // without waiting for room in the write buffer
)

// sendOn sends a future's request, or ends the future with an error.
func (c *Conn) sendOn(ctx context.Context, l *live, stream uint64, f *Future, how sending) {
	env := l.env.Load()
	// The answer can't be waited for here, so nothing is done again: a request
	// by names goes unchecked.
	to := target{conn: c, live: l, env: env, stream: stream}
	slot, frame, err := prepare(&to, &f.req)
	if err != nil {
		f.fail(err)
		return
	}
	defer frame.release()
	f.format = formatFor(env.schema, &f.req)
	switch how {
	case flushed:
		err = l.session.SendAsync(ctx, slot, frame.b, f)
	case deferred:
		err = l.session.SendDeferred(ctx, slot, frame.b, f)
	case atOnce:
		err = l.session.SendAtOnce(slot, frame.b, f)
	}
	if err != nil {
		f.fail(err)
	}
}
