package tnt

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/gotnt/tnt/internal/mp"
)

// ResultError reports a function that returned nil and then something else, as
// Lua's functions do for an error: `return nil, err`. Who expects that takes both
// results, by Two or Response.DecodeResults. With a Value that is an *Error,
// errors.As and errors.Is find that and its codes.
type ResultError struct {
	// Value is the second result, untyped; see docs/types.md for the types.
	Value any
}

// Error shows the second result.
func (e *ResultError) Error() string {
	if err, ok := e.Value.(error); ok {
		return "the function returned nil and an error: " + err.Error()
	}
	return "the function returned nil and " + printed(e.Value)
}

// Unwrap returns the value where it is an error.
func (e *ResultError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// nilAndError returns the error of rows whose first is nil and whose second is
// not. Those can only be the results of a function.
func nilAndError(in *mp.Reader) error {
	rest := in.Rest()
	if len(rest) < 2 || mp.TypeOf(rest[0]) != mp.TypeNil || mp.TypeOf(rest[1]) == mp.TypeNil {
		return nil
	}
	r := *in
	r.Nil()
	v := r.Value()
	if err := r.Err(); err != nil {
		return &DecodeError{fmt.Errorf("row 2: %w", err)}
	}
	return &ResultError{Value: v}
}

// Two does a request, a Call or an Eval, and decodes the first two results of the
// function. A result that is not there is a zero value, as a nil is. More results
// are an error, unless they are nil. For the types see One.
//
//	row, failure, err := tnt.Two[*Row, *string](ctx, conn, tnt.Call{Function: "find"})
func Two[A, B any](ctx context.Context, ex Executor, req Request) (a A, b B, err error) {
	err = results(ctx, ex, req, &a, &b)
	return a, b, err
}

// results does a request and decodes its results into the variables that dst
// points to.
func results(ctx context.Context, ex Executor, req Request, dst ...any) error {
	for _, d := range dst {
		if _, _, err := targetOf(d); err != nil {
			return requestError(req, err, false)
		}
	}
	resp, rt, err := performOn(ctx, ex, &req)
	if err != nil {
		return err
	}
	if err := resp.DecodeResults(dst...); err != nil {
		return unread(rt, req, err)
	}
	return nil
}

// DecodeResults decodes the results of a function into the variables that dst
// points to, one each, in their order; nil passes one over. A result that is not
// there makes its variable zero, as a nil does. A result for which there is no
// variable is an error, unless it is nil. For the types see One.
func (r Response) DecodeResults(dst ...any) error {
	rows, names, n, err := r.open(true)
	if err != nil {
		return err
	}
	for i, d := range dst {
		switch {
		case d == nil && i < n:
			rows.Skip()
		case d == nil:
		default:
			v, plan, err := targetOf(d)
			if err != nil {
				return err
			}
			if i >= n {
				v.Elem().Set(reflect.Zero(v.Type().Elem()))
				continue
			}
			plan.DecodeRow(rows, v.UnsafePointer(), names)
		}
		if err := rows.Err(); err != nil {
			return &DecodeError{fmt.Errorf("result %d: %w", i+1, err)}
		}
	}
	for i := len(dst); i < n; i++ {
		if !rows.Nil() {
			rows.Skip()
			return errors.Join(fmt.Errorf("the function returned %d results, and there are variables for %d", n, len(dst)), rows.Err())
		}
	}
	return nil
}
