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

// row is a row of the space bench.
type row struct {
	ID    uint64
	Name  string
	Age   int64
	Score float64
}

var cases = []benchCase{
	{name: "select reused", prepare: func(ctx context.Context, conn *tnt.Conn) (func() error, error) {
		var r row
		return func() error {
			return tnt.OneInto(ctx, conn, tnt.Select{Space: "bench", Key: tnt.K(1)}, &r)
		}, nil
	}},
	{name: "select typed", prepare: func(ctx context.Context, conn *tnt.Conn) (func() error, error) {
		return func() error {
			_, err := tnt.One[row](ctx, conn, tnt.Select{Space: "bench", Key: tnt.K(1)})
			return err
		}, nil
	}},
	{name: "replace", prepare: func(ctx context.Context, conn *tnt.Conn) (func() error, error) {
		r := &row{ID: 5000, Name: "name", Age: 3, Score: 1.5}
		return func() error {
			_, err := conn.Do(ctx, tnt.Replace{Space: "bench", Tuple: r})
			return err
		}, nil
	}},
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
