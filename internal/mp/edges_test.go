package mp

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/types"
)

// TestCutShort cuts values short, and reads them as what they are and as what
// they are not, which is an error each time, and never a value.
func TestCutShort(t *testing.T) {
	readers := map[string]func(r *Reader) any{
		"a string": func(r *Reader) any { return len(r.String()) },
		"binary":   func(r *Reader) any { return len(r.Binary()) },
		"an array": func(r *Reader) any { return r.ArrayLen() },
		"a map":    func(r *Reader) any { return r.MapLen() },
		"an extension": func(r *Reader) any {
			typ, data := r.Ext()
			return fmt.Sprint(typ, len(data))
		},
		"a number": func(r *Reader) any { return r.Float64() },
	}
	type form struct {
		wire  []byte
		kind  string
		value any
		typ   Type
	}
	var forms []form
	for _, n := range []int{0, 1, 2, 3, 4, 8, 15, 16, 17, 31, 32, 255, 256, 65535, 65536} {
		text := strings.Repeat("x", n)
		pairs := AppendMapLen(nil, n)
		for range n {
			pairs = append(pairs, 1, 2)
		}
		forms = append(forms,
			form{AppendString(nil, text), "a string", n, TypeString},
			form{AppendBinary(nil, []byte(text)), "binary", n, TypeBinary},
			form{append(AppendArrayLen(nil, n), text...), "an array", n, TypeArray},
			form{append([]byte{0xdd}, append(binary.BigEndian.AppendUint32(nil, uint32(n)), text...)...), "an array", n, TypeArray},
			form{pairs, "a map", n, TypeMap},
			form{AppendExt(nil, 42, []byte(text)), "an extension", fmt.Sprint(42, n), TypeExt},
		)
	}
	forms = append(forms, form{AppendFloat64(nil, 0.5), "a number", 0.5, TypeFloat64}, form{AppendFloat32(nil, 0.5), "a number", 0.5, TypeFloat32})
	for _, f := range forms {
		for kind, read := range readers {
			r := NewReader(f.wire)
			got := read(&r)
			if kind == f.kind && (r.Err() != nil || got != f.value || f.kind == "a string" && r.Len() > 0) || kind != f.kind && r.Err() == nil {
				t.Errorf("%.10x... read as %s: %v, %v, and it is %s", f.wire, kind, got, r.Err(), f.kind)
			}
		}
		r := NewReader(f.wire)
		if r.Skip(); r.Err() != nil || r.Len() != 0 {
			t.Errorf("%.10x..., of %d bytes, is not skipped: %d are left, %v", f.wire, len(f.wire), r.Len(), r.Err())
		}
		if typ := TypeOf(f.wire[0]); typ != f.typ {
			t.Errorf("%.10x... is of type %v", f.wire, typ)
		}
		for _, cut := range cuts(len(f.wire)) {
			r := NewReader(f.wire[:cut])
			if got := readers[f.kind](&r); r.Err() == nil {
				t.Errorf("%d bytes of %.10x..., which has %d: %v", cut, f.wire, len(f.wire), got)
			}
			r = NewReader(f.wire[:cut])
			if r.Skip(); r.Err() == nil {
				t.Errorf("%d bytes of %.10x..., which has %d, are skipped", cut, f.wire, len(f.wire))
			}
		}
	}
}

// cuts returns where to cut so many bytes: at the begin, and at the end.
func cuts(n int) (places []int) {
	for cut := range n {
		if cut < 10 || cut > n-3 {
			places = append(places, cut)
		}
	}
	return places
}

// rose is a tree of maps.
type rose map[string]rose

