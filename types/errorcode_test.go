package types

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

// constants returns the names and values of the ErrorCodes of a file.
func constants(t *testing.T, file string) map[string]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Err") {
			return true
		}
		switch v := spec.Values[0].(type) {
		case *ast.BasicLit:
			found[spec.Names[0].Name] = v.Value
		case *ast.SelectorExpr:
			found[spec.Names[0].Name] = v.Sel.Name
		}
		return true
	})
	return found
}

func TestPackageTntHasTheSameCodes(t *testing.T) {
	here, there := constants(t, "errorcodes.go"), constants(t, "../errcode.go")
	if len(here) != len(codeNames) || len(here) != len(there) {
		t.Errorf("%d constants, %d names, %d in package tnt", len(here), len(codeNames), len(there))
	}
	for name, target := range there {
		if name != target && name != "ErrServerTimeout" {
			t.Errorf("tnt.%s is types.%s", name, target)
		}
		if here[target] == "" {
			t.Errorf("tnt.%s is types.%s, which does not exist", name, target)
		}
	}
	for name, number := range here {
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		// The name in Go and the one in Tarantool have the same letters.
		plain := strings.ReplaceAll(strings.TrimPrefix(codeNames[ErrorCode(n)], "ER_"), "_", "")
		if !strings.EqualFold(strings.TrimPrefix(name, "Err"), plain) {
			t.Errorf("%s = %d is named %v", name, n, codeNames[ErrorCode(n)])
		}
	}
}

func TestErrorCode(t *testing.T) {
	if s := ErrTupleFound.String(); s != "ER_TUPLE_FOUND" {
		t.Error(s)
	}
	if s := ErrTupleFound.Error(); s != "ER_TUPLE_FOUND (3)" {
		t.Error(s)
	}
	if s := ErrorCode(54321).Error(); s != "code 54321" {
		t.Error(s)
	}
}

func TestErrorChain(t *testing.T) {
	cause := &Error{Message: "no memory", Code: ErrMemoryIssue}
	err := fmt.Errorf("insert: %w", &Error{Message: "Duplicate key", Code: ErrTupleFound, Cause: cause})
	if !errors.Is(err, ErrTupleFound) || !errors.Is(err, ErrMemoryIssue) || errors.Is(err, ErrTimeout) {
		t.Error("errors.Is does not find the codes of the chain")
	}
	var e *Error
	if !errors.As(err, &e) || e.Error() != "Duplicate key (ER_TUPLE_FOUND, 3)" {
		t.Error(e)
	}
	if !errors.As(e.Unwrap(), &e) || e != cause || e.Unwrap() != nil {
		t.Error("the cause is not found")
	}
	for want, e := range map[string]*Error{
		"why (Mine, 7)":           {Message: "why", Code: 7, Fields: map[string]any{"custom_type": "Mine"}},
		"why (code 12345)":        {Message: "why", Code: 12345},
		"Unknown (ER_UNKNOWN, 0)": {Message: "Unknown"},
	} {
		if e.Error() != want {
			t.Errorf("%q, not %q", e.Error(), want)
		}
	}
}

func TestErrorFieldNames(t *testing.T) {
	var e Error
	e.SetField("name", "X")
	e.SetField("index", 1)
	e.SetField("name", "Y")
	e.Fields["b"], e.Fields["a"] = 1, 2
	if got := fmt.Sprint(e.FieldNames(), e.Fields["name"]); got != "[name index a b]Y" {
		t.Error(got)
	}
	delete(e.Fields, "name")
	if got := fmt.Sprint(e.FieldNames()); got != "[index a b]" {
		t.Error(got)
	}
}
