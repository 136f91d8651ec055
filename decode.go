package tnt

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
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
// Where the names are not known, as of what functions return without
// Options.TupleFormats, and without a schema, a tuple's fields are the struct's
// in their order, names in tags or not. A name that the tuple lacks is no error:
// the field is zero.
//
// Of a map, as functions often return, the keys match the name in the tag, or
// the name of the struct's field without regard to case and underscores.
// Fields that T lacks are passed over, those that the tuple lacks are zero,
// and so is a nil, which a *T tells apart. Of a function's results all but the
// first are dropped.
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
	rows := make([]T, a.rows)
	if err := decodeRows(&a, &req, rows); err != nil {
		return nil, err
	}
	return rows, nil
}

// Into does a request and decodes the rows of its answer into dst, whose room
// and whose elements' slices and strings it uses again: the fastest form. For
// T see One.
func Into[T any, R Request](ctx context.Context, ex Executor, req R, dst *[]T) error {
	if dst == nil {
		return requestError(req, errNilTarget, false)
	}
	var a answer
	if err := ask[T](ctx, ex, &req, &a); err != nil {
		return err
	}
	if a.rows <= cap(*dst) {
		*dst = (*dst)[:a.rows]
	} else {
		*dst = append((*dst)[:cap(*dst)], make([]T, a.rows-cap(*dst))...)
	}
	return decodeRows(&a, &req, *dst)
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
	if a.rows == 0 {
		a.release()
		return requestError(req, ErrNoTuple, true)
	}
	return decodeRows(&a, &req, unsafe.Slice(dst, 1))
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
	names []string   // of the rows' fields, where they matter
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
		return requestError(*req, &DecodeError{err}, true)
	}
	return nil
}

// find finds the rows.
func (a *answer) find(format *schema.Format) (err error) {
	in := a.in
	a.names, err = findRows(in, a.body, format, a.plan.ByName())
	if err == nil && in.Len() > 0 {
		a.rows = in.ArrayLen()
		err = in.Err()
	}
	return err
}

// decodeRows decodes as many rows of an answer as dst has room for, and
// releases it.
func decodeRows[T any, R Request](a *answer, req *R, dst []T) (err error) {
	in := a.in
	for i := range dst {
		a.plan.DecodeRow(in, unsafe.Pointer(&dst[i]), a.names)
		if err = in.Err(); err != nil {
			err = requestError(*req, &DecodeError{fmt.Errorf("row %d: %w", i+1, err)}, true)
			break
		}
	}
	a.release()
	return err
}

// findRows has r stand before the rows of an answer, empty where there are
// none, and returns the names of their fields. Only where those matter and
// come with the answer is the whole of it looked through.
func findRows(r *mp.Reader, content []byte, format *schema.Format, byName bool) ([]string, error) {
	*r = mp.NewReader(content)
	switch {
	case len(content) == 0:
		return nil, nil
	case !byName && wire.BeginsWithData(content):
		r.Advance(wire.DataOffset)
		return nil, nil
	}
	return searchRows(r, content, format)
}

// searchRows is findRows that looks through the whole body.
func searchRows(r *mp.Reader, content []byte, format *schema.Format) ([]string, error) {
	*r = mp.Reader{}
	var body wire.Body
	if err := body.Decode(content); err != nil || !body.Has(iproto.KeyData) {
		return nil, err
	}
	*r = body.Reader(iproto.KeyData)
	return rowNames(&body, format)
}

// rowNames returns the names of the rows' fields, as far as one format for all
// can tell.
func rowNames(body *wire.Body, format *schema.Format) ([]string, error) {
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
	var rows mp.Reader
	names, err := findRows(&rows, r.body, r.format, plan.ByName())
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
	if len(t.raw) == 0 {
		return ErrNoTuple
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
