package mp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"unicode"
	"unsafe"
)

// A NamesError reports a struct, or a map, whose fields can't be found by their
// names.
type NamesError struct {
	Type  string   // of the struct or the map
	Field string   // the struct's field that was not found, "" where the names are not known
	Name  string   // of it, as it is in the tag or as it follows from Field
	Names []string // those that there are
	// Tagged reports that the field's tag has the name.
	Tagged bool
}

// Unknown reports whether the names of the tuple's fields are not known at all.
func (e *NamesError) Unknown() bool { return e.Field == "" }

// Error says what was not found, and how to mend it.
func (e *NamesError) Error() string {
	switch {
	case e.Unknown() && e.Name == "":
		return e.Type + " takes a tuple by the names of its fields, and those are not known here: " + howToGetNames + "; or take a list"
	case e.Unknown():
		return fmt.Sprintf("%s has a field tagged %q, and the names of this tuple's fields are not known here: %s; or tag the fields by number, or not at all",
			e.Type, e.Name, howToGetNames)
	}
	return e.Missing("the tuple")
}

const howToGetNames = "results of functions have them with Options.TupleFormats, and tuples of a space that has a format with a schema"

// Missing is the message that the field is none of what, such as "the tuple".
func (e *NamesError) Missing(what string) string {
	verb := "is"
	if e.Tagged {
		verb = "is tagged"
	}
	return fmt.Sprintf("field %s of %s %s %q, which %s lacks: it has %s", e.Field, e.Type, verb, e.Name, what, listed(e.Names))
}

// nameless is the error of a struct with names in its tags that stands for a
// tuple whose fields' names are not known. To go by position instead would put
// values into fields that were not meant.
func (s *structPlan) nameless() error {
	e := &NamesError{Type: typeName(s.typ)}
	for i := range s.fields {
		if s.fields[i].tagged {
			e.Name, e.Tagged = s.fields[i].name, true
			break
		}
	}
	return e
}

// lacking is the error of a field that no field of the tuple has the name of.
func (s *structPlan) lacking(f *fieldPlan, names []string) error {
	return &NamesError{Type: typeName(s.typ), Field: f.goName, Name: f.name, Names: names, Tagged: f.tagged}
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

var errSameNames = errors.New("two fields or columns have the same name: take a list, or give them different names")
