package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gotnt/tnt/internal/tarantool"
)

// demoOutput runs the demonstration as a user does.
func demoOutput(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	root := newRootCommand()
	root.SetOut(&out)
	root.SetArgs(append([]string{"demo"}, args...))
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return out.String()
}

// wantIn checks that every text is in the output.
func wantIn(t *testing.T, out string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("%q is not in the output:\n%s", text, out)
		}
	}
}

// everywhere is what the demonstration shows on every server.
var everywhere = []string{
	"another with id 1 is refused: errors.Is(err, errcode.TupleFound) is true",
	`[[id: 1, name: "Alice", age: 30]] and [[id: 2, name: "Bob", age: 25]]`,
	"[{ID:2 Name:Bob Age:25} {ID:3 Name:Carol Age:41}]",
	`[id: 2, name: "Robert", age: 26]`,
	"3 answers, 2 rows",
	"pushed [1 2 3], then returned [end]",
	"connected again, 3 users",
	"for the election, and no call failed: [{1 before} {2 after}]",
	"r1: replica -> master, because it takes writes",
}

const rolledBack = `changed my mind, rolled back: [[id: 1, name: "Alice", age: 30]]`

func TestDemoEmbedded(t *testing.T) {
	out := demoOutput(t)
	wantIn(t, out, everywhere...)
	wantIn(t, out, "the embedded server", rolledBack, "not here: the embedded server has no Lua and no SQL")
}

func TestDemoReal(t *testing.T) {
	for _, p := range tarantool.Programs(t) {
		t.Run(p.Version.String(), func(t *testing.T) {
			s, err := tarantool.Start(p.Path, "")
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			out := demoOutput(t, s.Address)
			wantIn(t, out, everywhere...)
			wantIn(t, out, "a real server, Tarantool "+p.Version.String(), "{Sum:42}")
			if p.Version.AtLeast(2, 11, 0) {
				wantIn(t, out, rolledBack)
			} else {
				wantIn(t, out, "the server, Tarantool 2.6.0, has no streams")
			}
		})
	}
}

func TestDemoBadAddress(t *testing.T) {
	root := newRootCommand()
	root.SetArgs([]string{"demo", "nonsense:port"})
	if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "no port") {
		t.Errorf("got %v", err)
	}
}
