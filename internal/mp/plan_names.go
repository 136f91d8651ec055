package mp

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"unicode"
	"unsafe"
)

// A NamesError reports a struct whose fields can't be found by the names in
// their tags.
type NamesError struct {
	// Unknown reports that the names of the tuple's fields are not known at all.
	Unknown bool
	what    string
}

// Error tells which field, and how to mend it.
func (e *NamesError) Error() string { return e.what }

// nameless is the error of a struct with names in its tags that stands for a
// tuple whose fields' names are not known. To go by position instead would put
// values into fields that were not meant.
func (s *structPlan) nameless() error {
	example := ""
	for i := range s.fields {
		if s.fields[i].tagged {
			example = s.fields[i].name
			break
		}
	}
	return &NamesError{Unknown: true, what: fmt.Sprintf(
		"%s has a field tagged by the name %q, and the names of this tuple's fields are not known: they come with Options.TupleFormats, "+
			"and with a schema where the space has a format; or tag the fields by number, or not at all", typeName(s.typ), example)}
}

// lacking is the error of a tag that no field of the tuple has the name of.
func (s *structPlan) lacking(f *fieldPlan, names []string) error {
	return &NamesError{what: fmt.Sprintf("field %s of %s is tagged %q, which is no field of the tuple: it has %s",
		f.goName, typeName(s.typ), f.name, listed(names))}
}

// listed returns names for a message.
func listed(names []string) string {
	known := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" })
	return strings.Join(known, ", ")
}

// nameIndex finds a struct's field by a name, of a tuple's field or of a key
// of a map: first by the tag's name or the Go name, then, where the field's tag
// has no name, without regard to case and underscores.
type nameIndex struct {
	exact, loose map[string]int
}

func (x *nameIndex) fill(fields []fieldPlan) {
	x.exact = make(map[string]int, 2*len(fields))
	x.loose = make(map[string]int, len(fields))
	add := func(m map[string]int, name string, i int) {
		if _, ok := m[name]; !ok {
			m[name] = i
		}
	}
	for i, f := range fields {
		if f.tagged {
			add(x.exact, f.name, i)
		}
	}
	for i, f := range fields {
		if !f.tagged {
			add(x.exact, f.name, i)
		}
	}
	for i, f := range fields {
		if !f.tagged {
			add(x.exact, f.goName, i)
			add(x.loose, plainName(f.goName), i)
		}
	}
}

// find returns the number of the field of a name, and how it matches: 0 for
// none.
func (x *nameIndex) find(name []byte) (i int, how match) {
	if i, ok := x.exact[string(name)]; ok {
		return i, exactly
	}
	if i, ok := x.loose[plainName(string(name))]; ok {
		return i, loosely
	}
	return 0, 0
}

// plainName is a name without what names are compared without.
func plainName(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

// snakeCase turns a Go name into one of Tarantool's kind: UserID is user_id.
func snakeCase(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, c := range runes {
		if unicode.IsUpper(c) && i > 0 && runes[i-1] != '_' &&
			(!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// bindings remembers the last few bindings of a struct: there are as many as
// spaces that it is used with, and after a change of the schema new ones.
type bindings struct {
	recent [4]atomic.Pointer[binding]
	next   atomic.Uint32
}

// bind returns the binding to a tuple whose fields have the given names: by
// position, unless tags name fields. Its error is that of the binding.
func (s *structPlan) bind(names []string) *binding {
	if !s.byName {
		return s.position
	}
	if len(names) == 0 {
		return &binding{err: s.nameless()}
	}
	for i := range s.bindings.recent {
		if b := s.bindings.recent[i].Load(); b != nil && sameNames(b.names, names) {
			return b
		}
	}
	b := &binding{names: names, fields: make([]*fieldPlan, len(names))}
	b.err = s.fillBinding(b)
	s.bindings.recent[s.bindings.next.Add(1)%uint32(len(s.bindings.recent))].Store(b)
	return b
}

// fillBinding finds the fields: those that want a place by number, then those
// that match a name exactly, then the others. A name that two fields of the tuple
// have is of no use, because either could be meant.
func (s *structPlan) fillBinding(b *binding) error {
	bound := make([]match, len(s.fields))
	for n := range s.fields {
		f := &s.fields[n]
		if f.position < 0 {
			continue
		}
		for len(b.fields) <= f.position {
			b.fields = append(b.fields, nil)
		}
		b.fields[f.position], bound[n] = f, byNumber
	}
	for _, how := range []match{exactly, loosely} {
		for i, name := range b.names {
			n, got := s.keys.find([]byte(name))
			if got != how || bound[n] > how {
				continue
			}
			f := &s.fields[n]
			switch taken := b.fields[i]; {
			case taken != nil && f.tagged:
				return fmt.Errorf("%s: the fields %s and %s both are the tuple's field %d, %q", typeName(s.typ), taken.goName, f.goName, i, name)
			case taken != nil:
			case bound[n] == how:
				return fmt.Errorf("field %s of %s: several fields or columns of the tuple have the name %q: tag it by number, or give them different names",
					f.goName, typeName(s.typ), name)
			default:
				b.fields[i], bound[n] = f, how
			}
		}
	}
	for n := range s.fields {
		if bound[n] > 0 {
			continue
		}
		if s.fields[n].tagged {
			return s.lacking(&s.fields[n], b.names)
		}
		b.unbound = append(b.unbound, n)
	}
	return nil
}

func sameNames(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	return unsafe.SliceData(a) == unsafe.SliceData(b) || slices.Equal(a, b)
}

// errNameless is the error of a map that a tuple is read into whose fields'
// names are not known.
func errNameless(t reflect.Type) error {
	return &NamesError{Unknown: true, what: fmt.Sprintf("%s takes a tuple by the names of its fields, and those are not known: "+
		"they come with Options.TupleFormats, and with a schema where the space has a format; or take a list", typeName(t))}
}

var errSameNames = errors.New("two fields or columns have the same name: take a list, or give them different names")
