package queue

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/luacall"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/queuetest"
)

// A task that the session took on a connection which the server still thinks
// alive, and that nobody here knows of, is released; one that is held is not.
func TestUnknownTasksAreReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := tnttest.Run(t, tnttest.InMemory())
		fake := queuetest.Attach(srv)
		fake.Create("jobs", "fifo")
		conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{Dialer: srv.DialContext})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		c, err := Open(t.Context(), conn)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close(t.Context()) }()
		for range 2 {
			if _, err := c.Tube("jobs").Put(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Take[string](t.Context(), c.Tube("jobs")); err != nil {
			t.Fatal(err)
		}
		other, err := tnt.ConnectOptions(t.Context(), tnt.Options{Dialer: srv.DialContext})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		for _, call := range []struct {
			function string
			args     []any
		}{{"queue.identify", []any{c.identity}}, {"queue.tube.jobs:take", []any{0}}} {
			if _, err := luacall.Do(t.Context(), other, call.function, call.args...); err != nil {
				t.Fatal(err)
			}
		}
		states := func() (s string) {
			for _, k := range fake.Tasks("jobs") {
				s += k.State
			}
			return s
		}
		if states() != "tt" {
			t.Fatalf("the tasks are %q", states())
		}
		time.Sleep(sweepEvery + time.Second)
		if states() != "tt" {
			t.Errorf("after one look the tasks are %q", states())
		}
		time.Sleep(sweepEvery)
		if states() != "tr" {
			t.Errorf("after two the tasks are %q", states())
		}
	})
}
