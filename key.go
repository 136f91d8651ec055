package tnt

import (
	"errors"
	"fmt"
	"math"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
)

// Key is what a Select, Update or Delete looks for in an index. Its zero
// value is the empty key: every tuple of the index. K and Parts make others.
type Key struct {
	kind   keyKind
	number uint64
	text   string
	value  any
}

type keyKind uint8

const (
	keyEmpty keyKind = iota
	keyUint
	keyInt // number is an int64
	keyString
	keyValue // value: one part or, as a list, several
	keyNamed // value: a map of field names
)

// K makes a key of one value:
//
//   - of a number, a string, a UUID or any other scalar: a key of one part;
//   - of a []any: a key of its elements as parts;
//   - of a map with strings for keys: a key whose parts are the map's values by
//     the names of the indexed fields, which takes a schema;
//   - of a struct: a key of its fields as parts, in the order of the index's;
//     names in its tags are those of the indexed fields, which takes a schema;
//   - of a Tuple: a key of its fields.
//
// A key of a number or a string costs no allocation.
func K[T any](v T) Key {
	switch x := any(v).(type) {
	case int:
		return intKey(int64(x))
	case int64:
		return intKey(x)
	case int32:
		return intKey(int64(x))
	case uint64:
		return Key{kind: keyUint, number: x}
	case uint:
		return Key{kind: keyUint, number: uint64(x)}
	case uint32:
		return Key{kind: keyUint, number: uint64(x)}
	case string:
		return Key{kind: keyString, text: x}
	case Key:
		return x
	}
	return anyKey(v)
}

func anyKey(v any) Key {
	if m, ok := v.(map[string]any); ok {
		return Key{kind: keyNamed, value: m}
	}
	if m, ok := namedFields(v); ok {
		return Key{kind: keyNamed, value: m}
	}
	return Key{kind: keyValue, value: v}
}

// Parts makes a key of several parts, in the order of the index's. With fewer
// parts than the index has, it is a partial key.
func Parts(parts ...any) Key { return Key{kind: keyValue, value: parts} }

func intKey(v int64) Key {
	if v >= 0 {
		return Key{kind: keyUint, number: uint64(v)}
	}
	return Key{kind: keyInt, number: uint64(v)}
}

var errEmptyKey = errors.New("the key is empty: a request for one tuple takes a whole key of a unique index")

var errNilKey = errors.New("the key is nil: leave it out to select every tuple, or look for nil by Parts(nil)")

// append writes the key as an array. index resolves names of fields and may
// be nil.
func (k Key) append(s *mp.Settings, b []byte, index *schema.Index) ([]byte, error) {
	switch k.kind {
	case keyEmpty:
		return mp.AppendArrayLen(b, 0), nil
	case keyUint:
		return mp.AppendUint(append(b, 0x91), k.number), nil
	case keyInt:
		return mp.AppendInt(append(b, 0x91), int64(k.number)), nil
	case keyString:
		return mp.AppendString(append(b, 0x91), k.text), nil
	case keyNamed:
		return appendNamedKey(s, b, k.value.(map[string]any), index)
	}
	switch v := k.value.(type) {
	case nil:
		return b, errNilKey
	case []any:
		return appendList(s, b, v, 1)
	case Tuple:
		if len(v.raw) == 0 {
			return b, errNilKey
		}
		return append(b, v.raw...), nil
	}
	return appendOtherKey(s, b, k.value, index)
}

// appendOtherKey writes a value as a key of one part, or as the parts where it
// turns out to be an array, as slices and structs do.
func appendOtherKey(s *mp.Settings, b []byte, v any, index *schema.Index) ([]byte, error) {
	start := len(b)
	b, err := s.AppendKey(append(b, 0x91), v, index.PartNames())
	if err != nil {
		return b, keyNamesError(err, index)
	}
	switch mp.TypeOf(b[start+1]) {
	case mp.TypeArray:
		b = append(b[:start], b[start+1:]...)
	case mp.TypeNil:
		return b, errNilKey
	case mp.TypeMap:
		return b, fmt.Errorf("%s is written as a map, which is no key: give the parts as a list, a struct or a map of field names", mp.TypeName(v))
	}
	return b, nil
}

// keyNamesError returns the error of a struct that can't be written by the names
// of an index's parts. A newer schema may have them.
func keyNamesError(err error, index *schema.Index) error {
	var names *mp.NamesError
	switch {
	case !errors.As(err, &names):
		return err
	case index == nil:
		return &SchemaError{What: fmt.Sprintf("a key of %s, which has a field tagged %q, takes a schema with the index: tag by number, or not at all", names.Type, names.Name)}
	case names.Unknown():
		return &SchemaError{What: fmt.Sprintf("a key of %s, which has a field tagged %q, takes an index whose parts have names, which %q is not: tag by number, or not at all",
			names.Type, names.Name, index.Name), stale: true}
	}
	return &SchemaError{What: "a key: " + names.Missing(fmt.Sprintf("index %q", index.Name)), stale: true}
}

// appendList writes values as a list, inside of so many others: 1 where the list is one
// of them, as a tuple is.
func appendList(s *mp.Settings, b []byte, list []any, levels int) ([]byte, error) {
	if uint64(len(list)) > math.MaxUint32 {
		return b, fmt.Errorf("a list of %d values is too long", len(list))
	}
	b = mp.AppendArrayLen(b, len(list))
	var err error
	for i, v := range list {
		if b, err = s.AppendNested(b, v, levels); err != nil {
			return b, fmt.Errorf("value %d: %w", i+1, err)
		}
	}
	return b, nil
}

// appendNamedKey writes the values of the index's parts in its order: all of
// them, or the first ones.
func appendNamedKey(s *mp.Settings, b []byte, m map[string]any, index *schema.Index) ([]byte, error) {
	if index == nil {
		return b, &SchemaError{What: "a key by field names takes a schema with the index; give the parts as a list"}
	}
	used := 0
	for used < len(index.Parts) {
		if _, ok := m[index.Parts[used].Name]; !ok {
			break
		}
		used++
	}
	if used != len(m) || used == 0 {
		return b, fmt.Errorf("the key's names are not the first parts of index %q: %v", index.Name, partNames(index))
	}
	b = mp.AppendArrayLen(b, used)
	var err error
	for _, part := range index.Parts[:used] {
		if b, err = s.AppendNested(b, m[part.Name], 1); err != nil {
			return b, fmt.Errorf("key field %q: %w", part.Name, err)
		}
	}
	return b, nil
}

// partNames returns what names the parts of an index have, "" for those without.
func partNames(index *schema.Index) []string {
	names := make([]string, len(index.Parts))
	for i, part := range index.Parts {
		names[i] = part.Name
	}
	return names
}
