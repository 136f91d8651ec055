package tnt_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
)

// person is a tuple of the space tester as a struct.
type person struct {
	ID    uint64
	Name  string
	Age   *int
	Extra any
}

func TestStoreForms(t *testing.T) {
	age := 30
	forms := map[string]any{
		"list":              []any{1, "ann", 30, nil},
		"struct":            person{1, "ann", &age, nil},
		"pointer":           &person{1, "ann", &age, nil},
		"map":               map[string]any{"id": 1, "name": "ann", "age": 30, "extra": nil},
		"unsigned integers": []any{uint8(1), "ann", uint16(30), nil},
		"signed integers":   []any{int8(1), "ann", int64(30), nil},
	}
	want := []any{[]any{int64(1), "ann", int64(30), nil}}
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for name, tuple := range forms {
			for _, req := range []tnt.Request{
				tnt.Replace{Space: "tester", Tuple: tuple},
				tnt.Delete{Space: "tester", Key: tnt.K(1)},
				tnt.Insert{Space: "tester", Tuple: tuple},
				tnt.Insert{SpaceID: conn.Schema().Space("tester").ID, Tuple: []any{2, "bob"}},
			} {
				got := data(t, conn, req)
				if insert, ok := req.(tnt.Insert); ok && insert.SpaceID != 0 {
					equal(t, "by id", got, []any{[]any{int64(2), "bob"}})
					continue
				}
				equal(t, name+" by "+req.Type().String(), got, want)
			}
			_, err := conn.Insert(testContext(t), "tester", tuple)
			if !errors.Is(err, errcode.TupleFound) {
				t.Errorf("%s: the second insert: %v", name, err)
			}
			lua(t, conn, "box.space.tester:truncate()")
		}
		stored, err := conn.Insert(testContext(t), "tester", []any{7, "tup", 1, ints(1, 2)})
		if err != nil {
			t.Fatal(err)
		}
		again, err := conn.Replace(testContext(t), "tester", stored)
		if err != nil || string(again.Raw()) != string(stored.Raw()) {
			t.Errorf("a Tuple stored again: %v, %v", again, err)
		}
		equal(t, "a typed slice", data(t, conn, tnt.Replace{Space: "no_format", Tuple: []int{1, 2, 3}}), []any{ints(1, 2, 3)})
		equal(t, "a map that skips a field", data(t, conn, tnt.Replace{Space: "tester", Tuple: map[string]any{"id": 3, "name": "c", "extra": true}}),
			[]any{[]any{int64(3), "c", nil, true}})
		equal(t, "a map that ends early", data(t, conn, tnt.Replace{Space: "tester", Tuple: map[string]any{"id": 3, "name": "c"}}),
			[]any{[]any{int64(3), "c", nil, nil}})
	})
}

// fill puts the tuples {i, "n" .. i % 3, i * 10} into tester, i from 1 to n.
func fill(t *testing.T, conn *tnt.Conn, n int) {
	t.Helper()
	lua(t, conn, "for i = 1, ... do box.space.tester:replace{i, 'n' .. i % 3, i * 10} end", n)
}

// ids does a Select and returns the first fields.
func ids(t *testing.T, ex tnt.Executor, req tnt.Select) []any {
	t.Helper()
	got := []any{}
	for _, row := range data(t, ex, req) {
		got = append(got, row.([]any)[0])
	}
	return got
}

