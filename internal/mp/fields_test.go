package mp

import (
	"bytes"
	"database/sql"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// nilThen reads nil into a field that has a value, in a row that goes on.
func nilThen[T any](t *testing.T, v T) {
	t.Helper()
	row := struct {
		V    T
		Last string
	}{V: v}
	for range 2 { // the second time over nothing
		r := NewReader([]byte{0x92, 0xc0, 0xa1, 'x'})
		if err := DecodeInto(&r, &row); err != nil || row.Last != "x" || !reflect.ValueOf(&row.V).Elem().IsZero() || r.Len() != 0 {
			t.Errorf("%T: %+v, %v", v, row, err)
		}
	}
}

// TestNilBeforeOthers reads nil into every kind.
func TestNilBeforeOthers(t *testing.T) {
	nilThen(t, 5.0)
	nilThen(t, float32(5))
	nilThen(t, 5)
	nilThen(t, int16(5))
	nilThen(t, uint8(5))
	nilThen(t, true)
	nilThen(t, "x")
	nilThen(t, []byte("x"))
	nilThen(t, [2]byte{1, 2})
	nilThen(t, [2]int{1, 2})
	nilThen(t, []int{1})
	nilThen(t, map[string]int{"a": 1})
	nilThen(t, ptr(5))
	nilThen(t, any(5))
	nilThen(t, struct{ A int }{5})
	nilThen(t, sql.Null[int]{V: 5, Valid: true})
	nilThen(t, time.Unix(5, 0))
	nilThen(t, uuid.UUID{1})
	nilThen(t, decimal.NewFromInt(5))
	v := sql.Null[int]{V: 5, Valid: true}
	r := NewReader([]byte{0xa1, 'x'})
	if err := DecodeInto(&r, &v); err == nil || v.Valid {
		t.Errorf("what could not be read is %+v, %v", v, err)
	}
}

// TestStringsInRows reads strings of many lengths in a row, whole and cut short.
func TestStringsInRows(t *testing.T) {
	type row struct {
		A string
		F float64
		B []byte
	}
	for _, n := range []int{0, 1, 31, 32, 33, 255, 256, 70_000} {
		want := row{strings.Repeat("a", n), 0.1, bytes.Repeat([]byte{7}, n)}
		wire, err := AppendRow(nil, want, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got row
		r := NewReader(wire)
		if err := DecodeInto(&r, &got); err != nil || got.A != want.A || got.F != want.F || !bytes.Equal(got.B, want.B) {
			t.Errorf("of %d bytes: %v", n, err)
		}
		for cut := range wire {
			if cut > 50 && len(wire)-cut > 50 {
				continue
			}
			r := NewReader(wire[:cut])
			if err := DecodeInto(&r, &got); err == nil {
				t.Errorf("%d of %d bytes are a row", cut, len(wire))
			}
		}
	}
}

// TestElementsAreTheirOwn reads maps and lists whose elements share nothing.
func TestElementsAreTheirOwn(t *testing.T) {
	wire := unhex(t, "82a16101a16202") // {a: 1, b: 2}
	var pointers map[string]*int
	r := NewReader(wire)
	if err := DecodeInto(&r, &pointers); err != nil || *pointers["a"] != 1 || *pointers["b"] != 2 {
		t.Errorf("%v, %v", pointers, err)
	}
	type pair struct{ A, B int }
	var structs map[string]pair
	r = NewReader(unhex(t, "82a178 82a16101a16202 a179 81a16103")) // {x: {a: 1, b: 2}, y: {a: 3}}
	if err := DecodeInto(&r, &structs); err != nil || structs["x"] != (pair{1, 2}) || structs["y"] != (pair{3, 0}) {
		t.Errorf("%v, %v", structs, err)
	}
	var lists map[string][]int
	r = NewReader(unhex(t, "82a178 920102 a179 9103"))
	if err := DecodeInto(&r, &lists); err != nil || !slices.Equal(lists["x"], []int{1, 2}) || !slices.Equal(lists["y"], []int{3}) {
		t.Errorf("%v, %v", lists, err)
	}
	var keyed map[[2]int]string
	r = NewReader(unhex(t, "82 920102 a178 920100 a179"))
	if err := DecodeInto(&r, &keyed); err != nil || keyed[[2]int{1, 2}] != "x" || keyed[[2]int{1, 0}] != "y" {
		t.Errorf("%v, %v", keyed, err)
	}
}

// TestKeysThatAreNoNames passes over what a struct has no field for.
func TestKeysThatAreNoNames(t *testing.T) {
	var v struct{ A, B int }
	r := NewReader(unhex(t, "84 01 02 a178 920102 a161 03 c0 a161"))
	if err := DecodeInto(&r, &v); err != nil || v.A != 3 || r.Len() != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	row := struct {
		T int `tnt:"t"`
		A int
	}{5, 6}
	for names, want := range map[string][]byte{"t a": {0x92, 5, 6}, "t a x y": {0x92, 5, 6}, "x t a x": {0x93, 0xc0, 5, 6}} {
		if b, err := AppendRow(nil, row, strings.Fields(names)); err != nil || !bytes.Equal(b, want) {
			t.Errorf("a row by %s: %x, %v", names, b, err)
		}
	}
}

// TestTaggedWins has one of two embedded structs give a field its name by a tag.
func TestTaggedWins(t *testing.T) {
	type Plain struct{ Name string }
	type Tagged struct {
		Other string `tnt:"name"`
	}
	want := []byte{0x81, 0xa4, 'n', 'a', 'm', 'e', 0xa1, 't'}
	for _, v := range []any{
		struct {
			Plain
			Tagged
		}{Plain{"p"}, Tagged{"t"}},
		struct {
			Tagged
			Plain
		}{Tagged{"t"}, Plain{"p"}},
	} {
		if b, err := AppendValue(nil, v); err != nil || !bytes.Equal(b, want) {
			t.Errorf("%+v is %x, %v", v, b, err)
		}
	}
}

// TestReadAsText reads values that have a text into types that read one.
func TestReadAsText(t *testing.T) {
	id := uuid.MustParse("c8f0fa1f-da29-438c-a040-393f1126ad39")
	for _, c := range []struct {
		v    any
		want string
	}{{id, id.String()}, {decimal.RequireFromString("1.50"), "1.50"}, {"abc", "abc"}, {[]byte("abc"), "abc"}} {
		b, err := AppendValue(nil, c.v)
		if err != nil {
			t.Fatal(err)
		}
		var got readOnly
		r := NewReader(b)
		if err := DecodeInto(&r, &got); err != nil || got.text != c.want {
			t.Errorf("%v is the text %q, %v", c.v, got.text, err)
		}
	}
	var got uuid.UUID
	r := NewReader(AppendString(nil, id.String()))
	if err := DecodeInto(&r, &got); err != nil || got != id {
		t.Errorf("a UUID's text: %v, %v", got, err)
	}
	r = NewReader(AppendString(nil, "x"))
	if err := DecodeInto(&r, &got); err == nil {
		t.Errorf("any text is the UUID %v", got)
	}
}

// TestDecimalsAsFloats reads decimals into floats, where they may be rounded, and
// refuses those that are too large.
func TestDecimalsAsFloats(t *testing.T) {
	for text, want := range map[string][2]float64{ // as float32, 0 where it does not fit, and float64
		"0.5": {0.5, 0.5}, "-0.1": {float64(float32(-0.1)), -0.1}, "16777217": {16777216, 16777217}, "1E36": {float64(float32(1e36)), 1e36}, "9E38": {0, 9e38},
	} {
		wire, err := AppendRow(nil, []any{decimal.RequireFromString(text)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var single struct {
			F float32 `tnt:",round"`
		}
		r := NewReader(wire)
		if err := DecodeInto(&r, &single); float64(single.F) != want[0] || (err == nil) != (want[0] != 0) {
			t.Errorf("%s is %v as float32, %v", text, single.F, err)
		}
		var double struct {
			F float64 `tnt:",round"`
		}
		r = NewReader(wire)
		if err := DecodeInto(&r, &double); double.F != want[1] || err != nil {
			t.Errorf("%s is %v as float64, %v", text, double.F, err)
		}
		var exact struct{ F float64 }
		r = NewReader(wire)
		if err := DecodeInto(&r, &exact); err == nil {
			t.Errorf("%s is %v as float64", text, exact.F)
		}
	}
}

// TestTypesRefused names what has no form inside of what has one.
func TestTypesRefused(t *testing.T) {
	for name, v := range map[string]any{
		"null": sql.Null[chan int]{}, "pointer": new(chan int), "list": []chan int{}, "array": [1]chan int{},
		"map": map[string]chan int{}, "key": map[chan int]int{}, "struct": struct{ C *chan int }{},
	} {
		if b, err := AppendValue(nil, v); err == nil || !strings.Contains(err.Error(), "chan int") {
			t.Errorf("%s: %x, %v", name, b, err)
		}
	}
	var c chan int
	r := NewReader([]byte{0xc0})
	if err := DecodeInto(&r, &c); err == nil || !strings.Contains(err.Error(), "chan int") {
		t.Errorf("read: %v", err)
	}
}
