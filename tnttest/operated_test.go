package tnttest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/tnttest"
)

// A real server that was started for a test takes its users, and stands still and
// goes on when it is told to.
func TestRealIsOperated(t *testing.T) {
	real := tnttest.RunReal(t, everyKind)
	conn, err := tnt.Connect(t.Context(), real.UserURL("ann", "s3'cret\\"))
	must(t, err)
	defer conn.Close()
	who, err := tnt.One[string](t.Context(), conn, tnt.Eval{Expr: "return box.session.effective_user()"})
	if who != "ann" || err != nil {
		t.Errorf("logged in as %q, %v", who, err)
	}
	real.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := conn.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a paused server answers %v", err)
	}
	real.Resume()
	must(t, conn.Ping(t.Context()))
}

// With names, members tell theirs as those of a declarative configuration do;
// without, they have none.
func TestInstanceNames(t *testing.T) {
	for _, c := range []struct {
		opts []tnttest.Option
		want string
	}{
		{nil, "<nil> <nil> <nil>"},
		{[]tnttest.Option{tnttest.WithInstanceNames()}, "r1 replicaset cluster"},
	} {
		rs := tnttest.RunReplicaSet(t, 2, c.opts...)
		conn, err := tnt.Connect(t.Context(), rs.Instance(1).Addr())
		must(t, err)
		defer conn.Close()
		info, err := tnt.One[map[string]any](t.Context(), conn, tnt.Call{Function: "box.info"})
		must(t, err)
		set, _ := info["replicaset"].(map[string]any)
		cluster, _ := info["cluster"].(map[string]any)
		if got := fmt.Sprintln(info["name"], set["name"], cluster["name"]); got != c.want+"\n" {
			t.Errorf("box.info tells %s, and should %s", got, c.want)
		}
	}
}

// A sequence of its own numbers the rows of a space that is given it.
func TestWithSequence(t *testing.T) {
	srv := tnttest.Run(t,
		tnttest.WithSequence(tnttest.SequenceDef{Name: "tens", Start: 10, Step: 10}),
		tnttest.WithSpace(numberedSpace(530, "by tens", tnttest.IndexDef{Sequence: "tens"})))
	conn, err := tnt.Connect(t.Context(), srv.Addr())
	must(t, err)
	defer conn.Close()
	for _, want := range []int{10, 20} {
		row, err := tnt.One[[]any](t.Context(), conn, tnt.Insert{Space: "by tens", Tuple: []any{"v", nil}})
		if err != nil || fmt.Sprint(row) != fmt.Sprintf("[v %d]", want) {
			t.Errorf("inserted %v, %v; the number should be %d", row, err, want)
		}
	}
}

// A declaration is resolved as a server does it, and left as it was.
func TestResolved(t *testing.T) {
	def := tnttest.SpaceDef{
		Name: "users", Format: []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string", IsNullable: true}},
		Indexes: []tnttest.IndexDef{tnttest.UniqueIndex("pk", "id"), {Name: "both", Parts: []tnttest.Part{{Name: "name"}, {Field: 1}}}},
	}
	got, err := def.Resolved()
	must(t, err)
	if got := fmt.Sprint(got.Indexes[0].Parts, got.Indexes[1].Parts); got != fmt.Sprint(
		[]tnttest.Part{{Field: 1, Type: "unsigned"}},
		[]tnttest.Part{{Field: 2, Type: "string", IsNullable: true}, {Field: 1, Type: "unsigned"}}) {
		t.Errorf("resolved to %s", got)
	}
	if def.Indexes[0].Parts[0] != (tnttest.Part{Name: "id"}) {
		t.Errorf("the declaration was changed: %+v", def.Indexes[0].Parts)
	}
	def.Indexes[1].Parts[0].Name = "nome"
	if _, err := def.Resolved(); err == nil || !strings.Contains(err.Error(), `"nome"`) || !strings.Contains(err.Error(), `"both"`) {
		t.Errorf("a field that is not there: %v", err)
	}
}