func TestSelect(t *testing.T) {
	iterator := func(name string) iproto.Iterator {
		it, err := iproto.ParseIterator(name)
		if err != nil {
			t.Fatal(err)
		}
		return it
	}
	tests := map[string]struct {
		req  tnt.Select
		want []any
	}{
		"all":                  {tnt.Select{}, ints(1, 2, 3, 4, 5, 6, 7, 8, 9)},
		"limit":                {tnt.Select{Limit: 2}, ints(1, 2)},
		"offset":               {tnt.Select{Offset: 7}, ints(8, 9)},
		"limit and offset":     {tnt.Select{Offset: 3, Limit: 2}, ints(4, 5)},
		"offset past the end":  {tnt.Select{Offset: 100}, ints()},
		"key":                  {tnt.Select{Key: tnt.K(3)}, ints(3)},
		"key uint8":            {tnt.Select{Key: tnt.K(uint8(3))}, ints(3)},
		"key int64":            {tnt.Select{Key: tnt.K(int64(3))}, ints(3)},
		"key list":             {tnt.Select{Key: tnt.K([]any{3})}, ints(3)},
		"key typed list":       {tnt.Select{Key: tnt.K([]uint{3})}, ints(3)},
		"key parts":            {tnt.Select{Key: tnt.Parts(3)}, ints(3)},
		"key map":              {tnt.Select{Key: tnt.K(map[string]any{"id": 3})}, ints(3)},
		"key empty list":       {tnt.Select{Key: tnt.K([]any{}), Limit: 1}, ints(1)},
		"no such key":          {tnt.Select{Key: tnt.K(1000)}, ints()},
		"eq":                   {tnt.Select{Key: tnt.K(3), Iterator: iproto.IterEq}, ints(3)},
		"req":                  {tnt.Select{Index: "name_id", Key: tnt.K("n1"), Iterator: iproto.IterReq}, ints(7, 4, 1)},
		"all with a key":       {tnt.Select{Key: tnt.K(8), Iterator: iproto.IterAll}, ints(8, 9)},
		"lt":                   {tnt.Select{Key: tnt.K(3), Iterator: iproto.IterLT}, ints(2, 1)},
		"le":                   {tnt.Select{Key: tnt.K(3), Iterator: iproto.IterLE}, ints(3, 2, 1)},
		"ge":                   {tnt.Select{Key: tnt.K(8), Iterator: iproto.IterGE}, ints(8, 9)},
		"gt":                   {tnt.Select{Key: tnt.K(8), Iterator: iproto.IterGT}, ints(9)},
		"lt without a key":     {tnt.Select{Iterator: iproto.IterLT, Limit: 2}, ints(9, 8)},
		"by name":              {tnt.Select{Key: tnt.K(8), Iterator: iterator("GT")}, ints(9)},
		"by name, lower case":  {tnt.Select{Key: tnt.K(8), Iterator: iterator("gt")}, ints(9)},
		"by name, mixed case":  {tnt.Select{Key: tnt.K(8), Iterator: iterator("Gt")}, ints(9)},
		"by number":            {tnt.Select{Key: tnt.K(8), Iterator: iterator("6")}, ints(9)},
		"index by name":        {tnt.Select{Index: "name_id", Key: tnt.K("n0")}, ints(3, 6, 9)},
		"index by id":          {tnt.Select{IndexID: 2, Key: tnt.K("n0")}, ints(3, 6, 9)},
		"index with two parts": {tnt.Select{Index: "name_id", Key: tnt.Parts("n0", 6)}, ints(6)},
		"index, map, one part": {tnt.Select{Index: "name_id", Key: tnt.K(map[string]any{"name": "n0"})}, ints(3, 6, 9)},
		"index, map, two":      {tnt.Select{Index: "name_id", Key: tnt.K(map[string]any{"id": 6, "name": "n0"})}, ints(6)},
		"index, struct": {tnt.Select{Index: "name_id", Key: tnt.K(struct {
			Name string
			ID   int
		}{"n0", 6})}, ints(6)},
		"index, struct by tags": {tnt.Select{Index: "name_id", Key: tnt.K(&struct {
			Number int    `tnt:"id"`
			Text   string `tnt:"name"`
		}{6, "n0"})}, ints(6)},
		"index, struct, one part": {tnt.Select{Index: "name_id", Key: tnt.K(struct{ Name string }{"n0"})}, ints(3, 6, 9)},
		"index by id, map":        {tnt.Select{IndexID: 2, Key: tnt.K(map[string]any{"id": 6, "name": "n0"})}, ints(6)},
	}
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		fill(t, conn, 9)
		id := conn.Schema().Space("tester").ID
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				test.req.Space = "tester"
				equal(t, "by name", ids(t, conn, test.req), test.want)
				test.req.Space, test.req.SpaceID = "", id
				equal(t, "by id", ids(t, conn, test.req), test.want)
			})
		}
		tuple, err := conn.Replace(testContext(t), "no_format", []any{4})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "a Tuple as a key", ids(t, conn, tnt.Select{Space: "tester", Key: tnt.K(tuple)}), ints(4))
	})
}

