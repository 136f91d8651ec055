package tnttest_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/internal/golden"
)

// everyKind is a schema with each thing that a schema can have in a server of
// any version.
var everyKind = tnttest.Schema{
	Sequences: []tnttest.SequenceDef{{Name: "up", Start: 10, Min: 5, Max: 12, Step: 3, Cycle: true}},
	Spaces: []tnttest.SpaceDef{
		{
			ID: 700, Name: "whole \"quoted\" \\", FieldCount: 3,
			Format: []tnttest.Field{
				{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string", IsNullable: true, Collation: "unicode_ci"}, {Name: "any", Type: "any"},
			},
			Indexes: []tnttest.IndexDef{
				{Name: "pk", Parts: []tnttest.Part{{Field: 1}}, AutoIncrement: true},
				{Name: "name", Unique: new(false), Parts: []tnttest.Part{{Field: 2, Type: "string", IsNullable: true, Collation: "unicode_ci"}}},
				{Name: "both", Type: "tree", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}, {Field: 2, Type: "string", IsNullable: true}}},
			},
		},
		{
			ID: 701, Name: "hash",
			Format:  []tnttest.Field{{Name: "id", Type: "integer"}},
			Indexes: []tnttest.IndexDef{{Name: "pk", Type: "hash", Parts: []tnttest.Part{{Name: "id"}}, Sequence: "up"}},
		},
		{ID: 702, Name: "bare"},
	},
	Users: map[string]string{"ann": "s3'cret\\", "bob": ""},
}

// evalText runs Lua that returns a text.
func evalText(t *testing.T, address, lua string) (string, error) {
	t.Helper()
	p, err := golden.Dial(address)
	must(t, err)
	defer p.Close()
	b, err := p.DoRaw(evalFrame(lua, 1))
	must(t, err)
	r := mp.NewReader(b)
	h, err := wire.DecodeHeader(&r)
	must(t, err)
	if h.Type != iproto.TypeOK {
		return "", fmt.Errorf("%s", golden.Essence(b))
	}
	var body wire.Body
	must(t, body.Decode(r.Rest()))
	d := body.Reader(iproto.KeyData)
	if d.ArrayLen() == 0 {
		return "", nil
	}
	return d.String(), d.Err()
}

// The schema that Go made on a real server is the one that is read back from it,
// and what an embedded server makes of that is the same.
func TestSchemaThereAndBack(t *testing.T) {
	programs, err := tarantool.Find()
	must(t, err)
	if len(programs) == 0 {
		t.Skip("no real Tarantool on PATH nor in TARANTOOL")
	}
	lua, err := everyKind.Lua()
	must(t, err)
	for _, p := range programs {
		t.Run(p.Version.String(), func(t *testing.T) {
			real, err := tarantool.Start(p.Path, lua)
			must(t, err)
			t.Cleanup(func() { _ = real.Close() })
			if _, err := evalText(t, real.Address, lua); err != nil {
				t.Errorf("making it twice: %v", err)
			}
			text, err := evalText(t, real.Address, tnttest.SchemaLua)
			must(t, err)
			got, err := tnttest.ReadSchema(strings.NewReader(text))
			must(t, err)
			again, err := got.Lua()
			must(t, err)
			second, err := tarantool.Start(p.Path, again)
			must(t, err)
			t.Cleanup(func() { _ = second.Close() })
			copied, err := evalText(t, second.Address, tnttest.SchemaLua)
			must(t, err)
			if text, copied := asJSON(t, text), asJSON(t, copied); !reflect.DeepEqual(text, copied) {
				t.Errorf("a schema and its copy differ:\n%v\n%v", text, copied)
			}
			srv := tnttest.Run(t, tnttest.WithSchema(got))
			if n := len(got.Spaces); n != len(everyKind.Spaces) {
				t.Fatalf("%d spaces were read, want %d: %s", n, len(everyKind.Spaces), text)
			}
			must(t, srv.Space(everyKind.Spaces[0].Name).Insert(nil, nil, 1))
			must(t, srv.Space("hash").Insert(nil))
			tnttest.AssertTuples(t, srv.Space("hash"), []any{10})
			wantRows(t, srv, everyKind)
			for _, engine := range []string{"vinyl"} {
				_, err := evalText(t, real.Address, "box.schema.space.create('v', {engine = '"+engine+"'})")
				must(t, err)
			}
			if _, err := evalText(t, real.Address, tnttest.SchemaLua); err == nil || !strings.Contains(err.Error(), "no such space as v") {
				t.Errorf("reading a space of vinyl: %v", err)
			}
		})
	}
}

// wantRows checks that a server that was made from what was read has the rows
// of one that was made from the schema itself.
func wantRows(t *testing.T, srv *tnttest.Server, schema tnttest.Schema) {
	t.Helper()
	direct := tnttest.Run(t, tnttest.WithSchema(schema))
	for _, space := range []string{"_index", "_sequence", "_space_sequence"} {
		got, err := srv.Space(space).All()
		must(t, err)
		want, err := direct.Space(space).All()
		must(t, err)
		for _, rows := range [][][]any{got, want} {
			for _, row := range rows {
				if len(row) > 5 && space == "_index" {
					row[5] = nil // parts may be in the short form
				}
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s holds\n%v\nwant\n%v", space, got, want)
		}
	}
}

func asJSON(t *testing.T, text string) (v any) {
	t.Helper()
	must(t, json.Unmarshal([]byte(text), &v))
	return v
}

func TestRunReal(t *testing.T) {
	real := tnttest.RunReal(t, everyKind)
	text, err := evalText(t, real.Addr(), "return box.space.hash:insert{box.NULL} and 'made'")
	if text != "made" || err != nil {
		t.Errorf("an insert: %q, %v", text, err)
	}
	real.Kill()
	if _, err := netDial("tcp", real.Addr()); err == nil {
		t.Error("a killed server takes connections")
	}
	must(t, real.Restart())
	text, err = evalText(t, real.Addr(), "return tostring(box.space.hash:count())")
	if text != "0" || err != nil {
		t.Errorf("after the restart: %q, %v", text, err)
	}
	t.Logf("%s %v", real.Binary(), real.Version())
}

// skipper notes that a test was skipped.
type skipper struct {
	*testing.T
	why string
}

func (s *skipper) Skipf(format string, args ...any) { s.why = fmt.Sprintf(format, args...) }

func TestRunRealSkips(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("TARANTOOL", "")
	s := &skipper{T: t}
	if tnttest.RunReal(s, tnttest.Schema{}) != nil || !strings.Contains(s.why, "not on PATH") {
		t.Errorf("without a server it skips because of %q", s.why)
	}
}
