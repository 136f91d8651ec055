package tnt

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"unsafe"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
)

// One does a request and decodes the first row of its answer: a tuple, the
// first result of a function, a row of SQL. Where there is none the error is
// ErrNoTuple.
//
// T may be any type that MessagePack has a form for; docs/types.md has all the
// rules. A struct stands for a tuple: its exported fields are the tuple's in
// their order, unless tags say otherwise:
//
//	`tnt:"name"`   the tuple's field of that name
//	`tnt:"3"`      the tuple's field number 3, counted from 0
//	`tnt:"-"`      none
//
// Names are known by the schema, by SQL, or by Options.TupleFormats. Where they
// are not, a struct with a name in its tags is an error, and so is a name that
// the tuple lacks.
//
// Of a map, as functions often return, the keys match the name in the tag, or
// the name of the struct's field without regard to case and underscores.
// Fields that T lacks are passed over, those that the tuple lacks are zero,
// and so is a nil, which a *T tells apart. A T that is no list, such as a
// number or a string, is also read from a row of one column.
//
// Of a function's results all but the first are dropped. Where that is nil and
// the second is not, as by Lua's `return nil, err`, the error is a *ResultError
// with the second. To have several results, see Two and Response.DecodeResults.
func One[T any](ctx context.Context, ex Executor, req Request) (T, error) {
	var v T
	err := OneInto(ctx, ex, req, &v)
	return v, err
}

