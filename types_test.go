package tnt_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/tinylib/msgp/msgp"
	"golang.org/x/text/encoding/charmap"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/types"
)

// decimals are what both servers can hold: up to 38 digits, scales up to 38.
var decimals = []string{
	"0", "-0", "0.0", "0.00", "1", "-1", "5", "-5", "10", "-10", "12", "123", "-123", "1000000",
	"0.1", "-0.1", "0.01", "0.001", "0.000001", "-0.000001", "1.5", "-1.5", "1.50", "1.00", "100.00", "-12.34", "3.14159265358979",
	"123456789.987654321", "-123456789.987654321", "18446744073709551615", "-9223372036854775808", "18446744073709551616",
	"1e10", "1e30", "-1e37", "1.2e20", "1e-10", "-1e-38", "1e-38", "12345678901234567890123456789012345678",
	"-99999999999999999999999999999999999999", "0.00000000000000000000000000000000000001", "1.2345678901234567890123456789012345678",
}

func TestDecimals(t *testing.T) {
	if len(decimals) != 43 {
		t.Fatalf("%d decimals", len(decimals))
	}
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for _, text := range decimals {
			want := decimal.RequireFromString(text)
			rows := lua(t, conn, "local d = require('decimal').new(...) return d, tostring(d)", text)
			got, ok := rows[0].(decimal.Decimal)
			if !ok || !got.Equal(want) {
				t.Errorf("%s: read as %v", text, rows[0])
				continue
			}
			// Lua's own text of it names the same number, and the same scale; an
			// old server writes out the zeros at the end.
			said := decimal.RequireFromString(rows[1].(string))
			if !said.Equal(got) || got.Exponent() <= 0 && said.Exponent() != got.Exponent() {
				t.Errorf("%s: Lua says %s, here it is %se%d", text, rows[1], got.Coefficient(), got.Exponent())
			}
			rows = lua(t, conn, `local d, text = ...
				local decimal = require('decimal')
				return decimal.is_decimal(d), d == decimal.new(text), tostring(d), d`, want, text)
			if rows[0] != true || rows[1] != true {
				t.Errorf("%s: written as %v", text, rows[2])
			}
			if back, ok := rows[3].(decimal.Decimal); !ok || !back.Equal(want) || back.Exponent() != want.Exponent() {
				t.Errorf("%s: came back as %v", text, rows[3])
			}
			tuple := stored(t, conn, "no_format", 1, want)
			if v, err := tuple.At(1); err != nil || !v.(decimal.Decimal).Equal(want) {
				t.Errorf("%s: stored as %v, %v", text, v, err)
			}
		}
		typed, err := tnt.One[decimal.Decimal](testContext(t), conn, tnt.Call{Function: "echo", Args: []any{decimal.New(125, -2)}})
		if err != nil || typed.String() != "1.25" {
			t.Errorf("typed: %v, %v", typed, err)
		}
		digits := decimal.RequireFromString("1" + strings.Repeat("0", 80) + "1")
		_, err = conn.Call(testContext(t), "echo", digits)
		failsWith(t, "too many digits", err, "digits")
	})
}

func TestUUIDs(t *testing.T) {
	v1 := uuid.Must(uuid.NewUUID())
	v2 := uuid.Must(uuid.NewDCEPerson())
	ids := []uuid.UUID{
		uuid.Nil, v1, v2, uuid.NewMD5(uuid.NameSpaceDNS, []byte("tnt")), uuid.New(), uuid.NewSHA1(uuid.NameSpaceDNS, []byte("tnt")),
		uuid.MustParse("c8f0fa1f-da29-438c-a040-393f1126ad39"),
	}
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for _, id := range ids {
			rows := lua(t, conn, "local id, text = ... return tostring(id), require('uuid').fromstr(text) == id, require('uuid').fromstr(text)", id, id.String())
			equal(t, id.String(), rows, []any{id.String(), true, id})
			tuple := stored(t, conn, "no_format", 1, id)
			if v, err := tuple.At(1); v != id || err != nil {
				t.Errorf("%v: stored as %v, %v", id, v, err)
			}
		}
		if _, err := conn.Eval(testContext(t), `
			local s = box.schema.space.create('by_uuid', {if_not_exists = true})
			s:create_index('primary', {parts = {{1, 'uuid'}}, if_not_exists = true})`); err != nil {
			t.Fatal(err)
		}
		defer lua(t, conn, "box.space.by_uuid:drop()")
		for i, id := range ids {
			if _, err := conn.Replace(testContext(t), "by_uuid", []any{id, i}); err != nil {
				t.Fatal(err)
			}
		}
		for i, id := range ids {
			equal(t, "by key", data(t, conn, tnt.Select{Space: "by_uuid", Key: tnt.K(id)}), []any{[]any{id, int64(i)}})
		}
	})
}

