package tnttest_test

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/internal/golden"
)

// TestCompare runs random programs on the embedded server and on every real
// one there is, and compares their answers. A program that they answer
// differently is cut down to a small one.
func TestCompare(t *testing.T) {
	programs, err := tarantool.Find()
	if err != nil {
		t.Fatal(err)
	}
	if len(programs) == 0 {
		t.Skip("no real Tarantool on PATH nor in TARANTOOL")
	}
	for _, p := range programs {
		t.Run(p.Version.String(), func(t *testing.T) { compareWith(t, p) })
	}
}

func compareWith(t *testing.T, p tarantool.Program) {
	real, err := tarantool.Start(p.Path, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = real.Close() })
	v := dialect{
		// The words of errors are those of 3.x.
		messages: p.Version.AtLeast(3, 0, 0),
		streams:  p.Version.AtLeast(2, 10, 0),
	}
	admin, err := golden.Dial(real.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	var checked int
	rapid.Check(t, func(t *rapid.T) {
		program := v.program(t)
		fake, err := tnttest.Start(tnttest.WithSchema(v.schema()), tnttest.WithLogLimit(0))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = fake.Close() }()
		addr, err := fake.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := admin.Do(evalFrame(v.setup(), 1)); err != nil {
			t.Fatal(err)
		}
		got, want := v.run(t, addr.String(), program), v.run(t, real.Address, program)
		for i := range program {
			checked++
			if got[i] != want[i] {
				t.Fatalf("%s\n  the real one answers %s\n  the embedded one    %s", listing(program[:i+1], got), want[i], got[i])
			}
		}
	})
	t.Logf("%d answers are those of %s %v", checked, p.Path, p.Version)
}

// listing prints a program with its answers.
func listing(program []step, answers []string) string {
	var b strings.Builder
	for i, s := range program {
		fmt.Fprintf(&b, "\n%3d %s", i, s.text)
		if i < len(program)-1 {
			fmt.Fprintf(&b, "\n      %s", answers[i])
		}
	}
	return b.String()
}

// dialect is what a version of Tarantool can be compared in.
type dialect struct {
	messages bool
	streams  bool
}

// step is a request of a program.
type step struct {
	frame []byte
	text  string
	// unordered: the order of the tuples is not compared. That of a HASH
	// index depends on what the real server did before.
	unordered bool
	// limit is the limit of a SELECT. The position of a page that is not full
	// may be that of a row which was deleted and not yet collected, so it is
	// not compared.
	limit int
}

// run sends the requests one by one, and rolls back what they left open.
func (v dialect) run(t *rapid.T, address string, program []step) []string {
	p, err := golden.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	answers := make([]string, len(program))
	for i, s := range program {
		b, err := p.DoRaw(s.frame)
		if err != nil {
			t.Fatalf("step %d: %s: %v", i, s.text, err)
		}
		answers[i] = v.essence(b, s)
	}
	if v.streams {
		for stream := range uint64(streamCount + 1) {
			if stream > 0 {
				_, _ = p.Do(frame(iproto.TypeRollback, stream, 0, nil))
			}
		}
	}
	return answers
}

func (v dialect) essence(b []byte, s step) string {
	r := mp.NewReader(b)
	h, err := wire.DecodeHeader(&r)
	if err == nil && !v.messages && h.Type&iproto.TypeError != 0 {
		return fmt.Sprintf("error %d", h.Type&^iproto.TypeError)
	}
	var body wire.Body
	if s.limit > 0 && h.Type == iproto.TypeOK && body.Decode(r.Rest()) == nil {
		d := body.Reader(iproto.KeyData)
		if d.ArrayLen() < s.limit {
			return golden.Text(body.Raw(iproto.KeyData))
		}
	}
	if s.unordered && h.Type == iproto.TypeOK && body.Decode(r.Rest()) == nil {
		d := body.Reader(iproto.KeyData)
		var tuples []string
		for range d.ArrayLen() {
			tuples = append(tuples, golden.Text(d.Raw()))
		}
		sort.Strings(tuples)
		return strings.Join(tuples, ", ")
	}
	return golden.Essence(b)
}

