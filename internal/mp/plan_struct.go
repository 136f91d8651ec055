package mp

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unsafe"
)

// structPlan is a struct's part of its plan.
type structPlan struct {
	typ      reflect.Type
	fields   []fieldPlan
	byName   bool // a field's tag has a name
	position *binding
	bindings sync.Map // *string, the first of a format's names -> *binding
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
}

// binding says which field of the struct each field of a tuple is; -1: none.
type binding struct{ fields []int }

func (c *compiler) structPlan(p *Plan) error {
	s := &structPlan{typ: p.typ}
	if err := c.addFields(s, p.typ, 0); err != nil {
		return err
	}
	if err := s.order(); err != nil {
		return err
	}
	p.fields = s
	p.decode = func(r *Reader, v unsafe.Pointer) { s.decode(r, v, s.position) }
	p.encode = s.appendMap
	return nil
}

func (c *compiler) addFields(s *structPlan, t reflect.Type, base uintptr) error {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, hasTag := f.Tag.Lookup("tnt")
		name, option, _ := strings.Cut(tag, ",")
		if name == "-" {
			continue
		}
		if f.Anonymous && f.Type.Kind() == reflect.Struct && name == "" {
			if _, known := knownPlans[f.Type]; !known {
				if err := c.addFields(s, f.Type, base+f.Offset); err != nil {
					return err
				}
				continue
			}
		}
		if !f.IsExported() {
			continue
		}
		plan, err := c.plan(f.Type)
		if err != nil {
			return at(f.Name, err)
		}
		field := fieldPlan{goName: f.Name, name: snakeCase(f.Name), position: -1, offset: base + f.Offset, plan: plan, array: option == "array"}
		if option != "" && option != "array" {
			return fmt.Errorf("field %s of %v: unknown option %q in its tag", f.Name, t, option)
		}
		if n, err := strconv.Atoi(name); err == nil && n >= 0 {
			field.position = n
		} else if hasTag && name != "" {
			field.name, field.tagged = name, true
			s.byName = true
		}
		s.fields = append(s.fields, field)
	}
	return nil
}

// maxPosition bounds a position in a tag.
const maxPosition = 1 << 16

// order works out the tuple's fields by position: each field of the struct
// stands behind the one before it, or where its tag says.
func (s *structPlan) order() error {
	b := &binding{}
	next := 0
	for i, f := range s.fields {
		if f.position >= 0 {
			next = f.position
		}
		if next >= maxPosition {
			return fmt.Errorf("field %s of %v: position %d is too large", f.goName, s.typ, next)
		}
		for len(b.fields) <= next {
			b.fields = append(b.fields, -1)
		}
		if b.fields[next] >= 0 {
			return fmt.Errorf("fields %s and %s of %v have the same position %d", s.fields[b.fields[next]].goName, f.goName, s.typ, next)
		}
		b.fields[next] = i
		next++
	}
	s.position = b
	return nil
}

// bind returns the binding to a tuple whose fields have the given names. It is
// that by position unless tags name fields and the names are known.
func (s *structPlan) bind(names []string) *binding {
	if !s.byName || len(names) == 0 {
		return s.position
	}
	if b, ok := s.bindings.Load(&names[0]); ok {
		return b.(*binding)
	}
	b := &binding{fields: make([]int, len(names))}
	for i, name := range names {
		b.fields[i] = s.find(name)
	}
	s.bindings.Store(&names[0], b)
	return b
}

// find returns the number of the struct's field of a name, -1 for none.
func (s *structPlan) find(name string) int {
	for i, f := range s.fields {
		if f.name == name || !f.tagged && f.goName == name {
			return i
		}
	}
	plain := plainName(name)
	for i, f := range s.fields {
		if !f.tagged && plainName(f.goName) == plain {
			return i
		}
	}
	return -1
}

// plainName is a name without what names are compared without.
func plainName(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

// snakeCase turns a Go name into one of Tarantool's kind: UserID is user_id.
func snakeCase(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, c := range runes {
		if unicode.IsUpper(c) && i > 0 && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) && runes[i-1] != '_' {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// ByName tells whether the names of a tuple's fields matter to the plan.
func (plan *Plan) ByName() bool { return plan.fields != nil && plan.fields.byName }

// DecodeRow reads a value in the place of a tuple, whose fields have the given
// names, into what p points to. names may be nil.
func (plan *Plan) DecodeRow(r *Reader, p unsafe.Pointer, names []string) {
	if s := plan.fields; s != nil && s.byName && names != nil && !reflect.PointerTo(plan.typ).Implements(unmarshalerType) {
		s.decode(r, p, s.bind(names))
		return
	}
	plan.decode(r, p)
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
	bound := b.fields
	for i := range n {
		if i >= len(bound) || bound[i] < 0 {
			r.Skip()
			continue
		}
		f := &s.fields[bound[i]]
		f.plan.decode(r, unsafe.Add(p, f.offset))
		if r.err != nil {
			r.err = at(f.goName, r.err)
			return
		}
	}
	for _, i := range bound[min(n, len(bound)):] {
		if i >= 0 {
			f := &s.fields[i]
			reflect.NewAt(f.plan.typ, unsafe.Add(p, f.offset)).Elem().SetZero()
		}
	}
}

func (s *structPlan) decodeMap(r *Reader, p unsafe.Pointer) {
	for range r.MapLen() {
		if r.Type() != TypeString {
			r.Skip()
			r.Skip()
			continue
		}
		i := s.find(string(r.StringBytes()))
		if i < 0 {
			r.Skip()
			continue
		}
		f := &s.fields[i]
		f.plan.decode(r, unsafe.Add(p, f.offset))
		if r.err != nil {
			r.err = at(f.goName, r.err)
			return
		}
	}
}

// appendArray writes a struct as an array: the tuple's fields that the struct
// has, nil for those in between that it lacks.
func (s *structPlan) appendArray(b []byte, p unsafe.Pointer, bound *binding, depth int) ([]byte, error) {
	n := len(bound.fields)
	for n > 0 && bound.fields[n-1] < 0 {
		n--
	}
	b = AppendArrayLen(b, n)
	var err error
	for _, i := range bound.fields[:n] {
		if i < 0 {
			b = AppendNil(b)
			continue
		}
		if b, err = s.appendField(b, &s.fields[i], p, depth); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (s *structPlan) appendMap(b []byte, p unsafe.Pointer, depth int) ([]byte, error) {
	if depth > maxDepth {
		return b, errTooDeep
	}
	b = AppendMapLen(b, len(s.fields))
	var err error
	for i := range s.fields {
		f := &s.fields[i]
		b = AppendString(b, f.name)
		if b, err = s.appendField(b, f, p, depth); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (s *structPlan) appendField(b []byte, f *fieldPlan, p unsafe.Pointer, depth int) (_ []byte, err error) {
	p = unsafe.Add(p, f.offset)
	if f.array && f.plan.fields != nil {
		b, err = f.plan.fields.appendArray(b, p, f.plan.fields.position, depth+1)
	} else {
		b, err = f.plan.encode(b, p, depth+1)
	}
	if err != nil {
		return b, at(f.goName, err)
	}
	return b, nil
}
