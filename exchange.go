package tnt

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/session"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// schemaTries is how often a request is done whose names the server says are of
// another schema than it has. The last of them goes unchecked where the space
// was the same before and after the schema was fetched again: then it is other
// spaces that change so fast.
const schemaTries = 8

// target is where requests are going.
type target struct {
	conn   *Conn
	live   *live
	env    *environment
	stream uint64 // 0: none
	// byName says that the names of the answer's fields matter.
	byName bool
	// version is that of the schema that the server is to have if something is
	// resolved by the one at hand; 0: it need not be asked.
	version uint64
}

// newTarget returns where requests go that are resolved by the session's schema.
func newTarget(rt Route, l *live, byName bool) target {
	to := target{conn: rt.conn, live: l, env: l.env.Load(), stream: rt.stream, byName: byName}
	if to.env.schema != nil {
		to.version = to.env.schema.Version
	}
	return to
}

// exchange is a request done: its answer, in the session's memory until
// release.
type exchange struct {
	// byName says, before the request is done, that the names of the answer's
	// fields matter: it has to be of the schema that they are taken from.
	byName bool

	route         Route
	session       *session.Session // nil for an Answer's
	slot          *session.Slot
	body          []byte
	schemaVersion uint64
	env           *environment   // by which the request was encoded
	checked       bool           // the server was asked about the schema
	format        *schema.Format // of an Answer's Response

	sent int // bytes, for the hooks
}

func (x *exchange) release() {
	if x.session != nil {
		x.session.Release(x.slot)
	}
}

// unread returns the error of a request whose answer can't be taken as it was
// asked for.
func (x *exchange) unread(req Request, err error) error { return unread(x.route, req, err) }

// response returns the answer as one of the user's, whose tuples are of a format.
func (x *exchange) response(format *schema.Format) Response {
	return newResponse(x.schemaVersion, append([]byte(nil), x.body...), format, x.env.settings)
}

// formatOf returns the format of the tuples in the answer, nil where it is not
// known.
func (x *exchange) formatOf(info RequestInfo) *schema.Format {
	if x.session == nil {
		return x.format
	}
	return formatFor(x.env.schema, info)
}

var errNilExecutor = errors.New("there is no connection: the Executor is nil")

// do does a request and waits for the answer. Without an error the caller
// must release it. That a request is passed on by its own type, here and
// below, keeps it off the heap; only an error, or a hook, puts it there.
func do[R Request](ctx context.Context, ex Executor, req *R, x *exchange) error {
	if isNil(req) {
		return errNilRequest
	}
	a := Attempt{Request: (*req).info(), Try: 1, Began: beganAt(ctx)}
	if ex == nil {
		return infoError(a.Request, errNilExecutor, false)
	}
	rt, err := ex.Route(ctx, a)
	if err != nil {
		return failedOn(ctx, rt, routeError(ctx, a.Request, err))
	}
	a.Request.Stream = rt.stream
	var observed *observed
	if rt.conn != nil && rt.conn.hooks.ofRequests() {
		ctx, observed = rt.observe(ctx, a.Request)
	}
	for {
		deadline := rt.deadline(ctx, a.Began)
		if err = tryOn(ctx, rt, req, x, rt.deadlineOfTry(deadline)); err == nil {
			x.route = rt
			break
		}
		err = failedOn(ctx, rt, err)
		if rt.conn == nil {
			break
		}
		a.Err, a.Last = err, rt
		if !rt.mayRepeat(err) || errors.Is(err, ErrTimeout) && isOver(deadline) || a.Try > 1 && errors.Is(err, errFrameTooLarge) {
			observeFailure(ctx, ex, a)
			break
		}
		a.Try++
		next, refused := ex.Route(ctx, a)
		if refused != nil {
			err = lastError(a.Request, err, refused)
			break
		}
		rt = next
	}
	if observed != nil {
		x.tell(observed, err)
	}
	return err
}

