package cdc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/types"
)

// without returns a conversation that lacks the frames for which drop holds,
// and all behind the first for which end does.
func (c *conversation) without(drop, end func(what string) bool) *conversation {
	changed := *c
	changed.Frames = nil
	for _, f := range c.Frames {
		what := strings.ReplaceAll(string(f.What), " ", "")
		if end(what) {
			break
		}
		if !drop(what) {
			changed.Frames = append(changed.Frames, f)
		}
	}
	return &changed
}

func never(string) bool { return false }

func TestRowsThatWereNeverSentAreAGap(t *testing.T) {
	c := recording(t, "anon_full_38").without(func(what string) bool { return strings.Contains(what, `"lsn":30,`) }, never)
	txs, _, err := replay(t, c, Snapshot)
	if !errors.Is(err, ErrGap) || txs[len(txs)-1].Position.VClock[1] != 29 {
		t.Errorf("%v, after %v", err, txs[len(txs)-1].Position)
	}
}

func TestSnapshotIsLost(t *testing.T) {
	isEnd := func(what string) bool { return strings.Contains(what, "vinylinsnapshot") }
	c := recording(t, "anon_full_26").without(never, isEnd)
	c.Meta.Result = "EOF"
	synctest.Test(t, func(t *testing.T) {
		// Nothing was given out: the snapshot is asked for again, without a word.
		p := &peer{c: c, t: t, cutSnapshot: true}
		ctx, cancel := context.WithCancel(t.Context())
		f := Stream(ctx, []tnt.Options{{Dialer: p.dial}}, Options{})
		go func() {
			time.Sleep(time.Second)
			cancel()
		}()
		for _, err := range f.All() {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("before anything was given out: %v", err)
			}
		}
		p.wait()
		if p.dialled < 2 {
			t.Errorf("%d connections", p.dialled)
		}
		// System spaces are given out before the end.
		p = &peer{c: c, t: t, cutSnapshot: true}
		f = Stream(t.Context(), []tnt.Options{{Dialer: p.dial}}, Options{System: true})
		var last error
		given := 0
		for _, err := range f.All() {
			last = err
			given++
		}
		if !errors.Is(last, ErrSnapshotLost) || given < 2 {
			t.Errorf("after %d: %v", given, last)
		}
		p.wait()
	})
}

func TestSnapshotStalls(t *testing.T) {
	c := recording(t, "anon_full_26").without(never, func(what string) bool { return strings.Contains(what, "vinylinsnapshot") })
	for name, pause := range map[string]time.Duration{"the server": 0, "the consumer": time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			whole := c
			if pause > 0 {
				whole = recording(t, "anon_full_26")
			}
			p := &peer{c: whole, t: t}
			f := Stream(t.Context(), []tnt.Options{{Dialer: p.dial}}, Options{System: true, Buffer: 4096})
			start := time.Now()
			var last error
			for _, err := range f.All() {
				if last = err; pause > 0 {
					time.Sleep(pause)
					pause = 0
				}
			}
			if !errors.Is(last, ErrStalled) || time.Since(start) < DefaultSnapshotStall {
				t.Errorf("%s stands still: %v, after %v", name, last, time.Since(start))
			}
			p.wait()
		})
	}
}

func TestMaxPending(t *testing.T) {
	c := recording(t, "cluster_A_38").without(never, func(what string) bool { return strings.Contains(what, "RAFT_CONFIRM") })
	synctest.Test(t, func(t *testing.T) {
		p := &peer{c: c, t: t}
		f := Stream(t.Context(), []tnt.Options{{Dialer: p.dial}}, Options{MaxPending: 100})
		var last error
		for tx, err := range f.All() {
			if last = err; err == nil && tx.Phase == InLog {
				t.Errorf("what waits came: %v", tx.Changes)
			}
		}
		if !errors.Is(last, ErrTooLarge) || !strings.Contains(last.Error(), "MaxPending") {
			t.Errorf("%v", last)
		}
		p.wait()
	})
}

func TestSpacesAndSystem(t *testing.T) {
	onServers(t, "{}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		all := take(t, Stream(testContext(t), at(s), Options{}), func(tx *Tx) bool { return tx.Phase == SnapshotEnd })
		start := At(all[len(all)-1].Checkpoint())
		eval(t, conn, `
		    box.schema.space.create('other', {format = {{name = 'id', type = 'unsigned'}}}):create_index('pk')
		    box.space.other:replace({1}) box.space.places:replace({1, 'x'})
		    box.space.other:rename('another') box.space.another:replace({2})
		    box.space.goods:replace({9, 'end of 1'})`)
		for _, c := range []struct {
			opts Options
			want []string
		}{
			{Options{Spaces: []string{"other", "goods"}}, []string{"create space other", "alter space other", "replace other [id: 1]", "alter space another", `replace goods [id: 9, name: "end of 1"]`}},
			{Options{Spaces: []string{"another", "goods"}}, []string{"alter space another", "replace another [id: 2]", `replace goods [id: 9, name: "end of 1"]`}},
		} {
			c.opts.From, c.opts.Consumer = start, uuid.New()
			txs := take(t, Stream(testContext(t), at(s), c.opts), isEnd(1))
			if got := userRows(txs); !slices.Equal(got, c.want) {
				t.Errorf("%v: %q", c.opts.Spaces, got)
			}
		}
		txs := take(t, Stream(testContext(t), at(s), Options{From: start, System: true, Consumer: uuid.New()}), isEnd(1))
		if got := strings.Join(userRows(txs), "\n"); !strings.Contains(got, "insert _space [id: ") || !strings.Contains(got, "insert _index") {
			t.Errorf("with system spaces: %s", got)
		}
	})
}

