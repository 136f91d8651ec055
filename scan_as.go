package tnt

import (
	"context"
	"iter"
	"reflect"
	"unsafe"

	"github.com/gotnt/tnt/internal/mp"
)

// ScanAs is Scan with each tuple decoded into a T; for the types see One. A
// tuple that can't be decoded ends the iteration with a *DecodeError. What a T
// holds is the user's, and keeps nothing of its page.
func ScanAs[T any](ctx context.Context, ex Executor, sel Select, pageSize int) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		plan, err := mp.PlanOf(reflect.TypeFor[T]())
		if err != nil {
			yield(none, requestError(sel, err, false))
			return
		}
		row, in := new(T), new(mp.Reader) // used again, as they may be of the heap
		for t, err := range Scan(ctx, ex, sel, pageSize) {
			if err == nil {
				*row, *in = none, t.whole()
				plan.DecodeRow(in, unsafe.Pointer(row), t.format)
				if err = in.Err(); err != nil {
					err = requestError(sel, &DecodeError{err}, true)
				}
			}
			if err != nil {
				yield(none, err)
				return
			}
			if !yield(*row, nil) {
				return
			}
		}
	}
}
