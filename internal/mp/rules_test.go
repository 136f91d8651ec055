package mp

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/tinylib/msgp/msgp"

	"github.com/gotnt/tnt/types"
)

// These tests hold the rules of docs/types.md, each for writing and for reading.

// Types of the rules.
type (
	kind     int
	hidden   string // has a MarshalText alone
	level    int    // has both methods for text
	money    struct{ cents int64 }
	readOnly struct{ text string }
	wroteBy  struct{ text string }
	listOf   []string // has its own MessagePack
	keeper   struct{ kept []byte }
	lazy     struct{}
	// ownWay has a method of its own, and one in what it embeds.
	ownWay struct {
		listOf
		A int
	}
	// UUID is one of another package.
	UUID [16]byte
)

func (hidden) MarshalText() ([]byte, error) { return []byte("***"), nil }

func (l level) MarshalText() ([]byte, error) { return []byte(fmt.Sprintf("L%d", int(l))), nil }

func (l *level) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "L%d", (*int)(l))
	return err
}

func (m money) Value() (driver.Value, error) { return m.cents, nil }

func (m *money) Scan(v any) error {
	switch v := v.(type) {
	case int64:
		m.cents = v
	case nil:
		m.cents = -1
	default:
		return fmt.Errorf("money of %T", v)
	}
	return nil
}

func (w *readOnly) UnmarshalText(b []byte) error { w.text = string(b); return nil }

func (w wroteBy) MarshalText() ([]byte, error) { return []byte(w.text), nil }

func (l listOf) MarshalMsg(b []byte) ([]byte, error) {
	return msgp.AppendString(b, strings.Join(l, " ")), nil
}

func (l *listOf) UnmarshalMsg(b []byte) ([]byte, error) {
	s, b, err := msgp.ReadStringBytes(b)
	*l = strings.Fields(s)
	return b, err
}

func (k *keeper) UnmarshalMsg(b []byte) ([]byte, error) { k.kept = b; return nil, nil }

func (keeper) MarshalMsg(b []byte) ([]byte, error) { return AppendNil(b), nil }

func (*lazy) UnmarshalMsg(b []byte) ([]byte, error) { return b, nil }

func (o ownWay) MarshalMsg(b []byte) ([]byte, error) { return o.listOf.MarshalMsg(b) }

func (o *ownWay) UnmarshalMsg(b []byte) ([]byte, error) { o.A++; return o.listOf.UnmarshalMsg(b) }

// inner types of embedding.
type (
	Base struct {
		ID   int
		Kind string
	}
	hiddenBase struct {
		ID   int
		Kind string
	}
	Deep struct {
		*Base
		Level int
	}
)

type (
	byValue struct {
		Base
		Name string
	}
	byPointer struct {
		*Base
		Name string
	}
	byHidden struct {
		*hiddenBase
		Name string
	}
	shadowing struct {
		Base
		Kind int
	}
	byTag struct {
		Base  `tnt:",array"`
		Extra int `tnt:"3"`
	}
	deeper struct {
		Deep
		Name string
	}
	ring struct {
		*ring //nolint:unused // it is the matter of the test
		A     int
	}
)

func ptr[T any](v T) *T { return &v }

