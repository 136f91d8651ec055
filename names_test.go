package tnt_test

import (
	"errors"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/tnttest"
)

// tagged is a row of the space tester, whose fields are in another order.
type tagged struct {
	Age  int    `tnt:"age"`
	Name string `tnt:"name"`
	ID   int    `tnt:"id"`
}

// townRow is a row of the space places.
type townRow struct {
	Town string `tnt:"town"`
	ID   int    `tnt:"id"`
}

const places = `
	local s = box.schema.space.create('places', {if_not_exists = true, format = {
		{name = 'town', type = 'string'}, {name = 'id', type = 'unsigned'}}})
	s:create_index('primary', {parts = {2}, if_not_exists = true})
	s:replace{'Oslo', 5}
	box.space.tester:replace{1, 'ann', 30}`

// TestEachTupleByItsFormat has tuples of two spaces, and lists, in one answer.
func TestEachTupleByItsFormat(t *testing.T) {
	ann, oslo := tagged{30, "ann", 1}, townRow{"Oslo", 5}
	onServersWith(t, 3, 2, func(t *testing.T, p *program) {
		admin := shared(t, p)
		lua(t, admin, places)
		defer lua(t, admin, "box.space.places:drop()")
		conn := connect(t, tnt.Options{Address: p.shared.Address, TupleFormats: true})
		const two = "local a, b = box.space.tester:get(1), box.space.places:get(5) "

		who, where, err := tnt.Two[tagged, townRow](testContext(t), conn, tnt.Eval{Expr: two + "return a, b"})
		if err != nil || who != ann || where != oslo {
			t.Errorf("two results: %v, %v, %v", who, where, err)
		}
		pointer, nothing, err := tnt.Two[*tagged, *townRow](testContext(t), conn, tnt.Eval{Expr: two + "return a"})
		if err != nil || *pointer != ann || nothing != nil {
			t.Errorf("two results, the second is not there: %v, %v, %v", pointer, nothing, err)
		}
		type nested struct {
			People []tagged
			Map    map[string]townRow
			Any    any
			Row    tnt.Tuple
			Fields map[string]any
			List   []any
		}
		got, err := tnt.One[nested](testContext(t), conn, tnt.Eval{Expr: two + `return {people = {a, a}, map = {x = b}, any = b, row = a, fields = b, list = {a, b, {1, 2}}}`})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "in a list", got.People, []tagged{ann, ann})
		equal(t, "in a map", got.Map, map[string]townRow{"x": oslo})
		equal(t, "as a map", got.Fields, map[string]any{"town": "Oslo", "id": int64(5)})
		for what, v := range map[string]struct {
			tuple any
			field string
			want  any
		}{
			"in any": {got.Any, "town", "Oslo"}, "a field": {got.Row, "name", "ann"},
			"in a list of any, first": {got.List[0], "name", "ann"}, "in a list of any, second": {got.List[1], "town", "Oslo"},
		} {
			tuple, ok := v.tuple.(tnt.Tuple)
			if !ok {
				t.Errorf("%s: it is %T", what, v.tuple)
				continue
			}
			if got, err := tuple.Get(v.field); got != v.want || err != nil {
				t.Errorf("%s: %s is %v, %v", what, v.field, got, err)
			}
		}
		equal(t, "a list", got.List[2], []any{int64(1), int64(2)})

		tuples, err := do(t, conn, tnt.Eval{Expr: two + "return a, b, {a, 'x'}"}).Tuples()
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "names of the first", tuples[0].Names(), []string{"id", "name", "age"})
		equal(t, "names of the second", tuples[1].Names(), []string{"town", "id"})
		equal(t, "names of a list", len(tuples[2].Names()), 0)
		if inside, err := tuples[2].At(0); err != nil {
			t.Error(err)
		} else if name, err := inside.(tnt.Tuple).Get("name"); name != "ann" || err != nil {
			t.Errorf("a tuple in a list of Tuples: %v, %v", name, err)
		}
		rows, err := tnt.All[tnt.Tuple](testContext(t), conn, tnt.Eval{Expr: two + "return a, b"})
		if err != nil || len(rows) != 2 || rows[0].GetOr("name", "") != "ann" || rows[1].GetOr("town", "") != "Oslo" {
			t.Errorf("All[Tuple]: %v, %v", rows, err)
		}
		maps, err := tnt.All[map[string]any](testContext(t), conn, tnt.Eval{Expr: two + "return a, b, {x = 1}"})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "All of maps", maps, []map[string]any{
			{"id": int64(1), "name": "ann", "age": int64(30)}, {"town": "Oslo", "id": int64(5)}, {"x": int64(1)},
		})

		// A list beside a tuple has no names, and a tuple of another space other ones.
		_, err = tnt.All[tagged](testContext(t), conn, tnt.Eval{Expr: two + "return a, {1, 'x', 2}"})
		failsWith(t, "a list beside a tuple", err, "Options.TupleFormats")
		_, err = tnt.All[tagged](testContext(t), conn, tnt.Eval{Expr: two + "return a, b"})
		failsWith(t, "two spaces", err, `is tagged "age", which the tuple lacks: it has town, id`)
		_, err = tnt.One[tagged](testContext(t), conn, tnt.Eval{Expr: "return {box.space.no_format:replace{1}}"})
		failsWith(t, "a tuple without a format", err, "not known")
	})
}

