package tnt

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
)

var (
	errNilTuple    = errors.New("the tuple is nil: give a list, a struct or a map of field names")
	errNamesNeeded = &SchemaError{What: "a tuple as a map of field names takes a schema and a space with a format: give it as a list"}
)

// appendTuple writes a tuple for a space. space may be nil.
func appendTuple(s *mp.Settings, b []byte, v any, space *schema.Space) ([]byte, error) {
	switch t := v.(type) {
	case nil:
		return b, errNilTuple
	case []any:
		return appendList(s, b, t, 1)
	case Tuple:
		if len(t.raw) == 0 {
			return b, errNilTuple
		}
		return append(b, t.raw...), nil
	case map[string]any:
		return appendNamedTuple(s, b, t, space.TupleFormat())
	}
	if fields, ok := namedFields(v); ok {
		return appendNamedTuple(s, b, fields, space.TupleFormat())
	}
	start := len(b)
	b, err := s.AppendRow(b, v, space.TupleFormat().Names())
	if err != nil {
		return b, tupleNamesError(err, space)
	}
	switch kind := mp.TypeOf(b[start]); kind {
	case mp.TypeArray:
		return b, nil
	case mp.TypeNil:
		return b, errNilTuple
	default:
		return b, fmt.Errorf("%s is written as %s, which is no tuple: give a list, a struct or a map of field names", mp.TypeName(v), kind.Article())
	}
}

// tupleNamesError returns the error of a struct that can't be written by the
// names of a space's fields. A newer schema may have them.
func tupleNamesError(err error, space *schema.Space) error {
	var names *mp.NamesError
	switch {
	case !errors.As(err, &names):
		return err
	case names.Unknown() && space != nil:
		return &SchemaError{What: fmt.Sprintf("%s has a field tagged %q, and space %q has no format, so its fields have no names: tag by number, or not at all",
			names.Type, names.Name, space.Name), stale: true}
	case space == nil:
		return &SchemaError{What: err.Error()}
	}
	return &SchemaError{What: names.Missing(fmt.Sprintf("the format of space %q", space.Name)), stale: true}
}

// namedFields returns a value that is a map with strings for keys, whatever its
// type, or a pointer to one, as a map of fields by their names.
func namedFields(v any) (map[string]any, bool) {
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.Pointer && !rv.IsNil() {
		rv = rv.Elem()
	}
	if rv.Kind() != reflect.Map || rv.Type().Key().Kind() != reflect.String || mp.WritesItself(rv.Type()) {
		return nil, false
	}
	fields := make(map[string]any, rv.Len())
	for it := rv.MapRange(); it.Next(); {
		fields[it.Key().String()] = it.Value().Interface()
	}
	return fields, true
}

// appendNamedTuple writes the fields in the order of the format. Those that the
// map lacks are nil, up to the last one that it has and the nullable ones behind
// it: the server says of others that they are missing.
func appendNamedTuple(s *mp.Settings, b []byte, m map[string]any, f *schema.Format) ([]byte, error) {
	if f == nil {
		return b, errNamesNeeded
	}
	last := 0
	for name := range m {
		i, ok := f.Index(name)
		if !ok {
			return b, &SchemaError{What: fmt.Sprintf("the format has no field %q: it has %s", name, strings.Join(f.Names(), ", ")), stale: true}
		}
		last = max(last, i+1)
	}
	for fields := f.Fields(); last < len(fields) && fields[last].IsNullable; {
		last++
	}
	b = mp.AppendArrayLen(b, last)
	var err error
	for _, name := range f.Names()[:last] {
		if b, err = s.AppendNested(b, m[name], 1); err != nil {
			return b, fmt.Errorf("field %q: %w", name, err)
		}
	}
	return b, nil
}
