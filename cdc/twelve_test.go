package cdc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/tnttest"
)

// Followers follow a server at once, while data are written by writers at once.
const (
	followers = 12
	writers   = 3
)

// named is a space whose second field has as its name what its value was at
// each write: a row that gets the names of another time is noticed.
const named = `
local s = box.schema.space.create('named', {format = {{name = 'id', type = 'unsigned'}, {name = 'first', type = 'string'}, {name = 'n', type = 'number'}}})
s:create_index('pk')
for i = 1, 100 do s:insert({1000 + i, 'first', i}) end`

const writeNamed = `
local s, w, n = box.space.named, ...
math.randomseed(w)
for i = 1, n do
    local id, what = w * 1000 + math.random(50), math.random(6)
    local name = s:format()[2].name
    if what <= 2 then s:replace({id, name, i})
    elseif what == 3 then s:delete(id)
    elseif what == 4 then s:update(id, {{'=', 2, name}, {'+', 3, 1}})
    elseif what == 5 then s:upsert({id, name, 0}, {{'=', 2, name}, {'=', 3, i}})
    else
        box.begin()
        for _ = 1, math.random(2, 5) do s:replace({w * 1000 + math.random(50), name, i}) end
        if math.random(4) == 1 then box.rollback() else box.commit() end
    end
    if i % 40 == 0 then -- another may be at it
        pcall(s.format, s, {{name = 'id', type = 'unsigned'}, {name = 'w' .. w .. 'i' .. i, type = 'string'}, {name = 'n', type = 'number'}})
    end
end`

// A witness is what one of several followers saw of the space.
type witness struct {
	t     *testing.T
	log   []string          // of all changes behind the snapshot
	state map[string]string // by Old and New, where mirrored
	names int               // that were checked
	txs   int
}

// take notes a transaction, and reports whether it is the last.
func (w *witness) take(tx *Tx) bool {
	if tx.Phase == InLog {
		w.txs++
	}
	for i, c := range tx.Changes {
		if tx.Phase == InLog {
			w.log = append(w.log, fmt.Sprint(i, " of ", len(tx.Changes), ": ", c, " ", tx.Position.VClock))
		}
		if c.Old != nil {
			w.drop(*c.Old)
		}
		now := c.Tuple
		if c.New != nil {
			w.state[w.key(*c.New)] = values(w.t, *c.New)
			now = *c.New
		}
		if tx.Phase == InLog && now.Raw() != nil {
			w.names++
			if name, err := now.At(1); err != nil || name != c.Space.Format.Names()[1] {
				w.t.Errorf("%v was written as %v: %v", c, c.Space.Format.Names(), err)
			}
		}
		if c.Op == Replace && w.key(now) == "0" {
			return true
		}
	}
	return false
}

func (w *witness) key(tuple tnt.Tuple) string {
	id, err := tuple.At(0)
	if err != nil {
		w.t.Error(err)
	}
	return fmt.Sprint(id)
}

func (w *witness) drop(tuple tnt.Tuple) {
	if had := w.state[w.key(tuple)]; had != values(w.t, tuple) {
		w.t.Errorf("before a change it was %v, but %s is there", tuple, had)
	}
	delete(w.state, w.key(tuple))
}

// follow follows until the last transaction. Without a mirror it ends again
// and again, and goes on from what a checkpoint's bytes say.
func (w *witness) follow(ctx context.Context, servers []tnt.Options, mirrored bool, every int, ready func()) error {
	opts := Options{Consumer: uuid.New(), Spaces: []string{"named"}}
	for {
		f, left := Stream(ctx, servers, opts), every
		if mirrored {
			f = Mirror(f, "named")
		}
		var stored []byte
		for tx, err := range f.All() {
			if err != nil {
				return err
			}
			if w.take(tx) {
				return nil
			}
			if tx.Phase == SnapshotEnd {
				ready()
			}
			if left--; !mirrored && left <= 0 && tx.Phase != InSnapshot {
				if stored, err = tx.Checkpoint().MarshalBinary(); err != nil {
					return err
				}
				break
			}
		}
		var c Checkpoint
		if err := c.UnmarshalBinary(stored); err != nil {
			return err
		}
		opts.From = At(c)
	}
}

