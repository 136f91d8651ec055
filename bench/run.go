package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/gotnt/tnt"
)

// mostInFlight is the most requests that the limit keeps in flight: it writes
// its window without reading, so more would fill the socket's buffers both ways
// and block it for ever. Cases with more are left out.
const mostInFlight = 4096

// mostClients is the most clients that an HTTP server is asked by.
const mostClients = 256

// bench runs cases in interleaved rounds, each beside the limit.
type bench struct {
	each    time.Duration
	rounds  int
	callers []int
	want    *regexp.Regexp

	network, address string
	spaceID          uint64

	conn    *tnt.Conn
	limit   *limit
	results []result
}

func (b *bench) connect(address string) (err error) {
	if b.conn, err = tnt.Connect(context.Background(), address); err != nil {
		return err
	}
	b.network, b.address = "tcp", b.conn.Host()+":"+b.conn.Port()
	if b.conn.Port() == "" {
		b.network, b.address = "unix", b.conn.Host()
	}
	b.spaceID = uint64(b.conn.Schema().Space("bench").ID)
	b.limit, err = newLimit(b.network, b.address, b.spaceID)
	fmt.Printf("Tarantool %v, %d rounds of %v each\n\n", b.conn.Version(), b.rounds, b.each)
	return err
}

func (b *bench) run() error {
	for _, callers := range b.callers {
		for range b.rounds {
			if err := b.round(callers); err != nil {
				return err
			}
			if callers <= mostClients {
				if err := b.httpRound(callers); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// round does every case once, the limits that it is compared with among them.
func (b *bench) round(callers int) error {
	limits := map[int]result{} // by window
	for _, c := range cases {
		window := callers * max(1, c.perCall)
		if !b.want.MatchString(c.name) || window > mostInFlight {
			continue
		}
		limit, ok := limits[window]
		if !ok {
			var err error
			if limit, err = b.one(limitName(window), callers, func() (int, []time.Duration, error) {
				n, err := b.limit.run(window, b.each)
				return n, nil, err
			}); err != nil {
				return err
			}
			limits[window] = b.add(limit, limit)
			if window == callers {
				if err := b.parked(callers, limit); err != nil {
					return err
				}
			}
		}
		r, err := b.one(c.name, callers, func() (int, []time.Duration, error) {
			return drive(b.conn, c, callers, b.each)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		b.add(r, limit)
	}
	return nil
}

// parked measures what goroutines alone take beside the limit.
func (b *bench) parked(callers int, limit result) error {
	r, err := b.one("goroutines alone", callers, func() (int, []time.Duration, error) {
		n, err := runParked(b.network, b.address, b.spaceID, callers, b.each)
		return n, nil, err
	})
	b.add(r, limit)
	return err
}

func limitName(window int) string { return fmt.Sprintf("limit, %d in flight", window) }

func (b *bench) one(name string, callers int, fn func() (int, []time.Duration, error)) (result, error) {
	writes := b.conn.Stats().Writes
	r, err := measure(fn)
	r.Case, r.Callers = name, callers
	r.Writes = float64(b.conn.Stats().Writes-writes) / (r.PerSec * b.each.Seconds())
	return r, err
}

// add keeps a result with its ratios to the limit of the same round.
func (b *bench) add(r, limit result) result {
	r.CPURatio, r.PerSecRatio = r.CPU/limit.CPU, r.PerSec/limit.PerSec
	b.results = append(b.results, r)
	return r
}

// profile runs each case once more and writes a profile of it.
func (b *bench) profile(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, callers := range b.callers {
		for _, c := range cases {
			if !b.want.MatchString(c.name) {
				continue
			}
			name := fmt.Sprintf("%s-%d.pprof", strings.ReplaceAll(c.name, " ", "-"), callers)
			if err := profileTo(filepath.Join(dir, name), func() error {
				_, _, err := drive(b.conn, c, callers, 4*b.each)
				return err
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

func profileTo(name string, fn func() error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	err = fn()
	pprof.StopCPUProfile()
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
