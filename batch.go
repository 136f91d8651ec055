package tnt

import (
	"context"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/session"
)

// batch is several requests on their way over one session.
type batch[R Request] struct {
	reqs  []R
	route Route
	live  *live
	env   *environment
	group *session.Group // nil: nothing was sent, because of err
	errs  map[int]error  // of those not sent
	hooks []*observed    // nil where there are none
	err   error
}

// givenBack is how many slots a batch gives back at once.
const givenBack = 64

// send sends what can be sent. It returns false, with err set, where there is
// no session.
func (b *batch[R]) send(ctx context.Context, ex Executor) bool {
	if b.route, b.err = ex.Route(ctx); b.err == nil {
		b.observe(ctx)
		b.live, b.err = b.route.live(ctx)
	}
	if b.err == nil {
		b.group, b.err = b.live.session.AcquireGroup(len(b.reqs))
	}
	if b.err != nil {
		b.err = requestError(b.reqs[0], b.err, false)
		return false
	}
	b.env = b.live.env.Load()
	for i := range b.reqs {
		if err := b.queue(ctx, i); err != nil {
			if b.errs == nil {
				b.errs = map[int]error{}
			}
			b.errs[i] = requestError(b.reqs[i], err, false)
		}
	}
	b.group.Flush()
	return true
}

func (b *batch[R]) queue(ctx context.Context, i int) error {
	switch {
	case isNil(&b.reqs[i]):
		return errNilRequest
	case i >= b.group.Len():
		return session.ErrTooMany
	case b.hooks != nil:
		ctx = b.hooks[i].ctx
	}
	err := encode(b.route.conn, b.group.Slot(i), b.route.streamID(), b.live, b.env, &b.reqs[i], false)
	if err != nil {
		return err
	}
	return b.group.Queue(ctx, i)
}

// wait returns the body of the answer to request i, and what to read it with,
// until done.
func (b *batch[R]) wait(ctx context.Context, i int) (in *mp.Reader, body []byte, err error) {
	if err = b.errs[i]; err == nil {
		in, body, err = b.answer(ctx, i)
	}
	b.ended(i, len(body), err)
	return in, body, err
}

func (b *batch[R]) answer(ctx context.Context, i int) (*mp.Reader, []byte, error) {
	slot, conn := b.group.Slot(i), b.route.conn
	err := b.group.Wait(ctx, i, conn.timeout(ctx))
	if err != nil {
		return nil, nil, requestError(b.reqs[i], err, true)
	}
	body, err := conn.content(slot)
	if err != nil {
		return nil, nil, requestError(b.reqs[i], err, true)
	}
	return &slot.In, body, nil
}

// done ends the use of the answer to request i, and of those before it.
func (b *batch[R]) done(i int) {
	if n := i + 1; n%givenBack == 0 || n == len(b.reqs) {
		b.group.GiveBack(min(n, b.group.Len()))
	}
}

// leave gives up what nobody waits for any more.
func (b *batch[R]) leave() {
	if b.group != nil {
		b.group.Leave()
	}
	for i := range b.hooks {
		switch {
		case b.group == nil:
			b.ended(i, 0, b.err)
		case b.errs[i] != nil:
			b.ended(i, 0, b.errs[i])
		default:
			b.ended(i, 0, errLeft)
		}
	}
}

// observe tells the hooks of all requests.
func (b *batch[R]) observe(ctx context.Context) {
	if !b.route.conn.hooks.ofRequests() {
		return
	}
	b.hooks = make([]*observed, len(b.reqs))
	for i, req := range b.reqs {
		if !isNil(&b.reqs[i]) {
			_, b.hooks[i] = b.route.observe(ctx, req)
		}
	}
}

// ended tells the hooks that request i has ended.
func (b *batch[R]) ended(i, received int, err error) {
	if b.hooks != nil {
		b.hooks[i].end(received, err)
		b.hooks[i] = nil
	}
}

func (b *batch[R]) format(plan *mp.Plan, i int) *Format {
	if !plan.ByName() {
		return nil
	}
	return formatFor(b.env.schema, &b.reqs[i])
}