func TestDatetimes(t *testing.T) {
	moscow, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Skip(err)
	}
	plus530 := time.FixedZone("", 5*3600+30*60)
	onServersWith(t, 2, 10, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for _, test := range []struct {
			lua  string
			when time.Time
			text string
		}{
			{"timestamp = 0", time.Unix(0, 0).UTC(), "1970-01-01T00:00:00Z"},
			{"year = 2024, month = 2, day = 29, hour = 1, min = 2, sec = 3", time.Date(2024, 2, 29, 1, 2, 3, 0, time.UTC), "2024-02-29T01:02:03Z"},
			{"year = 2024, nsec = 123456789", time.Date(2024, 1, 1, 0, 0, 0, 123456789, time.UTC), "2024-01-01T00:00:00.123456789Z"},
			{"year = 2024, hour = 1, tzoffset = 330", time.Date(2024, 1, 1, 1, 0, 0, 0, plus530), "2024-01-01T01:00:00+0530"},
			{"year = 2024, tzoffset = -720", time.Date(2024, 1, 1, 0, 0, 0, 0, time.FixedZone("", -12*3600)), "2024-01-01T00:00:00-1200"},
			{"year = 2024, month = 7, tz = 'Europe/Moscow'", time.Date(2024, 7, 1, 0, 0, 0, 0, moscow), "2024-07-01T00:00:00 Europe/Moscow"},
			{"year = 1969, month = 12, day = 31, hour = 23, min = 59, sec = 58, msec = 500", time.Date(1969, 12, 31, 23, 59, 58, 5e8, time.UTC), "1969-12-31T23:59:58.500Z"},
			{"year = 1004, month = 5, day = 6", time.Date(1004, 5, 6, 0, 0, 0, 0, time.UTC), "1004-05-06T00:00:00Z"},
			{"year = 1", time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), "0001-01-01T00:00:00Z"},
			{"year = 9999, month = 12, day = 31, hour = 23, min = 59, sec = 59, nsec = 999999999", time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), "9999-12-31T23:59:59.999999999Z"},
		} {
			rows := lua(t, conn, "local d = require('datetime').new{"+test.lua+"} return d, tostring(d), d == ..., tostring(...), ...", test.when)
			got, ok := rows[0].(time.Time)
			if !ok || !got.Equal(test.when) {
				t.Errorf("%s: read as %v, want %v", test.lua, rows[0], test.when)
				continue
			}
			_, gotOffset := got.Zone()
			_, wantOffset := test.when.Zone()
			if gotOffset != wantOffset || test.when.Location() == moscow && got.Location().String() != "Europe/Moscow" {
				t.Errorf("%s: read with the zone %v, want %v", test.lua, got.Location(), test.when.Location())
			}
			equal(t, "Lua's text", rows[1], test.text)
			if rows[2] != true || rows[3] != test.text {
				t.Errorf("%v: written as %v, want %s", test.when, rows[3], test.text)
			}
			if back, ok := rows[4].(time.Time); !ok || !back.Equal(test.when) {
				t.Errorf("%v: came back as %v", test.when, rows[4])
			}
		}
		typed, err := tnt.One[time.Time](testContext(t), conn, tnt.Call{Function: "echo", Args: []any{time.Unix(5, 6)}})
		if err != nil || !typed.Equal(time.Unix(5, 6)) {
			t.Errorf("typed: %v, %v", typed, err)
		}
	})
}

