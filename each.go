package tnt

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"unsafe"

	"github.com/gotnt/tnt/internal/mp"
)

// Each does several requests, sent in as few writes as can be, and iterates
// over the first row of each answer, decoded, in the order of the requests.
// The row is nil where the answer holds none, and is overwritten by the next.
// A request that fails has its error in its place and leaves the others be.
// Requests whose turn has not come when the loop is left are done all the
// same.
//
// It is the fastest way to do many small requests. The server does them at the
// same time, in no order. For T see One.
func Each[T any, R Request](ctx context.Context, ex Executor, reqs []R) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		if len(reqs) == 0 {
			return
		}
		b := batch[R]{ex: ex, reqs: reqs}
		defer b.leave()
		var plan *mp.Plan
		if plan, b.err = mp.PlanOf(reflect.TypeFor[T]()); b.err == nil {
			b.byName = plan.ByName()
			b.send(ctx)
		}
		row := new(T)
		for i := range reqs {
			found, err := eachRow(ctx, &b, i, plan, row)
			got := row
			if !found {
				got = nil
			}
			if !yield(got, err) {
				return
			}
		}
	}
}

// eachRow waits for the answer to request i and decodes its first row.
func eachRow[T any, R Request](ctx context.Context, b *batch[R], i int, plan *mp.Plan, row *T) (found bool, err error) {
	if b.route.answer != nil {
		return alone(ctx, b.route, b.reqs[i], row)
	}
	defer b.done(i)
	in, body, _, err := b.wait(ctx, i)
	if ex := b.another(ctx, i, err); ex != nil {
		found, err := alone(startedAt(ctx, b.began), ex, b.reqs[i], row)
		b.count(nil, err)
		return found, err
	}
	b.count(body, err)
	if err != nil {
		return false, err
	}
	info := b.reqs[i].info()
	*in = b.to.env.settings.Reader(body)
	names, err := findRows(in, body, formatFor(b.to.env.schema, info), plan.ByName())
	n := 0
	if err == nil && in.Len() > 0 {
		n = in.ArrayLen()
		err = in.Err()
	}
	if err != nil {
		return false, failedOn(ctx, b.route, answerError(b.reqs[i], &DecodeError{err}))
	}
	if n > 0 {
		if err := decodeFirst(in, body, plan, unsafe.Pointer(row), names, n); err != nil {
			return false, failedOn(ctx, b.route, answerError(b.reqs[i], err))
		}
	}
	return n > 0, nil
}

// alone does one request of many by itself.
func alone[T any, R Request](ctx context.Context, ex Executor, req R, row *T) (found bool, err error) {
	err = OneInto(ctx, ex, req, row)
	if errors.Is(err, ErrNoTuple) {
		return false, nil
	}
	return err == nil, err
}
