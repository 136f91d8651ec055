package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
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
	r := mp.NewReader(raw)
	v := r.Value()
	if err := r.Err(); err != nil {
		return fmt.Sprintf("undecodable: %v", err)
	}
	return plain(v)
}

// jsonLine writes a value as a line of JSON.
func jsonLine(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.String(), err
}

// lua writes a value as Lua does.
func lua(v any) string {
	switch v := v.(type) {
	case nil:
		return "box.NULL"
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = lua(item)
		}
		return "{" + strings.Join(items, ", ") + "}"
	case map[string]any:
		var items []string
		for k, item := range v {
			items = append(items, "["+luaString(k)+"] = "+lua(item))
		}
		slices.Sort(items)
		return "{" + strings.Join(items, ", ") + "}"
	case string:
		return luaString(v)
	case uint64:
		return fmt.Sprintf("%dULL", v)
	}
	return fmt.Sprint(v)
}

// luaString quotes a string; bytes that are no text are escaped in decimal.
func luaString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, "\\%03d", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
