package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
)

const luaSpaces = `
box.schema.space.create('s', {if_not_exists = true}):create_index('pk', {if_not_exists = true})
box.schema.space.create('other "name"', {if_not_exists = true}):create_index('pk', {parts = {{1, 'string'}}, if_not_exists = true})`

const luaRows = `
local s, ffi = box.space.s, require('ffi')
s:insert({1, 'text "quoted" \\ \n\0\255', true, box.NULL, -5, 18446744073709551615ULL, 9007199254740993LL})
s:insert({2, 1.5, ffi.cast('double', 2), ffi.cast('double', -1e300), 1 / 0, -1 / 0})
s:insert({3, require('decimal').new('-123.4560'), require('uuid').fromstr('9d1e8e6a-b4d3-4f0c-9a59-3d1c7c1d0e55')})
s:insert({4, {}, setmetatable({}, {__serialize = 'map'}), setmetatable({[1] = 'x', [5] = {a = {1, box.NULL}}}, {__serialize = 'map'}), {['1'] = 2}, {box.NULL, 1}})
s:replace({5, 'abcdef', 1, {x = 1}})
s:update(5, {{':', 2, 2, 2, 'XYZ'}, {'+', 3, 2}, {'=', '[4].x', 'in'}, {'!', -1, require('decimal').new(1)}})
s:upsert({6, 0}, {{'+', 2, 1}}) s:upsert({6, 0}, {{'+', 2, 1}})
s:insert({7}) s:delete(7)
box.space['other "name"']:replace({'x', 1})
if pcall(require, 'datetime') then
    local dt = require('datetime')
    s:insert({8, dt.new({year = 2024, month = 2, day = 29, hour = 13, nsec = 123456789, tzoffset = -210}), dt.interval.new({month = 1, day = -3, nsec = 5, adjust = 'last'})})
end
if pcall(require, 'varbinary') then s:insert({9, require('varbinary').new('\1\255')}) end`

// What the log of a server is printed as in Lua leaves the same rows on
// another one, to the byte.
func TestCatLuaDoesTheSame(t *testing.T) {
	for _, p := range tarantool.Programs(t) {
		t.Run(p.Version.String(), func(t *testing.T) {
			dir, wrote := luaServer(t, p, luaRows)
			logs, err := filepath.Glob(filepath.Join(dir, "*.xlog"))
			if err != nil || len(logs) == 0 {
				t.Fatal(logs, err)
			}
			script, errs, err := runCommand(t, append([]string{"cat", "--format", "lua", "--space", "s", "--space", `"other ""name"""`}, logs...)...)
			if err != nil || errs != "" {
				t.Fatal(err, errs)
			}
			_, again := luaServer(t, p, script)
			if len(wrote) < 6 || len(again) != len(wrote) {
				t.Fatalf("%d rows, %d were written\n%s", len(again), len(wrote), script)
			}
			for i := range wrote {
				if !bytes.Equal(wrote[i].Raw(), again[i].Raw()) {
					t.Errorf("%v became %v\n%s", wrote[i], again[i], script)
				}
			}
		})
	}
}

// luaServer runs a script on a server, and returns the rows that it left.
func luaServer(t *testing.T, p tarantool.Program, script string) (dir string, rows []tnt.Tuple) {
	t.Helper()
	s, err := tarantool.StartLogging(p.Path, "{}", luaSpaces)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{Address: s.Address})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Eval(t.Context(), script); err != nil {
		t.Fatalf("%v\n%s", err, script)
	}
	for _, space := range []string{"s", `other "name"`} {
		tuples, err := conn.Select(t.Context(), space, tnt.Key{})
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, tuples...)
	}
	return s.Dir(), rows
}
