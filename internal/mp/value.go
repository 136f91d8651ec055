package mp

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/tinylib/msgp/msgp"

	"github.com/gotnt/tnt/types"
)

// maxDepth bounds how deeply values may be nested, so that one that contains
// itself is an error instead of the end of the stack.
const maxDepth = 256

var errTooDeep = fmt.Errorf("value is nested more than %d deep, or contains itself", maxDepth)

// AppendValue appends a value of any Go type that has a form in MessagePack:
// the basic types, slices, maps, structs and pointers of such, time.Time,
// decimal.Decimal, uuid.UUID, types.Interval, *types.Error, and what
// implements msgp.Marshaler. An error names the type and where it is; what
// was appended until then must be thrown away.
func AppendValue(b []byte, v any) ([]byte, error) { return appendValue(b, v, 0) }

func appendValue(b []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return AppendNil(b), nil
	case bool:
		return AppendBool(b, v), nil
	case string:
		return AppendString(b, v), nil
	case int:
		return AppendInt(b, int64(v)), nil
	case int64:
		return AppendInt(b, v), nil
	case int32:
		return AppendInt(b, int64(v)), nil
	case uint64:
		return AppendUint(b, v), nil
	case uint:
		return AppendUint(b, uint64(v)), nil
	case uint32:
		return AppendUint(b, uint64(v)), nil
	case float64:
		return AppendFloat64(b, v), nil
	case []byte:
		return AppendBinary(b, v), nil
	case []any:
		return appendSlice(b, v, depth)
	case map[string]any:
		return appendStringMap(b, v, depth)
	}
	return appendReflect(b, v, depth)
}

func appendSlice(b []byte, v []any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return b, errTooDeep
	}
	b = AppendArrayLen(b, len(v))
	var err error
	for i, e := range v {
		if b, err = appendValue(b, e, depth+1); err != nil {
			return b, at(fmt.Sprintf("[%d]", i), err)
		}
	}
	return b, nil
}

func appendStringMap(b []byte, v map[string]any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return b, errTooDeep
	}
	b = AppendMapLen(b, len(v))
	var err error
	for k, e := range v {
		b = AppendString(b, k)
		if b, err = appendValue(b, e, depth+1); err != nil {
			return b, at(fmt.Sprintf("[%q]", k), err)
		}
	}
	return b, nil
}

// appendReflect appends a value by the plan of its type.
func appendReflect(b []byte, v any, depth int) ([]byte, error) {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		rv := reflect.ValueOf(v)
		if rv.IsNil() {
			return AppendNil(b), nil
		}
		p, err := PlanOf(t.Elem())
		if err != nil {
			return b, err
		}
		return p.encode(b, rv.UnsafePointer(), depth)
	}
	p, err := PlanOf(t)
	if err != nil {
		return b, err
	}
	box := reflect.New(t)
	box.Elem().Set(reflect.ValueOf(v))
	return p.encode(b, box.UnsafePointer(), depth)
}

// A pathError is an error inside of a value, with the way to it.
type pathError struct {
	path string
	err  error
}

func (e *pathError) Error() string { return e.path + ": " + e.err.Error() }

func (e *pathError) Unwrap() error { return e.err }

// at puts a step in front of the way to an error.
func at(step string, err error) error {
	var inner *pathError
	if errors.As(err, &inner) {
		if inner.path[0] != '[' {
			step += "."
		}
		return &pathError{path: step + inner.path, err: inner.err}
	}
	return &pathError{path: step, err: err}
}

// marshal calls a user's MarshalMsg, whose panic becomes an error.
func marshal(b []byte, m msgp.Marshaler) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = b, fmt.Errorf("%T panicked in MarshalMsg: %v", m, p)
		}
	}()
	return m.MarshalMsg(b)
}

// Value reads a value of any kind. Integers are int64, or uint64 where they
// are larger; maps are map[string]any where all keys are strings and
// map[any]any elsewhere; extensions are what package types says of them, an
// MP_TUPLE its array, and an unknown one a RawExt. What it returns is the
// caller's.
func (r *Reader) Value() any { return r.value(0) }

