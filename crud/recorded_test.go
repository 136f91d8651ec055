package crud_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/crud"
	"github.com/gotnt/tnt/internal/recordedtest"
	"github.com/gotnt/tnt/tnttest"
)

// asked is what a line asked for, for the typed function that does it.
type asked struct {
	name string // the space's, or the first argument
	args []any
}

func (a asked) at(i int) any {
	if i < len(a.args) {
		return a.args[i]
	}
	return nil
}

// kept holds what a typed function returned, to be held against the line.
type kept struct {
	rows    int // -1: not said
	value   any
	summary string // of what tells of spaces or storages
}

func rows[T any](r []T, err error) (kept, error) {
	return kept{rows: len(r), value: fmt.Sprint(r)}, err
}

func row(r []any, err error) (kept, error) {
	if errors.Is(err, crud.ErrNoTuple) {
		return kept{}, nil
	}
	if len(r) == 0 { // no row, or one without fields
		return kept{rows: 0, value: "[]"}, err
	}
	return kept{rows: 1, value: fmt.Sprint([][]any{r})}, err
}

func value(v any, err error) (kept, error) { return kept{rows: -1, value: v}, err }

// about keeps what tells of spaces or storages as a summary.
func about[T any](v T, err error) (kept, error) {
	return kept{rows: -1, summary: summaryOf(v), value: v}, err
}

func nothing(err error) (kept, error) { return kept{rows: -1}, err }

// typed does with the typed API what a recorded function does. The tuples and
// keys that the recording was asked for don't matter to what is answered.
var typed = map[string]func(ctx context.Context, c crud.Client, a asked) (kept, error){
	"insert": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return row(crud.Insert[[]any](ctx, c, a.name, []any{1}))
	},
	"insert_object": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return row(crud.InsertObject[[]any](ctx, c, a.name, a.at(1)))
	},
	"insert_many": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return rows(crud.InsertMany[[]any](ctx, c, a.name, [][]any{{1}}))
	},
	"insert_object_many": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return rows(crud.InsertObjectMany[[]any](ctx, c, a.name, a.at(1)))
	},
	"replace": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return row(crud.Replace[[]any](ctx, c, a.name, a.at(1)))
	},
	"replace_object": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return row(crud.ReplaceObject[[]any](ctx, c, a.name, a.at(1)))
	},
	"replace_many": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return rows(crud.ReplaceMany[[]any](ctx, c, a.name, a.at(1)))
	},
	"replace_object_many": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return rows(crud.ReplaceObjectMany[[]any](ctx, c, a.name, a.at(1)))
	},
	"upsert": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return nothing(crud.Upsert(ctx, c, a.name, a.at(1), nil))
	},
	"upsert_object": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return nothing(crud.UpsertObject(ctx, c, a.name, a.at(1), nil))
	},
	"upsert_many": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return nothing(crud.UpsertMany(ctx, c, a.name, []crud.Upserted{{Tuple: []any{1}}}))
	},
	"upsert_object_many": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return nothing(crud.UpsertObjectMany(ctx, c, a.name, []crud.Upserted{{Tuple: map[string]any{}}}))
	},
	"get": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return row(crud.Get[[]any](ctx, c, a.name, 1))
	},
	"update": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return row(crud.Update[[]any](ctx, c, a.name, a.at(1), nil, noreturn(a.at(3))))
	},
	"delete": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return row(crud.Delete[[]any](ctx, c, a.name, a.at(1), noreturn(a.at(2))))
	},
	"select": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return rows(crud.Select[[]any](ctx, c, a.name, nil))
	},
	"min": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return row(crud.Min[[]any](ctx, c, a.name, ""))
	},
	"max": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return row(crud.Max[[]any](ctx, c, a.name, ""))
	},
	"count": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return value(crud.Count(ctx, c, a.name, nil))
	},
	"len": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return value(crud.Len(ctx, c, a.name))
	},
	"truncate": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		return nothing(crud.Truncate(ctx, c, a.name))
	},
	"schema": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		if a.name == "" {
			return about(crud.Schemas(ctx, c))
		}
		return about(crud.Schema(ctx, c, a.name))
	},
	"storage_info": func(ctx context.Context, c crud.Client, _ asked) (kept, error) {
		return about(crud.StorageInfo(ctx, c))
	},
	"stats": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		if a.name == "" {
			return about(crud.AllStats(ctx, c))
		}
		return about(crud.Stats(ctx, c, a.name))
	},
}

