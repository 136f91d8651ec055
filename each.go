package tnt

import (
	"context"
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
		var plan *mp.Plan
		if plan, b.err = mp.PlanOf(reflect.TypeFor[T]()); b.err == nil {
			b.send(ctx, ex)
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
	defer b.done(i)
	in, body, err := b.wait(ctx, i)
	if err != nil {
		return false, err
	}
	names, err := findRows(in, body, b.format(plan, i), plan.ByName())
	n := 0
	if err == nil && in.Len() > 0 {
		n = in.ArrayLen()
		err = in.Err()
	}
	if err != nil {
		return false, requestError(b.reqs[i], &DecodeError{err}, true)
	}
	if n > 0 {
		if err := decodeFirst(in, body, plan, unsafe.Pointer(row), names, n); err != nil {
			return false, requestError(b.reqs[i], err, true)
		}
	}
	return n > 0, nil
}
