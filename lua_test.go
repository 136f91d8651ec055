package tnt_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
)

func TestLuaResults(t *testing.T) {
	tests := map[string]struct {
		expr string
		want []any
		old  []any // the same by CALL_16, which makes a tuple of each; nil: the same
	}{
		"nothing":       {"", []any{}, nil},
		"nil":           {"return nil", []any{nil}, []any{[]any{nil}}},
		"a number":      {"return 1", ints(1), []any{ints(1)}},
		"a string":      {"return 'x'", []any{"x"}, []any{[]any{"x"}}},
		"several":       {"return 1, 'x', true", []any{int64(1), "x", true}, []any{ints(1), []any{"x"}, []any{true}}},
		"holes":         {"return 1, nil, 3", []any{int64(1), nil, int64(3)}, []any{ints(1), []any{nil}, ints(3)}},
		"a list":        {"return {1, 2}", []any{ints(1, 2)}, []any{ints(1, 2)}},
		"two lists":     {"return {1}, {2}", []any{ints(1), ints(2)}, []any{ints(1), ints(2)}},
		"a list of two": {"return {{1}, {2}}", []any{[]any{ints(1), ints(2)}}, []any{ints(1), ints(2)}},
		"a map":         {"return {a = 1}", []any{map[string]any{"a": int64(1)}}, []any{[]any{map[string]any{"a": int64(1)}}}},
		"a tuple":       {"return box.tuple.new{1, 'x'}", []any{[]any{int64(1), "x"}}, []any{[]any{int64(1), "x"}}},
	}
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				equal(t, "eval", data(t, conn, tnt.Eval{Expr: test.expr}), test.want)
				lua(t, conn, "function results() "+test.expr+" end")
				equal(t, "call", data(t, conn, tnt.Call{Function: "results"}), test.want)
				old := test.old
				if old == nil {
					old = test.want
				}
				equal(t, "call_16", data(t, conn, tnt.Call16{Function: "results"}), old)
				resp, err := conn.Call16(testContext(t), "results")
				if err != nil {
					t.Fatal(err)
				}
				if tuples, err := resp.Tuples(); err != nil || len(tuples) != len(old) {
					t.Errorf("as tuples: %v, %v", tuples, err)
				}
			})
		}
		equal(t, "arguments", lua(t, conn, "return ...", 1, "x", nil, []any{2}, map[string]any{"k": 1.5}),
			[]any{int64(1), "x", nil, ints(2), map[string]any{"k": 1.5}})
		equal(t, "no arguments", data(t, conn, tnt.Call{Function: "echo"}), []any{})
		resp, err := conn.Call(testContext(t), "echo", 5)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := resp.Tuples(); err == nil {
			t.Error("a bare number is a tuple")
		}
	})
}

// TestFewerResultsThanExpected decodes what a function returned less of.
func TestFewerResultsThanExpected(t *testing.T) {
	type pair struct {
		A int
		B string
	}
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		ctx := testContext(t)
		_, err := tnt.One[int](ctx, conn, tnt.Call{Function: "none"})
		if !errors.Is(err, tnt.ErrNoTuple) {
			t.Errorf("One of nothing: %v", err)
		}
		none, err := tnt.All[pair](ctx, conn, tnt.Call{Function: "none"})
		if len(none) != 0 || err != nil {
			t.Errorf("All of nothing: %v, %v", none, err)
		}
		short, err := tnt.One[pair](ctx, conn, tnt.Eval{Expr: "return {5}"})
		if short != (pair{A: 5}) || err != nil {
			t.Errorf("a list that lacks a field: %v, %v", short, err)
		}
		null, err := tnt.One[*pair](ctx, conn, tnt.Eval{Expr: "return nil"})
		if null != nil || err != nil {
			t.Errorf("a nil: %v, %v", null, err)
		}
	})
}

