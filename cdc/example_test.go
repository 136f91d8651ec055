package cdc_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/cdc"
	"github.com/gotnt/tnt/pool"
)

// What a space holds, and all that changes it, from where the last run ended.
func ExampleStream() {
	ctx := context.Background()
	opts := cdc.Options{Spaces: []string{"orders"}}
	if saved, err := os.ReadFile("orders.checkpoint"); err == nil {
		var c cdc.Checkpoint
		if err := c.UnmarshalBinary(saved); err != nil {
			log.Fatal(err)
		}
		opts.From = cdc.At(c)
	}
	servers := []tnt.Options{{Address: "127.0.0.1:3301", User: "reader", Password: "secret"}}
	for tx, err := range cdc.Stream(ctx, servers, opts).All() {
		if err != nil {
			log.Fatal(err)
		}
		for _, c := range tx.Changes {
			fmt.Println(c.Op, c.Space.Name, c.Key, c.Tuple)
		}
		if tx.Phase == cdc.InSnapshot {
			continue // no position yet
		}
		saved, err := tx.Checkpoint().MarshalBinary()
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile("orders.checkpoint", saved, 0o600); err != nil {
			log.Fatal(err)
		}
	}
}

// The rows before and after each change.
func ExampleMirror() {
	type order struct {
		ID    uint64 `tnt:"id"`
		State string `tnt:"state"`
	}
	feed := cdc.Stream(context.Background(), []tnt.Options{{Address: "127.0.0.1:3301"}}, cdc.Options{Spaces: []string{"orders"}})
	for tx, err := range cdc.Mirror(feed, "orders").All() {
		if err != nil {
			log.Fatal(err)
		}
		for _, c := range tx.Changes {
			if c.New == nil {
				continue // deleted, or a change of the space itself
			}
			now, err := cdc.As[order](c)
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(now.ID, now.State)
		}
	}
}

func ExampleParsePosition() {
	p, err := cdc.ParsePosition("9d1e8e6a-b4d3-4f0c-9a59-3d1c7c1d0e55 {1: 121, 2: 5}")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.VClock[1], p.VClock[2])
	// Output: 121 5
}

// The same of a pool: where the instance that is followed is lost, another of
// the pool's goes on from the same position.
func ExampleStreamPool() {
	ctx := context.Background()
	p, err := pool.Open(ctx, pool.Options{Instances: []pool.Instance{
		{Options: tnt.Options{Address: "127.0.0.1:3301"}}, {Options: tnt.Options{Address: "127.0.0.1:3302"}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	for tx, err := range cdc.StreamPool(ctx, p, cdc.Options{From: cdc.Now}).All() {
		if err != nil {
			log.Print(err)
			return
		}
		fmt.Println(tx.Position, tx.Changes)
	}
}
