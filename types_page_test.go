package tnt_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/types"
)

// pageValues are values of the Go types in the first table of docs/types.md.
var pageValues = map[string]any{
	"bool": true, "int": -1, "int8": int8(-1), "int16": int16(-1), "int32": int32(-1), "int64": int64(-1),
	"uint": uint(1), "uint8": uint8(1), "uint16": uint16(1), "uint32": uint32(1), "uint64": uint64(1),
	"float64": 1.5, "float32": float32(1.5), "string": "x", "[]byte": []byte{1}, "[4]byte": [4]byte{},
	"[]T": []int{1}, "[3]T": [3]int{}, "map[K]V": map[int]int{1: 2}, "struct": struct{ A int }{}, "*T": new(7),
	"time.Time": time.Unix(1, 0), "decimal.Decimal": decimal.NewFromInt(1), "uuid.UUID": uuid.UUID{1},
	"types.Interval": types.Interval{Day: 1}, "*types.Error": &types.Error{Message: "m"}, "types.Extension": types.Extension{Type: 99, Data: []byte{1}},
	"tnt.Tuple": second2(tnt.NewTuple(nil, 1)), "any": any("x"),
}

// pageKinds are the words of the page for what a value is written as, and what the
// first byte, and of an extension its type, then says.
var pageKinds = map[string]string{
	"boolean": "boolean", "integer": "integer", "unsigned integer": "unsigned integer", "double": "double", "float": "float",
	"string": "string", "binary": "binary", "array": "array", "map": "map",
	"array in the place of a tuple, map elsewhere": "map", "what it points to, or nil": "unsigned integer",
	"datetime": "extension 4", "decimal": "extension 1", "uuid": "extension 2", "interval": "extension 6", "error": "extension 3",
	"extension of its type": "extension 99", "what is in it": "string",
}

// TestTypesPage holds the first two tables of docs/types.md against what is
// written, and what that is read as.
func TestTypesPage(t *testing.T) {
	text, err := os.ReadFile("docs/types.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, row := range tableUnder(string(text), "Values") {
		for name := range strings.SplitSeq(row["name"], ", ") {
			name = strings.Trim(name, "` ")
			listed[name] = true
			v, ok := pageValues[name]
			want, known := pageKinds[row["is written as"]]
			if !ok || !known {
				t.Errorf("the page has %s, which is written as %q, and this test does not", name, row["is written as"])
				continue
			}
			b, err := mp.AppendValue(nil, v)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			r := mp.NewReader(b)
			kind := r.Type().String()
			if r.Type() == mp.TypeExt {
				typ, _ := r.Ext()
				kind += " " + string(rune('0'+typ))
				if typ > 9 {
					kind = "extension 99"
				}
			}
			if kind != want {
				t.Errorf("%s is written as %s, and the page has %q", name, kind, row["is written as"])
			}
		}
	}
	for name := range maps.Keys(pageValues) {
		if !listed[name] {
			t.Errorf("the page lacks %s", name)
		}
	}
	var kinds []string
	for _, row := range tableUnder(string(text), "Untyped values") {
		for kind := range strings.SplitSeq(row["name"], ", ") {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	equal(t, "kinds of untyped values", kinds, []string{
		"array", "binary", "boolean", "datetime", "decimal", "double", "error", "float", "integer", "interval", "map", "nil", "other extension", "string", "uuid",
	})
}