func TestTimeouts(t *testing.T) {
	errMine := errors.New("my cause")
	var timeout tnt.Options
	timeout.RequestTimeout = 50 * time.Millisecond
	background := func(t *testing.T) (context.Context, context.CancelFunc) {
		t.Helper()
		return context.Background(), func() {}
	}
	for name, test := range map[string]struct {
		opts  tnt.Options
		ctx   func(t *testing.T) (context.Context, context.CancelFunc)
		wants []error
	}{
		"option": {timeout, background, []error{tnt.ErrTimeout, context.DeadlineExceeded}},
		"deadline": {tnt.Options{}, func(t *testing.T) (context.Context, context.CancelFunc) {
			t.Helper()
			return context.WithTimeout(t.Context(), 50*time.Millisecond)
		}, []error{context.DeadlineExceeded}},
		"deadline with a cause": {tnt.Options{}, func(t *testing.T) (context.Context, context.CancelFunc) {
			t.Helper()
			return context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errMine)
		}, []error{errMine}},
		"cancelled": {tnt.Options{}, func(t *testing.T) (context.Context, context.CancelFunc) {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(50*time.Millisecond, cancel)
			return ctx, cancel
		}, []error{context.Canceled}},
		"cancelled with a cause": {tnt.Options{}, func(t *testing.T) (context.Context, context.CancelFunc) {
			t.Helper()
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(50*time.Millisecond, func() { cancel(errMine) })
			return ctx, func() { cancel(nil) }
		}, []error{errMine}},
		"option and a cancel": {timeout, func(t *testing.T) (context.Context, context.CancelFunc) {
			t.Helper()
			return context.WithCancel(t.Context())
		}, []error{tnt.ErrTimeout, context.DeadlineExceeded}},
	} {
		onServers(t, func(t *testing.T, p *program) {
			t.Run(name, func(t *testing.T) {
				opts := test.opts
				opts.Address = p.shared.Address
				conn := connect(t, opts)
				for _, req := range []tnt.Request{
					tnt.Call{Function: "hold"},
					tnt.Call16{Function: "hold"},
					tnt.Eval{Expr: "return hold()"},
				} {
					ctx, cancel := test.ctx(t)
					_, err := conn.Do(ctx, req)
					cancel()
					for _, want := range test.wants {
						if !errors.Is(err, want) {
							t.Errorf("%v: got %v, want %v", req.Type(), err, want)
						}
					}
					if tnt.SafeToRetry(err) {
						t.Errorf("%v: %v is safe to retry, it says", req.Type(), err)
					}
				}
				ctx, cancel := test.ctx(t)
				f := conn.Go(ctx, tnt.Call{Function: "hold"})
				_, err := f.Wait(ctx)
				cancel()
				for _, want := range test.wants {
					if !errors.Is(err, want) {
						t.Errorf("a future: got %v, want %v", err, want)
					}
				}
				if _, err := conn.Call(testContext(t), "release"); err != nil {
					t.Fatal(err)
				}
				if _, err := f.Wait(testContext(t)); err != nil {
					t.Errorf("another wait for the same future: %v", err)
				}
				// In time, on the same connection.
				ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				resp, err := conn.Call(ctx, "wait", 0.001)
				if err != nil {
					t.Fatal(err)
				}
				rows, err := resp.Data()
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "in time", rows, []any{"done"})
				eventually(t, "the late answers are dropped and counted", func() bool {
					s := conn.Stats()
					return s.Late == 3 && s.InFlight == 0
				})
			})
		})
	}
}

// TestCallTimeoutWins checks that the context's deadline takes the place of
// the connection's timeout, for a ping and for a call.
func TestCallTimeoutWins(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := connect(t, tnt.Options{Address: p.shared.Address, RequestTimeout: 10 * time.Millisecond})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := conn.Call(ctx, "wait", 0.1); err != nil {
			t.Errorf("a longer deadline: %v", err)
		}
		eventually(t, "a ping in time, on a machine that may have more to do", func() bool { return conn.Ping(t.Context()) == nil })
		s := ownServer(t, p)
		paused := connect(t, tnt.Options{Address: s.Address, RequestTimeout: time.Hour})
		s.Pause()
		defer s.Resume()
		ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := paused.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a shorter deadline: %v", err)
		}
	})
}

func TestContextOverBeforeSending(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := quiet(t, p)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 20 {
			if err := conn.Ping(ctx); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		eventually(t, "nothing is left in flight", func() bool { return conn.Stats().InFlight == 0 })
		if err := conn.Ping(testContext(t)); err != nil {
			t.Error(err)
		}
	})
}

