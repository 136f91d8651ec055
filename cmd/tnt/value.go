package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/gotnt/tnt/internal/mp"
)

// plain makes a decoded value one that JSON can hold: keys are strings, and
// what JSON has no form of is a string, too.
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
			m[k] = plain(item)
		}
		return m
	case map[any]any:
		m := make(map[string]any, len(v))
		for k, item := range v {
			m[fmt.Sprint(k)] = plain(item)
		}
		return m
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
		return v
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case nil, bool, string, int64, uint64:
		return v
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprint(v)
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