// TestSelectOtherIndexes goes through the iterators that need an index of a
// type of their own.
func TestSelectOtherIndexes(t *testing.T) {
	const spaces = `
		local s = box.schema.space.create('shapes', {if_not_exists = true, format = {
			{name = 'id', type = 'unsigned'}, {name = 'bits', type = 'unsigned'}, {name = 'box', type = 'array'}}})
		s:create_index('primary', {if_not_exists = true})
		s:create_index('bits', {type = 'bitset', unique = false, parts = {{2, 'unsigned'}}, if_not_exists = true})
		s:create_index('box', {type = 'rtree', unique = false, parts = {{3, 'array'}}, if_not_exists = true})
		for i = 0, 7 do s:replace{i, i, {i, i}} end`
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		lua(t, conn, spaces)
		defer lua(t, conn, "box.space.shapes:drop()")
		for name, test := range map[string]struct {
			req  tnt.Select
			want []any
		}{
			"all set":     {tnt.Select{Index: "bits", Key: tnt.K(6), Iterator: iproto.IterBitsAllSet}, ints(6, 7)},
			"any set":     {tnt.Select{Index: "bits", Key: tnt.K(6), Iterator: iproto.IterBitsAnySet}, ints(2, 3, 4, 5, 6, 7)},
			"all not set": {tnt.Select{Index: "bits", Key: tnt.K(6), Iterator: iproto.IterBitsAllNotSet}, ints(0, 1)},
			"overlaps":    {tnt.Select{Index: "box", Key: tnt.Parts(2.5, 2.5, 4.5, 4.5), Iterator: iproto.IterOverlaps}, ints(3, 4)},
			"neighbor":    {tnt.Select{Index: "box", Key: tnt.Parts(5, 5), Iterator: iproto.IterNeighbor, Limit: 1}, ints(5)},
		} {
			test.req.Space = "shapes"
			got := ids(t, conn, test.req)
			if name == "overlaps" && len(got) == 2 && got[0] == int64(4) { // an RTREE has no order
				got[0], got[1] = got[1], got[0]
			}
			equal(t, name, got, test.want)
		}
		for _, want := range []int64{1, 5} {
			lua(t, conn, "box.space.hashed:replace{...}", want)
		}
		equal(t, "hash, whole key", ids(t, conn, tnt.Select{Space: "hashed", Key: tnt.K(5)}), ints(5))
		equal(t, "hash, all", len(ids(t, conn, tnt.Select{Space: "hashed"})), 2)
	})
	onServersWith(t, 3, 2, func(t *testing.T, p *program) {
		conn := shared(t, p)
		lua(t, conn, "for i, s in ipairs{'a', 'ab', 'abc', 'b', 'c'} do box.space.tester:replace{i, s} end")
		equal(t, "next prefix", ids(t, conn, tnt.Select{Space: "tester", Index: "name", Key: tnt.K("a"), Iterator: iproto.IterNP}), ints(4, 5))
		equal(t, "previous prefix", ids(t, conn, tnt.Select{Space: "tester", Index: "name", Key: tnt.K("b"), Iterator: iproto.IterPP}), ints(3, 2, 1))
	})
}

