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
	rows  int // -1: not said
	value any
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
			return value(crud.Schemas(ctx, c))
		}
		return value(crud.Schema(ctx, c, a.name))
	},
	"storage_info": func(ctx context.Context, c crud.Client, _ asked) (kept, error) {
		return value(crud.StorageInfo(ctx, c))
	},
	"stats": func(ctx context.Context, c crud.Client, a asked) (kept, error) {
		if a.name == "" {
			return value(crud.AllStats(ctx, c))
		}
		return value(crud.Stats(ctx, c, a.name))
	},
}

func noreturn(opts any) crud.WriteOptions {
	m, _ := opts.(map[string]any)
	return crud.WriteOptions{NoReturn: m["noreturn"] == true}
}

// untyped are functions of crud that have no typed form, as they are of no use
// over the network or were never there. They are still looked at.
var untyped = map[string]string{
	"crud.locate": "needs another module", "crud.cut_rows": "Go does it", "crud.cut_objects": "Go does it",
	"crud.unflatten_rows": "Go does it", "crud.readview": "Enterprise Edition", "crud.pairs": "can't be called from outside",
	"crud.rebalance.router_cache_clear": "for administrators", "crud.nope": "does not exist",
}

// Every recorded answer is decoded by the function that is for it: as many rows
// as came, or the error that came.
func TestRecorded(t *testing.T) {
	for file, want := range map[string]int{"crud-3.8": 244, "crud-2.6": 236} {
		t.Run(file, func(t *testing.T) { replay(t, file, want) })
	}
}

func replay(t *testing.T, file string, want int) {
	lines := recordedtest.Load(t, "testdata/"+file+".jsonl", want)
	player := recordedtest.Play(t, lines)
	conn, err := tnt.Connect(t.Context(), player.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := crud.New(conn)
	done := 0
	for _, l := range lines {
		name := strings.TrimPrefix(l.Function, "crud.")
		do, ok := typed[name]
		switch {
		case l.Function == "": // the recording's own preparations
			done++
			continue
		case !ok && untyped[l.Function] != "":
			done++
			continue
		case !ok:
			t.Errorf("line %d: nothing decodes %s", l.N, l.Function)
			continue
		}
		player.Next(l)
		a := asked{args: l.Arguments(t)}
		a.name, _ = a.at(0).(string)
		got, err := do(t.Context(), client, a)
		if player.Got() == nil {
			t.Errorf("line %d, %s: nothing was asked: %v", l.N, l.Case, err)
			continue
		}
		if wrong := hold(t, l, got, err); wrong != "" {
			t.Errorf("line %d, %s: %s", l.N, l.Case, wrong)
			continue
		}
		done++
	}
	if done != want {
		t.Errorf("%d of %d lines were decoded", done, want)
	}
}

// hold holds what a typed function returned against the recorded answer, and
// says what is wrong.
func hold(t *testing.T, l recordedtest.Line, got kept, err error) string {
	t.Helper()
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
