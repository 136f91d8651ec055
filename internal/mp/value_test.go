package mp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/tinylib/msgp/msgp"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/types"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

type (
	myInt   int16
	myBytes []byte
	node    struct{ Next *node }
	marked  struct{ text string } // knows its own MessagePack
	onlyOut chan int              // only how to be written
)

func (m *marked) MarshalMsg(b []byte) ([]byte, error) {
	return msgp.AppendString(b, "<"+m.text+">"), nil
}

func (m *marked) UnmarshalMsg(b []byte) (rest []byte, err error) {
	m.text, rest, err = msgp.ReadStringBytes(b)
	return rest, err
}

func (onlyOut) MarshalMsg(b []byte) ([]byte, error) { return append(b, 7), nil }

// brokenly is a type whose MarshalMsg does what it says.
type brokenly string

func (m brokenly) MarshalMsg(b []byte) ([]byte, error) {
	switch m {
	case "panics":
		panic("oh")
	case "fails":
		return append(b, 1), io.ErrNoProgress
	case "appends nothing":
		return b, nil
	case "appends half":
		return append(b, 0xcd), nil
	case "appends two":
		return append(b, 1, 2), nil
	case "cuts":
		return b[:0], nil
	}
	return append(b, 1), nil
}

func (m *brokenly) UnmarshalMsg(b []byte) ([]byte, error) {
	if b[0] == 1 {
		panic("oh")
	}
	return b, io.ErrNoProgress
}

func TestAppendValue(t *testing.T) {
	seven := 7
	id := uuid.MustParse("c8f0fa1f-da29-438c-a040-393f1126ad39")
	for _, c := range []struct {
		v    any
		want string
	}{
		{nil, "c0"},
		{true, "c3"},
		{int8(-1), "ff"},
		{int16(200), "ccc8"},
		{int32(-40000), "d2ffff63c0"},
		{int64(math.MinInt64), "d38000000000000000"},
		{uint8(200), "ccc8"},
		{uint16(1), "01"},
		{uint64(math.MaxUint64), "cfffffffffffffffff"},
		{myInt(300), "cd012c"},
		{float32(0.5), "ca3f000000"},
		{0.5, "cb3fe0000000000000"},
		{"x", "a178"},
		{[]byte("x"), "c40178"},
		{myBytes("x"), "c40178"},
		{[2]byte{1, 2}, "c4020102"},
		{[]byte(nil), "c0"},
		{[]any(nil), "c0"},
		{map[string]any(nil), "c0"},
		{[]string(nil), "c0"},
		{(*int)(nil), "c0"},
		{(*node)(nil), "c0"},
		{(*marked)(nil), "c0"},
		{&seven, "07"},
		{[]int{1, 2}, "920102"},
		{[2]bool{true}, "92c3c2"},
		{[]any{1, "x", []any{}}, "9301a17890"},
		{map[string]any{"b": 1, "a": 2}, "82a16102a16201"},
		{map[string]int{"b": 1, "a": 2, "c": 3}, "83a16102a16201a16303"},
		{map[int]string{5: "x"}, "8105a178"},
		{map[any]any{nil: 1}, "81c001"},
		{struct{}{}, "80"},
		{node{&node{}}, "81a46e65787481a46e657874c0"},
		{id, "d802c8f0fa1fda29438ca040393f1126ad39"},
		{&id, "d802c8f0fa1fda29438ca040393f1126ad39"},
		{decimal.RequireFromString("1.00"), "c7030102100c"},
		{time.Unix(0, 0).UTC(), "d7040000000000000000"},
		{types.Interval{}, "c703060108 01"},
		{[]types.Interval{{}}, "91c70306010801"},
		{types.Extension{Type: 42, Data: []byte{1}}, "d42a01"},
		{&types.Error{Type: "T", Message: "m", Code: 1}, "c712038100918600a154020001a003a16d04000501"},
		{marked{"x"}, "a33c783e"},
		{&marked{"x"}, "a33c783e"},
		{[]marked{{"x"}}, "91a33c783e"},
		{map[string]*marked{"k": nil}, "81a16bc0"},
		{onlyOut(nil), "07"},
		{msgp.Raw{0x92, 1, 2}, "920102"},
		{[]error{nil, &types.Error{}}, "92c0d8038100918600a0020001a003a004000500"},
	} {
		b, err := AppendValue([]byte{0xaa}, c.v)
		if err != nil || !bytes.Equal(b[1:], unhex(t, c.want)) {
			t.Errorf("%T %v is %x, %v, not %s", c.v, c.v, b[1:], err, c.want)
		}
	}
}

