package tnt_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/gotnt/tnt"
)

// lua runs a piece of Lua and returns its results.
func lua(t *testing.T, ex tnt.Executor, expr string, args ...any) []any {
	t.Helper()
	resp, err := tnt.Do(testContext(t), ex, tnt.Eval{Expr: expr, Args: args})
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	data, err := resp.Data()
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return data
}

// do does a request that is to succeed.
func do(t *testing.T, ex tnt.Executor, req tnt.Request) tnt.Response {
	t.Helper()
	resp, err := tnt.Do(testContext(t), ex, req)
	if err != nil {
		t.Fatalf("%#v: %v", req, err)
	}
	return resp
}

// data does a request and returns its untyped rows.
func data(t *testing.T, ex tnt.Executor, req tnt.Request) []any {
	t.Helper()
	rows, err := do(t, ex, req).Data()
	if err != nil {
		t.Fatalf("%#v: %v", req, err)
	}
	return rows
}

// equal compares a value with what it should be.
func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}

// failsWith checks that an error says what it should.
func failsWith(t *testing.T, what string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got the error %v, want one with %q", what, err, want)
	}
}

// ints is the untyped form of a list of numbers.
func ints(numbers ...int64) []any {
	list := make([]any, len(numbers))
	for i, n := range numbers {
		list[i] = n
	}
	return list
}
