package mp

import (
	"fmt"
	"math"
	"reflect"
	"time"
	"unsafe"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/types"
)

var durationType = reflect.TypeFor[time.Duration]()

// knownPlans are those of types with a form of their own on the wire.
var knownPlans map[reflect.Type]Plan

func init() { // not in the declaration: an error's fields are values of any type
	knownPlans = makeKnownPlans()
}

func makeKnownPlans() map[reflect.Type]Plan {
	return map[reflect.Type]Plan{
		reflect.TypeFor[time.Time](): known(func(r *Reader) time.Time {
			return readExt(r, types.ExtDatetime, types.DecodeDatetime)
		}, AppendDatetime),
		reflect.TypeFor[decimal.Decimal](): known((*Reader).decimal, AppendDecimal),
		reflect.TypeFor[uuid.UUID]():       known((*Reader).uuid, func(b []byte, v uuid.UUID) ([]byte, error) { return AppendUUID(b, v), nil }),
		reflect.TypeFor[types.Interval](): known(func(r *Reader) types.Interval {
			return readExt(r, types.ExtInterval, types.DecodeInterval)
		}, func(b []byte, v types.Interval) ([]byte, error) {
			data, err := types.AppendInterval(nil, v)
			return AppendExt(b, types.ExtInterval, data), err
		}),
		reflect.TypeFor[types.Error](): known(func(r *Reader) types.Error {
			if e, ok := r.extValue(0).(*types.Error); ok && e != nil {
				return *e
			}
			r.Fail(fmt.Errorf("msgpack: expected an error at offset %d", r.Offset()))
			return types.Error{}
		}, func(b []byte, v types.Error) ([]byte, error) {
			data, err := AppendError(nil, &v)
			return AppendExt(b, types.ExtError, data), err
		}),
		reflect.TypeFor[RawExt](): known(func(r *Reader) RawExt {
			typ, data := r.Ext()
			return RawExt{typ, append([]byte{}, data...)}
		}, func(b []byte, v RawExt) ([]byte, error) { return AppendExt(b, v.Type, v.Data), nil }),
		reflect.TypeFor[[]byte](): known((*Reader).bytes, func(b []byte, v []byte) ([]byte, error) {
			if v == nil {
				return AppendNil(b), nil
			}
			return AppendBinary(b, v), nil
		}),
	}
}

func known[T any](read func(*Reader) T, write func([]byte, T) ([]byte, error)) Plan {
	return Plan{
		decode: func(r *Reader, p unsafe.Pointer) {
			if r.Nil() {
				var zero T
				*(*T)(p) = zero
				return
			}
			*(*T)(p) = read(r)
		},
		encode: func(b []byte, p unsafe.Pointer, _ int) ([]byte, error) { return write(b, *(*T)(p)) },
	}
}

// readExt reads an extension of a type, by the function for its data.
func readExt[T any](r *Reader, want int8, decode func([]byte) (T, error)) (v T) {
	start := *r
	typ, data := r.Ext()
	if r.err != nil {
		return v
	}
	if typ != want {
		*r = start
		r.Fail(fmt.Errorf("msgpack: expected an extension of type %d for %T at offset %d, got type %d", want, v, start.Offset(), typ))
		return v
	}
	v, err := decode(data)
	if err != nil {
		r.Fail(err)
	}
	return v
}

// decimal reads a decimal, or any other number as one.
func (r *Reader) decimal() decimal.Decimal {
	switch r.Type() {
	case TypeUint:
		return decimal.NewFromUint64(r.Uint())
	case TypeInt:
		return decimal.NewFromInt(r.Int())
	case TypeFloat32, TypeFloat64:
		v := r.Float64()
		if math.IsNaN(v) || math.IsInf(v, 0) {
			r.Fail(fmt.Errorf("msgpack: %v is no decimal", v))
			return decimal.Decimal{}
		}
		return decimal.NewFromFloat(v)
	}
	return readExt(r, types.ExtDecimal, types.DecodeDecimal)
}

