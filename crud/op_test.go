package crud_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/crud"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/crudtest"
)

// numbers is a fake cluster with a space of numbers, and a client of it.
func numbers(t *testing.T) (*crudtest.Router, crud.Client) {
	t.Helper()
	srv := tnttest.Run(t)
	router := crudtest.Attach(srv)
	err := router.CreateSpace(tnttest.SpaceDef{
		Name: "numbers", Format: []tnttest.Field{
			{Name: "id", Type: "unsigned"},
			{Name: "bucket_id", Type: "unsigned"},
			{Name: "n", Type: "unsigned"},
			{Name: "text", Type: "string"},
			{Name: "more", Type: "any", IsNullable: true},
		},
		Indexes: []tnttest.IndexDef{tnttest.UniqueIndex("pk", "id"), tnttest.NonUniqueIndex("n", "n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tnt.Connect(t.Context(), srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return router, crud.New(conn)
}

// Each operation does to a tuple what its name says, with fields counted from 0.
func TestOperationsOnTheFake(t *testing.T) {
	_, client := numbers(t)
	for i, c := range []struct {
		op   crud.Op
		want string // n, text, more
	}{
		{crud.OpAdd("n", 1), "[13 abcd x]"},
		{crud.OpSub(2, 2), "[10 abcd x]"},
		{crud.OpAnd("n", 10), "[8 abcd x]"},
		{crud.OpOr("n", 3), "[15 abcd x]"},
		{crud.OpXor("n", 5), "[9 abcd x]"},
		{crud.OpAssign("text", "z"), "[12 z x]"},
		{crud.OpInsert(4, "new"), "[12 abcd new x]"},
		{crud.OpDelete(4, 1), "[12 abcd]"},
		{crud.OpSplice("text", 1, 2, "--"), "[12 a--d x]"},
		{crud.OpSplice("text", -1, 1, "!"), "[12 abcd! x]"},
	} {
		_, err := crud.Insert[[]any](t.Context(), client, "numbers", []any{i, nil, 12, "abcd", "x"})
		if err != nil {
			t.Fatal(err)
		}
		row, err := crud.Update[[]any](t.Context(), client, "numbers", i, []crud.Op{c.op})
		if err != nil {
			t.Errorf("%v: %v", c.op, err)
			continue
		}
		if got := fmt.Sprint(row[2:]); got != c.want {
			t.Errorf("%v makes %s, and should make %s", c.op, got, c.want)
		}
	}
}

// Each condition finds what its name says.
func TestConditionsOnTheFake(t *testing.T) {
	_, client := numbers(t)
	for i := range 5 {
		if _, err := crud.Insert[[]any](t.Context(), client, "numbers", []any{i, nil, 10 * i, "t", nil}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		cond crud.Cond
		want string
	}{
		{crud.Eq("n", 20), "[2]"},
		{crud.Lt("n", 20), "[1 0]"},
		{crud.Le("n", 20), "[2 1 0]"},
		{crud.Gt("n", 20), "[3 4]"},
		{crud.Ge("n", 20), "[2 3 4]"},
	} {
		type row struct {
			ID int `tnt:"id"`
		}
		rows, err := crud.Select[row](t.Context(), client, "numbers", []crud.Cond{c.cond})
		if err != nil {
			t.Errorf("%v: %v", c.cond, err)
			continue
		}
		ids := []int{}
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		if got := fmt.Sprint(ids); got != c.want {
			t.Errorf("%v finds %s, and should find %s", c.cond, got, c.want)
		}
	}
}

// A fake's function fails as long as it is told to.
func TestFakeFails(t *testing.T) {
	router, client := numbers(t)
	insert := func(ctx context.Context, id int) error {
		_, err := crud.Insert[[]any](ctx, client, "numbers", []any{id, nil, 1, "t", nil})
		return err
	}
	router.Fail("insert", "InsertError", "the storage is on fire")
	var failed *crud.Error
	if err := insert(t.Context(), 1); !errors.As(err, &failed) || failed.Class != "InsertError" || failed.Text != "the storage is on fire" {
		t.Errorf("while it fails: %v", err)
	}
	router.Fail("insert", "", "")
	if err := insert(t.Context(), 1); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
