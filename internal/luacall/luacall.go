// Package luacall calls functions of Lua modules and hands out what they
// return value by value, as bytes: such a module's answers mix values of many
// types, of which only some are decoded into a user's.
package luacall

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
	"github.com/gotnt/tnt/types"
)

// Value is a value as MessagePack. A nil is a Value without bytes, and so is
// one that is not there.
type Value []byte

// UnmarshalMsg keeps a copy of the value, which is cut out by the caller.
func (v *Value) UnmarshalMsg(b []byte) ([]byte, error) {
	*v = append(Value(nil), b...)
	return nil, nil
}

// MarshalMsg appends the value to b, so that a Value is an argument as well.
func (v Value) MarshalMsg(b []byte) ([]byte, error) {
	if len(v) == 0 {
		return mp.AppendNil(b), nil
	}
	return append(b, v...), nil
}

// IsNil reports whether the value is nil.
func (v Value) IsNil() bool { return len(v) == 0 || v[0] == 0xc0 }

// Type returns the kind of the value.
func (v Value) Type() mp.Type {
	if v.IsNil() {
		return mp.TypeNil
	}
	return mp.TypeOf(v[0])
}

// What is encoded and decoded here goes to a connection, or comes from one, as a
// Value, and that holds all Values to its Options.MaxNesting. So nothing but the
// stack's own bound is asked of them here.

// Any decodes the value untyped.
func (v Value) Any() (any, error) {
	if v.IsNil() {
		return nil, nil
	}
	r := mp.Widest.Reader(v)
	x := r.Value()
	return x, r.Err()
}

// Bool returns the value, false where it is no boolean.
func (v Value) Bool() bool { return len(v) == 1 && v[0] == 0xc3 }

// Decode decodes a value in the place of a tuple. format has the names of its
// fields, of those of an MP_TUPLE too; it is nil where they are not known. The
// error is a *tnt.DecodeError.
func Decode[T any](v Value, format *schema.Format) (T, error) {
	var dst T
	err := DecodeInto(v, format, &dst)
	return dst, err
}

// DecodeInto is Decode into a variable.
func DecodeInto[T any](v Value, format *schema.Format, dst *T) error {
	if len(v) == 0 {
		v = Value{0xc0}
	}
	t := reflect.TypeFor[T]()
	plan, err := mp.PlanOf(t)
	if err != nil {
		return &tnt.DecodeError{Err: err}
	}
	var names mp.Format
	if format != nil {
		names = format
	}
	r := mp.Widest.Reader(v.Untagged())
	plan.DecodeRow(&r, unsafe.Pointer(dst), names)
	if err := r.Err(); err != nil {
		return &tnt.DecodeError{Err: err}
	}
	return nil
}

// Untagged returns the array of an MP_TUPLE, which has the number of its format
// before it, and any other value as it is.
func (v Value) Untagged() Value {
	if v.Type() != mp.TypeExt {
		return v
	}
	r := mp.NewReader(v)
	kind, data := r.Ext()
	if r.Err() != nil || kind != types.ExtTuple {
		return v
	}
	inner := mp.NewReader(data)
	inner.Uint()
	return inner.Rest()
}

// Tuple encodes a tuple or a key for a Lua function: a struct as the list of
// its fields, whereas an argument that is a struct would be a map.
func Tuple(v any) (Value, error) {
	switch t := v.(type) {
	case nil:
		return nil, errNil
	case tnt.Tuple:
		if t.Len() == 0 {
			return nil, errNil
		}
		return t.Raw(), nil
	case tnt.Key:
		return nil, errKey
	}
	b, err := mp.Widest.AppendRow(nil, v, nil)
	var names *mp.NamesError
	switch {
	case errors.As(err, &names):
		return nil, fmt.Errorf("%s has names in its tags, and this is a list of fields whose names are not known here: give a list, a struct without names in its tags, or, of a tuple to write, an object to the function for objects", names.Type)
	case err != nil:
		return nil, err
	}
	return b, nil
}

// List encodes a tuple, and refuses what is no list of fields.
func List(v any) (Value, error) {
	b, err := Tuple(v)
	if err == nil && b.Type() != mp.TypeArray {
		return nil, fmt.Errorf("%T is no tuple: give a list or a struct", v)
	}
	return b, err
}

// Encode encodes any value.
func Encode(v any) (Value, error) {
	b, err := mp.Widest.AppendValue(nil, v)
	return b, err
}

var (
	errNil = errors.New("a tuple or key is nil")
	errKey = errors.New("a tnt.Key is for requests of tnt: give the value itself, or a list of the key's parts")
)

// Do calls a function and returns its results.
func Do(ctx context.Context, ex tnt.Executor, function string, args ...any) ([]Value, error) {
	return tnt.All[Value](ctx, ex, tnt.Call{Function: function, Args: args})
}

// Eval runs a piece of Lua and returns its results.
func Eval(ctx context.Context, ex tnt.Executor, expr string, args ...any) ([]Value, error) {
	return tnt.All[Value](ctx, ex, tnt.Eval{Expr: expr, Args: args})
}

// At returns result number i, nil where there are fewer.
func At(results []Value, i int) Value {
	if i < len(results) {
		return results[i]
	}
	return nil
}

// Seconds is a duration as Lua's modules take it: a double.
func Seconds(d time.Duration) float64 { return d.Seconds() }

// Timeout returns what is left of a context's time, at most the limit where
// that is positive. ok is false where neither bounds it. The error is that of a
// context that is over.
func Timeout(ctx context.Context, limit time.Duration) (left time.Duration, ok bool, err error) {
	if ctx.Err() != nil {
		return 0, false, context.Cause(ctx)
	}
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return limit, limit > 0, nil
	}
	left = time.Until(deadline)
	if left <= 0 {
		return 0, false, context.DeadlineExceeded
	}
	if limit > 0 && limit < left {
		left = limit
	}
	return left, true, nil
}
