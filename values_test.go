package tnt_test

import (
	"database/sql"
	"encoding/json"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"golang.org/x/text/encoding/charmap"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
	"github.com/gotnt/tnt/types"
)

// TestTupleIsAValue puts Tuples wherever a value may stand.
func TestTupleIsAValue(t *testing.T) {
	format := schema.NewFormat(schema.Field{Name: "id"}, schema.Field{Name: "name"})
	tuple, err := tnt.NewTuple(format, 1, "ann")
	if err != nil {
		t.Fatal(err)
	}
	if name, err := tuple.Get("name"); name != "ann" || err != nil {
		t.Errorf("by name: %v, %v", name, err)
	}
	if _, err := tnt.NewTuple(nil, make(chan int)); err == nil {
		t.Error("a channel in a tuple")
	}
	list := []any{int64(1), "ann"}
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		ctx := testContext(t)
		type holder struct {
			ID  int
			Row tnt.Tuple
			Ptr *tnt.Tuple
		}
		for what, c := range map[string]struct{ sent, want any }{
			"an argument":        {tuple, list},
			"a pointer":          {&tuple, list},
			"in a list":          {[]any{tuple, 5}, []any{list, int64(5)}},
			"in a list of them":  {[]tnt.Tuple{tuple, {}}, []any{list, nil}},
			"in a map":           {map[string]any{"x": tuple}, map[string]any{"x": list}},
			"in a map of them":   {map[string]tnt.Tuple{"x": tuple}, map[string]any{"x": list}},
			"in a struct":        {holder{1, tuple, &tuple}, map[string]any{"id": int64(1), "row": list, "ptr": list}},
			"the zero Tuple":     {tnt.Tuple{}, nil},
			"in a struct, zero":  {holder{ID: 1}, map[string]any{"id": int64(1), "row": nil, "ptr": nil}},
			"in a Tuple of them": {second2(tnt.NewTuple(nil, tuple)), []any{list}},
		} {
			got := data(t, conn, tnt.Eval{Expr: "return ..., 1", Args: []any{c.sent}})
			equal(t, what, got[0], c.want)
		}
		equal(t, "stored", data(t, conn, tnt.Insert{Space: "no_format", Tuple: tuple}), []any{list})
		equal(t, "stored, in a tuple", data(t, conn, tnt.Replace{Space: "no_format", Tuple: holder{5, tuple, nil}}), []any{[]any{int64(5), list, nil}})
		equal(t, "a key", data(t, conn, tnt.Select{Space: "no_format", Key: tnt.K(second2(tnt.NewTuple(nil, 1)))}), []any{list})
		equal(t, "in an operation", data(t, conn, tnt.Update{Space: "no_format", Key: tnt.K(1), Ops: []tnt.Op{tnt.OpAssign(1, tuple)}}), []any{[]any{int64(1), list}})

		rows, err := tnt.All[tnt.Tuple](ctx, conn, tnt.Select{Space: "no_format"})
		if err != nil || len(rows) != 2 || rows[0].Len() != 2 {
			t.Fatalf("All[Tuple]: %v, %v", rows, err)
		}
		fill(t, conn, 1)
		named, err := tnt.All[tnt.Tuple](ctx, conn, tnt.Select{Space: "tester"})
		if err != nil || len(named) != 1 || named[0].GetOr("name", "") != "n1" {
			t.Errorf("All[Tuple] with names: %v, %v", named, err)
		}
		held, err := tnt.One[holder](ctx, conn, tnt.Select{Space: "no_format", Key: tnt.K(5)})
		if err != nil || held.Row.Len() != 2 || held.Ptr != nil {
			t.Errorf("as a field: %v, %v", held, err)
		}
		var nothing tnt.Tuple
		if err := tnt.OneInto(ctx, conn, tnt.Eval{Expr: "return nil"}, &nothing); err != nil || nothing.Len() != 0 {
			t.Errorf("nil: %v, %v", nothing, err)
		}
		_, err = tnt.One[tnt.Tuple](ctx, conn, tnt.Eval{Expr: "return {a = 1}"})
		failsWith(t, "a map as a tuple", err, "expected a tuple at offset")
		_, err = do(t, conn, tnt.Eval{Expr: "return {a = 1}"}).Tuples()
		failsWith(t, "a map among tuples", err, "row 1 is a map, which is no tuple: take it by Data, Decode or tnt.One")
		for _, kept := range slices.Concat(rows, named) { // the memory is the user's
			_ = do(t, conn, tnt.Eval{Expr: "return string.rep('x', 1000)"})
			if strings.Contains(kept.String(), "xxx") {
				t.Errorf("what was kept has become %v", kept)
			}
		}
	})
}

