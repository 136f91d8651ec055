package tnt_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gotnt/tnt"
)

// stored stores a tuple and returns it.
func stored(t *testing.T, conn *tnt.Conn, space string, fields ...any) tnt.Tuple {
	t.Helper()
	tuple, err := conn.Replace(testContext(t), space, fields)
	if err != nil {
		t.Fatal(err)
	}
	return tuple
}

func TestTupleByPosition(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		tuple := stored(t, shared(t, p), "tester", 1, "ann", 30, "x", "beyond")
		all := []any{int64(1), "ann", int64(30), "x", "beyond"}
		if tuple.Len() != 5 {
			t.Errorf("%d fields", tuple.Len())
		}
		for i := range 5 {
			v, err := tuple.At(i)
			if v != all[i] || err != nil {
				t.Errorf("field %d: %v, %v", i, v, err)
			}
			v, err = tuple.At(i - 5)
			if v != all[i] || err != nil {
				t.Errorf("field %d: %v, %v", i-5, v, err)
			}
		}
		for _, i := range []int{5, -6, math.MaxInt, math.MinInt} {
			var missing *tnt.FieldError
			if v, err := tuple.At(i); !errors.As(err, &missing) {
				t.Errorf("field %d: %v, %v", i, v, err)
			}
		}
		for _, test := range []struct {
			i, j int
			want []any
		}{
			{0, 5, all},
			{1, 3, all[1:3]},
			{-2, 5, all[3:]},
			{0, -1, all[:4]},
			{-3, -1, all[2:4]},
			{2, 2, []any{}},
			{5, 5, []any{}},
			{3, 2, nil},
			{0, 6, nil},
			{-6, 5, nil},
		} {
			got, err := tuple.Slice(test.i, test.j)
			if (err != nil) != (test.want == nil) {
				t.Errorf("fields %d to %d: %v", test.i, test.j, err)
			}
			equal(t, fmt.Sprintf("fields %d to %d", test.i, test.j), got, test.want)
		}
		values, err := tuple.Values()
		if err != nil {
			t.Error(err)
		}
		equal(t, "values", values, all)
	})
}

func TestTupleByName(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		tuple := stored(t, shared(t, p), "tester", 1, "ann", 30, "x", "beyond")
		for name, want := range map[string]any{"id": int64(1), "name": "ann", "age": int64(30), "extra": "x"} {
			if v, err := tuple.Get(name); v != want || err != nil || !tuple.Has(name) || tuple.GetOr(name, "def") != want {
				t.Errorf("%s: %v, %v", name, v, err)
			}
		}
		_, err := tuple.Get("nowhere")
		failsWith(t, "an unknown field", err, "it has id, name, age, extra")
		if tuple.Has("nowhere") || tuple.GetOr("nowhere", "def") != "def" {
			t.Error("an unknown field is there")
		}
		equal(t, "names", tuple.Names(), []string{"id", "name", "age", "extra"})
		m, err := tuple.Map()
		if err != nil {
			t.Error(err)
		}
		equal(t, "the map leaves out what has no name", m, map[string]any{"id": int64(1), "name": "ann", "age": int64(30), "extra": "x"})
		var names []string
		var values []any
		for name, v := range tuple.Fields() {
			names, values = append(names, name), append(values, v)
		}
		equal(t, "all names", names, []string{"id", "name", "age", "extra", ""})
		equal(t, "all values", values, []any{int64(1), "ann", int64(30), "x", "beyond"})
		for range tuple.Fields() {
			break // must not go on
		}
		for v, want := range map[any]bool{"ann": true, 30: true, uint8(1): true, "beyond": true, "id": false, 31: false} {
			if tuple.Contains(v) != want {
				t.Errorf("contains %v: %v", v, !want)
			}
		}
		if tuple.Contains(make(chan int)) {
			t.Error("it contains a channel")
		}
		equal(t, "as text", tuple.String(), `[id: 1, name: "ann", age: 30, extra: "x", "beyond"]`)
		if _, err := json.Marshal(m); err != nil {
			t.Error(err)
		}
	})
}

func TestShortTuple(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		tuple := stored(t, shared(t, p), "tester", 1, "ann")
		equal(t, "names", tuple.Names(), []string{"id", "name"})
		_, err := tuple.Get("age")
		failsWith(t, "a field of the format that the tuple lacks", err, "has 2 fields")
		if tuple.Has("age") || tuple.GetOr("age", 7) != 7 {
			t.Error("it has the field")
		}
		m, err := tuple.Map()
		if err != nil {
			t.Error(err)
		}
		equal(t, "the map", m, map[string]any{"id": int64(1), "name": "ann"})
	})
}

func TestTupleWithoutNames(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		noSchema := connect(t, tnt.Options{Address: p.shared.Address, NoSchema: true})
		resp := do(t, noSchema, tnt.Replace{SpaceID: conn.Schema().Space("tester").ID, Tuple: []any{1, "x"}})
		tuples, err := resp.Tuples()
		if err != nil {
			t.Fatal(err)
		}
		for what, tuple := range map[string]tnt.Tuple{"no format": stored(t, conn, "no_format", 1, "x"), "no schema": tuples[0]} {
			_, err := tuple.Get("name")
			failsWith(t, what, err, "no names")
			_, err = tuple.Map()
			failsWith(t, what, err, "no names")
			if tuple.Has("name") || tuple.GetOr("name", 1) != 1 || len(tuple.Names()) != 0 {
				t.Errorf("%s: it has names", what)
			}
			equal(t, what, tuple.String(), `[1, "x"]`)
		}
	})
}

