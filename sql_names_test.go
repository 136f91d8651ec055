package tnt_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/types"
)

// TestPreparedSurvivesDDL executes statements that have expired.
func TestPreparedSurvivesDDL(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := sqlConn(t, p)
		execute(t, conn, `INSERT INTO "people" VALUES (1, 'ann', 30)`)
		const statement = `SELECT * FROM "people" WHERE "id" = ?`
		prepared, err := conn.Prepare(testContext(t), statement)
		if err != nil {
			t.Fatal(err)
		}
		cache := tnt.NewStatementCache(conn, 10)
		for i, change := range []string{
			`CREATE TABLE "ddl" ("id" INTEGER PRIMARY KEY)`,
			`DROP TABLE "ddl"`,
			`CREATE INDEX "by_age" ON "people" ("age")`,
			`ALTER TABLE "people" RENAME TO "folk"`,
			`ALTER TABLE "folk" RENAME TO "people"`,
		} {
			if _, err := cache.Execute(testContext(t), statement, 1); err != nil && i != 4 {
				t.Errorf("the cache, before %s: %v", change, err)
			}
			execute(t, conn, change)
			if i == 3 {
				if _, err := prepared.Execute(testContext(t), 1); err == nil {
					t.Error("on a table that is gone: no error")
				}
				continue
			}
			resp, err := prepared.Execute(testContext(t), 1)
			if err != nil || len(rowsOf(t, resp)) != 1 {
				t.Errorf("prepared, after %s: %v", change, err)
			}
			resp, err = cache.Execute(testContext(t), statement, 1)
			if err != nil || len(rowsOf(t, resp)) != 1 {
				t.Errorf("the cache, after %s: %v", change, err)
			}
		}
		// Columns that came since are those of the statement then.
		execute(t, conn, `DROP TABLE "people"`)
		execute(t, conn, `CREATE TABLE "people" ("id" INTEGER PRIMARY KEY, "name" STRING, "age" INTEGER, "more" STRING)`)
		execute(t, conn, `CREATE INDEX "by_age" ON "people" ("age")`)
		if _, err := prepared.Execute(testContext(t), 1); err != nil {
			t.Fatal(err)
		}
		if n := len(prepared.Columns()); n != 4 {
			t.Errorf("the statement has %d columns", n)
		}
		// Both survive the loss of the session.
		if err := conn.Reconnect(testContext(t)); err != nil {
			t.Fatal(err)
		}
		execute(t, conn, `DROP INDEX "by_age" ON "people"`)
		if p.Version.AtLeast(2, 11, 0) {
			execute(t, conn, `SET SESSION "sql_seq_scan" = true`)
		}
		if _, err := prepared.Execute(testContext(t), 1); err != nil {
			t.Errorf("prepared, after a reconnect: %v", err)
		}
		if _, err := cache.Execute(testContext(t), statement, 1); err != nil {
			t.Errorf("the cache, after a reconnect: %v", err)
		}
		if p.Version.AtLeast(2, 10, 0) {
			stream := conn.Stream()
			execute(t, conn, `CREATE TABLE "ddl" ("id" INTEGER PRIMARY KEY)`)
			if _, err := prepared.ExecuteIn(testContext(t), stream, 1); err != nil {
				t.Errorf("in a stream: %v", err)
			}
			execute(t, conn, `DROP TABLE "ddl"`)
			if _, err := cache.ExecuteIn(testContext(t), stream, statement, 1); err != nil {
				t.Errorf("the cache, in a stream: %v", err)
			}
		}
	})
}

// TestStatementCacheOfAFullServer goes beyond what the server has room for.
func TestStatementCacheOfAFullServer(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address})
		lua(t, conn, "box.cfg{sql_cache_size = 30000}")
		cache := tnt.NewStatementCache(conn, 1000)
		prepared, err := tnt.NewPrepared(testContext(t), conn, "SELECT 'prepared', ?")
		if err != nil {
			t.Fatal(err)
		}
		for round := range 2 {
			for i := range 50 {
				statement := fmt.Sprintf("SELECT %d, ?", i)
				resp, err := cache.Execute(testContext(t), statement, "x")
				if err != nil {
					t.Fatalf("statement %d: %v", i, err)
				}
				equal(t, "its row", rowsOf(t, resp), []any{[]any{int64(i), "x"}})
			}
			if n := cache.Len(); n == 0 || n >= 50 {
				t.Errorf("round %d: %d statements are prepared", round, n)
			}
			lua(t, conn, "box.schema.space.create('ddl'):drop()") // all expire
		}
		// What is known here, and no longer there, finds no room either.
		if err := conn.Reconnect(testContext(t)); err != nil {
			t.Fatal(err)
		}
		other := connect(t, tnt.Options{Address: s.Address})
		fill := tnt.NewStatementCache(other, 1000)
		for i := range 50 {
			if _, err := fill.Execute(testContext(t), fmt.Sprintf("SELECT 1000 + %d", i)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 50 {
			if _, err := cache.Execute(testContext(t), fmt.Sprintf("SELECT %d, ?", i), "x"); err != nil {
				t.Fatalf("statement %d, after a reconnect: %v", i, err)
			}
		}
		if resp, err := prepared.Execute(testContext(t), "x"); err != nil || len(rowsOf(t, resp)) != 1 {
			t.Errorf("a Prepared: %v", err)
		}
	})
}

