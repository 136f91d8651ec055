package tnttest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Lua returns Lua that makes the schema on a real server, where it is not there
// yet: its sequences, spaces and users. Run it as admin, by a server's start-up
// script, by RunReal or by an EVAL.
func (s Schema) Lua() (string, error) {
	var b strings.Builder
	for _, q := range s.Sequences {
		q = q.resolved()
		fmt.Fprintf(&b, "box.schema.sequence.create(%s, {if_not_exists = true, start = %dLL, min = %s, max = %dLL, step = %dLL, cycle = %v})\n",
			luaString(q.Name), q.Start, luaInteger(q.Min), q.Max, q.Step, q.Cycle)
	}
	for _, sp := range s.Spaces {
		if err := sp.lua(&b); err != nil {
			return "", fmt.Errorf("tnttest: space %s: %w", sp.Name, err)
		}
	}
	names := make([]string, 0, len(s.Users))
	for name := range s.Users {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		q := luaString(name)
		if s.Users[name] == "" {
			fmt.Fprintf(&b, "box.schema.user.create(%s, {if_not_exists = true, password = ''})\n", q)
			continue
		}
		fmt.Fprintf(&b, "box.schema.user.create(%s, {if_not_exists = true, password = %s})\n", q, luaString(s.Users[name]))
		fmt.Fprintf(&b, "box.schema.user.grant(%s, 'read,write,execute,create,alter,drop,usage,session', 'universe', nil, {if_not_exists = true})\n", q)
	}
	return b.String(), nil
}

// lua appends Lua that makes a space.
func (def *SpaceDef) lua(b *strings.Builder) error {
	fmt.Fprintf(b, "do\n  local s = box.schema.space.create(%s, {if_not_exists = true", luaString(def.Name))
	if def.ID != 0 {
		fmt.Fprintf(b, ", id = %d", def.ID)
	}
	if def.FieldCount != 0 {
		fmt.Fprintf(b, ", field_count = %d", def.FieldCount)
	}
	b.WriteString(", format = {")
	for _, f := range def.Format {
		if err := f.lua(b); err != nil {
			return err
		}
	}
	b.WriteString("}})\n")
	for i, ix := range def.Indexes {
		if err := def.luaIndex(b, i, ix); err != nil {
			return fmt.Errorf("index %s: %w", ix.Name, err)
		}
	}
	b.WriteString("end\n")
	return nil
}

func (f *Field) lua(b *strings.Builder) error {
	typ := f.Type
	if typ == "" {
		typ = "any"
	}
	fmt.Fprintf(b, "{name = %s, type = %s", luaString(f.Name), luaString(typ))
	if f.IsNullable {
		b.WriteString(", is_nullable = true")
	}
	if f.Collation != "" {
		fmt.Fprintf(b, ", collation = %s", luaString(f.Collation))
	}
	if f.Default != nil {
		if !json.Valid(f.Default) {
			return fmt.Errorf("the default of field %s is no JSON", f.Name)
		}
		fmt.Fprintf(b, ", default = require('json').decode(%s)", luaString(string(f.Default)))
	}
	b.WriteString("}, ")
	return nil
}

func (def *SpaceDef) luaIndex(b *strings.Builder, i int, ix IndexDef) error {
	parts, err := def.resolve(ix.Parts)
	if err != nil {
		return err
	}
	typ := ix.Type
	if typ == "" {
		typ = "tree"
	}
	id := uint32(i)
	if ix.ID != nil {
		id = *ix.ID
	}
	fmt.Fprintf(b, "  s:create_index(%s, {if_not_exists = true, id = %d, type = %s, unique = %v, parts = {",
		luaString(ix.Name), id, luaString(typ), ix.Unique == nil || *ix.Unique)
	for _, p := range parts {
		fmt.Fprintf(b, "{field = %d", p.Field)
		if p.Type != "" {
			fmt.Fprintf(b, ", type = %s", luaString(p.Type))
		}
		if p.IsNullable {
			b.WriteString(", is_nullable = true")
		}
		if p.ExcludeNull {
			b.WriteString(", exclude_null = true")
		}
		if p.Collation != "" {
			fmt.Fprintf(b, ", collation = %s", luaString(p.Collation))
		}
		if p.SortOrder != "" {
			fmt.Fprintf(b, ", sort_order = %s", luaString(p.SortOrder))
		}
		b.WriteString("}, ")
	}
	b.WriteByte('}')
	switch {
	case ix.AutoIncrement:
		b.WriteString(", sequence = true")
	case ix.Sequence != "":
		fmt.Fprintf(b, ", sequence = %s", luaString(ix.Sequence))
	}
	b.WriteString("})\n")
	return nil
}

