// Command bench measures the connector side by side with the bare limit of
// the wire, in the same run: requests a second, client CPU time, allocations
// and latency a request.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
)

const setup = `
local fiber = require('fiber')
if fiber.set_max_slice then fiber.set_max_slice(60) end -- the machine may be busy
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
function get(id) return box.space.bench:get(id) end
function nap(n) fiber.sleep(n) end
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
	callers := flag.String("callers", "1,16,256,4096", "numbers of callers")
	rounds := flag.Int("rounds", 5, "interleaved rounds")
	each := flag.Duration("time", 500*time.Millisecond, "time of a case in a round")
	out := flag.String("json", "", "file for the results of every round")
	benchfmt := flag.String("benchfmt", "", "file for the same in the form that benchstat compares")
	profiles := flag.String("profiles", "", "directory for a CPU profile of each case")
	clients := flag.Int("http-clients", 0, "be the clients of the HTTP server at -url, for -time: used by the HTTP cases themselves")
	cancel := flag.Bool("cancel", false, "measure no case but how soon callers return who are cancelled")
	short := flag.Bool("short", false, "leave out large answers, idle connections and starvation")
	flag.Parse()

	if *clients > 0 {
		return runHTTPClients(*url, *clients, *each, os.Stdout)
	}
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
	if *cancel {
		return b.cancelled(os.Stdout)
	}
	if err := b.run(); err != nil {
		return err
	}
	b.report(os.Stdout)
	if *profiles != "" {
		if err := b.profile(*profiles); err != nil {
			return err
		}
	}
	if !*short {
		if err := b.extra(os.Stdout); err != nil {
			return err
		}
	}
	return b.save(*benchfmt, *out)
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
