package tnt_test

import (
	"errors"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
)

// TestNilAndError is what Lua's functions return where they fail.
func TestNilAndError(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		ctx := testContext(t)
		req := tnt.Eval{Expr: "return nil, 'no such user'"}
		var row struct{ ID int }
		var pointer *int
		check := func(what string, err error, value any, text string) {
			t.Helper()
			var failed *tnt.ResultError
			if !errors.As(err, &failed) {
				t.Errorf("%s: %v", what, err)
				return
			}
			equal(t, what, failed.Value, value)
			failsWith(t, what, err, text)
			if tnt.SafeToRetry(err) {
				t.Errorf("%s: what was done counts as not sent", what)
			}
		}
		for what, err := range map[string]error{
			"One":          second(tnt.One[int](ctx, conn, req)),
			"One of a *T":  second(tnt.One[*int](ctx, conn, req)),
			"One of any":   second(tnt.One[any](ctx, conn, req)),
			"One of tuple": second(tnt.One[tnt.Tuple](ctx, conn, req)),
			"OneInto":      tnt.OneInto(ctx, conn, req, &row),
			"a Call":       second(tnt.One[int](ctx, conn, tnt.Call{Function: "echo", Args: []any{nil, "no such user"}})),
		} {
			check(what, err, "no such user", `the function returned nil and "no such user"`)
		}
		for _, err := range tnt.Each[int](ctx, conn, []tnt.Eval{req}) {
			check("Each", err, "no such user", `returned nil and "no such user"`)
		}
		for _, dst := range []any{&row, &pointer, new(any)} {
			err := do(t, conn, req).Decode(dst)
			var failed *tnt.ResultError
			if !errors.As(err, &failed) || failed.Value != "no such user" {
				t.Errorf("Decode into %T: %v", dst, err)
			}
		}
		check("a map", second(tnt.One[int](ctx, conn, tnt.Eval{Expr: "return nil, {code = 5}"})), map[string]any{"code": int64(5)}, "map[code:5]")

		// Who asks for both has both.
		id, failure, err := tnt.Two[*int, *string](ctx, conn, req)
		if err != nil || id != nil || failure == nil || *failure != "no such user" {
			t.Errorf("Two: %v, %v, %v", id, failure, err)
		}
		var text string
		if err := do(t, conn, req).DecodeResults(&pointer, &text); err != nil || pointer != nil || text != "no such user" {
			t.Errorf("DecodeResults: %v, %q, %v", pointer, text, err)
		}
		equal(t, "Data", lua(t, conn, req.Expr), []any{nil, "no such user"})
		all, err := tnt.All[any](ctx, conn, req)
		if err != nil {
			t.Error(err)
		}
		equal(t, "All", all, []any{nil, "no such user"})

		// These are none.
		for _, expr := range []string{"return nil", "return nil, nil", "return", "return nil, nil, 'x'"} {
			n, err := tnt.One[*int](ctx, conn, tnt.Eval{Expr: expr})
			if n != nil || err != nil && (expr != "return" || !errors.Is(err, tnt.ErrNoTuple)) {
				t.Errorf("%s: %v, %v", expr, n, err)
			}
		}
		if n, err := tnt.One[int](ctx, conn, tnt.Eval{Expr: "return 5, 'x'"}); n != 5 || err != nil {
			t.Errorf("a first result: %v, %v", n, err)
		}
		if ok, err := tnt.One[bool](ctx, conn, tnt.Eval{Expr: "return false, 'x'"}); ok || err != nil {
			t.Errorf("false: %v, %v", ok, err)
		}
	})
	onServersWith(t, 2, 10, func(t *testing.T, p *program) {
		conn := shared(t, p)
		_, err := tnt.One[int](testContext(t), conn, tnt.Eval{Expr: "return nil, box.error.new{code = 3, reason = 'twice', type = 'Mine'}"})
		var failed *tnt.ResultError
		if !errors.As(err, &failed) || !errors.Is(err, errcode.Code(3)) {
			t.Errorf("an error as a value: %v", err)
		}
		failsWith(t, "an error as a value", err, "the function returned nil and an error: twice (Mine, 3)")
	})
}

// TestSeveralResults has results in variables of their own.
func TestSeveralResults(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		ctx := testContext(t)
		a, b, err := tnt.Two[int, string](ctx, conn, tnt.Eval{Expr: "return 5, 'x'"})
		if a != 5 || b != "x" || err != nil {
			t.Errorf("two: %v, %v, %v", a, b, err)
		}
		a, b, err = tnt.Two[int, string](ctx, conn, tnt.Eval{Expr: "return 5, 'x', nil"})
		if a != 5 || b != "x" || err != nil {
			t.Errorf("two and a nil: %v, %v, %v", a, b, err)
		}
		_, _, err = tnt.Two[int, string](ctx, conn, tnt.Eval{Expr: "return 5, 'x', 7"})
		failsWith(t, "three", err, "the function returned 3 results, and there are variables for 2")
		_, _, err = tnt.Two[int, int](ctx, conn, tnt.Eval{Expr: "return 5, 'x'"})
		failsWith(t, "another type", err, "result 2: msgpack: expected an integer")
		var decoding *tnt.DecodeError
		if !errors.As(err, &decoding) {
			t.Errorf("it is a %T", err)
		}
		_, _, err = tnt.Two[int, chan int](ctx, conn, tnt.Eval{Expr: "return 5, 'x'"})
		if !tnt.SafeToRetry(err) {
			t.Errorf("a type without a form: %v", err)
		}
		resp := do(t, conn, tnt.Eval{Expr: "return 1, 'x', {a = 2}, {3, 4}"})
		n, gone := 0, 9
		var m struct{ A int }
		var list []int
		if err := resp.DecodeResults(&n, nil, &m, &list, &gone); err != nil {
			t.Fatal(err)
		}
		if n != 1 || m.A != 2 || len(list) != 2 || gone != 0 {
			t.Errorf("got %v, %v, %v, %v", n, m, list, gone)
		}
		for _, dst := range [][]any{{5}, {(*int)(nil)}, {&n}, {&n, nil, &m}} {
			if err := resp.DecodeResults(dst...); err == nil {
				t.Errorf("no error for %v", dst)
			}
		}
	})
}
