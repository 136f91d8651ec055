package mp

import (
	"reflect"
	"unsafe"
)

// nullPackages have types that are a value or nothing: structs of the value and
// of a flag, Valid.
var nullPackages = map[string]bool{
	"database/sql":                  true,
	"github.com/shopspring/decimal": true,
	"github.com/google/uuid":        true,
}

// isNullable reports whether a type is such, as sql.NullInt64, sql.Null[T],
// decimal.NullDecimal and uuid.NullUUID are.
func isNullable(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && nullPackages[t.PkgPath()] && t.NumField() == 2 &&
		t.Field(1).Name == "Valid" && t.Field(1).Type.Kind() == reflect.Bool && t.Field(0).IsExported()
}

// nullPlan fills the plan of such a type: nil, or the value in the form that it
// has by itself. The types' own methods would make a string of a decimal, and a
// number of a string.
func (c *compiler) nullPlan(p *Plan) error {
	inner := p.typ.Field(0)
	elem, err := c.plan(inner.Type)
	if err != nil {
		return err
	}
	p.inside = []*Plan{elem}
	valid := p.typ.Field(1).Offset
	p.single = true
	p.decode = func(r *Reader, v unsafe.Pointer) {
		ok := (*bool)(unsafe.Add(v, valid))
		if r.Nil() {
			reflect.NewAt(p.typ, v).Elem().SetZero()
			return
		}
		elem.decode(r, unsafe.Add(v, inner.Offset))
		*ok = r.err == nil
	}
	p.encode = func(b []byte, v unsafe.Pointer, depth int) ([]byte, error) {
		if !*(*bool)(unsafe.Add(v, valid)) {
			return AppendNil(b), nil
		}
		return elem.encode(b, unsafe.Add(v, inner.Offset), depth)
	}
	return nil
}
