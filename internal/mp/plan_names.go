package mp

import (
	"slices"
	"strings"
	"sync/atomic"
	"unicode"
	"unsafe"
)

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
			add(x.exact, f.goName, i)
		}
	}
	for i, f := range fields {
		if !f.tagged {
			add(x.exact, f.name, i)
			add(x.loose, plainName(f.goName), i)
		}
	}
}

// find returns the number of the field of a name, -1 for none.
func (x *nameIndex) find(name []byte) int {
	if i, ok := x.exact[string(name)]; ok {
		return i
	}
	if i, ok := x.loose[plainName(string(name))]; ok {
		return i
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

// bind returns the binding to a tuple whose fields have the given names. It is
// that by position unless tags name fields and the names are known.
func (s *structPlan) bind(names []string) *binding {
	if !s.byName || len(names) == 0 {
		return s.position
	}
	for i := range s.bindings.recent {
		if b := s.bindings.recent[i].Load(); b != nil && sameNames(b.names, names) {
			return b
		}
	}
	b := &binding{names: names, fields: make([]*fieldPlan, len(names))}
	bound := make([]bool, len(s.fields))
	for n := range s.fields { // those that want a place have it before names are looked at
		f := &s.fields[n]
		if f.position < 0 {
			continue
		}
		for len(b.fields) <= f.position {
			b.fields = append(b.fields, nil)
		}
		b.fields[f.position], bound[n] = f, true
	}
	for i, name := range names {
		if n := s.keys.find([]byte(name)); n >= 0 && !bound[n] && b.fields[i] == nil {
			b.fields[i], bound[n] = &s.fields[n], true
		}
	}
	for n := range s.fields {
		if !bound[n] {
			b.unbound = append(b.unbound, n)
		}
	}
	s.bindings.recent[s.bindings.next.Add(1)%uint32(len(s.bindings.recent))].Store(b)
	return b
}

func sameNames(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	return unsafe.SliceData(a) == unsafe.SliceData(b) || slices.Equal(a, b)
}