// TestCycles has values that contain themselves, by every kind of container.
func TestCycles(t *testing.T) {
	type pointer *pointer
	type list []list
	type structs struct{ Next *structs }
	type null struct{ Next *sql.Null[any] }
	p := new(pointer)
	*p = p
	l := list{nil}
	l[0] = l
	m := rose{}
	m["x"] = m
	s := &structs{}
	s.Next = s
	n := null{&sql.Null[any]{Valid: true}}
	n.Next.V = n
	a := []any{nil}
	a[0] = a
	var keyed any
	k := map[any]any{}
	k[1], keyed = &keyed, k
	for name, v := range map[string]any{"pointers": p, "lists": l, "maps": m, "structs": s, "nulls": n, "values": a, "maps of values": k} {
		if b, err := AppendValue(nil, v); !errors.Is(err, errTooDeep) {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
}

// TestSiblingsAreNotNested has more values beside each other than may be in each
// other.
func TestSiblingsAreNotNested(t *testing.T) {
	const n = 3 * maxDepth
	type pair struct{ A, B int }
	for name, c := range map[string]struct {
		elem []byte
		dst  any
	}{
		"arrays":               {[]byte{0x91, 0x01}, new(any)},
		"maps":                 {[]byte{0x81, 0xa1, 'x', 0x01}, new(any)},
		"maps of numbers":      {[]byte{0x81, 0x01, 0x01}, new(any)},
		"lists":                {[]byte{0x91, 0x01}, new([][]int)},
		"fixed lists":          {[]byte{0x91, 0x01}, new([][1]int)},
		"typed maps":           {[]byte{0x81, 0xa1, 'x', 0x01}, new([]map[string]int)},
		"structs as arrays":    {[]byte{0x92, 0x01, 0x01}, new([]pair)},
		"structs as maps":      {[]byte{0x81, 0xa1, 'a', 0x01}, new([]pair)},
		"pointers":             {[]byte{0x01}, new([]**int)},
		"nulls":                {[]byte{0x01}, new([]sql.Null[int])},
		"values as extensions": {[]byte{0xc7, 0x03, 0x03, 0x81, 0x00, 0x90}, new(any)},
	} {
		wire := AppendArrayLen(nil, n)
		for range n {
			wire = append(wire, c.elem...)
		}
		p, err := PlanOf(reflect.TypeOf(c.dst).Elem())
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(wire)
		p.Decode(&r, reflect.ValueOf(c.dst).UnsafePointer())
		if r.Err() != nil && strings.Contains(r.Err().Error(), "nested") || r.Err() == nil && r.Len() != 0 {
			t.Errorf("%s: %v, %d bytes are left", name, r.Err(), r.Len())
		}
		got := reflect.ValueOf(c.dst).Elem()
		if got.Kind() == reflect.Interface {
			got = got.Elem()
		}
		if r.Err() == nil && got.Len() != n {
			t.Errorf("%s: %d came of %d", name, got.Len(), n)
		}
	}
}

// TestManyFields reads and writes structs with more fields than most have.
func TestManyFields(t *testing.T) {
	for _, n := range []int{63, 64, 65, 200} {
		fields := make([]reflect.StructField, n)
		for i := range fields {
			fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: reflect.TypeFor[int]()}
		}
		v := reflect.New(reflect.StructOf(fields))
		for i := range n {
			v.Elem().Field(i).SetInt(int64(i * 1000))
		}
		b, err := AppendValue(nil, v.Elem().Interface())
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(v.Elem().Type())
		got.Elem().Field(0).SetInt(7)
		p, err := PlanOf(got.Elem().Type())
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(b)
		if p.Decode(&r, got.UnsafePointer()); r.Err() != nil || !reflect.DeepEqual(got.Elem().Interface(), v.Elem().Interface()) {
			t.Errorf("%d fields: %+v, %v", n, got.Elem(), r.Err())
		}
	}
}

type fails struct{ error }

func (f fails) MarshalText() ([]byte, error) { return []byte("text"), f.error }
func (*fails) UnmarshalText([]byte) error    { return nil }

// TestFailingText has the error of a method come out.
func TestFailingText(t *testing.T) {
	mine := errors.New("mine")
	if b, err := AppendValue(nil, fails{mine}); !errors.Is(err, mine) {
		t.Errorf("%x, %v", b, err)
	}
	if b, err := AppendValue(nil, map[fails]int{{mine}: 1}); !errors.Is(err, mine) {
		t.Errorf("as a key: %x, %v", b, err)
	}
}

type onlyWritten struct{ A, B int }

func (onlyWritten) MarshalMsg(b []byte) ([]byte, error) { return append(b, 7), nil }

type onlyRead struct{ A, B int }

func (o *onlyRead) UnmarshalMsg(b []byte) ([]byte, error) { o.A = 7; return b[1:], nil }

// TestOneMethodOfTwo has types that do for themselves one of writing and reading.
func TestOneMethodOfTwo(t *testing.T) {
	b, err := AppendValue(nil, onlyWritten{1, 2})
	var w onlyWritten
	r := NewReader([]byte{0x92, 3, 4})
	if err2 := DecodeInto(&r, &w); err != nil || err2 != nil || !bytes.Equal(b, []byte{7}) || w != (onlyWritten{3, 4}) {
		t.Errorf("written as %x, %v, read as %v, %v", b, err, w, err2)
	}
	b, err = AppendRow(nil, onlyRead{1, 2}, nil)
	var o onlyRead
	r = NewReader([]byte{5})
	if err2 := DecodeInto(&r, &o); err != nil || err2 != nil || !bytes.Equal(b, []byte{0x92, 1, 2}) || o.A != 7 {
		t.Errorf("written as %x, %v, read as %v, %v", b, err, o, err2)
	}
}

// TestRowsRefused reads rows, and values, that only begin like others.
func TestRowsRefused(t *testing.T) {
	type skips struct {
		A int
		B int `tnt:"-"`
		C int
	}
	row := []*skips{{A: 1, B: 2, C: 3}}
	b, err := AppendValue(nil, row[0])
	if err != nil || bytes.Contains(b, []byte{2}) {
		t.Errorf("%+v is %x, %v", row[0], b, err)
	}
	if b, err = AppendRow(nil, row[0], nil); err != nil || !bytes.Equal(b, []byte{0x92, 1, 3}) {
		t.Errorf("%+v is the row %x, %v", row[0], b, err)
	}
	got := skips{B: 9}
	r := NewReader(b)
	if err := DecodeInto(&r, &got); err != nil || got != (skips{1, 9, 3}) {
		t.Errorf("%x is the row %+v, %v", b, got, err)
	}

	type nullable struct {
		A *int
		B int
	}
	p, err := PlanOf(reflect.TypeFor[*nullable]())
	if err != nil {
		t.Fatal(err)
	}
	var ptr *nullable
	r = NewReader([]byte{0x92, 0xc0, 0x05})
	if p.DecodeRow(&r, reflect.ValueOf(&ptr).UnsafePointer(), nil); r.Err() != nil || ptr == nil || ptr.A != nil || ptr.B != 5 {
		t.Errorf("a row that begins with nil is %+v, %v", ptr, r.Err())
	}

	var v skips
	r = NewReader([]byte{0xd4, 42, 0})
	if err := DecodeInto(&r, &v); err == nil || !strings.Contains(err.Error(), "a tuple or a map") {
		t.Errorf("an extension is %+v, %v", v, err)
	}
	var e *types.Error
	r = NewReader([]byte{0x92, 0xc7, 3, 3, 0x81, 0x00, 0x90})
	if r.ArrayLen(); DecodeInto(&r, &e) == nil {
		t.Errorf("an error of nothing is %v", e)
	}
}

// TestErrorOfLaterVersions passes over what an error has that is not known yet.
func TestErrorOfLaterVersions(t *testing.T) {
	b, err := AppendError(nil, &types.Error{Type: "T", Message: "m", Code: errcode.Unknown})
	if err != nil {
		t.Fatal(err)
	}
	later := append([]byte{0x82, 0x7f, 0x92, 1, 2}, b[1:]...)
	r := NewReader(later)
	if e := DecodeError(&r); e == nil || e.Message != "m" || r.Err() != nil || r.Len() != 0 {
		t.Errorf("%x is %v, %v", later, e, r.Err())
	}
}

// TestNamesThatGrow binds a type by the names of one format, and by those of
// another that begins with the same.
func TestNamesThatGrow(t *testing.T) {
	type row struct {
		A int `tnt:"a"`
		B int // may be lacking
	}
	p, err := PlanOf(reflect.TypeFor[row]())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, names := range []named{{"a"}, {"a", "b"}, {"a", "x", "b"}, {"b", "a"}, {"a", "c"}} {
			wire := AppendArrayLen(nil, len(names))
			want := row{}
			for i, name := range names {
				wire = append(wire, byte(i+1))
				switch name {
				case "a":
					want.A = i + 1
				case "b":
					want.B = i + 1
				}
			}
			var got row
			r := NewReader(wire)
			if p.DecodeRow(&r, reflect.ValueOf(&got).UnsafePointer(), names); r.Err() != nil || got != want {
				t.Errorf("by %v: %+v, %v", names, got, r.Err())
			}
		}
	}
}