// rules are values that are written and read back.
var rules = []struct {
	rule string
	v    any
	wire string
	row  bool // in the place of a tuple
}{
	{"a named type is its kind", kind(5), "05", false},
	{"a UUID of another package", UUID{1, 15: 2}, "d80201000000000000000000000000000002", false},
	{"extension", types.Extension{Type: -5, Data: []byte{1}}, "d4fb01", false},
	{"nil slice", []int(nil), "c0", false},
	{"empty slice", []int{}, "90", false},
	{"empty map", map[string]int{}, "80", false},

	{"fields in their order", Base{1, "k"}, "9201a16b", true},
	{"elsewhere a map", []Base{{1, "k"}}, "9182a2696401a46b696e64a16b", false},
	{"embedded", byValue{Base{1, "k"}, "n"}, "9301a16ba16e", true},
	{"embedded by a pointer", byPointer{&Base{1, "k"}, "n"}, "9301a16ba16e", true},
	{"embedded by a nil pointer", byPointer{nil, "n"}, "93c0c0a16e", true},
	{"embedded by a pointer, a map", []byPointer{{&Base{1, "k"}, "n"}}, "9183a2696401a46b696e64a16ba46e616d65a16e", false},
	{"embedded by a nil pointer, a map", []byPointer{{nil, "n"}}, "9181a46e616d65a16e", false},
	{"embedded, not exported", byHidden{&hiddenBase{1, "k"}, "n"}, "9301a16ba16e", true},
	{"embedded, not exported, nil", byHidden{nil, "n"}, "93c0c0a16e", true},
	{"embedded deeply", deeper{Deep{&Base{1, "k"}, 7}, "n"}, "9401a16b07a16e", true},
	{"shadowing", shadowing{Base{ID: 1}, 5}, "920105", true},
	{"embedded in itself", ring{A: 5}, "9105", true},

	{"valid null", sql.NullInt64{Int64: 5, Valid: true}, "05", false},
	{"null", sql.NullInt64{}, "c0", false},
	{"null string", sql.NullString{String: "x", Valid: true}, "a178", false},
	{"null byte", sql.NullByte{Byte: 200, Valid: true}, "ccc8", false},
	{"null time", sql.NullTime{Time: time.Unix(0, 0).UTC(), Valid: true}, "d7040000000000000000", false},
	{"null of T", sql.Null[decimal.Decimal]{V: decimal.RequireFromString("1.00"), Valid: true}, "c7030102100c", false},
	{"null decimal", decimal.NullDecimal{Decimal: decimal.RequireFromString("1.00"), Valid: true}, "c7030102100c", false},
	{"null decimal, null", decimal.NullDecimal{}, "c0", false},
	{"null uuid", uuid.NullUUID{UUID: uuid.UUID{1, 15: 2}, Valid: true}, "d80201000000000000000000000000000002", false},

	{"methods for text", level(3), "a24c33", false},
	{"net.IP", net.IPv4(1, 2, 3, 4), "a7312e322e332e34", false},
	{"netip.Addr", netip.MustParseAddr("1.2.3.4"), "a7312e322e332e34", false},
	{"big.Int", big.NewInt(12), "a23132", false},
	{"methods of database/sql", money{250}, "ccfa", false},
	{"a method for text alone hides", hidden("secret"), "a6736563726574", false},
	{"own MessagePack of a slice", listOf{"a", "b"}, "a3612062", false},
	{"a key with methods", map[netip.Addr]int{netip.MustParseAddr("::1"): 1}, "81a33a3a3101", false},
	{"a key with own type", map[kind]string{-5: "x"}, "81fba178", false},
}

func TestRules(t *testing.T) {
	for _, c := range rules {
		t.Run(c.rule, func(t *testing.T) {
			write := AppendValue
			if c.row {
				write = func(b []byte, v any) ([]byte, error) { return AppendRow(b, v, nil) }
			}
			b, err := write(nil, c.v)
			if err != nil || !bytes.Equal(b, unhex(t, c.wire)) {
				t.Fatalf("written as %x, %v, not %s", b, err, c.wire)
			}
			typ := reflect.TypeOf(c.v)
			p, err := PlanOf(typ)
			if err != nil {
				t.Fatal(err)
			}
			got := reflect.New(typ)
			for range 2 { // the second time over what is there
				r := NewReader(b)
				if p.DecodeRow(&r, got.UnsafePointer(), nil); r.Err() != nil || r.Len() > 0 {
					t.Fatalf("read: %v, %d bytes left", r.Err(), r.Len())
				}
				if got := got.Elem().Interface(); !reflect.DeepEqual(got, c.v) {
					t.Errorf("read as %+v, not %+v", got, c.v)
				}
			}
		})
	}
}

