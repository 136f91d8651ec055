package mp

import (
	"fmt"
	"reflect"
	"unsafe"
)

// scalarPlan fills the plan of a basic type; it returns false for another.
func scalarPlan(p *Plan) bool {
	switch p.typ.Kind() {
	case reflect.Bool:
		p.decode = func(r *Reader, v unsafe.Pointer) { *(*bool)(v) = !r.Nil() && r.Bool() }
		p.encode = func(b []byte, v unsafe.Pointer, _ int) ([]byte, error) { return AppendBool(b, *(*bool)(v)), nil }
	case reflect.String:
		p.decode = decodeString
		p.encode = func(b []byte, v unsafe.Pointer, _ int) ([]byte, error) { return AppendString(b, *(*string)(v)), nil }
	case reflect.Float64:
		floatPlan[float64](p, 53, false)
	case reflect.Float32:
		floatPlan[float32](p, 24, false)
	case reflect.Int64:
		intPlan[int64](p)
	case reflect.Int:
		intPlan[int](p)
	case reflect.Int32:
		intPlan[int32](p)
	case reflect.Int16:
		intPlan[int16](p)
	case reflect.Int8:
		intPlan[int8](p)
	case reflect.Uint64:
		uintPlan[uint64](p)
	case reflect.Uint:
		uintPlan[uint](p)
	case reflect.Uintptr:
		uintPlan[uintptr](p)
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
	var text []byte
	switch r.Type() {
	case TypeNil:
		r.Nil()
	case TypeBinary:
		text = r.Binary()
	default:
		text = r.StringBytes()
	}
	// One that is there already costs no allocation.
	if *(*string)(v) != string(text) {
		*(*string)(v) = string(text)
	}
}

func intPlan[T int64 | int | int32 | int16 | int8](p *Plan) {
	p.decode = func(r *Reader, v unsafe.Pointer) {
		if r.Nil() {
			*(*T)(v) = 0
			return
		}
		n := r.wholeInt(p.typ)
		if int64(T(n)) != n {
			r.Fail(fmt.Errorf("msgpack: %d does not fit into %s", n, typeName(p.typ)))
			return
		}
		*(*T)(v) = T(n)
	}
	p.encode = func(b []byte, v unsafe.Pointer, _ int) ([]byte, error) { return AppendInt(b, int64(*(*T)(v))), nil }
}

func uintPlan[T uint64 | uint | uintptr | uint32 | uint16 | uint8](p *Plan) {
	p.decode = func(r *Reader, v unsafe.Pointer) {
		if r.Nil() {
			*(*T)(v) = 0
			return
		}
		n := r.wholeUint(p.typ)
		if uint64(T(n)) != n {
			r.Fail(fmt.Errorf("msgpack: %d does not fit into %s", n, typeName(p.typ)))
			return
		}
		*(*T)(v) = T(n)
	}
	p.encode = func(b []byte, v unsafe.Pointer, _ int) ([]byte, error) { return AppendUint(b, uint64(*(*T)(v))), nil }
}
