package mp

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// maxPosition bounds a position in a tag.
const maxPosition = 1 << 16

// A candidate is a field of a struct, or of one that is embedded in it.
type candidate struct {
	field reflect.StructField
	tag   fieldTag
	index []int // as of reflect: the way through the embedded structs
	path  []embedding
	base  uintptr // of the struct that the last pointer of path leads to
	owner reflect.Type
}

// key is the name that a field shadows others by: the one it has in a map.
func (c *candidate) key() string {
	if c.tag.name != "" {
		return c.tag.name
	}
	return snakeCase(c.field.Name)
}

func (c *candidate) String() string { return fmt.Sprintf("%s of %s", c.field.Name, typeName(c.owner)) }

// An embedding is a pointer to an embedded struct: where it is in the struct
// that it belongs to, and what it points to.
type embedding struct {
	offset uintptr
	elem   reflect.Type
}

// addFields finds the fields of a struct. As in encoding/json those of embedded
// structs stand in their place, a less nested field shadows a more nested one
// of its name, and of fields that are nested equally one with a name in its tag
// wins. Unlike there, what stays ambiguous is an error: that neither is there
// would shift all behind them.
func (c *compiler) addFields(s *structPlan, t reflect.Type) error {
	found, err := collectFields(t, nil, nil, 0, nil)
	if err != nil {
		return err
	}
	kept, err := dominant(t, found)
	if err != nil {
		return err
	}
	for i := range kept {
		if err := c.addField(s, &kept[i]); err != nil {
			return err
		}
	}
	return nil
}

// collectFields returns the fields of a struct in their order, those of embedded
// structs in their place. open are the structs that it is embedded in.
func collectFields(t reflect.Type, index []int, path []embedding, base uintptr, open []reflect.Type) (found []candidate, err error) {
	open = append(slices.Clip(open), t)
	for i := range t.NumField() {
		f := t.Field(i)
		tag, err := parseTag(f)
		if err != nil {
			return nil, fmt.Errorf("field %s of %s: %w", f.Name, typeName(t), err)
		}
		if tag.skip {
			continue
		}
		at := append(slices.Clip(index), i)
		if f.Anonymous && tag.isEmpty() {
			inner, innerPath, innerBase := f.Type, path, base+f.Offset
			if f.Type.Kind() == reflect.Pointer {
				inner = f.Type.Elem()
				innerPath = append(slices.Clip(path), embedding{base + f.Offset, inner})
				innerBase = 0
			}
			if embeds(inner) {
				if slices.Contains(open, inner) {
					continue // its fields are there already, less nested
				}
				more, err := collectFields(inner, at, innerPath, innerBase, open)
				if err != nil {
					return nil, err
				}
				found = append(found, more...)
				continue
			}
		}
		if !f.IsExported() {
			if f.Anonymous && !tag.isEmpty() {
				return nil, fmt.Errorf("field %s of %s: it has a tag but is not exported, so that it would be left out", f.Name, typeName(t))
			}
			continue
		}
		found = append(found, candidate{field: f, tag: tag, index: at, path: path, base: base, owner: t})
	}
	return found, nil
}

// dominant returns the fields that are not shadowed.
func dominant(t reflect.Type, found []candidate) ([]candidate, error) {
	best := map[string]int{}
	var ambiguous []string
	for i := range found {
		f := &found[i]
		j, ok := best[f.key()]
		if !ok {
			best[f.key()] = i
			continue
		}
		other := &found[j]
		switch {
		case len(f.index) != len(other.index):
			if len(f.index) < len(other.index) {
				best[f.key()] = i
			}
		case f.owner != other.owner && (f.tag.name != "") != (other.tag.name != ""):
			if f.tag.name != "" {
				best[f.key()] = i
			}
		default:
			ambiguous = append(ambiguous, f.key())
		}
	}
	for _, key := range ambiguous {
		if err := ambiguity(t, found, &found[best[key]]); err != nil {
			return nil, err
		}
	}
	kept := found[:0:0]
	for i := range found {
		if best[found[i].key()] == i {
			kept = append(kept, found[i])
		}
	}
	return kept, nil
}

// ambiguity returns the error of several fields of a name that are nested as
// deep as the one that is kept, where neither shadows the other.
func ambiguity(t reflect.Type, found []candidate, kept *candidate) error {
	var same []string
	tagged := 0
	for i := range found {
		f := &found[i]
		if f.key() != kept.key() || len(f.index) != len(kept.index) {
			continue
		}
		if f.owner == kept.owner || (f.tag.name != "") == (kept.tag.name != "") {
			same = append(same, f.String())
			if f.tag.name != "" {
				tagged++
			}
		}
	}
	switch {
	case len(same) < 2:
		return nil
	case tagged == len(same):
		return fmt.Errorf("%s: the fields %s have the same tag %q", typeName(t), strings.Join(same, " and "), kept.key())
	}
	return fmt.Errorf("%s: the fields %s have the same name %q, and neither shadows the other: tag them by different names, or one by `tnt:\"-\"`",
		typeName(t), strings.Join(same, " and "), kept.key())
}

func (c *compiler) addField(s *structPlan, from *candidate) error {
	f, tag := from.field, from.tag
	plan, err := c.fieldPlan(f.Type, tag)
	if err != nil {
		return at(f.Name, err)
	}
	if tag.array && !isStruct(f.Type) {
		return fmt.Errorf("field %s of %s: the option array in its tag is for structs", f.Name, typeName(from.owner))
	}
	field := fieldPlan{
		goName: f.Name, name: snakeCase(f.Name), position: tag.position,
		offset: from.base + f.Offset, path: from.path, plan: plan, array: tag.array,
	}
	if tag.name != "" {
		field.name, field.tagged = tag.name, true
		s.byName = true
	}
	s.fields = append(s.fields, field)
	return nil
}

// fieldPlan returns the plan of a field's type.
func (c *compiler) fieldPlan(t reflect.Type, tag fieldTag) (*Plan, error) {
	if tag.round {
		return c.roundingPlan(t)
	}
	return c.plan(t)
}

// embeds reports whether the fields of an embedded type stand in its place.
func embeds(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !isKnown(t) && !marshals(t) && !unmarshals(t) && !hasOwnForm(t)
}

// isStruct reports whether a type, or what it points to, is a struct that is
// written field by field.
func isStruct(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return embeds(t)
}

// A binding says which field of the struct each field of a tuple is, nil for
// none, and which fields of the struct the tuple lacks.
type binding struct {
	names   []string
	fields  []*fieldPlan
	unbound []int
	err     error // why the struct can't be bound to these names
}

// order works out the tuple's fields by position: each field of the struct
// stands behind the one before it, or where its tag says.
func (s *structPlan) order() error {
	b := &binding{}
	next := 0
	for i := range s.fields {
		f := &s.fields[i]
		if f.position >= 0 {
			next = f.position
		}
		for len(b.fields) <= next {
			b.fields = append(b.fields, nil)
		}
		if other := b.fields[next]; other != nil {
			return fmt.Errorf("fields %s and %s of %s have the same position %d", other.goName, f.goName, typeName(s.typ), next)
		}
		b.fields[next] = f
		next++
	}
	s.position = b
	return nil
}