func noreturn(opts any) crud.WriteOptions {
	m, _ := opts.(map[string]any)
	return crud.WriteOptions{NoReturn: m["noreturn"] == true}
}

// public is the function of this package that a typed one calls.
func (a asked) public(function string) string {
	name := ""
	for word := range strings.SplitSeq(function, "_") {
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	switch {
	case name == "Schema" && a.name == "":
		name = "Schemas"
	case name == "Stats" && a.name == "":
		name = "AllStats"
	}
	return name
}

// untyped are the lines that no function of this package decodes.
var untyped = map[string]recordedtest.Excuse{
	"an EVAL":                           {Lines: 3, Why: "the recording's own: it asked for versions and switched statistics off"},
	"crud.cut_rows":                     {Lines: 2, Why: "reaches no storage: it cuts rows that the caller has, as a type in Go does"},
	"crud.cut_objects":                  {Lines: 2, Why: "likewise"},
	"crud.unflatten_rows":               {Lines: 2, Why: "likewise: rows are decoded by their names"},
	"crud.locate":                       {Lines: 2, Why: "needs a module that is not crud's, so it was never seen to work"},
	"crud.readview":                     {Lines: 2, Why: "the Enterprise Edition's, so it was never seen to work"},
	"crud.pairs":                        {Lines: 2, Why: "returns an iterator in Lua, which can't be sent; Pages takes its place"},
	"crud.rebalance.router_cache_clear": {Lines: 2, Why: "for administrators"},
	"crud.nope":                         {Lines: 2, Why: "does not exist: it is the recording of a mistake"},
}

// decoded is how many lines each function decodes.
var decoded = map[string]int{
	"Get": 69, "Select": 69, "Min": 14, "Max": 6, "Count": 16, "Len": 12,
	"Insert": 78, "InsertObject": 18, "InsertMany": 32, "InsertObjectMany": 6,
	"Replace": 14, "ReplaceObject": 4, "ReplaceMany": 6, "ReplaceObjectMany": 4,
	"Upsert": 16, "UpsertObject": 6, "UpsertMany": 8, "UpsertObjectMany": 4, "Update": 32, "Delete": 10, "Truncate": 8,
	"Schema": 13, "Schemas": 2, "StorageInfo": 11, "Stats": 4, "AllStats": 4,
}

// recordings are the files, with the number of lines. Of the last, which is
// vshard's, these are the lines of crud.
var recordings = []struct {
	path        string
	lines, crud int
}{
	{"testdata/crud-3.8.jsonl", 244, 244}, {"testdata/crud-2.6.jsonl", 236, 236}, {"../vshard/testdata/vshard-names-3.8.jsonl", 22, 5},
}

// Every recorded answer is decoded by the function that is for it: the rows that
// came, or the error that came.
func TestRecorded(t *testing.T) {
	srv := tnttest.Run(t)
	conn, err := tnt.Connect(t.Context(), srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := replayer{srv: srv, client: crud.New(conn)}
	all := 0
	for _, file := range recordings {
		for _, l := range recordedtest.Load(t, file.path, file.lines) {
			if file.crud == file.lines || strings.HasPrefix(l.Function, "crud.") {
				r.replay(t, l)
			}
		}
		all += file.crud
	}
	r.Check(t, all, decoded, untyped)
}

// replayer is a router that answers as recorded, and a client of it.
type replayer struct {
	recordedtest.Coverage
	srv    *tnttest.Server
	client crud.Client
}

func (r *replayer) replay(t *testing.T, l recordedtest.Line) {
	t.Helper()
	do, ok := typed[strings.TrimPrefix(l.Function, "crud.")]
	switch {
	case l.Function == "":
		r.Excused("an EVAL")
		return
	case !ok:
		r.Excused(l.Function)
		return
	}
	h, answered := l.Handler(nil)
	r.srv.Handle(l.Function, h)
	a := asked{args: l.Arguments(t)}
	a.name, _ = a.at(0).(string)
	got, err := do(t.Context(), r.client, a)
	if answered() != 1 {
		t.Errorf("line %d, %s: the answer was asked for %d times: %v", l.N, l.Case, answered(), err)
		return
	}
	if wrong := hold(l, got, err); wrong != "" {
		t.Errorf("line %d, %s: %s", l.N, l.Case, wrong)
		return
	}
	r.Decoded(a.public(strings.TrimPrefix(l.Function, "crud.")))
}

// hold holds what a typed function returned against the recorded answer, and
// says what is wrong.
func hold(l recordedtest.Line, got kept, err error) string {
	results, raised := l.Values()
	if raised != nil {
		var e *tnt.Error
		if !errors.As(err, &e) || e.Code != raised.Code || e.Message != raised.Message {
			return fmt.Sprintf("got error %v, want %v", err, raised)
		}
		return ""
	}
	if len(results) > 1 && results[1] != nil {
		if wrong := holdError(results[1], err); wrong != "" {
			return wrong
		}
		if tnt.SafeToRetry(err) {
			return "the error is said to be safe to retry"
		}
	} else if err != nil {
		return fmt.Sprintf("got error %v", err)
	}
	if wrong := holdRows(results, got); wrong != "" {
		return wrong
	}
	if want := summaryOfRecorded(l.Function, results); err == nil && got.summary != want {
		return fmt.Sprintf("got %s, want %s", got.summary, want)
	}
	if n, ok := got.value.(uint64); ok && err == nil && fmt.Sprint(results[0]) != fmt.Sprint(n) {
		return fmt.Sprintf("got %d, want %v", n, results[0])
	}
	return ""
}

func holdRows(results []any, got kept) string {
	want := []any{}
	if len(results) > 0 {
		if m, ok := results[0].(map[string]any); ok && m["rows"] != nil {
			want = m["rows"].([]any)
		}
	}
	switch {
	case got.rows < 0 || got.rows == 0 && fmt.Sprint(want) == "[[]]":
		return ""
	case got.rows != len(want):
		return fmt.Sprintf("got %d rows, want %d", got.rows, len(want))
	case got.rows > 0 && got.value != fmt.Sprint(want):
		return fmt.Sprintf("got %v, want %v", got.value, want)
	}
	return ""
}

func holdError(want any, err error) string {
	list, isList := want.([]any)
	var many *crud.ManyError
	var one *crud.Error
	if isList {
		if !errors.As(err, &many) || len(many.Errors) != len(list) {
			return fmt.Sprintf("got error %v, want %d", err, len(list))
		}
		for i, e := range many.Errors {
			m := list[i].(map[string]any)
			if e.Class != m["class_name"] || fmt.Sprint(m["err"]) != e.Text || (m["operation_data"] != nil) != (e.Data != nil) {
				return fmt.Sprintf("got error %+v, want %v", e, m)
			}
		}
		return ""
	}
	m := want.(map[string]any)
	if !errors.As(err, &one) || one.Class != m["class_name"] || one.Text != fmt.Sprint(m["err"]) || one.Class == "" {
		return fmt.Sprintf("got error %v, want %v", err, m)
	}
	if one.Duplicate() != strings.Contains(fmt.Sprint(m["err"]), "Duplicate key") {
		return "Duplicate is wrong"
	}
	return ""
}
