package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gotnt/tnt"
)

// cancelled times how long after the end of its context a lone caller returns
// who waits for an answer, in a process that does nothing else, and in one
// whose HTTP server is asked by 16 clients.
func (b *bench) cancelled(out io.Writer) error {
	idle, err := b.cancellations()
	if err != nil {
		return err
	}
	handler, stop, err := b.serveHTTP()
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for ctx.Err() == nil {
			if _, _, err := b.httpClients(handler, "/nobody", 16); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	busy, err := b.cancellations()
	cancel()
	if err := errors.Join(err, <-ended, stop()); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nfrom the end of its context to a caller's return, us: p50, p99, longest")
	for name, times := range map[string][]time.Duration{"idle": idle, "busy": busy} {
		fmt.Fprintf(out, "%s process: %.0f, %.0f, %.0f (of %d)\n", name, quantile(times, 0.5), quantile(times, 0.99), quantile(times, 1), len(times))
	}
	return nil
}

// cancellations returns the sorted times of some hundred callers. Each does
// requests first that are answered, as long as the one given up takes.
func (b *bench) cancellations() (times []time.Duration, err error) {
	call := tnt.Call{Function: "nap", Args: []any{0.012}}
	for range 100 * b.rounds {
		for range 260 {
			if err := b.conn.Ping(context.Background()); err != nil {
				return nil, err
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		at := make(chan time.Time, 1)
		go func() {
			time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond)
			at <- time.Now()
			cancel()
		}()
		_, err := b.conn.Do(ctx, call)
		late := time.Since(<-at)
		if err == nil {
			continue // the machine was so busy that the answer came first
		}
		if !errors.Is(err, context.Canceled) {
			return nil, fmt.Errorf("a call that was cancelled: %w", err)
		}
		times = append(times, late)
	}
	slices.Sort(times)
	return times, nil
}
