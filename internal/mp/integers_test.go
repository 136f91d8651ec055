package mp

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

// integerForms returns every form of MessagePack that an integer has.
func integerForms(n *big.Int) (forms [][]byte) {
	if n.IsUint64() {
		v := n.Uint64()
		if v <= 0x7f {
			forms = append(forms, []byte{byte(v)})
		}
		for i := range 4 {
			if size := 1 << i; size == 8 || v < 1<<(8*size) {
				forms = append(forms, append([]byte{0xcc + byte(i)}, lastBytes(v, size)...))
			}
		}
	}
	if n.IsInt64() {
		v := n.Int64()
		if -32 <= v && v < 0 {
			forms = append(forms, []byte{byte(v)})
		}
		for i := range 4 {
			if bits := 8 << i; v == v<<(64-bits)>>(64-bits) {
				forms = append(forms, append([]byte{0xd0 + byte(i)}, lastBytes(uint64(v), bits/8)...))
			}
		}
	}
	return forms
}

func lastBytes(v uint64, n int) []byte { return binary.BigEndian.AppendUint64(nil, v)[8-n:] }

// TestIntegersAtTheirEdges reads the numbers around every power of two, in every
// form there is, into every type; what does not fit is an error, and so is every
// form that is cut short.
func TestIntegersAtTheirEdges(t *testing.T) {
	type row struct {
		I64  int64
		U64  uint64
		Last string
	}
	for exp := range 65 {
		for diff := int64(-2); diff <= 2; diff++ {
			for _, sign := range []int64{1, -1} {
				n := new(big.Int).Lsh(big.NewInt(1), uint(exp))
				n.Add(n, big.NewInt(diff)).Mul(n, big.NewInt(sign))
				for _, form := range integerForms(n) {
					checkInteger[int](t, n, form)
					checkInteger[int8](t, n, form)
					checkInteger[int16](t, n, form)
					checkInteger[int32](t, n, form)
					checkInteger[int64](t, n, form)
					checkInteger[uint](t, n, form)
					checkInteger[uint8](t, n, form)
					checkInteger[uint16](t, n, form)
					checkInteger[uint32](t, n, form)
					checkInteger[uint64](t, n, form)
					checkInteger[uintptr](t, n, form)
					checkFloat[float32](t, n, form, 24)
					checkFloat[float64](t, n, form, 53)

					r := NewReader(form)
					if v := r.Value(); r.Err() != nil || r.Len() != 0 || fmt.Sprint(v) != n.String() {
						t.Errorf("%x is the value %v, %v", form, v, r.Err())
					}
					r = NewReader(form)
					if v := r.Int(); (r.Err() == nil) != n.IsInt64() || n.IsInt64() && (v != n.Int64() || r.Len() != 0) {
						t.Errorf("%x is %d, %v", form, v, r.Err())
					}
					r = NewReader(form)
					if v := r.Uint(); (r.Err() == nil) != n.IsUint64() || n.IsUint64() && (v != n.Uint64() || r.Len() != 0) {
						t.Errorf("%x is %d, %v", form, v, r.Err())
					}
					r = NewReader(form)
					if typ := r.Type(); typ != TypeUint && typ != TypeInt {
						t.Errorf("%x is of type %v", form, typ)
					}

					var got row
					wire := slices.Concat([]byte{0x93, 0xc0}, form, []byte{0xa1, 'x'})
					if n.IsInt64() {
						wire = slices.Concat([]byte{0x93}, form, []byte{0xc0, 0xa1, 'x'})
					}
					r = NewReader(wire)
					err := DecodeInto(&r, &got)
					if err != nil || got.Last != "x" || n.IsInt64() && got.I64 != n.Int64() || !n.IsInt64() && got.U64 != n.Uint64() {
						t.Errorf("%x is the row %+v, %v", wire, got, err)
					}
				}
			}
		}
	}
}

type integer interface {
	int | int8 | int16 | int32 | int64 | uint | uint8 | uint16 | uint32 | uint64 | uintptr
}

func checkInteger[T integer](t *testing.T, n *big.Int, form []byte) {
	t.Helper()
	typ := reflect.TypeFor[T]()
	fits := n.IsInt64() && !reflect.Zero(typ).CanUint() && !reflect.Zero(typ).OverflowInt(n.Int64()) ||
		n.IsUint64() && reflect.Zero(typ).CanUint() && !reflect.Zero(typ).OverflowUint(n.Uint64())
	got := T(0)
	r := NewReader(form)
	if err := DecodeInto(&r, &got); (err == nil) != fits || fits && fmt.Sprint(got) != n.String() {
		t.Errorf("%x, which is %v, is %v as %v, %v", form, n, got, typ, err)
	}
	for cut := range form {
		r := NewReader(form[:cut])
		if err := DecodeInto(&r, &got); err == nil {
			t.Errorf("%x of %x is %v as %v", form[:cut], form, got, typ)
		}
	}
	var row struct{ A, B T }
	wire := slices.Concat([]byte{0x92}, form, []byte{0x7f})
	r = NewReader(wire)
	if err := DecodeInto(&r, &row); (err == nil) != fits || fits && (fmt.Sprint(row.A) != n.String() || row.B != 0x7f) {
		t.Errorf("%x in a row is %v as %v, %v", form, row, typ, err)
	}
	for cut := range wire {
		r := NewReader(wire[:cut])
		if err := DecodeInto(&r, &row); err == nil {
			t.Errorf("%x of %x is %v as %v", wire[:cut], wire, row, typ)
		}
	}
}

// checkFloat has a number read that a float of so many bits has, and refused
// where it would be rounded.
func checkFloat[T float32 | float64](t *testing.T, n *big.Int, form []byte, precision uint) {
	t.Helper()
	exact := new(big.Float).SetPrec(precision).SetInt(n)
	back, accuracy := exact.Int(nil)
	fits := accuracy == big.Exact && back.Cmp(n) == 0
	want, _ := exact.Float64()
	var got T
	r := NewReader(slices.Concat([]byte{0x91}, form))
	r.ArrayLen()
	if err := DecodeInto(&r, &got); (err == nil) != fits || fits && float64(got) != want || !fits && !strings.Contains(err.Error(), "offset 1 ") {
		t.Errorf("%x, which is %v, is %v as %T, %v", form, n, got, got, err)
	}
}

// TestDecimalsAsIntegers has the decimals around those that an integer has.
func TestDecimalsAsIntegers(t *testing.T) {
	for _, text := range []string{"0", "-1", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809"} {
		n, _ := new(big.Int).SetString(text, 10)
		form, err := AppendValue(nil, decimal.NewFromBigInt(n, 0))
		if err != nil {
			t.Fatal(err)
		}
		checkInteger[int64](t, n, form)
		checkInteger[uint64](t, n, form)
	}
}