// frame makes a request.
func frame(t iproto.Type, stream, sync uint64, body func(w *wire.BodyWriter)) []byte {
	b := wire.BeginFrame(nil)
	b = wire.AppendRequestHeader(b, wire.Header{Type: t, Sync: sync, StreamID: stream})
	w := wire.NewBody(b)
	if body != nil {
		body(&w)
	}
	b = w.End()
	if err := wire.EndFrame(b, 0); err != nil {
		panic(err)
	}
	return b
}

func evalFrame(text string, sync uint64) []byte {
	return frame(iproto.TypeEval, 0, sync, func(w *wire.BodyWriter) {
		w.String(iproto.KeyExpr, text)
		w.Raw(iproto.KeyTuple, []byte{0x90})
	})
}

// schemaJSON declares the spaces of the programs. Those whose names begin with
// "new" need 3.x.
const schemaJSON = `[
{"id": 512, "name": "kv",
 "format": [{"name": "id", "type": "unsigned"}, {"name": "name", "type": "string"},
  {"name": "age", "type": "integer", "is_nullable": true}, {"name": "extra", "type": "any", "is_nullable": true}],
 "indexes": [{"name": "pk", "parts": [{"field": 1, "type": "unsigned"}]},
  {"name": "name", "unique": false, "parts": [{"field": 2, "type": "string"}]},
  {"name": "age_name", "unique": false, "parts": [{"field": 3, "type": "integer", "is_nullable": true}, {"field": 2, "type": "string"}]},
  {"name": "age", "unique": true, "parts": [{"field": 3, "type": "integer", "is_nullable": true}]}]},
{"id": 513, "name": "uq",
 "format": [{"name": "code", "type": "string"}, {"name": "n", "type": "number"}, {"name": "flag", "type": "boolean", "is_nullable": true}],
 "indexes": [{"name": "pk", "type": "hash", "parts": [{"field": 1, "type": "string"}]},
  {"name": "n", "parts": [{"field": 2, "type": "number"}]},
  {"name": "both", "type": "hash", "parts": [{"field": 2, "type": "number"}, {"field": 1, "type": "string"}]}]},
{"id": 514, "name": "scalars",
 "indexes": [{"name": "pk", "parts": [{"field": 1, "type": "scalar"}]},
  {"name": "second", "unique": false, "parts": [{"field": 2, "type": "scalar", "is_nullable": true}]}]},
{"id": 515, "name": "ci", "field_count": 2,
 "format": [{"name": "s", "type": "string"}, {"name": "t", "type": "string"}],
 "indexes": [{"name": "pk", "parts": [{"field": 1, "type": "string", "collation": "unicode_ci"}]},
  {"name": "t", "unique": false, "parts": [{"field": 2, "type": "string", "collation": "unicode"}]}]},
{"id": 516, "name": "new",
 "format": [{"name": "a", "type": "int8"}, {"name": "b", "type": "decimal", "is_nullable": true}, {"name": "c", "type": "datetime", "is_nullable": true}],
 "indexes": [{"name": "pk", "parts": [{"field": 1, "type": "int8", "sort_order": "desc"}]},
  {"name": "b", "unique": false, "parts": [{"field": 2, "type": "decimal", "exclude_null": true, "is_nullable": true}]},
  {"name": "c", "unique": true, "parts": [{"field": 3, "type": "datetime", "is_nullable": true}]}]}
]`

func (v dialect) schema() tnttest.Schema {
	var s tnttest.Schema
	if err := json.Unmarshal([]byte(schemaJSON), &s.Spaces); err != nil {
		panic(err)
	}
	if !v.messages {
		s.Spaces = s.Spaces[:4]
	}
	return s
}

// setup is Lua that makes the spaces afresh.
func (v dialect) setup() string {
	return fmt.Sprintf(`local json, new = require('json'), %v
for _, sp in ipairs(json.decode(%q)) do
  if new or not sp.name:find('new') then
    if box.space[sp.name] then box.space[sp.name]:drop() end
    local s = box.schema.space.create(sp.name, {id = sp.id, format = sp.format, field_count = sp.field_count})
    for _, ix in ipairs(sp.indexes) do
      s:create_index(ix.name, {type = ix.type, unique = ix.unique, parts = ix.parts})
    end
  end
end`, v.messages, schemaJSON)
}
