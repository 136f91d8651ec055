// Package rowtest compares what is decoded of rows with recordings of what
// another reader made of them, which are JSON. Values that JSON has not are
// objects of one member: {"$float64": x}, {"$float32": x}, {"$bin": hex},
// {"$str": hex} (a string that is not UTF-8), {"$ext": [type, hex, text]} and
// {"$map": [[key, value], ...]} where keys are not plain strings.
package rowtest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/gotnt/tnt/internal/mp"
)

// Both sides are made of these: nil, bool, string, integer, float, list and
// object.
type (
	list   []any
	object map[string]any
	float  struct {
		bits  int
		value float64
	}
	opaque struct{ kind, hex string }
)

// Value reads a MessagePack value in the form that Parse has.
func Value(r *mp.Reader) any {
	switch r.Type() {
	case mp.TypeNil:
		r.Nil()
		return nil
	case mp.TypeBool:
		return r.Bool()
	case mp.TypeUint:
		return strconv.FormatUint(r.Uint(), 10) + "i"
	case mp.TypeInt:
		return strconv.FormatInt(r.Int(), 10) + "i"
	case mp.TypeFloat32:
		return float{32, r.Float64()}
	case mp.TypeFloat64:
		return float{64, r.Float64()}
	case mp.TypeString:
		return text(r.StringBytes())
	case mp.TypeBinary:
		return opaque{"$bin", hex.EncodeToString(r.Binary())}
	case mp.TypeArray:
		values := list{}
		for n := r.ArrayLen(); n > 0; n-- {
			values = append(values, Value(r))
		}
		return values
	case mp.TypeMap:
		return mapping(r)
	case mp.TypeExt:
		typ, data := r.Ext()
		return opaque{"$ext " + strconv.Itoa(int(typ)), hex.EncodeToString(data)}
	}
	r.Fail(fmt.Errorf("a value of type %v", r.Type()))
	return nil
}

func text(b []byte) any {
	if utf8.Valid(b) {
		return "'" + string(b)
	}
	return opaque{"$str", hex.EncodeToString(b)}
}

func mapping(r *mp.Reader) any {
	var pairs list
	object := object{}
	plain := true
	for n := r.MapLen(); n > 0; n-- {
		k, v := Value(r), Value(r)
		pairs = append(pairs, list{k, v})
		if name, ok := k.(string); ok && name[0] == '\'' {
			object[name[1:]] = v
		} else {
			plain = false
		}
	}
	if !plain || len(object) != len(pairs) {
		return pairs
	}
	return object
}

// Parse reads a value of a recording.
func Parse(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return convert(v), nil
}

func convert(v any) any {
	switch v := v.(type) {
	case string:
		return "'" + v
	case json.Number:
		return v.String() + "i"
	case []any:
		values := list{}
		for _, item := range v {
			values = append(values, convert(item))
		}
		return values
	case map[string]any:
		if len(v) == 1 {
			for name, inner := range v {
				if special := special(name, inner); special != nil {
					return special
				}
			}
		}
		converted := object{}
		for name, item := range v {
			converted[name] = convert(item)
		}
		return converted
	}
	return v
}

func special(name string, v any) any {
	switch name {
	case "$float64", "$float32":
		bits, _ := strconv.Atoi(name[len("$float"):])
		x, err := strconv.ParseFloat(fmt.Sprint(v), 64)
		if err != nil {
			return err
		}
		return float{bits, x}
	case "$bin", "$str":
		return opaque{name, v.(string)}
	case "$ext":
		parts := v.([]any)
		return opaque{"$ext " + parts[0].(json.Number).String(), parts[1].(string)}
	case "$map":
		var pairs list
		for _, pair := range v.([]any) {
			pairs = append(pairs, convert(pair))
		}
		return pairs
	}
	return nil
}
