package cdc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/tnttest"
)

// compared is the schema of the servers that are compared.
var compared = tnttest.Schema{Spaces: []tnttest.SpaceDef{{
	Name: "things", ID: 600,
	Format: []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "code", Type: "unsigned"}, {Name: "n", Type: "number", IsNullable: true}},
	Indexes: []tnttest.IndexDef{
		{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}},
		{Name: "code", Parts: []tnttest.Part{{Field: 2, Type: "unsigned"}}},
	},
}}}

// A subject is a server that a program runs on, and what its log gives.
type subject struct {
	conn *tnt.Conn
	feed *Feed
	txs  chan *Tx // closed at an error
}

func newSubject(t *testing.T, opts tnt.Options) *subject {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	conn, err := tnt.ConnectOptions(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	s := &subject{conn: conn}
	started := make(chan struct{}, 1)
	s.feed = Stream(ctx, []tnt.Options{opts}, Options{From: Now, Spaces: []string{"things"}, OnState: func(st State) {
		if st.Following {
			started <- struct{}{}
		}
	}})
	s.txs = make(chan *Tx, 1000) // more than a program has
	done := make(chan struct{})
	go func() {
		defer close(done)
		for tx, err := range s.feed.All() {
			if err != nil {
				if ctx.Err() == nil {
					t.Error(err)
				}
				close(s.txs)
				return
			}
			s.txs <- tx
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	<-started
	return s
}

// run makes the statements, and returns the transactions up to the end mark.
func (s *subject) run(t *rapid.T, program []statement, end int) (log []string) {
	for _, st := range program {
		st.do(context.Background(), s.conn)
	}
	if _, err := s.conn.Replace(context.Background(), "things", []any{end, end, nil}); err != nil {
		t.Fatal(err)
	}
	mark := fmt.Sprintf("replace things [id: %d, ", end)
	for {
		tx, ok := <-s.txs
		if !ok {
			t.Fatal("the feed ended")
		}
		line := ""
		for _, c := range tx.Changes {
			line += c.String() + "; "
		}
		if strings.HasPrefix(line, mark) {
			return log
		}
		if line != "" {
			log = append(log, line)
		}
	}
}

type statement struct {
	text string
	do   func(context.Context, tnt.Executor)
}

// drawStatement draws a request. base keeps the rows of programs apart; that a request
// may fail is part of it.
func drawStatement(t *rapid.T, base int, streams bool, kinds ...string) statement {
	id := base + rapid.IntRange(0, 4).Draw(t, "id")
	code := base + rapid.IntRange(0, 4).Draw(t, "code")
	n := rapid.SampledFrom([]any{nil, 1, -2, 1.5, "no number"}).Draw(t, "n")
	tuple := []any{id, code, n}
	if rapid.IntRange(0, 9).Draw(t, "longer") == 0 {
		tuple = append(tuple, map[string]any{"a": []any{1, "b"}})
	}
	most := 9
	if !streams { // older servers fail to delete a field that is not there
		most--
	}
	ops := []tnt.Op{
		rapid.SampledFrom([]tnt.Op{
			tnt.OpAssign("n", 7), tnt.OpAdd(2, 1), tnt.OpSub("n", 1.5), tnt.OpAssign(1, code), tnt.OpAssign(0, id),
			tnt.OpInsert(3, "more"), tnt.OpInsert(-1, 9), tnt.OpAnd(1, 0xffffff), tnt.OpDelete(2, 1),
		}[:most]).Draw(t, "op"),
	}
	key, index := tnt.K(id), "pk"
	if rapid.IntRange(0, 2).Draw(t, "by code") == 0 {
		key, index = tnt.K(code), "code"
	}
	kind := rapid.SampledFrom(append(kinds, "insert", "insert", "replace", "replace", "update", "update", "upsert", "upsert", "delete", "delete")).Draw(t, "kind")
	text := fmt.Sprint(kind, " ", tuple, " ", index, ops)
	return statement{text, func(ctx context.Context, ex tnt.Executor) {
		switch kind { // errors are part of it
		case "insert":
			_, _ = tnt.Do(ctx, ex, tnt.Insert{Space: "things", Tuple: tuple})
		case "replace":
			_, _ = tnt.Do(ctx, ex, tnt.Replace{Space: "things", Tuple: tuple})
		case "update":
			_, _ = tnt.Do(ctx, ex, tnt.Update{Space: "things", Index: index, Key: key, Ops: ops})
		case "upsert":
			_, _ = tnt.Do(ctx, ex, tnt.Upsert{Space: "things", Tuple: tuple, Ops: ops})
		case "delete":
			_, _ = tnt.Do(ctx, ex, tnt.Delete{Space: "things", Index: index, Key: key})
		case "truncate":
			_, _ = tnt.Do(ctx, ex, tnt.Upsert{Space: "_truncate", Tuple: []any{600, 1}, Ops: []tnt.Op{tnt.OpAdd(1, 1)}})
		}
	}}
}

// drawTransaction draws several in a stream. A truncation aborts it.
func drawTransaction(t *rapid.T, base int) statement {
	var list []statement
	text := "in a transaction:"
	for range rapid.IntRange(1, 4).Draw(t, "statements") {
		st := drawStatement(t, base, true, "truncate")
		list, text = append(list, st), text+" "+st.text+","
	}
	commit := rapid.IntRange(0, 3).Draw(t, "commit") > 0
	return statement{text + fmt.Sprint(" commit: ", commit), func(ctx context.Context, ex tnt.Executor) {
		s := tnt.NewStream(ex)
		if s.Begin(ctx) != nil {
			return
		}
		for _, st := range list {
			st.do(ctx, s)
		}
		if commit {
			_ = s.Commit(ctx)
		} else {
			_ = s.Rollback(ctx)
		}
	}}
}

// The embedded and the real servers give the same transactions for the same
// program.
func TestEmbeddedAsTheRealOnes(t *testing.T) {
	lua, err := compared.Lua()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range tarantool.Programs(t) {
		t.Run(p.Version.String(), func(t *testing.T) {
			t.Parallel()
			real, err := tarantool.StartLogging(p.Path, "{}", lua)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = real.Close() })
			srv := tnttest.Run(t, tnttest.WithSchema(compared), tnttest.WithVersion(p.Version.String()))
			embedded, server := newSubject(t, tnt.Options{Address: srv.Addr()}), newSubject(t, tnt.Options{Address: real.Address})
			streams := p.Version.AtLeast(2, 10, 0)
			base, checked := 0, 0
			rapid.Check(t, func(t *rapid.T) {
				base += 1000
				var program []statement
				for range rapid.IntRange(1, 15).Draw(t, "statements") {
					if streams && rapid.IntRange(0, 2).Draw(t, "transaction") == 0 {
						program = append(program, drawTransaction(t, base))
					} else {
						program = append(program, drawStatement(t, base, streams, "truncate"))
					}
				}
				got, want := embedded.run(t, program, base+999), server.run(t, program, base+999)
				checked += len(want)
				if !slices.Equal(got, want) {
					text := ""
					for _, st := range program {
						text += "\n" + st.text
					}
					t.Fatalf("%s\nthe embedded server gives\n%q\nthe real one\n%q", text, got, want)
				}
			})
			t.Logf("%d transactions are those of %v", checked, p.Version)
		})
	}
}
