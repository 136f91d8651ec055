package mp

import (
	"fmt"
	"reflect"
	"unsafe"
)

// structPlan is a struct's part of its plan.
type structPlan struct {
	typ      reflect.Type
	fields   []fieldPlan
	byName   bool // a field's tag has a name
	position *binding
	keys     nameIndex
	bindings bindings
}

// fieldPlan is one field of a struct.
type fieldPlan struct {
	goName   string
	name     string // of the tuple's field: the tag's, or the Go name in snake_case
	tagged   bool   // name is the tag's
	position int    // -1: by its order
	array    bool   // if it is a struct: an array where it is nested
	offset   uintptr
	plan     *Plan
	decode   func(r *Reader, p unsafe.Pointer) // the plan's
	quick    quick
}

// value returns the field of the struct that p points to.
func (f *fieldPlan) value(p unsafe.Pointer) reflect.Value {
	return reflect.NewAt(f.plan.typ, unsafe.Add(p, f.offset)).Elem()
}

func (c *compiler) structPlan(p *Plan) error {
	s := &structPlan{typ: p.typ}
	if err := c.addFields(s, p.typ, 0); err != nil {
		return err
	}
	if len(s.fields) == 0 && p.typ.NumField() > 0 {
		return fmt.Errorf("%v has no exported fields, so nothing of it would be kept", p.typ)
	}
	if err := s.order(); err != nil {
		return err
	}
	s.keys.fill(s.fields)
	p.fields = s
	p.decode = func(r *Reader, v unsafe.Pointer) { s.decode(r, v, s.position) }
	p.encode = s.appendMap
	return nil
}

func (s *structPlan) decode(r *Reader, p unsafe.Pointer, b *binding) {
	switch r.Type() {
	case TypeArray:
		s.decodeArray(r, p, b)
	case TypeMap:
		s.decodeMap(r, p)
	case TypeNil:
		r.Nil()
		reflect.NewAt(s.typ, p).Elem().SetZero()
	case TypeExt:
		r.inTuple(func(inner *Reader) { s.decode(inner, p, b) })
	default:
		r.fail(fmt.Sprintf("an array or a map for %v", s.typ), nil)
	}
}

func (s *structPlan) decodeArray(r *Reader, p unsafe.Pointer, b *binding) {
	n := r.ArrayLen()
	if r.depth >= maxDepth {
		r.Fail(errTooDeep)
	}
	if r.err != nil {
		return
	}
	r.depth++
	have := min(n, len(b.fields))
	for i := 0; i < have; i++ {
		var done int
		if done, r.b = decodeQuick(b.fields[i:have], r.b, p); done > 0 {
			if i += done; i == have {
				break
			}
		}
		f := b.fields[i]
		if f == nil {
			r.Skip()
			continue
		}
		f.decode(r, unsafe.Add(p, f.offset))
		if r.err != nil {
			r.err = at(f.goName, r.err)
			return
		}
	}
	for range n - have {
		r.Skip()
	}
	r.depth--
	for _, f := range b.fields[have:] {
		if f != nil {
			f.value(p).SetZero()
		}
	}
	for _, i := range b.unbound {
		s.fields[i].value(p).SetZero()
	}
}

func (s *structPlan) decodeMap(r *Reader, p unsafe.Pointer) {
	n := r.MapLen()
	if r.depth >= maxDepth {
		r.Fail(errTooDeep)
	}
	if r.err != nil {
		return
	}
	r.depth++
	var room [64]bool
	seen := room[:]
	if len(s.fields) > len(room) {
		seen = make([]bool, len(s.fields))
	}
	for range n {
		if r.Type() != TypeString {
			r.Skip()
			r.Skip()
			continue
		}
		i := s.keys.find(r.StringBytes())
		if i < 0 {
			r.Skip()
			continue
		}
		f := &s.fields[i]
		seen[i] = true
		f.decode(r, unsafe.Add(p, f.offset))
		if r.err != nil {
			r.err = at(f.goName, r.err)
			return
		}
	}
	r.depth--
	for i := range s.fields {
		if !seen[i] {
			s.fields[i].value(p).SetZero()
		}
	}
}

// appendArray writes a struct as an array: the tuple's fields that the struct
// has, nil for those in between that it lacks.
func (s *structPlan) appendArray(b []byte, p unsafe.Pointer, bound *binding, depth int) ([]byte, error) {
	n := len(bound.fields)
	for n > 0 && bound.fields[n-1] == nil {
		n--
	}
	b = AppendArrayLen(b, n)
	var err error
	for _, f := range bound.fields[:n] {
		if f == nil {
			b = AppendNil(b)
			continue
		}
		if b, err = f.append(b, p, depth); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (s *structPlan) appendMap(b []byte, p unsafe.Pointer, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return b, errTooDeep
	}
	b = AppendMapLen(b, len(s.fields))
	var err error
	for i := range s.fields {
		f := &s.fields[i]
		b = AppendString(b, f.name)
		if b, err = f.append(b, p, depth); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (f *fieldPlan) append(b []byte, p unsafe.Pointer, depth int) (_ []byte, err error) {
	p = unsafe.Add(p, f.offset)
	if f.array {
		b, err = f.plan.appendAsArray(b, p, depth+1)
	} else {
		b, err = f.plan.encode(b, p, depth+1)
	}
	if err != nil {
		return b, at(f.goName, err)
	}
	return b, nil
}

// appendAsArray appends a struct, or what a pointer to one points to, as an
// array.
func (p *Plan) appendAsArray(b []byte, v unsafe.Pointer, depth int) ([]byte, error) {
	if p.typ.Kind() == reflect.Pointer {
		v = *(*unsafe.Pointer)(v)
		if v == nil {
			return AppendNil(b), nil
		}
		p = p.elem
	}
	if depth >= maxDepth {
		return b, errTooDeep
	}
	return p.fields.appendArray(b, v, p.fields.position, depth)
}
