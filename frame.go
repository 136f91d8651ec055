package tnt

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gotnt/tnt/internal/session"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

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

// prepare takes a slot, waiting for it where that is to be waited for, and encodes
// a request for it.
func prepare[R Request](ctx context.Context, to *target, req *R, deadline time.Time, how sending) (*session.Slot, *frame, error) {
	s := to.live.session
	var slot *session.Slot
	var err error
	if how == atOnce {
		slot, err = s.AcquireAtOnce()
	} else {
		slot, err = s.Acquire(ctx, deadline)
	}
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

// appendRequest appends the frame of a request.
func appendRequest[R Request](b []byte, to *target, sync uint64, req *R) ([]byte, error) {
	typ, p := about(req)
	if err := to.live.supports(p); err != nil {
		return b, err
	}
	c, env := to.conn, to.env
	h := wire.Header{Type: typ, Sync: sync, StreamID: to.stream}
	if to.checked && !c.opts.NoSchemaRefetch && env.schema != nil && p.namesSpace() {
		h.SchemaVersion = env.schema.Version
	}
	start := len(b)
	b = wire.AppendRequestHeader(wire.BeginFrame(b), h)
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
	return b, wire.EndFrame(b, start)
}

// about returns the request's type and place. A Select is not copied for that:
// its 128 bytes, on the stacks of many callers, are a miss of the cache for
// every 64.
func about[R Request](req *R) (iproto.Type, place) {
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