func TestIntervals(t *testing.T) {
	onServersWith(t, 2, 10, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for text, iv := range map[string]types.Interval{
			"":              {},
			"year = 1":      {Year: 1},
			"month = -2":    {Month: -2},
			"week = 3":      {Week: 3},
			"day = -40":     {Day: -40},
			"hour = 500":    {Hour: 500},
			"min = -600":    {Min: -600},
			"sec = -100000": {Sec: -100000},
			"nsec = -1":     {Nsec: -1},
			"month = 1":     {Month: 1},
			"year = 1, month = 2, week = 3, day = 4, hour = 5, min = 6, sec = 7, nsec = 8": {Year: 1, Month: 2, Week: 3, Day: 4, Hour: 5, Min: 6, Sec: 7, Nsec: 8},
			"month = 1, adjust = 'excess'": {Month: 1, Adjust: types.AdjustExcess},
			"month = 1, adjust = 'last'":   {Month: 1, Adjust: types.AdjustLast},
			"month = 1, adjust = 'none'":   {Month: 1, Adjust: types.AdjustNone},
		} {
			rows := lua(t, conn, `local a, b = require('datetime').interval.new{`+text+`}, ...
				local day = require('datetime').new{year = 2024, month = 1, day = 31}
				return a, tostring(a), a == b, tostring(day + a), tostring(day + b), b`, iv)
			equal(t, text+", read", rows[0], iv)
			equal(t, text+", as text", rows[1], iv.String())
			equal(t, text+", written", rows[2:4:4], []any{true, rows[4]})
			equal(t, text+", back", rows[5], iv)
		}
		typed, err := tnt.One[types.Interval](testContext(t), conn, tnt.Call{Function: "echo", Args: []any{types.Interval{Day: 3}}})
		if err != nil || typed != (types.Interval{Day: 3}) {
			t.Errorf("typed: %v, %v", typed, err)
		}
	})
}

func TestErrorsAsValues(t *testing.T) {
	onServersWith(t, 2, 10, func(t *testing.T, p *program) {
		conn := shared(t, p)
		rows := lua(t, conn, `
			local inner = box.error.new{type = 'Inner', code = 5, reason = 'inner'}
			local outer = box.error.new{type = 'Outer', code = 7, reason = 'outer', extra = 'field'}
			outer:set_prev(inner)
			return outer, 1`)
		e, ok := rows[0].(*tnt.Error)
		if !ok {
			t.Fatalf("an error as a value is %T", rows[0])
		}
		if e.Type != "CustomError" || e.Message != "outer" || e.Code != 7 || e.File == "" || e.Line == 0 || e.Fields["custom_type"] != "Outer" {
			t.Errorf("the error is %#v", e)
		}
		if p.Version.AtLeast(3, 0, 0) && e.Fields["extra"] != "field" {
			t.Errorf("its fields are %v", e.Fields)
		}
		if e.Cause == nil || e.Cause.Message != "inner" || e.Cause.Fields["custom_type"] != "Inner" || e.Cause.Cause != nil {
			t.Errorf("its cause is %#v", e.Cause)
		}
		if !errors.Is(e, errcode.Code(5)) {
			t.Error("its cause is not found by its code")
		}
		sent := &tnt.Error{Type: "CustomError", Message: "from Go", Code: 9, Cause: &tnt.Error{Type: "ClientError", Message: "cause", Code: errcode.TupleFound}}
		sent.SetField("custom_type", "Mine")
		equal(t, "written", lua(t, conn, "local e = ... return box.error.is(e), e.message, e.code, e.type, e.prev.message", sent),
			[]any{true, "from Go", int64(9), "Mine", "cause"})
	})
}