// TestSQLParametersOfOldServers are refused where they would crash the server, which
// is alive afterwards.
func TestSQLParametersOfOldServers(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address, ReconnectInterval: tnt.Never, PingInterval: tnt.Never})
		pi := decimal.RequireFromString("3.14")
		for name, arg := range map[string]any{
			"decimal": pi, "pointer": &pi, "named": tnt.Named("a", pi), "sql.Named": sql.Named("a", pi), "map": map[string]any{"a": pi},
			"UUID": uuid.New(), "datetime": time.Now(), "interval": types.Interval{Day: 1}, "null": decimal.NullDecimal{Decimal: pi, Valid: true},
			"error": &tnt.Error{Type: "X", Message: "y"},
		} {
			statement := "SELECT ?"
			switch name {
			case "named", "sql.Named", "map":
				statement = "SELECT :a"
			}
			before := conn.Stats().Requests
			_, err := conn.Execute(testContext(t), statement, arg)
			var lacks *tnt.FeatureError
			switch {
			case !p.Version.AtLeast(2, 10, 0) && (!errors.As(err, &lacks) || !tnt.SafeToRetry(err) || tnt.IsTransient(err) || conn.Stats().Requests != before):
				t.Errorf("%s: %v", name, err)
			case p.Version.AtLeast(2, 10, 0) && errors.As(err, &lacks):
				t.Errorf("%s: %v", name, err)
			}
			// In a list or a map it is the server's to refuse.
			_, _ = conn.Execute(testContext(t), "SELECT ?", []any{arg}, 1)
			_, _ = conn.Execute(testContext(t), "SELECT ?", map[int]any{1: arg})
		}
		if err := conn.Ping(testContext(t)); err != nil {
			t.Errorf("the server: %v", err)
		}
	})
}

// TestLongDecimalsOfOldServers are refused in every request.
func TestLongDecimalsOfOldServers(t *testing.T) {
	long := decimal.RequireFromString("1." + strings.Repeat("7", 38)) // 39 digits
	fits := decimal.RequireFromString("-1." + strings.Repeat("7", 37))
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address, ReconnectInterval: tnt.Never, PingInterval: tnt.Never})
		for _, d := range []decimal.Decimal{fits, long} {
			for _, req := range []tnt.Request{
				tnt.Call{Function: "echo", Args: []any{d}},
				tnt.Call16{Function: "echo", Args: []any{[]any{map[string]any{"a": d}}}},
				tnt.Eval{Expr: "return 1", Args: []any{d}},
				tnt.Execute{Statement: "SELECT ?", Args: []any{d}},
				tnt.Insert{Space: "no_format", Tuple: []any{1, d}},
				tnt.Replace{Space: "tester", Tuple: map[string]any{"id": 1, "name": "x", "extra": []any{d}}},
				tnt.Update{Space: "no_format", Key: tnt.K(1), Ops: []tnt.Op{tnt.OpAssign(1, d)}},
				tnt.Update{Space: "no_format", Key: tnt.K(d)},
				tnt.Upsert{Space: "no_format", Tuple: []any{1}, Ops: []tnt.Op{tnt.OpAdd(1, d)}},
				tnt.Delete{Space: "no_format", Key: tnt.K(d)},
				tnt.Select{Space: "no_format", Key: tnt.Parts(d)},
			} {
				before := conn.Stats().Requests
				for how, err := range map[string]error{
					"Do":    tnt.Exec(testContext(t), conn, req),
					"Go":    errorOf(conn.Go(testContext(t), req).Wait(testContext(t))),
					"Batch": conn.Batch(testContext(t), req)[0].Err,
				} {
					var lacks *tnt.FeatureError
					refused := errors.As(err, &lacks) && tnt.SafeToRetry(err)
					wants := !p.Version.AtLeast(3, 5, 0) && d.NumDigits() > 38 ||
						!p.Version.AtLeast(2, 10, 0) && req.Type().String() == "EXECUTE"
					if refused != wants {
						t.Errorf("%d digits, %s of %T: %v", d.NumDigits(), how, req, err)
					}
					if wants && conn.Stats().Requests != before {
						t.Errorf("%d digits, %s of %T was sent", d.NumDigits(), how, req)
					}
				}
			}
		}
		if err := conn.Ping(testContext(t)); err != nil {
			t.Errorf("the server: %v", err)
		}
	})
}

