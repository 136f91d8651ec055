package crud

import (
	"context"
	"errors"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/luacall"
)

// Get returns the tuple with that primary key. The error is ErrNoTuple where
// there is none.
func Get[T any](ctx context.Context, c Client, space string, key any, opts ...GetOptions) (T, error) {
	var none T
	k, err := luacall.Tuple(key)
	if err != nil {
		return none, err
	}
	g, err := only(opts)
	if err != nil {
		return none, err
	}
	o, err := g.encode(ctx)
	if err != nil {
		return none, err
	}
	return foundRow[T](c.call(ctx, "get", space, k, o))
}

// Select returns what all conditions find. See the package's documentation for
// what it does while a replica set is down.
func Select[T any](ctx context.Context, c Client, space string, conditions []Cond, opts ...SelectOptions) ([]T, error) {
	s, err := only(opts)
	if err != nil {
		return nil, err
	}
	t, err := selectTable(ctx, c, space, conditions, s)
	if err != nil {
		return nil, err
	}
	return rowsOf[T](t)
}

func selectTable(ctx context.Context, c Client, space string, conditions []Cond, s SelectOptions) (table, error) {
	o, err := s.encode(ctx)
	if err != nil {
		return table{}, err
	}
	v, err := c.call(ctx, "select", space, list(conditions), o)
	if err != nil {
		return table{}, err
	}
	return parseTable(v)
}

// Min returns the first tuple of an index, of the primary one where its name is
// "". The error is ErrNoTuple where the space is empty.
func Min[T any](ctx context.Context, c Client, space, index string, opts ...BorderOptions) (T, error) {
	return border[T](ctx, c, "min", space, index, opts)
}

// Max returns the last tuple of an index, of the primary one where its name is
// "". The error is ErrNoTuple where the space is empty.
func Max[T any](ctx context.Context, c Client, space, index string, opts ...BorderOptions) (T, error) {
	return border[T](ctx, c, "max", space, index, opts)
}

func border[T any](ctx context.Context, c Client, function, space, index string, opts []BorderOptions) (T, error) {
	var none T
	b, err := only(opts)
	if err != nil {
		return none, err
	}
	o, err := b.encode(ctx)
	if err != nil {
		return none, err
	}
	var name any // crud takes a nil for the primary index
	if index != "" {
		name = index
	}
	return foundRow[T](c.call(ctx, function, space, name, o))
}

func foundRow[T any](v luacall.Value, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	row, ok, err := firstRow[T](v)
	if err == nil && !ok {
		err = ErrNoTuple
	}
	return row, err
}

// Count returns how many tuples all conditions find.
func Count(ctx context.Context, c Client, space string, conditions []Cond, opts ...CountOptions) (uint64, error) {
	n, err := only(opts)
	if err != nil {
		return 0, err
	}
	o, err := n.encode(ctx)
	if err != nil {
		return 0, err
	}
	return number(c.call(ctx, "count", space, list(conditions), o))
}

// Len returns how many tuples a space has, as the storages' spaces count them.
func Len(ctx context.Context, c Client, space string, opts ...Common) (uint64, error) {
	o, err := commonOptions(ctx, opts)
	if err != nil {
		return 0, err
	}
	return number(c.call(ctx, "len", space, o))
}

func number(v luacall.Value, err error) (uint64, error) {
	if err != nil {
		return 0, err
	}
	return luacall.Decode[uint64](v, nil)
}

// Truncate removes all tuples of a space, storage by storage.
func Truncate(ctx context.Context, c Client, space string, opts ...Common) error {
	o, err := commonOptions(ctx, opts)
	if err != nil {
		return err
	}
	v, err := c.call(ctx, "truncate", space, o)
	if err == nil && !v.Bool() {
		err = &tnt.DecodeError{Err: errors.New("crud.truncate returned neither true nor an error")}
	}
	return err
}

func commonOptions(ctx context.Context, opts []Common) (options, error) {
	common, err := only(opts)
	if err != nil {
		return nil, err
	}
	return encode(ctx, common, nil, nil)
}
