package pool_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
)

// TestAnswersOfMethods holds the methods of a view to what they return.
func TestAnswersOfMethods(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		ctx, p := t.Context(), e.pool
		check := func(what string, got tnt.Tuple, err error, want string) {
			t.Helper()
			if err != nil || got.String() != want {
				t.Errorf("%s: %v, %v", what, got, err)
			}
		}
		got, err := p.Insert(ctx, "kv", []any{1, "a"})
		check("Insert", got, err, `[k: 1, v: "a"]`)
		got, err = p.Master().Replace(ctx, "kv", []any{1, "b"})
		check("Replace", got, err, `[k: 1, v: "b"]`)
		got, err = p.Update(ctx, "kv", tnt.K(1), tnt.OpAssign("v", "c"))
		check("Update", got, err, `[k: 1, v: "c"]`)
		got, err = p.Update(ctx, "kv", tnt.K(2), tnt.OpAssign("v", "c"))
		check("Update of none", got, err, tnt.Tuple{}.String())
		got, err = p.Delete(ctx, "kv", tnt.K(1))
		check("Delete", got, err, `[k: 1, v: "c"]`)
		got, err = p.Delete(ctx, "kv", tnt.K(1))
		check("Delete of none", got, err, tnt.Tuple{}.String())
		if got, err = p.Insert(ctx, "nowhere", []any{1}); err == nil {
			t.Errorf("Insert into no space: %v", got)
		}
		for i, in := range p.Instances() {
			if in.Name != e.Name(i) || in.Options.Address != e.instance(i).Options.Address {
				t.Errorf("instance %d is %+v", i, in)
			}
		}
		if !p.Replica().Fits() || len(p.Instances()) != 3 {
			t.Errorf("%d instances, replicas fit: %v", len(p.Instances()), p.Replica().Fits())
		}
		must(t, p.Replica().WaitFor(ctx))
		mine := errors.New("mine")
		ended, cancel := context.WithCancelCause(ctx)
		cancel(mine)
		must(t, e.Kill(1))
		must(t, e.Kill(2))
		synctest.Wait()
		if err := p.Replica().WaitFor(ended); !errors.Is(err, mine) || p.Replica().Fits() {
			t.Errorf("without a replica: %v, fits: %v", err, p.Replica().Fits())
		}
	})
}
