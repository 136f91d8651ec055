package cdc

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
)

// benchRows are in transactions of 50.
const benchRows = 200_000

const writeBenchRows = `
local s = box.schema.space.create('s', {if_not_exists = true, format = {{name = 'id', type = 'unsigned'}, {name = 'text', type = 'string'}}})
s:create_index('pk', {if_not_exists = true})
if s:len() == 0 then
    local text = string.rep('x', 80)
    for i = 0, 200000 / 50 - 1 do
        box.begin() for j = 1, 50 do s:replace({i * 50 + j, text}) end box.commit()
    end
end`

// readLog is Tarantool's own reader of the same log, by its files.
const readLog = `
local clock, n, start = require('clock'), 0, require('clock').monotonic()
for i = 2, #arg do for _, row in require('xlog').pairs(arg[i]) do n = n + 1 end end
print(n, clock.monotonic() - start)
os.exit(0)`

// readAsReplica is Tarantool's own follower: an anonymous replica of the same
// version that starts where the log does, and keeps what comes in memory.
const readAsReplica = `
local clock = require('clock')
local start = clock.monotonic()
box.cfg{replication = arg[2], replication_anon = true, read_only = true, wal_mode = 'none', log = 'log',
    work_dir = arg[1], memtx_memory = 512 * 1024 * 1024}
while box.space.s == nil or box.space.s:len() < 200000 do require('fiber').sleep(0.001) end
print(box.space.s:len(), clock.monotonic() - start)
os.exit(0)`

// BenchmarkFeed reads the log of a server from its origin, in turn with the
// server's own reader of its files and with a replica of it: rows a second of
// each. The replica's time has its start, and that of the feed its connecting.
func BenchmarkFeed(b *testing.B) {
	for _, p := range tarantool.Programs(b) {
		b.Run(p.Version.String(), func(b *testing.B) {
			s, err := tarantool.StartLogging(p.Path, "{}", writeBenchRows)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			logs, err := filepath.Glob(filepath.Join(s.Dir(), "*.xlog"))
			if err != nil || len(logs) == 0 {
				b.Fatalf("logs %v, %v", logs, err)
			}
			var own, files, replica time.Duration
			rounds := 0
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				readFeed(b, s.Address)
				own += time.Since(start)
				b.StopTimer()
				files += runLua(b, p.Path, readLog, logs...)
				replica += runLua(b, p.Path, readAsReplica, "guest@unix/:"+s.Address)
				rounds++
				b.StartTimer()
			}
			for unit, took := range map[string]time.Duration{"rows/s": own, "xlog-rows/s": files, "replica-rows/s": replica} {
				b.ReportMetric(float64(rounds*benchRows)/took.Seconds(), unit)
			}
		})
	}
}

func readFeed(b *testing.B, address string) {
	b.Helper()
	f := Stream(b.Context(), []tnt.Options{{Address: address}}, Options{From: Origin, Consumer: uuid.New()})
	got := 0
	for tx, err := range f.All() {
		if err != nil {
			b.Fatal(err)
		}
		for i := range tx.Changes {
			if tx.Changes[i].Op == Replace {
				got++
			}
		}
		if got == benchRows {
			return
		}
	}
}

// runLua runs a script in a directory of its own, its first argument. The
// script prints how many rows it read, and in how many seconds.
func runLua(b *testing.B, program, script string, args ...string) time.Duration {
	b.Helper()
	dir := b.TempDir()
	cmd := exec.Command(program, append([]string{"-", dir}, args...)...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(script)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) != 2 {
		b.Fatalf("%q, %v: %s", out, err, &errs)
	}
	rows, err1 := strconv.Atoi(fields[0])
	seconds, err2 := strconv.ParseFloat(fields[1], 64)
	if err1 != nil || err2 != nil || rows < benchRows {
		b.Fatalf("%q", fields)
	}
	return time.Duration(seconds * float64(time.Second))
}
