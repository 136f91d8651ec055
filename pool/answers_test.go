package pool_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
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
		must(t, p.Upsert(ctx, "kv", []any{3, "a"}, tnt.OpAssign("v", "b")))
		must(t, p.Upsert(ctx, "kv", []any{3, "a"}, tnt.OpAssign("v", "b")))
		got, err = p.Delete(ctx, "kv", tnt.K(3))
		check("Delete of what was upserted twice", got, err, `[k: 3, v: "b"]`)
		if err := p.Upsert(ctx, "nowhere", []any{1}); err == nil {
			t.Error("Upsert into no space: no error")
		}
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

// WatchOnce asks an instance that the view can choose, and waits for one.
func TestWatchOnce(t *testing.T) {
	inBubble(t, []tnttest.Option{tnttest.WithoutElections()}, pool.Options{MaxWait: time.Second}, func(t *testing.T, e *embedded) {
		ctx := t.Context()
		for i, srv := range e.Instances() {
			must(t, srv.Broadcast("key", e.Name(i)))
		}
		ask := func(v *pool.View) string {
			t.Helper()
			event, err := v.WatchOnce(ctx, "key")
			must(t, err)
			value, err := event.Value()
			must(t, err)
			return value.(string)
		}
		if got := ask(e.pool.Master()); got != "r0" {
			t.Errorf("the master's key is %s's", got)
		}
		if a, b := ask(e.pool.Replica()), ask(e.pool.Replica()); min(a, b) != "r1" || max(a, b) != "r2" {
			t.Errorf("the replicas' keys are %s's and %s's", a, b)
		}
		if got := ask(e.named(t, 2)); got != "r2" {
			t.Errorf("r2's key is %s's", got)
		}
		must(t, e.SetReadOnly(0, true))
		synctest.Wait()
		began := time.Now()
		if _, err := e.pool.WatchOnce(ctx, "key"); !errors.Is(err, pool.ErrNoInstance) || time.Since(began) != time.Second {
			t.Errorf("without a master: %v after %v", err, time.Since(began))
		}
		for _, err := range e.pool.Watch(ctx, "key") {
			if !errors.Is(err, pool.ErrNoInstance) {
				t.Errorf("a watch without a master: %v", err)
			}
		}
		must(t, e.Kill(1))
		must(t, e.Kill(2))
		synctest.Wait()
		gone, err := e.pool.On("r2")
		must(t, err)
		if _, err := gone.WatchOnce(ctx, "key"); !errors.Is(err, pool.ErrNoInstance) {
			t.Errorf("of one that is gone: %v", err)
		}
	})
}
