package tnt_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// createSpace is Lua that makes a space with an index; dropSpace ends it.
const (
	createSpace = `local name, field = ...
		local s = box.schema.space.create(name, {format = {{'id', 'unsigned'}, {field or 'v', 'string'}}})
		s:create_index('primary')`
	dropSpace = "box.space[...]:drop()"
)

func TestSchemaContents(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		known := conn.Schema()
		space := known.Space("tester")
		if space == nil || space != known.SpaceByID(space.ID) {
			t.Fatalf("by name %p, by number %p", space, known.SpaceByID(space.ID))
		}
		equal(t, "name", space.Name, "tester")
		equal(t, "engine", space.Engine, "memtx")
		equal(t, "field count", space.FieldCount, uint64(0))
		if known.Space("limited").FieldCount != 2 || known.Space("limited").Flags["temporary"] != true {
			t.Errorf("a temporary space of two fields is %+v", known.Space("limited"))
		}
		equal(t, "number", []any{int64(space.ID)}, lua(t, conn, "return box.space.tester.id"))
		equal(t, "fields", space.Format.Fields(), []schema.Field{
			{Name: "id", Type: "unsigned"},
			{Name: "name", Type: "string"},
			{Name: "age", Type: "integer", IsNullable: true},
			{Name: "extra", Type: "any", IsNullable: true},
		})
		var names []string
		for i, index := range space.Indexes {
			if index != space.Index(index.Name) || index != space.IndexByID(index.ID) || index.ID != uint32(i) {
				t.Errorf("index %d is not the one of its name and number", i)
			}
			names = append(names, index.Name)
		}
		equal(t, "indexes", names, []string{"primary", "name", "name_id"})
		index := space.Index("name_id")
		if !index.Unique || index.Type != "tree" || len(index.Parts) != 2 {
			t.Errorf("the index is %+v", index)
		}
		equal(t, "a part", index.Parts[0], schema.Part{Field: 1, Name: "name", Type: "string"})
		equal(t, "a part", index.Parts[1], schema.Part{Field: 0, Name: "id", Type: "unsigned"})
		if space.Index("name").Unique {
			t.Error("an index is unique that is not")
		}
		if known.Space("hashed").Index("primary").Type != "hash" {
			t.Error("a hash index is none")
		}
		if f := known.Space("no_format").Format; f != nil || f.Names() != nil {
			t.Errorf("the format of a space without one is %v", f)
		}
		last := int64(-1)
		for space := range known.Spaces() {
			if int64(space.ID) <= last {
				t.Errorf("space %d comes after %d", space.ID, last)
			}
			last = int64(space.ID)
		}
		if version, ok := conn.SchemaVersion(); !ok || version != known.Version || version == 0 {
			t.Errorf("version %d, %v", version, ok)
		}
		if known.Space("nowhere") != nil || known.SpaceByID(99999) != nil || space.Index("x") != nil || space.IndexByID(9) != nil {
			t.Error("something is there that is not")
		}
	})
}

