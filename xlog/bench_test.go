package xlog

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gotnt/tnt/internal/tarantool"
)

// writeLogs makes a server write logs of rows of about a hundred bytes, alone
// and in transactions of a hundred.
const writeLogs = `
box.cfg{wal_dir = arg[1], memtx_dir = arg[1], vinyl_dir = arg[1], log = arg[1] .. '/log', wal_mode = 'write'}
local s = box.schema.space.create('s')
s:create_index('pk')
local text = string.rep('x', 80)
for i = 1, 20000 do s:replace({i, text}) end
for i = 1, 1800 do
    box.begin()
    for j = 1, 100 do s:replace({i * 100 + j, text, j}) end
    box.commit()
end
os.exit(0)
`

// readLogs counts the rows of a log and the time that Tarantool's own reader
// takes for them.
const readLogs = `
local clock, xlog = require('clock'), require('xlog')
local n, start = 0, clock.monotonic()
for _, path in ipairs(arg) do for _, row in xlog.pairs(path) do n = n + 1 end end
print(n, clock.monotonic() - start)
os.exit(0)
`

// BenchmarkReader reads the logs of each server that is found, beside the
// server's own reader: rows/s and tarantool-rows/s.
func BenchmarkReader(b *testing.B) {
	for _, p := range tarantool.Programs(b) {
		b.Run(p.Version.String(), func(b *testing.B) {
			dir := b.TempDir()
			run(b, p.Path, writeLogs, dir)
			paths, err := filepath.Glob(filepath.Join(dir, "*.xlog"))
			if err != nil || len(paths) == 0 {
				b.Fatalf("logs %v, %v", paths, err)
			}
			rows, own, seconds := 0, 0, 0.0
			for b.Loop() { // in turn, so that a loaded machine is one for both
				rows += countRows(b, paths)
				b.StopTimer()
				fields := strings.Fields(run(b, p.Path, readLogs, paths...))
				n, err1 := strconv.Atoi(fields[0])
				took, err2 := strconv.ParseFloat(fields[1], 64)
				if err1 != nil || err2 != nil {
					b.Fatalf("%q", fields)
				}
				own, seconds = own+n, seconds+took
				b.StartTimer()
			}
			if rows != own {
				b.Fatalf("%d rows, %d by Tarantool", rows, own)
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(own)/seconds, "tarantool-rows/s")
		})
	}
}

// countRows reads logs, and of each row what the server's reader decodes too:
// its space and its tuple.
func countRows(b *testing.B, paths []string) (rows int) {
	b.Helper()
	for _, path := range paths {
		r, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		for row, err := range r.Rows() {
			if err != nil {
				b.Fatal(err)
			}
			if _, err := row.Data(); err != nil {
				b.Fatal(err)
			}
			rows++
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	return rows
}

func run(b *testing.B, program, script string, args ...string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "script.lua")
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(program, append([]string{path}, args...)...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(fmt.Errorf("%s: %w: %s", program, err, errs.String()))
	}
	return string(out)
}