func TestManualAck(t *testing.T) {
	onServers(t, "{replication_timeout = 0.05}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		f := Stream(testContext(t), at(s), Options{ManualAck: true, Spaces: []string{"goods"}})
		var end Position
		for tx, err := range f.All() {
			if err != nil {
				t.Fatal(err)
			}
			if tx.Phase == SnapshotEnd {
				end = tx.Position
				eval(t, conn, `box.space.goods:replace({1, 'x'})`)
			}
			if tx.Phase == InLog {
				if acked := f.safe(); acked == end.VClock || acked == tx.Position.VClock {
					t.Errorf("%v is acknowledged without a word", acked)
				}
				later := tx.Position
				later.VClock[1] += 100
				if err := f.Ack(later); err == nil {
					t.Error("a position was acknowledged that was not given out")
				}
				if err := f.Ack(Position{ReplicaSet: uuid.New()}); !errors.Is(err, ErrOtherReplicaSet) {
					t.Errorf("another replica set's position: %v", err)
				}
				if err := f.Ack(tx.Position); err != nil || !f.safe().Covers(tx.Position.VClock) {
					t.Errorf("%v: %v", f.safe(), err)
				}
				if read, _ := f.Lag(); !read.VClock.Covers(tx.Position.VClock) {
					t.Errorf("read up to %v", read)
				}
				return
			}
		}
	})
}

func TestAs(t *testing.T) {
	onServers(t, "{}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		type goods struct {
			ID   uint64 `tnt:"id"`
			Name string `tnt:"name"`
		}
		conn := connect(t, s)
		for _, mirror := range []bool{false, true} {
			f := Stream(testContext(t), at(s), Options{Spaces: []string{"goods"}})
			if mirror {
				Mirror(f, "goods")
			}
			for tx, err := range f.All() {
				if err != nil {
					t.Fatal(err)
				}
				if tx.Phase == SnapshotEnd {
					eval(t, conn, `box.space.goods:update(5, {{'=', 'name', 'five'}})`)
				}
				if tx.Phase != InLog {
					for _, c := range tx.Changes {
						if c.Op != Insert {
							continue
						}
						if row, err := As[goods](c); err != nil || row.ID == 0 || row.Name == "" {
							t.Fatalf("%+v, %v", row, err)
						}
					}
					continue
				}
				row, err := As[goods](tx.Changes[0])
				if !mirror && !errors.Is(err, tnt.ErrNoTuple) || mirror && (err != nil || row != goods{5, "five"}) {
					t.Errorf("mirror %t: %+v, %v", mirror, row, err)
				}
				break
			}
		}
	})
}

func TestPositionText(t *testing.T) {
	p := Position{uuid.MustParse("9d1e8e6a-b4d3-4f0c-9a59-3d1c7c1d0e55"), types.VClock{1: 121, 2: 5}}
	const text = "9d1e8e6a-b4d3-4f0c-9a59-3d1c7c1d0e55 {1: 121, 2: 5}"
	b, err := json.Marshal(p)
	if err != nil || string(b) != `"`+text+`"` {
		t.Errorf("%s, %v", b, err)
	}
	var back Position
	if err := json.Unmarshal(b, &back); err != nil || back != p {
		t.Errorf("%v, %v", back, err)
	}
	if err := back.UnmarshalText(nil); err != nil || !back.IsZero() {
		t.Errorf("%v, %v", back, err)
	}
	for _, bad := range []string{"x", "{1: 2}", "9d1e8e6a-b4d3-4f0c-9a59-3d1c7c1d0e55", text + "x"} {
		if p, err := ParsePosition(bad); err == nil {
			t.Errorf("%q is %v", bad, p)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for want, f := range map[string]*Feed{
		"negative":  Stream(t.Context(), []tnt.Options{{}}, Options{Buffer: -1}),
		"no server": Stream(t.Context(), nil, Options{}),
		"zero":      Stream(t.Context(), []tnt.Options{{}}, Options{From: AtPosition(Position{})}),
		"Mirror":    Mirror(Stream(t.Context(), []tnt.Options{{}}, Options{From: Now})),
	} {
		if err := failure(t, f); !strings.Contains(err.Error(), want) {
			t.Errorf("%v, wanted one with %q", err, want)
		}
	}
}

func TestExplainedErrorsKeepTheirCode(t *testing.T) {
	opts := &tnt.Options{User: "bob"}
	for code, cure := range map[errcode.Code]string{errcode.AccessDenied: "grant('bob'", errcode.XlogGap: "gone"} {
		err := explain(fmt.Errorf("x: %w", &tnt.Error{Code: code}), opts)
		if !errors.Is(err, code) || !strings.Contains(err.Error(), cure) || !isFinal(err) {
			t.Errorf("%d: %v", code, err)
		}
	}
}

func FuzzCheckpoint(f *testing.F) {
	cat := newCatalog()
	f.Add(cat.encode())
	whole, err := Checkpoint{Position: Position{uuid.New(), types.VClock{1: 5}}, Consumer: uuid.New(), schema: cat.encode()}.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, b []byte) {
		var c Checkpoint
		if c.UnmarshalBinary(b) != nil {
			return
		}
		again, err := c.MarshalBinary()
		var back Checkpoint
		if err != nil || back.UnmarshalBinary(again) != nil || back.Position != c.Position || !bytes.Equal(back.schema, c.schema) {
			t.Fatalf("%+v, %v", back, err)
		}
	})
}
