package vshardtest_test

import (
	"fmt"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/vshardtest"
	"github.com/gotnt/tnt/vshard"
)

// A program's own test moves a bucket while the program goes on.
func TestExample(t *testing.T) {
	cluster := vshardtest.Run(t, vshardtest.Options{Server: []tnttest.Option{tnttest.InMemory()}})
	cluster.Handle("where", func(c *vshardtest.Call) ([]any, error) { return []any{c.Set}, nil })
	config := vshard.Config{Buckets: 100}
	for _, set := range cluster.Sets() {
		rs := vshard.ReplicaSet{UUID: set.UUID}
		for _, i := range set.Instances {
			rs.Instances = append(rs.Instances, pool.Instance{Name: i.UUID, Options: tnt.Options{Dialer: i.Server.DialContext}})
		}
		config.ReplicaSets = append(config.ReplicaSets, rs)
	}
	router, err := vshard.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = router.Close() }()

	var places []string
	for range 2 {
		place, err := vshard.One[string](t.Context(), router, vshard.Call{Bucket: 1, Function: "where"})
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, place)
		cluster.Move(1, 1)
	}
	if want := []string{cluster.Sets()[0].UUID, cluster.Sets()[1].UUID}; fmt.Sprint(places) != fmt.Sprint(want) {
		t.Errorf("the bucket was at %v, want %v", places, want)
	}
}
