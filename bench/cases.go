package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt"
)

// benchCase is one kind of request. prepare makes, for one caller, the
// function that does it once.
type benchCase struct {
	name    string
	perCall int // requests a call stands for; 0: one
	prepare func(ctx context.Context, conn *tnt.Conn) (func() error, error)
}

// every is how many calls one is timed of.
const every = 8

// drive does a case from a number of goroutines until the time is over.
func drive(conn *tnt.Conn, c benchCase, callers int, d time.Duration) (int, []time.Duration, error) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		total int
		times []time.Duration
		first error
		stop  atomic.Bool
	)
	timer := time.AfterFunc(d, func() { stop.Store(true) })
	defer timer.Stop()
	for range callers {
		wg.Go(func() {
			once, err := c.prepare(context.Background(), conn)
			var mine []time.Duration
			n := 0
			for err == nil && !stop.Load() {
				if n%every == 0 {
					start := time.Now()
					err = once()
					mine = append(mine, time.Since(start))
				} else {
					err = once()
				}
				n++
			}
			mu.Lock()
			defer mu.Unlock()
			total += n
			times = append(times, mine...)
			if err != nil && first == nil {
				first = err
			}
		})
	}
	wg.Wait()
	return total * max(1, c.perCall), times, first
}

var cases = []benchCase{
	{name: "ping", prepare: func(ctx context.Context, conn *tnt.Conn) (func() error, error) {
		return func() error { return conn.Ping(ctx) }, nil
	}},
	{name: "select untyped", prepare: func(ctx context.Context, conn *tnt.Conn) (func() error, error) {
		return func() error {
			_, err := conn.Select(ctx, "bench", tnt.K(1))
			return err
		}, nil
	}},
}
