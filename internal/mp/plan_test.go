package mp

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/types"
)

type base struct {
	ID   uint64
	Kind string
}

type address struct {
	City  string
	Lines []string
}

type everything struct {
	base
	Bool    bool
	Int     int
	I8      int8
	I16     int16
	I32     int32
	I64     int64
	Uint    uint
	U8      uint8
	U16     uint16
	U32     uint32
	F32     float32
	F64     float64
	Str     string
	Named   myInt
	Bytes   []byte
	Array   [2]int
	Hash    [4]byte
	Time    time.Time
	Amount  decimal.Decimal
	UUID    uuid.UUID
	Span    types.Interval
	Err     *types.Error
	Maybe   *string
	Nothing *string
	Addr    address
	Row     address  `tnt:",array"`
	RowP    *address `tnt:",array"`
	List    []address
	Tags    map[string]string
	ByID    map[uint64]address
	Any     any
	Ext     types.Extension
	Marked  marked
	_       int
	Skipped int `tnt:"-"`
}

func fullValue() everything {
	s := "s"
	return everything{
		base: base{1, "k"}, Bool: true, Int: -5, I8: math.MinInt8, I16: math.MaxInt16, I32: math.MinInt32, I64: math.MinInt64,
		Uint: 5, U8: 255, U16: 65535, U32: math.MaxUint32, F32: 0.5, F64: math.Pi, Str: strings.Repeat("x", 300), Named: 7,
		Bytes: []byte{1}, Array: [2]int{1, 2}, Hash: [4]byte{1, 2, 3, 4}, Time: time.Unix(5, 6).UTC(),
		Amount: decimal.RequireFromString("1.50"), UUID: uuid.MustParse("c8f0fa1f-da29-438c-a040-393f1126ad39"),
		Span: types.Interval{Day: 1}, Err: &types.Error{Type: "T", Message: "m"}, Maybe: &s,
		Addr: address{"A", []string{"l"}}, Row: address{"B", nil}, RowP: &address{City: "C"}, List: []address{{}, {City: "D"}},
		Tags: map[string]string{"a": "b"}, ByID: map[uint64]address{7: {City: "E"}}, Any: []any{int64(1), "x"},
		Ext: types.Extension{Type: 42, Data: []byte{1}}, Marked: marked{"m"},
	}
}

func TestPlanRoundTrip(t *testing.T) {
	in := fullValue()
	for form, write := range map[string]func(b []byte, v any) ([]byte, error){
		"array": func(b []byte, v any) ([]byte, error) { return AppendRow(b, v, nil) },
		"map":   AppendValue,
	} {
		for name, v := range map[string]any{"value": in, "pointer": &in} {
			b, err := write(nil, v)
			if err != nil {
				t.Fatal(form, name, err)
			}
			want := in
			want.Marked.text = "<m>"
			var out everything
			for range 2 { // the second time over what is there
				r := NewReader(b)
				if err := DecodeInto(&r, &out); err != nil || r.Len() != 0 {
					t.Fatal(form, name, err)
				}
				if !reflect.DeepEqual(want, out) {
					t.Errorf("%s of %s: %+v\nbecomes %+v", form, name, want, out)
				}
			}
			// Nothing stays of a fuller value.
			for _, empty := range []string{"90", "80", "c0"} {
				r := NewReader(unhex(t, empty))
				if err := DecodeInto(&r, &out); err != nil || !reflect.ValueOf(out).IsZero() {
					t.Errorf("%s leaves %+v, %v", empty, out, err)
				}
			}
		}
	}
}

// named is the format of tests.
type named []string

func (n named) Names() []string { return n }

type byPosition struct {
	C string `tnt:"2"`
	D string
	A string `tnt:"0"`
}

type byName struct {
	Name   string `tnt:"title"`
	UserID uint64
	Last   string `tnt:"5"`
	Gone   string // which has no tag, so that the tuple may lack it
}

