package main

import (
	"bytes"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/gotnt/tnt/tnttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const want = `rows as structs: 1 Alice, 1 by name
rows as tuples: Alice
changes: 31
errors: INSERT tour_users: refused
functions: 3
SQL: Bob
a transaction: [{1 90} {2 110}]
without waiting: [half] ["done"]
many at once: [true false]
all of it: 1 tuples
what changes: blue
users: may read
`

func TestEmbedded(t *testing.T) {
	var out bytes.Buffer
	if err := start(t.Context(), &out, nil); err != nil {
		t.Fatalf("%v after\n%s", err, &out)
	}
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

// TestReal takes the tour twice, as spaces are there the second time. What an old
// server has not is left out of the comparison.
func TestReal(t *testing.T) {
	srv := tnttest.RunReal(t, tnttest.Schema{})
	for range 2 {
		var out bytes.Buffer
		if err := start(t.Context(), &out, []string{srv.URL()}); err != nil {
			t.Fatalf("%v after\n%s", err, &out)
		}
		got, wanted := strings.Split(out.String(), "\n"), strings.Split(want, "\n")
		for i := range wanted {
			missing := i < len(got) && strings.Contains(got[i], "not on this server")
			switch {
			case i >= len(got) || !missing && got[i] != wanted[i]:
				t.Errorf("Tarantool %v: step %d: got\n%s\nwant\n%s", srv.Version(), i+1, &out, want)
				return
			case missing && srv.Version().AtLeast(2, 11, 0):
				t.Errorf("Tarantool %v: %s", srv.Version(), got[i])
			}
		}
	}
}
