package tnt

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"unsafe"

	"github.com/gotnt/tnt/internal/mp"
)

// Rows does a request and iterates over the rows of its answer, each decoded when
// its turn comes: for answers of many rows that need not be in memory as Ts all at
// once. The bytes of the answer are, until the loop ends. An error comes as the last
// pair and ends the iteration. Each use of the iterator does the request again. For
// T see One; Scan reads what does not fit into one answer.
func Rows[T any](ctx context.Context, ex Executor, req Request) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		plan, err := mp.PlanOf(reflect.TypeFor[T]())
		if err != nil {
			yield(none, requestError(req, err, false))
			return
		}
		resp, rt, err := performOn(ctx, ex, &req)
		if err != nil {
			yield(none, err)
			return
		}
		for row, err := range rowsOf[T](resp, plan) {
			if err != nil {
				err = unread(rt, req, err)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// rowsOf iterates over the rows of an answer, and ends with an error where one
// can't be decoded.
func rowsOf[T any](resp Response, plan *mp.Plan) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		row, none := new(T), *new(T) // on the heap once, not for each row
		in, names, n, err := resp.open(plan.ByName())
		for i := 0; i < n && err == nil; i++ {
			*row = none
			plan.DecodeRow(in, unsafe.Pointer(row), names)
			if err = in.Err(); err != nil {
				err = &DecodeError{fmt.Errorf("row %d: %w", i+1, err)}
				break
			}
			if !yield(*row, nil) {
				return
			}
		}
		if err == nil && n > 0 {
			err = noMore(in, resp.body)
		}
		if err != nil {
			yield(none, err)
		}
	}
}
