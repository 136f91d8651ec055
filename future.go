package tnt

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// Future is an answer on its way. Its methods are safe for concurrent use:
// several goroutines may wait for it, and again.
type Future struct {
	ex      Executor // for another try
	route   Route
	req     Request
	format  *schema.Format
	hooks   *observed
	sent    int  // bytes
	checked bool // the server was asked about the schema

	done chan struct{} // closed when resp and err are set
	resp Response
	err  error

	mu    sync.Mutex    // guards what follows and, once done is closed, ex, resp and err
	again chan struct{} // closed when the request was done again; nil where it is not being

	pushes pushes
}

// Go starts a request and returns its answer on its way. ctx bounds the sending
// alone. What goes wrong before the request is sent, an unknown name for one, is
// the error of Wait.
func Go(ctx context.Context, ex Executor, req Request) *Future {
	if isNil(&req) {
		return failed(nil, errNilRequest)
	}
	info := req.info()
	if ex == nil {
		return failed(req, infoError(info, errNilExecutor, false))
	}
	a := Attempt{Request: info, Try: 1, Began: beganAt(ctx)}
	for {
		rt, err := ex.Route(ctx, a)
		if err != nil {
			if a.Err != nil {
				err = lastError(info, a.Err, err)
			} else {
				err = failedOn(ctx, rt, routeError(ctx, info, err))
			}
			return failed(req, err)
		}
		f := start(ctx, ex, rt, req, a.Began)
		if !f.finished() || f.err == nil || rt.conn == nil || !isUnsent(f.err) || !rt.mayRepeat(f.err) {
			return f // one that was sent, and lost at once, is for Wait to do again
		}
		a.Try, a.Err, a.Last = a.Try+1, f.err, rt
	}
}

// start starts a request on a route, for a call that began then.
func start(ctx context.Context, ex Executor, rt Route, req Request, began time.Time) *Future {
	f := newFuture(ex, rt, req)
	switch {
	case rt.answer != nil:
		f.resp, f.err = perform(ctx, rt, &req)
		f.end()
		return f
	case rt.conn == nil:
		f.fail(ctx, errNoRoute)
		return f
	}
	info := req.info()
	info.Stream = rt.stream
	ctx, f.hooks = rt.observe(ctx, info)
	deadline := rt.deadline(ctx, began)
	l, err := rt.live(ctx, deadline)
	if err != nil {
		f.fail(ctx, err)
		return f
	}
	f.send(ctx, l, deadline)
	return f
}

func newFuture(ex Executor, rt Route, req Request) *Future {
	f := &Future{ex: ex, route: rt, req: req, done: make(chan struct{})}
	if rt.conn != nil {
		f.pushes.limit = rt.conn.opts.MaxPushes
	}
	return f
}

// failed returns a Future of a request that was not sent.
func failed(req Request, err error) *Future {
	f := newFuture(nil, Route{}, req)
	f.err = err
	f.end()
	return f
}

// fail ends the future of a request that was not sent.
func (f *Future) fail(ctx context.Context, err error) {
	f.err = failedOn(ctx, f.route, requestError(f.req, err, false))
	f.end()
}

// send sends the request, or ends the future with an error.
func (f *Future) send(ctx context.Context, l *live, deadline time.Time) {
	to := newTarget(f.route, l, true)
	slot, e, err := prepare(ctx, &to, &f.req, deadline, false)
	if err != nil {
		f.fail(ctx, err)
		return
	}
	defer e.release()
	f.format = formatFor(to.env.schema, f.req.info())
	f.sent, f.checked = len(e.B), e.checked
	if err := l.session.SendAsync(ctx, slot, e.B, deadline, receiver{f}); err != nil {
		f.fail(ctx, err)
	}
}

// sendAtOnce is send that never waits: for requests that the connection itself
// lives by.
func (f *Future) sendAtOnce(l *live) {
	slot, err := l.session.AcquireAtOnce()
	var e *encoder
	if err == nil {
		to := newTarget(f.route, l, false)
		e, err = encodeFor(slot, &to, &f.req)
	}
	if err == nil {
		err = l.session.SendAtOnce(slot, e.B, receiver{f})
		e.release()
	}
	if err != nil {
		f.fail(context.Background(), err)
	}
}

// Done is closed when the answer, or an error, is there.
func (f *Future) Done() <-chan struct{} { return f.done }