func TestUpdate(t *testing.T) {
	dec := decimal.RequireFromString
	tests := map[string]struct {
		ops  []tnt.Op
		want []any // from the second field on
	}{
		"none":              {nil, []any{int64(5), "hello", 1.5, map[string]any{"a": ints(1, 2), "b": int64(7)}}},
		"assign":            {[]tnt.Op{tnt.OpAssign(2, "bye")}, []any{int64(5), "bye"}},
		"assign, negative":  {[]tnt.Op{tnt.OpAssign(-1, "last")}, []any{int64(5), "hello", 1.5, "last"}},
		"assign, name":      {[]tnt.Op{tnt.OpAssign("text", "bye")}, []any{int64(5), "bye"}},
		"assign, path":      {[]tnt.Op{tnt.OpAssign("extra.b", 8)}, []any{int64(5), "hello", 1.5, map[string]any{"a": ints(1, 2), "b": int64(8)}}},
		"assign, item path": {[]tnt.Op{tnt.OpAssign("extra.a[2]", 9)}, []any{int64(5), "hello", 1.5, map[string]any{"a": ints(1, 9), "b": int64(7)}}},
		"add":               {[]tnt.Op{tnt.OpAdd(1, 10)}, []any{int64(15)}},
		"add a negative":    {[]tnt.Op{tnt.OpAdd(1, -10)}, []any{int64(-5)}},
		"add a double":      {[]tnt.Op{tnt.OpAdd(3, 0.25)}, []any{int64(5), "hello", 1.75}},
		"add a decimal":     {[]tnt.Op{tnt.OpAdd(1, dec("0.5"))}, []any{dec("5.5")}},
		"add, path":         {[]tnt.Op{tnt.OpAdd("extra.b", 1)}, []any{int64(5), "hello", 1.5, map[string]any{"a": ints(1, 2), "b": int64(8)}}},
		"sub":               {[]tnt.Op{tnt.OpSub("num", 10)}, []any{int64(-5)}},
		"sub a decimal":     {[]tnt.Op{tnt.OpSub(1, dec("-0.5"))}, []any{dec("5.5")}},
		"and":               {[]tnt.Op{tnt.OpAnd(1, 4)}, []any{int64(4)}},
		"or":                {[]tnt.Op{tnt.OpOr(1, 2)}, []any{int64(7)}},
		"xor":               {[]tnt.Op{tnt.OpXor(1, 1)}, []any{int64(4)}},
		"insert":            {[]tnt.Op{tnt.OpInsert(1, "new")}, []any{"new", int64(5)}},
		"insert, at end":    {[]tnt.Op{tnt.OpInsert(-1, "new")}, []any{int64(5), "hello", 1.5, map[string]any{"a": ints(1, 2), "b": int64(7)}, "new"}},
		"delete":            {[]tnt.Op{tnt.OpDelete(2, 2)}, []any{int64(5), map[string]any{"a": ints(1, 2), "b": int64(7)}}},
		"delete, path":      {[]tnt.Op{tnt.OpDelete("extra.a", 1)}, []any{int64(5), "hello", 1.5, map[string]any{"b": int64(7)}}},
		"splice":            {[]tnt.Op{tnt.OpSplice(2, 1, 3, "ipp")}, []any{int64(5), "hippo"}},
		"splice, negative":  {[]tnt.Op{tnt.OpSplice("text", -2, 1, "!")}, []any{int64(5), "hell!"}},
		"splice, at end":    {[]tnt.Op{tnt.OpSplice("text", -1, 0, "!")}, []any{int64(5), "hello!"}},
		"several": {
			[]tnt.Op{tnt.OpAdd(1, 1), tnt.OpAssign("text", "x"), tnt.OpAssign(3, 2.5), tnt.OpInsert(-1, true)},
			[]any{int64(6), "x", 2.5, map[string]any{"a": ints(1, 2), "b": int64(7)}, true},
		},
	}
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		lua(t, conn, `local s = box.schema.space.create('ops', {if_not_exists = true, format = {{'id', 'unsigned'},
			{name = 'num', type = 'any'}, {name = 'text', type = 'any'}, {name = 'real', type = 'any', is_nullable = true},
			{name = 'extra', type = 'any', is_nullable = true}}})
			s:create_index('primary', {if_not_exists = true})
			s:create_index('other', {if_not_exists = true, parts = {{1, 'unsigned'}}})`)
		defer lua(t, conn, "box.space.ops:drop()")
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				lua(t, conn, "box.space.ops:replace{1, 5, 'hello', 1.5, {a = {1, 2}, b = 7}}")
				for _, req := range []tnt.Update{
					{Space: "ops", Key: tnt.K(1), Ops: test.ops},
					{Space: "ops", Key: tnt.K(map[string]any{"id": 1}), Index: "other", Ops: test.ops},
				} {
					lua(t, conn, "box.space.ops:replace{1, 5, 'hello', 1.5, {a = {1, 2}, b = 7}}")
					rows := data(t, conn, req)
					if len(rows) != 1 {
						t.Fatal(rows)
					}
					got := rows[0].([]any)[1:]
					if !same(got[:min(len(got), len(test.want))], test.want) {
						t.Errorf("got %v, want %v", got, test.want)
					}
				}

				// The same by an Upsert that finds the tuple.
				lua(t, conn, "box.space.ops:replace{1, 5, 'hello', 1.5, {a = {1, 2}, b = 7}}")
				if err := conn.Upsert(testContext(t), "ops", []any{1, 0, 0, 0, 0}, test.ops...); err != nil {
					t.Fatal(err)
				}
				got := data(t, conn, tnt.Select{Space: "ops"})[0].([]any)[1:]
				if !same(got[:min(len(got), len(test.want))], test.want) {
					t.Errorf("upsert: got %v, want %v", got, test.want)
				}
			})
		}
	})
}

