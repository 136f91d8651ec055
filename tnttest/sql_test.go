package tnttest_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/internal/golden"
)

// t1 is a row of the table in the recordings.
type t1 struct {
	ID   int      `tnt:"id"`
	Name string   `tnt:"name"`
	D    *float64 `tnt:"d"`
	B    bool     `tnt:"b"`
}

// handleRecorded registers what answers the statements of the recordings as the
// real server did.
func handleRecorded(t *testing.T, srv *tnttest.Server) {
	t.Helper()
	d := 1.5
	full := []tnttest.Column{
		{Name: "id", Type: "integer", Nullable: new(false), AutoIncrement: true, Span: "id"},
		{Name: "name", Type: "string", Collation: "unicode_ci", Nullable: new(true), Span: "name"},
	}
	for text, h := range map[string]any{
		"DROP TABLE IF EXISTS t1": func() {},
		"CREATE TABLE t1 (id INTEGER PRIMARY KEY AUTOINCREMENT, name STRING COLLATE \"unicode_ci\", d DOUBLE, b BOOLEAN DEFAULT TRUE)": func() int { return 1 },
		"INSERT INTO t1 (name,d) VALUES (?,?),(?,?)": func(a string, _ float64, b string, _ *float64) (tnttest.SQLResult, error) {
			if a != "a" || b != "b" {
				return tnttest.SQLResult{}, fmt.Errorf("got %q and %q", a, b)
			}
			return tnttest.SQLResult{RowCount: 2, AutoIncrement: []int64{1, 2}}, nil
		},
		"SELECT * FROM t1 WHERE id = ?": func(_ context.Context, id int) ([]t1, error) {
			return []t1{{id, "a", &d, true}}, nil
		},
		"UPDATE t1 SET d = 9": func() uint8 { return 2 },
		"INSERT INTO t1 (name) VALUES ('tx')": func() tnttest.SQLResult {
			return tnttest.SQLResult{RowCount: 1, AutoIncrement: []int64{3}}
		},
		"START TRANSACTION": func() error { return nil },
	} {
		must(t, srv.HandleExecute(text, h))
	}
	type row struct {
		ID   int
		Name string
	}
	must(t, srv.HandleExecute("SELECT id, name FROM t1 WHERE id > ? AND name <> :nm", func(id int, nm string) ([]row, error) {
		if id != 0 || nm != "x" {
			return nil, fmt.Errorf("got %d and %q", id, nm)
		}
		return []row{{1, "a"}, {2, "b"}}, nil
	}, full...))
}

// The answers to statements that have handlers are those that the real server
// recorded, prepared ones and the numbers of those included.
func TestSQLAsRecorded(t *testing.T) {
	scenarios, err := golden.Read(filepath.Join(recordings, "sql.jsonl"))
	must(t, err)
	srv := tnttest.Run(t)
	handleRecorded(t, srv)
	steps := scenarios[0].Steps
	wrong, err := golden.Play(srv.Addr(), scenarios[0])
	must(t, err)
	// The other steps ask Lua, the schema or the parser.
	var compared int
	for i, st := range steps {
		text := string(st.Send)
		known := false
		for _, statement := range []string{
			"DROP TABLE IF", "CREATE TABLE t1 (", "INSERT INTO t1 (name", "SELECT * FROM t1 WHERE id = ?", "UPDATE t1 SET d = 9",
			"id > ? AND", "START TRANSACTION",
		} {
			known = known || strings.Contains(text, statement)
		}
		known = known || strings.Contains(text, "\x43\xce\x2d\x46\x70\x33") || i == 25
		if !known {
			continue
		}
		compared++
		if why, differs := wrong[i]; differs {
			t.Errorf("step %d: %s", i, why)
		}
	}
	if compared < 14 {
		t.Errorf("%d steps were compared", compared)
	}
}

func executeFrame(t *testing.T, text string, binds ...any) []byte {
	t.Helper()
	b := mp.AppendArrayLen(nil, len(binds))
	for _, v := range binds {
		var err error
		b, err = mp.AppendValue(b, v)
		must(t, err)
	}
	return frame(iproto.TypeExecute, 0, 1, func(w *wire.BodyWriter) {
		w.String(iproto.KeySQLText, text)
		w.Raw(iproto.KeySQLBind, b)
	})
}

