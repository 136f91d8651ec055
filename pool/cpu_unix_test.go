//go:build unix

package pool_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
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

// TestCPU measures what requests cost through the pool, and on a bare connection that
// watches what the pool's control connection does, beside a bare one: for a lone caller,
// and for many. TNT_POOL_CPU=1 runs it.
func TestCPU(t *testing.T) {
	if os.Getenv("TNT_POOL_CPU") == "" {
		t.Skip("set TNT_POOL_CPU=1 to measure the CPU time of requests")
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
		fmt.Println("| server | callers | a bare Conn | a Conn that watches what the pool does | the pool |")
		fmt.Println("| --- | --- | --- | --- | --- |")
		for _, callers := range []int{1, 16, 256} {
			costs := cpuCosts(t, callers, bare, watching, p)
			ratio := float64(costs[2]) / float64(costs[0])
			fmt.Printf("| %v | %d | %.1f us | %.1f us (%.2f) | %.1f us (%.2f) |\n", program.Version, callers,
				micros(costs[0]), micros(costs[1]), float64(costs[1])/float64(costs[0]), micros(costs[2]), ratio)
			if ratio > 1.1 {
				t.Errorf("Tarantool %v, %d callers: through the pool a request costs %.3f times a bare Conn's, more than 1.1", program.Version, callers, ratio)
			}
		}
	}
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// cpuCosts returns what a SELECT of many callers costs on each of the executors, in rounds
// in which nobody is first always. It is the lower quartile: what a busy machine adds is
// not the code's.
func cpuCosts(t *testing.T, callers int, executors ...tnt.Executor) []time.Duration {
	const rounds, requests = 40, 2048
	took := make([][]time.Duration, len(executors))
	for round := range rounds {
		for n := range executors {
			i := (n + round) % len(executors)
			before := cpu()
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					for range requests / callers {
						if _, err := tnt.One[struct{ K int }](t.Context(), executors[i], tnt.Select{Space: "kv", Key: tnt.K(1)}); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			if round > 0 { // to warm up
				took[i] = append(took[i], (cpu()-before)/requests)
			}
		}
	}
	var costs []time.Duration
	for _, all := range took {
		slices.Sort(all)
		costs = append(costs, all[len(all)/4])
	}
	return costs
}
