package cdc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

var goods = tnttest.WithSpace(tnttest.SpaceDef{
	Name: "goods", Format: []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}},
	Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
})

// Versions that differ in how they tell of gaps and whom they refuse.
var embeddedVersions = []string{"2.6.0", "3.8.0"}

// onEmbedded runs a test on the embedded server as each version, in memory and
// in a bubble of its own time.
func onEmbedded(t *testing.T, test func(t *testing.T, srv *tnttest.Server), opts ...tnttest.Option) {
	t.Helper()
	for _, version := range embeddedVersions {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test(t, tnttest.Run(t, append([]tnttest.Option{tnttest.InMemory(), tnttest.WithVersion(version), goods}, opts...)...))
			})
		})
	}
}

func of(srv *tnttest.Server) []tnt.Options {
	return []tnt.Options{{Address: "memory:1", Dialer: srv.DialContext}}
}

func put(t *testing.T, srv *tnttest.Server, id int, name string) {
	t.Helper()
	if err := srv.Space("goods").Replace(id, name); err != nil {
		t.Fatal(err)
	}
}

func allRows(txs []*Tx) (rows []string) {
	for _, tx := range txs {
		for _, c := range tx.Changes {
			rows = append(rows, c.String())
		}
	}
	return rows
}

func TestEmbeddedSnapshotThenLog(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		put(t, srv, 1, "one")
		f := Stream(t.Context(), of(srv), Options{})
		snapshot := take(t, f, func(tx *Tx) bool { return tx.Phase == SnapshotEnd })
		put(t, srv, 2, "two")
		if _, err := srv.Space("goods").Update([]any{1}, []any{"=", 1, "uno"}); err != nil {
			t.Fatal(err)
		}
		if _, err := srv.Space("goods").Delete(3); err != nil {
			t.Fatal(err)
		}
		log := userRows(take(t, f, func(tx *Tx) bool { return tx.Changes[0].Op == Delete }))
		want := []string{`replace goods [id: 2, name: "two"]`, "update goods key [1] [{= 1 [uno]}]", "delete goods key [3]"}
		if got := allRows(snapshot); !slices.Contains(got, `insert goods [id: 1, name: "one"]`) || !slices.Equal(log, want) {
			t.Errorf("%q, then %q, wanted %q", got, log, want)
		}
	})
}

// From its origin the log has the definitions.
func TestEmbeddedOrigin(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		put(t, srv, 1, "one")
		got := userRows(take(t, Stream(t.Context(), of(srv), Options{From: Origin}), func(tx *Tx) bool {
			return len(tx.Changes) > 0 && tx.Changes[0].Op == Replace
		}))
		want := []string{"create space goods", "alter space goods", `replace goods [id: 1, name: "one"]`}
		if !slices.Equal(got, want) {
			t.Errorf("%q, wanted %q", got, want)
		}
	})
}

// A gap and a position ahead are told, the gap by an old server, too, that
// says nothing itself before the next write.
func TestEmbeddedGapAndAhead(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		f := Stream(t.Context(), of(srv), Options{From: Now})
		put(t, srv, 1, "before") // not there yet for a feed that starts now
		go func() {
			time.Sleep(time.Second)
			for i := range 5 {
				_ = srv.Space("goods").Replace(i, "x")
			}
		}()
		txs := take(t, f, func(tx *Tx) bool { return len(tx.Changes) > 0 })
		at := txs[len(txs)-1].Position
		time.Sleep(time.Second)
		srv.DropLog()
		if err := failure(t, Stream(t.Context(), of(srv), Options{From: AtPosition(at)})); !errors.Is(err, ErrGap) {
			t.Errorf("behind a dropped log: %v", err)
		}
		at.VClock[1] += 100
		if err := failure(t, Stream(t.Context(), of(srv), Options{From: AtPosition(at)})); !errors.Is(err, ErrAhead) {
			t.Errorf("ahead: %v", err)
		}
	})
}