func errorOf(_ tnt.Response, err error) error { return err }

// TestSQLNames has parameters by their names in all forms, and columns whose names
// are there twice.
func TestSQLNames(t *testing.T) {
	type params map[string]int
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for name, test := range map[string]struct {
			statement string
			args      []any
		}{
			"a map":            {"SELECT :a, @b", []any{map[string]any{"a": 1, "@b": 2}}},
			"a map of ints":    {"SELECT :a, :b", []any{map[string]int{"a": 1, "b": 2}}},
			"a named map":      {"SELECT :a, :b", []any{params{"a": 1, ":b": 2}}},
			"sql.Named":        {"SELECT :a, :b", []any{sql.Named("b", 2), sql.Named("a", 1)}},
			"a map and others": {"SELECT ?, :b", []any{1, map[string]any{"b": 2}}},
			"a list with ...":  {"SELECT ?, ?", []any{1, 2}},
		} {
			equal(t, name, rowsOf(t, execute(t, conn, test.statement, test.args...)), []any{ints(1, 2)})
			prepared, err := conn.Prepare(testContext(t), test.statement)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := prepared.Execute(testContext(t), test.args...)
			if err != nil {
				t.Errorf("prepared, %s: %v", name, err)
				continue
			}
			equal(t, "prepared, "+name, rowsOf(t, resp), []any{ints(1, 2)})
		}
		for _, test := range []struct {
			arg  any
			says string
		}{
			{[]any{1, 2}, "args..."},
			{tnt.Named("$a", 1), ":name"},
			{map[string]any{"$a": 1}, ":name"},
			{tnt.Named("", 1), "no name"},
			{tnt.Named("::a", 1), "no name"},
		} {
			before := conn.Stats().Requests
			_, err := conn.Execute(testContext(t), "SELECT :a", test.arg)
			failsWith(t, fmt.Sprintf("%v", test.arg), err, test.says)
			if conn.Stats().Requests != before || !tnt.SafeToRetry(err) {
				t.Errorf("%v was sent", test.arg)
			}
		}

		const twice = `SELECT 1 AS "a", 2 AS "a", 3 AS "b"`
		req := tnt.Execute{Statement: twice}
		type byName struct {
			A int `tnt:"a"`
			B int `tnt:"b"`
		}
		if got, err := tnt.One[byName](testContext(t), conn, req); err == nil {
			t.Errorf("a struct took one of two columns of a name: %+v", got)
		}
		if got, err := tnt.One[map[string]any](testContext(t), conn, req); err == nil {
			t.Errorf("a map took one of two columns of a name: %v", got)
		}
		onlyB, err := tnt.One[struct {
			B int `tnt:"b"`
		}](testContext(t), conn, req)
		if err != nil || onlyB.B != 3 {
			t.Errorf("the column whose name is there once: %v, %v", onlyB, err)
		}
		byPosition, err := tnt.One[[3]int](testContext(t), conn, req)
		if err != nil || byPosition != [3]int{1, 2, 3} {
			t.Errorf("by position: %v, %v", byPosition, err)
		}
		columns, err := execute(t, conn, twice).Columns()
		if err != nil || len(columns) != 3 || columns[1].Name != "a" {
			t.Errorf("columns: %v, %v", columns, err)
		}
		tuples, err := execute(t, conn, twice).Tuples()
		if err != nil {
			t.Fatal(err)
		}
		if v, err := tuples[0].Get("a"); err == nil {
			t.Errorf("a Tuple gave one of two columns of a name: %v", v)
		}
		if v, err := tuples[0].Map(); err == nil {
			t.Errorf("Map left one out: %v", v)
		}
	})
}
