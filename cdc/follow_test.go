package cdc

import (
	"fmt"
	"testing"

	"github.com/gotnt/tnt/internal/tarantool"
)

func TestSnapshotThenLog(t *testing.T) {
	onServers(t, "{}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		f := Stream(testContext(t), at(s), Options{})
		rows, wrote := 0, false
		var log []string
		for tx, err := range f.All() {
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range tx.Changes {
				if c.Op == Insert && tx.Phase != InLog {
					rows++
				}
				if tx.Phase == InLog {
					log = append(log, c.String())
				}
			}
			if tx.Phase == SnapshotEnd && !wrote {
				wrote = true
				eval(t, conn, `
				    box.space.goods:update(1, {{'+', 'price', 2}})
				    box.space.goods:delete(2) box.space.places:replace({2, 'Oslo'})
				    box.space.goods:format({{name = 'id', type = 'unsigned'}, {name = 'title', type = 'string'}})
				    box.space.goods:replace({3, 'three'})
				    box.space.places:truncate()
				    box.space.places:drop()`)
			}
			if len(log) > 0 && log[len(log)-1] == "drop space places" {
				break
			}
		}
		if rows != 1001 {
			t.Errorf("%d rows in the snapshot", rows)
		}
		want := []string{
			"update goods key [1] [{+ price [2]}]", "delete goods key [2]", `replace places [id: 2, town: "Oslo"]`,
			"alter space goods", `replace goods [id: 3, title: "three"]`, "truncate places", "alter space places", "drop space places",
		}
		if fmt.Sprint(log) != fmt.Sprint(want) {
			t.Errorf("%q\nwanted %q", log, want)
		}
	})
}

// From the origin the log begins with the definitions, so that every row has
// its names.
func TestOrigin(t *testing.T) {
	onServers(t, "{}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		eval(t, conn, `
		    box.space.goods:format({{name = 'id', type = 'unsigned'}, {name = 'title', type = 'string'}})
		    box.space.goods:replace({1, 'end of 1'})`)
		got := userRows(take(t, Stream(testContext(t), at(s), Options{From: Origin, Spaces: []string{"goods"}}), isEnd(1)))
		for i, want := range map[int]string{
			0: "create space goods", 1: "alter space goods", 2: `insert goods [id: 1, name: "row 1", price: 0.5]`,
			len(got) - 1: `replace goods [id: 1, title: "end of 1"]`,
		} {
			if got[i] != want {
				t.Errorf("change %d: %s, wanted %s", i, got[i], want)
			}
		}
		if len(got) != 2+1000+2 {
			t.Errorf("%d changes", len(got))
		}
	})
}

// A second All goes on where the first was left.
func TestAllGoesOn(t *testing.T) {
	onServers(t, "{}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		f := Stream(testContext(t), at(s), Options{})
		take(t, f, func(tx *Tx) bool { return tx.Phase == InSnapshot })
		txs := take(t, f, func(tx *Tx) bool { return tx.Phase == SnapshotEnd })
		rows := 0
		for _, tx := range txs {
			for _, c := range tx.Changes {
				if c.Op == Insert {
					rows++
				}
			}
		}
		if rows != 1001 {
			t.Errorf("%d rows in the second snapshot", rows)
		}
		eval(t, conn, counting, 2000, 20)
		numbers := &numbersFrom{next: 2000, t: t}
		for numbers.next < 2020 {
			take(t, f, func(tx *Tx) bool {
				numbers.check(tx)
				return true
			})
		}
	})
}
