package mp

import (
	"fmt"
	"reflect"
	"unsafe"
)

func (c *compiler) pointerPlan(p *Plan) error {
	elem, err := c.plan(p.typ.Elem())
	if err != nil {
		return err
	}
	pointerTo(p, elem)
	return nil
}

// pointerTo fills the plan of a pointer.
func pointerTo(p, elem *Plan) {
	p.elem, p.inside = elem, []*Plan{elem}
	p.row = p.pointerRow
	p.decode = func(r *Reader, v unsafe.Pointer) {
		ptr := (*unsafe.Pointer)(v)
		if r.Nil() {
			*ptr = nil
			return
		}
		if r.depth+elem.level > maxDepth {
			r.tooDeep()
			return
		}
		// Always a new one: a copy of the row that was read before may share
		// the old one.
		fresh := reflect.New(elem.typ).UnsafePointer()
		r.depth += elem.level
		elem.decode(r, fresh)
		r.depth -= elem.level
		if r.err == nil {
			*ptr = fresh
		}
	}
	p.encode = func(b []byte, v unsafe.Pointer, depth int) ([]byte, error) {
		ptr := *(*unsafe.Pointer)(v)
		if ptr == nil {
			return AppendNil(b), nil
		}
		return elem.encodeTarget(b, ptr, depth)
	}
}

// levelOf returns how many levels of nesting a pointer to a type is: none, but where
// it may lead to itself without a list, map or struct of fields on the way.
func levelOf(t reflect.Type) int {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface || isNullable(t) {
		return 1
	}
	return 0
}

// encodeTarget writes what a pointer to the plan's type points to.
func (p *Plan) encodeTarget(b []byte, target unsafe.Pointer, depth int) ([]byte, error) {
	depth += p.level
	if depth > maxDepth {
		return b, errTooDeep
	}
	return p.encode(b, target, depth)
}

// interfacePlan fills the plan of an interface. What is in it is written by
// its own type; only one without methods can take what is read.
func interfacePlan(p *Plan) {
	if p.typ.NumMethod() == 0 {
		p.named = true
		p.decode = func(r *Reader, v unsafe.Pointer) { *(*any)(v) = r.Value() }
		p.encode = func(b []byte, v unsafe.Pointer, depth int) ([]byte, error) {
			return appendValue(b, *(*any)(v), depth)
		}
		return
	}
	p.decode = func(r *Reader, v unsafe.Pointer) {
		if r.Nil() {
			reflect.NewAt(p.typ, v).Elem().SetZero()
			return
		}
		r.Fail(fmt.Errorf("nothing can be read into the interface %s: take any, or a type of your own", typeName(p.typ)))
	}
	p.encode = func(b []byte, v unsafe.Pointer, depth int) ([]byte, error) {
		content := reflect.NewAt(p.typ, v).Elem()
		if content.IsNil() {
			return AppendNil(b), nil
		}
		return appendValue(b, content.Interface(), depth)
	}
}

