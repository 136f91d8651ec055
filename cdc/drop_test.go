package cdc

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/gotnt/tnt/internal/tarantool"
)

// A server of 3.8.0 crashes where it is asked twice at a time to free a consumer.
func TestDropsOfOneConsumerWait(t *testing.T) {
	onServers(t, "{replication_timeout = 0.1}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		if !p.Version.AtLeast(3, 3, 0) {
			t.Skipf("takes Tarantool 3.3, this is %v", p.Version)
		}
		conn := connect(t, s)
		for range 50 {
			consumer := uuid.New()
			ctx, cancel := context.WithCancel(testContext(t))
			f := Stream(ctx, at(s), Options{From: Now, Consumer: consumer, OnState: func(State) { cancel() }})
			if err := failure(t, f); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			given, giveUp := context.WithCancel(testContext(t))
			var dropping sync.WaitGroup
			dropping.Go(func() { _ = Drop(given, conn, consumer) })
			for range 2 {
				dropping.Go(func() {
					if err := Drop(testContext(t), conn, consumer); err != nil {
						t.Error(err)
					}
				})
			}
			giveUp()
			dropping.Wait()
			if t.Failed() {
				return
			}
		}
	})
}