func TestSchemaOfNothing(t *testing.T) {
	conn, err := tnt.New(tnt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	known := conn.Schema()
	if known != nil || known.Space("x") != nil || known.SpaceByID(1) != nil || len(slices.Collect(known.Spaces())) != 0 {
		t.Error("a connection that is not connected has a schema")
	}
	if _, ok := conn.SchemaVersion(); ok || conn.Version() != (iproto.Version{}) {
		t.Error("a connection that is not connected has a version")
	}
}

func TestNoSchema(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		admin := shared(t, p)
		id := admin.Schema().Space("tester").ID
		conn := connect(t, tnt.Options{Address: p.shared.Address, NoSchema: true})
		if conn.Schema() != nil {
			t.Error("there is a schema")
		}
		if _, ok := conn.SchemaVersion(); ok {
			t.Error("there is a schema's version")
		}
		tuple := []any{1, "one", 1, nil}
		equal(t, "by number", data(t, conn, tnt.Replace{SpaceID: id, Tuple: tuple}), []any{[]any{int64(1), "one", int64(1), nil}})
		equal(t, "by numbers", ids(t, conn, tnt.Select{SpaceID: id, IndexID: 2, Key: tnt.K("one")}), ints(1))
		byNames := []tnt.Request{
			tnt.Replace{Space: "tester", Tuple: tuple},
			tnt.Select{Space: "tester", Index: "name_id", Key: tnt.K("one")},
			tnt.Select{SpaceID: id, Index: "name_id", Key: tnt.K("one")},
			tnt.Update{Space: "tester", Key: tnt.K(1), Ops: []tnt.Op{tnt.OpAdd("age", 1)}},
			tnt.Upsert{Space: "tester", Tuple: tuple, Ops: []tnt.Op{tnt.OpAdd("age", 1)}},
			tnt.Delete{Space: "tester", Index: "name_id", Key: tnt.Parts("one", 1)},
		}
		for _, req := range byNames {
			before := conn.Stats().Writes
			resp, err := conn.Do(testContext(t), req)
			if conn.Features().Has(iproto.FeatureSpaceAndIndexNames) {
				if err != nil || req.Type().String() != "UPSERT" && resp.Len() != 1 {
					t.Errorf("%#v: %d rows, %v", req, resp.Len(), err)
				}
				continue
			}
			var unknown *tnt.SchemaError
			if !errors.As(err, &unknown) || !tnt.SafeToRetry(err) || conn.Stats().Writes != before {
				t.Errorf("%#v: %v", req, err)
			}
			failsWith(t, "its text", err, "use ids")
		}
		for _, req := range []tnt.Request{
			tnt.Insert{Space: "tester", Tuple: map[string]any{"id": 1, "name": "x"}},
			tnt.Select{Space: "tester", Key: tnt.K(map[string]any{"id": 1})},
		} {
			_, err := conn.Do(testContext(t), req)
			var unknown *tnt.SchemaError
			if !errors.As(err, &unknown) {
				t.Errorf("fields by name without a schema: %v", err)
			}
		}
		if _, err := conn.Do(testContext(t), tnt.Select{Space: "nowhere"}); err == nil {
			t.Error("an unknown name succeeded")
		}
		if err := conn.RefetchSchema(testContext(t)); err != nil || conn.Schema().Space("tester") == nil {
			t.Errorf("fetching the schema on demand: %v", err)
		}
	})
}

func TestSchemaChangeSeenAtNextRequest(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		admin, conn := shared(t, p), quiet(t, p)
		lua(t, admin, createSpace, "fresh")
		defer func() { lua(t, admin, dropSpace, "fresh") }()
		tuple, err := conn.Insert(testContext(t), "fresh", map[string]any{"id": 1, "v": "x"})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := tuple.Get("v"); v != "x" || err != nil {
			t.Errorf("the field is %v, %v", v, err)
		}

		// The space dropped, and one of the same name made, with another field.
		lua(t, admin, dropSpace, "fresh")
		lua(t, admin, createSpace, "fresh", "w")
		tuple, err = conn.Insert(testContext(t), "fresh", map[string]any{"id": 1, "w": "y"})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := tuple.Get("w"); v != "y" || err != nil {
			t.Errorf("the field is %v, %v", v, err)
		}
		lua(t, admin, "box.space.fresh:create_index('second', {parts = {{2, 'string'}}})")
		equal(t, "a new index", ids(t, conn, tnt.Select{Space: "fresh", Index: "second", Key: tnt.K("y")}), ints(1))

		// A name that stays unknown costs a ping, and no schema.
		known := conn.Schema()
		if _, err := conn.Select(testContext(t), "nowhere", tnt.Key{}); err == nil {
			t.Error("an unknown space was found")
		}
		if conn.Schema() != known {
			t.Error("the schema was fetched for nothing")
		}
	})
}

