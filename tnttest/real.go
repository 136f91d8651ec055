package tnttest

import (
	"cmp"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/iproto"
)

// RealTB is what RunReal needs of *testing.T and its kin, besides TB.
type RealTB interface {
	TB
	Skipf(format string, args ...any)
}

// Real is a real Tarantool that RunReal started.
type Real struct {
	server  *tarantool.Server
	path    string
	version iproto.Version
}

// RunReal starts a real Tarantool for a test, with the schema, and ends it with
// the test. It takes the newest of the program tarantool on PATH and those that
// the environment's TARANTOOL lists, as PATH lists folders. Where there is none
// it skips the test and says so; one that does not start fails it.
//
// The server listens on a free port of 127.0.0.1, keeps its files in a folder of
// its own that is removed with it, and lets guest do everything.
func RunReal(tb RealTB, schema Schema) *Real {
	tb.Helper()
	programs, err := tarantool.Find()
	if err != nil {
		tb.Fatalf("tnttest: %v", err)
		return nil
	}
	if len(programs) == 0 {
		tb.Skipf("tnttest: no real server: the program tarantool is not on PATH, and TARANTOOL, a list of such programs, is %q",
			os.Getenv("TARANTOOL"))
		return nil
	}
	newest := slices.MaxFunc(programs, func(a, b tarantool.Program) int {
		return cmp.Or(cmp.Compare(a.Version.Major, b.Version.Major), cmp.Compare(a.Version.Minor, b.Version.Minor),
			cmp.Compare(a.Version.Patch, b.Version.Patch))
	})
	lua, err := schema.Lua()
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	srv, err := tarantool.Start(newest.Path, lua)
	if err != nil {
		tb.Fatalf("tnttest: %v", err)
		return nil
	}
	tb.Cleanup(func() { _ = srv.Close() })
	return &Real{server: srv, path: newest.Path, version: newest.Version}
}

// Addr returns the address that the server listens on.
func (r *Real) Addr() string { return r.server.Address }

// URL returns the address as a URL: tarantool://127.0.0.1:3301.
func (r *Real) URL() string { return "tarantool://" + r.Addr() }

// UserURL returns the address as a URL with a user to log in as.
func (r *Real) UserURL(name, password string) string {
	u := url.URL{Scheme: "tarantool", Host: r.Addr(), User: url.UserPassword(name, password)}
	return u.String()
}

// Version returns the version of the server.
func (r *Real) Version() iproto.Version { return r.version }

// Binary returns the path of the server's program.
func (r *Real) Binary() string { return filepath.Clean(r.path) }

// Kill ends the server at once, as a crash does, and waits for its end.
func (r *Real) Kill() { r.server.Kill() }

// Restart starts a server that was killed again, at the same address and with
// the schema. What it held is gone.
func (r *Real) Restart() error { return r.server.Run() }

// Pause makes the server stand still, as SIGSTOP does; Resume lets it go on.
func (r *Real) Pause() { r.server.Pause() }

// Resume lets a paused server go on.
func (r *Real) Resume() { r.server.Resume() }
