package tnt

import (
	"context"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/gotnt/tnt/internal/iproto"
	"github.com/gotnt/tnt/internal/mp"
)

// One does a request and decodes the first row of its answer: a tuple, the
// first result of a function, a row of SQL. Where there is none the error is
// ErrNoTuple.
//
// T may be any type that MessagePack has a form for. A struct stands for a
// tuple: its exported fields are the tuple's in their order, unless tags say
// otherwise:
//
//	`tnt:"name"`   the tuple's field of that name, where names are known: by the
//	               schema, by SQL, or by Options.TupleFormats
//	`tnt:"3"`      the tuple's field number 3, counted from 0
//	`tnt:"-"`      none
//
// Of a map, as functions often return, the keys match the name in the tag, or
// the name of the struct's field without regard to case and underscores.
// Fields that T lacks are passed over, those that the tuple lacks are zero,
// and so is a nil.
func One[T any](ctx context.Context, ex Executor, req Request) (T, error) {
	var v T
	n, err := decodeAnswer(ctx, ex, req, func(n int) []T { return unsafe.Slice(&v, min(n, 1)) })
	if err == nil && n == 0 {
		err = requestError(req, ErrNoTuple, true)
	}
	return v, err
}

// All does a request and decodes every row of its answer. For T see One.
func All[T any](ctx context.Context, ex Executor, req Request) ([]T, error) {
	var rows []T
	_, err := decodeAnswer(ctx, ex, req, func(n int) []T {
		rows = make([]T, n)
		return rows
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// Into does a request and decodes the rows of its answer into dst, whose room
// and whose elements' slices and strings it uses again: the fastest form. For
// T see One.
func Into[T any, R Request](ctx context.Context, ex Executor, req R, dst *[]T) error {
	boxed := borrow(req)
	defer giveBack(boxed)
	_, err := decodeAnswer(ctx, ex, boxed, func(n int) []T {
		if n <= cap(*dst) {
			*dst = (*dst)[:n]
		} else {
			*dst = append((*dst)[:cap(*dst)], make([]T, n-cap(*dst))...)
		}
		return *dst
	})
	return err
}

// OneInto is One into a variable that is used again: the fastest form.
func OneInto[T any, R Request](ctx context.Context, ex Executor, req R, dst *T) error {
	boxed := borrow(req)
	defer giveBack(boxed)
	n, err := decodeAnswer(ctx, ex, boxed, func(n int) []T { return unsafe.Slice(dst, min(n, 1)) })
	if err == nil && n == 0 {
		err = requestError(boxed, ErrNoTuple, true)
	}
	return err
}

// Exec does a request and leaves its answer unread: the cheapest way to write.
func Exec[R Request](ctx context.Context, ex Executor, req R) error {
	boxed := borrow(req)
	defer giveBack(boxed)
	rt, err := ex.Route(ctx)
	if err != nil {
		return requestError(boxed, err, false)
	}
	var x exchange
	if err := x.do(ctx, rt, boxed); err != nil {
		return err
	}
	x.release()
	return nil
}

// decodeAnswer does a request and decodes its rows into the slice that room
// returns for their number, as many as that holds. It returns their number.
func decodeAnswer[T any](ctx context.Context, ex Executor, req Request, room func(n int) []T) (int, error) {
	plan, err := mp.PlanOf(reflect.TypeFor[T]())
	if err != nil {
		return 0, requestError(req, err, false)
	}
	rt, err := ex.Route(ctx)
	if err != nil {
		return 0, requestError(req, err, false)
	}
	var x exchange
	if err := x.do(ctx, rt, req); err != nil {
		return 0, err
	}
	var format *Format
	if plan.ByName() {
		format = formatFor(x.env.schema, req)
	}
	n, err := decodeRows(plan, &x.slot.In, x.body, format, room)
	x.release()
	if err != nil {
		return 0, requestError(req, &DecodeError{err}, true)
	}
	return n, nil
}

// decodeRows decodes the rows of a body, reading with r.
func decodeRows[T any](plan *mp.Plan, r *mp.Reader, content []byte, format *Format, room func(n int) []T) (int, error) {
	var names []string
	var err error
	*r, names, err = findRows(content, format, plan.ByName())
	if err != nil || r.Len() == 0 {
		return 0, err
	}
	n := r.ArrayLen()
	if err := r.Err(); err != nil {
		return 0, err
	}
	rows := room(n)
	for i := range rows {
		plan.DecodeRow(r, unsafe.Pointer(&rows[i]), names)
		if err := r.Err(); err != nil {
			return 0, fmt.Errorf("row %d: %w", i+1, err)
		}
	}
	return n, nil
}

// findRows returns a reader that stands before the rows, empty where there
// are none, and the names of their fields. Only where those matter and come
// with the answer is the whole of it looked through.
func findRows(content []byte, format *Format, byName bool) (mp.Reader, []string, error) {
	r := mp.NewReader(content)
	if len(content) == 0 {
		return r, nil, nil
	}
	pairs := r.MapLen()
	if !byName && pairs > 0 {
		start := r
		if iproto.Key(r.Uint()) == iproto.KeyData {
			return r, nil, nil
		}
		r = start
	}
	var body iproto.Body
	if err := body.Decode(content); err != nil {
		return r, nil, err
	}
	if !body.Has(iproto.KeyData) {
		return mp.Reader{}, nil, nil
	}
	names, err := rowNames(&body, format)
	return body.Reader(iproto.KeyData), names, err
}

// rowNames returns the names of the rows' fields, as far as one format for all
// can tell.
func rowNames(body *iproto.Body, format *Format) ([]string, error) {
	f, err := Response{format: format}.formats(body)
	if err != nil {
		return nil, err
	}
	if f.main == nil && len(f.byID) == 1 {
		for _, only := range f.byID {
			return only.Names(), nil
		}
	}
	return f.main.Names(), nil
}

// Decode decodes the rows of the answer into dst: a pointer to a slice takes
// all of them, a pointer to anything else the first, which is an ErrNoTuple
// where there is none. For the types see One.
func (r Response) Decode(dst any) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("tnt: Decode takes a pointer, not %T", dst)
	}
	elem := v.Type().Elem()
	all := elem.Kind() == reflect.Slice && elem.Elem().Kind() != reflect.Uint8
	if all {
		elem = elem.Elem()
	}
	plan, err := mp.PlanOf(elem)
	if err != nil {
		return err
	}
	rows, names, err := findRows(r.body, r.format, plan.ByName())
	if err != nil {
		return &DecodeError{err}
	}
	n := 0
	if rows.Len() > 0 {
		n = rows.ArrayLen()
	}
	switch {
	case all:
		slice := reflect.MakeSlice(v.Type().Elem(), n, n)
		for i := range n {
			plan.DecodeRow(&rows, slice.Index(i).Addr().UnsafePointer(), names)
		}
		v.Elem().Set(slice)
	case n == 0 && rows.Err() == nil:
		return ErrNoTuple
	default:
		plan.DecodeRow(&rows, v.UnsafePointer(), names)
	}
	if err := rows.Err(); err != nil {
		return &DecodeError{err}
	}
	return nil
}

// Decode decodes the tuple into dst, a pointer; for the types see One.
func (t Tuple) Decode(dst any) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("tnt: Decode takes a pointer, not %T", dst)
	}
	plan, err := mp.PlanOf(v.Type().Elem())
	if err != nil {
		return err
	}
	r := mp.NewReader(t.raw)
	plan.DecodeRow(&r, v.UnsafePointer(), t.format.Names())
	if err := r.Err(); err != nil {
		return &DecodeError{err}
	}
	return nil
}