func TestSchemaChangeSeenByPing(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		admin := shared(t, p)
		conn := connect(t, tnt.Options{Address: p.shared.Address, PingInterval: 10 * time.Millisecond})
		lua(t, admin, createSpace, "pinged")
		defer lua(t, admin, dropSpace, "pinged")
		eventually(t, "the space is known", func() bool { return conn.Schema().Space("pinged") != nil })
		// Without a request to do again: an asynchronous one is not.
		if _, err := conn.Go(testContext(t), tnt.Insert{Space: "pinged", Tuple: []any{1, "x"}}).Wait(testContext(t)); err != nil {
			t.Error(err)
		}
	})
}

func TestNoSchemaRefetch(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		admin := shared(t, p)
		conn := connect(t, tnt.Options{Address: p.shared.Address, NoSchemaRefetch: true, PingInterval: 5 * time.Millisecond})
		before := conn.Schema()
		lua(t, admin, createSpace, "later")
		defer lua(t, admin, dropSpace, "later")
		_, err := conn.Insert(testContext(t), "later", []any{1, "x"})
		var unknown *tnt.SchemaError
		if !errors.As(err, &unknown) {
			t.Errorf("a space that is not in the schema: %v", err)
		}
		// What the schema at hand knows goes on to work.
		if _, err := conn.Replace(testContext(t), "tester", []any{1, "x"}); err != nil {
			t.Errorf("a space of the old schema: %v", err)
		}
		for range 3 {
			if err := conn.Ping(testContext(t)); err != nil {
				t.Fatal(err)
			}
		}
		if conn.Schema() != before {
			t.Error("the schema was fetched")
		}
		if err := conn.RefetchSchema(testContext(t)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Insert(testContext(t), "later", []any{1, "x"}); err != nil {
			t.Errorf("after RefetchSchema: %v", err)
		}
	})
}

// TestSchemaVersionOutgrowsAByte changes the schema 251 times: the version is
// one byte at first, then more.
func TestSchemaVersionOutgrowsAByte(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		admin := connect(t, tnt.Options{Address: s.Address, NoSchema: true})
		conn := connect(t, tnt.Options{Address: s.Address, PingInterval: tnt.Never})
		first, _ := conn.SchemaVersion()
		for i := range 251 {
			lua(t, admin, "local i = ... if i % 2 == 0 then box.schema.space.create('flip') else box.space.flip:drop() end", i)
			if i%10 != 0 {
				continue
			}
			if _, err := conn.Replace(testContext(t), "tester", []any{1, "x", i}); err != nil {
				t.Fatalf("after %d changes: %v", i+1, err)
			}
		}
		if err := conn.RefetchSchema(testContext(t)); err != nil {
			t.Fatal(err)
		}
		if last, _ := conn.SchemaVersion(); last < first+251 {
			t.Errorf("the version went from %d to %d", first, last)
		}
		if conn.Schema().Space("flip") == nil {
			t.Error("the schema is not the last one")
		}
	})
}

func TestSchemaStorm(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		admin := connect(t, tnt.Options{Address: s.Address, NoSchema: true})
		conn := connect(t, tnt.Options{Address: s.Address})
		ctx, cancel := context.WithCancel(testContext(t))
		var wg sync.WaitGroup
		wg.Go(func() {
			defer cancel()
			for i := range 50 {
				name := fmt.Sprintf("storm%d", i)
				if _, err := admin.Eval(testContext(t), createSpace, name); err != nil {
					t.Error(err)
				}
				if _, err := conn.Insert(testContext(t), name, []any{1, "x"}); err != nil && !errors.Is(err, errcode.WrongSchemaVersion) {
					t.Error(err)
				}
			}
		})
		for range 4 {
			wg.Go(func() {
				for ctx.Err() == nil {
					// The schema may change more often than a request is tried.
					if _, err := conn.Replace(testContext(t), "tester", []any{1, "x"}); err != nil && !errors.Is(err, errcode.WrongSchemaVersion) {
						t.Error(err)
					}
					_ = conn.Schema().Space("tester").Index("name_id").Parts
				}
			})
		}
		wg.Wait()
		eventually(t, "the schema is the last one", func() bool { return conn.Schema().Space("storm49") != nil })
	})
}

