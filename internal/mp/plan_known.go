package mp

import (
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
	knownPlans = map[reflect.Type]Plan{
		reflect.TypeFor[time.Time]():       known(readTime, AppendDatetime),
		reflect.TypeFor[decimal.Decimal](): known(readDecimal, AppendDecimal),
		reflect.TypeFor[uuid.UUID]():       known(readUUID, func(b []byte, v uuid.UUID) ([]byte, error) { return AppendUUID(b, v), nil }),
		reflect.TypeFor[types.Interval]():  known(readInterval, AppendInterval),
		reflect.TypeFor[types.Error]():     errorPlan(),
		reflect.TypeFor[types.Extension](): known(readExtension, func(b []byte, v types.Extension) ([]byte, error) { return AppendExt(b, v.Type, v.Data), nil }),
	}
}

// isKnown reports whether a type has a plan of its own.
func isKnown(t reflect.Type) bool {
	_, ok := knownPlans[t]
	return ok || isUUID(t)
}

// isUUID reports whether a type is a UUID of another package than the one that
// this library knows, such as one of Go's own.
func isUUID(t reflect.Type) bool {
	return t.Name() == "UUID" && t.Kind() == reflect.Array && t.Len() == len(uuid.UUID{}) && t.Elem().Kind() == reflect.Uint8
}

func known[T any](read func(*Reader) T, write func([]byte, T) ([]byte, error)) Plan {
	return Plan{
		single: true,
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

func readTime(r *Reader) time.Time {
	return readExt(r, types.ExtDatetime, types.DecodeDatetime)
}

func readInterval(r *Reader) types.Interval {
	return readExt(r, types.ExtInterval, types.DecodeInterval)
}

// readDecimal reads a decimal, or any other number as one.
func readDecimal(r *Reader) decimal.Decimal {
	switch r.Type() {
	case TypeUint:
		return decimal.NewFromUint64(r.Uint())
	case TypeInt:
		return decimal.NewFromInt(r.Int())
	case TypeFloat32, TypeFloat64:
		return decimalOfFloat(r)
	}
	return readExt(r, types.ExtDecimal, types.DecodeDecimal)
}

// readUUID reads a UUID, or the text of one.
func readUUID(r *Reader) uuid.UUID {
	if r.Type() == TypeString {
		v, err := uuid.ParseBytes(r.StringBytes())
		if err != nil {
			r.Fail(err)
			return uuid.Nil
		}
		return v
	}
	return readExt(r, types.ExtUUID, types.DecodeUUID)
}

func readExtension(r *Reader) types.Extension {
	typ, data := r.Ext()
	return types.Extension{Type: typ, Data: append([]byte{}, data...)}
}

func errorPlan() Plan {
	return Plan{
		single: true,
		decode: func(r *Reader, p unsafe.Pointer) {
			e := new(types.Error)
			if !r.Nil() {
				data := readExt(r, types.ExtError, func(data []byte) ([]byte, error) { return data, nil })
				if e = r.errorValue(data); e == nil {
					return
				}
			}
			*(*types.Error)(p) = *e
		},
		encode: func(b []byte, p unsafe.Pointer, depth int) ([]byte, error) {
			return appendErrorExt(b, (*types.Error)(p), depth)
		},
	}
}
