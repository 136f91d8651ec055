package tnt_test

import (
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/tnttest"
)

// moody is an encoding that panics where it is told to.
type moody struct {
	encoding.Encoding
	panics *bool
}

func (m moody) NewEncoder() *encoding.Encoder {
	if *m.panics {
		panic("moody")
	}
	return m.Encoding.NewEncoder()
}

// nested does something while it is encoded.
type nested struct{ do func() }

func (n nested) MarshalMsg(b []byte) ([]byte, error) {
	n.do()
	return mp.AppendString(b, "nested"), nil
}

// TestPanicInABatch has user code panic in the middle of a batch: what is encoded
// afterwards, a batch within a request even, has its own bytes.
func TestPanicInABatch(t *testing.T) {
	srv := embedded(t)
	srv.Handle("echo", func(c *tnttest.Call) ([]any, error) { return c.Args() })
	panics := false
	conn := connect(t, tnt.Options{Dialer: srv.DialContext, NoSchema: true, Encoding: moody{charmap.Windows1251, &panics}})
	call := func(arg any) tnt.Request { return tnt.Call{Function: "echo", Args: []any{arg}} }
	for range 20 { // as a pool may forget what was put into it
		func() {
			defer func() {
				if panics = false; recover() == nil {
					t.Error("there was no panic")
				}
			}()
			panics = true
			tnt.Batch(t.Context(), conn, call("a"), call("b"))
		}()
		inside := nested{func() {
			for _, r := range tnt.Batch(testContext(t), conn, call("first"), call("second")) {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
			}
		}}
		if got, err := tnt.One[string](testContext(t), conn, call(inside)); err != nil || got != "nested" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
}
