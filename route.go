package tnt

import (
	"context"

	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// Executor is what requests can be done on: a Conn, a Stream, or whatever of your
// own chooses a connection for each request, such as a pool. The package's typed
// functions work on all of them.
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

// setSchema makes a schema the session's; nil for none.
func (l *live) setSchema(s *schema.Schema) {
	l.env.Store(&environment{schema: s, namesOnWire: l.features.Has(iproto.FeatureSpaceAndIndexNames)})
}

// supports refuses a request that the server does not know.
func (l *live) supports(p place) error {
	missing, ok := l.features.Missing(p.needs)
	if !ok {
		return nil
	}
	return l.need(missing)
}

func (l *live) need(f iproto.Feature) error {
	if l.features.Has(f) {
		return nil
	}
	return &FeatureError{Feature: f, Server: l.greeting.Version}
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
	flushed sending = iota
	atOnce          // without waiting for room in the write buffer
)

// sendOn sends a future's request, or ends the future with an error.
func (c *Conn) sendOn(ctx context.Context, l *live, stream uint64, f *Future, how sending) {
	env := l.env.Load()
	// The answer can't be waited for here, so nothing is done again: a request
	// by names goes unchecked.
	to := target{conn: c, live: l, env: env, stream: stream}
	deadline := c.deadline(ctx)
	slot, frame, err := prepare(ctx, &to, &f.req, deadline, how)
	if err != nil {
		f.fail(err)
		return
	}
	defer frame.release()
	f.format = formatFor(env.schema, &f.req)
	switch how {
	case flushed:
		err = l.session.SendAsync(ctx, slot, frame.b, deadline, f)
	case atOnce:
		err = l.session.SendAtOnce(slot, frame.b, f)
	}
	if err != nil {
		f.fail(err)
	}
}
