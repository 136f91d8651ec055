//go:build go1.27

package tnt_test

import (
	"testing"
	"uuid"

	"github.com/gotnt/tnt"
)

// TestStandardUUID has the UUIDs of Go's own package, which came with 1.27, be the
// server's: alone, in structs, as keys, behind pointers and in slices.
func TestStandardUUID(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		ctx := t.Context()
		want := uuid.MustParse("f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
		rows := lua(t, conn, `local id, text = ...
			return id == require('uuid').fromstr(text), id`, want, want.String())
		if rows[0] != true {
			t.Errorf("written as %v, a %T", rows[1], rows[1])
		}
		const echo = "return ..."
		if got, err := tnt.One[uuid.UUID](ctx, conn, tnt.Eval{Expr: echo, Args: []any{&want}}); err != nil || got != want {
			t.Errorf("read as %v, %v", got, err)
		}
		type row struct {
			ID   uuid.UUID
			Next *uuid.UUID
			All  []uuid.UUID
		}
		other := uuid.NewV7()
		in := row{ID: want, Next: &want, All: []uuid.UUID{want, other}}
		got, err := tnt.One[row](ctx, conn, tnt.Eval{Expr: echo, Args: []any{in}})
		if err != nil || got.ID != want || got.Next == nil || *got.Next != want || len(got.All) != 2 || got.All[1] != other {
			t.Errorf("a struct came back as %+v, %v", got, err)
		}
		if empty, err := tnt.One[*uuid.UUID](ctx, conn, tnt.Eval{Expr: "return nil"}); err != nil || empty != nil {
			t.Errorf("nil was read as %v, %v", empty, err)
		}
		if got, err := tnt.One[uuid.UUID](ctx, conn, tnt.Eval{Expr: "return 'no uuid'"}); err == nil {
			t.Errorf("a text that is no uuid was read as %v", got)
		}
	})
}