func TestZeroTuple(t *testing.T) {
	var tuple tnt.Tuple
	if tuple.Len() != 0 || tuple.Has("x") || tuple.Contains(nil) || tuple.String() != "[]" || len(tuple.Names()) != 0 {
		t.Errorf("the zero Tuple is %v", tuple)
	}
	if values, err := tuple.Values(); len(values) != 0 || err != nil {
		t.Error(values, err)
	}
	if _, err := tuple.At(0); err == nil {
		t.Error("it has a field")
	}
	for range tuple.Fields() {
		t.Error("it has a field")
	}
}

func TestTupleText(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		fields := make([]any, 51)
		for i := range fields {
			fields[i] = i
		}
		long := stored(t, conn, "no_format", fields...).String()
		if !strings.HasSuffix(long, "48, 49, ...]") || strings.Count(long, ",") != 50 {
			t.Errorf("51 fields: %s", long)
		}
		whole := stored(t, conn, "no_format", fields[:50]...).String()
		if !strings.HasSuffix(whole, "48, 49]") {
			t.Errorf("50 fields: %s", whole)
		}
	})
}

func TestOddValuesInTuples(t *testing.T) {
	for name, test := range map[string]struct {
		expr string
		want any
	}{
		"string, not UTF-8": {`return '\xff\xfe\x00a'`, "\xff\xfe\x00a"},
		"integer keys":      {`return setmetatable({[5] = 'a', [1000] = 'b'}, {__serialize = 'map'})`, map[any]any{int64(5): "a", int64(1000): "b"}},
		"negative keys":     {`return setmetatable({[-5] = 'a'}, {__serialize = 'map'})`, map[any]any{int64(-5): "a"}},
		"float keys":        {`return setmetatable({[1.5] = 'a'}, {__serialize = 'map'})`, map[any]any{1.5: "a"}},
		"string keys":       {`return {x = 'a', ['\xff'] = 'b'}`, map[string]any{"x": "a", "\xff": "b"}},
		"mixed keys":        {`return setmetatable({x = 'a', [7] = 'b', [true] = 'c'}, {__serialize = 'map'})`, map[any]any{"x": "a", int64(7): "b", true: "c"}},
		"empty map":         {`return setmetatable({}, {__serialize = 'map'})`, map[string]any{}},
		"empty list":        {`return {}`, []any{}},
		"nil":               {`return nil`, nil},
		"box.NULL":          {`return box.NULL`, nil},
		"largest unsigned":  {`return 18446744073709551615ULL`, uint64(18446744073709551615)},
		"largest signed":    {`return 9223372036854775807ULL`, int64(9223372036854775807)},
		"smallest":          {`return -9223372036854775808LL`, int64(-9223372036854775808)},
	} {
		onServers(t, func(t *testing.T, p *program) {
			conn := shared(t, p)
			got := lua(t, conn, test.expr)
			equal(t, name, got, []any{test.want})
			tuple := stored(t, conn, "no_format", 1, got[0])
			v, err := tuple.At(1)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			equal(t, name+", stored and read", v, test.want)
			if tuple.String() == "" {
				t.Error("it can't be printed")
			}
		})
	}
}

// TestTuplesAreTheUsers checks that what a caller keeps is not changed by
// later answers.
func TestTuplesAreTheUsers(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		var kept []tnt.Tuple
		for i := range 300 {
			kept = append(kept, stored(t, conn, "tester", i, fmt.Sprint("name ", i)))
		}
		for i, tuple := range kept {
			if v, err := tuple.Get("name"); v != fmt.Sprint("name ", i) || err != nil {
				t.Fatalf("tuple %d has become %v", i, tuple)
			}
		}
	})
}

// TestTupleOfNoRow asks what Update returns for a row that isn't there.
func TestTupleOfNoRow(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		tuple, err := conn.Update(testContext(t), "tester", tnt.K(1), tnt.OpAssign("name", "x"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tuple.Get("name"); !errors.Is(err, tnt.ErrNoTuple) {
			t.Errorf("Get: %v", err)
		}
		if _, err := tuple.At(0); !errors.Is(err, tnt.ErrNoTuple) {
			t.Errorf("At: %v", err)
		}
		var row []any
		if err := tuple.Decode(&row); !errors.Is(err, tnt.ErrNoTuple) {
			t.Errorf("Decode: %v", err)
		}
		if _, err := tuple.Map(); !errors.Is(err, tnt.ErrNoTuple) {
			t.Errorf("Map: %v", err)
		}
		equal(t, "GetOr", tuple.GetOr("name", "none"), "none")
		if tuple.Has("name") || tuple.Len() != 0 {
			t.Errorf("it is %v", tuple)
		}
	})
}

// TestContainsComparesValues finds a number that came in a longer form than it
// needs.
func TestContainsComparesValues(t *testing.T) {
	conn := toFake(t, fakeServer(t, func(p *peer) {
		answerAll(p, row(func(b []byte) []byte { return append(b, 0x91, 0xcf, 0, 0, 0, 0, 0, 0, 0, 7) }))
	}))
	tuples, err := do(t, conn, tnt.Select{SpaceID: 512}).Tuples()
	if err != nil {
		t.Fatal(err)
	}
	if !tuples[0].Contains(7) || tuples[0].Contains(8) {
		t.Errorf("of %v", tuples[0])
	}
}
