package crud_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/crud"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

func nestedIn(n int) any {
	var v any = 1
	for range n {
		v = []any{v}
	}
	return v
}

// TestNesting holds what goes to a module and what comes from it to Options.MaxNesting of
// a pool's instance, which it is sent by.
func TestNesting(t *testing.T) {
	type user struct {
		ID  int `tnt:"id"`
		Doc any `tnt:"doc"`
	}
	var stored any
	srv := tnttest.Run(t)
	for _, name := range []string{"get", "insert", "select", "update"} {
		srv.Handle("crud."+name, func(*tnttest.Call) ([]any, error) {
			return []any{table([]string{"id", "doc"}, []any{1, stored}), nil}, nil
		})
	}
	for _, nesting := range []int{10, 0, 1000} {
		p, err := pool.Open(t.Context(), pool.Options{Instances: []pool.Instance{{Options: tnt.Options{Address: srv.Addr(), MaxNesting: nesting}}}})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		client := crud.New(p.Any())
		most := nesting
		if most == 0 {
			most = tnt.DefaultMaxNesting
		}
		for name, do := range map[string]func(n int) error{
			"a row": func(n int) error { // of a list in a map
				stored = nestedIn(n - 3)
				got, err := crud.Get[user](t.Context(), client, "users", 1)
				if err == nil && fmt.Sprint(got.Doc) != fmt.Sprint(stored) {
					t.Errorf("of %d levels: %.100v", n, got)
				}
				return err
			},
			"an untyped row": func(n int) error {
				stored = nestedIn(n - 3)
				_, err := crud.Get[any](t.Context(), client, "users", 1)
				return err
			},
			"a tuple": func(n int) error {
				stored = 1
				_, err := crud.Insert[user](t.Context(), client, "users", []any{1, nestedIn(n - 1)})
				return err
			},
			"a struct": func(n int) error {
				stored = 1
				_, err := crud.Insert[user](t.Context(), client, "users", struct{ ID, Doc any }{1, nestedIn(n - 1)})
				return err
			},
			"a condition": func(n int) error { // which is a list in a list
				stored = 1
				_, err := crud.Select[user](t.Context(), client, "users", []crud.Cond{crud.Eq("doc", nestedIn(n-2))})
				return err
			},
			"an operation": func(n int) error { // likewise
				stored = 1
				_, err := crud.Update[user](t.Context(), client, "users", 1, []crud.Op{crud.OpAssign("doc", nestedIn(n-2))})
				return err
			},
		} {
			if err := do(most); err != nil {
				t.Errorf("%s, %d levels: %.200v", name, most, err)
			}
			if err := do(most + 1); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("nested more than %d deep (Options.MaxNesting)", most)) {
				t.Errorf("%s, %d levels: %.200v", name, most+1, err)
			}
		}
		if _, err := p.Any().Call(t.Context(), "crud.get"); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}
