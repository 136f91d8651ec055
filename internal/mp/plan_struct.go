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
	embedded []uintptr // offsets of the embedded pointers
}

// fieldPlan is one field of a struct. What is looked at for each row comes first,
// to be in one line of the cache.
type fieldPlan struct {
	offset uintptr
	quick  quick
	array  bool // if it is a struct: an array where it is nested
	tagged bool // name is the tag's

	// decode reads the field that is offset behind p, and for a field behind embedded
	// pointers that of the struct that p points to.
	decode func(r *Reader, p unsafe.Pointer)

	path     []embedding // to the struct that offset counts from, for one behind embedded pointers
	plan     *Plan
	goName   string
	name     string // of the tuple's field: the tag's, or the Go name in snake_case
	position int    // -1: by its order
}

// value returns the field of the struct that p points to.
func (f *fieldPlan) value(p unsafe.Pointer) reflect.Value {
	return reflect.NewAt(f.plan.typ, f.reach(p)).Elem()
}

// isZero reports whether the field of the struct that p points to is zero, or
// behind an embedded pointer that is nil.
func (f *fieldPlan) isZero(p unsafe.Pointer) bool { return f.reach(p) == nil || f.value(p).IsZero() }

// clear makes the field zero. One behind embedded pointers is not there as long
// as nothing was read into it.
func (f *fieldPlan) clear(p unsafe.Pointer) {
	if len(f.path) == 0 {
		f.value(p).SetZero()
	}
}

// read reads the field of the struct that p points to.
func (f *fieldPlan) read(r *Reader, p unsafe.Pointer) {
	if len(f.path) == 0 {
		p = unsafe.Add(p, f.offset)
	}
	f.decode(r, p)
}

func (c *compiler) structPlan(p *Plan) error {
	s := &structPlan{typ: p.typ}
	if err := c.addFields(s, p.typ); err != nil {
		return err
	}
	if len(s.fields) == 0 && p.typ.NumField() > 0 {
		return fmt.Errorf("%s has no exported fields, so nothing of it would be kept", typeName(p.typ))
	}
	if err := s.order(); err != nil {
		return err
	}
	s.noteEmbedded()
	s.keys.fill(s.fields)
	p.fields, p.named = s, s.byName
	for i := range s.fields {
		p.inside = append(p.inside, s.fields[i].plan)
	}
	p.decode = func(r *Reader, v unsafe.Pointer) { s.decode(r, v, nil) }
	p.encode = s.appendMap
	return nil
}

// decode reads a tuple, or a map. f is the format of the former where it does
// not bring its own.
func (s *structPlan) decode(r *Reader, p unsafe.Pointer, f Format) {
	switch r.Type() {
	case TypeArray:
		if s.byName && r.emptyArray() { // an empty table of Lua's, whichever was meant
			reflect.NewAt(s.typ, p).Elem().SetZero()
			return
		}
		b := s.bind(namesOf(f))
		if b.err != nil {
			r.Fail(b.err)
			return
		}
		s.decodeArray(r, p, b)
	case TypeMap:
		s.decodeMap(r, p)
	case TypeNil:
		r.Nil()
		reflect.NewAt(s.typ, p).Elem().SetZero()
	case TypeExt:
		if !r.IsTuple() {
			r.fail("a tuple or a map for "+typeName(s.typ), nil)
			return
		}
		r.inTuple(func(inner *Reader, f Format) { s.decode(inner, p, f) })
	default:
		r.fail("an array or a map for "+typeName(s.typ), nil)
	}
}

func (s *structPlan) decodeArray(r *Reader, p unsafe.Pointer, b *binding) {
	n := r.ArrayLen()
	if r.depth >= maxDepth {
		r.tooDeep()
	}
	if r.err != nil {
		return
	}
	if s.embedded != nil {
		s.forget(p)
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
		f.read(r, p)
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
			f.clear(p)
		}
	}
	for _, i := range b.unbound {
		s.fields[i].clear(p)
	}
}

// How well a key of a map, or the name of a tuple's field, matches the name of a
// field of a struct. A better match wins wherever it stands.
type match uint8

const (
	loosely match = iota + 1 // but for case and underscores
	exactly
	byNumber
)

func (s *structPlan) decodeMap(r *Reader, p unsafe.Pointer) {
	n := r.MapLen()
	if r.depth >= maxDepth {
		r.tooDeep()
	}
	if r.err != nil {
		return
	}
	if s.embedded != nil {
		s.forget(p)
	}
	r.depth++
	var room [64]match
	seen := room[:]
	if len(s.fields) > len(room) {
		seen = make([]match, len(s.fields))
	}
	for range n {
		if r.Type() != TypeString {
			r.Skip()
			r.Skip()
			continue
		}
		key := r.StringBytes()
		i, how := s.keys.find(key)
		if how == 0 || how < seen[i] {
			r.Skip()
			continue
		}
		f := &s.fields[i]
		if how == seen[i] && r.err == nil {
			r.Fail(at(f.goName, fmt.Errorf("msgpack: two keys of a map are the field, the second is %q", key)))
			return
		}
		seen[i] = how
		f.read(r, p)
		if r.err != nil {
			r.err = at(f.goName, r.err)
			return
		}
	}
	r.depth--
	for i := range s.fields {
		if seen[i] == 0 {
			s.fields[i].clear(p)
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

// appendMap writes a struct as a map of its fields, without those behind
// embedded pointers that are nil.
func (s *structPlan) appendMap(b []byte, p unsafe.Pointer, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return b, errTooDeep
	}
	n := len(s.fields)
	if s.embedded != nil {
		for i := range s.fields {
			if s.fields[i].reach(p) == nil {
				n--
			}
		}
	}
	b = AppendMapLen(b, n)
	var err error
	for i := range s.fields {
		f := &s.fields[i]
		if len(f.path) > 0 && f.reach(p) == nil {
			continue
		}
		b = AppendString(b, f.name)
		if b, err = f.append(b, p, depth); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (f *fieldPlan) append(b []byte, p unsafe.Pointer, depth int) (_ []byte, err error) {
	if p = f.reach(p); p == nil {
		return AppendNil(b), nil
	}
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
