package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/types"
)

// luaRow prints what does the same in Lua; other rows as a comment.
func luaRow(out io.Writer, p *printedRow) error {
	target := "box.space[" + luaString(p.space) + "]"
	if p.data.SpaceID != 0 && p.space == strconv.FormatUint(uint64(p.data.SpaceID), 10) {
		target = "box.space[" + p.space + "]"
	}
	var args []string
	for _, raw := range [][]byte{p.data.Key, p.data.Tuple} {
		if raw != nil {
			args = append(args, lua(decoded(raw)))
		}
	}
	if p.data.Ops != nil {
		args = append(args, lua(luaOps(decoded(p.data.Ops), p.data.IndexBase)))
	}
	text := fmt.Sprintf("%s:%s(%s)\n", target, strings.ToLower(p.row.Type.String()), strings.Join(args, ", "))
	if len(args) == 0 {
		text = fmt.Sprintf("-- %v, LSN %d of instance %d\n", p.row.Type, p.row.LSN, p.row.ReplicaID)
	}
	_, err := io.WriteString(out, text)
	return err
}

// luaOps makes operations count fields, and positions in strings, from 1.
func luaOps(ops any, base int) any {
	list, _ := ops.([]any)
	for _, op := range list {
		parts, _ := op.([]any)
		for i, part := range parts {
			if n, ok := part.(int64); ok && n >= 0 && (i == 1 || i == 2 && parts[0] == ":") {
				parts[i] = n + 1 - int64(base)
			}
		}
	}
	return ops
}

// lua writes a decoded value as Lua that makes the same value again, of the
// same type.
func lua(v any) string {
	switch v := v.(type) {
	case nil:
		return "box.NULL"
	case string:
		return luaString(v)
	case []byte:
		return "require('varbinary').new(" + luaString(string(v)) + ")"
	case int64:
		if v > maxLuaInteger || v < -maxLuaInteger {
			return fmt.Sprintf("%dLL", v)
		}
	case uint64:
		return fmt.Sprintf("%dULL", v)
	case float64:
		return luaFloat(v)
	case decimal.Decimal:
		return "require('decimal').new(" + luaString(v.StringFixed(max(0, -v.Exponent()))) + ")"
	case uuid.UUID:
		return "require('uuid').fromstr(" + luaString(v.String()) + ")"
	case time.Time: // parse returns a second value
		return "(require('datetime').parse(" + luaString(v.Format("2006-01-02T15:04:05.999999999-0700")) + "))"
	case types.Interval:
		return fmt.Sprintf("require('datetime').interval.new({year = %d, month = %d, week = %d, day = %d, hour = %d, min = %d, sec = %d, nsec = %d, adjust = '%s'})",
			v.Year, v.Month, v.Week, v.Day, v.Hour, v.Min, v.Sec, v.Nsec, luaAdjust(v.Adjust))
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = lua(item)
		}
		return "{" + strings.Join(items, ", ") + "}"
	case map[string]any:
		m := make(map[any]any, len(v))
		for k, item := range v {
			m[k] = item
		}
		return luaMap(m)
	case map[any]any:
		return luaMap(v)
	}
	return fmt.Sprint(v)
}

// maxLuaInteger is the largest integer up to which a Lua number has them all.
const maxLuaInteger = 1 << 53

// luaFloat writes a number that stays a double where it has no fraction.
func luaFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "0/0"
	case math.IsInf(f, 0):
		return fmt.Sprintf("%v*math.huge", math.Copysign(1, f))
	case f == math.Trunc(f):
		return "require('ffi').cast('double', " + strconv.FormatFloat(f, 'g', -1, 64) + ")"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func luaAdjust(a types.Adjust) string {
	switch a {
	case types.AdjustExcess:
		return "excess"
	case types.AdjustLast:
		return "last"
	}
	return "none"
}

// luaMap writes a map. One without a string for a key would be taken for an
// array.
func luaMap(m map[any]any) string {
	items, named := make([]string, 0, len(m)), false
	for k, item := range m {
		_, isString := k.(string)
		named = named || isString
		items = append(items, "["+lua(k)+"] = "+lua(item))
	}
	slices.Sort(items)
	text := "{" + strings.Join(items, ", ") + "}"
	if !named {
		text = "setmetatable(" + text + ", {__serialize = 'map'})"
	}
	return text
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