func TestAppendValueRefuses(t *testing.T) {
	type inner struct{ Conn chan int }
	type outer struct{ Address inner }
	loop := []any{nil}
	loop[0] = loop
	var self any
	self = &self
	ring := &node{}
	ring.Next = ring
	chain := &types.Error{}
	chain.Cause = chain
	looped := &types.Error{Fields: map[string]any{}}
	looped.Fields["me"] = looped
	loopMap := map[string]any{}
	loopMap["x"] = loopMap
	for _, c := range []struct {
		v    any
		want string
	}{
		{make(chan int), "type chan int: chan int has no form in MessagePack"},
		{func() {}, "func()"},
		{1i, "complex128"},
		{time.Second, "types.Interval"},
		{[]time.Duration{1}, "types.Interval"},
		{outer{}, "field Address.Conn: chan int has no form in MessagePack"},
		{[]any{1, map[string]any{"k": func() {}}}, `field [1]["k"]: type func(): `},
		{map[int]any{5: []any{1i}}, "field [5][0]: "},
		{struct{ V any }{1i}, "field V: type complex128"},
		{struct{ a, b int }{}, "no exported fields"},
		{loop, "nested more than"},
		{self, "nested more than"},
		{ring, "nested more than"},
		{chain, "nested more than"},
		{looped, "nested more than"},
		{loopMap, "nested more than"},
		{brokenly("panics"), "mp.brokenly panicked in MarshalMsg: oh"},
		{brokenly("fails"), io.ErrNoProgress.Error()},
		{brokenly("appends nothing"), "something else than one value"},
		{brokenly("appends half"), "something else than one value"},
		{brokenly("appends two"), "something else than one value"},
		{brokenly("cuts"), "something else than one value"},
		{[]brokenly{"", "panics"}, "field [1]: *mp.brokenly panicked"},
		{decimal.New(1, 1000000), "exponent"},
		{types.Interval{Year: 1 << 40}, "years"},
		{time.Unix(1<<60, 0), "year"},
	} {
		b, err := AppendValue([]byte{0xaa}, c.v)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: %v, not %q", c.v, err, c.want)
		}
		if len(b) == 0 || b[0] != 0xaa {
			t.Errorf("%T: what was there is lost", c.v)
		}
	}
}

func TestValue(t *testing.T) {
	for _, c := range []struct {
		data string
		want any
	}{
		{"c0", nil},
		{"c3", true},
		{"7f", int64(127)},
		{"ff", int64(-1)},
		{"d07f", int64(127)}, // as a client may have written it
		{"d0ff", int64(-1)},
		{"d1ff7f", int64(-129)},
		{"d280000000", int64(math.MinInt32)},
		{"d3ffffffffffffffff", int64(-1)},
		{"cf7fffffffffffffff", int64(math.MaxInt64)},
		{"cf8000000000000000", uint64(1 << 63)},
		{"ca3f000000", 0.5},
		{"cb3fe0000000000000", 0.5},
		{"a2ff78", "\xffx"},
		{"d90178", "x"},
		{"da000178", "x"},
		{"db0000000178", "x"},
		{"c40178", []byte("x")},
		{"c400", []byte{}},
		{"90", []any{}},
		{"9201a178", []any{int64(1), "x"}},
		{"dd0000000101", []any{int64(1)}},
		{"80", map[string]any{}},
		{"81a16101", map[string]any{"a": int64(1)}},
		{"83a16101ff02cb3fe000000000000003", map[any]any{"a": int64(1), int64(-1): int64(2), 0.5: int64(3)}},
		{"81c001", map[any]any{nil: int64(1)}},
		{"c7050700 9201a178", []any{int64(1), "x"}},
		{"d42a01", types.Extension{Type: 42, Data: []byte{1}}},
		{"c7002a", types.Extension{Type: 42, Data: []byte{}}},
	} {
		r := NewReader(unhex(t, c.data))
		if got := r.Value(); !reflect.DeepEqual(got, c.want) || r.Err() != nil || r.Len() != 0 {
			t.Errorf("%s is %T %v, %v, not %T %v", c.data, got, got, r.Err(), c.want, c.want)
		}
	}
}

