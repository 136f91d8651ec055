package mp

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

func (c *compiler) mapPlan(p *Plan) error {
	key, err := c.plan(p.typ.Key())
	if err != nil {
		return err
	}
	elem, err := c.plan(p.typ.Elem())
	if err != nil {
		return err
	}
	p.inside = []*Plan{key, elem}
	text := takesText(p.typ.Key())
	p.named = text
	p.row = func(r *Reader, v unsafe.Pointer, f Format) {
		m := reflect.NewAt(p.typ, v).Elem()
		switch {
		case r.Nil():
			m.SetZero()
		case text && r.Type() == TypeExt && r.IsTuple():
			r.inTuple(func(inner *Reader, f Format) { p.row(inner, v, f) })
		case text && r.Type() == TypeArray && !r.atEmptyArray():
			r.namedTuple(m, elem, f)
		default:
			r.mapOf(m, key, elem)
		}
	}
	p.decode = func(r *Reader, v unsafe.Pointer) { p.row(r, v, nil) }
	p.encode = func(b []byte, v unsafe.Pointer, depth int) ([]byte, error) {
		m := reflect.NewAt(p.typ, v).Elem()
		switch {
		case m.IsNil():
			return AppendNil(b), nil
		case depth >= maxDepth:
			return b, errTooDeep
		}
		return appendMap(b, m, key, elem, depth)
	}
	return nil
}

// takesText reports whether the keys of a map can be names.
func takesText(key reflect.Type) bool {
	return key.Kind() == reflect.String && !hasOwnForm(key) && !unmarshals(key) ||
		key.Kind() == reflect.Interface && key.NumMethod() == 0
}

// namedTuple reads a tuple as a map of the fields that have names.
func (r *Reader) namedTuple(m reflect.Value, elem *Plan, f Format) {
	names := namesOf(f)
	if len(names) == 0 {
		r.Fail(&NamesError{Type: typeName(m.Type())})
		return
	}
	n := r.ArrayLen()
	if !r.enter(n) {
		return
	}
	fresh := reflect.MakeMapWithSize(m.Type(), min(n, len(names)))
	e := reflect.New(elem.typ)
	keyType := m.Type().Key()
	owed := r.owed
	for i := range n {
		r.owed = owed + n - i - 1
		if i >= len(names) || names[i] == "" {
			r.Skip()
			continue
		}
		e.Elem().SetZero()
		elem.decode(r, e.UnsafePointer())
		if r.err != nil {
			r.err = at(names[i], r.err)
			return
		}
		size := fresh.Len()
		if fresh.SetMapIndex(reflect.ValueOf(names[i]).Convert(keyType), e.Elem()); fresh.Len() == size {
			r.Fail(at(names[i], errSameNames))
			return
		}
	}
	r.owed = owed
	r.depth--
	m.Set(fresh)
}

// atEmptyArray reports whether an empty array comes next.
func (r *Reader) atEmptyArray() bool { return len(r.b) > 0 && r.b[0] == 0x90 }

// emptyArray consumes an empty array, if that is what comes next.
func (r *Reader) emptyArray() bool {
	if r.atEmptyArray() {
		r.b = r.b[1:]
		return true
	}
	return false
}

// roomFor returns how many values of a size to make room for before they were
// read: there are bytes for n of them, but a value may be larger than its bytes
// by far.
func (r *Reader) roomFor(n int, size uintptr) int {
	const factor, least = 16, 16
	if size == 0 {
		return n
	}
	return int(min(int64(n), least+int64(len(r.b))*factor/int64(size)))
}

// RoomFor is how many elements of a size, in bytes, to make room for at first
// where n of them are announced.
func (r *Reader) RoomFor(n int, size uintptr) int { return r.roomFor(n, size) }

func (r *Reader) mapOf(m reflect.Value, key, elem *Plan) {
	n := 0
	switch {
	case r.emptyArray(): // which is what Lua makes of an empty table
	case r.Type() == TypeArray:
		r.Fail(fmt.Errorf("msgpack: the array at offset %d is no %s, because its elements have no keys: take a slice", r.Offset(), typeName(m.Type())))
	default:
		n = r.MapLen()
	}
	if !r.enter(2 * n) {
		return
	}
	fresh := reflect.MakeMapWithSize(m.Type(), r.roomFor(n, key.typ.Size()+elem.typ.Size()))
	k, e := reflect.New(key.typ), reflect.New(elem.typ)
	owed := r.owed
	for i := range n {
		r.owed = owed + 2*(n-i) - 1
		k.Elem().SetZero()
		e.Elem().SetZero()
		key.decode(r, k.UnsafePointer())
		if r.err == nil && !k.Elem().Comparable() {
			r.Fail(errors.New("msgpack: a map's key is one that no Go map can have"))
		}
		r.owed--
		elem.decode(r, e.UnsafePointer())
		if r.err == nil {
			if fresh.SetMapIndex(k.Elem(), e.Elem()); fresh.Len() != i+1 {
				r.Fail(errSameKeys)
			}
		}
		if r.err != nil {
			r.err = at(fmt.Sprintf("[%v]", k.Elem()), r.err)
			return
		}
	}
	r.owed = owed
	r.depth--
	m.Set(fresh)
}

var errSameKeys = errors.New("msgpack: a map has this key twice")

// appendMap appends a map, in the order of its keys where those are strings.
func appendMap(b []byte, m reflect.Value, key, elem *Plan, depth int) (_ []byte, err error) {
	b = AppendMapLen(b, m.Len())
	k, e := reflect.New(key.typ), reflect.New(elem.typ)
	pair := func() error {
		if b, err = key.encode(b, k.UnsafePointer(), depth+1); err == nil {
			b, err = elem.encode(b, e.UnsafePointer(), depth+1)
		}
		if err != nil {
			err = at(fmt.Sprintf("[%v]", k.Elem()), err)
		}
		return err
	}
	if key.typ.Kind() == reflect.String {
		keys := m.MapKeys()
		slices.SortFunc(keys, func(x, y reflect.Value) int { return strings.Compare(x.String(), y.String()) })
		for _, each := range keys {
			k.Elem().Set(each)
			e.Elem().Set(m.MapIndex(each))
			if err := pair(); err != nil {
				return b, err
			}
		}
		return b, nil
	}
	for it := m.MapRange(); it.Next(); {
		k.Elem().SetIterKey(it)
		e.Elem().SetIterValue(it)
		if err := pair(); err != nil {
			return b, err
		}
	}
	return b, nil
}