// lastError returns the error of a request that an executor found no other way
// for: what failed, unless the executor says more.
func lastError(info RequestInfo, failed, refused error) error {
	if errors.Is(failed, refused) || errors.Is(refused, failed) && errors.As(refused, new(*RequestError)) {
		return refused
	}
	var re *RequestError
	errors.As(failed, &re)
	why := refused
	if !errors.Is(refused, re.Err) { // else it says so itself
		why = fmt.Errorf("%w (%w)", refused, re.Err)
	}
	return &RequestError{Request: info, Server: re.Server, Err: why, fate: re.fate, gaveUp: re.gaveUp, conn: re.conn}
}

// deadline returns when a call that began then has to be over, zero for never.
func (rt Route) deadline(ctx context.Context, began time.Time) (deadline time.Time) {
	if rt.conn != nil {
		deadline = rt.conn.deadline(ctx, began)
	}
	return deadline
}

// deadlineOfTry returns when a try that begins now has to be over, where the call
// has that deadline.
func (rt Route) deadlineOfTry(deadline time.Time) time.Time {
	if rt.limit <= 0 {
		return deadline
	}
	if end := time.Now().Add(rt.limit); deadline.IsZero() || end.Before(deadline) {
		return end
	}
	return deadline
}

// mayRepeat reports whether a request that failed had no effect, or one that does
// not matter, for a reason that may be gone on another connection or a later one. An
// answer beyond Options.MaxFrame may have been that of another request, once.
func (rt Route) mayRepeat(err error) bool {
	var re *RequestError
	if !errors.As(err, &re) || re.gaveUp {
		return false
	}
	harmless := rt.idempotent || isRead(re.Request.Type)
	if errors.Is(err, ErrTimeout) {
		return rt.limit > 0 && (harmless || re.fate == FateUnsent)
	}
	var lacks *FeatureError
	switch re.fate {
	case FateUnsent:
		return errors.Is(err, ErrNotConnected) || errors.Is(err, ErrSessionLost) ||
			errors.As(err, &lacks) || errors.Is(err, ErrTooMany)
	case FateUnknown:
		return harmless && errors.Is(err, ErrConnectionLost)
	case FateRefused:
		return re.Request.Stream == 0 && (rt.idempotent && IsTransient(err) || SafeToRetry(err) && isInstanceCode(codeOf(re.Err)))
	}
	return false
}

// isInstanceCode reports whether another instance may do what this one refused.
func isInstanceCode(code errcode.Code) bool {
	return code == errcode.Readonly || code == errcode.Loading
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
	o.end(x.sent, x.body, err)
	returned = true
}

// isNil reports whether the request is nil: an interface without a request, or a
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

// tryOn does a request on one route, again where its names were of an old schema.
func tryOn[R Request](ctx context.Context, rt Route, req *R, x *exchange, deadline time.Time) error {
	switch {
	case rt.answer != nil:
		return x.answeredBy(ctx, rt.answer, *req)
	case rt.conn == nil:
		return requestError(*req, errNoRoute, false)
	}
	var as resolution
	for try := 1; ; try++ {
		used, err := once(ctx, rt, req, x, deadline, as)
		if err == nil && as.unchecked {
			err = x.confirm(ctx, *req, rt, used, as, deadline)
			if errors.Is(err, errChangedMeanwhile) && isRead((*req).Type()) && try < 2*schemaTries {
				as = resolution{}
				continue
			}
		}
		if err == nil || used == nil || try >= schemaTries || !outdated(*req, err, x.checked) {
			return err
		}
		info := (*req).info()
		before := x.env.schema
		if !rt.conn.keepsSchema() {
			if as, err = rt.conn.verify(ctx, deadline, used, info, err); err != nil {
				return endedMeanwhile(ctx, *req, err)
			}
			as.unchecked = try == schemaTries-1 && rt.stream == 0
			continue
		}
		if why := rt.conn.refreshFor(ctx, deadline, used, before, err); why != nil {
			return endedMeanwhile(ctx, *req, joinRefresh(err, why))
		}
		if rt.stream != 0 && isRefused(err) {
			return err
		}
		as.unchecked = try == schemaTries-1 && spaceOf(before, info).Equal(spaceOf(used.env.Load().schema, info))
	}
}

