package errcode

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

// TestNames holds the names in Go against those in Tarantool: they have the
// same letters.
func TestNames(t *testing.T) {
	t.Run("codes.go", func(t *testing.T) { testNames(t, "codes.go", codeNames) })
	t.Run("old.go", func(t *testing.T) { testNames(t, "old.go", oldNames) })
	for code := range oldNames {
		if name, ok := codeNames[code]; ok {
			t.Errorf("%d is an old one, and %s", code, name)
		}
	}
}

func testNames(t *testing.T, file string, codeNames map[Code]string) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		value, ok := spec.Values[0].(*ast.BasicLit)
		if !ok {
			return true
		}
		found++
		number, err := strconv.ParseUint(value.Value, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		name := spec.Names[0].Name
		plain := strings.ReplaceAll(strings.TrimPrefix(codeNames[Code(number)], "ER_"), "_", "")
		if !strings.EqualFold(name, plain) {
			t.Errorf("%s = %d is named %v", name, number, codeNames[Code(number)])
		}
		return true
	})
	if found != len(codeNames) {
		t.Errorf("%d constants, %d names", found, len(codeNames))
	}
}

func TestCode(t *testing.T) {
	if s := TupleFound.String(); s != "ER_TUPLE_FOUND" {
		t.Error(s)
	}
	if s := TupleFound.Error(); s != "ER_TUPLE_FOUND (3)" {
		t.Error(s)
	}
	if s := Code(54321).Error(); s != "code 54321" || Code(54321).IsKnown() || !TupleFound.IsKnown() {
		t.Error(s)
	}
}
