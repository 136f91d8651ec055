package cdc

import (
	"testing"

	"github.com/google/uuid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
)

// BenchmarkFeed reads the log of a server from its origin: rows/s, and what a
// row costs.
func BenchmarkFeed(b *testing.B) {
	if len(programs) == 0 {
		b.Skip("no real server: none on PATH nor in TARANTOOL")
	}
	for _, p := range programs {
		b.Run(p.Version.String(), func(b *testing.B) {
			const rows = 100_000
			s, err := tarantool.StartLogging(p.Path, "{}", `
			    local s = box.schema.space.create('s', {format = {{name = 'id', type = 'unsigned'}, {name = 'text', type = 'string'}}})
			    s:create_index('pk')
			    for i = 1, 100000 / 50 do
			        box.begin() for j = 1, 50 do s:replace({i * 50 + j, string.rep('x', 80)}) end box.commit()
			    end`)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			read := 0
			b.ReportAllocs()
			for b.Loop() {
				f := Stream(b.Context(), []tnt.Options{{Address: s.Address}}, Options{From: Origin, Consumer: uuid.New()})
				got := 0
				for tx, err := range f.All() {
					if err != nil {
						b.Fatal(err)
					}
					for i := range tx.Changes {
						if tx.Changes[i].Op == Replace {
							got++
						}
					}
					if got == rows {
						break
					}
				}
				read += got
			}
			b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
