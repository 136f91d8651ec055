package tnt_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
)

// reuseID is Lua that drops a space and makes another one with its id.
const reuseID = `local before, after = ...
	local id = box.space[before].id
	box.space[before]:drop()
	box.schema.space.create(after, {id = id, format = {{'id', 'unsigned'}, {'v', 'string'}}}):create_index('primary')
	return id`

// writes are all ways to do a request.
var writes = map[string]func(ctx context.Context, ex tnt.Executor, req tnt.Insert) error{
	"Do": func(ctx context.Context, ex tnt.Executor, req tnt.Insert) error {
		_, err := tnt.Do(ctx, ex, req)
		return err
	},
	"Exec": tnt.Exec[tnt.Insert],
	"One": func(ctx context.Context, ex tnt.Executor, req tnt.Insert) error {
		_, err := tnt.One[[]any](ctx, ex, req)
		return err
	},
	"All": func(ctx context.Context, ex tnt.Executor, req tnt.Insert) error {
		_, err := tnt.All[[]any](ctx, ex, req)
		return err
	},
	"Rows": func(ctx context.Context, ex tnt.Executor, req tnt.Insert) (err error) {
		for _, e := range tnt.Rows[[]any](ctx, ex, req) {
			err = e
		}
		return err
	},
	"Go": func(ctx context.Context, ex tnt.Executor, req tnt.Insert) error {
		_, err := tnt.Go(ctx, ex, req).Wait(ctx)
		return err
	},
	"Batch": func(ctx context.Context, ex tnt.Executor, req tnt.Insert) error {
		return tnt.Batch(ctx, ex, tnt.Ping{}, req)[1].Err
	},
	"Each": func(ctx context.Context, ex tnt.Executor, req tnt.Insert) (err error) {
		for _, e := range tnt.Each[[]any](ctx, ex, []tnt.Insert{req}) {
			err = e
		}
		return err
	},
}

// TestDroppedSpaceWhoseIDIsAnothers writes by the name of a space that is gone,
// and whose id is another's by now.
func TestDroppedSpaceWhoseIDIsAnothers(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		admin := shared(t, p)
		for name, write := range writes {
			for _, noRefetch := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, NoSchemaRefetch %v", name, noRefetch), func(t *testing.T) {
					lua(t, admin, createSpace, "accounts")
					conn := connect(t, tnt.Options{Address: p.shared.Address, PingInterval: tnt.Never, NoSchemaRefetch: noRefetch})
					if err := write(testContext(t), conn, tnt.Insert{Space: "accounts", Tuple: []any{1, "x"}}); err != nil {
						t.Fatal(err)
					}
					lua(t, admin, reuseID, "accounts", "audit")
					defer lua(t, admin, dropSpace, "audit")
					err := write(testContext(t), conn, tnt.Insert{Space: "accounts", Tuple: []any{2, "x"}})
					if err == nil || !tnt.SafeToRetry(err) {
						t.Errorf("by the name that is gone: %v", err)
					}
					equal(t, "tuples in the other space", lua(t, admin, "return box.space.audit:len()"), ints(0))
					if noRefetch {
						failsWith(t, "what it says", err, "RefetchSchema")
					} else if err := write(testContext(t), conn, tnt.Insert{Space: "audit", Tuple: []any{1, "x"}}); err != nil {
						t.Errorf("by the new name: %v", err)
					}
				})
			}
		}
	})
}

// resident is a row whose fields are known by their names.
type resident struct {
	ID   uint64 `tnt:"id"`
	Name string `tnt:"name"`
	City string `tnt:"city"`
}

const (
	createSwap = `local s = box.schema.space.create('swap', {id = 901, format = {{'id', 'unsigned'}, {'name', 'string'}, {'city', 'string'}}})
		s:create_index('primary')
		s:create_index('by_name', {parts = {{2, 'string'}}})
		s:create_index('by_city', {parts = {{3, 'string'}}})
		s:insert{1, 'Ann', 'Oslo'}`
	// changeSwap has the fields, and the indexes, change their places.
	changeSwap = `local s = box.space.swap
		s:truncate()
		s.index.by_name:drop() s.index.by_city:drop()
		s:format({{'id', 'unsigned'}, {'city', 'string'}, {'name', 'string'}})
		s:create_index('by_city', {parts = {{2, 'string'}}})
		s:create_index('by_name', {parts = {{3, 'string'}}})
		s:insert{1, 'Oslo', 'Ann'}`
	swapID = 901
)