func (c *compiler) slicePlan(p *Plan) error {
	elem, err := c.plan(p.typ.Elem())
	if err != nil {
		return err
	}
	p.inside = []*Plan{elem}
	if isByte(p.typ.Elem()) {
		p.single = true
		p.decode, p.encode = decodeBytes, func(b []byte, v unsafe.Pointer, _ int) ([]byte, error) {
			return appendBytes(b, *(*[]byte)(v))
		}
		return nil
	}
	p.decode = func(r *Reader, v unsafe.Pointer) {
		switch r.Type() {
		case TypeExt:
			r.inTuple(func(inner *Reader, _ Format) { p.decode(inner, v) })
		case TypeNil:
			r.Nil()
			reflect.NewAt(p.typ, v).Elem().SetZero()
		default:
			r.slice(reflect.NewAt(p.typ, v).Elem(), elem)
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

// slice reads an array into a slice, whose room it uses.
func (r *Reader) slice(slice reflect.Value, elem *Plan) {
	n := r.ArrayLen()
	if !r.enter(n) {
		return
	}
	size := elem.typ.Size()
	room := r.roomFor(n, size)
	switch {
	case slice.Cap() >= n && !slice.IsNil():
		slice.SetLen(n)
	default:
		slice.Set(reflect.MakeSlice(slice.Type(), room, room))
	}
	first, owed := slice.UnsafePointer(), r.owed
	for i := range n {
		if i == slice.Len() {
			slice.Grow(1)
			slice.SetLen(min(n, slice.Cap()))
			first = slice.UnsafePointer()
		}
		r.owed = owed + n - i - 1
		elem.decode(r, unsafe.Add(first, uintptr(i)*size))
		if r.err != nil {
			r.err = atIndex(i, r.err)
			return
		}
	}
	r.depth--
}

func appendElements(b []byte, elem *Plan, first unsafe.Pointer, n, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return b, errTooDeep
	}
	b = AppendArrayLen(b, n)
	var err error
	for i := range n {
		if b, err = elem.encode(b, unsafe.Add(first, uintptr(i)*elem.typ.Size()), depth+1); err != nil {
			return b, atIndex(i, err)
		}
	}
	return b, nil
}

// isByte reports whether slices and arrays of a type are binary data.
func isByte(t reflect.Type) bool {
	return t.Kind() == reflect.Uint8 && !marshals(t) && !unmarshals(t) && !hasOwnForm(t)
}

// decodeBytes reads binary data, or a string, into a slice's room.
func decodeBytes(r *Reader, v unsafe.Pointer) {
	dst := (*[]byte)(v)
	var data []byte
	switch r.Type() {
	case TypeNil:
		r.Nil()
		*dst = nil
		return
	case TypeString:
		data = r.StringBytes()
	default:
		data = r.Binary()
	}
	if r.err != nil {
		return
	}
	if *dst == nil {
		*dst = make([]byte, 0, len(data))
	}
	*dst = append((*dst)[:0], data...)
}

func (c *compiler) arrayPlan(p *Plan) error {
	elem, err := c.plan(p.typ.Elem())
	if err != nil {
		return err
	}
	p.inside = []*Plan{elem}
	n := p.typ.Len()
	if isByte(p.typ.Elem()) {
		p.single = true
		p.decode = func(r *Reader, v unsafe.Pointer) { r.byteArray(p.typ, unsafe.Slice((*byte)(v), n)) }
		p.encode = func(b []byte, v unsafe.Pointer, _ int) ([]byte, error) {
			return AppendBinary(b, unsafe.Slice((*byte)(v), n)), nil
		}
		return nil
	}
	p.decode = func(r *Reader, v unsafe.Pointer) {
		switch r.Type() {
		case TypeExt:
			r.inTuple(func(inner *Reader, _ Format) { p.decode(inner, v) })
		case TypeNil:
			r.Nil()
			reflect.NewAt(p.typ, v).Elem().SetZero()
		default:
			r.array(p.typ, v, elem)
		}
	}
	p.encode = func(b []byte, v unsafe.Pointer, depth int) ([]byte, error) {
		return appendElements(b, elem, v, n, depth)
	}
	return nil
}

func (r *Reader) byteArray(t reflect.Type, dst []byte) {
	if r.Nil() {
		clear(dst)
		return
	}
	var data []byte
	decodeBytes(r, unsafe.Pointer(&data))
	if r.err == nil && len(data) != len(dst) {
		r.Fail(fmt.Errorf("msgpack: %d bytes do not fit into %s", len(data), typeName(t)))
		return
	}
	copy(dst, data)
}

func (r *Reader) array(t reflect.Type, v unsafe.Pointer, elem *Plan) {
	n := r.ArrayLen()
	if r.err == nil && n != t.Len() {
		r.Fail(fmt.Errorf("msgpack: an array of %d values does not fit into %s", n, typeName(t)))
	}
	if r.depth >= maxDepth {
		r.tooDeep()
	}
	r.depth++
	for i := 0; i < n && r.err == nil; i++ {
		elem.decode(r, unsafe.Add(v, uintptr(i)*elem.typ.Size()))
		if r.err != nil {
			r.err = atIndex(i, r.err)
		}
	}
	r.depth--
}