// TestNumbersBetweenKinds reads numbers into other kinds, which loses nothing.
func TestNumbersBetweenKinds(t *testing.T) {
	type rounding struct {
		F float64  `tnt:",round"`
		G float32  `tnt:"2,round"`
		P *float64 `tnt:"3,round"`
	}
	const dec15, dec3, dec300 = "c7030101015c", "d501003c", "c70301fe3c"
	for _, c := range []struct {
		wire string
		dst  any
		want any // an error's text, or a value
	}{
		{"cb4000000000000000", new(int), 2},
		{"cb4000000000000000", new(uint8), uint8(2)},
		{"ca40000000", new(int64), int64(2)},
		{"cbc000000000000000", new(int8), int8(-2)},
		{"cbc3e0000000000000", new(int64), int64(-1 << 63)},
		{"cb43e0000000000000", new(int64), "does not fit into an integer, int64"},
		{"cb43e0000000000000", new(uint64), uint64(1 << 63)},
		{"cb43f0000000000000", new(uint64), "does not fit"},
		{"cbc000000000000000", new(uint8), "does not fit into an unsigned integer, uint8"},
		{"cb4004000000000000", new(int), "2.5 at offset 0 is not whole"},
		{"cb7ff0000000000000", new(int), "is not whole"},
		{"cb7ff8000000000000", new(int), "is not whole"},
		{"cb4072c00000000000", new(int8), "300 does not fit into int8"},
		{dec3, new(int), 3},
		{dec3, new(uint16), uint16(3)},
		{dec15, new(int), "1.5 at offset 0 is not whole"},
		{"c7030100ffff", new(int), "decimal: byte 0xff among the digits"},
		{"c70601d2fff0bdc10c", new(int), 0},
		{"c70601d2fff0bdc11c", new(int), "does not fit into 64 bits"},
		{dec15, new(float64), "may be rounded in float64"},
		{dec3, new(float64), "may be rounded in float64"},
		{"05", new(float64), 5.0},
		{"cf0020000000000000", new(float64), float64(1 << 53)},
		{"cf0020000000000001", new(float64), "would be rounded in float64"},
		{"cfffffffffffffffff", new(float64), "would be rounded"},
		{"d3ffdfffffffffffff", new(float64), "would be rounded"},
		{"d38000000000000000", new(float64), float64(-1 << 63)},
		{"ce01000001", new(float32), "would be rounded in float32"},
		{"cb3fb999999999999a", new(float32), "would be rounded in float32"},
		{"cb3fe0000000000000", new(float32), float32(0.5)},
		{"cb7fefffffffffffff", new(float32), "does not fit into float32"},
		{"cb7ff0000000000000", new(float64), nil},
		{"ca3dcccccd", new(decimal.Decimal), decimal.RequireFromString("0.1")},
		{"94" + dec15 + "c0" + "cb3fb999999999999a" + dec15, new(rounding), rounding{1.5, 0.1, ptr(1.5)}},
		{"91c70601d2fff0bdc11c", new(rounding), "does not fit into float64"}, // 1E+999999
		{"91c70601d2000f423f1c", new(rounding), rounding{}},                  // 1E-999999
		{"94cf0020000000000001c0ce01000001c0", new(rounding), rounding{1 << 53, 1 << 24, nil}},
		{"a132", new(int), "expected an integer"},
		{"c3", new(int), "expected an integer"},
		{"05", new(string), "expected a string"},
		{"82 01 a161 cb4000000000000000 a162", new(map[int]string), map[int]string{1: "a", 2: "b"}},
		{"82 ff a161 ca40400000 a162", new(map[int8]string), map[int8]string{-1: "a", 3: "b"}},
		{"82 01 a161 cb3ff0000000000000 a162", new(map[int]string), "has this key twice"},
	} {
		p, err := PlanOf(reflect.TypeOf(c.dst).Elem())
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(unhex(t, c.wire))
		p.DecodeRow(&r, reflect.ValueOf(c.dst).UnsafePointer(), nil)
		got := reflect.ValueOf(c.dst).Elem().Interface()
		text, fails := c.want.(string)
		if _, isString := got.(string); isString && !fails {
			t.Fatal("the table")
		}
		switch {
		case fails:
			if r.Err() == nil || !strings.Contains(r.Err().Error(), text) {
				t.Errorf("%s: %v, %v, not the error %q", c.wire, got, r.Err(), text)
			}
		case r.Err() != nil || c.want != nil && !reflect.DeepEqual(got, c.want):
			t.Errorf("%s: %v, %v, not %v", c.wire, got, r.Err(), c.want)
		}
	}
}