func second2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestTupleAsJSON is what encoding/json makes of a Tuple.
func TestTupleAsJSON(t *testing.T) {
	id := uuid.MustParse("c8f0fa1f-da29-438c-a040-393f1126ad39")
	inner := second2(tnt.NewTuple(nil, 7))
	for want, values := range map[string][]any{
		`[]`:                       {},
		`[1,"x",null,true,1.5]`:    {1, "x", nil, true, 1.5},
		`["AQI="]`:                 {[]byte{1, 2}},
		`["1.5"]`:                  {decimal.RequireFromString("1.50")},
		`["` + id.String() + `"]`:  {id},
		`["1970-01-01T00:00:00Z"]`: {time.Unix(0, 0).UTC()},
		`[{"a":[1,{"b":2}]}]`:      {map[string]any{"a": []any{1, map[string]int{"b": 2}}}},
		`[{"1":"a","2.5":"b"}]`:    {map[any]any{1: "a", 2.5: "b"}},
		`[[7],{"x":[[7]]}]`:        {inner, map[string]any{"x": []any{inner}}},
		`[18446744073709551615]`:   {uint64(1<<64 - 1)},
	} {
		tuple := second2(tnt.NewTuple(nil, values...))
		got, err := json.Marshal(map[string]any{"t": tuple})
		if err != nil || string(got) != `{"t":`+want+`}` {
			t.Errorf("%v is %s, %v", tuple, got, err)
		}
	}
	if got, err := json.Marshal(tnt.Tuple{}); string(got) != "null" || err != nil {
		t.Errorf("the zero Tuple is %s, %v", got, err)
	}
	const bytes = "\xff"
	for _, v := range []any{
		map[any]any{1: 1, "1": 2},
		map[any]any{nil: 1},
		1 / zero,
		bytes,
		[]any{bytes},
		map[string]any{bytes: 1},
		map[string]any{"a": bytes},
		map[any]any{1: 1, bytes: 2},
	} {
		if got, err := json.Marshal(second2(tnt.NewTuple(nil, v))); err == nil {
			t.Errorf("%v is %s", v, got)
		}
	}
}

var zero float64

// TestNewResponse makes answers by hand.
func TestNewResponse(t *testing.T) {
	type user struct {
		ID   int
		Name string
	}
	format := schema.NewFormat(schema.Field{Name: "id"}, schema.Field{Name: "name"})
	ann, bob := second2(tnt.NewTuple(format, 1, "ann")), second2(tnt.NewTuple(format, 2, "bob"))
	resp, err := tnt.NewResponse(ann, bob)
	if err != nil {
		t.Fatal(err)
	}
	type byName struct {
		Name string `tnt:"name"`
		ID   int    `tnt:"id"`
	}
	var named []byName
	if err := resp.Decode(&named); err != nil {
		t.Fatal(err)
	}
	equal(t, "by name", named, []byName{{"ann", 1}, {"bob", 2}})
	equal(t, "text", resp.String(), `[[id: 1, name: "ann"], [id: 2, name: "bob"]]`)
	mixed, err := tnt.NewResponse(user{1, "ann"}, nil, 5, "x", []any{1}, map[string]any{"a": 1}, &user{2, "bob"})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := mixed.Data()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "rows", rows, []any{[]any{int64(1), "ann"}, nil, int64(5), "x", []any{int64(1)}, map[string]any{"a": int64(1)}, []any{int64(2), "bob"}})
	equal(t, "text of rows", mixed.String(), `[[1, "ann"], <nil>, 5, "x", [1], map[a:1], [2, "bob"]]`)
	if empty, err := tnt.NewResponse(); err != nil || empty.Len() != 0 || empty.String() != "[]" {
		t.Errorf("no rows: %v, %v", empty, err)
	}
	if (tnt.Response{}).String() != "[]" {
		t.Errorf("the zero Response is %v", tnt.Response{})
	}
	if _, err := tnt.NewResponse(make(chan int)); err == nil {
		t.Error("a channel as a row")
	}
	if _, err := tnt.NewResponse(byName{}); err == nil {
		t.Error("a row by names that are not known")
	}
	many := slices.Repeat([]any{1}, 60)
	long, err := tnt.NewResponse(many...)
	if err != nil || strings.Count(long.String(), "1") != 50 || !strings.HasSuffix(long.String(), ", ...]") {
		t.Errorf("60 rows: %v, %v", long, err)
	}
}

