package tnt_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gotnt/tnt"
)

// prepared returns how many statements the server holds prepared.
func prepared(t *testing.T, conn *tnt.Conn) int64 {
	t.Helper()
	return lua(t, conn, "return box.info.sql().cache.stmt_count")[0].(int64)
}

// hasPrepared waits until the server has released statements, which nobody is
// told of.
func hasPrepared(t *testing.T, conn *tnt.Conn, want int64) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d statements are prepared", want), func() bool { return prepared(t, conn) == want })
}

func TestStatementCache(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := connect(t, tnt.Options{Address: ownServer(t, p).Address})
		cache := tnt.NewStatementCache(conn, 2)
		run := func(n int) {
			resp, err := cache.Execute(testContext(t), fmt.Sprintf("SELECT ? + %d", n), 40)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "the result", rowsOf(t, resp), []any{ints(int64(40 + n))})
		}
		for range 3 {
			run(1)
		}
		equal(t, "prepared once", prepared(t, conn), int64(1))
		run(2)
		run(1) // so 2 is the one used longest ago
		run(3)
		equal(t, "kept", cache.Len(), 2)
		hasPrepared(t, conn, 2)
		resp, err := conn.Execute(testContext(t), "SELECT 1")
		if err != nil || resp.Len() != 1 {
			t.Error(err)
		}

		for name, statement := range map[string]string{"syntax": "SELEKT", "no table": `SELECT * FROM "nowhere"`} {
			for range 2 {
				if _, err := cache.Execute(testContext(t), statement); err == nil {
					t.Errorf("%s: no error", name)
				}
			}
		}
		if n := cache.Len(); n > 1 {
			t.Errorf("%d statements, after two that could not be prepared", n)
		}
		run(1)
		for range 2 {
			if err := cache.Close(testContext(t)); err != nil {
				t.Error(err)
			}
		}
		equal(t, "after Close", prepared(t, conn), int64(0))
		if _, err := cache.Execute(testContext(t), "SELECT 1"); err == nil || !tnt.SafeToRetry(err) {
			t.Errorf("closed: %v", err)
		}
	})
}

// TestStatementCacheShared has many goroutines push each other's statements
// out, some of which give up.
func TestStatementCacheShared(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := connect(t, tnt.Options{Address: ownServer(t, p).Address})
		cache := tnt.NewStatementCache(conn, 3)
		var wg sync.WaitGroup
		for g := range 16 {
			wg.Go(func() {
				for i := range 200 {
					n := (g + i) % 7
					ctx, cancel := context.WithCancel(testContext(t))
					if (g+i)%11 == 0 {
						cancel()
					}
					resp, err := cache.Execute(ctx, fmt.Sprintf("SELECT ? + %d", n), i)
					cancel()
					switch {
					case errors.Is(err, context.Canceled):
					case err != nil:
						t.Error(err)
						return
					default:
						equal(t, "the result", rowsOf(t, resp), []any{ints(int64(i + n))})
					}
				}
			})
		}
		wg.Wait()
		if n := cache.Len(); n > 3 {
			t.Errorf("%d statements are kept", n)
		}
		hasPrepared(t, conn, int64(cache.Len()))
	})
}

func TestStatementCacheSurvivesReconnect(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address, ReconnectInterval: 5 * time.Millisecond})
		cache := tnt.NewStatementCache(conn, 2)
		run := func() {
			t.Helper()
			for n := range 3 {
				resp, err := cache.Execute(testContext(t), fmt.Sprintf("SELECT ? + %d", n), 1)
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "the result", rowsOf(t, resp), []any{ints(int64(n + 1))})
			}
		}
		run()
		if err := conn.Reconnect(testContext(t)); err != nil {
			t.Fatal(err)
		}
		run()
		hasPrepared(t, conn, 2)
		s.Kill()
		if _, err := cache.Execute(testContext(t), "SELECT 1"); err == nil {
			t.Error("executed without a server")
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		works(t, conn)
		run()
		hasPrepared(t, conn, 2)
		s.Kill()
		if err := cache.Close(testContext(t)); err != nil {
			t.Errorf("close without a server: %v", err)
		}
	})
}

func TestStatementCacheInStream(t *testing.T) {
	onStreams(t, func(t *testing.T, p *program) {
		conn := sqlConn(t, p)
		cache := tnt.NewStatementCache(conn, 10)
		insert := `INSERT INTO "people" VALUES (?, ?, 1)`
		rows := func(ex tnt.Executor) int { return do(t, ex, tnt.Execute{Statement: `SELECT * FROM "people"`}).Len() }
		for i, end := range []string{"ROLLBACK", "COMMIT"} {
			stream := conn.Stream()
			for _, statement := range []string{"START TRANSACTION", insert, insert} {
				var args []any
				if statement == insert {
					args = []any{rows(stream) + 1, "x"}
				}
				if _, err := cache.ExecuteIn(testContext(t), stream, statement, args...); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
			equal(t, "inside", rows(stream), 2)
			equal(t, "outside", rows(conn), 0)
			if i == 0 { // and once by a statement that the server has forgotten
				id := do(t, conn, tnt.Prepare{Statement: insert}).StatementID()
				do(t, conn, tnt.Prepare{ID: id})
				if _, err := cache.ExecuteIn(testContext(t), stream, insert, 3, "x"); err != nil {
					t.Fatal(err)
				}
				equal(t, "inside", rows(stream), 3)
			}
			if _, err := cache.ExecuteIn(testContext(t), stream, end); err != nil {
				t.Fatal(err)
			}
		}
		equal(t, "committed", rows(conn), 2)

		one, err := conn.Prepare(testContext(t), insert)
		if err != nil {
			t.Fatal(err)
		}
		stream := conn.Stream()
		do(t, stream, tnt.Begin{})
		if _, err := one.ExecuteIn(testContext(t), stream, 9, "x"); err != nil {
			t.Fatal(err)
		}
		equal(t, "one statement inside", rows(stream), 3)
		do(t, stream, tnt.Rollback{})
		equal(t, "one statement rolled back", rows(conn), 2)
	})
}

// BenchmarkSQL compares a statement by its text with a cached one.
func BenchmarkSQL(b *testing.B) {
	for _, p := range programs {
		conn, err := tnt.ConnectOptions(b.Context(), tnt.Options{Address: p.shared.Address})
		if err != nil {
			b.Fatal(err)
		}
		cache := tnt.NewStatementCache(conn, 10)
		statement := `SELECT "id", "name", "engine" FROM "_vspace" WHERE "id" = ? AND "name" <> ? LIMIT 1`
		for name, execute := range map[string]func(context.Context, string, ...any) (tnt.Response, error){
			"text": conn.Execute, "cached": cache.Execute,
		} {
			b.Run(p.Version.String()+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := execute(b.Context(), statement, 280, "x"); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		if err := conn.Disconnect(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