// TestManyOfLittle reads values that are small on the wire and large in memory.
func TestManyOfLittle(t *testing.T) {
	const n = 5000
	type large struct {
		A int
		B [4096]byte
	}
	wire := AppendArrayLen(nil, n)
	for i := range n {
		wire = append(AppendArrayLen(wire, 1), byte(i%100))
	}
	for range 2 { // the second time over what is there
		var list []large
		r := NewReader(wire)
		if err := DecodeInto(&r, &list); err != nil || len(list) != n {
			t.Fatalf("%d elements, %v", len(list), err)
		}
		for i := range list {
			if list[i].A != i%100 {
				t.Fatalf("element %d is %d", i, list[i].A)
			}
		}
	}
}

// TestRoundIsForFloats refuses the option round where a type has its own form.
func TestRoundIsForFloats(t *testing.T) {
	for name, v := range map[string]any{
		"ownForm": struct {
			A decimal.Decimal `tnt:",round"`
		}{},
		"methods": struct {
			A floatText `tnt:",round"`
		}{},
	} {
		if _, err := AppendValue(nil, v); err == nil || !strings.Contains(err.Error(), "the option round") {
			t.Errorf("%s: %v", name, err)
		}
	}
	type row struct {
		A float32 `tnt:",round"`
	}
	var got row
	r := NewReader(append([]byte{0x91, 0xcb}, binary.BigEndian.AppendUint64(nil, math.Float64bits(0.1))...))
	if err := DecodeInto(&r, &got); err != nil || got.A != 0.1 {
		t.Errorf("%+v, %v", got, err)
	}
}

type floatText float64

func (floatText) MarshalText() ([]byte, error) { return nil, nil }
func (*floatText) UnmarshalText([]byte) error  { return nil }