// reads are all ways to read a row by the names of its fields.
var reads = map[string]func(ctx context.Context, ex tnt.Executor, req tnt.Select) (name, city any, err error){
	"One": func(ctx context.Context, ex tnt.Executor, req tnt.Select) (any, any, error) {
		r, err := tnt.One[resident](ctx, ex, req)
		return r.Name, r.City, err
	},
	"One of a pointer": func(ctx context.Context, ex tnt.Executor, req tnt.Select) (any, any, error) {
		r, err := tnt.One[*resident](ctx, ex, req)
		if err != nil {
			return nil, nil, err
		}
		return r.Name, r.City, err
	},
	"One of a map": func(ctx context.Context, ex tnt.Executor, req tnt.Select) (any, any, error) {
		m, err := tnt.One[map[string]any](ctx, ex, req)
		return m["name"], m["city"], err
	},
	"One of a Tuple": func(ctx context.Context, ex tnt.Executor, req tnt.Select) (any, any, error) {
		t, err := tnt.One[tnt.Tuple](ctx, ex, req)
		return ofTuple(t, err)
	},
	"All": func(ctx context.Context, ex tnt.Executor, req tnt.Select) (any, any, error) {
		return first(tnt.All[resident](ctx, ex, req))
	},
	"AllInto": func(ctx context.Context, ex tnt.Executor, req tnt.Select) (any, any, error) {
		var list []resident
		err := tnt.AllInto(ctx, ex, req, &list)
		return first(list, err)
	},
	"Rows": func(ctx context.Context, ex tnt.Executor, req tnt.Select) (any, any, error) {
		for r, err := range tnt.Rows[resident](ctx, ex, req) {
			return r.Name, r.City, err
		}
		return nil, nil, tnt.ErrNoTuple
	},
	"Each": func(ctx context.Context, ex tnt.Executor, req tnt.Select) (any, any, error) {
		for r, err := range tnt.Each[resident](ctx, ex, []tnt.Select{req}) {
			if err != nil {
				return nil, nil, err
			}
			return r.Name, r.City, nil
		}
		return nil, nil, tnt.ErrNoTuple
	},
	"Do": func(ctx context.Context, ex tnt.Executor, req tnt.Select) (any, any, error) {
		resp, err := tnt.Do(ctx, ex, req)
		return ofResponse(resp, err)
	},
	"Go": func(ctx context.Context, ex tnt.Executor, req tnt.Select) (any, any, error) {
		resp, err := tnt.Go(ctx, ex, req).Wait(ctx)
		return ofResponse(resp, err)
	},
	"Batch": func(ctx context.Context, ex tnt.Executor, req tnt.Select) (any, any, error) {
		r := tnt.Batch(ctx, ex, req)[0]
		return ofResponse(r.Response, r.Err)
	},
	"Scan": func(ctx context.Context, ex tnt.Executor, req tnt.Select) (any, any, error) {
		for t, err := range tnt.Scan(ctx, ex, req, 0) {
			return ofTuple(t, err)
		}
		return nil, nil, tnt.ErrNoTuple
	},
	"ScanAs": func(ctx context.Context, ex tnt.Executor, req tnt.Select) (any, any, error) {
		for r, err := range tnt.ScanAs[resident](ctx, ex, req, 0) {
			return r.Name, r.City, err
		}
		return nil, nil, tnt.ErrNoTuple
	},
	"Two": func(ctx context.Context, ex tnt.Executor, req tnt.Select) (any, any, error) {
		r, _, err := tnt.Two[resident, any](ctx, ex, req)
		return r.Name, r.City, err
	},
}

func first(list []resident, err error) (any, any, error) {
	if err != nil || len(list) == 0 {
		return nil, nil, errors.Join(err, tnt.ErrNoTuple)
	}
	return list[0].Name, list[0].City, nil
}

func ofTuple(t tnt.Tuple, err error) (any, any, error) {
	if err != nil {
		return nil, nil, err
	}
	name, err1 := t.Get("name")
	city, err2 := t.Get("city")
	return name, city, errors.Join(err1, err2)
}

func ofResponse(resp tnt.Response, err error) (any, any, error) {
	if err != nil {
		return nil, nil, err
	}
	tuples, err := resp.Tuples()
	if err != nil || len(tuples) == 0 {
		return nil, nil, errors.Join(err, tnt.ErrNoTuple)
	}
	return ofTuple(tuples[0], nil)
}

