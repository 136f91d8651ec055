package tnt

import (
	"errors"
	"fmt"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
)

// appendValue writes a value of any type that MessagePack has a form for.
func appendValue(b []byte, v any) ([]byte, error) {
	if t, ok := v.(Tuple); ok {
		if len(t.raw) == 0 {
			return mp.AppendArrayLen(b, 0), nil
		}
		return append(b, t.raw...), nil
	}
	return mp.AppendValue(b, v)
}

var (
	errNilTuple    = errors.New("the tuple is nil")
	errNamesNeeded = &SchemaError{What: "a tuple as a map of field names takes a schema and a space with a format: give it as a list"}
)

// appendTuple writes a tuple for a space. space may be nil.
func appendTuple(b []byte, v any, space *schema.Space) ([]byte, error) {
	switch t := v.(type) {
	case nil:
		return b, errNilTuple
	case []any:
		return appendList(b, t)
	case Tuple:
		return appendValue(b, t)
	case map[string]any:
		return appendNamedTuple(b, t, space.TupleFormat())
	}
	start := len(b)
	b, err := mp.AppendRow(b, v, space.TupleFormat().Names())
	if err != nil {
		return b, err
	}
	if kind := mp.TypeOf(b[start]); kind != mp.TypeArray {
		return b, fmt.Errorf("%T is no tuple but %v: give a list, a struct or a map of field names", v, kind)
	}
	return b, nil
}

// appendNamedTuple writes the fields in the order of the format. Those that
// the map lacks are nil; the ones at the end are left out.
func appendNamedTuple(b []byte, m map[string]any, f *schema.Format) ([]byte, error) {
	if f == nil {
		return b, errNamesNeeded
	}
	last := 0
	for name := range m {
		i, ok := f.Index(name)
		if !ok {
			return b, &SchemaError{What: fmt.Sprintf("the format has no field %q: it has %v", name, f.Names()), stale: true}
		}
		last = max(last, i+1)
	}
	b = mp.AppendArrayLen(b, last)
	var err error
	for _, name := range f.Names()[:last] {
		if b, err = appendValue(b, m[name]); err != nil {
			return b, fmt.Errorf("field %q: %w", name, err)
		}
	}
	return b, nil
}
