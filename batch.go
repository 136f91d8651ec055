package tnt

import (
	"context"
	"errors"
	"time"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/session"
)

// Result is how one request of a batch has ended.
type Result struct {
	Response Response
	// Err is nil, or a *RequestError.
	Err error
}

// Batch does several requests, sent in as few writes as can be, and returns when
// all have ended. The results are in the order of the requests; one that fails
// leaves the others be. Each decodes the rows of many requests for less.
//
// The server does them at the same time, in no order: who needs one does them in a
// Stream.
func Batch(ctx context.Context, ex Executor, reqs ...Request) []Result {
	results := make([]Result, len(reqs))
	b := batch[Request]{ex: ex, reqs: reqs, byName: true}
	defer b.leave()
	b.send(ctx)
	for i := range reqs {
		results[i] = b.result(ctx, i)
	}
	return results
}

// batch is several requests on their way over one session.
type batch[R Request] struct {
	ex     Executor
	reqs   []R
	byName bool // the names of the answers' fields matter

	route    Route
	to       target
	began    time.Time
	deadline time.Time
	groups   []*session.Group // of as many requests each as it has room for; nil: given back
	err      error            // why the rest was not sent

	hooks          *observed // nil where there are none
	failed         error     // the first error of a request, for the hooks
	sent, received int       // bytes, for the hooks
	rows           int
}

// send sends what can be sent.
func (b *batch[R]) send(ctx context.Context) {
	if len(b.reqs) == 0 {
		return
	}
	a := Attempt{Request: b.info(), Try: 1, Began: beganAt(ctx)}
	if b.ex == nil {
		b.err = errNilExecutor
		return
	}
	b.began = a.Began
	for {
		rt, err := b.ex.Route(ctx, a)
		if b.err = err; err != nil {
			return
		}
		b.route = rt
		if rt.answer != nil {
			return // each is done when its turn comes
		}
		if rt.conn == nil {
			b.err = errNoRoute
			return
		}
		if b.hooks == nil {
			a.Request.Stream = rt.stream
			ctx, b.hooks = rt.observe(ctx, a.Request)
		}
		b.deadline = rt.deadline(ctx, b.began)
		l, err := rt.live(ctx, b.deadline)
		if b.err = err; err == nil {
			b.sendOn(ctx, l)
			return
		}
		a.Err, a.Last = failedOn(ctx, rt, infoError(a.Request, err, false)), rt
		if !rt.mayRepeat(a.Err) {
			observeFailure(ctx, b.ex, a)
			return
		}
		a.Try++
	}
}

// info describes the batch: what its requests have in common, and how many they
// are.
func (b *batch[R]) info() RequestInfo {
	var info RequestInfo
	for i := range b.reqs {
		if isNil(&b.reqs[i]) {
			continue
		}
		one := b.reqs[i].info()
		if info.Size == 0 {
			info = one
			info.Size = 1
		}
		one.Size = 1
		if one.Type != info.Type {
			return RequestInfo{Size: len(b.reqs)}
		}
		if one != info {
			info = RequestInfo{Type: one.Type, Size: 1}
		}
	}
	info.Size = len(b.reqs)
	return info
}

// sendOn sends the requests over a session.
func (b *batch[R]) sendOn(ctx context.Context, l *live) {
	b.to = newTarget(b.route, l, b.byName)
	e := newEncoder(b.to.env) // not released where user code panics: then it has the group's bytes
	for first := 0; first < len(b.reqs) && b.err == nil; first += session.GroupSize {
		var g *session.Group
		if g, b.err = l.session.AcquireGroup(); b.err != nil {
			break
		}
		b.groups = append(b.groups, g)
		for i := first; i < len(b.reqs) && i < first+session.GroupSize; i++ {
			b.add(ctx, e, g, i)
		}
		if err := g.Send(ctx, b.deadline); b.err == nil {
			b.err = err
		}
	}
	e.release()
}

// add adds request i to its group. After a failure to send no more is sent.
func (b *batch[R]) add(ctx context.Context, e *encoder, g *session.Group, i int) {
	req := &b.reqs[i]
	switch {
	case b.err != nil:
		g.AddFailed(b.err)
		return
	case isNil(req):
		g.AddFailed(errNilRequest)
		return
	}
	sync, frames := g.Next()
	before := len(frames)
	e.B = frames
	err := appendRequest(e, &b.to, sync, req)
	frames, e.B = e.B, nil
	if err != nil {
		g.AddFailed(err)
		return
	}
	b.sent += len(frames) - before
	b.err = g.Add(ctx, frames, b.deadline)
}

