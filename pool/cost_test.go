package pool_test

import (
	"context"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// A lone caller pays nothing: choosing the way allocates nothing, for any view.
func TestRouteAllocatesNothing(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		on, err := e.pool.On("r1")
		must(t, err)
		for _, v := range []*pool.View{e.pool.Master(), e.pool.Replica(), e.pool.PreferReplica(), e.pool.Any(), on, e.pool.Idempotent()} {
			ctx := t.Context()
			a := tnt.Attempt{Try: 1}
			if n := testing.AllocsPerRun(1000, func() {
				if _, err := v.Route(ctx, a); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%v: %v allocations", v, n)
			}
		}
	})
}

func BenchmarkRoute(b *testing.B) {
	rs := tnttest.RunReplicaSet(b, 3, tnttest.InMemory(), kvSpace)
	e := &embedded{ReplicaSet: rs}
	p, err := pool.Open(b.Context(), pool.Options{Instances: e.instances()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	for name, v := range map[string]*pool.View{"master": p.Master(), "any": p.Any()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			ctx := context.Background()
			for b.Loop() {
				_, _ = v.Route(ctx, tnt.Attempt{Try: 1})
			}
		})
	}
}
