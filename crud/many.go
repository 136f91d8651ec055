package crud

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/gotnt/tnt/internal/luacall"
	"github.com/gotnt/tnt/schema"
)

// InsertMany adds tuples, a slice of what Insert takes, and returns those that
// were stored, in any order. Where some were not the error is a *ManyError, and
// the rows are returned all the same.
func InsertMany[T any](ctx context.Context, c Client, space string, tuples any, opts ...ManyOptions) ([]T, error) {
	return manyTuples[T](ctx, c, "insert_many", space, tuples, opts)
}

// InsertObjectMany is InsertMany of maps, or structs, by names of fields.
func InsertObjectMany[T any](ctx context.Context, c Client, space string, objects any, opts ...ManyOptions) ([]T, error) {
	return many[T](ctx, c, "insert_object_many", space, objects, opts)
}

// ReplaceMany is InsertMany that takes the place of tuples with the same
// primary keys.
func ReplaceMany[T any](ctx context.Context, c Client, space string, tuples any, opts ...ManyOptions) ([]T, error) {
	return manyTuples[T](ctx, c, "replace_many", space, tuples, opts)
}

// ReplaceObjectMany is ReplaceMany of maps, or structs, by names of fields.
func ReplaceObjectMany[T any](ctx context.Context, c Client, space string, objects any, opts ...ManyOptions) ([]T, error) {
	return many[T](ctx, c, "replace_object_many", space, objects, opts)
}

// Upserted is a tuple, or an object, of UpsertMany with its operations.
type Upserted struct {
	Tuple any
	Ops   []Op
}

// UpsertMany is Upsert of many. The error is a *ManyError where some failed;
// an operation that can't be applied is none.
func UpsertMany(ctx context.Context, c Client, space string, tuples []Upserted, opts ...ManyOptions) error {
	pairs := make([][2]any, len(tuples))
	for i, u := range tuples {
		t, err := luacall.List(u.Tuple)
		if err != nil {
			return fmt.Errorf("tuple %d: %w", i+1, err)
		}
		pairs[i] = [2]any{t, list(u.Ops)}
	}
	_, err := many[luacall.Value](ctx, c, "upsert_many", space, pairs, opts)
	return err
}

// UpsertObjectMany is UpsertMany of maps, or structs, by names of fields.
func UpsertObjectMany(ctx context.Context, c Client, space string, objects []Upserted, opts ...ManyOptions) error {
	pairs := make([][2]any, len(objects))
	for i, u := range objects {
		pairs[i] = [2]any{u.Tuple, list(u.Ops)}
	}
	_, err := many[luacall.Value](ctx, c, "upsert_object_many", space, pairs, opts)
	return err
}

var errNoSlice = errors.New("crud: the tuples are no slice")

func manyTuples[T any](ctx context.Context, c Client, function, space string, tuples any, opts []ManyOptions) ([]T, error) {
	v := reflect.ValueOf(tuples)
	if v.Kind() != reflect.Slice {
		return nil, errNoSlice
	}
	encoded := make([]luacall.Value, v.Len())
	for i := range encoded {
		t, err := luacall.List(v.Index(i).Interface())
		if err != nil {
			return nil, fmt.Errorf("tuple %d: %w", i+1, err)
		}
		encoded[i] = t
	}
	return many[T](ctx, c, function, space, encoded, opts)
}

func many[T any](ctx context.Context, c Client, function, space string, items any, opts []ManyOptions) ([]T, error) {
	if v := reflect.ValueOf(items); v.Kind() != reflect.Slice || v.IsNil() {
		return nil, errNoSlice
	}
	m, err := only(opts)
	if err != nil {
		return nil, err
	}
	o, err := m.encode(ctx)
	if err != nil {
		return nil, err
	}
	result, failed, err := c.do(ctx, function, space, items, o)
	if err != nil {
		return nil, err
	}
	return manyAnswer[T](result, failed, len(m.Fields) == 0)
}

// manyAnswer decodes the rows that were written and the errors of the others. whole
// says that rows have all fields of the space, as the tuples in errors do.
func manyAnswer[T any](result, failed luacall.Value, whole bool) ([]T, error) {
	t, err := parseTable(result)
	var rows []T
	if err == nil {
		rows, err = rowsOf[T](t)
	}
	if failed.IsNil() {
		return rows, err
	}
	var format *schema.Format
	if whole {
		format = t.format
	}
	many := parseMany(failed, format)
	if err != nil {
		return rows, errors.Join(many, err)
	}
	return rows, many
}
