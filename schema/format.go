package schema

import "slices"

// Field is a field of a Format.
type Field struct {
	Name       string
	Type       string // "unsigned", "string", ...; "any" where none is given
	IsNullable bool
	Collation  uint64 // id of a collation, 0 for none
}

// Format is the names and types of a tuple's fields. It never changes. A nil
// Format has no fields.
type Format struct {
	fields []Field
	names  []string
	byName map[string]int
	twice  map[string]bool // names of several fields, as columns of SQL may have; nil for none
}

// NewFormat makes a format of fields, in their order. It is nil without any. Of
// two fields of one name the first is found by it.
func NewFormat(fields ...Field) *Format {
	if len(fields) == 0 {
		return nil
	}
	f := &Format{fields: slices.Clone(fields), names: make([]string, len(fields)), byName: make(map[string]int, len(fields))}
	for i, field := range fields {
		f.names[i] = field.Name
		if _, taken := f.byName[field.Name]; !taken {
			f.byName[field.Name] = i
			continue
		}
		if f.twice == nil {
			f.twice = map[string]bool{}
		}
		f.twice[field.Name] = true
	}
	return f
}

// Fields returns the fields. The slice must not be changed.
func (f *Format) Fields() []Field {
	if f == nil {
		return nil
	}
	return f.fields
}

// Len returns the number of fields.
func (f *Format) Len() int { return len(f.Fields()) }

// Index returns the number, from 0, of the field of that name.
func (f *Format) Index(name string) (i int, ok bool) {
	if f == nil {
		return 0, false
	}
	i, ok = f.byName[name]
	return i, ok
}

// IsAmbiguous reports whether several fields have that name, as columns of SQL
// may.
func (f *Format) IsAmbiguous(name string) bool { return f != nil && f.twice[name] }

// Names returns the names of the fields. The slice must not be changed; it is
// the same at each call.
func (f *Format) Names() []string {
	if f == nil {
		return nil
	}
	return f.names
}

// Equal reports whether two formats have the same fields in the same order.
func (f *Format) Equal(other *Format) bool {
	return f == other || slices.Equal(f.Fields(), other.Fields())
}
