package tnt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
)

// Tuple is a tuple of the server's, or a list that a function returned, as
// its bytes: a field is decoded when it is asked for. It is the user's to
// keep, never changes and is safe for concurrent use. The zero Tuple, which is
// that of an answer without one, is empty: what is in it is an ErrNoTuple.
type Tuple struct {
	raw      []byte // the whole array, its head included
	format   *schema.Format
	settings *mp.Settings // what it is read by, and tuples inside of it; nil: the defaults
}

func init() {
	mp.RegisterTuple(mp.TupleType{
		Type: reflect.TypeFor[Tuple](),
		Make: func(array []byte, f mp.Format, s *mp.Settings) any { return makeTuple(array, f, s) },
		Set: func(p unsafe.Pointer, array []byte, f mp.Format, s *mp.Settings) {
			*(*Tuple)(p) = makeTuple(array, f, s)
		},
		Array: func(p unsafe.Pointer) []byte { return (*Tuple)(p).raw },
	})
}

// makeTuple makes a Tuple of an array and what is known of its format.
func makeTuple(array []byte, f mp.Format, s *mp.Settings) Tuple {
	format, _ := f.(*schema.Format)
	return Tuple{raw: array, format: format, settings: s}
}

// NewTuple makes a Tuple of values, which may be of any type that can be sent,
// and whose names are those of the format; nil is for none. The error is that of
// a value that can't be sent. The Tuple knows no connection, so values may be nested as
// Options.MaxNesting is by default.
func NewTuple(format *schema.Format, values ...any) (Tuple, error) {
	raw, err := appendList(nil, nil, values, 1)
	if err != nil {
		return Tuple{}, fmt.Errorf("tnt: a tuple: %w", err)
	}
	return Tuple{raw: raw, format: format}, nil
}

// whole returns a reader over the tuple.
func (t Tuple) whole() mp.Reader {
	return t.settings.Reader(t.raw)
}

// printedFields is how many fields String shows.
const printedFields = 50

// FieldError reports a field that a Tuple doesn't have.
type FieldError struct{ What string }

// Error says which field is missing.
func (e *FieldError) Error() string { return "tnt: " + e.What }

// Len returns the number of fields.
func (t Tuple) Len() int {
	if len(t.raw) == 0 {
		return 0
	}
	r := t.whole()
	return r.ArrayLen()
}

// Format returns the names of the fields, nil where they are not known.
func (t Tuple) Format() *schema.Format { return t.format }

// Raw returns the tuple as MessagePack. It must not be changed.
func (t Tuple) Raw() []byte { return t.raw }

// reader returns a reader that stands before field i, which may be negative
// to count from the end.
func (t Tuple) reader(i int) (mp.Reader, error) {
	if len(t.raw) == 0 {
		return mp.Reader{}, ErrNoTuple
	}
	n := t.Len()
	at := i
	if at < 0 {
		at += n
	}
	if at < 0 || at >= n {
		return mp.Reader{}, &FieldError{What: fmt.Sprintf("no field %d in a tuple of %d fields", i, n)}
	}
	r := t.whole()
	r.Fields()
	for range at {
		r.Skip()
	}
	err := r.Err()
	return r, err
}

// position returns the number of the field of that name.
func (t Tuple) position(name string) (int, error) {
	if len(t.raw) == 0 {
		return 0, ErrNoTuple
	}
	if t.format == nil {
		return 0, &FieldError{What: fmt.Sprintf("no field %q: the tuple's fields have no names here, as its space has no format or there is no schema", name)}
	}
	i, ok := t.format.Index(name)
	switch {
	case t.format.IsAmbiguous(name):
		return 0, &FieldError{What: fmt.Sprintf("several fields or columns have the name %q: take them by number", name)}
	case !ok:
		return 0, &FieldError{What: fmt.Sprintf("no field %q in the format: it has %s", name, strings.Join(t.format.Names(), ", "))}
	case i >= t.Len():
		return 0, &FieldError{What: fmt.Sprintf("field %q is not in this tuple, which has %d fields", name, t.Len())}
	}
	return i, nil
}

// At returns the value of a field by its number from 0, or from the end by a
// negative one.
func (t Tuple) At(i int) (any, error) {
	r, err := t.reader(i)
	if err != nil {
		return nil, err
	}
	v := r.Value()
	return v, r.Err()
}

// Get returns the value of a field by its name.
func (t Tuple) Get(name string) (any, error) {
	i, err := t.position(name)
	if err != nil {
		return nil, err
	}
	return t.At(i)
}

// GetOr returns the value of a field by its name, or def where the tuple has
// no such field.
func (t Tuple) GetOr(name string, def any) any {
	if v, err := t.Get(name); err == nil {
		return v
	}
	return def
}

// Has reports whether the tuple has a field of that name.
func (t Tuple) Has(name string) bool {
	_, err := t.position(name)
	return err == nil
}