// resolution is how the names of a request are resolved, where that is not by the
// session's schema for its own version.
type resolution struct {
	unchecked bool   // the server is not asked
	own       bool   // it is a request of the connection's own, which passes Options.MaxInFlight
	version   uint64 // the schema has another version by now, and is the same for the request
}

// errChangedMeanwhile is that of a request that was done by names of a schema in
// which its space is another one than in that of the server.
var errChangedMeanwhile = errors.New("the space changed at the moment when the request was done by its names of before: look at what is stored")

// confirm finds out whether a request that was done without asking the server about
// the schema was done by the right names: its space has to be the same in a schema
// that was fetched afterwards. On an error the answer is released.
func (x *exchange) confirm(ctx context.Context, req Request, rt Route, l *live, as resolution, deadline time.Time) error {
	known := x.env.schema
	if known == nil || x.schemaVersion == known.Version || x.schemaVersion == as.version {
		return nil
	}
	now, err := rt.conn.schemaSince(ctx, l, x.schemaVersion, deadline)
	if err == nil {
		if info := req.info(); spaceOf(known, info).Equal(spaceOf(now, info)) {
			return nil
		}
		err = errChangedMeanwhile
	}
	x.release()
	if never := (*notConnectedError)(nil); errors.As(err, &never) { // the request was sent
		err = &connectionLostError{cause: never.cause}
	}
	err = requestError(req, err, true)
	if errors.Is(err, errChangedMeanwhile) {
		err.(*RequestError).fate = FateExecuted //nolint:errorlint // as it was just made
	}
	return err
}

// answeredBy takes the answer of a function in place of a server's.
func (x *exchange) answeredBy(ctx context.Context, answer Answer, req Request) error {
	if ctx.Err() != nil {
		return requestError(req, context.Cause(ctx), false)
	}
	resp, err := answer(ctx, req)
	var re *RequestError
	switch {
	case errors.As(err, &re):
		return err
	case err != nil:
		return refusal(req, err)
	}
	*x = exchange{byName: x.byName, body: resp.body, schemaVersion: resp.schemaVersion, env: &environment{settings: resp.settings}, format: resp.format}
	return nil
}

// outdated reports whether a request failed, without any effect, because it was
// made by an old schema. One that doesn't tell the server its schema is not: the
// error is that of a Lua function then, which may have done things before.
func outdated(req Request, err error, checked bool) bool {
	var unknown *SchemaError
	return errors.As(err, &unknown) && unknown.stale ||
		checked && isRefused(err) && codeOf(err) == errcode.WrongSchemaVersion && resolves(req.Type())
}

// refreshError is the failure of an outdated request, and why there is no newer
// schema for it.
type refreshError struct{ failed, why error }

func (e *refreshError) Error() string { return e.failed.Error() }

func joinRefresh(failed, why error) error { return &refreshError{failed, why} }

// endedMeanwhile returns the error of an outdated request with why there is no
// newer schema, where that is news.
func endedMeanwhile(ctx context.Context, req Request, err error) error {
	var refresh *refreshError
	if !errors.As(err, &refresh) {
		return err
	}
	if errors.Is(refresh.why, errNoNewerSchema) {
		return refresh.failed
	}
	var re *RequestError
	errors.As(refresh.failed, &re)
	why := refresh.why
	if ctx.Err() != nil {
		why = context.Cause(ctx)
	}
	return requestError(req, fmt.Errorf("%w (%w)", why, re.Err), false)
}

// spaceOf returns the space that a request works on, nil where it is not known.
func spaceOf(known *schema.Schema, info RequestInfo) *schema.Space {
	if info.Space != "" {
		return known.Space(info.Space)
	}
	return known.SpaceByID(info.SpaceID)
}