func TestUntypedTypes(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for name, test := range map[string]struct{ sent, want any }{
			"int":         {5, int64(5)},
			"int8":        {int8(-5), int64(-5)},
			"uint8":       {uint8(200), int64(200)},
			"int16":       {int16(-300), int64(-300)},
			"uint16":      {uint16(60000), int64(60000)},
			"int32":       {int32(-70000), int64(-70000)},
			"uint32":      {uint32(4e9), int64(4e9)},
			"int64":       {int64(-5e9), int64(-5e9)},
			"uint64":      {uint64(1 << 63), uint64(1 << 63)},
			"float64":     {1.5, 1.5},
			"float32":     {float32(1.5), 1.5},
			"bool":        {true, true},
			"nil":         {nil, nil},
			"string":      {"text", "text"},
			"empty":       {"", ""},
			"not UTF-8":   {"\xff\x00\xfe", "\xff\x00\xfe"},
			"list":        {[]string{"a", "b"}, []any{"a", "b"}},
			"map":         {map[string]int{"a": 1}, map[string]any{"a": int64(1)}},
			"struct":      {struct{ UserID int }{5}, map[string]any{"user_id": int64(5)}},
			"pointer":     {new(5), int64(5)},
			"nil pointer": {(*int)(nil), nil},
		} {
			// By a space: what Lua does to values is not the matter here.
			tuple := stored(t, conn, "no_format", 1, test.sent)
			v, err := tuple.At(1)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			equal(t, name, v, test.want)
		}
		for _, binary := range [][]byte{{}, {0, 1, 255}, make([]byte, 300), make([]byte, 70000)} {
			v, err := stored(t, conn, "no_format", 1, binary).At(1)
			if err != nil {
				t.Error(err)
			}
			equal(t, "binary", v, binary)
		}
		for key, want := range map[any]any{int64(7): int64(1), int64(-7): int64(1), 1.5: int64(1)} {
			v, err := stored(t, conn, "no_format", 1, map[any]any{key: 1}).At(1)
			if err != nil {
				t.Error(err)
			}
			equal(t, "a map", v, map[any]any{key: want})
		}
	})
}

// TestResultsAsJSON puts untyped results into encoding/json as they are.
func TestResultsAsJSON(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		rows := lua(t, conn, "return {a = {b = {1, 'x', {c = true}}}, n = box.NULL, id = ...}", uuid.Nil)
		text, err := json.Marshal(rows)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "JSON", string(text), `[{"a":{"b":[1,"x",{"c":true}]},"id":"00000000-0000-0000-0000-000000000000","n":null}]`)
		text, err = json.Marshal(lua(t, conn, "return ...", decimal.RequireFromString("1.50"), []any{}, map[string]any{}))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "JSON", string(text), `["1.5",[],{}]`)
	})
}

func TestEncoding(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		plain := shared(t, p)
		conn := connect(t, tnt.Options{Address: p.shared.Address, Encoding: charmap.Windows1251})
		const text = "привет"
		tuple, err := conn.Replace(testContext(t), "tester", []any{1, text, nil, map[string]any{"ключ": []any{text, []byte{0xef}}}})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := tuple.Get("name"); v != text || err != nil {
			t.Errorf("read as %q, %v", v, err)
		}
		if v, err := tuple.At(3); err != nil {
			t.Error(err)
		} else {
			equal(t, "deep inside", v, map[string]any{"ключ": []any{text, []byte{0xef}}})
		}
		wire, err := plain.Select(testContext(t), "tester", tnt.K(1))
		if err != nil {
			t.Fatal(err)
		}
		if v, _ := wire[0].Get("name"); v != "\xef\xf0\xe8\xe2\xe5\xf2" {
			t.Errorf("the server has %q", v)
		}
		equal(t, "by key", ids(t, conn, tnt.Select{Space: "tester", Index: "name", Key: tnt.K(text)}), ints(1))
		type row struct {
			ID   int
			Name string
		}
		typed, err := tnt.One[row](testContext(t), conn, tnt.Select{Space: "tester", Key: tnt.K(1)})
		if err != nil || typed.Name != text {
			t.Errorf("typed: %v, %v", typed, err)
		}
		results := conn.Batch(testContext(t), tnt.Call{Function: "echo", Args: []any{text}}, tnt.Call{Function: "fail", Args: []any{text}})
		resp, err := results[0].Response, results[0].Err
		if err != nil {
			t.Fatal(err)
		}
		if rows, _ := resp.Data(); len(rows) != 1 || rows[0] != text {
			t.Errorf("in a batch: %v", rows)
		}
		failsWith(t, "an error's message", results[1].Err, text)

		before := conn.Stats()
		_, err = conn.Call(testContext(t), "echo", "漢字")
		failsWith(t, "a string beyond the encoding", err, "encoding")
		if !tnt.SafeToRetry(err) || conn.Stats().InFlight != before.InFlight {
			t.Errorf("%v", err)
		}
		if err := conn.Ping(testContext(t)); err != nil {
			t.Error(err)
		}
	})
}