// TestNamesNotKnown never goes by position where tags have names.
func TestNamesNotKnown(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		id := conn.Schema().Space("tester").ID
		fill(t, conn, 1)
		bare := connect(t, tnt.Options{Address: p.shared.Address, NoSchema: true})
		ctx := testContext(t)
		call := tnt.Call{Function: "echo", Args: []any{[]any{30, "ann", 1}}}
		read := func(ex tnt.Executor, req tnt.Request) error { _, err := tnt.One[tagged](ctx, ex, req); return err }
		var row tagged
		var rows []tagged
		for what, err := range map[string]error{
			"One of a call":     read(conn, call),
			"One of an eval":    read(conn, tnt.Eval{Expr: "return box.space.tester:get(1)"}),
			"One without":       read(bare, tnt.Select{SpaceID: id}),
			"One, no format":    read(conn, tnt.Replace{Space: "no_format", Tuple: []any{1, "x"}}),
			"All":               second(tnt.All[tagged](ctx, conn, call)),
			"a pointer":         second(tnt.All[*tagged](ctx, conn, call)),
			"AllInto":           tnt.AllInto(ctx, conn, call, &rows),
			"OneInto":           tnt.OneInto(ctx, conn, call, &row),
			"Decode":            do(t, conn, call).Decode(&row),
			"Decode of all":     do(t, conn, call).Decode(&rows),
			"a map":             second(tnt.One[map[string]any](ctx, conn, call)),
			"inside of a list":  second(tnt.One[[]tagged](ctx, conn, tnt.Call{Function: "echo", Args: []any{[]any{[]any{30, "ann", 1}}}})),
			"inside of a map":   second(tnt.One[map[string]tagged](ctx, conn, tnt.Call{Function: "echo", Args: []any{map[string]any{"x": []any{30, "ann", 1}}}})),
			"a list in a tuple": second(tnt.One[struct{ A tagged }](ctx, conn, tnt.Call{Function: "echo", Args: []any{[]any{[]any{30, "ann", 1}}}})),
		} {
			failsWith(t, "read: "+what, err, "Options.TupleFormats")
		}
		for _, err := range tnt.Each[tagged](ctx, conn, []tnt.Request{call}) {
			failsWith(t, "read: Each", err, "Options.TupleFormats")
		}
		tuples, err := do(t, conn, call).Tuples()
		if err != nil {
			t.Fatal(err)
		}
		failsWith(t, "read: a Tuple", tuples[0].Decode(&row), "Options.TupleFormats")
		if row != (tagged{}) || len(rows) > 0 && rows[0] != (tagged{}) {
			t.Errorf("something was read: %v, %v", row, rows)
		}
		ann := tagged{30, "ann", 1}
		for what, err := range map[string]error{
			"no schema":         tnt.Exec(ctx, bare, tnt.Insert{SpaceID: id, Tuple: ann}),
			"no schema, a key":  tnt.Exec(ctx, bare, tnt.Select{SpaceID: id, Key: tnt.K(ann)}),
			"no schema, upsert": tnt.Exec(ctx, bare, tnt.Upsert{SpaceID: id, Tuple: &ann}),
			"no format":         tnt.Exec(ctx, conn, tnt.Replace{Space: "no_format", Tuple: ann}),
		} {
			failsWith(t, "written: "+what, err, "tag")
			if !tnt.SafeToRetry(err) {
				t.Errorf("written: %s: %v was sent", what, err)
			}
		}
		// By number, without tags, and from maps no names are needed.
		type plain struct {
			Age  int
			Name string
			ID   int
		}
		type numbered struct {
			Name string `tnt:"1"`
			Age  int    `tnt:"0"`
		}
		if v, err := tnt.One[plain](ctx, conn, call); err != nil || v != (plain{30, "ann", 1}) {
			t.Errorf("without tags: %v, %v", v, err)
		}
		if v, err := tnt.One[numbered](ctx, conn, call); err != nil || v != (numbered{"ann", 30}) {
			t.Errorf("by number: %v, %v", v, err)
		}
		if v, err := tnt.One[tagged](ctx, conn, tnt.Eval{Expr: "return {age = 30, name = 'ann', id = 1}"}); err != nil || v != ann {
			t.Errorf("from a map: %v, %v", v, err)
		}
		if v, err := tnt.One[tagged](ctx, conn, tnt.Eval{Expr: "return {}"}); err != nil || v != (tagged{}) {
			t.Errorf("from an empty table: %v, %v", v, err)
		}
	})
}