// same compares untyped values, decimals by their number.
func same(a, b any) bool {
	switch x := a.(type) {
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !same(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if !same(x[k], y[k]) {
				return false
			}
		}
		return true
	case decimal.Decimal:
		y, ok := b.(decimal.Decimal)
		return ok && x.Equal(y)
	}
	return a == b
}

func TestUpdateDeleteOfNothing(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for _, req := range []tnt.Request{
			tnt.Update{Space: "tester", Key: tnt.K(404), Ops: []tnt.Op{tnt.OpAssign("name", "x")}},
			tnt.Delete{Space: "tester", Key: tnt.K(404)},
		} {
			if rows := data(t, conn, req); len(rows) != 0 {
				t.Errorf("%v of no tuple: %v", req.Type(), rows)
			}
		}
		tuple, err := conn.Update(testContext(t), "tester", tnt.K(404), tnt.OpAssign("name", "x"))
		if err != nil || tuple.Len() != 0 {
			t.Errorf("got %v, %v", tuple, err)
		}
		fill(t, conn, 1)
		tuple, err = conn.Delete(testContext(t), "tester", tnt.K(1))
		if err != nil {
			t.Fatal(err)
		}
		if name, err := tuple.Get("name"); name != "n1" || err != nil {
			t.Errorf("the deleted tuple is %v, %v", tuple, err)
		}
		fill(t, conn, 2)
		equal(t, "delete by a secondary index", data(t, conn, tnt.Delete{Space: "tester", Index: "name_id", Key: tnt.Parts("n2", 2)}),
			[]any{[]any{int64(2), "n2", int64(20)}})
	})
}

func TestUpsert(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		req := tnt.Upsert{Space: "tester", Tuple: map[string]any{"id": 1, "name": "new", "age": 1}, Ops: []tnt.Op{tnt.OpAdd("age", 5), tnt.OpAssign("name", "old")}}
		for _, want := range [][]any{{int64(1), "new", int64(1), nil}, {int64(1), "old", int64(6), nil}} {
			resp := do(t, conn, req)
			if resp.Len() != 0 {
				t.Errorf("it returned %d rows", resp.Len())
			}
			equal(t, "the tuple", data(t, conn, tnt.Select{Space: "tester"}), []any{want})
		}
	})
}

