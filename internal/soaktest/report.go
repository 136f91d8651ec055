package soaktest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gotnt/tnt"
)

// Report is what came of a soak.
type Report struct {
	Server     string
	Seed       uint64
	Duration   time.Duration
	Clients    []string
	Callers    int
	Took       time.Duration
	Faults     map[string]int
	Forms      map[string]int
	Errors     map[string]int
	Requests   uint64 // that went out, of clients that count them
	Checked    int    // answers
	Writes     uint64 // acknowledged
	Looked     int    // writes that were looked up in the end
	Events     int
	Odd        uint64 // answers that were shuffled or sent twice
	Violations []string
	Recoveries []time.Duration
	Overruns   []time.Duration
	Excused    int
	Late       int
	Canary     time.Duration

	HeapBefore, HeapAfter uint64
	Heap                  []uint64
	Goroutines            []int
}

func (r *run) report(took time.Duration, looked int) *Report {
	rep := &Report{
		Server: r.Server.Name, Seed: r.Seed, Duration: r.Duration, Callers: r.Callers, Took: took,
		Writes: r.ledger.acked(), Looked: looked, Canary: r.canary.worst(),
	}
	for _, c := range r.clients {
		rep.Clients = append(rep.Clients, c.name)
		if s, ok := c.ex.(interface{ Stats() tnt.Stats }); ok {
			rep.Requests += s.Stats().Requests
		}
	}
	for _, p := range r.proxies {
		p.mu.Lock()
		rep.Odd += p.odd
		p.mu.Unlock()
	}
	rep.Violations = r.counts.wrongs()
	c := &r.counts
	c.with(func() {
		rep.Faults, rep.Forms, rep.Errors = c.faults, c.forms, c.errors
		rep.Checked, rep.Events, rep.Excused, rep.Late = c.checked, c.events, c.excused, c.late
		rep.Recoveries, rep.Overruns = c.recoveries, c.overruns
		rep.Heap, rep.Goroutines = c.heap, c.goroutines
	})
	return rep
}

// String is the table, in Markdown.
func (r *Report) String() string {
	var b strings.Builder
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "| %s | %s |\n", what, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "| %s | seed %d |\n| --- | --- |\n", r.Server, r.Seed)
	line("time", "%v, with the look at the end %v", r.Duration, r.Took.Round(time.Millisecond))
	line("clients", "%s; %d callers each", strings.Join(r.Clients, ", "), r.Callers)
	line("calls", "%d: %s", total(r.Forms), list(r.Forms))
	line("requests that connections sent", "%d", r.Requests)
	line("answers checked", "%d, of which %d shuffled or sent twice by the proxy", r.Checked, r.Odd)
	line("values of watched keys", "%d", r.Events)
	line("writes", "%d acknowledged, %d looked up", r.Writes, r.Looked)
	line("calls that failed", "%d: %s", total(r.Errors), list(r.Errors))
	line("faults", "%d: %s", total(r.Faults), list(r.Faults))
	line("back after a fault", "%s", percentiles(r.Recoveries))
	line("calls over their deadline", "%d, by %s; %d of them by more than %v, and %d when nobody woke in time (the canary's worst: %v)",
		len(r.Overruns), percentiles(r.Overruns), r.Late, fewOverrun, r.Excused, r.Canary.Round(time.Microsecond))
	line("heap", "%d KiB before, %d KiB at the most, %d KiB after", r.HeapBefore>>10, most(r.Heap)>>10, r.HeapAfter>>10)
	line("goroutines", "%d at the most, %d of the last sample", most(r.Goroutines), last(r.Goroutines))
	line("violations", "%d", len(r.Violations))
	for _, v := range r.Violations {
		line("", "%s", v)
	}
	return b.String()
}

func total(m map[string]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}

func list(m map[string]int) string {
	parts := make([]string, 0, len(m))
	for _, k := range sorted(m) {
		parts = append(parts, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(parts, ", ")
}

// percentiles returns the median, the 99th and the greatest.
func percentiles(d []time.Duration) string {
	if len(d) == 0 {
		return "none"
	}
	d = slices.Sorted(slices.Values(d))
	at := func(n int) time.Duration { return d[(len(d)-1)*n/100].Round(10 * time.Microsecond) }
	return fmt.Sprintf("p50 %v, p99 %v, max %v", at(50), at(99), at(100))
}

func most[T uint64 | int](list []T) (m T) {
	for _, v := range list {
		m = max(m, v)
	}
	return m
}

func last[T any](list []T) (v T) {
	if len(list) > 0 {
		v = list[len(list)-1]
	}
	return v
}