// wait returns the body of the answer to request i, and what to read it with,
// until done.
func (b *batch[R]) wait(ctx context.Context, i int) (in *mp.Reader, body []byte, schemaVersion uint64, err error) {
	n := i / session.GroupSize
	if n >= len(b.groups) {
		return nil, nil, 0, b.unsent(ctx, i)
	}
	g := b.groups[n]
	at := i % session.GroupSize
	if err := g.Wait(ctx, at, b.deadline); err != nil {
		return nil, nil, 0, failedOn(ctx, b.route, requestError(b.reqs[i], err, !g.Unsent(at)))
	}
	typ, schemaVersion, body := g.Answer(at)
	body, err = b.route.conn.content(typ, body)
	if err != nil {
		return nil, nil, 0, failedOn(ctx, b.route, refusal(b.reqs[i], err))
	}
	return &g.In, body, schemaVersion, nil
}

// unsent returns the error of request i, which was not sent.
func (b *batch[R]) unsent(ctx context.Context, i int) error {
	if isNil(&b.reqs[i]) {
		return errNilRequest
	}
	return failedOn(ctx, b.route, routeError(ctx, b.reqs[i].info(), b.err))
}

// another returns what request i, which failed, is to be done on again by itself;
// nil where it is not, and where nothing of the batch found a way.
func (b *batch[R]) another(ctx context.Context, i int, err error) Executor {
	if err == nil || i/session.GroupSize >= len(b.groups) || isNil(&b.reqs[i]) {
		return nil
	}
	return another(startedAt(ctx, b.began), b.ex, b.route, b.reqs[i], err, true, b.deadline)
}

// result waits for the answer to request i.
func (b *batch[R]) result(ctx context.Context, i int) Result {
	if b.route.answer != nil {
		resp, err := perform(ctx, b.route, &b.reqs[i])
		return Result{resp, err}
	}
	defer b.done(i)
	_, body, schemaVersion, err := b.wait(ctx, i)
	if ex := b.another(ctx, i, err); ex != nil {
		resp, err := perform(startedAt(ctx, b.began), ex, &b.reqs[i])
		b.count(resp.body, err)
		return Result{resp, err}
	}
	b.count(body, err)
	if err != nil {
		return Result{Err: err}
	}
	format := formatFor(b.to.env.schema, b.reqs[i].info())
	return Result{Response: newResponse(schemaVersion, append([]byte(nil), body...), format, b.to.env.settings)}
}

// count counts an answer for the hooks.
func (b *batch[R]) count(body []byte, err error) {
	if b.hooks == nil {
		return
	}
	if err != nil && b.failed == nil {
		b.failed = err
	}
	b.received += len(body)
	b.rows += rowsIn(body)
}

// done ends the use of the answer to request i.
func (b *batch[R]) done(i int) {
	if n := i / session.GroupSize; n < len(b.groups) && (i+1)%session.GroupSize == 0 {
		b.groups[n].Leave()
		b.groups[n] = nil
	}
	if i == len(b.reqs)-1 {
		b.endHooks(b.failed)
	}
}

// leave gives up what nobody waits for any more.
func (b *batch[R]) leave() {
	defer b.leaveGroups() // though a hook may panic
	b.endHooks(ErrLeft)
}

func (b *batch[R]) leaveGroups() {
	for _, g := range b.groups {
		if g != nil {
			g.Leave()
		}
	}
}

// endHooks tells the hooks, once, that the batch has ended.
func (b *batch[R]) endHooks(err error) {
	h := b.hooks
	b.hooks = nil // before it is told, as it may panic
	h.endBatch(b.sent, b.received, b.rows, err)
}

// ErrLeft is what hooks are told of an Each whose loop was left: no failure of the
// server or the connection. No request returns it.
var ErrLeft = errors.New("the loop was left before all answers had their turn")

// rowsIn returns the number of rows in the body of an answer, 0 where it has
// none.
func rowsIn(body []byte) int {
	return Response{body: body}.Len()
}
