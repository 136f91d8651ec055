package tnt

import (
	"cmp"
	"context"
	"time"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/session"
	"github.com/gotnt/tnt/schema"
)

// batch is several requests on their way over one session.
type batch[R Request] struct {
	reqs   []R
	to     target
	groups []*session.Group // of as many requests each as it has room for; nil: given back
	hooks  []*observed      // nil where there are none
	err    error            // why the rest was not sent

	deadline time.Time // of the whole
}

// send sends what can be sent.
func (b *batch[R]) send(ctx context.Context, ex Executor) {
	rt, err := ex.Route(ctx)
	if b.err = err; err != nil {
		return
	}
	b.deadline = rt.conn.deadline(ctx)
	b.observe(ctx, rt)
	l, err := rt.live(ctx)
	if b.err = err; err != nil {
		return
	}
	b.to = target{conn: rt.conn, live: l, env: l.env.Load(), stream: rt.streamID()}
	for first := 0; first < len(b.reqs) && b.err == nil; first += session.GroupSize {
		var g *session.Group
		if g, b.err = l.session.AcquireGroup(); b.err != nil {
			return
		}
		b.groups = append(b.groups, g)
		for i := first; i < len(b.reqs) && i < first+session.GroupSize; i++ {
			b.add(ctx, g, i)
		}
		if err := g.Send(ctx, b.deadline); b.err == nil {
			b.err = err
		}
	}
}

// add adds request i to its group. After a failure to send no more is sent.
func (b *batch[R]) add(ctx context.Context, g *session.Group, i int) {
	req := &b.reqs[i]
	switch {
	case b.err != nil:
		g.AddFailed(b.err)
		return
	case isNil(req):
		g.AddFailed(errNilRequest)
		return
	case b.hooks != nil:
		ctx = b.hooks[i].ctx
	}
	sync, frames := g.Next()
	frames, err := appendRequest(frames, &b.to, sync, req)
	if err != nil {
		g.AddFailed(err)
		return
	}
	b.err = g.Add(ctx, frames, b.deadline)
}

// wait returns the body of the answer to request i, and what to read it with,
// until done.
func (b *batch[R]) wait(ctx context.Context, i int) (in *mp.Reader, body []byte, err error) {
	if n := i / session.GroupSize; n < len(b.groups) {
		g := b.groups[n]
		body, err = b.answer(ctx, g, i)
		in = &g.In
	} else {
		err = requestError(b.reqs[i], b.err, false)
	}
	b.ended(i, len(body), err)
	return in, body, err
}

func (b *batch[R]) answer(ctx context.Context, g *session.Group, i int) ([]byte, error) {
	n := i % session.GroupSize
	if err := g.Wait(ctx, n, b.deadline); err != nil {
		return nil, requestError(b.reqs[i], err, !g.Unsent(n))
	}
	typ, _, body := g.Answer(n)
	body, err := b.to.conn.content(typ, body)
	if err != nil {
		return nil, refusal(b.reqs[i], err)
	}
	return body, nil
}

// done ends the use of the answer to request i.
func (b *batch[R]) done(i int) {
	if n := i / session.GroupSize; n < len(b.groups) && (i+1)%session.GroupSize == 0 {
		b.groups[n].Leave()
		b.groups[n] = nil
	}
}

// leave gives up what nobody waits for any more.
func (b *batch[R]) leave() {
	defer b.leaveGroups() // though a hook may panic
	for i, h := range b.hooks {
		if h != nil { // its turn has not come
			b.ended(i, 0, b.leftWith(i))
		}
	}
}

func (b *batch[R]) leaveGroups() {
	for _, g := range b.groups {
		if g != nil {
			g.Leave()
		}
	}
}

// leftWith returns how request i ends whose turn has not come.
func (b *batch[R]) leftWith(i int) error {
	n := i / session.GroupSize
	switch {
	case n >= len(b.groups):
		return requestError(b.reqs[i], cmp.Or(b.err, errLeft), false)
	case b.groups[n].Unsent(i % session.GroupSize):
		_, err := b.answer(context.Background(), b.groups[n], i) // it is there
		return err
	}
	return errLeft
}

// observe tells the hooks of all requests.
func (b *batch[R]) observe(ctx context.Context, rt Route) {
	if !rt.conn.hooks.ofRequests() {
		return
	}
	b.hooks = make([]*observed, len(b.reqs))
	for i, req := range b.reqs {
		if !isNil(&b.reqs[i]) {
			_, b.hooks[i] = rt.observe(ctx, req)
		}
	}
}

// ended tells the hooks that request i has ended.
func (b *batch[R]) ended(i, received int, err error) {
	if b.hooks != nil {
		h := b.hooks[i]
		b.hooks[i] = nil // before it is told, as it may panic
		h.end(received, err)
	}
}

func (b *batch[R]) format(plan *mp.Plan, i int) *schema.Format {
	if !plan.ByName() {
		return nil
	}
	return formatFor(b.to.env.schema, &b.reqs[i])
}
