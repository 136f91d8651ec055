package mp

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/types"
)

// AppendValue appends a value of any Go type that has a form in MessagePack:
// the basic types, slices, maps, structs and pointers of such, time.Time,
// decimal.Decimal, uuid.UUID, types.Interval, *types.Error, and what
// implements msgp.Marshaler. A nil slice, map or pointer is nil, []byte is
// MP_BIN. Maps with string keys are written in the order of their keys, others
// in any. An error names the type and where it is; what was appended until
// then must be thrown away.
func AppendValue(b []byte, v any) ([]byte, error) { return (*Settings)(nil).AppendValue(b, v) }

// AppendValue is the function of that name by the Settings.
func (s *Settings) AppendValue(b []byte, v any) ([]byte, error) {
	b, err := appendValue(b, v, s.start())
	return b, s.written(err)
}

// AppendNested is AppendValue for a value inside of so many others: 1 for one that is
// in a tuple.
func (s *Settings) AppendNested(b []byte, v any, levels int) ([]byte, error) {
	b, err := appendValue(b, v, s.start()+levels)
	return b, s.written(err)
}

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
		return appendBytes(b, v)
	case time.Time:
		return AppendDatetime(b, v)
	case decimal.Decimal:
		return AppendDecimal(b, v)
	case uuid.UUID:
		return AppendUUID(b, v), nil
	case types.Interval:
		return AppendInterval(b, v)
	case types.Extension:
		return AppendExt(b, v.Type, v.Data), nil
	case []any:
		return appendSlice(b, v, depth)
	case map[string]any:
		return appendStringMap(b, v, depth)
	}
	return appendReflect(b, v, depth)
}

func appendBytes(b, v []byte) ([]byte, error) {
	if v == nil {
		return AppendNil(b), nil
	}
	return AppendBinary(b, v), nil
}

func appendSlice(b []byte, v []any, depth int) ([]byte, error) {
	switch {
	case v == nil:
		return AppendNil(b), nil
	case depth >= maxDepth:
		return b, errTooDeep
	}
	b = AppendArrayLen(b, len(v))
	var err error
	for i, e := range v {
		if b, err = appendValue(b, e, depth+1); err != nil {
			return b, atIndex(i, err)
		}
	}
	return b, nil
}

func appendStringMap(b []byte, v map[string]any, depth int) ([]byte, error) {
	switch {
	case v == nil:
		return AppendNil(b), nil
	case depth >= maxDepth:
		return b, errTooDeep
	}
	var room [16]string
	keys := room[:0]
	for k := range v {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b = AppendMapLen(b, len(keys))
	var err error
	for _, k := range keys {
		b = AppendString(b, k)
		if b, err = appendValue(b, v[k], depth+1); err != nil {
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
		return p.encodeTarget(b, rv.UnsafePointer(), depth)
	}
	p, err := PlanOf(t)
	if err != nil {
		return b, err
	}
	box := reflect.New(t)
	box.Elem().Set(reflect.ValueOf(v))
	return p.encode(b, box.UnsafePointer(), depth)
}

// Value reads a value of any kind. Integers are int64, or uint64 where they
// are larger; floats are float64; maps are map[string]any where all keys are
// strings and map[any]any elsewhere; extensions are what package types says of
// them, an MP_TUPLE its array, or a tuple where its format is known (see Settings),
// and an unknown one a types.Extension. What it returns is the caller's and does not point into the bytes read.
func (r *Reader) Value() any {
	switch r.Type() {
	case TypeNil:
		r.Nil()
		return nil
	case TypeBool:
		return r.Bool()
	case TypeUint:
		v := r.Uint()
		if v > math.MaxInt64 {
			return v
		}
		return int64(v)
	case TypeInt:
		return r.Int()
	case TypeFloat32, TypeFloat64:
		return r.Float64()
	case TypeString:
		return r.String()
	case TypeBinary:
		return append([]byte{}, r.Binary()...)
	case TypeArray:
		return r.arrayValue()
	case TypeMap:
		return r.mapValue()
	case TypeExt:
		return r.extValue()
	}
	if r.err == nil {
		r.Skip() // which says what is wrong
	}
	return nil
}

func (r *Reader) arrayValue() any {
	n := r.ArrayLen()
	if !r.enter(n) {
		return nil
	}
	owed := r.owed
	values := make([]any, n)
	for i := range values {
		r.owed = owed + n - i - 1
		values[i] = r.Value()
		if r.err != nil {
			return nil
		}
	}
	r.depth--
	return values
}

func (r *Reader) mapValue() any {
	n := r.MapLen()
	if !r.enter(2 * n) {
		return nil
	}
	owed := r.owed
	named := make(map[string]any, n)
	for i := range n {
		r.owed = owed + 2*(n-i) - 1
		if r.Type() != TypeString {
			return r.mixedMap(named, n-i, owed)
		}
		k := r.String()
		r.owed--
		if named[k] = r.Value(); r.err == nil && len(named) != i+1 {
			r.Fail(at(fmt.Sprintf("[%q]", k), errSameKeys))
		}
		if r.err != nil {
			return nil
		}
	}
	r.depth--
	return named
}

// mixedMap goes on with a map that turned out to have other keys than strings.
func (r *Reader) mixedMap(named map[string]any, left, owed int) any {
	m := make(map[any]any, len(named)+left)
	for k, v := range named {
		m[k] = v
	}
	before := len(m)
	for i := range left {
		r.owed = owed + 2*(left-i) - 1
		k := r.Value()
		if r.err == nil && k != nil && !reflect.TypeOf(k).Comparable() {
			r.Fail(fmt.Errorf("msgpack: a map's key before offset %d is of type %s, which no Go map can have", r.Offset(), TypeName(k)))
		}
		if r.err != nil {
			return nil
		}
		r.owed--
		if m[k] = r.Value(); r.err == nil && len(m) != before+i+1 {
			r.Fail(at(fmt.Sprintf("[%v]", k), errSameKeys))
		}
	}
	if r.err != nil {
		return nil
	}
	r.depth--
	return m
}