// TestTagOfNoField refuses a tag that no field has, reading and writing, and a
// zero value too.
func TestTagOfNoField(t *testing.T) {
	type typo struct {
		ID   int    `tnt:"id"`
		Name string `tnt:"titel"`
	}
	const want = `field Name of tnt_test.typo is tagged "titel", which`
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		ctx := testContext(t)
		fill(t, conn, 1)
		for what, err := range map[string]error{
			"read":         second(tnt.One[typo](ctx, conn, tnt.Select{Space: "tester"})),
			"written":      tnt.Exec(ctx, conn, tnt.Replace{Space: "tester", Tuple: typo{ID: 5}}),
			"written by *": tnt.Exec(ctx, conn, tnt.Replace{Space: "tester", Tuple: &typo{ID: 5, Name: "x"}}),
			"a key":        tnt.Exec(ctx, conn, tnt.Select{Space: "tester", Index: "name_id", Key: tnt.K(typo{ID: 5})}),
		} {
			failsWith(t, what, err, want)
			failsWith(t, what, err, "name")
		}
		equal(t, "what is stored", ids(t, conn, tnt.Select{Space: "tester"}), ints(1))
		// The whole row is no key of an index of some of its fields.
		err := tnt.Exec(ctx, conn, tnt.Select{Space: "tester", Key: tnt.K(tagged{ID: 1})})
		failsWith(t, "a row as a key", err, `which index "primary" lacks: it has id`)
	})
}