// TestFieldsThatSwappedReadByName reads rows of a format that has changed.
func TestFieldsThatSwappedReadByName(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		admin := shared(t, p)
		for _, how := range slices.Sorted(maps.Keys(reads)) {
			for what, req := range map[string]tnt.Select{
				"by id":             {SpaceID: swapID, Key: tnt.K(1)},
				"by name":           {Space: "swap", Key: tnt.K(1)},
				"by index's name":   {SpaceID: swapID, Index: "by_name", Key: tnt.K("Ann")},
				"by a map as a key": {SpaceID: swapID, IndexID: 2, Key: tnt.K(map[string]any{"city": "Oslo"})},
				"by a struct as a key": {SpaceID: swapID, Index: "by_city", Key: tnt.K(struct {
					City string `tnt:"city"`
				}{"Oslo"})},
				"by a name as a partial": {Space: "swap", Index: "by_city", Key: tnt.Parts("Oslo")},
			} {
				if what != "by id" && how != "One" && how != "Each" && how != "Go" {
					continue // the way to the names is the same
				}
				t.Run(how+" "+what, func(t *testing.T) {
					lua(t, admin, createSwap)
					defer lua(t, admin, dropSpace, "swap")
					conn := quiet(t, p)
					if name, city, err := reads[how](testContext(t), conn, req); name != "Ann" || city != "Oslo" || err != nil {
						t.Fatalf("before: %v of %v, %v", name, city, err)
					}
					lua(t, admin, changeSwap)
					if what == "by a map as a key" { // it is index 1 now: that index 2 has no such part is an error
						if _, _, err := reads[how](testContext(t), conn, req); err == nil {
							t.Error("by the name of a field that the index has no more: no error")
						}
						return
					}
					if name, city, err := reads[how](testContext(t), conn, req); name != "Ann" || city != "Oslo" || err != nil {
						t.Errorf("after: %v of %v, %v", name, city, err)
					}
				})
			}
		}
	})
}

// TestFieldsThatSwappedWrittenByName writes rows by names to a format that has
// changed.
func TestFieldsThatSwappedWrittenByName(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		admin := shared(t, p)
		for how, write := range writes {
			for what, tuple := range map[string]any{
				"map":    map[string]any{"id": 7, "name": "Bob", "city": "Rome"},
				"struct": resident{7, "Bob", "Rome"}, "pointer": &resident{7, "Bob", "Rome"},
			} {
				t.Run(how+" "+what, func(t *testing.T) {
					lua(t, admin, createSwap)
					defer lua(t, admin, dropSpace, "swap")
					conn := quiet(t, p)
					lua(t, admin, changeSwap)
					if err := write(testContext(t), conn, tnt.Insert{SpaceID: swapID, Tuple: tuple}); err != nil {
						t.Fatal(err)
					}
					equal(t, "what is stored", lua(t, admin, "return box.space.swap:get(7)"), []any{[]any{int64(7), "Rome", "Bob"}})
				})
			}
		}
	})
}

// TestSpaceMadeSinceByID works by id on a space that the schema at hand lacks.
func TestSpaceMadeSinceByID(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		admin := shared(t, p)
		for _, how := range slices.Sorted(maps.Keys(reads)) {
			conn := quiet(t, p)
			lua(t, admin, createSwap)
			if name, city, err := reads[how](testContext(t), conn, tnt.Select{SpaceID: swapID}); name != "Ann" || city != "Oslo" || err != nil {
				t.Errorf("%s: %v of %v, %v", how, name, city, err)
			}
			lua(t, admin, dropSpace, "swap")
		}
		conn := quiet(t, p)
		lua(t, admin, createSwap)
		defer lua(t, admin, dropSpace, "swap")
		for i, tuple := range []any{map[string]any{"id": 7, "name": "Bob", "city": "Rome"}, resident{8, "Bob", "Rome"}} {
			got, err := tnt.One[resident](testContext(t), conn, tnt.Insert{SpaceID: swapID, Tuple: tuple})
			if err != nil || got.Name != "Bob" || got.ID != uint64(7+i) {
				t.Errorf("%T: %v, %v", tuple, got, err)
			}
			conn = quiet(t, p)
			lua(t, admin, "box.space.swap:truncate()")
		}
	})
}

