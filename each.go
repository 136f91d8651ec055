package tnt

import (
	"context"
	"iter"
	"reflect"
	"unsafe"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/session"
)

// Each does several requests, sent in as few writes as can be, and iterates
// over the first row of each answer, decoded, in the order of the requests.
// The row is nil where the answer holds none, and is overwritten by the next.
// A request that fails has its error in its place and leaves the others be.
// Requests whose turn has not come when the loop is left are done all the
// same.
//
// It is the fastest way to do many small requests. Unlike Do it does nothing
// again: names that are missing in the schema at hand are an error. For T see
// One.
func Each[T any, R Request](ctx context.Context, ex Executor, reqs []R) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		if len(reqs) == 0 {
			return
		}
		b := batch[R]{reqs: reqs}
		defer b.leave()
		if !b.send(ctx, ex) {
			for range reqs {
				if !yield(nil, b.err) {
					return
				}
			}
			return
		}
		var row T
		plan, err := mp.PlanOf(reflect.TypeFor[T]())
		for i := range reqs {
			found := false
			if err == nil {
				found, b.err = eachRow(ctx, &b, i, plan, &row)
			} else {
				b.err = requestError(reqs[i], err, true)
			}
			switch {
			case b.err != nil || !found:
				if !yield(nil, b.err) {
					return
				}
			case !yield(&row, nil):
				return
			}
		}
	}
}

// eachRow waits for the answer to request i and decodes its first row.
func eachRow[T any, R Request](ctx context.Context, b *batch[R], i int, plan *mp.Plan, row *T) (found bool, err error) {
	x, err := b.wait(ctx, i)
	if err != nil {
		return false, err
	}
	var names []string
	in := &x.slot.In
	*in, names, err = findRows(x.body, b.format(plan, i), plan.ByName())
	if err == nil && in.Len() > 0 {
		found = in.ArrayLen() > 0
		if found {
			plan.DecodeRow(in, unsafe.Pointer(row), names)
		}
		err = in.Err()
	}
	x.release()
	if err != nil {
		return false, requestError(b.reqs[i], &DecodeError{err}, true)
	}
	return found, nil
}

// batch is several requests on their way over one session.
type batch[R Request] struct {
	reqs  []R
	route Route
	live  *live
	env   *environment
	slots []*session.Slot // nil: not sent, or done with
	errs  map[int]error   // of those not sent
	hooks []*observed     // nil where there are none
	err   error
}

// send sends what can be sent. It returns false, with err set, where there is
// no session.
func (b *batch[R]) send(ctx context.Context, ex Executor) bool {
	var none R
	if len(b.reqs) > 0 {
		none = b.reqs[0]
	}
	if b.route, b.err = ex.Route(ctx); b.err == nil {
		b.observe(ctx)
		b.live, b.err = b.route.live(ctx)
	}
	if b.err != nil {
		b.err = requestError(none, b.err, false)
		return false
	}
	b.env = b.live.env.Load()
	b.slots = make([]*session.Slot, len(b.reqs))
	for i := range b.reqs {
		if err := b.queue(ctx, i); err != nil {
			if b.errs == nil {
				b.errs = map[int]error{}
			}
			b.errs[i] = requestError(b.reqs[i], err, false)
		}
	}
	b.live.session.Flush()
	return true
}

// observe tells the hooks of all requests.
func (b *batch[R]) observe(ctx context.Context) {
	if !b.route.conn.hooks.ofRequests() {
		return
	}
	b.hooks = make([]*observed, len(b.reqs))
	for i, req := range b.reqs {
		if any(req) != nil { // as it may be where R is Request itself
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

func (b *batch[R]) queue(ctx context.Context, i int) error {
	if any(b.reqs[i]) == nil {
		return errNilRequest
	}
	if b.hooks != nil {
		ctx = b.hooks[i].ctx
	}
	slot, err := b.live.session.Acquire()
	if err != nil {
		return err
	}
	req := borrow(b.reqs[i])
	err = b.route.conn.encode(slot, b.route.streamID(), b.live, b.env, req, false)
	giveBack(req)
	if err != nil {
		b.live.session.Release(slot)
		return err
	}
	if err := b.live.session.Queue(ctx, slot); err != nil {
		return err
	}
	b.slots[i] = slot
	return nil
}

// wait returns the answer to request i, to be released.
func (b *batch[R]) wait(ctx context.Context, i int) (x exchange, err error) {
	x, err = b.answer(ctx, i)
	b.ended(i, len(x.body), err)
	return x, err
}

func (b *batch[R]) answer(ctx context.Context, i int) (x exchange, err error) {
	slot := b.slots[i]
	if slot == nil {
		return x, b.errs[i]
	}
	b.slots[i] = nil
	conn := b.route.conn
	if err := b.live.session.Wait(ctx, slot, conn.timeout(ctx)); err != nil {
		return x, requestError(b.reqs[i], err, true)
	}
	if x, err = conn.received(b.live, slot, b.env); err != nil {
		return x, requestError(b.reqs[i], err, true)
	}
	return x, nil
}

// leave gives up what nobody waits for any more.
func (b *batch[R]) leave() {
	for _, slot := range b.slots {
		if slot != nil {
			b.live.session.Leave(slot)
		}
	}
	for i := range b.hooks {
		switch {
		case b.slots == nil: // nothing was sent
			b.ended(i, 0, b.err)
		case b.errs[i] != nil:
			b.ended(i, 0, b.errs[i])
		default:
			b.ended(i, 0, errLeft)
		}
	}
}

func (b *batch[R]) format(plan *mp.Plan, i int) *Format {
	if !plan.ByName() {
		return nil
	}
	return formatFor(b.env.schema, b.reqs[i])
}