// twelve has followers see what write writes: all of them the same, and half
// of them, which mirror it, end with the rows of the server.
func twelve(t *testing.T, servers []tnt.Options, write func(), rows func() []tnt.Tuple) {
	t.Helper()
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	var ready, running sync.WaitGroup
	all := make([]*witness, followers)
	for i := range all {
		w := &witness{t: t, state: map[string]string{}}
		all[i] = w
		ready.Add(1)
		running.Go(func() {
			once := sync.OnceFunc(ready.Done)
			defer once()
			if err := w.follow(ctx, servers, i%2 == 0, 5+7*i, once); err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("follower %d: %v", i, err)
				cancel()
			}
		})
	}
	ready.Wait()
	write()
	running.Wait()
	want := map[string]string{}
	for _, tuple := range rows() {
		want[all[0].key(tuple)] = values(t, tuple)
	}
	txs, names := 0, 0
	for i, w := range all {
		txs, names = txs+w.txs, names+w.names
		if i%2 == 0 && fmt.Sprint(w.state) != fmt.Sprint(want) {
			t.Errorf("follower %d has\n%v\nthe server has\n%v", i, w.state, want)
		}
		if !slices.Equal(w.log, all[0].log) {
			t.Errorf("follower %d saw %d changes, follower 0 saw %d, or others", i, len(w.log), len(all[0].log))
		}
	}
	if len(want) < 10 || names < followers*100 {
		t.Errorf("only %d rows are left, and %d names were checked", len(want), names)
	}
	t.Logf("%d followers: %d transactions, %d rows by the names they had then, %d rows in the end", followers, txs, names, len(want))
}

func TestTwelveFollowers(t *testing.T) {
	onServers(t, "{}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		eval(t, conn, named)
		twelve(t, at(s), func() {
			var writing sync.WaitGroup
			for w := range writers {
				writing.Go(func() {
					if _, err := conn.Eval(testContext(t), writeNamed, w+1, 400); err != nil {
						t.Error(err)
					}
				})
			}
			writing.Wait()
			eval(t, conn, `box.space.named:replace({0, box.space.named:format()[2].name, 0})`)
		}, func() []tnt.Tuple { return tuplesOf(t, conn) })
	})
}

func tuplesOf(t *testing.T, conn *tnt.Conn) []tnt.Tuple {
	t.Helper()
	tuples, err := conn.Select(testContext(t), "named", tnt.Key{})
	if err != nil {
		t.Fatal(err)
	}
	return tuples
}

func TestTwelveFollowersOfTheEmbedded(t *testing.T) {
	schema := tnttest.WithSpace(tnttest.SpaceDef{
		Name: "named", ID: 600, Format: []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "first", Type: "string"}, {Name: "n", Type: "number"}},
		Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
	})
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		conn, err := tnt.ConnectOptions(t.Context(), of(srv)[0])
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		twelve(t, of(srv), func() { writeToEmbedded(t, srv, conn) }, func() []tnt.Tuple { return tuplesOf(t, conn) })
	}, schema)
}

// writeToEmbedded does what writeNamed does, and cuts connections.
func writeToEmbedded(t *testing.T, srv *tnttest.Server, conn *tnt.Conn) {
	t.Helper()
	ctx, name := t.Context(), "first"
	for i := range 400 {
		id := i * i % 50
		var err error
		switch i % 5 {
		case 0, 1:
			_, err = conn.Replace(ctx, "named", []any{1000 + id, name, i})
		case 2:
			_, err = conn.Delete(ctx, "named", tnt.K(1000+id/2))
		case 3:
			_, err = conn.Update(ctx, "named", tnt.K(1000+id), tnt.OpAssign(1, name), tnt.OpAdd(2, 1))
		case 4:
			err = conn.Upsert(ctx, "named", []any{1000 + id, name, 0}, tnt.OpAssign(1, name), tnt.OpAssign(2, i))
		}
		if i%40 == 39 {
			name = fmt.Sprint("i", i)
			format := []any{}
			for _, f := range [][2]string{{"id", "unsigned"}, {name, "string"}, {"n", "number"}} {
				format = append(format, map[string]any{"name": f[0], "type": f[1]})
			}
			_, more := conn.Update(ctx, "_space", tnt.K(600), tnt.OpAssign(6, format))
			err = errors.Join(err, more)
		}
		if i%50 == 25 {
			srv.Cut(i % 7)
		}
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := conn.Replace(ctx, "named", []any{0, name, 0}); err != nil {
		t.Error(err)
	}
}
