package main

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/gotnt/tnt/internal/mp"
)

// plain makes a decoded value one that JSON can hold: keys are strings, and
// what JSON has no form of is a string, too; text that is no UTF-8 in base64, as
// binary data. A map with keys that would be the same is a list of pairs.
func plain(v any) any {
	switch v := v.(type) {
	case []any:
		values := make([]any, len(v))
		for i, item := range v {
			values[i] = plain(item)
		}
		return values
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, item := range v {
			m[fmt.Sprint(plain(k))] = plain(item)
		}
		if len(m) < len(v) {
			return pairs(v)
		}
		return m
	case map[any]any:
		m := make(map[string]any, len(v))
		for k, item := range v {
			m[fmt.Sprint(plain(k))] = plain(item)
		}
		if len(m) < len(v) {
			return pairs(v)
		}
		return m
	case string:
		if !utf8.ValidString(v) {
			return plain([]byte(v))
		}
		return v
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
		return v
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case nil, bool, int64, uint64:
		return v
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprint(v)
}

// pairs makes a list of a map's keys and values, in the order of their text.
func pairs[K comparable](m map[K]any) any {
	list := make([][2]any, 0, len(m))
	for k, v := range m {
		list = append(list, [2]any{plain(k), plain(v)})
	}
	slices.SortFunc(list, func(a, b [2]any) int {
		return cmp.Compare(fmt.Sprintf("%v %T", a[0], a[0]), fmt.Sprintf("%v %T", b[0], b[0]))
	})
	return list
}

// values decodes an array of MessagePack; nil of nothing.
func values(raw []byte) any {
	if raw == nil {
		return nil
	}
	return plain(decoded(raw))
}

// decoded decodes MessagePack as it is.
func decoded(raw []byte) any {
	r := mp.NewReader(raw)
	v := r.Value()
	if err := r.Err(); err != nil {
		return fmt.Sprintf("undecodable: %v", err)
	}
	return v
}

// jsonLine writes a value as a line of JSON.
func jsonLine(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.String(), err
}
