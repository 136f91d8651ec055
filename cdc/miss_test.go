package cdc

import (
	"testing"

	"github.com/gotnt/tnt/internal/tarantool"
)

// A request by a secondary key that finds nothing is logged with that key: a
// mirror must not take it for one of the primary index.
func TestMissByAnotherIndex(t *testing.T) {
	onServers(t, "{}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		eval(t, conn, `
		    local s = box.schema.space.create('two', {format = {{'id', 'unsigned'}, {'code', 'unsigned'}}})
		    s:create_index('pk')
		    s:create_index('code', {parts = {{2, 'unsigned'}}})
		    s:insert({5, 50})
		    s.index.code:delete(5)
		    s.index.code:update(5, {{'=', 2, 7}})
		    s:update(5, {{'+', 2, 1}})`)
		log := take(t, Mirror(Stream(testContext(t), at(s), Options{From: Origin, Spaces: []string{"two"}})), func(tx *Tx) bool {
			return len(tx.Changes) > 0 && tx.Changes[0].Op == Update && tx.Changes[0].New != nil
		})
		last := log[len(log)-1].Changes[0]
		if got, want := last.New.String(), "[id: 5, code: 51]"; got != want {
			t.Errorf("the mirror has %s, the server %s", got, want)
		}
	})
}
