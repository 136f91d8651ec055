package mp

import (
	"database/sql/driver"
	"encoding"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/types"
)

// A type that has none of MessagePack's methods may have those of database/sql or
// of encoding. With both Value and Scan it is written and read by them, or else
// with both MarshalText and UnmarshalText by those. A struct with only one of
// them is written or read by that one, and the other way is an error, because its
// Go fields are its own affair; another kind of type is what its kind is, because
// one method alone may be for something else, such as to hide a password from
// logs.

// scanner is sql.Scanner, without the package that has it.
type scanner interface{ Scan(src any) error }

var (
	valuerType          = reflect.TypeFor[driver.Valuer]()
	scannerType         = reflect.TypeFor[scanner]()
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func implements(t, method reflect.Type) bool { return reflect.PointerTo(t).Implements(method) }

// methods are those that a type has.
type methods struct{ value, scan, marshalText, unmarshalText bool }

// methodsOf returns the methods that a type is written and read by.
func methodsOf(t reflect.Type) (m methods) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface:
		return m
	}
	m = methods{implements(t, valuerType), implements(t, scannerType), implements(t, textMarshalerType), implements(t, textUnmarshalerType)}
	switch {
	case m.value && m.scan:
		return methods{value: true, scan: true}
	case m.marshalText && m.unmarshalText:
		return methods{marshalText: true, unmarshalText: true}
	case t.Kind() != reflect.Struct:
		return methods{}
	}
	return m
}

// WritesItself reports whether values of a type, or of what it points to, are
// written by methods of the type, or have a form that their kind does not tell.
func WritesItself(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return isKnown(t) || marshals(t) || hasOwnForm(t)
}

// hasOwnForm reports whether a type is written or read by methods of
// database/sql or encoding, or is one that may hold nothing.
func hasOwnForm(t reflect.Type) bool { return isNullable(t) || methodsOf(t) != methods{} }

// methodPlan fills the plan of a type that has such methods.
func (c *compiler) methodPlan(p *Plan) error {
	t := p.typ
	if err := noPromotion(t, "Value", "Scan", "MarshalText", "UnmarshalText"); err != nil {
		return err
	}
	p.single, p.slow = true, true
	m := methodsOf(t)
	switch {
	case m.value:
		p.encode = func(b []byte, v unsafe.Pointer, depth int) ([]byte, error) {
			return appendDriverValue(b, reflect.NewAt(t, v).Interface().(driver.Valuer), depth)
		}
	case m.marshalText:
		p.encode = func(b []byte, v unsafe.Pointer, _ int) ([]byte, error) {
			return appendText(b, reflect.NewAt(t, v).Interface().(encoding.TextMarshaler))
		}
	default:
		p.encode = func(b []byte, _ unsafe.Pointer, _ int) ([]byte, error) {
			return b, fmt.Errorf("%s can be read but not written: it has neither Value, MarshalText nor MarshalMsg", typeName(t))
		}
	}
	switch {
	case m.scan:
		p.decode = func(r *Reader, v unsafe.Pointer) { r.scan(reflect.NewAt(t, v).Interface().(scanner)) }
	case m.unmarshalText:
		p.decode = func(r *Reader, v unsafe.Pointer) {
			if r.Nil() {
				reflect.NewAt(t, v).Elem().SetZero()
				return
			}
			r.text(reflect.NewAt(t, v).Interface().(encoding.TextUnmarshaler))
		}
	default:
		p.decode = func(r *Reader, _ unsafe.Pointer) {
			r.Fail(fmt.Errorf("%s can be written but not read: it has neither Scan, UnmarshalText nor UnmarshalMsg", typeName(t)))
		}
	}
	return nil
}

// noPromotion refuses a struct that has one of the methods from an embedded one
// and fields besides: those would be lost.
func noPromotion(t reflect.Type, methods ...string) error {
	if t.Kind() != reflect.Struct {
		return nil
	}
	var embedded string
	fields := 0
	for i := range t.NumField() {
		switch f := t.Field(i); {
		case f.Anonymous && hasMethod(f.Type, methods):
			embedded = f.Name
		case f.IsExported() && f.Tag.Get("tnt") != "-":
			fields++
		}
	}
	if embedded == "" || fields == 0 {
		return nil
	}
	for _, name := range methods {
		if isPromoted(t, name) {
			return fmt.Errorf("%s embeds %s, whose %s would stand for the whole of it and leave out the other fields: "+
				"give that field a name, or %s its own MarshalMsg and UnmarshalMsg", typeName(t), embedded, name, typeName(t))
		}
	}
	return nil
}