func TestLuaErrors(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		_, err := conn.Call(testContext(t), "fail", "it broke")
		if !errors.Is(err, errcode.ProcLua) {
			t.Errorf("error(): %v", err)
		}
		var e *tnt.Error
		if !errors.As(err, &e) || e.Type != "LuajitError" || e.Code != errcode.ProcLua {
			t.Fatalf("error(): %#v", e)
		}
		failsWith(t, "its message", e, "it broke")

		_, err = conn.Call(testContext(t), "raise", 12345, "my reason")
		if !errors.As(err, &e) || e.Code != 12345 || e.Message != "my reason" || e.Type != "ClientError" {
			t.Errorf("a code of one's own: %#v", e)
		}
		if !errors.Is(err, errcode.Code(12345)) || errors.Is(err, errcode.ProcLua) {
			t.Errorf("by code: %v", err)
		}

		_, err = conn.Eval(testContext(t), "for i = 1, 2 do box.space.tester:insert{1, 'x'} end")
		if !errors.Is(err, errcode.TupleFound) {
			t.Errorf("an error of the server's: %v", err)
		}

		_, err = conn.Eval(testContext(t), "box.error{type = 'MyType', reason = 'mine', code = 77}")
		if !errors.As(err, &e) || e.Message != "mine" || e.Type != "CustomError" || e.Fields["custom_type"] != "MyType" {
			t.Errorf("a type of one's own: %#v", e)
		}

		_, err = conn.Eval(testContext(t), `
			local inner = box.error.new{code = 101, reason = 'inner'}
			local middle = box.error.new{code = 102, reason = 'middle'}
			local outer = box.error.new{code = 103, reason = 'outer'}
			middle:set_prev(inner)
			outer:set_prev(middle)
			outer:raise()`)
		for _, code := range []errcode.Code{101, 102, 103} {
			if !errors.Is(err, code) {
				t.Errorf("%v is not found in the chain of %v", code, err)
			}
		}
		if !errors.As(err, &e) || e.Message != "outer" || e.Cause.Message != "middle" || e.Cause.Cause.Message != "inner" || e.Cause.Cause.Cause != nil {
			t.Errorf("the chain is %#v", e)
		}
		if e.File == "" || e.Line == 0 {
			t.Errorf("the place is %s:%d", e.File, e.Line)
		}

		_, err = conn.Eval(testContext(t), "syntax error")
		if !errors.Is(err, errcode.ProcLua) {
			t.Errorf("a syntax error: %v", err)
		}
		if tnt.SafeToRetry(err) {
			t.Error("a Lua error is safe to retry")
		}
		if err := conn.Ping(testContext(t)); err != nil {
			t.Errorf("the connection did not survive: %v", err)
		}
	})
}

func TestSafeToRetryByCode(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for code, transient := range map[errcode.Code]bool{
			errcode.Loading: true, errcode.Readonly: true, errcode.WrongSchemaVersion: true, errcode.TransactionConflict: true,
			errcode.TupleFound: false, errcode.ProcLua: false, errcode.Unknown: false, 12345: false,
		} {
			// What a function did before is done, whatever it raises.
			_, err := conn.Call(testContext(t), "raise", uint32(code), "x")
			if !errors.Is(err, code) || tnt.SafeToRetry(err) || tnt.IsTransient(err) != transient {
				t.Errorf("%v: safe to retry is %v, transient %v", err, tnt.SafeToRetry(err), tnt.IsTransient(err))
			}
			ex := tnt.Answer(func(context.Context, tnt.Request) (tnt.Response, error) {
				return tnt.Response{}, &tnt.Error{Code: code}
			})
			if _, err := tnt.Do(testContext(t), ex, tnt.Insert{SpaceID: 512}); tnt.SafeToRetry(err) != transient || tnt.IsTransient(err) != transient {
				t.Errorf("%v: safe to retry is %v, transient %v", err, tnt.SafeToRetry(err), tnt.IsTransient(err))
			}
		}
	})
	if tnt.SafeToRetry(nil) || tnt.SafeToRetry(errors.New("x")) {
		t.Error("what is unknown is safe to retry")
	}
}

// TestLargeErrorCode raises an error whose code doesn't fit into a header, which
// holds the low bits of it: those of ErrReadonly, which is safe to retry.
func TestLargeErrorCode(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		const code = 1<<15 | errcode.Readonly
		_, err := shared(t, p).Call(testContext(t), "raise", uint32(code), "mine")
		if !errors.Is(err, code) || errors.Is(err, errcode.Readonly) || tnt.SafeToRetry(err) {
			t.Errorf("got %v, safe to retry: %v", err, tnt.SafeToRetry(err))
		}
	})
}

// TestCauseIsNotSafe raises an error that has one as its cause that is safe to
// retry by itself.
func TestCauseIsNotSafe(t *testing.T) {
	onServersWith(t, 2, 10, func(t *testing.T, p *program) {
		_, err := shared(t, p).Eval(testContext(t), `
			local e = box.error.new({code = 30000, reason = 'after something was done'})
			e:set_prev(box.error.new(box.error.READONLY))
			e:raise()`)
		if !errors.Is(err, errcode.Readonly) || tnt.SafeToRetry(err) {
			t.Errorf("got %v, safe to retry: %v", err, tnt.SafeToRetry(err))
		}
	})
}
