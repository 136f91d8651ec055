package mp

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

func (c *compiler) addFields(s *structPlan, t reflect.Type, base uintptr) error {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, option, err := parseTag(f)
		if err != nil {
			return fmt.Errorf("field %s of %v: %w", f.Name, t, err)
		}
		if tag == "-" {
			continue
		}
		if tag == "" && f.Anonymous && embeds(f.Type) {
			if err := c.addFields(s, f.Type, base+f.Offset); err != nil {
				return err
			}
			continue
		}
		if !f.IsExported() {
			continue
		}
		plan, err := c.plan(f.Type)
		if err != nil {
			return at(f.Name, err)
		}
		field := fieldPlan{
			goName: f.Name, name: snakeCase(f.Name), position: -1,
			offset: base + f.Offset, plan: plan,
		}
		if option == "array" {
			if !c.isStruct(f.Type) {
				return fmt.Errorf("field %s of %v: the option array in its tag is for structs", f.Name, t)
			}
			field.array = true
		}
		if n, err := strconv.Atoi(tag); err == nil && n >= 0 {
			field.position = n
		} else if tag != "" {
			field.name, field.tagged = tag, true
			s.byName = true
		}
		s.fields = append(s.fields, field)
	}
	return nil
}

// parseTag returns the name or number in a field's tag, and its option.
func parseTag(f reflect.StructField) (name, option string, err error) {
	name, option, _ = strings.Cut(f.Tag.Get("tnt"), ",")
	if option != "" && option != "array" {
		return "", "", fmt.Errorf("unknown option %q in its tag", option)
	}
	return name, option, nil
}

// embeds tells whether the fields of an embedded type stand in its place.
func embeds(t reflect.Type) bool {
	_, known := knownPlans[t]
	return t.Kind() == reflect.Struct && !known && !marshals(t) && !unmarshals(t)
}

// isStruct tells whether a type, or what it points to, is a struct that is
// written field by field.
func (c *compiler) isStruct(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return embeds(t)
}

// maxPosition bounds a position in a tag.
const maxPosition = 1 << 16

// A binding says which field of the struct each field of a tuple is, nil for
// none, and which fields of the struct the tuple lacks.
type binding struct {
	names   []string
	fields  []*fieldPlan
	unbound []int
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
		if next >= maxPosition {
			return fmt.Errorf("field %s of %v: position %d is too large", f.goName, s.typ, next)
		}
		for len(b.fields) <= next {
			b.fields = append(b.fields, nil)
		}
		if other := b.fields[next]; other != nil {
			return fmt.Errorf("fields %s and %s of %v have the same position %d", other.goName, f.goName, s.typ, next)
		}
		b.fields[next] = f
		next++
	}
	s.position = b
	return nil
}