// celsius knows its own MessagePack: a map, which a float would not be.
type celsius float64

func (c celsius) MarshalMsg(b []byte) ([]byte, error) {
	b = msgp.AppendMapHeader(b, 1)
	b = msgp.AppendString(b, "celsius")
	return msgp.AppendFloat64(b, float64(c)), nil
}

func (c *celsius) UnmarshalMsg(b []byte) ([]byte, error) {
	_, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return b, err
	}
	if _, b, err = msgp.ReadStringBytes(b); err != nil {
		return b, err
	}
	v, b, err := msgp.ReadFloat64Bytes(b)
	*c = celsius(v)
	return b, err
}

func TestOwnMessagePack(t *testing.T) {
	type reading struct {
		ID   int
		Temp celsius
	}
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		tuple, err := conn.Replace(testContext(t), "no_format", reading{1, 21.5})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := tuple.At(1); err != nil {
			t.Error(err)
		} else {
			equal(t, "on the server", v, map[string]any{"celsius": 21.5})
		}
		back, err := tnt.One[reading](testContext(t), conn, tnt.Select{Space: "no_format"})
		if err != nil || back != (reading{1, 21.5}) {
			t.Errorf("read as %v, %v", back, err)
		}
		equal(t, "as an argument", data(t, conn, tnt.Call{Function: "echo", Args: []any{celsius(1)}}), []any{map[string]any{"celsius": int64(1)}})
	})
}

func TestTupleFormats(t *testing.T) {
	onServersWith(t, 3, 2, func(t *testing.T, p *program) {
		shared(t, p)
		conn := connect(t, tnt.Options{Address: p.shared.Address, TupleFormats: true})
		if _, err := conn.Replace(testContext(t), "tester", []any{1, "ann", 30}); err != nil {
			t.Fatal(err)
		}
		for _, req := range []tnt.Request{
			tnt.Eval{Expr: "return box.space.tester:get(1)"},
			tnt.Select{Space: "tester"},
			tnt.Select{SpaceID: conn.Schema().Space("tester").ID},
		} {
			tuples, err := do(t, conn, req).Tuples()
			if err != nil {
				t.Fatal(err)
			}
			if v, err := tuples[0].Get("name"); v != "ann" || err != nil {
				t.Errorf("%#v: a field by name: %v, %v", req, v, err)
			}
			equal(t, "untyped", data(t, conn, req), []any{[]any{int64(1), "ann", int64(30)}})
			type row struct {
				Age  int    `tnt:"age"`
				Name string `tnt:"name"`
			}
			typed, err := tnt.One[row](testContext(t), conn, req)
			if err != nil || typed != (row{30, "ann"}) {
				t.Errorf("%#v: typed by name: %v, %v", req, typed, err)
			}
		}
		tuple := []any{int64(1), "ann", int64(30)}
		equal(t, "nested", lua(t, conn, "local t = box.space.tester:get(1) return {a = t, b = {t}}, t"),
			[]any{map[string]any{"a": tuple, "b": []any{tuple}}, tuple})
	})
}
