package tnttest_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/tnttest"
)

// Functions whose types the compiler checks get their arguments and answer, or
// fail by the error's text; missing arguments are zero values.
func TestTypedFunctions(t *testing.T) {
	srv := tnttest.Run(t)
	var procs []string
	tnttest.Func0(srv, "zero", func(context.Context) (string, error) { return "none", nil })
	tnttest.Func1(srv, "one", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	tnttest.Func2(srv, "two", func(_ context.Context, s string, n int) ([]string, error) {
		return []string{strings.Repeat(s, n)}, nil
	})
	tnttest.Func1(srv, "fails", func(context.Context, int) (int, error) { return 0, errors.New("no luck") })
	tnttest.Proc0(srv, "proc0", func(context.Context) error { procs = append(procs, "0"); return nil })
	tnttest.Proc1(srv, "proc1", func(_ context.Context, s string) error { procs = append(procs, s); return nil })
	tnttest.Proc2(srv, "proc2", func(_ context.Context, s string, n int) error {
		procs = append(procs, strings.Repeat(s, n))
		return nil
	})
	conn, err := tnt.Connect(t.Context(), srv.Addr())
	must(t, err)
	defer conn.Close()
	for _, c := range []struct {
		function string
		args     []any
		want     []any
		fails    string
	}{
		{"zero", nil, []any{"none"}, ""},
		{"one", []any{41}, []any{int64(42)}, ""},
		{"one", nil, []any{int64(1)}, ""},
		{"one", []any{"x"}, nil, "argument 1"},
		{"two", []any{"ab", 2}, []any{[]any{"abab"}}, ""},
		{"two", []any{"ab", "x"}, nil, "argument 2"},
		{"fails", []any{1}, nil, "no luck"},
		{"proc0", nil, []any{}, ""},
		{"proc1", []any{"one"}, []any{}, ""},
		{"proc1", []any{1}, nil, "argument 1"},
		{"proc2", []any{"ab", 2}, []any{}, ""},
		{"proc2", []any{1, 2}, nil, "argument 1"},
	} {
		resp, err := conn.Call(t.Context(), c.function, c.args...)
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s%v: the error is %v, and should say %q", c.function, c.args, err, c.fails)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s%v: %v", c.function, c.args, err)
			continue
		}
		if got, err := resp.Data(); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s%v answers %#v, %v, and should %#v", c.function, c.args, got, err, c.want)
		}
	}
	if got := strings.Join(procs, " "); got != "0 one abab" {
		t.Errorf("the procedures saw %q", got)
	}
}
