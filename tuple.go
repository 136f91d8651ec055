package tnt

import (
	"bytes"
	"fmt"
	"iter"
	"strings"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
)

// Tuple is a tuple of the server's, or a list that a function returned, as
// its bytes: a field is decoded when it is asked for. It is the user's to
// keep, never changes and is safe for concurrent use. The zero Tuple, which is
// that of an answer without one, is empty: what is in it is an ErrNoTuple.
type Tuple struct {
	raw    []byte // the whole array, its head included
	format *schema.Format
}

// printedFields is how many fields String shows.
const printedFields = 50

// FieldError reports a field that a Tuple doesn't have.
type FieldError struct{ What string }

// Error tells which field is missing.
func (e *FieldError) Error() string { return "tnt: " + e.What }

// Len returns the number of fields.
func (t Tuple) Len() int {
	if len(t.raw) == 0 {
		return 0
	}
	r := mp.NewReader(t.raw)
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
	r := mp.NewReader(t.raw)
	r.ArrayLen()
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

// Has tells whether the tuple has a field of that name.
func (t Tuple) Has(name string) bool {
	_, err := t.position(name)
	return err == nil
}

// Contains tells whether one of the fields has that value.
func (t Tuple) Contains(v any) bool {
	want, err := appendValue(nil, v)
	if err != nil || len(t.raw) == 0 {
		return false
	}
	r := mp.NewReader(t.raw)
	for range r.ArrayLen() {
		have, err := appendValue(nil, r.Value()) // as want: a number may have come in a longer form
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
		r := mp.NewReader(t.raw)
		for i := range r.ArrayLen() {
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
		if text, ok := v.(string); ok {
			fmt.Fprintf(&b, "%q", text)
		} else {
			fmt.Fprint(&b, v)
		}
	}
	b.WriteString("]")
	return b.String()
}