// TestNames binds structs and maps by names.
func TestNames(t *testing.T) {
	type user struct {
		Name string `tnt:"name"`
		City string `tnt:"city"`
	}
	type loose struct {
		ID     int `tnt:"id"`
		UserID int
		Extra  string
	}
	type numbered struct {
		City string `tnt:"1"`
		Name string `tnt:"name"`
	}
	type label string
	for _, c := range []struct {
		rule  string
		names named
		wire  string
		dst   any
		want  any // an error's text, or a value
		back  string
	}{
		{"by name", named{"city", "name"}, "92a14fa141", new(user), user{"A", "O"}, "92a14fa141"},
		{"a pointer", named{"city", "name"}, "92a14fa141", new(*user), &user{"A", "O"}, "92a14fa141"},
		{"what the struct lacks", named{"x", "city", "name", "y"}, "9401a14fa14102", new(user), user{"A", "O"}, "93c0a14fa141"},
		{"what the tuple lacks", named{"city", "name"}, "91a14f", new(user), user{"", "O"}, "92a14fa0"},
		{"no names", nil, "92a14fa141", new(user), "mp.user has a field tagged \"name\", and the names of this tuple's fields are not known here: results of functions have them with Options.TupleFormats", ""},
		{"an empty list", nil, "90", new(user), user{}, ""},
		{"a map needs none", nil, "82a46e616d65a141a463697479a14f", new(user), user{"A", "O"}, ""},
		{"a tag that no field has", named{"name", "town"}, "92a141a14f", new(user), `field City of mp.user is tagged "city", which the tuple lacks: it has name, town`, ""},
		{"a list inside", named{"id", "user"}, "920192a141a14f", new(struct {
			ID   int `tnt:"id"`
			User user
		}), "field User: mp.user has a field tagged", ""},
		{"loosely", named{"id", "userid", "z"}, "93010203", new(loose), loose{1, 2, ""}, "920102"},
		{"exactly before loosely", named{"id", "userid", "user_id"}, "93010203", new(loose), loose{1, 3, ""}, "9301c003"},
		{"exactly before loosely, in another order", named{"id", "user_id", "userid"}, "93010203", new(loose), loose{1, 2, ""}, "920102"},
		{"two loosely", named{"id", "userid", "UserId"}, "93010203", new(loose), `several fields or columns of the tuple have the name "UserId"`, ""},
		{"two of a name", named{"id", "id", "name"}, "93010203", new(loose), `field ID of mp.loose: several fields or columns of the tuple have the name "id"`, ""},
		{"two of a name that is not asked for", named{"x", "x", "id"}, "93010203", new(loose), loose{ID: 3}, "93c0c003"},
		{"numbers beside names", named{"name", "c"}, "92a141a14f", new(numbered), numbered{"O", "A"}, "92a141a14f"},
		{"a number and a name of one field", named{"x", "name"}, "92a141a14f", new(numbered), "fields City and Name both are the tuple's field 1", ""},
		{"a map", named{"city", "name"}, "92a14fa141", new(map[string]any), map[string]any{"city": "O", "name": "A"}, ""},
		{"a map of a named type", named{"city", "name"}, "92a14fa141", new(map[label]string), map[label]string{"city": "O", "name": "A"}, ""},
		{"a map of any keys", named{"city", "name"}, "92a14fa141", new(map[any]string), map[any]string{"city": "O", "name": "A"}, ""},
		{"a map, more fields", named{"city"}, "92a14fa141", new(map[string]string), map[string]string{"city": "O"}, ""},
		{"a map, fewer fields", named{"city", "name"}, "91a14f", new(map[string]string), map[string]string{"city": "O"}, ""},
		{"a map without names", nil, "92a14fa141", new(map[string]string), "map[string]string takes a tuple by the names of its fields, and those are not known here", ""},
		{"a map, an empty list", nil, "90", new(map[string]string), map[string]string{}, ""},
		{"a map, two of a name", named{"x", "x"}, "92a14fa141", new(map[string]string), "two fields or columns have the same name", ""},
		{"a map of other keys", named{"x", "y"}, "920102", new(map[int]int), "the array at offset 0 is no map[int]int, because its elements have no keys", ""},
		{"two keys of a map, one field", nil, "82a6757365726964 01 a6557365724964 02", new(loose), "two keys of a map are the field", ""},
		{"one key of a map twice", nil, "82a26964 01 a26964 02", new(loose), "two keys of a map are the field", ""},
		{"the exact key of a map", nil, "82a7757365725f6964 01 a6557365724964 02", new(loose), loose{UserID: 1}, ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p, err := PlanOf(reflect.TypeOf(c.dst).Elem())
			if err != nil {
				t.Fatal(err)
			}
			r := NewReader(unhex(t, c.wire))
			p.DecodeRow(&r, reflect.ValueOf(c.dst).UnsafePointer(), c.names)
			got := reflect.ValueOf(c.dst).Elem().Interface()
			if text, fails := c.want.(string); fails {
				if r.Err() == nil || !strings.Contains(r.Err().Error(), text) {
					t.Errorf("%+v, %v, not the error %q", got, r.Err(), text)
				}
				return
			}
			if r.Err() != nil || !reflect.DeepEqual(got, c.want) {
				t.Fatalf("%+v, %v, not %+v", got, r.Err(), c.want)
			}
			if c.back == "" {
				return
			}
			if b, err := AppendRow(nil, c.want, c.names); err != nil || !bytes.Equal(b, unhex(t, c.back)) {
				t.Errorf("goes back as %x, %v, not %s", b, err, c.back)
			}
		})
	}
}

