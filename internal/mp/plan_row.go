package mp

import (
	"fmt"
	"reflect"
	"unsafe"
)

// A row is a value in the place of a tuple: some types read one in another way
// than the same value elsewhere.

// ByName reports whether the names of tuples' fields matter to the plan, for a
// row or for a tuple anywhere inside of it.
func (p *Plan) ByName() bool { return p.named }

// Unmarshals reports whether the type reads itself, by its UnmarshalMsg.
func (p *Plan) Unmarshals() bool { return p.unmarshals }

// DecodeRow reads a value in the place of a tuple whose fields are named by f
// into what dst points to, which is of the plan's type. f may be nil. The error
// is that of r.
func (p *Plan) DecodeRow(r *Reader, dst unsafe.Pointer, f Format) {
	switch s := p.fields; {
	case s == nil || p.unmarshals:
		if p.row != nil {
			p.row(r, dst, f)
			return
		}
		p.decode(r, dst)
	case !s.byName && r.Type() == TypeArray:
		s.decodeArray(r, dst, s.position)
	default:
		s.decode(r, dst, f)
	}
}

// pointerRow reads a row into what a pointer points to.
func (p *Plan) pointerRow(r *Reader, dst unsafe.Pointer, f Format) {
	ptr := (*unsafe.Pointer)(dst)
	if r.Nil() {
		*ptr = nil
		return
	}
	if r.depth+p.elem.level > maxDepth {
		r.tooDeep()
		return
	}
	if p.elem.single && r.onlyNil() {
		*ptr = nil
		return
	}
	fresh := reflect.New(p.elem.typ).UnsafePointer()
	r.depth += p.elem.level
	p.elem.DecodeRow(r, fresh, f)
	r.depth -= p.elem.level
	if r.err == nil {
		*ptr = fresh
	}
}

// onlyNil consumes a row of one nil, if that is what comes next.
func (r *Reader) onlyNil() bool {
	if len(r.b) > 1 && r.b[0] == 0x91 && r.b[1] == 0xc0 {
		r.b = r.b[2:]
		return true
	}
	return false
}

// singleRow reads a value that is no list from a row of one column, or from what
// is no row.
func (p *Plan) singleRow(r *Reader, dst unsafe.Pointer, _ Format) {
	switch {
	case r.Type() == TypeArray:
		p.only(r, dst)
	case r.Type() == TypeExt && r.IsTuple():
		r.inTuple(func(inner *Reader, _ Format) { p.only(inner, dst) })
	default:
		p.decode(r, dst)
	}
}

func (p *Plan) only(r *Reader, dst unsafe.Pointer) {
	n := r.ArrayLen()
	if r.err == nil && n != 1 {
		r.Fail(fmt.Errorf("msgpack: a row of %d fields is no %s: take a struct, a list or a Tuple", n, typeName(p.typ)))
	}
	if r.err == nil {
		p.decode(r, dst)
	}
}
