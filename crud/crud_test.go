package crud_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/crud"
	"github.com/gotnt/tnt/schema"
	"github.com/gotnt/tnt/tnttest"
)

// router is a server whose function crud.<name> answers with values.
func router(t *testing.T, name string, answer ...any) (crud.Client, *[]any) {
	t.Helper()
	got := new([]any)
	return routerOf(t, "crud."+name, func(c *tnttest.Call) ([]any, error) {
		args, err := c.Args()
		*got = args
		return answer, err
	}), got
}

// routerOf is a server with one function.
func routerOf(t *testing.T, function string, h tnttest.Handler) crud.Client {
	t.Helper()
	srv := tnttest.Run(t)
	srv.Handle(function, h)
	conn, err := tnt.Connect(t.Context(), srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return crud.New(conn)
}

func table(names []string, rows ...[]any) map[string]any {
	metadata := make([]any, len(names))
	for i, name := range names {
		metadata[i] = map[string]any{"name": name, "type": "any"}
	}
	return map[string]any{"metadata": metadata, "rows": rows}
}

func TestRowsFollowTheMetadata(t *testing.T) {
	type user struct {
		Name string `tnt:"name"`
		ID   int    `tnt:"id"`
	}
	client, _ := router(t, "get", table([]string{"id", "bucket_id", "name"}, []any{1, 77, "Ann"}), nil)
	want := user{Name: "Ann", ID: 1}
	if got, err := crud.Get[user](t.Context(), client, "users", 1); err != nil || got != want {
		t.Errorf("by names: %v, %v", got, err)
	}
	if got, err := crud.Get[*user](t.Context(), client, "users", 1); err != nil || *got != want {
		t.Errorf("a pointer: %v, %v", got, err)
	}
	m, err := crud.Get[map[string]any](t.Context(), client, "users", 1)
	if err != nil || fmt.Sprint(m) != "map[bucket_id:77 id:1 name:Ann]" {
		t.Errorf("a map: %v, %v", m, err)
	}
	_, err = crud.Get[struct{ ID []int }](t.Context(), client, "users", 1)
	var bad *tnt.DecodeError
	if !errors.As(err, &bad) {
		t.Errorf("a type that does not fit: %v, want a DecodeError", err)
	}
}

// What is not set is not sent: crud takes a nil for an error.
func TestOptionsLeaveOutWhatIsUnset(t *testing.T) {
	client, got := router(t, "select", table([]string{"id"}), nil)
	_, err := crud.Select[[]any](t.Context(), client, "users", nil)
	if want := []any{"users", []any{}, map[string]any{}}; err != nil || !reflect.DeepEqual(*got, want) {
		t.Errorf("sent %v, %v, want %v", *got, err, want)
	}
	_, err = crud.Select[[]any](t.Context(), client, "users", []crud.Cond{crud.Ge("id", 3)}, crud.SelectOptions{
		Common:  crud.Common{Timeout: 2 * time.Second, Router: "r"},
		Reading: crud.Reading{Write: true, Balance: true, PreferReplica: true, RequestTimeout: 5 * time.Second},
		First:   -2, After: struct{ ID int }{7}, Bucket: 3, Fields: []string{"id"}, FullScan: true, BatchSize: 4, YieldEvery: 5,
		ForceMapCall: true, LatestMetadata: true,
	})
	want := []any{"users", []any{[]any{">=", "id", int64(3)}}, map[string]any{
		"timeout": 2.0, "vshard_router": "r", "mode": "write", "balance": true, "prefer_replica": true, "request_timeout": 2.0,
		"first": int64(-2), "after": []any{int64(7)}, "bucket_id": int64(3), "fields": []any{"id"}, "fullscan": true,
		"batch_size": int64(4), "yield_every": int64(5), "force_map_call": true, "fetch_latest_metadata": true,
	}}
	if err != nil || !reflect.DeepEqual(*got, want) {
		t.Errorf("sent %v, %v\nwant %v", *got, err, want)
	}
}

func TestTimeoutIsTheContexts(t *testing.T) {
	client, got := router(t, "len", 5)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if n, err := crud.Len(ctx, client, "users"); err != nil || n != 5 {
		t.Fatal(n, err)
	}
	if s := (*got)[1].(map[string]any)["timeout"].(float64); s <= 50 || s > 60 {
		t.Errorf("crud was given %v s of 60", s)
	}
	over, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	*got = nil
	if _, err := crud.Len(over, client, "users"); !errors.Is(err, context.DeadlineExceeded) || *got != nil {
		t.Errorf("of a context that is over: %v, sent %v", err, *got)
	}
}

func TestArgumentsThatAreRefused(t *testing.T) {
	client, got := router(t, "insert", table(nil), nil)
	ctx := t.Context()
	var err [8]error
	_, err[0] = crud.Insert[[]any](ctx, client, "users", nil)
	_, err[1] = crud.Insert[[]any](ctx, client, "users", 1)
	_, err[2] = crud.Get[[]any](ctx, client, "users", tnt.K(1))
	_, err[3] = crud.Insert[[]any](ctx, client, "users", []any{1}, crud.WriteOptions{}, crud.WriteOptions{})
	_, err[4] = crud.Update[[]any](ctx, client, "users", 1, []crud.Op{{}})
	_, err[5] = crud.Select[[]any](ctx, client, "users", []crud.Cond{{}})
	_, err[6] = crud.InsertMany[[]any](ctx, client, "users", 5)
	_, err[7] = crud.Get[[]any](ctx, crud.Client{}, "users", 1)
	for i, e := range err {
		if e == nil {
			t.Errorf("case %d: no error", i)
		}
	}
	if *got != nil {
		t.Errorf("was sent: %v", *got)
	}
}

// Numbers of fields are counted from 0, on the wire from 1.
func TestOperations(t *testing.T) {
	client, got := router(t, "update", table([]string{"id"}, []any{1}), nil)
	_, err := crud.Update[[]any](t.Context(), client, "users", []any{1}, []crud.Op{
		crud.OpAdd(3, 1), crud.OpAssign("name", "x"), crud.OpSub(-1, 2), crud.OpSplice("name", 0, 1, "y"), crud.OpDelete(2, 1),
	})
	want := []any{
		[]any{"+", int64(4), int64(1)},
		[]any{"=", "name", "x"},
		[]any{"-", int64(-1), int64(2)},
		[]any{":", "name", int64(1), int64(1), "y"},
		[]any{"#", int64(3), int64(1)},
	}
	if err != nil || !reflect.DeepEqual((*got)[2], any(want)) {
		t.Errorf("sent %v, %v, want %v", (*got)[2], err, want)
	}
}

// A page is in memory, and the next one begins behind its last row.
func TestPages(t *testing.T) {
	srv := tnttest.Run(t)
	var afters, firsts []any
	srv.Handle("crud.select", func(c *tnttest.Call) ([]any, error) {
		opts, err := tnttest.Arg[map[string]any](c, 2)
		afters, firsts = append(afters, opts["after"]), append(firsts, opts["first"])
		from := int64(0)
		if after, ok := opts["after"].([]any); ok {
			from = after[0].(int64)
		}
		var page [][]any
		for id := from + 1; id <= 7 && len(page) < int(opts["first"].(int64)); id++ {
			page = append(page, []any{id, "x"})
		}
		return []any{table([]string{"id", "name"}, page...), nil}, err
	})
	conn, err := tnt.Connect(t.Context(), srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, c := range []struct {
		size, first, leave int
		want, pages        string
	}{
		{3, 0, 99, "[1 2 3 4 5 6 7]", "[3 3 3]"},
		{7, 0, 99, "[1 2 3 4 5 6 7]", "[7 7]"},
		{3, 4, 99, "[1 2 3 4]", "[3 1]"},
		{3, 3, 99, "[1 2 3]", "[3]"},
		{3, 0, 2, "[1 2]", "[3]"},
	} {
		afters, firsts = nil, nil
		var ids []int
		for row, err := range crud.Pages[struct{ ID int }](t.Context(), crud.New(conn), "users", nil, c.size, crud.SelectOptions{First: c.first}) {
			if err != nil {
				t.Fatal(err)
			}
			if ids = append(ids, row.ID); len(ids) == c.leave {
				break
			}
		}
		if fmt.Sprint(ids) != c.want || fmt.Sprint(firsts) != c.pages {
			t.Errorf("%+v: got %v by pages of %v", c, ids, firsts)
		}
	}
}

// What an error is about has names where the rows that came along say them all.
func TestOperationsNames(t *testing.T) {
	type user struct {
		Name string `tnt:"name"`
		ID   int    `tnt:"id"`
	}
	want := user{Name: "Ann", ID: 1}
	tuple, object := []any{1, 77, "Ann"}, map[string]any{"id": 1, "name": "Ann"}
	names := []string{"id", "bucket_id", "name"}
	format := schema.NewFormat(schema.Field{Name: "id"}, schema.Field{Name: "bucket_id"}, schema.Field{Name: "name"})
	for _, c := range []struct {
		what  string
		rows  any
		about any
		opts  crud.ManyOptions
		knows bool
	}{
		{"a tuple beside rows", table(names, []any{2, 78, "Bob"}), tuple, crud.ManyOptions{}, true},
		{"an object beside rows", table(names, []any{2, 78, "Bob"}), object, crud.ManyOptions{}, true},
		{"an object alone", nil, object, crud.ManyOptions{}, true},
		{"a tuple alone", nil, tuple, crud.ManyOptions{}, false},
		{"a tuple beside parts of rows", table([]string{"name"}, []any{"Bob"}), tuple, crud.ManyOptions{Fields: []string{"name"}}, false},
	} {
		failure := map[string]any{"class_name": "CallError", "err": "x", "operation_data": c.about}
		client, _ := router(t, "insert_many", c.rows, []any{failure})
		_, err := crud.InsertMany[[]any](t.Context(), client, "users", [][]any{{1}}, c.opts)
		var many *crud.ManyError
		if !errors.As(err, &many) {
			t.Errorf("%s: %v, want a ManyError", c.what, err)
			continue
		}
		got, err := crud.Operation[user](many.Errors[0])
		var bad *tnt.DecodeError
		switch {
		case c.knows && (err != nil || got != want):
			t.Errorf("%s: got %v, %v", c.what, got, err)
		case !c.knows && (!errors.As(err, &bad) || got != user{}):
			t.Errorf("%s: got %v, %v, want a DecodeError", c.what, got, err)
		}
		many.Errors[0].Format = format
		if got, err = crud.Operation[user](many.Errors[0]); err != nil || got != want {
			t.Errorf("%s, by a format that is given: got %v, %v", c.what, got, err)
		}
	}
	var bad *tnt.DecodeError
	if _, err := crud.Operation[user](&crud.Error{}); !errors.As(err, &bad) {
		t.Errorf("about nothing: %v, want a DecodeError", err)
	}
}

// A struct with names is an object: this package knows no space's names before an
// answer comes.
func TestStructsWithNamesAreObjects(t *testing.T) {
	type user struct {
		Name string `tnt:"name"`
		ID   int    `tnt:"id"`
	}
	ann, ctx := user{"Ann", 1}, t.Context()
	client, got := router(t, "insert", table([]string{"id"}, []any{1}))
	for what, do := range map[string]func() error{
		"Insert":     func() error { _, err := crud.Insert[[]any](ctx, client, "users", ann); return err },
		"InsertMany": func() error { _, err := crud.InsertMany[[]any](ctx, client, "users", []user{ann}); return err },
		"Upsert":     func() error { return crud.Upsert(ctx, client, "users", ann, nil) },
		"Get":        func() error { _, err := crud.Get[[]any](ctx, client, "users", ann); return err },
		"After": func() error {
			_, err := crud.Select[[]any](ctx, client, "users", nil, crud.SelectOptions{After: ann})
			return err
		},
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "has names in its tags") || *got != nil {
			t.Errorf("%s: %v, sent %v", what, err, *got)
		}
	}
	client, got = router(t, "insert_object", table([]string{"id"}, []any{1}))
	_, err := crud.InsertObject[[]any](ctx, client, "users", ann)
	if want := map[string]any{"id": int64(1), "name": "Ann"}; err != nil || !reflect.DeepEqual((*got)[1], any(want)) {
		t.Errorf("sent %v, %v, want %v", *got, err, want)
	}
	client, got = router(t, "insert", table([]string{"id"}, []any{1}))
	_, err = crud.Insert[[]any](ctx, client, "users", struct {
		ID   int
		Name string
	}{1, "Ann"})
	if want := []any{int64(1), "Ann"}; err != nil || !reflect.DeepEqual((*got)[1], any(want)) {
		t.Errorf("sent %v, %v, want %v", *got, err, want)
	}
}
