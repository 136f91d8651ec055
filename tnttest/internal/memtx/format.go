package memtx

import (
	"strconv"

	"github.com/gotnt/tnt/errcode"
)

// FieldDef is a field of a space's format.
type FieldDef struct {
	Name     string
	Type     FieldType
	Nullable bool
	Coll     *Collation
	Default  []byte // the value where none is given, nil for none
}

// formatField is what the format and the indexes of a space say of a field.
type formatField struct {
	name     string
	typ      FieldType
	nullable bool
	def      []byte
	inFormat bool
	isPart   bool
}

// format checks the tuples of a space.
type format struct {
	fields   []formatField
	exact    int // field_count, 0 for any
	required int // the number of the first fields that have one that must be there
	indexed  int // the number of the first fields that indexes look at
	defaults bool
	names    map[string]int
}

// newFormat joins the format of a space with the parts of its indexes.
func newFormat(def *SpaceDef, indexes []*Index) (*format, *Error) {
	f := &format{exact: def.FieldCount, names: make(map[string]int, len(def.Format))}
	for i, d := range def.Format {
		f.fields = append(f.fields, formatField{
			name: d.Name, typ: d.Type, nullable: d.Nullable, def: d.Default, inFormat: true,
		})
		f.names[d.Name] = i
		f.defaults = f.defaults || d.Default != nil
	}
	for _, ix := range indexes {
		for _, p := range ix.cmp.parts {
			f.indexed = max(f.indexed, p.Field+1)
		}
		for _, p := range ix.key.parts {
			if err := f.usePart(p); err != nil {
				return nil, err
			}
		}
	}
	for i, d := range f.fields {
		if !d.nullable && d.def == nil {
			f.required = i + 1
		}
	}
	return f, nil
}

// usePart narrows a field to what a part of a key needs.
func (f *format) usePart(p Part) *Error {
	for len(f.fields) <= p.Field {
		f.fields = append(f.fields, formatField{typ: TypeAny, nullable: true})
	}
	d := &f.fields[p.Field]
	switch {
	case !d.inFormat && !d.isPart:
		d.nullable = p.Nullable
	case !p.Nullable:
		d.nullable = false
	}
	switch {
	case d.typ.contains(p.Type):
		d.typ = p.Type
	case p.Type.contains(d.typ):
	case d.isPart:
		return Errorf(errcode.IndexPartTypeMismatch, "Field %s has type '%s' in one index, but type '%s' in another",
			f.path(p.Field), d.typ, p.Type)
	default:
		return Errorf(errcode.FormatMismatchIndexPart, "Field %s has type '%s' in space format, but type '%s' in index definition",
			f.path(p.Field), d.typ, p.Type)
	}
	d.isPart = true
	return nil
}

// path names a field in errors.
func (f *format) path(i int) string {
	s := strconv.Itoa(i + 1)
	if name := f.fields[i].name; name != "" {
		return s + " (" + name + ")"
	}
	return s
}

// check reports whether the space can hold the tuple.
func (f *format) check(tuple []byte) *Error {
	n, b := array(tuple)
	if f.exact > 0 && n != f.exact {
		return Errorf(errcode.ExactFieldCount, "Tuple field count %d does not match space field count %d", n, f.exact)
	}
	if err := f.missing(n); err != nil {
		return err
	}
	for i := range min(n, len(f.fields)) {
		var v []byte
		v, b = next(b)
		if err := f.checkField(i, v); err != nil {
			return err
		}
	}
	return nil
}

func (f *format) missing(n int) *Error {
	for i := n; i < f.required; i++ {
		if d := &f.fields[i]; !d.nullable && d.def == nil {
			return with(Errorf(errcode.FieldMissing, "Tuple field %s required by space format is missing", f.path(i)),
				"field", f.path(i))
		}
	}
	return nil
}

func (f *format) checkField(i int, v []byte) *Error {
	d := &f.fields[i]
	if !d.typ.accepts(v, d.nullable || d.def != nil) {
		e := Errorf(errcode.FieldType, "Tuple field %s type does not match one required by operation: expected %s, got %s",
			f.path(i), d.typ, kindName(v))
		return with(e, "field", f.path(i), "expected", d.typ.String(), "actual", kindName(v))
	}
	if lo, hi, ok := d.typ.bounds(); ok && !isNil(v) {
		if n := readInteger(v); less(n, lo) || less(hi, n) {
			return Errorf(errcode.FieldValueOutOfRange, "The value of field %s exceeds the supported range for type '%s': expected [%s..%s], got %s",
				f.path(i), d.typ, lo, hi, n)
		}
	}
	return nil
}

// fill puts default values where fields are nil or missing.
func (f *format) fill(tuple []byte) []byte {
	if !f.defaults || len(tuple) > maxTupleSize {
		return tuple
	}
	values := elements(tuple)
	changed := false
	for i, d := range f.fields {
		if d.def == nil || i < len(values) && !isNil(values[i]) {
			continue
		}
		for len(values) <= i {
			values = append(values, []byte{0xc0})
		}
		values[i], changed = d.def, true
	}
	if !changed {
		return tuple
	}
	return encodeKey(values)
}

// String returns the number in decimal.
func (i integer) String() string {
	if i.neg {
		return strconv.FormatInt(int64(i.abs), 10)
	}
	return strconv.FormatUint(i.abs, 10)
}

// maxTupleSize is the default of memtx_max_tuple_size.
const maxTupleSize = 1 << 20

// newRow checks a tuple and makes a row of it.
func (f *format) newRow(tuple []byte) (*row, *Error) {
	tuple = f.fill(tuple)
	if err := f.check(tuple); err != nil {
		return nil, err
	}
	if size := len(tuple) + tupleOverhead; size > maxTupleSize {
		return nil, Errorf(errcode.MemtxMaxTupleSize, "Failed to allocate %d bytes for tuple: tuple is too large. "+
			"Check 'memtx_max_tuple_size' configuration option.", size)
	}
	return f.row(append([]byte(nil), tuple...)), nil
}

// tupleOverhead is the size of what memtx keeps with a tuple's bytes.
const tupleOverhead = 10

// row makes a row of a tuple that is known to fit.
func (f *format) row(tuple []byte) *row {
	r := &row{data: tuple}
	n, b := array(tuple)
	n = min(n, f.indexed)
	r.fields = make([][]byte, n)
	for i := range r.fields {
		r.fields[i], b = next(b)
	}
	return r
}

// FieldNumber finds a field by its name.
func (f *format) fieldNumber(name []byte) (int, bool) {
	i, ok := f.names[string(name)]
	return i, ok
}

// kindOf returns the type of a field by number, TypeAny for one not known.
func (f *format) kindOf(i int) FieldType {
	if i < len(f.fields) {
		return f.fields[i].typ
	}
	return TypeAny
}