// TestStaleNamesInAStream are an error there, because the server may have done
// what was sent behind the request.
func TestStaleNamesInAStream(t *testing.T) {
	onServersWith(t, 2, 10, func(t *testing.T, p *program) {
		admin := shared(t, p)
		for how, write := range writes {
			lua(t, admin, createSwap)
			conn := quiet(t, p)
			stream := conn.Stream()
			lua(t, admin, changeSwap)
			req := tnt.Insert{Space: "swap", Tuple: resident{7, "Bob", "Rome"}}
			err := write(testContext(t), stream, req)
			if !errors.Is(err, errcode.WrongSchemaVersion) || !tnt.SafeToRetry(err) || !tnt.IsTransient(err) {
				t.Errorf("%s: %v", how, err)
			}
			equal(t, "what is stored", lua(t, admin, "return box.space.swap:get(7)"), []any{})
			err = tnt.Retry(testContext(t), tnt.Policy{}, func(ctx context.Context) error { return write(ctx, stream, req) })
			if err != nil {
				t.Errorf("%s, again: %v", how, err)
			}
			equal(t, "what is stored", lua(t, admin, "return box.space.swap:get(7)"), []any{[]any{int64(7), "Rome", "Bob"}})
			lua(t, admin, dropSpace, "swap")
		}
	})
}

// TestUntouchedSpaceUnderDDL has requests on one space go on while others are made
// and dropped without end.
func TestUntouchedSpaceUnderDDL(t *testing.T) {
	for _, noRefetch := range []bool{false, true} {
		onServers(t, func(t *testing.T, p *program) {
			s := ownServer(t, p)
			admin := connect(t, tnt.Options{Address: s.Address, NoSchema: true})
			conn := connect(t, tnt.Options{Address: s.Address, NoSchemaRefetch: noRefetch})
			lua(t, admin, "for i = 1, 16 do box.space.tester:insert{i, 'n' .. i} end")
			ctx, cancel := context.WithTimeout(testContext(t), 700*time.Millisecond)
			defer cancel()
			var wg sync.WaitGroup
			wg.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					lua(t, admin, `local s = box.schema.space.create('ddl') s:create_index('pk') s:drop()`)
				}
			})
			var done atomic.Int64
			var slowest atomic.Int64
			for g := range 16 {
				wg.Go(func() {
					type row struct {
						ID   int    `tnt:"id"`
						Name string `tnt:"name"`
					}
					for ctx.Err() == nil {
						began := time.Now()
						r, err := tnt.One[row](t.Context(), conn, tnt.Select{Space: "tester", Index: "primary", Key: tnt.K(g + 1)})
						if err != nil || r.Name != fmt.Sprintf("n%d", g+1) {
							t.Errorf("%+v, %v", r, err)
							return
						}
						slowest.Store(max(slowest.Load(), int64(time.Since(began))))
						done.Add(1)
					}
				})
			}
			wg.Wait()
			t.Logf("%d requests, the slowest took %v; %d bytes received for them", done.Load(), time.Duration(slowest.Load()), conn.Stats().BytesReceived)
			if time.Duration(slowest.Load()) > 5*time.Second {
				t.Errorf("a request took %v", time.Duration(slowest.Load()))
			}
		})
	}
}

// TestGrantBecomesVisible has a user be granted a space, which changes no schema
// version.
func TestGrantBecomesVisible(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		admin := shared(t, p)
		lua(t, admin, createSpace, "granted")
		lua(t, admin, "box.schema.user.create('carol', {password = 'x'})")
		defer lua(t, admin, "box.schema.user.drop('carol') box.space.granted:drop()")
		conn := connect(t, tnt.Options{Address: p.shared.Address, User: "carol", Password: "x", PingInterval: tnt.Never})
		var unknown *tnt.SchemaError
		if _, err := conn.Insert(testContext(t), "granted", []any{1, "x"}); !errors.As(err, &unknown) {
			t.Fatalf("before the grant: %v", err)
		}
		lua(t, admin, "box.schema.user.grant('carol', 'read,write', 'space', 'granted')")
		eventually(t, "the space is seen", func() bool {
			_, err := conn.Insert(testContext(t), "granted", []any{1, "x"})
			return err == nil
		})
		// What stays unknown costs no more than a fetch a second.
		before, began, tries := conn.Stats().BytesReceived, time.Now(), 0
		for ; time.Since(began) < 300*time.Millisecond; tries++ {
			_, _ = conn.Insert(testContext(t), "nowhere", []any{1, "x"})
		}
		if got := conn.Stats().BytesReceived - before; tries > 10 && got > 2*100<<10 {
			t.Errorf("%d requests by an unknown name have cost %d bytes", tries, got)
		}
	})
}
