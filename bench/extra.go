package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
)

// extra measures what is no matter of callers: large answers, idle
// connections, and small requests beside large answers.
func (b *bench) extra(out io.Writer) error {
	return errors.Join(b.largeAnswers(out), b.formats(out), b.idle(out), b.beside(out), b.cancelled(out))
}

// largeAnswers times the decoding and the transfer of many rows.
func (b *bench) largeAnswers(out io.Writer) error {
	ctx := context.Background()
	fmt.Fprintln(out, "\nselect of many rows, median of the rounds")
	for _, n := range []uint32{1, 100, 10_000, 100_000} {
		req := tnt.Select{Space: "rows", Limit: n}
		var rows []row
		typed, err1 := b.timed(func() error { return tnt.AllInto(ctx, b.conn, req, &rows) })
		untyped, err2 := b.timed(func() error {
			resp, err := b.conn.Do(ctx, req)
			if err != nil {
				return err
			}
			_, err = resp.Tuples()
			return err
		})
		values, err3 := b.timed(func() error {
			resp, err := b.conn.Do(ctx, req)
			if err != nil {
				return err
			}
			_, err = resp.Data()
			return err
		})
		if err := errors.Join(err1, err2, err3); err != nil {
			return err
		}
		fmt.Fprintf(out, "%7d rows: into structs %v, as tuples %v, as values %v\n", n, typed, untyped, values)
	}
	return nil
}

func (b *bench) timed(fn func() error) (time.Duration, error) {
	var times []time.Duration
	for range b.rounds {
		start := time.Now()
		if err := fn(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(start))
	}
	return median(times), nil
}

// formats measures what Options.TupleFormats costs: calls of a function that
// returns a tuple of four fields.
func (b *bench) formats(out io.Writer) error {
	if !b.conn.Features().Has(iproto.FeatureCallRetTupleExtension) {
		fmt.Fprintf(out, "\nTuple formats: Tarantool %v has none\n", b.conn.Version())
		return nil
	}
	opts := b.conn.Options()
	opts.TupleFormats = true
	with, err := tnt.ConnectOptions(context.Background(), opts)
	if err != nil {
		return err
	}
	defer with.Close()
	call := tnt.Call{Function: "get", Args: []any{1}}
	var cpu [2][]float64
	for range b.rounds {
		for i, conn := range []*tnt.Conn{b.conn, with} {
			r, err := measure(func() (int, []time.Duration, error) {
				return drive(conn, each("get", func(ctx context.Context, conn *tnt.Conn) error {
					_, err := tnt.One[row](ctx, conn, call)
					return err
				}), 16, b.each)
			})
			if err != nil {
				return err
			}
			cpu[i] = append(cpu[i], r.CPU)
		}
	}
	resp, err := b.conn.Do(context.Background(), call)
	longer, err2 := with.Do(context.Background(), call)
	fmt.Fprintf(out, "\ncall that returns a tuple, 16 callers: %.2f us of CPU time, %.2f with Options.TupleFormats; answers of %d and %d bytes\n",
		median(cpu[0]), median(cpu[1]), len(resp.RawBody()), len(longer.RawBody()))
	return errors.Join(err, err2)
}

// idle counts what connections cost that do nothing.
func (b *bench) idle(out io.Writer) error {
	const n = 1000
	opts := b.conn.Options()
	before, goroutines := memory(), runtime.NumGoroutine()
	conns := make([]*tnt.Conn, 0, n)
	defer func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
	}()
	for range n {
		conn, err := tnt.ConnectOptions(context.Background(), opts)
		if err != nil {
			return err
		}
		conns = append(conns, conn)
	}
	fmt.Fprintf(out, "\n%d idle connections: %.1f KiB and %.2f goroutines each, the schema included\n", n,
		float64(memory()-before)/n/1024, float64(runtime.NumGoroutine()-goroutines)/n)
	return nil
}

// memory returns the bytes of heap and stacks in use.
func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// beside times small requests alone and while large answers come in.
func (b *bench) beside(out io.Writer) error {
	ctx := context.Background()
	small := func() (time.Duration, error) {
		var times []time.Duration
		for range 500 {
			start := time.Now()
			if err := b.conn.Ping(ctx); err != nil {
				return 0, err
			}
			times = append(times, time.Since(start))
		}
		slices.Sort(times)
		return times[len(times)*99/100], nil
	}
	alone, err := small()
	if err != nil {
		return err
	}
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
			if _, err := b.conn.Call(ctx, "big", 16<<20); err != nil {
				ended <- err
				return
			}
		}
	}()
	among, err := small()
	close(stop)
	if err := errors.Join(err, <-ended); err != nil {
		return err
	}
	fmt.Fprintf(out, "\np99 of a ping: %v alone, %v beside answers of 16 MiB\n", alone, among)
	return nil
}