// TestNamesInWriting refuses what would be written to another place.
func TestNamesInWriting(t *testing.T) {
	type user struct {
		Name  string `tnt:"name"`
		Extra string
	}
	type twoParts struct {
		ID   int    `tnt:"id"`
		Name string `tnt:"name"`
	}
	for _, c := range []struct {
		rule  string
		v     any
		names []string
		key   bool
		want  string
	}{
		{"no names", user{}, nil, false, "names of this tuple's fields are not known"},
		{"no names of a key", user{}, nil, true, "names of this tuple's fields are not known"},
		{"a tag that no field has", user{}, []string{"title"}, false, `field Name of mp.user is tagged "name", which the tuple lacks: it has title`},
		{"a field that no field is", user{Extra: "x"}, []string{"name"}, false, `field Extra of mp.user is "extra", which the tuple lacks`},
		{"a gap in a key", struct {
			B int `tnt:"b"`
		}{}, []string{"a", "b"}, true, "lacks part 1 of the key"},
		{"a key that has more", twoParts{}, []string{"id"}, true, `is tagged "name", which the tuple lacks: it has id`},
	} {
		write := AppendRow
		if c.key {
			write = (*Settings)(nil).AppendKey
		}
		b, err := write(nil, c.v, c.names)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %x, %v, not the error %q", c.rule, b, err, c.want)
		}
	}
	if b, err := (*Settings)(nil).AppendKey(nil, twoParts{1, "x"}, []string{"name", "id", "z"}); err != nil || !bytes.Equal(b, unhex(t, "92a17801")) {
		t.Errorf("a key by names is %x, %v", b, err)
	}
}

