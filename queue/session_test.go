package queue_test

import (
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/queue"
)

// calls returns how many functions were called.
func (w world) calls() int { return int(w.srv.Counters().Requests[iproto.TypeCall]) }

// Of a pool with several connections to the master one is the session: that the next
// request would have another is no switch of the master.
func TestSeveralConnections(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		p, err := pool.Open(t.Context(), pool.Options{Connections: 2, Instances: []pool.Instance{{Name: "a", Options: tnt.Options{Dialer: w.srv.DialContext}}}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = p.Close() }()
		c, err := queue.Open(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close(t.Context()) }()
		before := w.calls()
		time.Sleep(time.Minute)
		if n := w.calls() - before; n > 0 {
			t.Errorf("%d new sessions in a quiet minute", n)
		}
	})
}
