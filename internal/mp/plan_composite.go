package mp

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/gotnt/tnt/types"
)

// inTuple reads an MP_TUPLE, a format's number and an array, and lets fn read
// the array.
func (r *Reader) inTuple(fn func(inner *Reader)) {
	data := readExt(r, types.ExtTuple, func(data []byte) ([]byte, error) { return data, nil })
	if r.err != nil {
		return
	}
	inner := NewReader(data)
	inner.Skip()
	if inner.Type() != TypeArray {
		inner.Fail(errors.New("msgpack: an MP_TUPLE holds no array"))
	}
	if inner.err == nil {
		fn(&inner)
	}
	if inner.err != nil {
		r.Fail(inner.err)
	}
}

// emptyArray consumes an empty array, if that is what comes next.
func (r *Reader) emptyArray() bool {
	if len(r.b) > 0 && r.b[0] == 0x90 {
		r.b = r.b[1:]
		return true
	}
	return false
}

func (c *compiler) pointerPlan(p *Plan) error {
	elem, err := c.plan(p.typ.Elem())
	if err != nil {
		return err
	}
	p.decode = func(r *Reader, v unsafe.Pointer) {
		ptr := (*unsafe.Pointer)(v)
		if r.Nil() {
			*ptr = nil
			return
		}
		if *ptr == nil {
			*ptr = reflect.New(elem.typ).UnsafePointer()
		}
		elem.decode(r, *ptr)
	}
	p.encode = func(b []byte, v unsafe.Pointer, depth int) ([]byte, error) {
		ptr := *(*unsafe.Pointer)(v)
		switch {
		case ptr == nil:
			return AppendNil(b), nil
		case depth > maxDepth:
			return b, errTooDeep
		}
		return elem.encode(b, ptr, depth+1)
	}
	return nil
}

func (c *compiler) slicePlan(p *Plan) error {
	elem, err := c.plan(p.typ.Elem())
	if err != nil {
		return err
	}
	if p.typ.Elem().Kind() == reflect.Uint8 {
		bytesPlan := knownPlans[reflect.TypeFor[[]byte]()]
		p.decode, p.encode = bytesPlan.decode, bytesPlan.encode
		return nil
	}
	size := p.typ.Elem().Size()
	p.decode = func(r *Reader, v unsafe.Pointer) {
		if r.Type() == TypeExt {
			r.inTuple(func(inner *Reader) { p.decode(inner, v) })
			return
		}
		slice := reflect.NewAt(p.typ, v).Elem()
		if r.Nil() {
			slice.SetZero()
			return
		}
		n := r.ArrayLen()
		if r.err != nil {
			return
		}
		slice.Set(resized(slice, n, r.Len(), size))
		for i := range n {
			if i == slice.Len() { // the length was not believed at once
				slice.Set(reflect.Append(slice, reflect.Zero(elem.typ)))
			}
			elem.decode(r, unsafe.Add(slice.UnsafePointer(), uintptr(i)*size))
			if r.err != nil {
				r.err = at(fmt.Sprintf("[%d]", i), r.err)
				return
			}
		}
	}
	p.encode = func(b []byte, v unsafe.Pointer, depth int) ([]byte, error) {
		slice := reflect.NewAt(p.typ, v).Elem()
		if slice.IsNil() {
			return AppendNil(b), nil
		}
		return appendElements(b, elem, slice.UnsafePointer(), slice.Len(), depth)
	}
	return nil
}

// resized returns a slice of n elements, the given one where it has room. Of
// elements far larger than the bytes that are left can account for, it starts
// with fewer: a length costs a sender little.
func resized(slice reflect.Value, n, left int, size uintptr) reflect.Value {
	if slice.Cap() >= n && !slice.IsNil() {
		return slice.Slice(0, n)
	}
	const factor, least = 64, 16
	if size > 0 && uintptr(n)*size > uintptr(left)*factor {
		n = min(n, max(least, left*factor/int(size)))
	}
	return reflect.MakeSlice(slice.Type(), n, n)
}

func appendElements(b []byte, elem *Plan, first unsafe.Pointer, n, depth int) ([]byte, error) {
	if depth > maxDepth {
		return b, errTooDeep
	}
	b = AppendArrayLen(b, n)
	var err error
	for i := range n {
		if b, err = elem.encode(b, unsafe.Add(first, uintptr(i)*elem.typ.Size()), depth+1); err != nil {
			return b, at(fmt.Sprintf("[%d]", i), err)
		}
	}
	return b, nil
}

func (c *compiler) arrayPlan(p *Plan) error {
	elem, err := c.plan(p.typ.Elem())
	if err != nil {
		return err
	}
	n, size := p.typ.Len(), p.typ.Elem().Size()
	p.decode = func(r *Reader, v unsafe.Pointer) {
		got := r.ArrayLen()
		if r.err == nil && got != n {
			r.Fail(fmt.Errorf("msgpack: an array of %d values does not fit into %v", got, p.typ))
		}
		for i := 0; i < got && r.err == nil; i++ {
			elem.decode(r, unsafe.Add(v, uintptr(i)*size))
		}
	}
	p.encode = func(b []byte, v unsafe.Pointer, depth int) ([]byte, error) {
		return appendElements(b, elem, v, n, depth)
	}
	return nil
}

func (c *compiler) mapPlan(p *Plan) error {
	key, err := c.plan(p.typ.Key())
	if err != nil {
		return err
	}
	elem, err := c.plan(p.typ.Elem())
	if err != nil {
		return err
	}
	p.decode = func(r *Reader, v unsafe.Pointer) {
		m := reflect.NewAt(p.typ, v).Elem()
		if r.Nil() {
			m.SetZero()
			return
		}
		n := 0
		if !r.emptyArray() { // which is what Lua makes of an empty table
			n = r.MapLen()
		}
		if r.err != nil {
			return
		}
		m.Set(reflect.MakeMapWithSize(p.typ, n))
		for range n {
			k, e := reflect.New(key.typ), reflect.New(elem.typ)
			key.decode(r, k.UnsafePointer())
			if r.err == nil && !k.Elem().Comparable() {
				r.Fail(errors.New("msgpack: a map's key is one that no Go map can have"))
			}
			elem.decode(r, e.UnsafePointer())
			if r.err != nil {
				return
			}
			m.SetMapIndex(k.Elem(), e.Elem())
		}
	}
	p.encode = func(b []byte, v unsafe.Pointer, depth int) ([]byte, error) {
		m := reflect.NewAt(p.typ, v).Elem()
		switch {
		case m.IsNil():
			return AppendNil(b), nil
		case depth > maxDepth:
			return b, errTooDeep
		}
		b = AppendMapLen(b, m.Len())
		k, e := reflect.New(key.typ), reflect.New(elem.typ)
		for it := m.MapRange(); it.Next(); {
			k.Elem().SetIterKey(it)
			e.Elem().SetIterValue(it)
			var err error
			if b, err = key.encode(b, k.UnsafePointer(), depth+1); err != nil {
				return b, err
			}
			if b, err = elem.encode(b, e.UnsafePointer(), depth+1); err != nil {
				return b, at(fmt.Sprintf("[%v]", k.Elem()), err)
			}
		}
		return b, nil
	}
	return nil
}