// Connections cut in the middle of a row lose and repeat nothing.
func TestEmbeddedCuts(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		lost := 0
		f := Stream(t.Context(), of(srv), Options{From: Origin, Spaces: []string{"goods"}, OnState: func(s State) {
			if !s.Following && s.Err != nil {
				lost++
			}
		}})
		next := 0
		put(t, srv, 0, "0")
		for tx, err := range f.All() {
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range tx.Changes {
				if c.Op != Replace {
					continue
				}
				if got := c.Tuple.String(); got != fmt.Sprintf(`[id: %d, name: "%d"]`, next, next) {
					t.Fatalf("%s where %d has to be", got, next)
				}
				if next++; next == 30 {
					break
				}
				if next%5 == 0 {
					srv.Cut(next % 3)
				}
				for i := next; i < next+1; i++ {
					put(t, srv, i, fmt.Sprint(i))
				}
			}
			if next == 30 {
				break
			}
		}
		if lost == 0 {
			t.Error("nothing was cut")
		}
	})
}

// Synchronous transactions come when they are confirmed, and others not before
// them; what is rolled back never comes.
func TestEmbeddedSynchronous(t *testing.T) {
	emit := func(t *testing.T, srv *tnttest.Server, rows ...tnttest.LogRow) uint64 {
		lsn, err := srv.Emit(rows...)
		if err != nil {
			t.Fatal(err)
		}
		return lsn
	}
	row := func(replica uint32, id int, synchronous bool) tnttest.LogRow {
		return tnttest.LogRow{Type: iproto.TypeInsert, ReplicaID: replica, Space: "goods", Tuple: []any{id, fmt.Sprint(id)}, Synchronous: synchronous}
	}
	synctest.Test(t, func(t *testing.T) {
		srv := tnttest.Run(t, tnttest.InMemory(), goods)
		f := Stream(t.Context(), of(srv), Options{From: Origin, Spaces: []string{"goods"}})
		var got []string
		for tx, err := range f.All() {
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range tx.Changes {
				got = append(got, fmt.Sprintf("%d %s", tx.Origin, c))
			}
			switch len(got) {
			case 2: // the space is there
				first := emit(t, srv, row(2, 1, false), row(2, 2, true))
				emit(t, srv, row(3, 3, false))
				second := emit(t, srv, row(2, 4, true))
				time.Sleep(time.Second)
				synctest.Wait()
				if position, _ := f.Lag(); position.VClock[2] != 0 {
					t.Errorf("undecided, it is at %v", position)
				}
				emit(t, srv, tnttest.LogRow{Type: iproto.TypeRaftConfirm, ReplicaID: 2, Of: 2, UpTo: first})
				emit(t, srv, tnttest.LogRow{Type: iproto.TypeRaftRollback, ReplicaID: 2, Of: 2, UpTo: second})
				emit(t, srv, row(1, 5, false))
			case 6:
				want := []string{
					`2 insert goods [id: 1, name: "1"]`, `2 insert goods [id: 2, name: "2"]`,
					`3 insert goods [id: 3, name: "3"]`, `1 insert goods [id: 5, name: "5"]`,
				}
				if !slices.Equal(got[2:], want) {
					t.Errorf("%q, wanted %q", got[2:], want)
				}
				return
			}
		}
	})
}

// A server that starts may deny a right that it will know of in a moment.
func TestEmbeddedRightsComeLate(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		denied := 0
		f := Stream(t.Context(), of(srv), Options{OnState: func(s State) {
			if errors.Is(s.Err, errcode.AccessDenied) {
				denied++
				const admin, guest, replication, execute = 1, 0, 3, 4
				if err := srv.Space("_priv").Insert(admin, guest, "role", replication, execute); err != nil {
					t.Error(err)
				}
			}
		}})
		take(t, f, func(tx *Tx) bool { return tx.Phase == SnapshotEnd })
		if denied != 1 {
			t.Errorf("denied %d times", denied)
		}
	}, tnttest.WithRestrictedGuest())
}

