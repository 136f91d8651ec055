package mp

import (
	"reflect"
	"regexp"
	"strings"
)

// typePath is the path of a package before its name, in the parameters of a
// generic type's name.
var typePath = regexp.MustCompile(`[\w.~-]+(/[\w.~-]+)*/`)

// typeName returns a type as it is written in a program, for messages: without
// the paths of packages, and without what is in a struct that has no name.
func typeName(t reflect.Type) string {
	if t == nil {
		return "nil"
	}
	if t.Name() == "" {
		switch t.Kind() {
		case reflect.Pointer:
			return "*" + typeName(t.Elem())
		case reflect.Slice:
			return "[]" + typeName(t.Elem())
		case reflect.Map:
			return "map[" + typeName(t.Key()) + "]" + typeName(t.Elem())
		case reflect.Struct:
			var names []string
			for i := range t.NumField() {
				if len(names) == 3 {
					names = append(names, "...")
					break
				}
				names = append(names, t.Field(i).Name)
			}
			return "struct{" + strings.Join(names, ", ") + "}"
		case reflect.Array:
			if elem := t.Elem(); elem.Name() == "" {
				return strings.TrimSuffix(t.String(), elem.String()) + typeName(elem)
			}
		}
	}
	return strings.ReplaceAll(typePath.ReplaceAllString(t.String(), ""), "interface {}", "any")
}

// TypeName returns the name of v's type for messages.
func TypeName(v any) string { return typeName(reflect.TypeOf(v)) }