func TestTuplePlaces(t *testing.T) {
	row := "96 a130 a131 a132 a133 a134 a135" // "0" to "5"
	names := []string{"x", "title", "user_id"}
	for _, c := range []struct {
		dst   any
		names []string
		data  string
		want  any
		back  string // "" for the data
	}{
		{new(byPosition), nil, row, &byPosition{"2", "3", "0"}, "94 a130 c0 a132 a133"},
		{new(byPosition), nil, "91 a130", &byPosition{A: "0"}, "94 a130 c0 a0 a0"},
		{new(byPosition), names, row, &byPosition{"2", "3", "0"}, "94 a130 c0 a132 a133"},
		{new(byName), names, "96 a130 a131 07 a133 a134 a135", &byName{"1", 7, "5", ""}, "96 c0 a131 07 c0 c0 a135"},
		{new(byName), []string{"title", "UserId"}, "92 a130 07", &byName{"0", 7, "", ""}, "96 a130 07 c0 c0 c0 a0"},
		{new(byName), names, "90", &byName{}, "96 c0 a0 00 c0 c0 a0"},
		{new(byName), names, "83 a57469746c65 a131 a6757365726964 07 a7757365725f6964 08", &byName{"1", 8, "", ""}, "96 c0 a131 08 c0 c0 a0"},
		{new([]string), nil, "91 a130", &[]string{"0"}, ""},
		{new(byPosition), nil, "c705 07 07 91 a23030", &byPosition{A: "00"}, "94 a23030 c0 a0 a0"},
	} {
		p, err := PlanOf(reflect.TypeOf(c.dst).Elem())
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(unhex(t, c.data))
		p.DecodeRow(&r, reflect.ValueOf(c.dst).UnsafePointer(), named(c.names))
		if r.Err() != nil || r.Len() != 0 || !reflect.DeepEqual(c.want, c.dst) {
			t.Errorf("%s: %+v, %v, not %+v", c.data, c.dst, r.Err(), c.want)
		}
		if c.back == "" {
			c.back = c.data
		}
		b, err := AppendRow(nil, c.dst, c.names)
		if err != nil || !bytes.Equal(b, unhex(t, c.back)) {
			t.Errorf("%s goes back as %x, %v, not %s", c.data, b, err, c.back)
		}
	}
}

// A field that would be lost is an error.
func TestUnknownNameOfField(t *testing.T) {
	v := byName{Name: "n", Gone: "not empty"}
	names := []string{"title"}
	if b, err := AppendRow(nil, &v, names); err == nil || !strings.Contains(err.Error(), `field Gone of mp.byName is "gone", which the tuple lacks: it has title`) {
		t.Errorf("%x, %v", b, err)
	}
	if b, err := (*Settings)(nil).AppendKey(nil, &v, names); err == nil {
		t.Errorf("%x as a key", b)
	}
	// What the tuple lacks is zero, also over another row.
	p, _ := PlanOf(reflect.TypeFor[byName]())
	r := NewReader(unhex(t, "91 a130"))
	p.DecodeRow(&r, unsafe.Pointer(&v), named(names))
	if v != (byName{Name: "0"}) || r.Err() != nil {
		t.Error(v, r.Err())
	}
}

func TestBindingsOfManySpaces(t *testing.T) {
	p, _ := PlanOf(reflect.TypeFor[byName]())
	var group sync.WaitGroup
	for n := range 10 {
		group.Go(func() {
			for i := range 100 {
				names := make([]string, 1+(n+i)%5)
				names[len(names)-1] = "title"
				data := AppendArrayLen(nil, len(names))
				for range names {
					data = AppendString(data, strconv.Itoa(len(names)))
				}
				var v byName
				r := NewReader(data)
				p.DecodeRow(&r, unsafe.Pointer(&v), named(names))
				if v.Name != strconv.Itoa(len(names)) {
					t.Errorf("%v: %+v %v", names, v, r.Err())
				}
			}
		})
	}
	group.Wait()
}

func TestDecodeRefuses(t *testing.T) {
	type row struct {
		Small int8
		Big   uint64
		When  time.Time
		In    struct{ List []uint8 }
		Map   map[string][]int16
		Arr   [1]bool
		Conn  io.Reader
		F     float32
		M     brokenly
		Raw   [2]byte
		P     *row0
	}
	for data, want := range map[string]string{
		"91cc80":                             "field Small: msgpack: 128 does not fit into int8",
		"91a0":                               "field Small: msgpack: expected an integer at offset 1, got string",
		"91cf8000000000000000":               "field Small: msgpack: number at offset 1 does not fit into an integer",
		"920a ff":                            "field Big: msgpack: number at offset 2 does not fit into an unsigned integer",
		"920a d2ff000000":                    "field Big",
		"9301":                               ErrTruncated.Error(),
		"93010200":                           "field When: msgpack: expected an extension",
		"930102d501000c":                     "field When: msgpack: expected an extension of type 4",
		"94c0c0c0 81a46c697374a3":            ErrTruncated.Error(),
		"94c0c0c0 a0":                        "field In: msgpack: expected an array or a map",
		"81a36d6170 81a16b 92 01 ce00100000": `field Map[k][1]: msgpack: 1048576 does not fit into int16`,
		"81a361727292c3c3":                   "field Arr: msgpack: an array of 2 values does not fit into [1]bool",
		"81a36172729101":                     "field Arr[0]: msgpack: expected a boolean",
		"81a4636f6e6e01":                     "field Conn: nothing can be read into the interface io.Reader",
		"81a166cb7fe0000000000000":           "field F: msgpack: ",
		"81a16d01":                           "field M: *mp.brokenly panicked in UnmarshalMsg: oh",
		"81a16d02":                           "field M: " + io.ErrNoProgress.Error(),
		"81a3726177c40101":                   "field Raw: msgpack: 1 bytes do not fit into [2]uint8",
		"81a17081a17891a3":                   "field P.X",
		"01":                                 "expected an array or a map",
	} {
		var v row
		r := NewReader(unhex(t, data))
		if err := DecodeInto(&r, &v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not %q", data, err, want)
		}
	}
}

