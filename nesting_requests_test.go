package tnt_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// TestNestingOfRequests sends values that are nested as deeply as Options.MaxNesting
// allows, and one level more, in every request that has values.
func TestNestingOfRequests(t *testing.T) {
	type doc struct{ In any }
	type field struct {
		In any `tnt:"f"`
	}
	srv := embedded(t)
	if err := srv.CreateSpace(tnttest.SpaceDef{
		Name: "s", Format: []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "f", Type: "any"}},
		Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
	}); err != nil {
		t.Fatal(err)
	}
	srv.Handle("f", func(*tnttest.Call) ([]any, error) { return nil, nil })
	row := func(v any) tnt.Request { return tnt.Replace{Space: "s", Tuple: v} }
	requests := map[string]func(n int) tnt.Request{
		"an argument": func(n int) tnt.Request { return tnt.Call{Function: "f", Args: []any{1, listed(n)}} },
		"of CALL_16":  func(n int) tnt.Request { return tnt.Call16{Function: "f", Args: []any{listed(n)}} },
		"a struct":    func(n int) tnt.Request { return tnt.Call{Function: "f", Args: []any{doc{listed(n - 1)}}} },
		"an error": func(n int) tnt.Request {
			return tnt.Call{Function: "f", Args: []any{&tnt.Error{Fields: map[string]any{"f": listed(n - 1)}}}}
		},
		"by MarshalMsg":       func(n int) tnt.Request { return tnt.Call{Function: "f", Args: []any{msgp.Raw(lists(n))}} },
		"a tuple":             func(n int) tnt.Request { return row([]any{1, listed(n - 1)}) },
		"a struct as a tuple": func(n int) tnt.Request { return row(struct{ ID, F any }{1, listed(n - 1)}) },
		"one of names": func(n int) tnt.Request {
			return row(&struct {
				ID int `tnt:"id"`
				field
			}{1, field{listed(n - 1)}})
		},
		"a tuple by names": func(n int) tnt.Request { return row(map[string]any{"id": 1, "f": listed(n - 1)}) },
		"Update": func(n int) tnt.Request {
			return tnt.Update{Space: "s", Key: tnt.K(1), Ops: []tnt.Op{tnt.OpAssign(1, listed(n-1))}}
		},
		"Upsert's operation": func(n int) tnt.Request {
			return tnt.Upsert{Space: "s", Tuple: []any{1, 1}, Ops: []tnt.Op{tnt.OpAssign(1, listed(n-1))}}
		},
		"Upsert's tuple": func(n int) tnt.Request {
			return tnt.Upsert{Space: "s", Tuple: []any{1, listed(n - 1)}, Ops: []tnt.Op{tnt.OpAssign(1, 1)}}
		},
	}
	for _, nesting := range maxNestings {
		conn := connect(t, tnt.Options{Dialer: srv.DialContext, MaxNesting: nesting})
		for name, req := range requests {
			boundedNesting(t, conn, name, func(ctx context.Context, n int) error {
				err := tnt.Exec(ctx, conn, req(n))
				var re *tnt.RequestError
				if errors.As(err, &re) && re.Fate() != tnt.FateUnsent {
					t.Errorf("%s: %v was sent", name, err)
				}
				return err
			})
		}
	}
}

// TestNestingOfParameters is that of requests, for SQL and for keys.
func TestNestingOfParameters(t *testing.T) {
	type key struct{ Part any }
	for _, nesting := range maxNestings {
		conn, body := nestingPeer(t, nesting)
		w := wire.NewBody(nil)
		w.Uint(iproto.KeyStmtID, 7)
		prepared := w.End()
		for name, do := range map[string]func(ctx context.Context, n int) error{
			"a parameter": func(ctx context.Context, n int) error {
				_, err := conn.Execute(ctx, "SELECT ?", listed(n), 1)
				return err
			},
			"a named one": func(ctx context.Context, n int) error {
				_, err := conn.Execute(ctx, "SELECT :a", tnt.Named("a", listed(n)))
				return err
			},
			"one of a map": func(ctx context.Context, n int) error {
				_, err := conn.Execute(ctx, "SELECT :a", map[string]any{"a": listed(n)})
				return err
			},
			"of a prepared statement": func(ctx context.Context, n int) error {
				body.Store(&prepared)
				statement, err := conn.Prepare(ctx, "SELECT ?")
				if err != nil {
					t.Fatal(err)
				}
				_, err = statement.Execute(ctx, listed(n), 1)
				return err
			},
			"parts of a key": func(ctx context.Context, n int) error {
				return tnt.Exec(ctx, conn, tnt.Select{SpaceID: 512, Key: tnt.Parts(1, listed(n-1))})
			},
			"a struct as a key": func(ctx context.Context, n int) error {
				return tnt.Exec(ctx, conn, tnt.Delete{SpaceID: 512, Key: tnt.K(key{listed(n - 1)})})
			},
		} {
			boundedNesting(t, conn, name, do)
		}
	}
}

// TestNestedDocument stores a document that is nested more deeply than the default
// allows, and has it back in the forms that it may be wanted in.
func TestNestedDocument(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		lua(t, shared(t, p), "box.schema.space.create('nested', {format = {{'id', 'unsigned'}, {'doc', 'any'}}}):create_index('pk')")
		defer lua(t, shared(t, p), "box.space.nested:drop()")
		conn := connect(t, tnt.Options{Address: p.shared.Address, MaxNesting: 1000})
		type row struct {
			ID  uint64 `tnt:"id"`
			Doc any    `tnt:"doc"`
		}
		if _, err := conn.Replace(testContext(t), "nested", row{1, listed(999)}); err != nil {
			t.Fatal(err)
		}
		got, err := tnt.One[row](testContext(t), conn, tnt.Select{Space: "nested", Key: tnt.K(1)})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := mp.Widest.AppendValue(nil, got.Doc); err != nil || !bytes.Equal(b, lists(999)) {
			t.Errorf("%d bytes came back, %v", len(b), err)
		}
		narrow := connect(t, tnt.Options{Address: p.shared.Address})
		_, err = tnt.One[row](testContext(t), narrow, tnt.Select{Space: "nested", Key: tnt.K(1)})
		failsWith(t, "by the default", err, "nested more than 256 deep (Options.MaxNesting)")
	})
}
