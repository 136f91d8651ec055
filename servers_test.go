package tnt_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
)

// setup is what every server of these tests holds.
const setup = `
box.schema.space.create('tester', {if_not_exists = true, format = {
    {name = 'id', type = 'unsigned'}, {name = 'name', type = 'string'},
    {name = 'age', type = 'integer', is_nullable = true},
    {name = 'extra', type = 'any', is_nullable = true}}})
box.space.tester:create_index('primary', {parts = {{1, 'unsigned'}}, if_not_exists = true})
box.space.tester:create_index('name', {parts = {{2, 'string'}}, unique = false, if_not_exists = true})
box.space.tester:create_index('name_id', {parts = {{2, 'string'}, {1, 'unsigned'}}, if_not_exists = true})
box.schema.space.create('no_format', {if_not_exists = true})
box.space.no_format:create_index('primary', {parts = {{1, 'unsigned'}}, if_not_exists = true})
box.schema.space.create('hashed', {if_not_exists = true, format = {{name = 'id', type = 'unsigned'}}})
box.space.hashed:create_index('primary', {type = 'hash', parts = {{1, 'unsigned'}}, if_not_exists = true})
box.schema.space.create('limited', {if_not_exists = true, temporary = true, field_count = 2})
box.schema.user.create('alice', {password = 's3cret', if_not_exists = true})
box.schema.user.grant('alice', 'read,write,execute', 'universe', nil, {if_not_exists = true})

local fiber = require('fiber')
function echo(...) return ... end
function none() end
function wait(seconds) fiber.sleep(seconds) return 'done' end
local gate = fiber.cond()
function hold() gate:wait(30) return 'done' end
function release() gate:broadcast() end
function fail(message) error(message) end
function push(n, pause)
    for i = 1, n do
        box.session.push({i, i * i})
        if pause then fiber.sleep(pause) end
    end
    return 'end'
end
function push_fail(n) for i = 1, n do box.session.push(i) end error('broke') end
function raise(code, reason) box.error({code = code, reason = reason}) end
`

// program is a Tarantool to test with, and the server of it that tests share.
type program struct {
	tarantool.Program
	shared *tarantool.Server
}

var programs []*program

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	found, err := tarantool.Find()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot use a tarantool:", err)
		return 1
	}
	for _, p := range found {
		shared, err := tarantool.Start(p.Path, setup)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer shared.Close()
		programs = append(programs, &program{Program: p, shared: shared})
		fmt.Printf("testing with Tarantool %v (%s)\n", p.Version, p.Path)
	}
	if len(programs) == 0 {
		fmt.Println("testing without a real server: none on PATH nor in TARANTOOL")
	}
	code := m.Run()
	for _, p := range programs {
		_ = p.shared.Close()
	}
	if code == 0 {
		if err := goleak.Find(goleak.IgnoreAnyFunction("github.com/gotnt/tnt/internal/tarantool.(*Server).Run.func1")); err != nil {
			fmt.Fprintln(os.Stderr, "goroutines left:", err)
			return 1
		}
	}
	return code
}

// onServers runs a test on every real server.
func onServers(t *testing.T, test func(t *testing.T, p *program)) {
	t.Helper()
	if len(programs) == 0 {
		t.Skip("no real server: none on PATH nor in TARANTOOL")
	}
	for _, p := range programs {
		t.Run(p.Version.String(), func(t *testing.T) { test(t, p) })
	}
}

// onServersWith runs a test on every real server of that version or later.
func onServersWith(t *testing.T, major, minor int, test func(t *testing.T, p *program)) {
	t.Helper()
	onServers(t, func(t *testing.T, p *program) {
		if !p.Version.AtLeast(major, minor, 0) {
			t.Skipf("takes Tarantool %d.%d, this is %v", major, minor, p.Version)
		}
		test(t, p)
	})
}

// ownServer starts a server for a test that ends or stops it.
func ownServer(t *testing.T, p *program) *tarantool.Server {
	t.Helper()
	s, err := tarantool.Start(p.Path, setup)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// connect connects for a test, and disconnects after it.
func connect(t *testing.T, opts tnt.Options) *tnt.Conn {
	t.Helper()
	conn, err := tnt.ConnectOptions(testContext(t), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { disconnect(t, conn) })
	return conn
}

func disconnect(t *testing.T, conn *tnt.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := conn.Disconnect(ctx); err != nil {
		t.Errorf("disconnect: %v", err)
	}
}

// shared connects to the shared server with empty spaces.
func shared(t *testing.T, p *program) *tnt.Conn {
	t.Helper()
	conn := connect(t, tnt.Options{Address: p.shared.Address})
	if _, err := conn.Eval(testContext(t), "box.space.tester:truncate() box.space.no_format:truncate() box.space.hashed:truncate()"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// testContext bounds what a test waits for.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits until what holds. It is for what has no event to wait for,
// such as a server's own state.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
