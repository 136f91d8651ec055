package types

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/gotnt/tnt/errcode"
)

func TestErrorChain(t *testing.T) {
	cause := &Error{Message: "no memory", Code: errcode.MemoryIssue}
	err := fmt.Errorf("insert: %w", &Error{Message: "Duplicate key", Code: errcode.TupleFound, Cause: cause})
	if !errors.Is(err, errcode.TupleFound) || !errors.Is(err, errcode.MemoryIssue) || errors.Is(err, errcode.Timeout) {
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

// TestFieldsOfACopy has copies of an error get fields without a word to each other: a
// server answers with copies of one error at the same time.
func TestFieldsOfACopy(t *testing.T) {
	var e Error
	for _, name := range []string{"a", "b", "c"} {
		e.SetField(name, 1)
	}
	one, other := e, e
	one.Fields, other.Fields = maps.Clone(e.Fields), maps.Clone(e.Fields)
	one.SetField("z", 1)
	other.SetField("x", 1)
	one.SetField("y", 1)
	if got := fmt.Sprint(one.FieldNames(), other.FieldNames()); got != "[a b c z y] [a b c x]" {
		t.Error(got)
	}
}
