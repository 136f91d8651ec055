package main

import (
	"cmp"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// result is what one case used in one round.
type result struct {
	Case    string  `json:"case"`
	Callers int     `json:"callers"`
	Busy    bool    `json:"busy"` // the process does something else, too
	PerSec  float64 `json:"requests_per_second"`
	CPU     float64 `json:"client_cpu_us_per_request"`
	Allocs  float64 `json:"allocs_per_request"`
	Bytes   float64 `json:"bytes_per_request"`
	P50     float64 `json:"p50_us"`
	P99     float64 `json:"p99_us"`
	P999    float64 `json:"p999_us"`
	Writes  float64 `json:"writes_per_request"`

	// To the limit of the same round, with as many requests in flight.
	PerSecRatio float64 `json:"requests_per_second_to_the_limit"`
	CPURatio    float64 `json:"client_cpu_to_the_limit"`
}

// measure runs fn, which returns how many requests it did and the time of
// some of them.
func measure(fn func() (int, []time.Duration, error)) (result, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, start := cpuTime(), time.Now()
	n, times, err := fn()
	wall, used := time.Since(start), cpuTime()-cpu
	if err != nil {
		return result{}, err
	}
	runtime.ReadMemStats(&after)
	count := float64(n)
	slices.Sort(times)
	return result{
		PerSec: count / wall.Seconds(),
		CPU:    float64(used.Nanoseconds()) / 1e3 / count,
		Allocs: float64(after.Mallocs-before.Mallocs) / count,
		Bytes:  float64(after.TotalAlloc-before.TotalAlloc) / count,
		P50:    quantile(times, 0.5), P99: quantile(times, 0.99), P999: quantile(times, 0.999),
	}, nil
}

// cpuTime returns the CPU time of this process, user and system.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Nanoseconds()) / 1e3
}

func median[T cmp.Ordered](values []T) T {
	var zero T
	if len(values) == 0 {
		return zero
	}
	values = slices.Clone(values)
	slices.Sort(values)
	return values[len(values)/2]
}