func (r *Reader) value(depth int) any {
	if depth > maxDepth {
		r.Fail(errTooDeep)
		return nil
	}
	switch r.Type() {
	case TypeNil:
		r.Nil()
		return nil
	case TypeBool:
		return r.Bool()
	case TypeUint:
		if v := r.Uint(); v > math.MaxInt64 {
			return v
		} else {
			return int64(v)
		}
	case TypeInt:
		return r.Int()
	case TypeFloat32, TypeFloat64:
		return r.Float64()
	case TypeString:
		return r.String()
	case TypeBinary:
		return append([]byte{}, r.Binary()...)
	case TypeArray:
		return r.arrayValue(depth)
	case TypeMap:
		return r.mapValue(depth)
	case TypeExt:
		return r.extValue(depth)
	}
	r.fail("a value", msgp.ErrShortBytes)
	return nil
}

func (r *Reader) arrayValue(depth int) any {
	values := make([]any, r.ArrayLen())
	for i := range values {
		values[i] = r.value(depth + 1)
		if r.err != nil {
			return nil
		}
	}
	return values
}

func (r *Reader) mapValue(depth int) any {
	n := r.MapLen()
	named := make(map[string]any, n)
	for i := range n {
		if r.Type() != TypeString {
			return r.mixedMap(named, n-i, depth)
		}
		k := r.String()
		named[k] = r.value(depth + 1)
		if r.err != nil {
			return nil
		}
	}
	return named
}

// mixedMap goes on with a map that turned out to have other keys than strings.
func (r *Reader) mixedMap(named map[string]any, left, depth int) any {
	m := make(map[any]any, len(named)+left)
	for k, v := range named {
		m[k] = v
	}
	for range left {
		k := r.value(depth + 1)
		if r.err == nil && !isKey(k) {
			r.Fail(fmt.Errorf("msgpack: a map's key is of type %T, which no Go map can have", k))
		}
		if r.err != nil {
			return nil
		}
		m[k] = r.value(depth + 1)
	}
	return m
}

func isKey(k any) bool { return k == nil || reflect.TypeOf(k).Comparable() }

// RawExt is an extension value of a type that is unknown here.
type RawExt struct {
	Type int8
	Data []byte
}

func (r *Reader) extValue(depth int) any {
	typ, data := r.Ext()
	if r.err != nil {
		return nil
	}
	var v any
	var err error
	switch typ {
	case types.ExtDecimal:
		v, err = types.DecodeDecimal(data)
	case types.ExtUUID:
		v, err = types.DecodeUUID(data)
	case types.ExtDatetime:
		v, err = types.DecodeDatetime(data)
	case types.ExtInterval:
		v, err = types.DecodeInterval(data)
	case types.ExtError:
		inner := NewReader(data)
		e := decodeError(&inner, depth+1)
		v, err = e, inner.err
	case types.ExtTuple:
		inner := NewReader(data)
		inner.Skip()
		v, err = inner.value(depth+1), inner.err
	default:
		v = RawExt{Type: typ, Data: append([]byte{}, data...)}
	}
	if err != nil {
		r.Fail(err)
		return nil
	}
	return v
}

// AppendDecimal appends a decimal (MP_DECIMAL).
func AppendDecimal(b []byte, v decimal.Decimal) ([]byte, error) {
	data, err := types.AppendDecimal(nil, v)
	return AppendExt(b, types.ExtDecimal, data), err
}

// AppendUUID appends a UUID (MP_UUID).
func AppendUUID(b []byte, v uuid.UUID) []byte { return AppendExt(b, types.ExtUUID, v[:]) }

// AppendDatetime appends a point in time (MP_DATETIME).
func AppendDatetime(b []byte, v time.Time) ([]byte, error) {
	data, err := types.AppendDatetime(nil, v)
	return AppendExt(b, types.ExtDatetime, data), err
}
