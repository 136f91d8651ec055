package vshard_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/vshardtest"
	"github.com/gotnt/tnt/types"
	"github.com/gotnt/tnt/vshard"
)

// cleanups is what a fake cluster needs of a test.
type cleanups []func()

func (c *cleanups) Helper()               {}
func (c *cleanups) Cleanup(f func())      { *c = append(*c, f) }
func (c *cleanups) Errorf(string, ...any) {}
func (c *cleanups) Fatalf(string, ...any) {}

func (c *cleanups) run() {
	for _, f := range slices.Backward(*c) {
		f()
	}
}

// fakeCluster is a cluster in the process, whose storages have two functions.
func fakeCluster(tb tnttest.TB) vshard.Config {
	cluster := vshardtest.Run(tb, vshardtest.Options{Server: []tnttest.Option{tnttest.InMemory()}})
	cluster.Handle("get_user", func(c *vshardtest.Call) ([]any, error) {
		if c.Arguments[0] == int64(404) {
			return nil, &types.Error{Type: "ClientError", Code: errcode.IllegalParams, Message: "no such user"}
		}
		return []any{map[string]any{"id": c.Arguments[0], "name": "Ann"}}, nil
	})
	cluster.Handle("count_users", func(*vshardtest.Call) ([]any, error) { return []any{21}, nil })
	config := vshard.Config{Buckets: 100}
	for _, set := range cluster.Sets() {
		rs := vshard.ReplicaSet{UUID: set.UUID}
		for _, i := range set.Instances {
			rs.Instances = append(rs.Instances, pool.Instance{Name: i.UUID, Options: tnt.Options{Dialer: i.Server.DialContext}})
		}
		config.ReplicaSets = append(config.ReplicaSets, rs)
	}
	return config
}

func Example() {
	ctx := context.Background()
	var tb cleanups
	defer tb.run()
	router, err := vshard.Open(ctx, fakeCluster(&tb)) // or the Config of a real one
	if err != nil {
		fmt.Println(err)
		return
	}
	tb.Cleanup(func() { _ = router.Close() })

	type user struct {
		ID   int    `tnt:"id"`
		Name string `tnt:"name"`
	}
	for _, id := range []int{1, 404} {
		bucket, err := router.StrCRC32(id)
		if err != nil {
			fmt.Println(err)
			return
		}
		u, err := vshard.One[user](ctx, router, vshard.Call{Bucket: bucket, Mode: vshard.RO, Function: "get_user", Args: []any{id}})
		fmt.Println(bucket, u, errors.Is(err, errcode.IllegalParams))
	}
	// Output:
	// 77 {1 Ann} false
	// 65 {0 } true
}

func ExampleMap() {
	ctx := context.Background()
	var tb cleanups
	defer tb.run()
	router, err := vshard.Open(ctx, fakeCluster(&tb))
	if err != nil {
		fmt.Println(err)
		return
	}
	tb.Cleanup(func() { _ = router.Close() })

	counts, err := vshard.Map[int](ctx, router, "count_users", nil, vshard.MapOptions{})
	total := 0
	for _, n := range counts {
		total += n
	}
	fmt.Println(len(counts), total, err)
	// Output: 2 42 <nil>
}