func TestDisconnectRacingRefetch(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		for i := range 30 {
			conn, err := tnt.ConnectOptions(testContext(t), tnt.Options{Address: p.shared.Address})
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if err := conn.RefetchSchema(testContext(t)); err != nil && !errors.Is(err, tnt.ErrClosed) {
						t.Errorf("a refetch that a disconnect met: %v", err)
					}
				})
			}
			if i%2 == 0 {
				time.Sleep(time.Duration(i) * 20 * time.Microsecond) // at another moment each time
			}
			disconnect(t, conn)
			wg.Wait()
			if err := conn.RefetchSchema(testContext(t)); !errors.Is(err, tnt.ErrNotConnected) {
				t.Errorf("afterwards: %v", err)
			}
		}
	})
}

func TestRefetchSchemaHonoursContext(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address})
		s.Pause()
		defer s.Resume()
		cause := errors.New("my cause")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, cause)
		defer cancel()
		if err := conn.RefetchSchema(ctx); !errors.Is(err, cause) {
			t.Errorf("got %v", err)
		}
	})
}

// TestSchemaSurvivesReconnect changes the schema while the server is away.
func TestSchemaSurvivesReconnect(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address, ReconnectInterval: 5 * time.Millisecond})
		lua(t, conn, createSpace, "gone")
		if _, err := conn.Insert(testContext(t), "gone", []any{1, "x"}); err != nil {
			t.Fatal(err)
		}
		s.Kill()
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		works(t, conn)
		_, err := conn.Insert(testContext(t), "gone", []any{1, "x"})
		var unknown *tnt.SchemaError
		if !errors.As(err, &unknown) || !strings.Contains(err.Error(), "gone") {
			t.Errorf("a space that went with the old server: %v", err)
		}
	})
}

// TestRenamedSpace checks that a request by the old name of a space is refused
// instead of being done by the number that was its.
func TestRenamedSpace(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		admin, conn := shared(t, p), quiet(t, p)
		lua(t, admin, createSpace, "before")
		if _, err := conn.Insert(testContext(t), "before", []any{1, "x"}); err != nil {
			t.Fatal(err)
		}
		lua(t, admin, "box.space.before:rename('after')")
		defer lua(t, admin, dropSpace, "after")
		if _, err := conn.Insert(testContext(t), "before", []any{2, "x"}); err == nil {
			t.Error("the old name went on to work")
		}
		equal(t, "by the new name", ids(t, conn, tnt.Select{Space: "after"}), ints(1))
	})
}

// TestSchemaChangesWhileItIsFetched has DDL come between the two selects that
// make up a schema, once.
func TestSchemaChangesWhileItIsFetched(t *testing.T) {
	var selects atomic.Int64
	addr := fakeServer(t, func(p *peer) {
		for version := range uint64(4) { // 1 and 2, then 3 and 3
			h, _, err := p.next()
			if err != nil {
				return
			}
			selects.Add(1)
			b := wire.AppendResponseHeader(wire.BeginFrame(nil), wire.Header{Sync: h.Sync, SchemaVersion: min(version+1, 3)})
			b = append(b, emptyBody...)
			if wire.EndFrame(b, 0) != nil {
				return
			}
			if _, err := p.Write(b); err != nil {
				return
			}
		}
		p.drain()
	})
	conn := toFake(t, addr, func(o *tnt.Options) { o.NoSchema, o.NoSchemaRefetch = false, true })
	equal(t, "selects", selects.Load(), int64(4))
	if version, ok := conn.SchemaVersion(); version != 3 || !ok {
		t.Errorf("the schema has version %d", version)
	}
}
