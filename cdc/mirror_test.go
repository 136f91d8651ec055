package cdc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
)

// mirrored follows a space from the origin, and returns its rows as Old and New
// tell of them, up to the insert of the tuple {'end'} into the space marks.
func mirrored(t *testing.T, s *tarantool.Server, space string) (rows []string) {
	t.Helper()
	f := Mirror(Stream(testContext(t), at(s), Options{From: Origin, Spaces: []string{space, "elsewhere", "marks"}}), space)
	for tx, err := range f.All() {
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range tx.Changes {
			switch {
			case c.Op == Insert && c.Space.Name == "marks":
				slices.Sort(rows)
				return rows
			case c.Op == Truncate:
				rows = nil
			}
			if c.Old != nil {
				i := slices.Index(rows, values(t, *c.Old))
				if i < 0 {
					t.Fatalf("%v: before it was %v, but there is %q", c, c.Old, rows)
				}
				rows = slices.Delete(rows, i, i+1)
			}
			if c.New != nil {
				rows = append(rows, values(t, *c.New))
			}
		}
	}
	return nil
}

// A mirror tells keys apart as the server does.
func TestMirrorTellsKeysApart(t *testing.T) {
	cases := map[string]string{
		"JSON path": `
		    s:create_index('pk', {parts = {{field = 2, type = 'unsigned', path = 'a.b[1]'}, {field = 1, type = 'string'}}})
		    s:insert({'x', {a = {b = {5}}}, 1}) s:insert({'y', {a = {b = {5}}}, 1}) s:insert({'x', {a = {b = {6}}}, 1})
		    s:replace({'x', {c = 1, a = {b = {5, 6}}}, 2})
		    s:update({5, 'y'}, {{'+', 3, 10}}) s:delete({6, 'x'})
		    s:upsert({'x', {a = {b = {5}}}, 0}, {{'+', 3, 100}})`,
		"JSON path of a field's name": `
		    s:format({{'id', 'unsigned'}, {'data', 'map'}})
		    s:create_index('pk', {parts = {{'data.user["the id"]', 'string'}}})
		    s:insert({1, {user = {['the id'] = 'a'}}}) s:replace({2, {user = {['the id'] = 'a'}}}) s:update('a', {{'=', 3, 'more'}})`,
		"numbers": `
		    s:create_index('pk', {parts = {{1, 'number'}}})
		    local dec = require('decimal')
		    s:insert({1, 'int'}) s:replace({require('ffi').cast('double', 1), 'double'}) s:replace({dec.new('1.0'), 'decimal'})
		    s:insert({1.5, 'double'}) s:replace({dec.new('1.50'), 'decimal'})
		    s:insert({2^60, 'double'}) s:replace({1152921504606846976ULL, 'int'}) s:insert({1152921504606847000ULL, 'near'})
		    s:insert({1e300, 'far'}) s:insert({18446744073709551615ULL, 'last'}) s:insert({-3, 'x'}) s:delete(dec.new(-3))`,
		"scalars": `
		    s:create_index('pk', {parts = {{1, 'scalar'}}})
		    s:insert({1.5, 'number'}) s:insert({'1.5', 'string'}) s:insert({true}) s:insert({'true'}) s:delete('1.5')`,
		"an upsert that would change the key": `
		    s:create_index('pk', {parts = {{1, 'unsigned'}}})
		    s:insert({1, 'x'}) s:upsert({1, 'y'}, {{'=', 1, 2}, {'=', 2, 'changed'}}) s:upsert({1, 'y'}, {{'+', 1, 0}, {'=', 2, 'changed'}})`,
		"another primary key": `
		    s:create_index('pk', {parts = {{1, 'unsigned'}}})
		    s:insert({1, 10}) s:insert({2, 20}) s.index.pk:alter({parts = {{2, 'unsigned'}}})
		    s:replace({3, 20}) s:delete(10)`,
		"a space that is renamed": `
		    s:create_index('pk', {parts = {{1, 'unsigned'}}})
		    s:insert({1, 10}) s:rename('elsewhere') s:update(1, {{'+', 2, 1}}) s:rename('keys') s:update(1, {{'+', 2, 1}})`,
		"times": `
		    if pcall(require, 'datetime') then
		        local dt = require('datetime')
		        s:create_index('pk', {parts = {{1, 'datetime'}}})
		        s:insert({dt.new({hour = 12, tzoffset = 120}), 1}) s:replace({dt.new({hour = 10}), 2})
		    end`,
	}
	for name, script := range cases {
		t.Run(name, func(t *testing.T) {
			onServers(t, "{}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
				conn := connect(t, s)
				eval(t, conn, `local s = box.schema.space.create('keys', {id = 700}) box.schema.space.create('marks'):create_index('pk', {parts = {{1, 'string'}}}) `+
					script+` box.space.marks:insert({'end'})`)
				var want []string
				if resp, err := conn.Eval(testContext(t), `return box.space.keys.index[0] ~= nil`); err != nil || fmt.Sprint(first(t, resp)) != "true" {
					t.Skipf("%v has no such keys", p.Version)
				}
				tuples, err := conn.Select(testContext(t), "keys", tnt.Key{})
				if err != nil {
					t.Fatal(err)
				}
				for _, tuple := range tuples {
					want = append(want, values(t, tuple))
				}
				slices.Sort(want)
				if got := mirrored(t, s, "keys"); !slices.Equal(got, want) {
					t.Errorf("mirrored %q, the server has %q", got, want)
				}
			})
		})
	}
}

func first(t *testing.T, resp tnt.Response) any {
	t.Helper()
	data, err := resp.Data()
	if err != nil || len(data) == 0 {
		t.Fatalf("%v, %v", data, err)
	}
	return data[0]
}

// What a mirror can't tell ends it at once, with the cure.
func TestMirrorRefuses(t *testing.T) {
	onServers(t, "{}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		eval(t, conn, `
		    box.schema.space.create('people'):create_index('pk', {parts = {{1, 'string', collation = 'unicode_ci'}}})
		    local s = box.schema.space.create('bytes') s:create_index('pk', {parts = {{1, 'string', collation = 'binary'}}})
		    s:insert({'a'}) s:insert({'A'})`)
		err := failure(t, Mirror(Stream(testContext(t), at(s), Options{})))
		if !errors.Is(err, ErrCollation) || !strings.Contains(err.Error(), `"people"`) {
			t.Errorf("a collation: %v", err)
		}
		take(t, Mirror(Stream(testContext(t), at(s), Options{}), "goods", "bytes"), func(tx *Tx) bool { return tx.Phase == SnapshotEnd })
		eval(t, conn, `box.space.people:drop() box.space.bytes:rename('letters')`)
		err = failure(t, Mirror(Stream(testContext(t), at(s), Options{From: Origin}), "letters"))
		if err == nil || !strings.Contains(err.Error(), "name both in Mirror") {
			t.Errorf("a space of which the rows are not kept, by a name of which they are: %v", err)
		}
	})
}