type row0 struct{ X []string }

func TestDeepTypes(t *testing.T) {
	deep := strings.Repeat("91", 10_000)
	for _, read := range []func(r *Reader) error{
		func(r *Reader) error { return DecodeInto(r, new(node)) },
		func(r *Reader) error { type s []s; return DecodeInto(r, new(s)) },
		func(r *Reader) error { type p *p; return DecodeInto(r, new(p)) },
		func(r *Reader) error { type a struct{ X []a }; return DecodeInto(r, new(a)) },
	} {
		r := NewReader(unhex(t, deep))
		if err := read(&r); err == nil || !strings.Contains(err.Error(), "nested more than") {
			t.Error(err)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	type bad struct{ In struct{ C chan int } }
	for want, typ := range map[string]reflect.Type{
		"field In.C: chan int has no form": reflect.TypeFor[bad](),
		"field [0]: chan":                  nil,
		"unknown option \"omitempty\"": reflect.TypeFor[struct {
			A int `tnt:"a,omitempty"`
		}](),
		"the option array in its tag is for": reflect.TypeFor[struct {
			A int `tnt:",array"`
		}](),
		"have the same position 0": reflect.TypeFor[struct {
			A int
			B int `tnt:"0"`
		}](),
		"position 9999999 is too large": reflect.TypeFor[struct {
			A int `tnt:"9999999"`
		}](),
		"no exported fields": reflect.TypeFor[sync.Mutex](),
		"use types.Interval": reflect.TypeFor[map[string]time.Duration](),
	} {
		if typ == nil {
			continue
		}
		for range 2 {
			if _, err := PlanOf(typ); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v, not %q", typ, err, want)
			}
		}
	}
}

func TestSnakeCase(t *testing.T) {
	for in, want := range map[string]string{
		"ID": "id", "UserID": "user_id", "HTTPServer": "http_server", "Line2": "line2", "A": "a", "Already_Snake": "already_snake", "ÄpfelUndÖl": "äpfel_und_öl",
	} {
		if got := snakeCase(in); got != want {
			t.Errorf("%s is %s, not %s", in, got, want)
		}
	}
}

func TestRoomIsUsedAgain(t *testing.T) {
	type row struct {
		Name string
		Data []byte
		List []int
		Ptr  *int
	}
	b := unhex(t, "94 a3616263 c403010203 93010203 05")
	var v row
	r := NewReader(b)
	if err := DecodeInto(&r, &v); err != nil {
		t.Fatal(err)
	}
	kept := v.Ptr
	p, _ := PlanOf(reflect.TypeFor[row]())
	allocs := testing.AllocsPerRun(100, func() {
		r = NewReader(b)
		p.DecodeRow(&r, unsafe.Pointer(&v), nil)
	})
	if allocs > 1 || v.Ptr == kept { // the one is what the pointer points to
		t.Errorf("%v allocations; the pointer is shared: %v", allocs, v.Ptr == kept)
	}
	if v.Name != "abc" || len(v.List) != 3 {
		t.Errorf("%+v", v)
	}
}

func TestKindsThatFit(t *testing.T) {
	var s string
	var b []byte
	var f float64
	var d decimal.Decimal
	var id uuid.UUID
	var m map[string]int
	var arr [2]byte
	for _, c := range []struct {
		data string
		dst  any
		want string
	}{
		{"c40161", &s, "a"},
		{"a161", &b, "[97]"},
		{"05", &f, "5"},
		{"ff", &f, "-1"},
		{"05", &d, "5"},
		{"ff", &d, "-1"},
		{"cb3fe0000000000000", &d, "0.5"},
		{"d92463386630666131662d646132392d343338632d613034302d333933663131323661643339", &id, "c8f0fa1f-da29-438c-a040-393f1126ad39"},
		{"90", &m, "map[]"},
		{"a26162", &arr, "[97 98]"},
		{"c0", &arr, "[0 0]"},
	} {
		p, err := PlanOf(reflect.TypeOf(c.dst).Elem())
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(unhex(t, c.data))
		p.Decode(&r, reflect.ValueOf(c.dst).UnsafePointer())
		if got := fmt.Sprint(reflect.ValueOf(c.dst).Elem()); got != c.want || r.Err() != nil {
			t.Errorf("%s is %s, %v, not %s", c.data, got, r.Err(), c.want)
		}
	}
}
