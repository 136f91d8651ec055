package tnt_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
)

// sqlConn returns a connection to a server with an SQL table PEOPLE. It has a
// session of its own, as settings do.
func sqlConn(t *testing.T, p *program) *tnt.Conn {
	t.Helper()
	conn := shared(t, p)
	if p.Version.AtLeast(2, 11, 0) {
		execute(t, conn, `SET SESSION "sql_seq_scan" = true`)
	}
	execute(t, conn, `DROP TABLE IF EXISTS "people"`)
	execute(t, conn, `CREATE TABLE "people" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "name" STRING COLLATE "unicode_ci", "age" INTEGER NOT NULL)`)
	return conn
}

func execute(t *testing.T, conn *tnt.Conn, statement string, args ...any) tnt.Response {
	t.Helper()
	resp, err := conn.Execute(testContext(t), statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return resp
}

func rowsOf(t *testing.T, resp tnt.Response) []any {
	t.Helper()
	rows, err := resp.Data()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestSQL(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := sqlConn(t, p)
		resp := execute(t, conn, `INSERT INTO "people" VALUES (NULL, 'ann', 30), (NULL, 'bob', 40), (10, 'cid', 50)`)
		equal(t, "row count", resp.RowCount(), uint64(3))
		equal(t, "generated ids", resp.AutoincrementIDs(), []int64{1, 2})
		equal(t, "no rows", resp.Len(), 0)
		if columns, err := resp.Columns(); columns != nil || err != nil {
			t.Errorf("columns of an INSERT: %v, %v", columns, err)
		}

		resp = execute(t, conn, `SELECT * FROM "people" ORDER BY "id"`)
		equal(t, "rows", rowsOf(t, resp), []any{
			[]any{int64(1), "ann", int64(30)}, []any{int64(2), "bob", int64(40)}, []any{int64(10), "cid", int64(50)},
		})
		equal(t, "no row count", resp.RowCount(), uint64(0))
		tuples, err := resp.Tuples()
		if err != nil {
			t.Fatal(err)
		}
		if name, err := tuples[1].Get("name"); name != "bob" || err != nil {
			t.Errorf("a column by name: %v, %v", name, err)
		}
		equal(t, "names", tuples[0].Names(), []string{"id", "name", "age"})

		equal(t, "updated", execute(t, conn, `UPDATE "people" SET "age" = "age" + 1 WHERE "age" > 35`).RowCount(), uint64(2))
		equal(t, "deleted", execute(t, conn, `DELETE FROM "people" WHERE "id" = 404`).RowCount(), uint64(0))
		if _, err := conn.Execute(testContext(t), `SELECT * FROM "nowhere"`); !errors.Is(err, errcode.NoSuchSpace) {
			t.Errorf("an unknown table: %v", err)
		}
		if _, err := conn.Execute(testContext(t), "SELEKT"); err == nil {
			t.Error("a syntax error succeeded")
		}
		if _, err := conn.Execute(testContext(t), `INSERT INTO "people" VALUES (10, 'dan', 1)`); !errors.Is(err, errcode.TupleFound) {
			t.Errorf("a duplicate: %v", err)
		}
	})
}

func TestSQLParameters(t *testing.T) {
	for name, test := range map[string]struct {
		statement string
		args      []any
		want      []any
	}{
		"none":               {"SELECT 1", nil, ints(1)},
		"positional":         {"SELECT ?, ?, ?", []any{1, "x", 2.5}, []any{int64(1), "x", 2.5}},
		"nil and bool":       {"SELECT ?, ?", []any{nil, true}, []any{nil, true}},
		"bytes":              {"SELECT ?", []any{[]byte("\x00\xff")}, []any{[]byte("\x00\xff")}},
		"named":              {"SELECT :a, :b", []any{tnt.Named("a", 1), tnt.Named("b", "x")}, []any{int64(1), "x"}},
		"named, any order":   {"SELECT :a, :b", []any{tnt.Named("b", "x"), tnt.Named("a", 1)}, []any{int64(1), "x"}},
		"named twice":        {"SELECT :a, :a", []any{tnt.Named("a", 1)}, ints(1, 1)},
		"with its sign":      {"SELECT :a, @b", []any{tnt.Named(":a", 1), tnt.Named("@b", 2)}, ints(1, 2)},
		"mixed":              {"SELECT ?, :a, ?", []any{1, tnt.Named("a", 2), 3}, ints(1, 2, 3)},
		"large and negative": {"SELECT ?, ?", []any{uint64(1 << 63), -5}, []any{uint64(1 << 63), int64(-5)}},
	} {
		onServers(t, func(t *testing.T, p *program) {
			t.Run(name, func(t *testing.T) {
				equal(t, "row", rowsOf(t, execute(t, shared(t, p), test.statement, test.args...)), []any{test.want})
			})
		})
	}
	onServers(t, func(t *testing.T, p *program) {
		if _, err := shared(t, p).Execute(testContext(t), "SELECT :a", tnt.Named("b", 1)); err == nil {
			t.Error("an unknown parameter succeeded")
		}
	})
}