// ConnectOnce is for the first attempt: a server that was followed is waited for.
func TestEmbeddedConnectOnce(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		servers, lost := of(srv), 0
		servers[0].ConnectOnce = true
		f := Stream(t.Context(), servers, Options{OnState: func(s State) {
			switch {
			case s.Err == nil:
				return
			case lost > 2:
				srv.RefuseConnections(false)
			}
			lost++
		}})
		cut := false
		take(t, f, func(tx *Tx) bool {
			if tx.Phase == SnapshotEnd && !cut {
				cut = true
				srv.RefuseConnections(true)
				for _, c := range srv.Connections() {
					c.Close()
				}
				if err := srv.Space("goods").Insert(77, "77", 77); err != nil {
					t.Error(err)
				}
			}
			return cut && tx.Phase == InLog
		})
		if lost < 3 {
			t.Errorf("%d attempts were told as failed", lost)
		}
	})
}

func TestEmbeddedRights(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		if err := failure(t, Stream(t.Context(), of(srv), Options{})); !errors.Is(err, errcode.AccessDenied) || !strings.Contains(err.Error(), "'replication'") {
			t.Errorf("without rights: %v", err)
		}
	}, tnttest.WithRestrictedGuest())
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		servers, tries := of(srv), 0
		servers[0].ConnectOnce = true
		err := failure(t, Stream(t.Context(), servers, Options{OnState: func(s State) {
			if s.Err != nil {
				tries++
			}
		}}))
		if !errors.Is(err, errcode.AccessDenied) || tries > 0 {
			t.Errorf("with ConnectOnce: %v, after %d that were told", err, tries)
		}
	}, tnttest.WithRestrictedGuest())
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		servers := append(of(srv), of(srv)...)
		servers[1].Address = "memory:2"
		if err := failure(t, Stream(t.Context(), servers, Options{})); !errors.Is(err, errcode.AccessDenied) {
			t.Errorf("two without rights: %v", err)
		}
	}, tnttest.WithRestrictedGuest())
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		if err := failure(t, Stream(t.Context(), of(srv), Options{})); !errors.Is(err, errcode.Unsupported) || !strings.Contains(err.Error(), "wal_mode = 'write'") {
			t.Errorf("without a log: %v", err)
		}
	}, tnttest.WithoutLog())
}

// A consumer that stands still for a minute has its connection still.
func TestEmbeddedStandingStill(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		lost := 0
		f := Stream(t.Context(), of(srv), Options{From: Origin, Spaces: []string{"goods"}, Buffer: 10 << 10, OnState: func(s State) {
			if s.Err != nil {
				lost++
			}
		}})
		for i := range 2000 {
			put(t, srv, i, strings.Repeat("x", 10000))
		}
		n := 0
		for tx, err := range f.All() {
			if err != nil {
				t.Fatal(err)
			}
			if n == 100 {
				time.Sleep(time.Minute)
			}
			if n += len(tx.Changes); n == 2002 {
				break
			}
		}
		if lost > 0 {
			t.Errorf("%d connections were lost", lost)
		}
	}, tnttest.WithLogSize(64<<20))
}

// A consumer that stands still again and again, from the first rows on, has its
// connection still where the server cuts the silent off after a fifth of a second.
func TestEmbeddedSlowConsumerOfAQuickServer(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		lost := 0
		f := Stream(t.Context(), of(srv), Options{From: Origin, Spaces: []string{"goods"}, Buffer: 10 << 10, OnState: func(s State) {
			if s.Err != nil {
				lost++
			}
		}})
		write := func(i int) { _ = srv.Space("goods").Replace(i%10, strings.Repeat("x", 10000)) }
		for i := range 50 {
			write(i)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var writer sync.WaitGroup
		defer writer.Wait()
		defer cancel()
		writer.Go(func() {
			for i := 0; ctx.Err() == nil; i++ { // so that there are rows between any two heartbeats
				write(i)
				time.Sleep(20 * time.Millisecond)
			}
		})
		n := 0
		for tx, err := range f.All() {
			if err != nil {
				t.Fatal(err)
			}
			if n += len(tx.Changes); n >= 100 {
				break
			}
			if n%8 == 0 {
				time.Sleep(3 * time.Second)
			}
		}
		if lost > 0 {
			t.Errorf("%d connections were lost", lost)
		}
	}, tnttest.WithReplicationTimeout(50*time.Millisecond))
}

