package tnt

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/session"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

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
func do[R Request](ctx context.Context, ex Executor, req *R, x *exchange) error {
	if isNil(req) {
		return errNilRequest
	}
	rt, err := ex.Route(ctx)
	if err != nil {
		return requestError(*req, err, false)
	}
	deadline := rt.conn.deadline(ctx)
	var observed *observed
	if rt.conn.hooks.ofRequests() {
		ctx, observed = rt.observe(ctx, *req)
	}
	for try := 1; ; {
		var used *live
		used, err = once(ctx, rt, req, x, deadline)
		if err != nil && used != nil && rt.lostUnsent(used, err) {
			continue
		}
		if err == nil || used == nil || try == schemaTries || !outdated(*req, err) {
			break
		}
		if !rt.conn.refreshFor(ctx, used, x.env.schema, err) {
			err = endedMeanwhile(ctx, *req, err)
			break
		}
		try++
	}
	if observed != nil {
		x.tell(observed, err)
	}
	return err
}

// tell tells the hooks of the end. Where one panics nobody else releases the
// answer.
func (x *exchange) tell(o *observed, err error) {
	returned := err != nil
	defer func() {
		if !returned {
			x.release()
		}
	}()
	o.end(len(x.body), err)
	returned = true
}

// isNil tells whether the request is nil: an interface without a request, or a
// pointer to none.
func isNil[R Request](req *R) bool {
	if reflect.TypeFor[R]().Kind() == reflect.Struct { // the usual one, at no cost
		return false
	}
	if any(*req) == nil {
		return true
	}
	v := reflect.ValueOf(*req)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// outdated tells whether a request failed, without any effect, for it was made
// by an old schema. One without names doesn't tell the server its schema, so
// the error is that of a Lua function then, which may have done things before.
func outdated(req Request, err error) bool {
	var unknown *SchemaError
	return errors.As(err, &unknown) && unknown.stale ||
		errors.Is(err, errcode.WrongSchemaVersion) && req.place().namesSpace()
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
func (c *Conn) refreshFor(ctx context.Context, l *live, used *schema.Schema, err error) bool {
	var unknown *SchemaError
	switch {
	case c.opts.NoSchema || c.opts.NoSchemaRefetch || used == nil:
		return false
	case errors.As(err, &unknown) && unknown.stale:
		// The name may be new. A ping tells whether the schema changed at all.
		if _, err := c.send(ctx, l, Ping{}).Wait(ctx); err != nil || l.session.SchemaVersion() == used.Version {
			return false
		}
	case errors.Is(err, errcode.WrongSchemaVersion):
	default:
		return false
	}
	return c.refetchSchema(ctx, used) == nil
}

// lostUnsent tells whether a request is to wait for another session, as its own
// was lost before it was sent.
func (rt Route) lostUnsent(used *live, err error) bool {
	return rt.stream == nil && rt.conn.waitsFor(used) && SafeToRetry(err) && errors.Is(err, ErrNotConnected)
}

// once does a request once. Of one that was not encoded or not sent, or that the
// server refused, it also returns the session that was chosen.
func once[R Request](ctx context.Context, rt Route, req *R, x *exchange, deadline time.Time) (*live, error) {
	l, err := rt.live(ctx)
	if err != nil {
		return nil, requestError(*req, err, false)
	}
	x.env, x.session = l.env.Load(), l.session
	to := target{conn: rt.conn, live: l, env: x.env, stream: rt.streamID(), checked: true}
	slot, frame, err := prepare(ctx, &to, req, deadline, flushed)
	if err != nil {
		return l, requestError(*req, err, false)
	}
	err = x.session.Send(ctx, slot, frame.b, deadline)
	frame.release()
	if err != nil {
		return l.ifUnsent(err), requestError(*req, err, false)
	}
	if err := x.session.Wait(ctx, slot, deadline); err != nil {
		return l.ifUnsent(err), requestError(*req, err, true)
	}
	if x.body, err = rt.conn.content(slot.Type, slot.Body); err != nil {
		x.session.Release(slot)
		return l, refusal(*req, err)
	}
	x.slot = slot
	return l, nil
}

// ifUnsent returns the session where it was lost before the request was sent, and
// else nil.
func (l *live) ifUnsent(err error) *live {
	var lost *session.LostError
	if errors.As(err, &lost) && !lost.Sent {
		return l
	}
	return nil
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

// formatFor returns the format of the tuples that a request's answer holds,
// nil where it is not known.
func formatFor[R Request](known *schema.Schema, req *R) *schema.Format {
	_, p := about(req)
	switch {
	case known == nil || !p.data:
		return nil
	case p.name != "":
		return known.Space(p.name).TupleFormat()
	}
	return known.SpaceByID(p.spaceID).TupleFormat()
}