// TestNamesOfColumns binds columns of SQL.
func TestNamesOfColumns(t *testing.T) {
	type one struct {
		ID int `tnt:"a"`
	}
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		ctx := testContext(t)
		twice := tnt.Execute{Statement: `SELECT 1 AS "a", 2 AS "b", 3 AS "a"`}
		_, err := tnt.One[one](ctx, conn, twice)
		failsWith(t, "two columns of one name", err, `several fields or columns of the tuple have the name "a"`)
		_, err = tnt.One[map[string]any](ctx, conn, twice)
		failsWith(t, "two columns of one name, a map", err, "the same name")
		tuples, err := do(t, conn, twice).Tuples()
		if err != nil {
			t.Fatal(err)
		}
		_, err = tuples[0].Get("a")
		failsWith(t, "two columns of one name, Get", err, "several fields or columns")
		_, err = tuples[0].Map()
		failsWith(t, "two columns of one name, Map", err, "several fields or columns")
		if b, err := tuples[0].Get("b"); b != int64(2) || err != nil {
			t.Errorf("the other column: %v, %v", b, err)
		}
		if v, err := tnt.One[[]int](ctx, conn, twice); err != nil || len(v) != 3 || v[2] != 3 {
			t.Errorf("by position: %v, %v", v, err)
		}
		type other struct {
			B int `tnt:"b"`
		}
		if v, err := tnt.One[other](ctx, conn, twice); err != nil || v.B != 2 {
			t.Errorf("the other column: %v, %v", v, err)
		}
		_, err = tnt.One[one](ctx, conn, tnt.Execute{Statement: `SELECT 1 AS "x"`})
		failsWith(t, "a column that is not there", err, `is tagged "a", which the tuple lacks: it has x`)
		m, err := tnt.One[map[string]any](ctx, conn, tnt.Execute{Statement: `SELECT 1 AS "x", 'y' AS "z"`})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "a row as a map", m, map[string]any{"x": int64(1), "z": "y"})
		if n, err := tnt.One[int](ctx, conn, tnt.Execute{Statement: `SELECT 5`}); n != 5 || err != nil {
			t.Errorf("a scalar: %v, %v", n, err)
		}
		if list, err := tnt.All[*string](ctx, conn, tnt.Execute{Statement: `VALUES ('a'), (NULL)`}); err != nil || len(list) != 2 || *list[0] != "a" || list[1] != nil {
			t.Errorf("scalars: %v, %v", list, err)
		}
		_, err = tnt.One[int](ctx, conn, tnt.Execute{Statement: `SELECT 5, 6`})
		failsWith(t, "a scalar of two columns", err, "a row of 2 fields is no int")

		// The columns of a statement are parsed once.
		again := tnt.Execute{Statement: `SELECT 1 AS "first", 2 AS "second"`}
		var formats []any
		for range 2 {
			tuples, err := do(t, conn, again).Tuples()
			if err != nil {
				t.Fatal(err)
			}
			formats = append(formats, tuples[0].Format())
		}
		if formats[0] != formats[1] {
			t.Error("the columns are parsed for each answer")
		}
	})
}

// TestMapsByName stores and finds by maps of the user's types.
func TestMapsByName(t *testing.T) {
	type column string
	type fields map[column]any
	type counts map[string]int
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		ctx := testContext(t)
		want := []any{[]any{int64(1), "ann", int64(30), nil}}
		for what, tuple := range map[string]any{
			"a named map":     fields{"id": 1, "name": "ann", "age": 30},
			"a pointer":       &fields{"id": 1, "name": "ann", "age": 30},
			"a map of any":    map[string]any{"age": 30, "name": "ann", "id": 1},
			"a map of column": map[column]any{"age": 30, "name": "ann", "id": 1},
		} {
			equal(t, what, data(t, conn, tnt.Replace{Space: "tester", Tuple: tuple}), want)
		}
		equal(t, "a key", ids(t, conn, tnt.Select{Space: "tester", Index: "name_id", Key: tnt.K(fields{"name": "ann", "id": 1})}), ints(1))
		equal(t, "a key of numbers", ids(t, conn, tnt.Select{Space: "tester", Key: tnt.K(counts{"id": 1})}), ints(1))
		if row, err := tnt.One[fields](ctx, conn, tnt.Select{Space: "tester"}); err != nil || row["name"] != "ann" || row["age"] != int64(30) {
			t.Errorf("read as a named map: %v, %v", row, err)
		}
		for what, c := range map[string]struct {
			tuple any
			want  string
		}{
			"a map of numbers":      {map[int]any{1: 2}, "map[int]any is written as a map, which is no tuple: give a list, a struct or a map of field names"},
			"a string":              {"x", "string is written as a string, which is no tuple"},
			"nothing":               {nil, "the tuple is nil"},
			"a nil pointer":         {(*tagged)(nil), "the tuple is nil"},
			"a zero Tuple":          {tnt.Tuple{}, "the tuple is nil"},
			"a name of no field":    {fields{"id": 1, "titel": "x"}, `the format has no field "titel": it has id, name, age, extra`},
			"a struct with no name": {struct{ A struct{ C chan int } }{}, "type struct{A}"},
		} {
			failsWith(t, what, tnt.Exec(ctx, conn, tnt.Insert{Space: "tester", Tuple: c.tuple}), c.want)
		}
		for what, c := range map[string]struct {
			key  tnt.Key
			want string
		}{
			"nil":              {tnt.K[any](nil), "the key is nil"},
			"a nil pointer":    {tnt.K((*int)(nil)), "the key is nil: leave it out to select every tuple, or look for nil by Parts(nil)"},
			"a map of numbers": {tnt.K(map[int]int{1: 1}), "map[int]int is written as a map, which is no key"},
		} {
			failsWith(t, "a key: "+what, tnt.Exec(ctx, conn, tnt.Select{Space: "tester", Key: c.key}), c.want)
		}
		// What is not nullable is the server's to ask for.
		err := tnt.Exec(ctx, conn, tnt.Insert{Space: "tester", Tuple: map[string]any{"id": 7}})
		var refused *tnt.Error
		if !errors.As(err, &refused) {
			t.Errorf("a map without a field that is needed: %v", err)
		}
	})
}

