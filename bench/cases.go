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

// every is how many calls one is timed of: a look at the clock takes a part of
// the time of a small request.
const every = 32

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

// selectByKey is the request that the limit does as well.
var selectByKey = tnt.Select{Space: "bench", Key: tnt.K(1), Limit: 1}

// each returns a case whose requests differ by what do does.
func each(name string, do func(ctx context.Context, conn *tnt.Conn) error) benchCase {
	return benchCase{name: name, prepare: func(ctx context.Context, conn *tnt.Conn) (func() error, error) {
		return func() error { return do(ctx, conn) }, nil
	}}
}

// doing returns a case of one request done again and again, its answer left
// undecoded.
func doing(name string, req tnt.Request) benchCase {
	return each(name, func(ctx context.Context, conn *tnt.Conn) error {
		_, err := conn.Do(ctx, req)
		return err
	})
}

var inserted atomic.Uint64

var cases = []benchCase{
	{name: "select reused", prepare: func(ctx context.Context, conn *tnt.Conn) (func() error, error) {
		var r row
		return func() error { return tnt.OneInto(ctx, conn, selectByKey, &r) }, nil
	}},
	each("select typed", func(ctx context.Context, conn *tnt.Conn) error {
		_, err := tnt.One[row](ctx, conn, selectByKey)
		return err
	}),
	each("select untyped", func(ctx context.Context, conn *tnt.Conn) error {
		_, err := conn.Select(ctx, "bench", tnt.K(1))
		return err
	}),
	each("ping", func(ctx context.Context, conn *tnt.Conn) error { return conn.Ping(ctx) }),
	{name: "replace", prepare: func(ctx context.Context, conn *tnt.Conn) (func() error, error) {
		r := row{ID: 5000, Name: "name", Age: 3, Score: 1.5}
		return func() error { return tnt.Exec(ctx, conn, tnt.Replace{Space: "bench", Tuple: &r}) }, nil
	}},
	each("insert", func(ctx context.Context, conn *tnt.Conn) error {
		_, err := conn.Insert(ctx, "inserts", &row{ID: inserted.Add(1), Name: "name", Age: 3, Score: 1.5})
		return err
	}),
	doing("update", tnt.Update{Space: "bench", Key: tnt.K(2), Ops: []tnt.Op{tnt.OpAssign(2, 7)}}),
	doing("call", tnt.Call{Function: "echo", Args: []any{1, "two"}}),
	doing("eval", tnt.Eval{Expr: "return ...", Args: []any{1, "two"}}),
	doing("execute", tnt.Execute{Statement: "SELECT 1"}),
	{name: "prepared", prepare: func(ctx context.Context, conn *tnt.Conn) (func() error, error) {
		p, err := conn.Prepare(ctx, "SELECT 1")
		return func() error {
			_, err := p.Execute(ctx)
			return err
		}, err
	}},
	{name: "batch of 256", perCall: batchSize, prepare: func(ctx context.Context, conn *tnt.Conn) (func() error, error) {
		reqs := make([]tnt.Select, batchSize)
		for i := range reqs {
			reqs[i] = selectByKey
		}
		return func() error {
			for _, err := range tnt.Each[row](ctx, conn, reqs) {
				if err != nil {
					return err
				}
			}
			return nil
		}, nil
	}},
}

const batchSize = 256