// All does a request and decodes every row of its answer. For T see One.
func All[T any](ctx context.Context, ex Executor, req Request) ([]T, error) {
	var a answer
	if err := ask[T](ctx, ex, &req, &a); err != nil {
		return nil, err
	}
	rows, err := decodeAll(&a, &req, []T{})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// AllInto does a request and decodes the rows of its answer into dst, whose room
// and whose elements' slices and strings it uses again: the fastest form. On an
// error dst has the rows that were decoded before it. For T see One.
func AllInto[T any, R Request](ctx context.Context, ex Executor, req R, dst *[]T) error {
	if dst == nil {
		return requestError(req, errNilTarget, false)
	}
	var a answer
	if err := ask[T](ctx, ex, &req, &a); err != nil {
		return err
	}
	rows, err := decodeAll(&a, &req, (*dst)[:0])
	if rows != nil {
		*dst = rows
	}
	return err
}

// OneInto is One into a variable that is used again: the fastest form.
func OneInto[T any, R Request](ctx context.Context, ex Executor, req R, dst *T) error {
	if dst == nil {
		return requestError(req, errNilTarget, false)
	}
	var a answer
	if err := ask[T](ctx, ex, &req, &a); err != nil {
		return err
	}
	err := decodeFirst(a.in, a.body, a.plan, unsafe.Pointer(dst), a.names, a.rows)
	a.release()
	if err != nil {
		return a.unread(req, err)
	}
	return nil
}

var errNilTarget = errors.New("there is a nil where a pointer to the variable for the answer has to be")

// Exec does a request and leaves its answer unread: the cheapest way to write.
func Exec[R Request](ctx context.Context, ex Executor, req R) error {
	var x exchange
	if err := do(ctx, ex, &req, &x); err != nil {
		return err
	}
	x.release()
	return nil
}

// answer is a request done, and what its rows are decoded with.
type answer struct {
	exchange
	plan  *mp.Plan
	in    *mp.Reader // stands before the first row
	names mp.Format  // of the rows' fields, where they matter
	rows  int
}

// readers are for answers to be read with: used through functions that only a
// plan knows, a Reader has to live on the heap.
var readers = sync.Pool{New: func() any { return new(mp.Reader) }}

func (a *answer) release() {
	a.exchange.release()
	*a.in = mp.Reader{}
	readers.Put(a.in)
}

// ask does a request whose rows are decoded as Ts. Without an error the caller
// must decode them, or release it.
func ask[T any, R Request](ctx context.Context, ex Executor, req *R, a *answer) error {
	plan, err := mp.PlanOf(reflect.TypeFor[T]())
	if err != nil {
		return requestError(*req, err, false)
	}
	a.byName = plan.ByName()
	if err := do(ctx, ex, req, &a.exchange); err != nil {
		return err
	}
	a.plan, a.in = plan, readers.Get().(*mp.Reader)
	var format *schema.Format
	if plan.ByName() {
		format = a.formatOf((*req).info())
	}
	if err = a.find(format); err != nil {
		a.release()
		return a.unread(*req, &DecodeError{err})
	}
	return nil
}

// find finds the rows.
func (a *answer) find(format *schema.Format) (err error) {
	in := a.in
	*in = mp.NewReader(a.body)
	if settings := a.env.settings; settings != nil {
		in.ReadBy(settings)
	}
	a.names, err = findRows(in, a.body, format, a.plan.ByName())
	if err == nil && in.Len() > 0 {
		a.rows = in.ArrayLen()
		err = in.Err()
	}
	return err
}

// decodeAll decodes the rows of an answer into dst, which it extends and whose
// elements it uses, and releases the answer. On an error it returns the rows that
// were decoded before.
func decodeAll[T any, R Request](a *answer, req *R, dst []T) ([]T, error) {
	in, n := a.in, a.rows
	rows := growRows(in, dst, n)
	for i := range n {
		if i == len(rows) { // what was announced turns out to be there
			rows = growRows(in, rows, n)
		}
		a.plan.DecodeRow(in, unsafe.Pointer(&rows[i]), a.names)
		if err := in.Err(); err != nil {
			a.release()
			return rows[:i], a.unread(*req, &DecodeError{fmt.Errorf("row %d: %w", i+1, err)})
		}
	}
	err := noMore(in, a.body)
	a.release()
	if err != nil {
		return rows, a.unread(*req, err)
	}
	return rows, nil
}

// growRows extends rows towards n of them: as far as there is room, and further
// by as much as the bytes that are left make likely. What an answer announces
// is not allocated before it is there, because a T may be larger by far than the
// byte that announces it.
func growRows[T any](in *mp.Reader, rows []T, n int) []T {
	var one T
	have := len(rows)
	if cap(rows) < n && have == cap(rows) || cap(rows) == 0 {
		rows = slices.Grow(rows, in.RoomFor(n-have, unsafe.Sizeof(one)))
	}
	return rows[:min(n, cap(rows))]
}

// decodeFirst decodes the first of the rows of an answer, content, before which
// in stands.
func decodeFirst(in *mp.Reader, content []byte, plan *mp.Plan, dst unsafe.Pointer, names mp.Format, rows int) error {
	switch {
	case rows == 0:
		return ErrNoTuple
	case rows > 1:
		if err := nilAndError(in); err != nil {
			return err
		}
	}
	plan.DecodeRow(in, dst, names)
	if err := in.Err(); err != nil {
		return &DecodeError{fmt.Errorf("row 1: %w", err)}
	}
	if rows == 1 {
		return noMore(in, content)
	}
	return nil
}

// noMore reports bytes behind the rows of an answer that has nothing else.
func noMore(in *mp.Reader, content []byte) error {
	if in.Len() == 0 || !isOnlyData(content) {
		return nil
	}
	return &DecodeError{fmt.Errorf("%d bytes are behind the end of the answer", in.Len())}
}

// Decode decodes the rows of the answer into dst: a pointer to a slice takes
// all of them, a pointer to anything else, and to a slice type that has an
// UnmarshalMsg, the first, which is an ErrNoTuple where there is none. For the
// types, and for Lua's `return nil, err`, see One.
func (r Response) Decode(dst any) error {
	v, plan, err := targetOf(dst)
	if err != nil {
		return err
	}
	elem := v.Type().Elem()
	all := elem.Kind() == reflect.Slice && elem.Elem().Kind() != reflect.Uint8 && !plan.Unmarshals()
	if all {
		if plan, err = mp.PlanOf(elem.Elem()); err != nil {
			return err
		}
	}
	rows, names, n, err := r.open(plan.ByName())
	if err != nil {
		return err
	}
	if !all {
		return decodeFirst(rows, r.body, plan, v.UnsafePointer(), names, n)
	}
	slice := reflect.New(elem).Elem()
	room := rows.RoomFor(n, elem.Elem().Size())
	slice.Set(reflect.MakeSlice(elem, room, room))
	for i := range n {
		if i == slice.Len() {
			slice.Grow(1)
			slice.SetLen(min(n, slice.Cap()))
		}
		plan.DecodeRow(rows, slice.Index(i).Addr().UnsafePointer(), names)
		if err := rows.Err(); err != nil {
			return &DecodeError{fmt.Errorf("row %d: %w", i+1, err)}
		}
	}
	if err := noMore(rows, r.body); err != nil {
		return err
	}
	v.Elem().Set(slice)
	return nil
}

// open returns a reader that stands before the first of n rows.
func (r Response) open(byName bool) (rows *mp.Reader, names mp.Format, n int, err error) {
	rows = new(mp.Reader)
	*rows = r.settings.Reader(r.body)
	if names, err = findRows(rows, r.body, r.format, byName); err != nil {
		return nil, nil, 0, &DecodeError{err}
	}
	if rows.Len() > 0 {
		n = rows.ArrayLen()
	}
	if err := rows.Err(); err != nil {
		return nil, nil, 0, &DecodeError{err}
	}
	return rows, names, n, nil
}

// Decode decodes the tuple into dst, a pointer; for the types see One.
func (t Tuple) Decode(dst any) error {
	v, plan, err := targetOf(dst)
	if err != nil {
		return err
	}
	if len(t.raw) == 0 {
		return ErrNoTuple
	}
	r := t.whole()
	plan.DecodeRow(&r, v.UnsafePointer(), t.format)
	if err := r.Err(); err != nil {
		return &DecodeError{err}
	}
	return nil
}

// targetOf returns the pointer that dst is, and the plan of what it points to.
func targetOf(dst any) (reflect.Value, *mp.Plan, error) {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return v, nil, fmt.Errorf("tnt: Decode takes a pointer to a variable, not %s", mp.TypeName(dst))
	}
	plan, err := mp.PlanOf(v.Type().Elem())
	return v, plan, err
}