func hasMethod(t reflect.Type, names []string) bool {
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		t = reflect.PointerTo(t)
	}
	return slices.ContainsFunc(names, func(name string) bool { _, ok := t.MethodByName(name); return ok })
}

// isPromoted reports whether a type has a method from what it embeds: the
// compiler has made one then that is in no file.
func isPromoted(t reflect.Type, name string) bool {
	m, ok := t.MethodByName(name)
	if !ok { // that of a type, if it has one, also makes the compiler make that of a pointer
		m, ok = reflect.PointerTo(t).MethodByName(name)
	}
	if !ok {
		return false
	}
	pc := m.Func.Pointer()
	file, _ := runtime.FuncForPC(pc).FileLine(pc)
	return file == "<autogenerated>"
}

func appendDriverValue(b []byte, v driver.Valuer, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return b, errTooDeep
	}
	var value driver.Value
	if err := recovered(v, "Value", func() (err error) { value, err = v.Value(); return err }); err != nil {
		return b, err
	}
	return appendValue(b, value, depth+1)
}

func appendText(b []byte, v encoding.TextMarshaler) ([]byte, error) {
	var text []byte
	if err := recovered(v, "MarshalText", func() (err error) { text, err = v.MarshalText(); return err }); err != nil {
		return b, err
	}
	return AppendStringBytes(b, text), nil
}

// recovered calls a user's method, whose panic is an error.
func recovered(v any, method string, call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s panicked in %s: %v", TypeName(v), method, p)
		}
	}()
	return call()
}

// text lets a type read its own text.
func (r *Reader) text(v encoding.TextUnmarshaler) {
	text, ok := r.asText()
	if !ok {
		r.fail("the text of "+typeName(reflect.TypeOf(v).Elem()), nil)
	}
	if r.err != nil {
		return
	}
	if err := recovered(v, "UnmarshalText", func() error { return v.UnmarshalText(text) }); err != nil {
		r.Fail(err)
	}
}

// asText reads a string, or what has one text. The bytes are the caller's.
func (r *Reader) asText() (text []byte, ok bool) {
	switch r.Type() {
	case TypeString:
		return append([]byte{}, r.StringBytes()...), true
	case TypeBinary:
		return append([]byte{}, r.Binary()...), true
	case TypeExt:
		start := *r
		switch v := r.Value().(type) {
		case decimal.Decimal:
			return []byte(types.FormatDecimal(v)), true
		case uuid.UUID:
			return []byte(v.String()), true
		}
		if r.err != nil {
			return nil, true
		}
		*r = start
	}
	return nil, r.err != nil
}

// scan gives a value to a Scan method as one of the types that drivers of
// database/sql give: int64, float64, bool, []byte, string, time.Time or nil. A
// number beyond int64 is a uint64, decimals and UUIDs are strings.
func (r *Reader) scan(v scanner) {
	var src any
	start := *r
	switch r.Type() {
	case TypeArray, TypeMap:
	default:
		src = r.Value()
	}
	switch value := src.(type) {
	case decimal.Decimal:
		src = types.FormatDecimal(value)
	case uuid.UUID:
		src = value.String()
	case nil, bool, int64, uint64, float64, string, []byte, time.Time:
	default:
		src = nil
		*r = start
		r.fail("a value for the Scan of "+typeName(reflect.TypeOf(v).Elem()), nil)
	}
	if r.err == nil && src == nil && start.Type() != TypeNil {
		r.fail("a value for the Scan of "+typeName(reflect.TypeOf(v).Elem()), nil)
	}
	if r.err != nil {
		return
	}
	if err := recovered(v, "Scan", func() error { return v.Scan(src) }); err != nil {
		r.Fail(err)
	}
}
