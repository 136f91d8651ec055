package cdc

import (
	"fmt"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/schema"
)

// Operations leave the same tuple here as on the server.
func TestOperationsAgreeWithTheServer(t *testing.T) {
	nested := map[string]any{"a": []any{1, 2, map[string]any{"b": "deep"}}, "n": 7}
	tuple := []any{1, "text", -5, 2.5, []any{1, 2, 3}, nested, decimal.RequireFromString("1.25"), nil, uint64(1 << 63)}
	op := func(parts ...any) []any { return parts }
	list := func(ops ...[]any) (all []any) {
		for _, o := range ops {
			all = append(all, o)
		}
		return all
	}
	cases := [][]any{
		list(op("=", 2, "x")), list(op("=", 10, "behind")), list(op("=", -1, "last")), list(op("!", 1, "first")), list(op("!", -1, "end")),
		list(op("!", 10, 1)), list(op("#", 2, 3)), list(op("#", -2, 1)), list(op("#", 5, 100)), list(op("=", 12, "far")),
		list(op("+", 3, 7)), list(op("-", 3, 7)), list(op("+", 1, -3)), list(op("+", 4, 1)), list(op("-", 4, 0.25)), list(op("+", 1, 0.5)),
		list(op("+", 7, decimal.RequireFromString("2.75"))), list(op("+", 7, 2)), list(op("-", 1, decimal.RequireFromString("0.5"))),
		list(op("+", 9, 1)), list(op("+", 9, uint64(1<<63))), list(op("-", 9, uint64(1<<63))), list(op("+", 2, 1)),
		list(op("&", 1, 3)), list(op("|", 1, 6)), list(op("^", 1, 5)), list(op("&", 3, 1)), list(op("|", 9, 1)),
		list(op(":", 2, 2, 2, "XYZ")), list(op(":", 2, -2, 1, "!")), list(op(":", 2, 1, -2, "")), list(op(":", 2, 100, 1, "tail")),
		list(op(":", 2, -100, 1, "x")), list(op(":", 3, 1, 1, "x")), list(op(":", 2, 1, 100, "all")),
		list(op("=", "[5][2]", "in")), list(op("!", "[5][1]", "before")), list(op("#", "[5][2]", 1)), list(op("+", "[5][3]", 10)),
		list(op("=", "[6].a[3].b", "changed")), list(op("=", "[6]['n']", 8)), list(op("!", "[6].new", 1)), list(op("#", "[6].n", 1)),
		list(op("!", "[6].n", 1)), list(op("=", "[6].x.y", 1)), list(op("+", "[6].n", 1), op("=", "[6].a[1]", 0)), list(op("=", "[1].x", 1)),
		list(op("=", "[5][9]", 1)), list(op("=", "[5][4]", 4)), list(op("#", "[5][9]", 1)),
		list(op("=", 2, "a"), op("!", 2, "b"), op("#", 3, 1), op("=", 3, "c")),
	}
	onServers(t, "{}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		agreed := 0
		for _, ops := range cases {
			resp, err := conn.Eval(testContext(t), `local t, ops = ... local ok, r = pcall(box.tuple.update, box.tuple.new(t), ops) return ok, r`, tuple, ops)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := resp.Data()
			if err != nil {
				t.Fatal(err)
			}
			got, failed := applied(t, tuple, ops, p.Version.AtLeast(2, 8, 1))
			if done, _ := answer[0].(bool); done != (failed == nil) {
				t.Errorf("%v: %v, %v; the server: %v", ops, got, failed, answer)
				continue
			}
			if want := fmt.Sprint(answer[1]); failed == nil && fmt.Sprint(got) != want {
				t.Errorf("%v: %v; the server: %v", ops, got, want)
			}
			agreed++
		}
		t.Logf("%d lists of operations", agreed)
	})
}

// applied returns what operations, counted from 1, leave of a tuple.
func applied(t *testing.T, tuple, ops []any, fills bool) (any, error) {
	t.Helper()
	raw, err1 := mp.AppendValue(nil, tuple)
	rawOps, err2 := mp.AppendValue(nil, ops)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	decoded, err := decodeOperations(rawOps, 1, nil)
	if err != nil {
		return nil, err
	}
	changed, err := applyOperations(raw, decoded, nil, rules{fills: fills})
	if err != nil {
		return nil, err
	}
	r := mp.NewReader(changed)
	v := r.Value()
	return v, r.Err()
}

func FuzzOperations(f *testing.F) {
	for _, v := range []any{
		[]any{[]any{"=", 1, "x"}, []any{"+", 0, 1}},
		[]any{[]any{"!", "a.b[1]", nil}, []any{":", 1, 1, 1, "y"}},
		[]any{[]any{"#", -1, 5}, []any{"=", 1 << 19, 1}},
	} {
		ops, err := mp.AppendValue(nil, v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte{0x93, 1, 0xa1, 'a', 0x81, 0xa1, 'b', 0x91, 2}, ops, 0)
	}
	format := schema.NewFormat(schema.Field{Name: "id"}, schema.Field{Name: "a"})
	f.Fuzz(func(t *testing.T, tuple, ops []byte, base int) {
		if _, err := tnt.TupleOf(tuple, nil); err != nil {
			return
		}
		decoded, err := decodeOperations(ops, base&1, nil)
		if err != nil {
			return
		}
		changed, err := applyOperations(tuple, decoded, format, rules{lenient: true, fills: true})
		if err != nil {
			t.Fatalf("a lenient update fails: %v", err)
		}
		if _, err := tnt.TupleOf(changed, nil); err != nil {
			t.Fatalf("%v leave % x: %v", decoded, changed, err)
		}
	})
}