// TestNullsAndMethodsInSpaces stores types that have no fields of their own.
func TestNullsAndMethodsInSpaces(t *testing.T) {
	type row struct {
		ID     uint64
		Amount decimal.NullDecimal
		Ref    uuid.NullUUID
		Count  sql.NullInt64
		Note   sql.Null[string]
		Addr   netip.Addr
		None   sql.NullString
	}
	full := row{
		1,
		decimal.NullDecimal{Decimal: decimal.RequireFromString("1.5"), Valid: true},
		uuid.NullUUID{UUID: uuid.MustParse("c8f0fa1f-da29-438c-a040-393f1126ad39"), Valid: true},
		sql.NullInt64{Int64: 5, Valid: true},
		sql.Null[string]{V: "x", Valid: true},
		netip.MustParseAddr("10.0.0.1"),
		sql.NullString{},
	}
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		ctx := testContext(t)
		stored, err := conn.Replace(ctx, "no_format", full)
		if err != nil {
			t.Fatal(err)
		}
		values, err := stored.Values()
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "stored", values, []any{int64(1), full.Amount.Decimal, full.Ref.UUID, int64(5), "x", "10.0.0.1", nil})
		if back, err := tnt.One[row](ctx, conn, tnt.Select{Space: "no_format"}); err != nil || !same(back.Amount.Decimal, full.Amount.Decimal) ||
			back.Ref != full.Ref || back.Count != full.Count || back.Note != full.Note || back.Addr != full.Addr || back.None != full.None {
			t.Errorf("read as %+v, %v", back, err)
		}
		// Numbers that Lua has made something else of.
		if n, err := tnt.One[int64](ctx, conn, tnt.Eval{Expr: "return 2^53"}); n != 1<<53 || err != nil {
			t.Errorf("a whole double: %v, %v", n, err)
		}
		_, err = tnt.One[int](ctx, conn, tnt.Eval{Expr: "return 2.5"})
		failsWith(t, "a broken number", err, "is not whole")
		_, err = tnt.One[float64](ctx, conn, tnt.Eval{Expr: "return 9007199254740993ULL"})
		failsWith(t, "a large integer", err, "would be rounded in float64")
		_, err = tnt.One[float64](ctx, conn, tnt.Eval{Expr: "return require('decimal').new('1.1')"})
		failsWith(t, "a decimal", err, "option round")
		type rounded struct {
			Price float64 `tnt:"0,round"`
		}
		if v, err := tnt.One[rounded](ctx, conn, tnt.Eval{Expr: "return {require('decimal').new('1.1')}"}); err != nil || v.Price != 1.1 {
			t.Errorf("a rounded decimal: %v, %v", v, err)
		}
		keys, err := tnt.One[map[int64]string](ctx, conn, tnt.Eval{Expr: "return setmetatable({[-1] = 'a', [5] = 'b', [2^40] = 'c'}, {__serialize = 'map'})"})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "keys of every form", keys, map[int64]string{-1: "a", 5: "b", 1 << 40: "c"})
	})
}

// TestWatchOnceOfExtensions has values of a key that are extensions.
func TestWatchOnceOfExtensions(t *testing.T) {
	onServersWith(t, 3, 0, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for expr, want := range map[string]any{
			"require('uuid').fromstr('c8f0fa1f-da29-438c-a040-393f1126ad39')": uuid.MustParse("c8f0fa1f-da29-438c-a040-393f1126ad39"),
			"require('datetime').new{timestamp = 0}":                          time.Unix(0, 0).UTC(),
			"require('datetime').interval.new{day = 1}":                       types.Interval{Day: 1},
			"box.space.no_format:replace{1, 2}":                               []any{int64(1), int64(2)},
		} {
			lua(t, conn, "box.broadcast('ext', "+expr+")")
			event, err := conn.WatchOnce(testContext(t), "ext")
			if err != nil {
				t.Errorf("%s: %v", expr, err)
				continue
			}
			v, err := event.Value()
			if err != nil {
				t.Errorf("%s: %v", expr, err)
			}
			equal(t, expr, v, want)
			for e, err := range conn.Watch(testContext(t), "ext") {
				if err != nil {
					t.Fatal(err)
				}
				var got any
				if err := e.Decode(&got); err != nil {
					t.Error(err)
				}
				equal(t, "watched: "+expr, got, want)
				break
			}
		}
	})
}

// TestUnknownExtension has one of a type that nobody knows here.
func TestUnknownExtension(t *testing.T) {
	conn := toFake(t, fakeServer(t, func(p *peer) {
		answerAll(p, row(func(b []byte) []byte { return mp.AppendExt(mp.AppendArrayLen(b, 1), 77, []byte{1, 2}) }))
	}))
	want := types.Extension{Type: 77, Data: []byte{1, 2}}
	equal(t, "untyped", data(t, conn, tnt.Select{SpaceID: 512}), []any{[]any{want}})
	got, err := tnt.One[struct{ E types.Extension }](testContext(t), conn, tnt.Select{SpaceID: 512})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "typed", got.E, want)
	equal(t, "text", got.E.String(), "ext(77, 0102)")
}