// TestRefusedBeforeSending goes through the mistakes that are found before a
// byte is sent.
func TestRefusedBeforeSending(t *testing.T) {
	list := []any{1, "a"}
	tests := map[string]struct {
		req  tnt.Request
		want string
	}{
		"tuple nil":             {tnt.Insert{Space: "tester"}, "nil"},
		"tuple nil pointer":     {tnt.Insert{Space: "tester", Tuple: (*person)(nil)}, "nil"},
		"tuple number":          {tnt.Replace{Space: "tester", Tuple: 5}, "no tuple"},
		"tuple string":          {tnt.Replace{Space: "tester", Tuple: "five"}, "no tuple"},
		"tuple bytes":           {tnt.Replace{Space: "tester", Tuple: []byte{0x90}}, "no tuple"},
		"tuple channel":         {tnt.Insert{Space: "tester", Tuple: make(chan int)}, "chan int"},
		"field function":        {tnt.Insert{Space: "tester", Tuple: []any{1, func() {}}}, "func()"},
		"field channel, deep":   {tnt.Insert{Space: "tester", Tuple: []any{1, []any{map[string]any{"a": make(chan int)}}}}, "chan int"},
		"field channel by name": {tnt.Insert{Space: "tester", Tuple: map[string]any{"id": 1, "name": make(chan int)}}, "name"},
		"map, no format":        {tnt.Insert{Space: "no_format", Tuple: map[string]any{"id": 1}}, "format"},
		"upsert, nil tuple":     {tnt.Upsert{Space: "tester"}, "nil"},
		"upsert, empty op":      {tnt.Upsert{Space: "tester", Tuple: list, Ops: []tnt.Op{{}}}, "operation 1"},
		"no space":              {tnt.Select{}, "no space"},
		"no space, insert":      {tnt.Insert{Tuple: list}, "no space"},
		"key nil":               {tnt.Select{Space: "tester", Key: tnt.K[any](nil)}, "nil"},
		"key channel":           {tnt.Select{Space: "tester", Key: tnt.K(make(chan int))}, "chan int"},
		"key function in parts": {tnt.Select{Space: "tester", Key: tnt.Parts(func() {})}, "func()"},
		"key of other names":    {tnt.Select{Space: "tester", Key: tnt.K(map[string]any{"name": "x"})}, "primary"},
		"key of later parts":    {tnt.Select{Space: "tester", Index: "name_id", Key: tnt.K(map[string]any{"id": 1})}, "name_id"},
		"key of no names":       {tnt.Select{Space: "tester", Key: tnt.K(map[string]any{})}, "primary"},
		"names, no format":      {tnt.Select{Space: "no_format", Key: tnt.K(map[string]any{"id": 1})}, "primary"},
		"update, no key":        {tnt.Update{Space: "tester", Ops: []tnt.Op{tnt.OpAssign(1, "x")}}, "empty"},
		"update, nil key":       {tnt.Update{Space: "tester", Key: tnt.K[any](nil)}, "nil"},
		"update, empty op":      {tnt.Update{Space: "tester", Key: tnt.K(1), Ops: []tnt.Op{tnt.OpAdd(1, 1), {}}}, "operation 2"},
		"update, no field":      {tnt.Update{Space: "tester", Key: tnt.K(1), Ops: []tnt.Op{tnt.OpAdd("", 1)}}, "field name is empty"},
		"update, channel":       {tnt.Update{Space: "tester", Key: tnt.K(1), Ops: []tnt.Op{tnt.OpAssign(1, make(chan int))}}, "chan int"},
		"delete, no key":        {tnt.Delete{Space: "tester"}, "empty"},
		"call, channel":         {tnt.Call{Function: "echo", Args: []any{1, make(chan int)}}, "value 2"},
		"eval, function":        {tnt.Eval{Expr: "return ...", Args: []any{func() {}}}, "func()"},
		"execute, channel":      {tnt.Execute{Statement: "SELECT ?", Args: []any{make(chan int)}}, "chan int"},
		"begin, negative":       {tnt.Begin{Timeout: -2}, "negative"},
	}
	onServers(t, func(t *testing.T, p *program) {
		conn := quiet(t, p)
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				before := conn.Stats().Writes
				_, err := conn.Do(testContext(t), test.req)
				failsWith(t, "Do", err, test.want)
				if !tnt.SafeToRetry(err) {
					t.Error("the error doesn't say that nothing was sent")
				}
				_, err = conn.Go(testContext(t), test.req).Wait(testContext(t))
				failsWith(t, "Go", err, test.want)
				if after := conn.Stats(); after.Writes != before || after.InFlight != 0 {
					t.Errorf("%d writes, %d in flight", after.Writes-before, after.InFlight)
				}
			})
		}
	})
}

