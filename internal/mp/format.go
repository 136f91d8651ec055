package mp

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/gotnt/tnt/types"
)

// Format names the fields of a tuple, in their order. *schema.Format is one.
type Format interface {
	// Names returns the names. The slice is the same at each call and must not be
	// changed.
	Names() []string
}

// Formats are the formats that came with an answer, by the ids that its
// MP_TUPLEs have. They must not be changed.
type Formats map[uint64]Format

// namesOf returns the names of a format, nil of none.
func namesOf(f Format) []string {
	if f == nil {
		return nil
	}
	return f.Names()
}

// A TupleType is the Go type that keeps a tuple as its bytes, with its format.
// It is defined above this package, which only has to find it where it stands
// among other values.
type TupleType struct {
	Type reflect.Type
	// Make returns a value of the type. It may keep array, the bytes of an array;
	// f may be nil. s is what values inside of it are read by.
	Make func(array []byte, f Format, s *Settings) any
	// Set sets the value that p points to, as Make makes it; to the zero value
	// where array is nil.
	Set func(p unsafe.Pointer, array []byte, f Format, s *Settings)
	// Array returns the bytes of the array of the value that p points to, nil of the
	// zero value.
	Array func(p unsafe.Pointer) []byte
}

var tupleType *TupleType

// RegisterTuple makes t the type of tuples. It is for the init function of the
// package that defines the type.
func RegisterTuple(t TupleType) {
	tupleType = &t
	knownPlans[t.Type] = Plan{
		row:    readTupleRow,
		decode: func(r *Reader, p unsafe.Pointer) { readTupleRow(r, p, nil) },
		encode: func(b []byte, p unsafe.Pointer, _ int) ([]byte, error) {
			if array := t.Array(p); array != nil {
				return append(b, array...), nil
			}
			return AppendNil(b), nil
		},
		named: true,
	}
}

// MakeTuple makes a value of the type of tuples of the bytes of an array, which it may
// keep.
func MakeTuple(array []byte, f Format, s *Settings) any { return tupleType.Make(array, f, s) }

// readTupleRow reads a tuple, whose format is f unless it brings its own.
func readTupleRow(r *Reader, p unsafe.Pointer, f Format) {
	var array []byte
	switch r.Type() {
	case TypeNil:
		r.Nil()
	case TypeArray:
		array = r.Raw()
	case TypeExt:
		array, f = r.TupleArray()
	default:
		r.fail("a tuple", nil)
	}
	if r.err != nil {
		return
	}
	if array == nil {
		tupleType.Set(p, nil, nil, nil)
		return
	}
	tupleType.Set(p, append([]byte(nil), array...), f, r.settings)
}

// TupleArray reads an MP_TUPLE: the bytes of its array, without copying them,
// and its format, nil where that did not come.
func (r *Reader) TupleArray() (array []byte, f Format) {
	data := readExt(r, types.ExtTuple, func(data []byte) ([]byte, error) { return data, nil })
	inner, f := r.tuple(data)
	if inner.err == nil {
		array = inner.Raw()
	}
	r.end(&inner)
	return array, f
}

// tuple returns a Reader over the array in the data of an MP_TUPLE, which is
// the id of a format and that array, and the format.
func (r *Reader) tuple(data []byte) (inner Reader, f Format) {
	inner = r.nested(data, 0) // the array is a level
	id := inner.Uint()
	if inner.err == nil && inner.Type() != TypeArray {
		inner.Fail(fmt.Errorf("msgpack: an MP_TUPLE holds no array but %v", inner.Type()))
	}
	return inner, r.settings.format(id)
}

// inTuple reads an MP_TUPLE, whose array fn reads.
func (r *Reader) inTuple(fn func(inner *Reader, f Format)) {
	data := readExt(r, types.ExtTuple, func(data []byte) ([]byte, error) { return data, nil })
	inner, f := r.tuple(data)
	if inner.err == nil {
		fn(&inner, f)
	}
	r.end(&inner)
}

// IsTuple reports whether an MP_TUPLE comes next.
func (r *Reader) IsTuple() bool {
	head, _ := extLen(r.b)
	return head > 0 && int8(r.b[head-1]) == types.ExtTuple
}
