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
	defer b.done(i)
	in, body, err := b.wait(ctx, i)
	if err != nil {
		return false, err
	}
	var names []string
	*in, names, err = findRows(body, b.format(plan, i), plan.ByName())
	if err == nil && in.Len() > 0 {
		found = in.ArrayLen() > 0
		if found {
			plan.DecodeRow(in, unsafe.Pointer(row), names)
		}
		err = in.Err()
	}
	if err != nil {
		return false, requestError(b.reqs[i], &DecodeError{err}, true)
	}
	return found, nil
}