func TestHandleExecute(t *testing.T) {
	srv := tnttest.Run(t, membersSpace)
	c := newClient(t, srv)
	must(t, srv.HandleExecute("SELECT k FROM kv WHERE k = :k AND k <> @other", func(st *tnttest.Statement, k, other int) (tnttest.SQLResult, error) {
		if st.Param(":k") != 0 || st.Param("@other") != 1 || st.Param("?") != -1 {
			return tnttest.SQLResult{}, errors.New("the places of parameters are wrong")
		}
		got, err := st.Space("kv").Get(k)
		if err != nil || got == nil {
			return tnttest.SQLResult{Columns: []tnttest.Column{{Name: "k", Type: "unsigned"}}}, err
		}
		return tnttest.SQLResult{Columns: []tnttest.Column{{Name: "k", Type: "unsigned"}}, Rows: [][]any{{got[0]}}}, nil
	}))
	must(t, srv.Space("kv").Insert(7))
	const sel = "select k FROM kv WHERE k = :k AND k <> @other"
	text := "SELECT k\n  FROM kv\tWHERE k = :k AND k <> @other ;"
	c.want(executeFrame(t, text, map[string]any{"@other": 1}, map[string]any{":k": 7}), `DATA: [[7]], METADATA: [{0: "k", 1: "unsigned"}]`)
	c.want(executeFrame(t, text, 8), `DATA: [], METADATA`)
	c.want(executeFrame(t, text, map[string]any{":nosuch": 1}), "Parameter ':nosuch' was not found in the statement")
	c.want(executeFrame(t, text, 1, 2, 3), "The number of parameters is too large")
	c.want(executeFrame(t, text, "seven"), "argument 1")
	c.want(executeFrame(t, sel), "register a Go function for the statement by Server.HandleExecute: "+sel)

	must(t, srv.HandleExecuteMatch(regexp.MustCompile(`^DELETE FROM (\w+)$`), func(st *tnttest.Statement) (int, error) {
		if st.Groups()[1] != "kv" {
			return 0, errcode.NoSuchSpace
		}
		return 3, nil
	}))
	c.want(executeFrame(t, "DELETE FROM kv"), "SQL_INFO: {0: 3}")
	c.want(executeFrame(t, "DELETE FROM nosuch"), "ClientError 36")
	must(t, srv.HandleExecute("DELETE FROM kv", func() int { return -1 }))
	c.want(executeFrame(t, "DELETE FROM kv"), "no negative number")
	must(t, srv.HandleExecute("DELETE FROM kv", func() int { return 1 }))
	c.want(executeFrame(t, "DELETE FROM kv"), "SQL_INFO: {0: 1}")
	must(t, srv.HandleExecute("BAD", func() tnttest.SQLResult {
		return tnttest.SQLResult{Columns: []tnttest.Column{{Name: "a"}}, Rows: [][]any{{1, 2}}}
	}))
	c.want(executeFrame(t, "BAD"), "a row has 2 values for 1 columns")
	must(t, srv.HandleExecute("WORSE", func() tnttest.SQLResult { return tnttest.SQLResult{Rows: [][]any{{1}}} }))
	c.want(executeFrame(t, "WORSE"), "rows and no columns")
	must(t, srv.HandleExecute("PANIC", func() { panic("oh") }))
	c.want(executeFrame(t, "PANIC"), "panicked: oh")

	prepare := func(text string) []byte {
		return frame(iproto.TypePrepare, 0, 1, func(w *wire.BodyWriter) { w.String(iproto.KeySQLText, text) })
	}
	c.want(prepare(sel), "register a Go function")
	c.want(prepare("DELETE FROM kv"), "BIND_COUNT: 0, BIND_METADATA: []")
	c.want(frame(iproto.TypePrepare, 0, 1, func(w *wire.BodyWriter) { w.Raw(iproto.KeySQLBind, []byte{0x90}) }), "Missing mandatory field")
	c.want(frame(iproto.TypeExecute, 0, 1, func(w *wire.BodyWriter) {
		w.String(iproto.KeySQLText, "a")
		w.Uint(iproto.KeyStmtID, 1)
	}), "choose one")
}

func TestHandleExecuteRefuses(t *testing.T) {
	srv := tnttest.Run(t)
	type embeds struct{ t1 }
	for want, fn := range map[string]any{
		"no function":           7,
		"parameter 1":           func(chan int) {},
		"returns 2 values":      func() (int, int) { return 0, 0 },
		"neither a slice":       func() string { return "" },
		"no exported field":     func() []struct{ a int } { return nil },
		"columns are given for": func() []t1 { return nil },
	} {
		err := srv.HandleExecute("X", fn, tnttest.Column{Name: "one"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%T: %v, want %q", fn, err, want)
		}
	}
	if err := srv.HandleExecuteMatch(regexp.MustCompile("x"), func() []embeds { return nil }); err != nil && !strings.Contains(err.Error(), "exported") {
		t.Error(err)
	}
}

func TestSQLRights(t *testing.T) {
	srv := tnttest.Run(t, tnttest.WithRestrictedGuest())
	must(t, srv.HandleExecute("SELECT 1", func() int { return 1 }))
	newClient(t, srv).want(executeFrame(t, "SELECT 1"), "denied for user 'guest'")
}
