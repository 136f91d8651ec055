package luacall

import "github.com/gotnt/tnt/internal/mp"

// Map iterates over the pairs of a map, in the order on the wire. Keys of
// other types than strings, which Lua mixes in, are "". It returns false where
// the value is no map, or is broken.
func (v Value) Map(each func(key string, value Value)) bool {
	if v.Type() != mp.TypeMap {
		return false
	}
	r := mp.NewReader(v)
	for range r.MapLen() {
		key := ""
		if r.Type() == mp.TypeString {
			key = r.String()
		} else {
			r.Skip()
		}
		value := r.Raw()
		if r.Err() != nil {
			return false
		}
		each(key, value)
	}
	return r.Err() == nil
}

// Get returns the value of a key of a map, nil where there is none.
func (v Value) Get(key string) (found Value) {
	v.Map(func(k string, value Value) {
		if k == key {
			found = value
		}
	})
	return found
}

// Items returns the elements of an array, or of an MP_TUPLE. ok is false where
// it is none. They point into the value.
func (v Value) Items() (items []Value, ok bool) {
	v = v.Untagged()
	if v.Type() != mp.TypeArray {
		return nil, false
	}
	r := mp.NewReader(v)
	items = make([]Value, r.ArrayLen())
	for i := range items {
		items[i] = r.Raw()
	}
	return items, r.Err() == nil
}

// Values returns the elements of an array, or the values of a map that has
// integer keys, as Lua sends an array with holes.
func (v Value) Values() []Value {
	if items, ok := v.Items(); ok {
		return items
	}
	var values []Value
	v.Map(func(_ string, value Value) { values = append(values, value) })
	return values
}

// Text returns a string, "" where the value is none.
func (v Value) Text() string {
	if v.Type() != mp.TypeString {
		return ""
	}
	r := mp.NewReader(v)
	return r.String()
}

// Int returns an integer, 0 where the value is none.
func (v Value) Int() int64 {
	if t := v.Type(); t != mp.TypeUint && t != mp.TypeInt {
		return 0
	}
	r := mp.NewReader(v)
	return r.Int()
}
