package xlog

import (
	"testing"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// writeNumbers writes two hundred numbers at each start of a server, with a
// checkpoint in their middle.
const writeNumbers = `
box.schema.space.create('s', {if_not_exists = true}):create_index('pk', {if_not_exists = true})
local fiber = require('fiber')
fiber.create(function()
    local from = box.space.s:len()
    for i = from, from + 199 do
        box.space.s:replace({i, string.rep('x', 100)})
        if i == from + 100 then box.snapshot() end
        fiber.sleep(0.001)
    end
end)`

// The logs of a server are followed while it writes them, from one to the next,
// through checkpoints and kills: each row comes once, in order.
func TestFollowServer(t *testing.T) {
	for _, p := range tarantool.Programs(t) {
		t.Run(p.Version.String(), func(t *testing.T) {
			s, err := tarantool.StartLogging(p.Path, "{wal_max_size = 4096}", writeNumbers)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			d, err := OpenDir(s.Dir(), Follow(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			next, number, killed := uint64(1), uint64(0), false
			for tx, err := range d.Since(types.VClock{}) {
				if err != nil {
					t.Fatal(err)
				}
				for i := range tx {
					row := &tx[i]
					if !row.Local && row.LSN != next {
						t.Fatalf("row %d where %d has to be", row.LSN, next)
					}
					if !row.Local {
						next++
					}
					if is(t, row, number) {
						number++
					}
				}
				if number == 150 && !killed {
					killed = true
					s.Kill()
					if err := s.Run(); err != nil {
						t.Fatal(err)
					}
				}
				if number == 350 {
					return
				}
			}
		})
	}
}

// is reports whether a row writes a number, which has to be that.
func is(t *testing.T, row *Row, number uint64) bool {
	t.Helper()
	data, err := row.Data()
	if err != nil {
		t.Fatal(err)
	}
	if row.Type != iproto.TypeReplace || data.SpaceID < 512 {
		return false
	}
	r := mp.NewReader(data.Tuple)
	r.ArrayLen()
	if n := r.Uint(); n != number || r.Err() != nil {
		t.Fatalf("%d where %d has to be, %v", n, number, r.Err())
	}
	return true
}