// TestTags refuses tags that make no sense.
func TestTags(t *testing.T) {
	for want, v := range map[string]any{
		`its tag "-1" is no position`: struct {
			A int `tnt:"-1"`
		}{},
		`its tag "007" is no position`: struct {
			A int `tnt:"007"`
		}{},
		`its tag "+1" is no position`: struct {
			A int `tnt:"+1"`
		}{},
		`its tag "1.5" is no position`: struct {
			A int `tnt:"1.5"`
		}{},
		`its tag "99999999999999999999" is no position`: struct {
			A int `tnt:"99999999999999999999"`
		}{},
		`position 65536 is too large`: struct {
			A int `tnt:"65536"`
		}{},
		`its tag " name" begins or ends with a space`: struct {
			A int `tnt:" name"`
		}{},
		`unknown option "omitempty"`: struct {
			A int `tnt:"a,omitempty"`
		}{},
		`unknown option ""`: struct {
			A int `tnt:"a,"`
		}{},
		`the option "round" is twice`: struct {
			A float64 `tnt:",round,round"`
		}{},
		`leaves the field out and takes no option`: struct {
			A float64 `tnt:"-,round"`
		}{},
		`the option round in its tag is for float32, float64 and pointers to them, not for int`: struct {
			A int `tnt:",round"`
		}{},
		`the option array in its tag is for structs`: struct {
			A netip.Addr `tnt:",array"`
		}{},
		`whose fields are tagged by name, and a list has no names`: struct {
			A *struct {
				B int `tnt:"b"`
			} `tnt:",array"`
		}{},
		`the fields A of struct{A, B, C} and B of struct{A, B, C} have the same tag "x"`: struct {
			A int `tnt:"x"`
			B int `tnt:"x"`
			C int
		}{},
		`have the same name "a"`: struct {
			A int
			B int `tnt:"a"`
		}{},
		`have the same name "user_id"`: struct {
			UserID int
			UserId int //nolint:revive,staticcheck // it is the matter of the test
		}{},
		`have the same position 1`: struct {
			A int `tnt:"1"`
			B int `tnt:"1"`
		}{},
		`the fields ID of mp.Base and ID of mp.hiddenBase have the same name "id", and neither shadows the other`: struct {
			Base
			hiddenBase
		}{},
		`it has a tag but is not exported`: struct {
			A int
			b int `tnt:"b"`
		}{},
		"field hiddenBase of struct{hiddenBase, A}: it has a tag but is not exported": struct {
			hiddenBase `tnt:"base"`
			A          int
		}{},
		"embeds Addr, whose MarshalText would stand for the whole of it and leave out the other fields": struct {
			netip.Addr
			Name string
		}{},
		"embeds money, whose Value would stand": struct {
			money
			Name string
		}{},
		"embeds listOf, whose MarshalMsg would stand": struct {
			*listOf
			Name string
		}{},
		"embeds lazy, whose UnmarshalMsg would stand": struct {
			lazy
			Name string
		}{},
		"time.Duration has no form": struct{ A time.Duration }{},
	} {
		_, err := PlanOf(reflect.TypeOf(v))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%T: %v, not the error %q", v, err, want)
		}
		if _, err := AppendRow(nil, v, nil); err == nil {
			t.Errorf("%T is written", v)
		}
	}
	var mistyped reflect.StructField
	for _, tag := range []string{`tnt:name`, `tnt: "name"`, `json:"a" tnt:b`} {
		mistyped = reflect.StructField{Name: "A", Tag: reflect.StructTag(tag)}
		if _, err := parseTag(mistyped); err == nil || !strings.Contains(err.Error(), "is not written as") {
			t.Errorf("%s: %v", tag, err)
		}
	}
	for _, v := range []any{
		struct {
			A int `tnt:""`
			B int `tnt:"2fa"`
			c int `tnt:"-"`
			D int `tnt:"D" json:"d"`
			_ int
		}{},
		byTag{},
		ownWay{},
		struct{ netip.Addr }{},
		struct {
			Addr netip.Addr
			Name string
		}{},
	} {
		if _, err := PlanOf(reflect.TypeOf(v)); err != nil {
			t.Error(err)
		}
	}
}

// TestEmbeddedPointersAreNotShared keeps a row that was read before.
func TestEmbeddedPointersAreNotShared(t *testing.T) {
	var v byPointer
	r := NewReader(unhex(t, "9301a16ba16e"))
	if err := DecodeInto(&r, &v); err != nil {
		t.Fatal(err)
	}
	before := v
	r = NewReader(unhex(t, "9302a16ca16f"))
	if err := DecodeInto(&r, &v); err != nil {
		t.Fatal(err)
	}
	if *before.Base != (Base{1, "k"}) || *v.Base != (Base{2, "l"}) {
		t.Errorf("%v and %v", before.Base, v.Base)
	}
}

