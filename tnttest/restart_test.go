package tnttest_test

import (
	"fmt"
	"testing"

	"github.com/gotnt/tnt/tnttest"
)

// TestRestartForgetsEvents has what was broadcast end with the process, and not what a
// member says of itself.
func TestRestartForgetsEvents(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rs *tnttest.ReplicaSet) {
		srv := rs.Instance(2)
		must(t, srv.Broadcast("config", "old"))
		values := func() (all []any) {
			conn := inMemory(t, srv)
			for _, key := range []string{"config", "box.status", "box.shutdown"} {
				event, err := conn.WatchOnce(t.Context(), key)
				must(t, err)
				all = append(all, event.IsSet())
			}
			return all
		}
		before := values()
		must(t, rs.Kill(2))
		must(t, rs.Restart(2))
		if after := values(); fmt.Sprint(before, after) != "[true true false] [false true false]" {
			t.Errorf("set before: %v, after: %v", before, after)
		}
	})
}