func TestValueRefuses(t *testing.T) {
	for data, want := range map[string]string{
		"":                                 ErrTruncated.Error(),
		"c1":                               "starts no value",
		"cd01":                             ErrTruncated.Error(),
		"a3":                               ErrTruncated.Error(),
		"92 01":                            ErrTruncated.Error(),
		"92 91 01":                         ErrTruncated.Error(), // one array takes the other's value
		"81 a161":                          ErrTruncated.Error(),
		"dd ffffffff 01":                   ErrTruncated.Error(),
		"df ffffffff 01 01":                ErrTruncated.Error(),
		"81 91 01 01":                      "which no Go map can have",
		"81 c400 01":                       "which no Go map can have",
		"d50107ff":                         "decimal",
		"d402 00":                          "uuid",
		"d404 00":                          "datetime",
		"d406 01":                          "interval",
		"d403 80":                          "holds no error",
		"c703 03 8100 90":                  "holds no error",
		"c702 07 00 01":                    "holds no array",
		"c703 07 00 9190":                  "", // fine
		"c704 07 00 9190 01":               "too many",
		"c704 07 00 92 01":                 ErrTruncated.Error(),
		strings.Repeat("91", 300):          "nested more than",
		strings.Repeat("81a0", 300) + "c0": "nested more than",
	} {
		r := NewReader(unhex(t, data))
		v := r.Value()
		switch {
		case want == "" && r.Err() != nil, want != "" && (r.Err() == nil || !strings.Contains(r.Err().Error(), want)):
			t.Errorf("%.20s: %v, not %q", data, r.Err(), want)
		case want != "" && v != nil && !reflect.ValueOf(v).IsZero():
			t.Errorf("%.20s: %v", data, v)
		}
	}
}

// Containers in containers that claim all the bytes there are.
func TestLyingLengthsCostLittle(t *testing.T) {
	const size = 1 << 20
	bomb := func(head ...byte) []byte {
		return bytes.Repeat(head, size/len(head))
	}
	type tree struct{ Kids []tree }
	for name, read := range map[string]func(r *Reader){
		"values": func(r *Reader) { r.Value() },
		"any":    func(r *Reader) { var v []any; _ = DecodeInto(r, &v) },
		"tree":   func(r *Reader) { var v tree; _ = DecodeInto(r, &v) },
		"maps":   func(r *Reader) { var v map[string]map[string]any; _ = DecodeInto(r, &v) },
	} {
		for _, data := range [][]byte{bomb(0xdd, 0, 0xf, 0, 0), bomb(0xdf, 0, 7, 0, 0), bomb(0xdc, 0xff, 0xff), bomb(0x91)} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := NewReader(data)
			read(&r)
			runtime.ReadMemStats(&after)
			if cost := after.TotalAlloc - before.TotalAlloc; cost > 100*size || r.Err() == nil {
				t.Errorf("%s of %x...: %d bytes, %v", name, data[:5], cost, r.Err())
			}
		}
	}
}

func TestErrorValue(t *testing.T) {
	cause := &types.Error{Type: "ClientError", File: "x.lua", Line: 1, Message: "inner", Code: errcode.Unknown}
	e := &types.Error{Type: "CustomError", Message: "outer", Errno: 2, Code: 42, Cause: cause}
	e.SetField("z", int64(1))
	e.SetField("a", "x")
	b, err := AppendValue(nil, []any{e, nil})
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(b)
	v, ok := r.Value().([]any)
	if r.Err() != nil || !ok || !reflect.DeepEqual(v[0], e) {
		t.Errorf("%v comes back as %v, %v", e, v, r.Err())
	}
	if !errors.Is(v[0].(error), errcode.Unknown) {
		t.Error("the cause is not found")
	}
	var list []*types.Error
	r = NewReader(b)
	if err := DecodeInto(&r, &list); err != nil || !reflect.DeepEqual(list, []*types.Error{e, nil}) {
		t.Error(list, err)
	}
	var values []types.Error
	r = NewReader(b)
	if err := DecodeInto(&r, &values); err != nil || !reflect.DeepEqual(values, []types.Error{*e, {}}) {
		t.Error(values, err)
	}
}

func TestDecodeErrorRefuses(t *testing.T) {
	for _, data := range []string{"", "90", "8100", "810091", "8100918100", "810091810605", "81009181 05cf0000000100000000", "a1", "81a000"} {
		r := NewReader(unhex(t, data))
		if e := DecodeError(&r); e != nil || r.Err() == nil {
			t.Errorf("%s: %v, %v", data, e, r.Err())
		}
	}
	r := NewReader(unhex(t, "810090"))
	if e := DecodeError(&r); e != nil || r.Err() != nil {
		t.Error("an empty stack:", e, r.Err())
	}
}

// The bytes read may change afterwards.
func TestValuesAreTheCallers(t *testing.T) {
	b := unhex(t, "94 a178 c40178 d42a78 81a17801")
	r := NewReader(b)
	v := r.Value()
	for i := range b {
		b[i] = 'y'
	}
	if want := []any{"x", []byte("x"), types.Extension{Type: 42, Data: []byte("x")}, map[string]any{"x": int64(1)}}; !reflect.DeepEqual(v, want) {
		t.Error(v)
	}
}