func TestSQLMetadata(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := sqlConn(t, p)
		short, err := execute(t, conn, `SELECT "id", "name" FROM "people"`).Columns()
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "short", short, []tnt.Column{
			{Name: "id", Type: "integer", Span: "id"},
			{Name: "name", Type: "string", Span: "name"},
		})
		execute(t, conn, `SET SESSION "sql_full_metadata" = true`)
		full, err := execute(t, conn, `SELECT "id", "name" AS "n", "age", "age" + 1 AS "next" FROM "people"`).Columns()
		if err != nil {
			t.Fatal(err)
		}
		if len(full) != 4 {
			t.Fatalf("%d columns", len(full))
		}
		equal(t, "id", full[0], tnt.Column{Name: "id", Type: "integer", IsAutoincrement: true, Span: `"id"`})
		equal(t, "n", full[1], tnt.Column{Name: "n", Type: "string", Collation: "unicode_ci", IsNullable: true, Span: `"name"`})
		equal(t, "age", full[2], tnt.Column{Name: "age", Type: "integer", Span: `"age"`})
		equal(t, "next", full[3].Span, `"age" + 1`)
	})
}

func TestPrepared(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := sqlConn(t, p)
		insert, err := conn.Prepare(testContext(t), `INSERT INTO "people" VALUES (?, ?, :age)`)
		if err != nil {
			t.Fatal(err)
		}
		if insert.ID() == 0 {
			t.Error("no number")
		}
		params := insert.Params()
		if len(params) != 3 || params[0].Name != "?" || params[2].Name != ":age" || params[0].Type == "" {
			t.Errorf("the parameters are %+v", params)
		}
		for i := range 5 {
			resp, err := insert.Execute(testContext(t), i+1, "p", tnt.Named("age", i))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "row count", resp.RowCount(), uint64(1))
		}
		query, err := conn.Prepare(testContext(t), `SELECT "id", "age" FROM "people" WHERE "age" >= ? ORDER BY "id"`)
		if err != nil {
			t.Fatal(err)
		}
		if columns := query.Columns(); len(columns) != 2 || columns[0].Name != "id" || columns[1].Type != "integer" {
			t.Errorf("the columns are %+v", columns)
		}
		for least := range 5 {
			resp, err := query.Execute(testContext(t), least)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "rows", resp.Len(), 5-least)
		}
		type row struct {
			Age int `tnt:"age"`
			ID  int `tnt:"id"`
		}
		rows, err := tnt.All[row](testContext(t), conn, query.Bind(3))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "typed rows by name", rows, []row{{3, 4}, {4, 5}})

		// By its raw number, and released by it.
		equal(t, "by number", do(t, conn, tnt.Execute{ID: query.ID(), Args: []any{0}}).Len(), 5)
		for range 2 {
			if err := query.Close(testContext(t)); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		if _, err := query.Execute(testContext(t), 0); err == nil || !tnt.SafeToRetry(err) {
			t.Errorf("a closed statement: %v", err)
		}
		if _, err := conn.Do(testContext(t), tnt.Execute{ID: query.ID(), Args: []any{0}}); !errors.Is(err, errcode.WrongQueryID) {
			t.Errorf("a released number: %v", err)
		}
		if _, err := insert.Execute(testContext(t), 1, 2, 3, 4); err == nil || !strings.Contains(err.Error(), `INSERT INTO "people"`) {
			t.Errorf("an error doesn't tell its statement: %v", err)
		}
		if err := insert.Close(testContext(t)); err != nil {
			t.Error(err)
		}
		for _, req := range []tnt.Request{tnt.Execute{}, tnt.Prepare{}} {
			_, err := conn.Do(testContext(t), req)
			failsWith(t, req.Type().String(), err, "neither a statement nor")
		}
		if _, err := conn.Prepare(testContext(t), "SELEKT"); err == nil {
			t.Error("a syntax error was prepared")
		}
	})
}

// TestPreparedAutoincrement is not for old servers: 2.6.0 keeps the generated
// ids of earlier runs in memory that it has freed, and hangs.
func TestPreparedAutoincrement(t *testing.T) {
	onServersWith(t, 2, 11, func(t *testing.T, p *program) {
		conn := sqlConn(t, p)
		insert, err := conn.Prepare(testContext(t), `INSERT INTO "people" VALUES (NULL, ?, 1)`)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			resp, err := insert.Execute(testContext(t), "p")
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "generated id", resp.AutoincrementIDs(), []int64{int64(i) + 1})
		}
	})
}

func TestRawPrepare(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		id := do(t, conn, tnt.Prepare{Statement: "SELECT ? + 1"}).StatementID()
		equal(t, "a second time", do(t, conn, tnt.Prepare{Statement: "SELECT ? + 1"}).StatementID(), id)
		equal(t, "the result", data(t, conn, tnt.Execute{ID: id, Args: []any{41}}), []any{ints(42)})
		do(t, conn, tnt.Prepare{ID: id})
		if _, err := conn.Do(testContext(t), tnt.Prepare{ID: id}); !errors.Is(err, errcode.WrongQueryID) {
			t.Errorf("released twice: %v", err)
		}
	})
}

// TestPreparedSurvivesReconnect uses a statement that the server forgot.
func TestPreparedSurvivesReconnect(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address, ReconnectInterval: 5 * time.Millisecond})
		query, err := conn.Prepare(testContext(t), "SELECT ? * 2")
		if err != nil {
			t.Fatal(err)
		}
		s.Kill()
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		works(t, conn)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				resp, err := query.Execute(testContext(t), i)
				if err != nil {
					t.Error(err)
					return
				}
				rows, _ := resp.Data()
				equal(t, "the result", rows, []any{ints(int64(2 * i))})
			})
		}
		wg.Wait()
		if err := query.Close(testContext(t)); err != nil {
			t.Error(err)
		}

		again, err := conn.Prepare(testContext(t), "SELECT ? * 3")
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Reconnect(testContext(t)); err != nil {
			t.Fatal(err)
		}
		if err := again.Close(testContext(t)); err != nil {
			t.Errorf("closing what went with its session: %v", err)
		}
	})
}
