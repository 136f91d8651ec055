package tntprom_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/pool"
	tntprom "github.com/gotnt/tnt/prometheus"
	"github.com/gotnt/tnt/tnttest/vshardtest"
	"github.com/gotnt/tnt/types"
	"github.com/gotnt/tnt/vshard"
)

// configOf is the configuration of a fake cluster.
func configOf(cluster *vshardtest.Cluster, hooks vshard.Hooks) vshard.Config {
	config := vshard.Config{Buckets: 100, Hooks: hooks}
	for _, set := range cluster.Sets() {
		rs := vshard.ReplicaSet{UUID: set.UUID}
		for _, i := range set.Instances {
			rs.Instances = append(rs.Instances, pool.Instance{Name: i.UUID, Options: tnt.Options{Address: i.Server.Addr()}})
		}
		config.ReplicaSets = append(config.ReplicaSets, rs)
	}
	return config
}

// newRouter returns a fake cluster of two replica sets, and a router of it that is
// collected from.
func newRouter(t *testing.T) (*vshardtest.Cluster, *vshard.Router, *tntprom.RouterCollector) {
	t.Helper()
	cluster := vshardtest.Run(t, vshardtest.Options{})
	collector := tntprom.NewRouterCollector("main", tntprom.Options{})
	router, err := vshard.Open(t.Context(), configOf(cluster, collector.Hooks()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = router.Close() })
	collector.Observe(router)
	return cluster, router, collector
}

func TestRouterCollector(t *testing.T) {
	cluster, router, collector := newRouter(t)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector, tntprom.NewRouterCollector("another", tntprom.Options{}))
	cluster.Handle("echo", func(c *vshardtest.Call) ([]any, error) { return c.Arguments, nil })
	cluster.Handle("fail", func(*vshardtest.Call) ([]any, error) {
		return nil, &types.Error{Type: "ClientError", Code: errcode.IllegalParams, Message: "no such user"}
	})
	ctx := t.Context()
	set := func(i int) string { return " replica_set=" + cluster.Sets()[i].UUID }
	eventually(t, "all instances are there", func() bool {
		got := gathered(t, registry)
		return got["tnt_vshard_instances"+set(0)+" role=replica router=main"]+got["tnt_vshard_instances"+set(1)+" role=replica router=main"] == 2
	})
	expect(t, registry, map[string]float64{
		"tnt_vshard_buckets" + set(0) + " router=main":                   50,
		"tnt_vshard_buckets" + set(1) + " router=main":                   50,
		"tnt_vshard_unknown_buckets router=main":                         0,
		"tnt_vshard_instances" + set(1) + " role=master router=main":     1,
		"tnt_vshard_instances" + set(1) + " role=superseded router=main": 0,
		"tnt_vshard_discoveries_total result=OK router=main":             1,
	})

	cluster.Move(1, 1)
	call := func(mode vshard.Mode, function string) error {
		_, err := router.Do(ctx, vshard.Call{Bucket: 1, Mode: mode, Function: function})
		return err
	}
	if err := call(vshard.RW, "echo"); err != nil { // at the wrong set first
		t.Fatal(err)
	}
	if err := call(vshard.RO, "fail"); !errors.Is(err, errcode.IllegalParams) {
		t.Errorf("a function that fails: %v", err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_, _ = router.Do(canceled, vshard.Call{Bucket: 1, Function: "echo"})
	if _, err := vshard.Map[any](ctx, router, "echo", nil, vshard.MapOptions{}); err != nil {
		t.Error(err)
	}
	_, _ = vshard.Map[any](ctx, router, "fail", nil, vshard.MapOptions{})
	_, _ = vshard.Map[any](canceled, router, "echo", nil, vshard.MapOptions{})
	expect(t, registry, map[string]float64{
		"tnt_vshard_calls_total code=OK mode=callrw router=main":                    1,
		"tnt_vshard_calls_total code=canceled mode=callrw router=main":              1,
		"tnt_vshard_calls_total code=ER_ILLEGAL_PARAMS mode=callro router=main":     1,
		"tnt_vshard_call_duration_seconds mode=callrw router=main":                  2,
		"tnt_vshard_calls_total code=OK mode=map_callrw router=main":                1,
		"tnt_vshard_calls_total code=canceled mode=map_callrw router=main":          1,
		"tnt_vshard_calls_total code=ER_ILLEGAL_PARAMS mode=map_callrw router=main": 1,
		"tnt_vshard_call_duration_seconds mode=map_callrw router=main":              3,
		"tnt_vshard_requests_total router=main":                                     4,
		"tnt_vshard_retries_total router=main":                                      1,
		"tnt_vshard_buckets" + set(0) + " router=main":                              49,
		"tnt_vshard_buckets" + set(1) + " router=main":                              51,
	})
}

// provided is a provider of as many configurations as come.
type provided chan vshard.Config

func (p provided) Configs(ctx context.Context) iter.Seq2[vshard.Config, error] {
	return func(yield func(vshard.Config, error) bool) {
		for {
			select {
			case c := <-p:
				if !yield(c, nil) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func TestRouterConfigurations(t *testing.T) {
	cluster := vshardtest.Run(t, vshardtest.Options{})
	collector := tntprom.NewRouterCollector("main", tntprom.Options{})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector)
	configs := make(provided, 3)
	good := configOf(cluster, collector.Hooks())
	configs <- good
	router, err := vshard.OpenProvider(t.Context(), configs)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = router.Close() }()
	configs <- vshard.Config{}
	configs <- good
	eventually(t, "both configurations are counted", func() bool {
		got := gathered(t, registry)
		return got["tnt_vshard_configurations_total result=failed router=main"] == 1 && got["tnt_vshard_configurations_total result=OK router=main"] == 1
	})
}
