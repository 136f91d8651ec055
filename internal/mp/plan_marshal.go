package mp

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/tinylib/msgp/msgp"
)

var (
	marshalerType   = reflect.TypeFor[msgp.Marshaler]()
	unmarshalerType = reflect.TypeFor[msgp.Unmarshaler]()
)

func marshals(t reflect.Type) bool   { return reflect.PointerTo(t).Implements(marshalerType) }
func unmarshals(t reflect.Type) bool { return reflect.PointerTo(t).Implements(unmarshalerType) }

// honourMarshalers makes a type that knows its own MessagePack use that.
func (p *Plan) honourMarshalers() {
	if p.marshals {
		p.encode = func(b []byte, v unsafe.Pointer, depth int) ([]byte, error) {
			return marshal(b, reflect.NewAt(p.typ, v).Interface().(msgp.Marshaler), depth)
		}
	}
	if p.unmarshals {
		p.decode = func(r *Reader, v unsafe.Pointer) {
			if r.Nil() {
				reflect.NewAt(p.typ, v).Elem().SetZero()
				return
			}
			r.unmarshal(reflect.NewAt(p.typ, v).Interface().(msgp.Unmarshaler))
		}
	}
}

// unmarshal lets a user's type read its own value, which is cut out for it so
// that it can't read on, and copied, because it may be kept. Of an MP_TUPLE it is
// the array.
func (r *Reader) unmarshal(m msgp.Unmarshaler) {
	var raw []byte
	if r.IsTuple() {
		array, _ := r.TupleArray()
		inner := r.nested(array, 0)
		raw = inner.shallowRaw()
		r.end(&inner)
	} else {
		raw = r.shallowRaw()
	}
	if r.err != nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			r.Fail(fmt.Errorf("%s panicked in UnmarshalMsg: %v", TypeName(m), p))
		}
	}()
	switch rest, err := m.UnmarshalMsg(append([]byte(nil), raw...)); {
	case err != nil:
		r.Fail(err)
	case len(rest) > 0:
		r.Fail(fmt.Errorf("%s left %d of %d bytes of its value in UnmarshalMsg", TypeName(m), len(rest), len(raw)))
	}
}

// marshal calls a user's MarshalMsg. Its panic becomes an error, and so does
// what is not one value appended to b: it would break the whole request.
func marshal(b []byte, m msgp.Marshaler, depth int) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = b, fmt.Errorf("%s panicked in MarshalMsg: %v", TypeName(m), p)
		}
	}()
	own, err := m.MarshalMsg(b[len(b):]) // not b: it may write over what is there
	if err != nil {
		return b, err
	}
	rest, err := skip(own, 1, levelsLeft(depth))
	switch {
	case err == nil && len(rest) == 0:
		return append(b, own...), nil
	case errors.Is(err, errNesting):
		return b, errTooDeep
	}
	return b, fmt.Errorf("%s appended something else than one value in MarshalMsg", TypeName(m))
}
