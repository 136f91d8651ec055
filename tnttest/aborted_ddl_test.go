package tnttest_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/tnttest"
)

// A change of a space's definition ends a stream's transaction. The rows that
// it wrote before are gone with it, and those that it deleted are there again.
func TestAbortedDefinitionTakesRowsBack(t *testing.T) {
	id := tnttest.Schema{Spaces: []tnttest.SpaceDef{{
		Name: "things", ID: 600, Format: []tnttest.Field{{Name: "id", Type: "unsigned"}},
		Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
	}}}
	for name, define := range map[string]tnt.Request{
		"truncate": tnt.Upsert{Space: "_truncate", Tuple: []any{600, 1}, Ops: []tnt.Op{tnt.OpAdd(1, 1)}},
		"rename":   tnt.Update{Space: "_space", Key: tnt.K(600), Ops: []tnt.Op{tnt.OpAssign(2, "others")}},
		"index": tnt.Insert{Space: "_index", Tuple: []any{
			600, 1, "again", "tree", map[string]any{"unique": true}, []any{[]any{0, "unsigned"}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithSchema(id))
				conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{Address: "memory:1", Dialer: srv.DialContext})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.Close() }()
				must := func(_ any, err error) {
					t.Helper()
					if err != nil {
						t.Fatal(err)
					}
				}
				must(conn.Insert(t.Context(), "things", []any{1}))
				must(conn.Insert(t.Context(), "things", []any{2}))
				must(conn.Delete(t.Context(), "things", tnt.K(2))) // committed, and nobody forgot it yet
				s := tnt.NewStream(conn)
				must(nil, s.Begin(t.Context()))
				must(tnt.Do(t.Context(), s, tnt.Insert{Space: "things", Tuple: []any{3}}))
				must(tnt.Do(t.Context(), s, tnt.Delete{Space: "things", Key: tnt.K(1)}))
				must(tnt.Do(t.Context(), s, define))
				if err := s.Commit(t.Context()); !errors.Is(err, errcode.TransactionYield) {
					t.Errorf("the commit: %v", err)
				}
				rows, err := srv.Space("things").All()
				if err != nil || fmt.Sprint(rows) != "[[1]]" {
					t.Errorf("%v are left, %v", rows, err)
				}
				must(conn.Insert(t.Context(), "things", []any{3}))
			})
		})
	}
}