// TestMethods is what methods are given, and what they may not do.
func TestMethods(t *testing.T) {
	for _, c := range []struct {
		wire string
		dst  any
		want any
	}{
		{"05", new(money), money{5}},
		{"c0", new(money), money{-1}},
		{"9105", new(money), money{5}}, // a row of one column
		{"a135", new(money), "money of string"},
		{"c7030102100c", new(money), "money of string"},
		{"cfffffffffffffffff", new(money), "money of uint64"},
		{"81a16105", new(money), "expected a value for the Scan of mp.money"},
		{"d47f01", new(money), "expected a value for the Scan of mp.money"},
		{"a161", new(readOnly), readOnly{"a"}},
		{"c40161", new(readOnly), readOnly{"a"}},
		{"c7030102100c", new(readOnly), readOnly{"1.00"}},
		{"c0", &readOnly{"x"}, readOnly{}},
		{"05", new(readOnly), "expected the text of mp.readOnly at offset 0, got unsigned integer"},
		{"a161", new(wroteBy), "mp.wroteBy can be written but not read"},
		{"a161", new(level), "input does not match format"},
		{"05", new(hidden), "expected a string"},
		{"9105", new(lazy), "*mp.lazy left 2 of 2 bytes of its value in UnmarshalMsg"},
		{"a3612062", new(listOf), listOf{"a", "b"}},
		{"c0", &listOf{"x"}, listOf(nil)},
		{"a178", new(sql.NullInt64), "expected an integer"},
		{"cd012c", new(sql.NullByte), "300 does not fit into uint8"},
	} {
		p, err := PlanOf(reflect.TypeOf(c.dst).Elem())
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(unhex(t, c.wire))
		p.DecodeRow(&r, reflect.ValueOf(c.dst).UnsafePointer(), nil)
		got := reflect.ValueOf(c.dst).Elem().Interface()
		if text, fails := c.want.(string); fails {
			if r.Err() == nil || !strings.Contains(r.Err().Error(), text) {
				t.Errorf("%s: %v, %v, not the error %q", c.wire, got, r.Err(), text)
			}
		} else if r.Err() != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v, not %+v", c.wire, got, r.Err(), c.want)
		}
	}
	if b, err := AppendValue(nil, readOnly{}); err == nil || !strings.Contains(err.Error(), "mp.readOnly can be read but not written") {
		t.Errorf("%x, %v", b, err)
	}
}

type panicky struct{ in string }

func (p panicky) Value() (driver.Value, error) {
	if p.in == "Value" {
		panic("oh")
	}
	return nil, errors.New("no value")
}
func (panicky) Scan(any) error { panic("oh") }

// TestMethodsThatPanic makes errors of panics.
func TestMethodsThatPanic(t *testing.T) {
	if _, err := AppendValue(nil, panicky{"Value"}); err == nil || !strings.Contains(err.Error(), "mp.panicky panicked in Value: oh") {
		t.Error(err)
	}
	if _, err := AppendValue(nil, panicky{}); err == nil || err.Error() != "no value" {
		t.Error(err)
	}
	r := NewReader([]byte{5})
	if err := DecodeInto(&r, new(panicky)); err == nil || !strings.Contains(err.Error(), "panicked in Scan: oh") {
		t.Error(err)
	}
}

// TestUnmarshalMsgMayKeepItsBytes changes what was read from.
func TestUnmarshalMsgMayKeepItsBytes(t *testing.T) {
	wire := unhex(t, "92a16105")
	r := NewReader(wire)
	var v struct {
		K keeper
		N int
	}
	if err := DecodeInto(&r, &v); err != nil {
		t.Fatal(err)
	}
	clear(wire)
	if string(v.K.kept) != "\xa1a" || v.N != 5 {
		t.Errorf("it kept %x", v.K.kept)
	}
}