// Members of a replica set give the same, each in its own log: a follower goes
// on at another from the same position.
func TestEmbeddedFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rs := tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), goods)
		var servers []tnt.Options
		for _, addr := range rs.Addrs() {
			servers = append(servers, tnt.Options{Address: addr, Dialer: rs.DialContext})
		}
		f := Stream(t.Context(), servers, Options{From: Now, Spaces: []string{"goods"}})
		go func() {
			for i := range 60 {
				time.Sleep(100 * time.Millisecond)
				if i%20 == 10 {
					_ = rs.Kill(rs.Leader())
				}
				if i%20 == 19 {
					for m := range 3 {
						_ = rs.Restart(m) // of those that run it is an error
					}
				}
				leader, err := rs.WaitLeader(t.Context())
				if err != nil || rs.Instance(leader).Space("goods").Replace(i, "x") != nil {
					t.Errorf("cannot write: %v", err)
					return
				}
			}
		}()
		next, origins := uint64(0), map[uint32]bool{}
		for tx, err := range f.All() {
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range tx.Changes {
				if id, err := c.Tuple.At(0); err != nil || fmt.Sprint(id) != fmt.Sprint(next) {
					t.Fatalf("%v where %d has to be (%v)", id, next, err)
				}
				origins[tx.Origin] = true
				next++
			}
			if next == 60 {
				break
			}
		}
		if len(origins) < 2 {
			t.Errorf("all was written by %v", origins)
		}
	})
}

// Random writing and cutting: the mirror of a feed is what the server holds.
func TestEmbeddedAtRandom(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		version := rapid.SampledFrom(embeddedVersions).Draw(rt, "version")
		synctest.Test(t, func(t *testing.T) {
			srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithVersion(version), goods)
			f := Mirror(Stream(t.Context(), of(srv), Options{From: Origin}), "goods")
			sp := srv.Space("goods")
			for range rapid.IntRange(1, 30).Draw(rt, "steps") {
				id := rapid.IntRange(0, 5).Draw(rt, "id")
				switch rapid.IntRange(0, 5).Draw(rt, "what") {
				case 0, 1:
					_ = sp.Insert(id, "inserted") // there may be one
				case 2:
					_ = sp.Replace(id, fmt.Sprint(id))
				case 3:
					_, _ = sp.Delete(id)
				case 4:
					_, _ = sp.Update([]any{id}, []any{"=", "name", "updated"}, []any{"!", 2, id})
				case 5:
					srv.Cut(rapid.IntRange(0, 20).Draw(rt, "rows"))
				}
			}
			if err := sp.Replace(99, "end"); err != nil {
				t.Fatal(err)
			}
			state, ended := map[string]string{}, false
			for tx, err := range f.All() {
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range tx.Changes {
					if c.Old != nil {
						delete(state, idOf(t, c.Old))
					}
					if c.New != nil {
						var row []any
						if err := c.New.Decode(&row); err != nil {
							t.Fatal(err)
						}
						state[idOf(t, c.New)] = fmt.Sprint(row)
						ended = ended || idOf(t, c.New) == "99"
					}
				}
				if ended {
					break
				}
			}
			all, err := sp.All()
			if err != nil {
				t.Fatal(err)
			}
			if len(all) != len(state) {
				t.Errorf("%v, the server has %v", state, all)
			}
			for _, row := range all {
				if got := state[fmt.Sprint(row[0])]; got != fmt.Sprint(row) {
					t.Errorf("%s, the server has %v", got, row)
				}
			}
		})
	})
}

func idOf(t *testing.T, tuple *tnt.Tuple) string {
	t.Helper()
	id, err := tuple.At(0)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(id)
}
