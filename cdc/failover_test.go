package cdc

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
)

// caughtUp waits until a server has all that another has written.
func caughtUp(t *testing.T, from, to *tnt.Conn) {
	t.Helper()
	resp, err := from.Eval(testContext(t), `local v = {} for id, lsn in pairs(box.info.vclock) do if id > 0 then v[tostring(id)] = lsn end end return v`)
	if err != nil {
		t.Fatal(err)
	}
	eval(t, to, `
	    for id, lsn in pairs(...) do
	        while (box.info.vclock[tonumber(id)] or 0) < lsn do require('fiber').sleep(0.01) end
	    end`, first(t, resp))
}

// pending are transactions that wait for a decision: a synchronous one and
// one behind it.
const pending = `
local fiber = require('fiber')
local before = box.info.lsn
fiber.create(function() pcall(box.space.sync.insert, box.space.sync, {1}) end)
fiber.create(function() pcall(box.space.goods.replace, box.space.goods, {5000, 'behind'}) end)
while box.info.lsn < before + 2 do fiber.sleep(0.001) end`

// Another instance takes over and rolls back what waited: none of that comes,
// and what is written afterwards does, from each of the two.
func TestFailoverRollsBack(t *testing.T) {
	const cfg = "replication_timeout = 0.1, replication_synchro_quorum = 1, replication_synchro_timeout = 1000"
	onServers(t, "{"+cfg+"}", func(t *testing.T, p tarantool.Program, a *tarantool.Server) {
		connA := connect(t, a)
		eval(t, connA, `box.schema.space.create('sync', {is_sync = true}):create_index('pk')`)
		promotes := p.Version.AtLeast(2, 10, 0)
		if promotes {
			eval(t, connA, `box.ctl.promote()`)
		}
		b := startServer(t, p, fmt.Sprintf("{%s, read_only = true, replication = 'guest@unix/:%s'}", cfg, a.Address))
		connB := connect(t, b)
		eval(t, connA, `box.space.sync:insert({0}) box.cfg{replication_synchro_quorum = 3}`)
		caughtUp(t, connA, connB)
		came := make(chan string, 100)
		followed(t, append(at(a), at(b)...), Options{From: Now, Spaces: []string{"sync", "goods"}}, func(tx *Tx) {
			for _, c := range tx.Changes {
				came <- fmt.Sprint(tx.Origin, " ", c)
			}
		})
		if promotes {
			eval(t, connB, `box.cfg{replication = ''}`)
			eval(t, connA, pending)
			eval(t, connB, `box.cfg{read_only = false} box.ctl.promote() box.space.sync:insert({2})`)
			eval(t, connA, `box.cfg{replication = 'guest@unix/:' .. ...}`, b.Address)
			eval(t, connB, `box.cfg{replication = 'guest@unix/:' .. ...}`, a.Address)
			caughtUp(t, connB, connA)
			caughtUp(t, connA, connB)
		} else { // where nobody is promoted, the queue is cleared, and the quorum is not there
			eval(t, connA, pending)
			caughtUp(t, connA, connB)
			a.Kill()
			eval(t, connB, `
			    box.cfg{read_only = false, replication = '', replication_synchro_quorum = 3, replication_synchro_timeout = 0.1}
			    box.ctl.clear_synchro_queue()
			    box.cfg{replication_synchro_quorum = 1}
			    box.space.sync:insert({2})`)
		}
		var got []string
		want := []string{"2 insert sync [2]"}
		for len(got) < len(want) {
			got = append(got, <-came)
		}
		if promotes {
			a.Kill()
		}
		eval(t, connB, `box.space.goods:replace({3, 'after'})`)
		want = append(want, `2 replace goods [id: 3, name: "after"]`)
		for len(got) < len(want) {
			got = append(got, <-came)
		}
		if !slices.Equal(got, want) {
			t.Errorf("came %q, wanted %q", got, want)
		}
		eval(t, connB, `assert(box.space.sync:get(1) == nil and box.space.goods:get(5000) == nil)`)
	})
}
