package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
)

// report prints the medians of the rounds.
func (b *bench) report(out *os.File) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	fmt.Fprintln(w, "callers\tcase\tprocess\treq/s\t/limit\tCPU us\t/limit\tallocs\tbytes\tp50 us\tp99 us\tp99.9 us\twrites/req\t")
	for _, callers := range b.callers {
		for _, name := range b.names(callers) {
			of := func(field func(result) float64) float64 { return median(b.values(name, callers, field)) }
			fmt.Fprintf(w, "%d\t%s\t%s\t%.0f\t%.2f\t%.2f\t%.2f\t%.1f\t%.0f\t%.0f\t%.0f\t%.0f\t%.3f\t\n", callers, name, b.process(name),
				of(func(r result) float64 { return r.PerSec }), of(func(r result) float64 { return r.PerSecRatio }),
				of(func(r result) float64 { return r.CPU }), of(func(r result) float64 { return r.CPURatio }),
				of(func(r result) float64 { return r.Allocs }), of(func(r result) float64 { return r.Bytes }),
				of(func(r result) float64 { return r.P50 }), of(func(r result) float64 { return r.P99 }),
				of(func(r result) float64 { return r.P999 }), of(func(r result) float64 { return r.Writes }))
		}
	}
}

// process reports whether the process did anything beside the requests of a case.
func (b *bench) process(name string) string {
	for _, r := range b.results {
		if r.Case == name && r.Busy {
			return "busy"
		}
	}
	return "idle"
}

// names returns the names of what was run with that many callers, in the order
// of its first round.
func (b *bench) names(callers int) (names []string) {
	seen := map[string]bool{}
	for _, r := range b.results {
		if r.Callers == callers && !seen[r.Case] {
			seen[r.Case] = true
			names = append(names, r.Case)
		}
	}
	return names
}

func (b *bench) values(name string, callers int, field func(result) float64) (values []float64) {
	for _, r := range b.results {
		if r.Case == name && r.Callers == callers {
			values = append(values, field(r))
		}
	}
	return values
}

// save writes the results of every round to files, "" for none.
func (b *bench) save(benchfmt, asJSON string) error {
	if benchfmt != "" {
		if err := os.WriteFile(benchfmt, b.benchfmt(), 0o644); err != nil {
			return err
		}
	}
	if asJSON == "" {
		return nil
	}
	text, err := json.MarshalIndent(b.results, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(asJSON, text, 0o644)
}

// benchfmt returns the results of every round as go test -bench prints them,
// for benchstat. Of a shared machine the ratios say more than the times.
func (b *bench) benchfmt() []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "pkg: github.com/gotnt/tnt/bench\ntarantool: %v\n", b.conn.Version())
	for _, r := range b.results {
		name := strings.NewReplacer(" ", "_", ",", "").Replace(r.Case)
		fmt.Fprintf(&out, "BenchmarkTnt/%s/callers=%d 1 %.1f ns/req %.1f cpu-ns/req %.3f cpu-ratio %.3f req/s-ratio %.2f allocs/req %.1f p99-us\n",
			name, r.Callers, 1e9/r.PerSec, r.CPU*1e3, r.CPURatio, r.PerSecRatio, r.Allocs, r.P99)
	}
	return out.Bytes()
}