// luaString quotes a string for Lua.
func luaString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\%03d`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// luaInteger writes a number; Lua has no literal of the smallest.
func luaInteger(n int64) string {
	if n == -1<<63 {
		return "-9223372036854775807LL - 1"
	}
	return strconv.FormatInt(n, 10) + "LL"
}

// SchemaLua is Lua that returns, as JSON, the schema of the spaces that users
// made on the server that runs it: what ReadSchema reads. Passwords are not part
// of it, nor are spaces that the embedded server can't have, which it names in
// an error. Give it to an EVAL:
//
//	text, err := tnt.One[string](ctx, conn, tnt.Eval{Expr: tnttest.SchemaLua})
//	schema, err := tnttest.ReadSchema(strings.NewReader(text))
const SchemaLua = `
local json = require('json').new()
local out = {spaces = setmetatable({}, {__serialize = 'seq'}), sequences = setmetatable({}, {__serialize = 'seq'})}
local names, generated, of = {}, {}, {}
for _, t in box.space._space_sequence:pairs() do
    of[t[1]] = t
    if t[3] then generated[t[2]] = true end
end
for _, t in box.space._sequence:pairs() do
    names[t[1]] = t[3]
    if not generated[t[1]] then
        table.insert(out.sequences, {name = t[3], step = t[4], min = t[5], max = t[6], start = t[7], cycle = t[9]})
    end
end
local collations = {}
for _, t in box.space._collation:pairs() do collations[t[1]] = t[2] end
local function collation(id) if id ~= nil then return collations[id] end end
for _, t in box.space._space:pairs({512}, {iterator = 'GE'}) do
    local s = box.space[t[1]]
    if s == nil or s.engine ~= 'memtx' or t[6].view then
        error('the embedded server has no such space as ' .. t[3] .. ': engine ' .. t[4], 0)
    end
    local space = {id = t[1], name = t[3], format = setmetatable({}, {__serialize = 'seq'}),
        indexes = setmetatable({}, {__serialize = 'seq'})}
    if t[5] > 0 then space.field_count = t[5] end
    for i, f in ipairs(t[7]) do
        local field = {name = f.name or f[1], type = f.type or f[2] or 'any', collation = collation(f.collation), default = f.default}
        if f.is_nullable then field.is_nullable = true end
        space.format[i] = field
    end
    for _, i in box.space._index:pairs({t[1]}) do
        local ix, index = s.index[i[2]], nil
        index = {id = i[2], name = i[3], type = i[4]:lower(), unique = i[5].unique, parts = {}}
        if index.type ~= 'tree' and index.type ~= 'hash' then
            error(('the embedded server has no index of the type %s, as %s of %s is'):format(i[4], i[3], t[3]), 0)
        end
        for n, p in ipairs(ix.parts) do
            if p.path ~= nil then error(('the embedded server has no JSON paths in indexes, as %s of %s has'):format(i[3], t[3]), 0) end
            local part = {field = p.fieldno, type = p.type, collation = p.collation, sort_order = p.sort_order}
            if part.sort_order == 'asc' then part.sort_order = nil end
            if p.is_nullable then part.is_nullable = true end
            if p.exclude_null then part.exclude_null = true end
            index.parts[n] = part
        end
        if i[2] == 0 and of[t[1]] ~= nil then
            if of[t[1]][3] then index.auto_increment = true else index.sequence = names[of[t[1]][2]] end
        end
        table.insert(space.indexes, index)
    end
    table.insert(out.spaces, space)
end
return json.encode(out)
`
