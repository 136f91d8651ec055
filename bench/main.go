// Command bench measures the connector side by side with the bare limit of
// the wire, in the same run: requests a second, client CPU time, allocations
// and latency a request.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
)

const setup = `
local s = box.schema.space.create('bench', {if_not_exists = true, format = {
    {name = 'id', type = 'unsigned'}, {name = 'name', type = 'string'},
    {name = 'age', type = 'integer'}, {name = 'score', type = 'double'}}})
s:create_index('primary', {parts = {{1, 'unsigned'}}, if_not_exists = true})
for i = 1, 1000 do s:replace({i, 'name' .. i, i * 2, i + 0.5}) end
box.schema.space.create('inserts', {if_not_exists = true})
box.space.inserts:create_index('primary', {parts = {{1, 'unsigned'}}, if_not_exists = true})
box.space.inserts:truncate()
box.schema.space.create('rows', {if_not_exists = true})
box.space.rows:create_index('primary', {parts = {{1, 'unsigned'}}, if_not_exists = true})
for i = box.space.rows:len() + 1, 100000 do box.space.rows:replace({i, 'name' .. i, i * 2, i + 0.5}) end
function echo(...) return ... end
function big(n) return string.rep('x', n) end
`

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	url := flag.String("url", os.Getenv("TNT_URL"), "server to measure with; default: one is started")
	pattern := flag.String("cases", ".", "regular expression of the cases to run")
	callers := flag.String("callers", "1,16,256", "numbers of callers")
	rounds := flag.Int("rounds", 5, "interleaved rounds")
	each := flag.Duration("time", 500*time.Millisecond, "time of a case in a round")
	out := flag.String("json", "", "file for the results of every round")
	profile := flag.String("cpuprofile", "", "file for a CPU profile of the cases, the limit left out")
	short := flag.Bool("short", false, "leave out large answers, idle connections and starvation")
	flag.Parse()

	want, err := regexp.Compile(*pattern)
	if err != nil {
		return err
	}
	address, stop, err := server(*url)
	if err != nil {
		return err
	}
	defer stop()
	b := &bench{each: *each, rounds: *rounds, want: want}
	for text := range strings.SplitSeq(*callers, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no number of callers", text)
		}
		b.callers = append(b.callers, n)
	}
	if err := b.connect(address); err != nil {
		return err
	}
	defer b.conn.Close()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
		b.noLimit = true
	}
	if err := b.run(); err != nil {
		return err
	}
	b.report(os.Stdout)
	if !*short {
		if err := b.extra(os.Stdout); err != nil {
			return err
		}
	}
	if *out != "" {
		text, err := json.MarshalIndent(b.results, "", " ")
		if err != nil {
			return err
		}
		return os.WriteFile(*out, text, 0o644)
	}
	return nil
}

// server returns the address of the server to measure with.
func server(url string) (address string, stop func(), err error) {
	if url != "" {
		conn, err := tnt.Connect(context.Background(), url)
		if err != nil {
			return "", nil, err
		}
		_, err = conn.Eval(context.Background(), setup)
		return url, func() {}, errors.Join(err, conn.Close())
	}
	programs, err := tarantool.Find()
	if err != nil || len(programs) == 0 {
		return "", nil, errors.Join(errors.New("no tarantool on PATH nor in TARANTOOL; give -url"), err)
	}
	newest := slices.MaxFunc(programs, func(a, b tarantool.Program) int {
		if a.Version.AtLeast(b.Version.Major, b.Version.Minor, b.Version.Patch) {
			return 1
		}
		return -1
	})
	s, err := tarantool.Start(newest.Path, setup)
	if err != nil {
		return "", nil, err
	}
	return s.Address, func() { _ = s.Close() }, nil
}

// bench runs cases in interleaved rounds.
type bench struct {
	each    time.Duration
	rounds  int
	callers []int
	want    *regexp.Regexp
	noLimit bool

	conn    *tnt.Conn
	limit   *limit
	results []result
}

func (b *bench) connect(address string) (err error) {
	if b.conn, err = tnt.Connect(context.Background(), address); err != nil {
		return err
	}
	network := "tcp"
	host := b.conn.Host() + ":" + b.conn.Port()
	if b.conn.Port() == "" {
		network, host = "unix", b.conn.Host()
	}
	b.limit, err = newLimit(network, host, uint64(b.conn.Schema().Space("bench").ID))
	fmt.Printf("Tarantool %v, %d rounds of %v each\n\n", b.conn.Version(), b.rounds, b.each)
	return err
}

func (b *bench) run() error {
	for _, callers := range b.callers {
		for round := range b.rounds {
			if !b.noLimit {
				if err := b.one("limit", callers, round, func() (int, []time.Duration, error) {
					n, err := b.limit.run(callers, b.each)
					return n, nil, err
				}); err != nil {
					return err
				}
			}
			for _, c := range cases {
				if !b.want.MatchString(c.name) {
					continue
				}
				if err := b.one(c.name, callers, round, func() (int, []time.Duration, error) {
					return drive(b.conn, c, callers, b.each)
				}); err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
			}
		}
	}
	return nil
}

func (b *bench) one(name string, callers, round int, fn func() (int, []time.Duration, error)) error {
	writes := b.conn.Stats().Writes
	r, err := measure(fn)
	if err != nil {
		return err
	}
	r.Case, r.Callers, r.Round = name, callers, round
	r.Writes = float64(b.conn.Stats().Writes-writes) / (r.PerSec * b.each.Seconds())
	b.results = append(b.results, r)
	return nil
}

// report prints the medians, and the medians of the ratios to the limit of
// the same round.
func (b *bench) report(out *os.File) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	fmt.Fprintln(w, "callers\tcase\treq/s\t/limit\tCPU us\t/limit\tallocs\tbytes\tp50 us\tp99 us\tp99.9 us\twrites/req\t")
	for _, callers := range b.callers {
		for _, name := range b.names() {
			rows := b.pick(name, callers)
			if len(rows) == 0 {
				continue
			}
			of := func(field func(result) float64) float64 {
				var values []float64
				for _, r := range rows {
					values = append(values, field(r))
				}
				return median(values)
			}
			limits := b.pick("limit", callers)
			ratio := func(field func(result) float64) float64 {
				var values []float64
				for i, r := range rows {
					if i < len(limits) {
						values = append(values, field(r)/field(limits[i]))
					}
				}
				return median(values)
			}
			perSec := func(r result) float64 { return r.PerSec }
			cpu := func(r result) float64 { return r.CPU }
			fmt.Fprintf(w, "%d\t%s\t%.0f\t%.2f\t%.2f\t%.2f\t%.1f\t%.0f\t%.0f\t%.0f\t%.0f\t%.3f\t\n", callers, name,
				of(perSec), ratio(perSec), of(cpu), ratio(cpu),
				of(func(r result) float64 { return r.Allocs }), of(func(r result) float64 { return r.Bytes }),
				of(func(r result) float64 { return r.P50 }), of(func(r result) float64 { return r.P99 }),
				of(func(r result) float64 { return r.P999 }), of(func(r result) float64 { return r.Writes }))
		}
	}
}

func (b *bench) names() []string {
	names := []string{"limit"}
	for _, c := range cases {
		names = append(names, c.name)
	}
	return names
}

func (b *bench) pick(name string, callers int) (rows []result) {
	for _, r := range b.results {
		if r.Case == name && r.Callers == callers {
			rows = append(rows, r)
		}
	}
	return rows
}