// quiet returns a connection that writes nothing on its own any more, as it
// does at first where the server has watchers.
func quiet(t *testing.T, p *program) *tnt.Conn {
	t.Helper()
	conn := connect(t, tnt.Options{Address: p.shared.Address, PingInterval: tnt.Never})
	for settled := 0; settled < 3; settled++ {
		before := conn.Stats().Writes
		time.Sleep(2 * time.Millisecond) // for what has no event to wait for
		if err := conn.Ping(testContext(t)); err != nil {
			t.Fatal(err)
		}
		if conn.Stats().Writes != before+1 {
			settled = -1
		}
	}
	return conn
}

func TestUnknownNames(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := quiet(t, p)
		for name, test := range map[string]struct {
			req  tnt.Request
			want string
		}{
			"space":         {tnt.Select{Space: "nowhere"}, `"nowhere"`},
			"space, insert": {tnt.Insert{Space: "nowhere", Tuple: []any{1}}, `"nowhere"`},
			"index":         {tnt.Select{Space: "tester", Index: "nowhere"}, `space "tester" has no index "nowhere"`},
			"field":         {tnt.Insert{Space: "tester", Tuple: map[string]any{"id": 1, "name": "x", "nowhere": 1}}, `"nowhere"`},
		} {
			_, err := conn.Do(testContext(t), test.req)
			failsWith(t, name, err, test.want)
			var unknown *tnt.SchemaError
			if !errors.As(err, &unknown) || !tnt.SafeToRetry(err) {
				t.Errorf("%s: %v is no SchemaError of a request that was not sent", name, err)
			}
		}
		_, err := conn.Do(testContext(t), tnt.Select{SpaceID: 99999})
		if !errors.Is(err, errcode.NoSuchSpace) {
			t.Errorf("an unknown number: %v", err)
		}
		_, err = conn.Do(testContext(t), tnt.Select{Space: "tester", IndexID: 99})
		if !errors.Is(err, errcode.NoSuchIndexID) {
			t.Errorf("an unknown index's number: %v", err)
		}
		lua(t, conn, "box.space.tester:replace{1, 'x'}")
		_, err = conn.Do(testContext(t), tnt.Update{Space: "tester", Key: tnt.K(1), Ops: []tnt.Op{tnt.OpAssign("nowhere", 1)}})
		if !errors.Is(err, errcode.NoSuchFieldName) {
			t.Errorf("an unknown field of an update: %v", err)
		}
	})
}

