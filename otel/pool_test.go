package tntotel_test

import (
	"testing"

	"github.com/gotnt/tnt"
	tntotel "github.com/gotnt/tnt/otel"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// newPool returns an embedded replica set of three, and a pool of it.
func newPool(t *testing.T) (*tnttest.ReplicaSet, *pool.Pool) {
	t.Helper()
	rs := tnttest.RunReplicaSet(t, 3)
	var opts pool.Options
	for _, address := range rs.Addrs() {
		opts.Instances = append(opts.Instances, pool.Instance{Options: tnt.Options{Address: address}})
	}
	opts.MaxWait = tnt.Never
	p, err := pool.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return rs, p
}

func TestObservePool(t *testing.T) {
	w := newWorld(t, tntotel.Options{})
	rs, p := newPool(t)
	stop, err := w.hook.ObservePool("main", p)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "all instances are there", func() bool { return w.collect(t)["tnt.pool.instances tnt.pool.role=replica"] == 2 })
	w.has(t, map[string]float64{
		"tnt.pool.instances tnt.pool.role=master":     1,
		"tnt.pool.instances tnt.pool.role=superseded": 0,
		"tnt.pool.role_changes tnt.pool.role=master":  1,
		"tnt.pool.waiting":                            0, "tnt.pool.waits": 0, "tnt.pool.wait_time": 0, "tnt.pool.unserved": 0, "tnt.pool.retries": 0,
	})
	for _, i := range []int{0, 1} { // no majority is left, and no master
		if err := rs.Kill(i); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "two instances are gone", func() bool { return w.collect(t)["tnt.pool.instances tnt.pool.role=unknown"] == 2 })
	if err := p.Ping(t.Context()); err == nil {
		t.Error("a request was done without a master")
	}
	w.has(t, map[string]float64{"tnt.pool.instances tnt.pool.role=master": 0, "tnt.pool.unserved": 1})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.collect(t)["tnt.pool.waiting"]; ok {
		t.Error("observed after the stop")
	}
}
