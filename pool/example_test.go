package pool_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// exampleSet is a replica set in this process, with the space "kv", and its URL.
func exampleSet() (rs *tnttest.ReplicaSet, url string) {
	rs, err := tnttest.StartReplicaSet(3, kvSpace)
	if err != nil {
		panic(err)
	}
	if err := rs.Listen("tcp", "127.0.0.1:0"); err != nil {
		panic(err)
	}
	addrs := rs.Addrs()
	return rs, fmt.Sprintf("tarantool://%s,%s,%s/?max_wait=5s", addrs[0], addrs[1], addrs[2])
}

// kv is a row of the space "kv".
type kv struct {
	K uint64
	V string
}

// A write goes to the master, whoever that is.
func Example() {
	rs, url := exampleSet()
	defer func() { _ = rs.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	p, err := pool.Connect(ctx, url)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = p.Close() }()
	if _, err := p.Insert(ctx, "kv", []any{1, "before"}); err != nil {
		fmt.Println(err)
	}
	_ = rs.Promote(2)
	if _, err := p.Insert(ctx, "kv", []any{2, "after"}); err != nil {
		fmt.Println(err)
	}
	row, err := tnt.One[kv](ctx, p.Replica(), tnt.Select{Space: "kv", Key: tnt.K(1)})
	fmt.Println(row.V, err)
	// Output: before <nil>
}

// Hooks are told of each change of roles.
func ExampleRoleFunc() {
	rs, url := exampleSet()
	defer func() { _ = rs.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	opts, err := pool.ParseURL(url)
	if err != nil {
		fmt.Println(err)
		return
	}
	masters := make(chan string, 10)
	opts.Hooks = []pool.Hook{pool.RoleFunc(func(instance string, _, to pool.Role, _ error) {
		if to == pool.Master {
			masters <- instance
		}
	})}
	p, err := pool.Open(ctx, opts)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = p.Close() }()
	fmt.Println(<-masters == rs.Addrs()[0])
	_ = rs.Promote(1)
	fmt.Println(<-masters == rs.Addrs()[1])
	// Output:
	// true
	// true
}

// Instances come and go as a channel says.
func ExamplePool_Follow() {
	rs, url := exampleSet()
	defer func() { _ = rs.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	p, err := pool.Connect(ctx, url)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = p.Close() }()
	lists := make(chan []pool.Instance, 1) // a watcher of etcd, of a file or of DNS sends on it
	lists <- []pool.Instance{{Options: tnt.Options{Address: rs.Addrs()[0]}}}
	close(lists)
	err = p.Follow(ctx, lists)
	fmt.Println(len(p.Status()), err)
	// Output: 1 <nil>
}