// once does a request once. Of one that was not encoded, or that the server
// refused, it also returns the session that was chosen.
func once[R Request](ctx context.Context, rt Route, req *R, x *exchange, deadline time.Time, as resolution) (*live, error) {
	l, err := rt.live(ctx, deadline)
	if err != nil {
		return nil, requestError(*req, err, false)
	}
	to := newTarget(rt, l, x.byName)
	switch {
	case as.unchecked:
		to.version = 0
	case as.version != 0:
		to.version = as.version
	}
	x.env, x.session, x.checked = to.env, l.session, false
	slot, e, err := prepare(ctx, &to, req, deadline, as.own)
	if err != nil {
		return l, requestError(*req, err, false)
	}
	x.sent, x.checked = len(e.B), e.checked
	err = x.session.Send(ctx, slot, e.B, deadline)
	e.release()
	if err != nil {
		return nil, requestError(*req, err, false)
	}
	if err := x.session.Wait(ctx, slot, deadline); err != nil {
		return nil, requestError(*req, err, true)
	}
	if x.body, err = rt.conn.content(slot.Type, slot.Body); err != nil {
		x.session.Release(slot)
		return l, refusal(*req, err)
	}
	x.slot, x.schemaVersion = slot, slot.SchemaVersion
	return l, nil
}

// prepare takes a slot and encodes a request for it.
func prepare[R Request](ctx context.Context, to *target, req *R, deadline time.Time, own bool) (slot *session.Slot, e *encoder, err error) {
	if own {
		slot, err = to.live.session.AcquireAtOnce()
	} else {
		slot, err = to.live.session.Acquire(ctx, deadline)
	}
	if err != nil {
		return nil, nil, err
	}
	e, err = encodeFor(slot, to, req)
	return slot, e, err
}

// encodeFor encodes a request for a slot, which it releases where that fails.
func encodeFor[R Request](slot *session.Slot, to *target, req *R) (*encoder, error) {
	encoded := false
	defer func() {
		if !encoded { // for an error, or a panic
			to.live.session.Release(slot)
		}
	}()
	e := newEncoder(to.env)
	if err := appendRequest(e, to, slot.Sync(), req); err != nil {
		e.release()
		return nil, err
	}
	encoded = true
	return e, nil
}

// content returns the body of an answer, or the error that the server answered
// with.
func (c *Conn) content(typ iproto.Type, body []byte) ([]byte, error) {
	body = c.decoded(body)
	if typ&iproto.TypeError != 0 {
		return nil, c.refused(typ, body)
	}
	return body, nil
}

// refused returns the error that the server answered with.
func (c *Conn) refused(typ iproto.Type, body []byte) error {
	c.counts.errors.Add(1)
	return wire.ServerError(typ, body, c.settings)
}

// formatFor returns the format of the tuples that the answer to a request holds,
// nil where it is not known.
func formatFor(known *schema.Schema, info RequestInfo) *schema.Format {
	if known == nil || !resolves(info.Type) {
		return nil
	}
	return spaceOf(known, info).TupleFormat()
}

// perform does a request and returns its answer as one of the user's.
func perform[R Request](ctx context.Context, ex Executor, req *R) (Response, error) {
	resp, _, err := performOn(ctx, ex, req)
	return resp, err
}

// performOn is perform that also returns the way that the answer came by, to be
// named where it can't be read.
func performOn[R Request](ctx context.Context, ex Executor, req *R) (Response, Route, error) {
	x := exchange{byName: true}
	if err := do(ctx, ex, req, &x); err != nil {
		return Response{}, Route{}, err
	}
	resp := x.response(x.formatOf((*req).info()))
	x.release()
	return resp, x.route, nil
}

// unread returns the error of a request whose answer, which came that way, can't be
// taken as it was asked for.
func unread(rt Route, req Request, err error) error {
	return failedOn(context.Background(), rt, answerError(req, err))
}

// Do does a request and returns its answer. Its error is a *RequestError; what
// the server refused is an *Error inside.
func Do(ctx context.Context, ex Executor, req Request) (Response, error) {
	return perform(ctx, ex, &req)
}
