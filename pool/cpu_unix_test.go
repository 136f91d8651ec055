//go:build unix

package pool_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/pool"
)

// cpu returns the processor time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestLoneCallerCPU measures what a lone caller costs through the pool, and on a bare
// connection that watches what the pool's control connection does, beside a bare one.
// TNT_POOL_CPU=1 runs it.
func TestLoneCallerCPU(t *testing.T) {
	if os.Getenv("TNT_POOL_CPU") == "" {
		t.Skip("set TNT_POOL_CPU=1 to measure the CPU time of a lone caller")
	}
	programs, err := tarantool.Find()
	must(t, err)
	for _, program := range programs {
		s, err := tarantool.StartUnix(program.Path, `box.schema.space.create('kv') box.space.kv:create_index('pk') box.space.kv:insert{1, 'x'}`)
		must(t, err)
		defer s.Close()
		opts := tnt.Options{Address: s.Address}
		bare, err := tnt.ConnectOptions(t.Context(), opts)
		must(t, err)
		defer func() { _ = bare.Disconnect(context.Background()) }()
		watching, err := tnt.ConnectOptions(t.Context(), opts)
		must(t, err)
		defer func() { _ = watching.Disconnect(context.Background()) }()
		for _, key := range []string{"box.id", "box.status", "box.election"} {
			_, _ = watching.WatchFunc(key, func(tnt.Event) {}) // an older server has none
		}
		p, err := pool.Open(t.Context(), pool.Options{Instances: []pool.Instance{{Options: opts}}})
		must(t, err)
		defer func() { _ = p.Close() }()
		names := []string{"a bare Conn", "a Conn that watches", "the pool"}
		took := make([][]time.Duration, len(names))
		const rounds, requests = 150, 1000
		for round := range rounds {
			for n := range names {
				i := (n + round) % len(names) // nobody is first always
				ex := []tnt.Executor{bare, watching, p}[i]
				before := cpu()
				for range requests {
					if _, err := tnt.One[struct{ K int }](t.Context(), ex, tnt.Select{Space: "kv", Key: tnt.K(1)}); err != nil {
						t.Fatal(err)
					}
				}
				if round > 0 {
					took[i] = append(took[i], (cpu()-before)/requests)
				}
			}
		}
		// The lower quartile: what a busy machine adds is not the code's.
		best := map[string]time.Duration{}
		for i, name := range names {
			slices.Sort(took[i])
			best[name] = took[i][len(took[i])/4]
			fmt.Printf("Tarantool %v: %s: %v of CPU a request, %.3f times a bare Conn's\n", program.Version, name, best[name], float64(best[name])/float64(best[names[0]]))
		}
		if ratio := float64(best["the pool"]) / float64(best["a bare Conn"]); ratio > 1.1 {
			t.Errorf("Tarantool %v: through the pool a request costs %.3f times a bare Conn's, more than 1.1", program.Version, ratio)
		}
	}
}