// finished reports whether the answer, or an error, is there.
func (f *Future) finished() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// Wait waits for the answer, for Options.RequestTimeout where ctx has no
// deadline. That the time is over or ctx ends ends this wait alone: the
// request goes on, and another Wait may get the answer.
//
// A request that the server refused because its names were of an old schema,
// and one that may be done on another connection, is done again by Wait, as Do
// would have.
func (f *Future) Wait(ctx context.Context) (Response, error) {
	began, deadline := beganAt(ctx), f.route.conn.deadlineFor(ctx)
	if err := f.wait(ctx, f.done, deadline); err != nil {
		f.mu.Lock()
		ex := f.ex
		f.mu.Unlock()
		observeFailure(ctx, ex, failedAttempt(ctx, f.route, f.req, err))
		return Response{}, err
	}
	for {
		f.mu.Lock()
		if f.err == nil || f.ex == nil {
			resp, err := f.resp, f.err
			f.mu.Unlock()
			return resp, err
		}
		if other := f.again; other != nil {
			f.mu.Unlock()
			if err := f.wait(ctx, other, deadline); err != nil {
				return Response{}, err
			}
			continue
		}
		f.again = make(chan struct{})
		f.mu.Unlock()
		return f.doAgain(startedAt(ctx, began))
	}
}

// doAgain does the request again where that is worth it and harmless. No other
// goroutine does meanwhile.
func (f *Future) doAgain(ctx context.Context) (Response, error) {
	resp, err, last := f.resp, f.err, false
	defer func() {
		f.mu.Lock()
		if last {
			f.ex, f.resp, f.err = nil, resp, err
		}
		close(f.again)
		f.again = nil
		f.mu.Unlock()
	}()
	if ex := f.another(ctx); ex != nil {
		resp, err = perform(ctx, ex, &f.req)
		// Another Wait, whose context lasts, may have more luck.
		harmless := SafeToRetry(err) || f.route.idempotent || isRead(f.req.Type())
		last = err == nil || !harmless || ctx.Err() == nil && !errors.Is(err, ErrTimeout)
	}
	return resp, err
}

// wait waits until done is closed.
func (f *Future) wait(ctx context.Context, done <-chan struct{}, deadline time.Time) error {
	select {
	case <-done:
		return nil
	default:
	}
	var expired <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-done:
		return nil
	case <-expired:
		return failedOn(ctx, f.route, requestError(f.req, ErrTimeout, true))
	case <-ctx.Done():
		return failedOn(ctx, f.route, requestError(f.req, context.Cause(ctx), true))
	}
}

// another returns what the request is to be done on again, nil where its answer
// or error is the last.
func (f *Future) another(ctx context.Context) Executor {
	return another(ctx, f.ex, f.route, f.req, f.err, f.checked, time.Time{})
}

// another returns what a request is to be done on again, until the deadline, that
// failed without any effect, or one that does not matter; nil where it is not.
func another(ctx context.Context, ex Executor, rt Route, req Request, err error, checked bool, deadline time.Time) Executor {
	if rt.conn == nil {
		return nil
	}
	final := ctx.Err() != nil || rt.stream != 0 || isOver(deadline)
	if !final && outdated(req, err, checked) {
		return ex
	}
	a := failedAttempt(ctx, rt, req, err)
	if final || !rt.mayRepeat(err) {
		observeFailure(ctx, ex, a)
		return nil
	}
	return resumed{ex, a}
}

// failedAttempt returns the first try of a request, which failed.
func failedAttempt(ctx context.Context, rt Route, req Request, err error) Attempt {
	info := req.info()
	info.Stream = rt.stream
	return Attempt{Request: info, Try: 1, Began: beganAt(ctx), Err: err, Last: rt}
}

// resumed is an Executor for a request that failed once already.
type resumed struct {
	ex     Executor
	failed Attempt
}

// Route implements Executor.
func (r resumed) Route(ctx context.Context, a Attempt) (Route, error) {
	if a.Try == 1 {
		a.Err, a.Last = r.failed.Err, r.failed.Last
	}
	first := a.Err
	a.Try += r.failed.Try
	rt, refused := r.ex.Route(ctx, a)
	if refused != nil {
		return rt, lastError(a.Request, first, refused)
	}
	return rt, nil
}

// receiver is a Future as the session knows it, whose methods are not for users.
type receiver struct{ f *Future }

// Push implements session.Receiver.
func (r receiver) Push(body []byte) {
	f := r.f
	c := f.route.conn
	if !f.pushes.add(newResponse(0, c.decoded(body), nil, c.settings)) {
		info := f.req.info()
		info.Stream = f.route.stream
		c.dropped(Drop{Request: info})
	}
}

// Receive implements session.Receiver.
func (r receiver) Receive(h wire.Header, body []byte, err error) {
	f, c := r.f, r.f.route.conn
	switch {
	case err != nil:
		f.err = requestError(f.req, err, true)
	case h.Type&iproto.TypeError != 0:
		f.err = refusal(f.req, c.refused(h.Type, c.decoded(body)))
	default:
		f.resp = newResponse(h.SchemaVersion, c.decoded(body), f.format, c.settings)
	}
	if f.err != nil {
		f.err = failedOn(context.Background(), f.route, f.err)
	}
	f.end()
}

// end makes the answer, or the error, known.
func (f *Future) end() {
	f.hooks.end(f.sent, f.resp.body, f.err)
	close(f.done)
	f.pushes.end()
}
