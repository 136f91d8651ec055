package tnt_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gotnt/tnt"
)

func TestEach(t *testing.T) {
	type row struct {
		ID   int
		Name string
	}
	onServers(t, func(t *testing.T, p *program) {
		conn, ctx := shared(t, p), testContext(t)
		for i, name := range []string{"a", "b", "c"} {
			if _, err := conn.Insert(ctx, "tester", []any{i + 1, name, nil, nil}); err != nil {
				t.Fatal(err)
			}
		}
		reqs := []tnt.Select{
			{Space: "tester", Key: tnt.K(3)},
			{Space: "tester", Key: tnt.K(9)}, // no such tuple
			{Space: "nowhere"},
			{Space: "tester", Key: tnt.K("wrong")},
			{Space: "tester", Key: tnt.K(1)},
		}
		var rows []row
		var errs []error
		for r, err := range tnt.Each[row](ctx, conn, reqs) {
			if r == nil {
				r = &row{}
			}
			rows = append(rows, *r)
			errs = append(errs, err)
		}
		want := []row{{3, "c"}, {}, {}, {}, {1, "a"}}
		for i := range want {
			if rows[i] != want[i] {
				t.Errorf("request %d: got %v, want %v", i, rows[i], want[i])
			}
		}
		var unknown *tnt.SchemaError
		if errs[0] != nil || errs[1] != nil || !errors.As(errs[2], &unknown) || !errors.Is(errs[3], tnt.ErrKeyPartType) || errs[4] != nil {
			t.Errorf("errors are %v", errs)
		}

		for _, err := range tnt.Each[row](ctx, conn, reqs[:2]) { // the second is left
			if err != nil {
				t.Error(err)
			}
			break
		}
		eventually(t, "nothing is in flight", func() bool { return conn.Stats().InFlight == 0 })

		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		slow := []tnt.Eval{{Expr: "require('fiber').sleep(0.01) return {1, 'x'}"}, {Expr: "return {1, 'y'}"}}
		for _, err := range tnt.Each[row](cancelled, conn, slow[:1]) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("with a context that has ended: %v", err)
			}
		}
		if err := conn.Disconnect(ctx); err != nil {
			t.Fatal(err)
		}
		n := 0
		for r, err := range tnt.Each[row](ctx, conn, slow) {
			if n++; r != nil || !errors.Is(err, tnt.ErrNotConnected) || !tnt.SafeToRetry(err) {
				t.Errorf("not connected: %v", err)
			}
		}
		if n != 2 {
			t.Errorf("%d pairs for 2 requests", n)
		}
	})
}
