package cdc

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// setup is what a server of these tests holds.
const setup = `
box.once('spaces', function()
    local s = box.schema.space.create('goods', {format = {
        {name = 'id', type = 'unsigned'}, {name = 'name', type = 'string'}, {name = 'price', type = 'number', is_nullable = true}}})
    s:create_index('pk')
    for i = 1, 1000 do s:insert({i, 'row ' .. i, i / 2}) end
    local v = box.schema.space.create('places', {engine = 'vinyl', format = {{name = 'id', type = 'unsigned'}, {name = 'town', type = 'string'}}})
    v:create_index('pk')
    v:insert({1, 'Riga'})
end)
function state(name)
    local rows = {}
    for _, t in box.space[name]:pairs() do table.insert(rows, t) end
    return rows
end
`

// onServers runs a test on every real server, each with one of its own.
func onServers(t *testing.T, cfg string, test func(t *testing.T, p tarantool.Program, s *tarantool.Server)) {
	t.Helper()
	t.Parallel()
	for _, p := range tarantool.Programs(t) {
		t.Run(p.Version.String(), func(t *testing.T) {
			t.Parallel()
			test(t, p, startServer(t, p, cfg))
		})
	}
}

func startServer(t *testing.T, p tarantool.Program, cfg string) *tarantool.Server {
	t.Helper()
	s, err := tarantool.StartLogging(p.Path, cfg, setup)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func connect(t *testing.T, s *tarantool.Server) *tnt.Conn {
	t.Helper()
	conn, err := tnt.ConnectOptions(testContext(t), tnt.Options{Address: s.Address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := conn.Disconnect(ctx); err != nil {
			t.Errorf("disconnect: %v", err)
		}
	})
	return conn
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func eval(t *testing.T, conn *tnt.Conn, script string, args ...any) {
	t.Helper()
	if _, err := conn.Eval(testContext(t), script, args...); err != nil {
		t.Fatal(err)
	}
}

func at(s *tarantool.Server) []tnt.Options { return []tnt.Options{{Address: s.Address}} }

// take reads transactions of the log until one satisfies.
func take(t *testing.T, f *Feed, until func(*Tx) bool) (txs []*Tx) {
	t.Helper()
	for tx, err := range f.All() {
		if err != nil {
			t.Fatal(err)
		}
		txs = append(txs, tx)
		if until(tx) {
			return txs
		}
	}
	t.Fatal("the feed ended")
	return nil
}
