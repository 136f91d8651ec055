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
	p.decode = func(r *Reader, v unsafe.Pointer) {
		m := reflect.NewAt(p.typ, v).Elem()
		if r.Nil() {
			m.SetZero()
			return
		}
		r.mapOf(m, key, elem)
	}
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

// emptyArray consumes an empty array, if that is what comes next.
func (r *Reader) emptyArray() bool {
	if len(r.b) > 0 && r.b[0] == 0x90 {
		r.b = r.b[1:]
		return true
	}
	return false
}

func (r *Reader) mapOf(m reflect.Value, key, elem *Plan) {
	n := 0
	if !r.emptyArray() { // which is what Lua makes of an empty table
		n = r.MapLen()
	}
	if !r.enter(2 * n) {
		return
	}
	fresh := reflect.MakeMapWithSize(m.Type(), n)
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
		if r.err != nil {
			r.err = at(fmt.Sprintf("[%v]", k.Elem()), r.err)
			return
		}
		fresh.SetMapIndex(k.Elem(), e.Elem())
	}
	r.depth--
	m.Set(fresh)
}

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
