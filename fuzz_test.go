package tnt

import (
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// dataBody makes a body of rows.
func dataBody(rows ...[]byte) []byte {
	w := wire.NewBody(nil)
	w.Key(iproto.KeyData)
	w.B = mp.AppendArrayLen(w.B, len(rows))
	for _, row := range rows {
		w.B = append(w.B, row...)
	}
	return w.End()
}

func value(v any) []byte {
	b, err := mp.AppendValue(nil, v)
	if err != nil {
		panic(err)
	}
	return b
}

// FuzzResponse puts any body through all that a Response and a Tuple can be
// asked.
func FuzzResponse(f *testing.F) {
	f.Add(dataBody(value([]any{1, "x", nil, map[string]any{"a": 1.5}})), false)
	f.Add(dataBody(value(5), value("x")), false)
	for _, text := range []string{
		"8130dd000000019401a36f6e650a93010203",
		"8230dd00000001d707cc879401a16101c06081cc879182a46e616d65a26964a474797065a8756e7369676e6564",
		"8232918200a2696401a7696e746567657230919101",
		"8142820001019101",
		"8131a46f6f7073",
		"8231d9034f6f70528100918700ab436c69656e744572726f7202ceffffffff01a35b435d03a3776879040005070680",
		"8243cd012c3402",
		"8130dd00000003d6022c8f0fa1c7030102100cc7010606",
		"81359105", "80", "",
	} {
		b, err := hex.DecodeString(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, len(text)%4 == 0)
	}
	f.Fuzz(func(t *testing.T, b []byte, isError bool) {
		h := wire.Header{}
		if isError {
			h.Type = iproto.TypeError | 3
			if err := wire.ServerError(h.Type, b, nil); err == nil || err.Error() == "" {
				t.Error("an error says nothing")
			}
		}
		resp := newResponse(h.SchemaVersion, b, nil, nil)
		rows, err := resp.Data()
		if err == nil && len(rows) != resp.Len() {
			t.Errorf("%d rows, %d are told", len(rows), resp.Len())
		}
		if again, err2 := resp.Data(); (err == nil) != (err2 == nil) || len(again) != len(rows) {
			t.Errorf("decoded again: %v, %v", again, err2)
		}
		for _, row := range rows {
			// Whatever was read can be written.
			if _, err := mp.AppendValue(nil, row); err != nil {
				t.Errorf("%#v can't be written: %v", row, err)
			}
		}
		tuples, err := resp.Tuples()
		if err == nil && len(tuples) != resp.Len() {
			t.Errorf("%d tuples, %d rows are told", len(tuples), resp.Len())
		}
		for _, tuple := range tuples {
			useTuple(t, tuple)
		}
		_, _ = resp.Columns()
		_, _, _, _ = resp.Position(), resp.RowCount(), resp.AutoincrementIDs(), resp.StatementID()
		type pair struct {
			A int `tnt:"id"`
			B string
		}
		for _, dst := range []any{
			new(pair), new([]pair), new([]map[string]any), new([][]*float64), new(any), new([]any), new([]Tuple), new(*int), new([]map[int]string),
		} {
			_ = resp.Decode(dst)
		}
		var first, second any
		_ = resp.DecodeResults(&first, &second, new(Tuple))
		for _, v := range []any{first, second} {
			if _, err := mp.AppendValue(nil, v); err != nil {
				t.Errorf("%#v can't be written: %v", v, err)
			}
		}
		_ = resp.String()
	})
}

func useTuple(t *testing.T, tuple Tuple) {
	t.Helper()
	n := tuple.Len()
	values, err := tuple.Values()
	if err == nil && len(values) != n {
		t.Errorf("%d values of %d fields", len(values), n)
	}
	for i := -1; i <= min(n, 3); i++ {
		if _, err := tuple.At(i); i == n && err == nil {
			t.Errorf("there is a field %d of %d", i, n)
		}
	}
	for _, name := range tuple.Names() {
		_, _ = tuple.Get(name)
	}
	_, _ = tuple.Map()
	_ = tuple.String()
	_ = tuple.Contains(nil)
	_, _ = json.Marshal(tuple)
}

// spaceRow and indexRow make rows of _vspace and _vindex.
func spaceRow(id any, name any, format any) []byte {
	return value([]any{id, 1, name, "memtx", 0, map[string]any{}, format})
}

func indexRow(space, id, name, opts, parts any) []byte {
	return value([]any{space, id, name, "tree", opts, parts})
}

func parsed(t *testing.T, spaces, indexes []byte) (*schema.Schema, error) {
	t.Helper()
	return parseSchema(newResponse(0, spaces, nil, nil), newResponse(0, indexes, nil, nil))
}

// TestOddSchemaRows has rows that a server of another time, or none, would
// send: they are passed over, and the others are of use.
func TestOddSchemaRows(t *testing.T) {
	good := spaceRow(512, "good", []any{map[string]any{"name": "id", "type": "unsigned"}})
	known, err := parsed(t, dataBody(
		value([]any{}),
		value([]any{513, 1, "short"}),
		value("no list"),
		spaceRow("513", "a name as number", []any{}),
		spaceRow(513, 5, []any{}),
		spaceRow(-1, "negative", []any{}),
		spaceRow(514, "format of a map", map[string]any{"name": "x"}),
		spaceRow(515, "odd fields", []any{5, []any{"x"}, map[string]any{"name": 5, "type": nil, "other": []any{}}, map[any]any{7: 7, "name": "last"}}),
		value([]any{516, 1, "longer", "vinyl", 0, map[string]any{}, []any{}, "more", 1}),
		good,
	), dataBody(
		value([]any{512}),
		value(5),
		indexRow(512, "0", "a name as number", map[string]any{}, []any{}),
		indexRow(99999, 0, "of no space", map[string]any{}, []any{}),
		indexRow(512, 7, "parts of a map", map[string]any{}, map[string]any{"a": 1}),
		indexRow(512, 0, "pk", map[string]any{"unique": true, "odd": []any{1}}, []any{[]any{0, "unsigned"}}),
		indexRow(512, 1, "maps", map[string]any{"unique": false}, []any{map[string]any{"field": 0, "type": "unsigned", "path": "a.b", "is_nullable": true, "odd": 1}}),
		indexRow(512, 2, "of old", 1, []any{[]any{0, "num"}}),
		indexRow(512, 3, "far field", map[string]any{}, []any{[]any{2000000000, "unsigned"}}),
	))
	if err != nil {
		t.Fatal(err)
	}
	space := known.Space("good")
	if space == nil || space.Format.Names()[0] != "id" || len(space.Indexes) != 4 {
		t.Fatalf("the good space is %+v", space)
	}
	if pk := space.Index("pk"); !pk.Unique || pk.Parts[0].Name != "id" {
		t.Errorf("the primary index is %+v", pk)
	}
	if index := space.Index("maps"); index.Unique || index.Parts[0] != (schema.Part{Path: "a.b", Type: "unsigned", IsNullable: true}) {
		t.Errorf("an index is %+v", index)
	}
	if odd := known.Space("odd fields"); odd == nil || len(odd.Format.Fields()) != 4 || odd.Format.Fields()[3].Name != "last" {
		t.Errorf("a space with odd fields is %+v", odd)
	}
	if known.Space("longer") == nil || known.Space("format of a map") == nil || known.Space("short") != nil {
		t.Error("a space is missing, or one is too many")
	}
	for name, body := range map[string][]byte{"cut": {0x81, 0x30, 0x92}, "no map": {0x05}, "no list": {0x81, 0x30, 0x05}} {
		if _, err := parsed(t, body, dataBody()); err == nil {
			t.Errorf("spaces, %s: taken", name)
		}
		if _, err := parsed(t, dataBody(), body); err == nil {
			t.Errorf("indexes, %s: taken", name)
		}
	}
	if known, err := parsed(t, nil, nil); err != nil || known == nil {
		t.Errorf("no rows at all: %v", err)
	}
}

func FuzzSchemaRows(f *testing.F) {
	f.Add(dataBody(spaceRow(512, "s", []any{map[string]any{"name": "id", "type": "unsigned"}})), dataBody(indexRow(512, 0, "pk", map[string]any{"unique": true}, []any{[]any{0, "unsigned"}})))
	f.Add(dataBody(value([]any{512, 1, "s"})), dataBody(value(5)))
	f.Add(dataBody(spaceRow(512, "s", map[string]any{})), dataBody(indexRow(512, 0, "pk", 1, []any{map[string]any{"field": uint64(1 << 40)}})))
	f.Fuzz(func(t *testing.T, spaces, indexes []byte) {
		known, err := parsed(t, spaces, indexes)
		if err != nil {
			return
		}
		env := &environment{schema: known}
		for space := range known.Spaces() {
			if known.SpaceByID(space.ID) != space || known.Space(space.Name) == nil {
				t.Errorf("space %d, %q is not to be found", space.ID, space.Name)
			}
			m := map[string]any{}
			for _, name := range space.Format.Names() {
				m[name] = 1
			}
			if err := (Insert{SpaceID: space.ID, Tuple: m}).encode(newEncoder(env)); space.Format != nil && space.ID != 0 && err != nil {
				t.Errorf("a tuple by the names of %+v: %v", space.Format, err)
			}
			for _, index := range space.Indexes {
				_, _ = K(m).append(nil, nil, index)
				_, _ = K(struct{ A, B int }{}).append(nil, nil, index)
				if space.IndexByID(index.ID) == nil || space.Index(index.Name) == nil {
					t.Errorf("index %d, %q is not to be found", index.ID, index.Name)
				}
			}
		}
	})
}

// TestUntypedJSON is what can be told of untyped values without a server: that
// encoding/json takes them.
func TestUntypedJSON(t *testing.T) {
	rows, err := newResponse(0, dataBody(value(map[string]any{"a": []any{nil, true, 1.5, "x", []byte{1}, map[string]any{}}})), nil, nil).Data()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(rows)
	if want := `[{"a":[null,true,1.5,"x","AQ==",{}]}]`; err != nil || string(text) != want {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
}

// FuzzEncoding rewrites the strings of any value: with one that leaves them as
// they are, the value stays the same, and another one never fails by itself.
func FuzzEncoding(f *testing.F) {
	for _, v := range []any{"x", []any{1, "x", map[string]any{"a": "b"}}, &Error{Message: "m"}} {
		f.Add(value(v))
	}
	for _, text := range []string{"c707079401a16101c0", "c70607059101a178", "c7070705c704079191"} {
		b, err := hex.DecodeString(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := mp.NewReader(b)
		out, err := rewriteStrings(nil, &r, func(s []byte) ([]byte, error) { return s, nil })
		if err != nil {
			return
		}
		before, after := mp.NewReader(b), mp.NewReader(out)
		v, again := before.Value(), after.Value()
		if (before.Err() == nil) != (after.Err() == nil) {
			t.Fatalf("%#v, %v has become %#v, %v", v, before.Err(), again, after.Err())
		}
		r = mp.NewReader(b)
		if _, err := rewriteStrings(nil, &r, func(s []byte) ([]byte, error) { return append(s, 'x'), nil }); err != nil {
			t.Fatal(err)
		}
	})
}