// Contains reports whether one of the fields has that value.
func (t Tuple) Contains(v any) bool {
	want, err := t.settings.AppendNested(nil, v, 1)
	if err != nil || len(t.raw) == 0 {
		return false
	}
	r := t.whole()
	for range r.Fields() {
		have, err := t.settings.AppendNested(nil, r.Value(), 1) // as want: a number may have come in a longer form
		if err == nil && r.Err() == nil && bytes.Equal(have, want) {
			return true
		}
	}
	return false
}

// Values returns the values of all fields.
func (t Tuple) Values() ([]any, error) { return t.Slice(0, t.Len()) }

// Slice returns the values of the fields from number i up to and without
// number j. Both may be negative to count from the end.
func (t Tuple) Slice(i, j int) ([]any, error) {
	n := t.Len()
	from, to := i, j
	if from < 0 {
		from += n
	}
	if to < 0 {
		to += n
	}
	if from < 0 || to > n || from > to {
		return nil, &FieldError{What: fmt.Sprintf("no fields %d to %d in a tuple of %d fields", i, j, n)}
	}
	values := make([]any, 0, to-from)
	if from == to {
		return values, nil
	}
	r, err := t.reader(from)
	if err != nil {
		return nil, err
	}
	for range to - from {
		values = append(values, r.Value())
	}
	return values, r.Err()
}

// Names returns the names of the tuple's fields: as many as the format names.
func (t Tuple) Names() []string {
	names := t.format.Names()
	return names[:min(len(names), t.Len())]
}

// Fields iterates over the names and values of the fields. Those beyond the
// format have the name "". It stops at a value that can't be decoded.
func (t Tuple) Fields() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if len(t.raw) == 0 {
			return
		}
		names := t.format.Names()
		r := t.whole()
		for i := range r.Fields() {
			name := ""
			if i < len(names) {
				name = names[i]
			}
			v := r.Value()
			if r.Err() != nil || !yield(name, v) {
				return
			}
		}
	}
}

// Map returns the fields that have names, by their names.
func (t Tuple) Map() (map[string]any, error) {
	if len(t.raw) == 0 {
		return nil, ErrNoTuple
	}
	if t.format == nil {
		return nil, &FieldError{What: "the tuple's fields have no names here, as its space has no format or there is no schema"}
	}
	values, err := t.Values()
	if err != nil {
		return nil, err
	}
	m := make(map[string]any, len(values))
	for i, name := range t.Names() {
		if t.format.IsAmbiguous(name) {
			return nil, &FieldError{What: fmt.Sprintf("several fields or columns have the name %q: take them by number", name)}
		}
		m[name] = values[i]
	}
	return m, nil
}

// String shows the fields with their names where they are known, at most 50.
func (t Tuple) String() string {
	var b strings.Builder
	b.WriteString("[")
	shown := 0
	for name, v := range t.Fields() {
		if shown > 0 {
			b.WriteString(", ")
		}
		shown++
		if shown > printedFields {
			b.WriteString("...")
			break
		}
		if name != "" {
			b.WriteString(name + ": ")
		}
		b.WriteString(printed(v))
	}
	b.WriteString("]")
	return b.String()
}

// printed shows a value as String does.
func printed(v any) string {
	if text, ok := v.(string); ok {
		return strconv.Quote(text)
	}
	return fmt.Sprint(v)
}

// MarshalJSON returns the values of the fields as an array, each as encoding/json
// has it: binary data in base64, a decimal, a UUID and a datetime by their own
// MarshalJSON. A map of Lua's with numbers for keys has those as text. The zero
// Tuple is null. Strings that are no UTF-8, which Tarantool takes, are an error:
// JSON has no form of them.
func (t Tuple) MarshalJSON() ([]byte, error) {
	if len(t.raw) == 0 {
		return []byte("null"), nil
	}
	values, err := t.Values()
	if err != nil {
		return nil, err
	}
	for i := range values {
		if values[i], err = forJSON(values[i]); err != nil {
			return nil, fmt.Errorf("tnt: field %d of a tuple: %w", i, err)
		}
	}
	return json.Marshal(values)
}

// checkUTF8 refuses what encoding/json would put other characters in the place of.
func checkUTF8(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("the string %q is no UTF-8, and JSON has no form of it", s)
	}
	return nil
}

// forJSON returns an untyped value as encoding/json takes it: it knows no map
// with keys of any type.
func forJSON(v any) (_ any, err error) {
	switch v := v.(type) {
	case string:
		return v, checkUTF8(v)
	case []any:
		for i := range v { // it is nobody else's
			if v[i], err = forJSON(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range v {
			if err := checkUTF8(k); err != nil {
				return nil, err
			}
			if v[k], err = forJSON(v[k]); err != nil {
				return nil, err
			}
		}
	case map[any]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			switch k := k.(type) {
			case string:
				if err := checkUTF8(k); err != nil {
					return nil, err
				}
			case int64, uint64, float64, bool:
			default:
				return nil, fmt.Errorf("a map's key of type %T has no form in JSON", k)
			}
			if m[fmt.Sprint(k)], err = forJSON(e); err != nil {
				return nil, err
			}
		}
		if len(m) != len(v) {
			return nil, errors.New("two keys of a map have the same form in JSON")
		}
		return m, nil
	}
	return v, nil
}
