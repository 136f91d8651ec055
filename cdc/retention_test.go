package cdc

import (
	"sync"
	"testing"
	"time"

	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

var others = tnttest.WithSpace(tnttest.SpaceDef{
	Name: "others", Format: []tnttest.Field{{Name: "id", Type: "unsigned"}},
	Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
})

// What no Tx has told of is not acknowledged: whoever stored the last Position
// still needs the log from there on, be there no rows of what is followed in it.
func TestEmbeddedKeepsFromTheLastPosition(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		f := Stream(t.Context(), of(srv), Options{Spaces: []string{"goods"}})
		go func() {
			for i := range 40 {
				time.Sleep(time.Second)
				_ = srv.Space("others").Replace(i)
			}
			_ = srv.Space("goods").Replace(1, "one")
		}()
		stored, done, moved := types.VClock{}, make(chan struct{}), 0
		var mu sync.Mutex
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for {
				select {
				case <-done:
					return
				case <-time.After(300 * time.Millisecond):
				}
				mu.Lock()
				if kept := f.safe(); !stored.Covers(kept) {
					t.Errorf("%v is acknowledged, and the last position %v", kept, stored)
				}
				mu.Unlock()
			}
		}()
		take(t, f, func(tx *Tx) bool {
			mu.Lock()
			defer mu.Unlock()
			stored = tx.Position.VClock
			moved += map[bool]int{true: 1}[len(tx.Changes) == 0]
			return tx.Phase == InLog && len(tx.Changes) > 0
		})
		close(done)
		<-ended
		if moved < 3 {
			t.Errorf("%d transactions without changes in 40 s", moved)
		}
	}, others)
}

// The same on real servers, whose log goes meanwhile.
func TestLogIsKeptFromTheLastPosition(t *testing.T) {
	onServers(t, "{replication_timeout = 0.1}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		if !p.Version.AtLeast(3, 3, 0) {
			t.Skipf("takes Tarantool 3.3, this is %v", p.Version)
		}
		conn := connect(t, s)
		var checkpoint Checkpoint
		var written sync.Once
		f := Stream(testContext(t), at(s), Options{From: Now, Spaces: []string{"places"}, OnState: func(State) {
			written.Do(func() {
				eval(t, conn, `box.space.places:replace({7, 'Tartu'})`)
				go func() {
					for range 20 { // what is not followed
						time.Sleep(100 * time.Millisecond)
						eval(t, conn, counting, 2000, 10)
					}
					eval(t, conn, collectLogs)
					eval(t, conn, `box.space.places:replace({8, 'Narva'})`)
				}()
			})
		}})
		for tx, err := range f.All() {
			if err != nil {
				t.Fatal(err)
			}
			if len(tx.Changes) > 0 && tx.Changes[0].String() == `replace places [id: 8, town: "Narva"]` {
				break // it is not stored
			}
			checkpoint = tx.Checkpoint()
		}
		take(t, Stream(testContext(t), at(s), Options{From: At(checkpoint), Spaces: []string{"places"}}), func(tx *Tx) bool {
			return len(tx.Changes) > 0
		})
	})
}

// A server of before 2.10.8 has no heartbeats while it has rows: the position moves
// on all the same where none of them are of what is followed.
func TestEmbeddedMovesOnWithoutHeartbeats(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		f := Stream(t.Context(), of(srv), Options{Spaces: []string{"goods"}, From: Now})
		go func() {
			for i := range 500 { // more often than heartbeats come
				time.Sleep(100 * time.Millisecond)
				_ = srv.Space("others").Replace(i)
			}
			_ = srv.Space("goods").Replace(1, "one")
		}()
		txs := take(t, f, func(tx *Tx) bool { return len(tx.Changes) > 0 })
		if moved := len(txs) - 1; moved < 3 || moved > 5 {
			t.Errorf("%d transactions without changes in 50 s", moved)
		}
	}, others)
}
