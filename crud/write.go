package crud

import (
	"context"

	"github.com/gotnt/tnt/internal/luacall"
)

// Insert adds a tuple and returns it as stored, or a zero T with NoReturn. Where
// the key exists the error is an *Error that is Duplicate.
func Insert[T any](ctx context.Context, c Client, space string, tuple any, opts ...WriteOptions) (T, error) {
	return writeTuple[T](ctx, c, "insert", space, tuple, opts)
}

// InsertObject is Insert of a map, or a struct, by names of fields.
func InsertObject[T any](ctx context.Context, c Client, space string, object any, opts ...WriteOptions) (T, error) {
	return write[T](ctx, c, "insert_object", opts, space, object)
}

// Replace adds a tuple, in the place of the one with the same primary key in
// the same bucket, and returns it.
func Replace[T any](ctx context.Context, c Client, space string, tuple any, opts ...WriteOptions) (T, error) {
	return writeTuple[T](ctx, c, "replace", space, tuple, opts)
}

// ReplaceObject is Replace of a map, or a struct, by names of fields.
func ReplaceObject[T any](ctx context.Context, c Client, space string, object any, opts ...WriteOptions) (T, error) {
	return write[T](ctx, c, "replace_object", opts, space, object)
}

// Upsert inserts a tuple, or applies the operations to the one that is there.
// It returns no tuple, and an operation that fails is no error.
func Upsert(ctx context.Context, c Client, space string, tuple any, ops []Op, opts ...WriteOptions) error {
	t, err := luacall.List(tuple)
	if err != nil {
		return err
	}
	_, err = write[luacall.Value](ctx, c, "upsert", opts, space, t, list(ops))
	return err
}

// UpsertObject is Upsert of a map, or a struct, by names of fields.
func UpsertObject(ctx context.Context, c Client, space string, object any, ops []Op, opts ...WriteOptions) error {
	_, err := write[luacall.Value](ctx, c, "upsert_object", opts, space, object, list(ops))
	return err
}

// Update changes the tuple with that primary key, and returns it as it is then,
// or a zero T with NoReturn. The error is ErrNoTuple where there is none, but
// with NoReturn, when nobody can tell.
func Update[T any](ctx context.Context, c Client, space string, key any, ops []Op, opts ...WriteOptions) (T, error) {
	k, err := luacall.Tuple(key)
	if err != nil {
		var none T
		return none, err
	}
	return found[T](ctx, c, "update", opts, space, k, list(ops))
}

// Delete removes the tuple with that primary key and returns it, or a zero T
// with NoReturn. The error is ErrNoTuple where there is none, but with
// NoReturn, when nobody can tell.
func Delete[T any](ctx context.Context, c Client, space string, key any, opts ...WriteOptions) (T, error) {
	k, err := luacall.Tuple(key)
	if err != nil {
		var none T
		return none, err
	}
	return found[T](ctx, c, "delete", opts, space, k)
}

func writeTuple[T any](ctx context.Context, c Client, function, space string, tuple any, opts []WriteOptions) (T, error) {
	t, err := luacall.List(tuple)
	if err != nil {
		var none T
		return none, err
	}
	return write[T](ctx, c, function, opts, space, t)
}

// write does a write whose answer has one row, or none.
func write[T any](ctx context.Context, c Client, function string, opts []WriteOptions, args ...any) (T, error) {
	row, _, _, err := writeRow[T](ctx, c, function, opts, args)
	return row, err
}

// found is write where a missing row is an error.
func found[T any](ctx context.Context, c Client, function string, opts []WriteOptions, args ...any) (T, error) {
	row, ok, w, err := writeRow[T](ctx, c, function, opts, args)
	if err == nil && !ok && !w.NoReturn {
		err = ErrNoTuple
	}
	return row, err
}

func writeRow[T any](ctx context.Context, c Client, function string, opts []WriteOptions, args []any) (row T, ok bool, w WriteOptions, err error) {
	if w, err = only(opts); err != nil {
		return row, false, w, err
	}
	o, err := w.encode(ctx)
	if err != nil {
		return row, false, w, err
	}
	v, err := c.call(ctx, function, append(args, o)...)
	if err != nil {
		return row, false, w, err
	}
	row, ok, err = firstRow[T](v)
	return row, ok, w, err
}
