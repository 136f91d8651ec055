package tntprom_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
	tntprom "github.com/gotnt/tnt/prometheus"
	"github.com/gotnt/tnt/tnttest"
)

// newPool returns an embedded replica set of three, and a pool of it.
func newPool(t *testing.T, hooks ...tnt.Hook) (*tnttest.ReplicaSet, *pool.Pool) {
	t.Helper()
	rs := tnttest.RunReplicaSet(t, 3, tnttest.WithSpace(users))
	var opts pool.Options
	for _, address := range rs.Addrs() {
		opts.Instances = append(opts.Instances, pool.Instance{Options: tnt.Options{Address: address, Hooks: hooks}})
	}
	p, err := pool.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return rs, p
}

func TestPoolCollector(t *testing.T) {
	rs, p := newPool(t)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(tntprom.NewPoolCollector("one", p), tntprom.NewPoolCollector("two", p))
	eventually(t, "all instances are there", func() bool { return gathered(t, registry)["tnt_pool_instances pool=two role=replica"] == 2 })
	expect(t, registry, map[string]float64{
		"tnt_pool_instances pool=one role=master":          1,
		"tnt_pool_instances pool=one role=superseded":      0,
		"tnt_pool_role_changes_total pool=one role=master": 1,
		"tnt_pool_waiting pool=two":                        0,
		"tnt_pool_unserved_total pool=one":                 0,
	})

	for _, i := range []int{0, 1} { // no majority is left, and no master
		if err := rs.Kill(i); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "two instances are gone", func() bool { return gathered(t, registry)["tnt_pool_instances pool=one role=unknown"] == 2 })
	before := gathered(t, registry)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	waited := make(chan error, 1)
	go func() { waited <- p.Ping(ctx) }()
	eventually(t, "a request waits", func() bool { return gathered(t, registry)["tnt_pool_waiting pool=one"] == 1 })
	cancel()
	if err := <-waited; !errors.Is(err, pool.ErrNoInstance) {
		t.Errorf("without a master: %v", err)
	}
	expect(t, registry, map[string]float64{
		"tnt_pool_instances pool=one role=master": 0, // and not absent
		"tnt_pool_waiting pool=one":               0,
		"tnt_pool_waits_total pool=one":           before["tnt_pool_waits_total pool=one"] + 1,
		"tnt_pool_unserved_total pool=one":        1,
	})
	if after := gathered(t, registry); after["tnt_pool_wait_seconds_total pool=one"] <= before["tnt_pool_wait_seconds_total pool=one"] {
		t.Errorf("the wait took no time: %v", after)
	}

	if err := rs.Restart(1); err != nil {
		t.Fatal(err)
	}
	if err := p.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, registry, map[string]float64{
		"tnt_pool_instances pool=one role=master":          1,
		"tnt_pool_role_changes_total pool=one role=master": 2,
	})
}

// TestPoolRetries has a write that the master refuses be counted as done again.
func TestPoolRetries(t *testing.T) {
	rs, p := newPool(t)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(tntprom.NewPoolCollector("main", p))
	replica, err := p.On(rs.Addrs()[1])
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replica is there", replica.Fits)
	for id := range 3 { // one of them goes to a replica first
		if err := tnt.Exec(t.Context(), p.Any(), tnt.Insert{Space: "users", Tuple: []any{id, "Ann"}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := gathered(t, registry)["tnt_pool_retries_total pool=main"]; got < 1 || got > 2 {
		t.Errorf("%v retries of three writes to any instance, of which one or two go to a replica", got)
	}
}

func TestPoolNamedWrongly(t *testing.T) {
	_, p := newPool(t)
	if err := prometheus.NewRegistry().Register(tntprom.NewPoolCollector("\xff", p)); err == nil || !strings.Contains(err.Error(), "label value") {
		t.Errorf("a name that is no UTF-8: %v", err)
	}
}
