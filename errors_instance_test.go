package tnt_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/tnttest"
)

// An answer that can't be decoded is an error that names the instance it came from,
// whichever way it is read: of a pool, one may be the only one that is odd.
func TestUndecodableAnswersNameTheInstance(t *testing.T) {
	srv := tnttest.Run(t, tnttest.WithSpace(tnttest.SpaceDef{
		Name: "words", Format: []tnttest.Field{{Name: "word", Type: "string"}},
		Indexes: []tnttest.IndexDef{tnttest.UniqueIndex("pk", "word")},
	}))
	conn, err := tnt.Connect(t.Context(), srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Insert(t.Context(), "words", []any{"one"}); err != nil {
		t.Fatal(err)
	}
	sel := tnt.Select{Space: "words"}
	last := func(seq func(func(int, error) bool)) (err error) {
		for _, err = range seq {
		}
		return err
	}
	type row struct{ Word int }
	for name, read := range map[string]func(context.Context) error{
		"One":    func(ctx context.Context) error { _, err := tnt.One[row](ctx, conn, sel); return err },
		"All":    func(ctx context.Context) error { _, err := tnt.All[row](ctx, conn, sel); return err },
		"Rows":   func(ctx context.Context) error { return last(tnt.Rows[int](ctx, conn, sel)) },
		"ScanAs": func(ctx context.Context) error { return last(tnt.ScanAs[int](ctx, conn, sel, 0)) },
		"Two":    func(ctx context.Context) error { _, _, err := tnt.Two[int, int](ctx, conn, sel); return err },
		"Each": func(ctx context.Context) (err error) {
			for _, err = range tnt.Each[row](ctx, conn, []tnt.Select{sel}) {
			}
			return err
		},
	} {
		err := read(t.Context())
		var re *tnt.RequestError
		var bad *tnt.DecodeError
		if !errors.As(err, &re) || !errors.As(err, &bad) || re.Server != srv.Addr() || re.Fate() != tnt.FateExecuted {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The error of a Pin that found no session says so.
func TestErrorOfAPin(t *testing.T) {
	conn, err := tnt.New(tnt.Options{Address: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = tnt.Pin(t.Context(), conn)
	failsWith(t, "a session of a connection that is down", err, "tnt: a session on 127.0.0.1:1: not connected")
}