// TestNamesOnTheEmbeddedServer is the same rule without a real server.
func TestNamesOnTheEmbeddedServer(t *testing.T) {
	srv := embedded(t, tnttest.WithSpace(tnttest.SpaceDef{
		Name:    "tester",
		Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}, {Name: "age", Type: "unsigned", IsNullable: true}},
		Indexes: []tnttest.IndexDef{{Name: "primary", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
	}))
	if err := srv.HandleFunc("list", func() []any { return []any{30, "ann", 1} }); err != nil {
		t.Fatal(err)
	}
	ctx := testContext(t)
	conn := connect(t, tnt.Options{Dialer: srv.DialContext})
	ann := tagged{30, "ann", 1}
	if err := tnt.Exec(ctx, conn, tnt.Insert{Space: "tester", Tuple: ann}); err != nil {
		t.Fatal(err)
	}
	for _, formats := range []bool{false, true} {
		conn := connect(t, tnt.Options{Dialer: srv.DialContext, TupleFormats: formats})
		if v, err := tnt.One[tagged](ctx, conn, tnt.Select{Space: "tester"}); err != nil || v != ann {
			t.Errorf("read by name: %v, %v", v, err)
		}
		_, err := tnt.One[tagged](ctx, conn, tnt.Call{Function: "list"})
		failsWith(t, "a list", err, "Options.TupleFormats")
	}
	bare := connect(t, tnt.Options{Dialer: srv.DialContext, NoSchema: true, TupleFormats: true})
	if v, err := tnt.One[tagged](ctx, bare, tnt.Select{SpaceID: conn.Schema().Space("tester").ID}); err != nil || v != ann {
		t.Errorf("read by the names that came: %v, %v", v, err)
	}
}

// TestRowsOfTheEmbeddedServer reads its spaces by names, too.
func TestRowsOfTheEmbeddedServer(t *testing.T) {
	srv := embedded(t, tnttest.WithSpace(tnttest.SpaceDef{
		Name:    "tester",
		Format:  []tnttest.Field{{Name: "town", Type: "string"}, {Name: "id", Type: "unsigned"}},
		Indexes: []tnttest.IndexDef{{Name: "primary", Parts: []tnttest.Part{{Field: 2, Type: "unsigned"}}}},
	}))
	conn := connect(t, tnt.Options{Dialer: srv.DialContext})
	want := []townRow{{"Oslo", 5}}
	if err := tnt.Exec(testContext(t), conn, tnt.Insert{Space: "tester", Tuple: want[0]}); err != nil {
		t.Fatal(err)
	}
	rows, err := tnttest.Rows[townRow](srv.Space("tester"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "by name", rows, want)
	_, err = tnttest.Rows[tagged](srv.Space("tester"))
	failsWith(t, "another space's names", err, `which the tuple lacks: it has town, id`)
}