// TestAnnouncedRows announces many rows and sends none of them.
func TestAnnouncedRows(t *testing.T) {
	w := wire.NewBody(nil)
	w.Key(iproto.KeyData)
	w.B = append(mp.AppendArrayLen(w.B, 60_000), make([]byte, 60_000)...) // each is 0, which is no struct
	body := w.End()
	conn := toFake(t, fakeServer(t, func(p *peer) { answerAll(p, body) }))
	type large struct{ A [4096]byte }
	var rows []large
	for what, read := range map[string]func() error{
		"All":     func() error { return second(tnt.All[large](testContext(t), conn, tnt.Select{SpaceID: 512})) },
		"AllInto": func() error { return tnt.AllInto(testContext(t), conn, tnt.Select{SpaceID: 512}, &rows) },
		"Decode":  func() error { return do(t, conn, tnt.Select{SpaceID: 512}).Decode(&rows) },
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := read()
		runtime.ReadMemStats(&after)
		failsWith(t, what, err, "row 1: msgpack: expected an array or a map")
		if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
			t.Errorf("%s: %d bytes are allocated for 60 KB", what, got)
		}
	}
	// Rows that are there all come.
	if all, err := tnt.All[int](testContext(t), conn, tnt.Select{SpaceID: 512}); err != nil || len(all) != 60_000 {
		t.Errorf("%d rows, %v", len(all), err)
	}
	type middling struct{ A *[64]byte }
	var few []*middling
	nils := wire.NewBody(nil)
	nils.Key(iproto.KeyData)
	nils.B = mp.AppendArrayLen(nils.B, 1000)
	for range 1000 {
		nils.B = append(nils.B, 0xc0)
	}
	none := nils.End()
	other := toFake(t, fakeServer(t, func(p *peer) { answerAll(p, none) }))
	if err := tnt.AllInto(testContext(t), other, tnt.Select{SpaceID: 512}, &few); err != nil || len(few) != 1000 {
		t.Errorf("%d rows, %v", len(few), err)
	}
}

// TestBytesBehindTheRows has more bytes than the answer.
func TestBytesBehindTheRows(t *testing.T) {
	body := append(row(func(b []byte) []byte { return mp.AppendUint(mp.AppendArrayLen(b, 1), 5) }), 1, 2)
	conn := toFake(t, fakeServer(t, func(p *peer) { answerAll(p, body) }))
	_, err := tnt.All[int](testContext(t), conn, tnt.Select{SpaceID: 512})
	failsWith(t, "All", err, "2 bytes are behind the end of the answer")
	_, err = tnt.One[int](testContext(t), conn, tnt.Select{SpaceID: 512})
	failsWith(t, "One", err, "2 bytes are behind the end of the answer")
	var rows []int
	failsWith(t, "Decode", do(t, conn, tnt.Select{SpaceID: 512}).Decode(&rows), "2 bytes are behind the end of the answer")
}

// TestEncodingInsideOfTuples has strings of another encoding in tuples that name
// their format.
func TestEncodingInsideOfTuples(t *testing.T) {
	onServersWith(t, 3, 2, func(t *testing.T, p *program) {
		shared(t, p)
		conn := connect(t, tnt.Options{Address: p.shared.Address, Encoding: charmap.Windows1251, TupleFormats: true})
		const text = "привет"
		tuple, err := conn.Replace(testContext(t), "tester", []any{1, text})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := tuple.Get("name"); v != text || err != nil {
			t.Errorf("read as %q, %v", v, err)
		}
		equal(t, "nested", lua(t, conn, "return {box.space.tester:get(1)}"), []any{[]any{[]any{int64(1), text}}})
		_, err = conn.Call(testContext(t), "fail", text)
		failsWith(t, "an error", err, text)
	})
}

// listType is a slice with its own MessagePack.
type listType []string

func (l listType) MarshalMsg(b []byte) ([]byte, error) {
	return mp.AppendString(b, strings.Join(l, " ")), nil
}

func (l *listType) UnmarshalMsg(b []byte) ([]byte, error) {
	r := mp.NewReader(b)
	*l = strings.Fields(r.String())
	return r.Rest(), r.Err()
}

// TestSliceWithItsOwnMessagePack is one value, not all rows.
func TestSliceWithItsOwnMessagePack(t *testing.T) {
	resp, err := tnt.NewResponse(listType{"a", "b"}, 5)
	if err != nil {
		t.Fatal(err)
	}
	var got listType
	if err := resp.Decode(&got); err != nil {
		t.Fatal(err)
	}
	equal(t, "decoded", got, listType{"a", "b"})
	if err := resp.Decode(got); err == nil || !strings.Contains(err.Error(), "Decode takes a pointer to a variable, not tnt_test.listType") {
		t.Error(err)
	}
}