// TestOneColumn reads rows of one column as what is in it.
func TestOneColumn(t *testing.T) {
	for _, c := range []struct {
		wire string
		dst  any
		want any
	}{
		{"9105", new(int), 5},
		{"05", new(int), 5},
		{"9105", new(*int), ptr(5)},
		{"91c0", new(*int), (*int)(nil)},
		{"91c0", new(int), 0},
		{"91a178", new([]byte), []byte("x")},
		{"91c3", new(bool), true},
		{"91d7040000000000000000", new(time.Time), time.Unix(0, 0).UTC()},
		{"9105", new(sql.NullInt16), sql.NullInt16{Int16: 5, Valid: true}},
		{"c703070091 05", new(int), 5},
		{"920506", new(int), "a row of 2 fields is no int: take a struct, a list or a Tuple"},
		{"90", new(int), "a row of 0 fields is no int"},
		{"919105", new(int), "expected an integer"},
		{"92c005", new(*int), "a row of 2 fields is no int"},
		{"91c70303810090", new(types.Error), "holds no error"},
		{"9105", new([]int), []int{5}},
		{"9105", new(any), []any{int64(5)}},
		{"9105", new([1]int), [1]int{5}},
	} {
		p, err := PlanOf(reflect.TypeOf(c.dst).Elem())
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(unhex(t, c.wire))
		p.DecodeRow(&r, reflect.ValueOf(c.dst).UnsafePointer(), nil)
		got := reflect.ValueOf(c.dst).Elem().Interface()
		if text, fails := c.want.(string); fails {
			if r.Err() == nil || !strings.Contains(r.Err().Error(), text) {
				t.Errorf("%s: %v, %v, not the error %q", c.wire, got, r.Err(), text)
			}
		} else if r.Err() != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %#v, %v, not %#v", c.wire, got, r.Err(), c.want)
		}
	}
	r := NewReader(unhex(t, "9105")) // no row
	if err := DecodeInto(&r, new(int)); err == nil {
		t.Error("a list that is no row is read as a number")
	}
}

// TestKeysTwice refuses maps with a key twice, whatever they are read into.
func TestKeysTwice(t *testing.T) {
	for _, c := range []struct {
		wire string
		dst  any
	}{
		{"82a16101a16102", new(any)},
		{"82a16101a16102", new(map[string]any)},
		{"82a16101a16102", new(map[any]any)},
		{"8201a16101a162", new(any)},
		{"83a1610101a162a16102", new(any)},
		{"82a16101a16102", new(struct{ A int })},
		{"9182a16101a16102", new([]any)},
		{"c70c03 8100918106 82 a16101 a16102", new(any)}, // the fields of an error
	} {
		r := NewReader(unhex(t, c.wire))
		p, err := PlanOf(reflect.TypeOf(c.dst).Elem())
		if err != nil {
			t.Fatal(err)
		}
		if p.Decode(&r, reflect.ValueOf(c.dst).UnsafePointer()); r.Err() == nil ||
			!strings.Contains(r.Err().Error(), "twice") && !strings.Contains(r.Err().Error(), "two keys") {
			t.Errorf("%s is read into %T: %v", c.wire, c.dst, r.Err())
		}
	}
}

// TestTypeNames keeps messages short.
func TestTypeNames(t *testing.T) {
	for want, v := range map[string]any{
		"nil":                       nil,
		"int":                       5,
		"*mp.Base":                  &Base{},
		"[]map[string]*mp.Base":     []map[string]*Base{},
		"struct{A, B, C, ...}":      struct{ A, B, C, D int }{},
		"*[]struct{A}":              &[]struct{ A int }{},
		"[2]struct{A}":              [2]struct{ A int }{},
		"sql.Null[uuid.UUID]":       sql.Null[uuid.UUID]{},
		"map[string]any":            map[string]any{},
		"sql.Null[decimal.Decimal]": sql.Null[decimal.Decimal]{},
	} {
		if got := TypeName(v); got != want {
			t.Errorf("%T is %s, not %s", v, got, want)
		}
	}
}

// TestRoomGrows announces more than there is room for.
func TestRoomGrows(t *testing.T) {
	type big struct{ X [1 << 16]byte }
	wire := append(AppendArrayLen(nil, 60_000), bytes.Repeat([]byte{0xc1}, 60_000)...)
	wireMap := append(AppendMapLen(nil, 30_000), bytes.Repeat([]byte{0xc1}, 60_000)...)
	for _, c := range []struct {
		wire []byte
		dst  any
	}{{wire, new([]big)}, {wireMap, new(map[string]big)}, {wireMap, new(map[[1 << 10]byte]int)}} {
		p, err := PlanOf(reflect.TypeOf(c.dst).Elem())
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := NewReader(c.wire)
		p.Decode(&r, reflect.ValueOf(c.dst).UnsafePointer())
		runtime.ReadMemStats(&after)
		failed, allocated := r.Err(), after.TotalAlloc-before.TotalAlloc
		if failed == nil || allocated > 8<<20 {
			t.Errorf("%T: %d bytes are allocated for 60 KB, %v", c.dst, allocated, failed)
		}
	}
}