// uuid reads a UUID, or the text of one.
func (r *Reader) uuid() uuid.UUID {
	if r.Type() == TypeString {
		v, err := uuid.ParseBytes(r.StringBytes())
		if err != nil {
			r.Fail(err)
		}
		return v
	}
	return readExt(r, types.ExtUUID, types.DecodeUUID)
}

// bytes reads binary data, or a string, into bytes of their own.
func (r *Reader) bytes() []byte {
	if r.Type() == TypeString {
		return append([]byte{}, r.StringBytes()...)
	}
	return append([]byte{}, r.Binary()...)
}

// text reads a string, or binary data, without copying it.
func (r *Reader) text() []byte {
	if r.Type() == TypeBinary {
		return r.Binary()
	}
	return r.StringBytes()
}

// scalarPlan fills the plan of a basic type; it returns false for another.
func scalarPlan(p *Plan) bool {
	if p.typ == durationType {
		return false
	}
	switch p.typ.Kind() {
	case reflect.Bool:
		p.decode = func(r *Reader, v unsafe.Pointer) { *(*bool)(v) = !r.Nil() && r.Bool() }
		p.encode = func(b []byte, v unsafe.Pointer, _ int) ([]byte, error) { return AppendBool(b, *(*bool)(v)), nil }
	case reflect.String:
		p.decode = decodeString
		p.encode = func(b []byte, v unsafe.Pointer, _ int) ([]byte, error) { return AppendString(b, *(*string)(v)), nil }
	case reflect.Float64:
		p.decode = decodeFloat64
		p.encode = func(b []byte, v unsafe.Pointer, _ int) ([]byte, error) { return AppendFloat64(b, *(*float64)(v)), nil }
	case reflect.Float32:
		p.decode = func(r *Reader, v unsafe.Pointer) {
			if r.Nil() {
				*(*float32)(v) = 0
				return
			}
			*(*float32)(v) = float32(r.Float64())
		}
		p.encode = func(b []byte, v unsafe.Pointer, _ int) ([]byte, error) { return AppendFloat32(b, *(*float32)(v)), nil }
	case reflect.Int, reflect.Int64:
		intPlan[int64](p)
	case reflect.Int32:
		intPlan[int32](p)
	case reflect.Int16:
		intPlan[int16](p)
	case reflect.Int8:
		intPlan[int8](p)
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		uintPlan[uint64](p)
	case reflect.Uint32:
		uintPlan[uint32](p)
	case reflect.Uint16:
		uintPlan[uint16](p)
	case reflect.Uint8:
		uintPlan[uint8](p)
	default:
		return false
	}
	return true
}

func decodeString(r *Reader, v unsafe.Pointer) {
	if r.Nil() {
		*(*string)(v) = ""
		return
	}
	// One that is there already costs no allocation.
	if text := r.text(); *(*string)(v) != string(text) {
		*(*string)(v) = string(text)
	}
}

func decodeFloat64(r *Reader, v unsafe.Pointer) {
	if r.Nil() {
		*(*float64)(v) = 0
		return
	}
	*(*float64)(v) = r.Float64()
}

func intPlan[T int64 | int32 | int16 | int8](p *Plan) {
	p.decode = func(r *Reader, v unsafe.Pointer) {
		if r.Nil() {
			*(*T)(v) = 0
			return
		}
		n := r.Int()
		if int64(T(n)) != n {
			r.Fail(fmt.Errorf("msgpack: %d does not fit into %v", n, p.typ))
			return
		}
		*(*T)(v) = T(n)
	}
	p.encode = func(b []byte, v unsafe.Pointer, _ int) ([]byte, error) { return AppendInt(b, int64(*(*T)(v))), nil }
}

func uintPlan[T uint64 | uint32 | uint16 | uint8](p *Plan) {
	p.decode = func(r *Reader, v unsafe.Pointer) {
		if r.Nil() {
			*(*T)(v) = 0
			return
		}
		n := r.Uint()
		if uint64(T(n)) != n {
			r.Fail(fmt.Errorf("msgpack: %d does not fit into %v", n, p.typ))
			return
		}
		*(*T)(v) = T(n)
	}
	p.encode = func(b []byte, v unsafe.Pointer, _ int) ([]byte, error) { return AppendUint(b, uint64(*(*T)(v))), nil }
}
