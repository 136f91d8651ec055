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
		s := newScan(ex, sel, pageSize)
		s.each(ctx, func(t Tuple, err error) bool {
			if err == nil {
				*row, *in = none, t.whole()
				plan.DecodeRow(in, unsafe.Pointer(row), t.format)
				if err = in.Err(); err != nil {
					err = unread(s.route, sel, &DecodeError{err})
				}
			}
			if err != nil {
				yield(none, err)
				return false
			}
			return yield(*row, nil)
		})
	}
}