func TestMaxRequest(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := connect(t, tnt.Options{Address: p.shared.Address, MaxRequest: 1000, PingInterval: tnt.Never})
		long := []any{strings.Repeat("x", 1000)}
		_, err := conn.Call(testContext(t), "echo", long...)
		if !errors.Is(err, tnt.ErrTooLarge) || !tnt.SafeToRetry(err) {
			t.Errorf("got %v", err)
		}
		if _, err = conn.Go(testContext(t), tnt.Call{Function: "echo", Args: long}).Wait(testContext(t)); !errors.Is(err, tnt.ErrTooLarge) {
			t.Errorf("got %v", err)
		}
		if n := conn.Stats().InFlight; n != 0 {
			t.Errorf("%d in flight", n)
		}
		short := strings.Repeat("x", 900)
		equal(t, "one that fits", data(t, conn, tnt.Call{Function: "echo", Args: []any{short}}), []any{short})
	})
}

func TestLargeRequestsAndAnswers(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		for _, size := range []int{1, 100, 5000, 0} {
			conn := connect(t, tnt.Options{Address: p.shared.Address, ReadBuffer: size, WriteBuffer: size})
			for _, length := range []int{1, 4 << 10, 100 << 10, 3 << 20} {
				text := strings.Repeat("0123456789abcdef", length/16+1)[:length]
				got := data(t, conn, tnt.Call{Function: "echo", Args: []any{text}})
				if len(got) != 1 || got[0] != text {
					t.Errorf("buffers of %d: %d bytes came back otherwise", size, length)
				}
				if err := conn.Ping(testContext(t)); err != nil {
					t.Errorf("after %d bytes: %v", length, err)
				}
			}
			tuple := []any{1, strings.Repeat("y", 100<<10)}
			if _, err := conn.Replace(testContext(t), "tester", tuple); err != nil {
				t.Errorf("a tuple of 100 KiB: %v", err)
			}
			// Many answers that make up more than any buffer.
			var futures []*tnt.Future
			for i := range 200 {
				futures = append(futures, conn.Go(testContext(t), tnt.Call{Function: "echo", Args: []any{strings.Repeat("z", i*37)}}))
			}
			for i, f := range futures {
				resp, err := f.Wait(testContext(t))
				if err != nil {
					t.Fatal(err)
				}
				if rows, _ := resp.Data(); len(rows) != 1 || len(rows[0].(string)) != i*37 {
					t.Errorf("answer %d is another's", i)
				}
			}
		}
	})
}

func TestBatch(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := quiet(t, p)
		reqs := make([]tnt.Request, 50)
		for i := range reqs {
			reqs[i] = tnt.Call{Function: "echo", Args: []any{i}}
		}
		bad := len(reqs)
		reqs = append(reqs, tnt.Call{Function: "echo", Args: []any{make(chan int)}}) // the last must not keep the others
		for i, result := range conn.Batch(testContext(t), reqs...) {
			resp, err := result.Response, result.Err
			if i == bad {
				failsWith(t, "the bad one", err, "chan int")
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			rows, err := resp.Data()
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "answer", rows, ints(int64(i)))
		}
	})
}

func TestRequestErrorSaysWhere(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		_, err := conn.Insert(testContext(t), "tester", []any{"not a number", "x"})
		var re *tnt.RequestError
		if !errors.As(err, &re) || re.Request.Space != "tester" || re.Request.Type.String() != "INSERT" || re.Fate() != tnt.FateRefused || re.Server == "" {
			t.Fatalf("got %#v", err)
		}
		if !errors.Is(err, errcode.FieldType) || tnt.SafeToRetry(err) {
			t.Errorf("got %v", err)
		}
		failsWith(t, "its text", err, "tnt: INSERT tester on "+re.Server+": ")
		_, err = conn.Call(testContext(t), "no_such_function")
		if !errors.Is(err, errcode.NoSuchProc) {
			t.Errorf("got %v", err)
		}
		failsWith(t, "its text", err, "no_such_function")
		_, err = conn.Execute(testContext(t), "SELEKT "+strings.Repeat("long ", 100))
		if err == nil || len(err.Error()) > 400 {
			t.Errorf("an SQL statement in full: %v", err)
		}
	})
}
