package tnt_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// TestScanOfWhatChanges is exact or an error, when the index becomes another one in
// the middle, or two spaces change their names.
func TestScanOfWhatChanges(t *testing.T) {
	const make1000 = `
		for _, name in ipairs{'scan_a', 'scan_b'} do
			local s = box.schema.space.create(name, {format = {{'id', 'unsigned'}, {'back', 'unsigned'}}})
			s:create_index('pk')
			s:create_index('second', {parts = {{1, 'unsigned'}}})
			for i = 1, 1000 do s:insert{i, 1001 - i} end
		end`
	onServers(t, func(t *testing.T, p *program) {
		admin := shared(t, p)
		for name, test := range map[string]struct {
			sel    tnt.Select
			change string
		}{
			"the index altered":     {tnt.Select{Space: "scan_a", Index: "second"}, "box.space.scan_a.index.second:alter({parts = {{2, 'unsigned'}}})"},
			"by the index's number": {tnt.Select{Space: "scan_a", IndexID: 1}, "box.space.scan_a.index.second:alter({parts = {{2, 'unsigned'}}})"},
			"two names exchanged":   {tnt.Select{Space: "scan_a"}, "box.space.scan_a:rename('x') box.space.scan_b:rename('scan_a') box.space.x:rename('scan_b')"},
			"the space dropped":     {tnt.Select{Space: "scan_a"}, "box.space.scan_a:drop()"},
		} {
			for _, noRefetch := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, NoSchemaRefetch %v", name, noRefetch), func(t *testing.T) {
					lua(t, admin, make1000)
					defer lua(t, admin, "for _, name in ipairs{'scan_a', 'scan_b'} do if box.space[name] then box.space[name]:drop() end end")
					conn := connect(t, tnt.Options{Address: p.shared.Address, PingInterval: tnt.Never, NoSchemaRefetch: noRefetch})
					n := 0
					var last error
					for _, err := range tnt.Scan(testContext(t), conn, test.sel, 100) {
						if last = err; err != nil {
							break
						}
						if n++; n == 250 {
							lua(t, admin, test.change)
						}
					}
					if last == nil {
						t.Errorf("%d tuples and no error", n)
					}
					if !noRefetch && !strings.Contains(name, "dropped") && !errors.Is(last, tnt.ErrScanChanged) {
						t.Errorf("the error is %v", last)
					}
				})
			}
		}
		// What happens to other spaces does not matter, nor do more fields.
		lua(t, admin, make1000)
		defer lua(t, admin, "box.space.scan_a:drop() box.space.scan_b:drop()")
		n := 0
		for _, err := range tnt.Scan(testContext(t), quiet(t, p), tnt.Select{Space: "scan_a"}, 100) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 250 {
				lua(t, admin, "box.space.scan_b.index.second:drop() box.space.scan_a:format({{'id', 'unsigned'}, {'back', 'unsigned'}, {'more', 'any', is_nullable = true}})")
			}
		}
		equal(t, "tuples", n, 1000)
	})
}

// TestInTxWithTwoBegins is a mistake of the caller's, and must not outlive his
// context.
func TestInTxWithTwoBegins(t *testing.T) {
	for _, away := range []bool{false, true} {
		inBubble(t, tnt.Options{WaitConnected: true}, func(t *testing.T, s *bubbleServer, conn *tnt.Conn) {
			if away {
				time.Sleep(time.Minute)
				s.leave()
				synctest.Wait()
			}
			for name, inTx := range map[string]func(ctx context.Context) error{
				"two options": func(ctx context.Context) error {
					return tnt.InTx(ctx, conn, func(*tnt.Stream) error { return nil }, tnt.Begin{}, tnt.Begin{})
				},
				"begun again inside": func(ctx context.Context) error {
					return tnt.InTx(ctx, conn, func(s *tnt.Stream) error { return s.Begin(ctx) })
				},
			} {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				began := time.Now()
				if err := inTx(ctx); err == nil || time.Since(began) > time.Second {
					t.Errorf("%s, away %v: %v after %v", name, away, err, time.Since(began))
				}
				cancel()
			}
		})
	}
}

// TestWatcherMadeWhileAway gets no value of the session that was lost.
func TestWatcherMadeWhileAway(t *testing.T) {
	inBubble(t, tnt.Options{}, func(t *testing.T, s *bubbleServer, conn *tnt.Conn) {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(s.Broadcast("key", "old"))
		var mu sync.Mutex
		got := map[string][]string{}
		note := func(name string) func(tnt.Event) {
			return func(e tnt.Event) {
				v, _ := e.Value()
				mu.Lock()
				got[name] = append(got[name], fmt.Sprint(v))
				mu.Unlock()
			}
		}
		first, err := conn.WatchFunc("key", note("first"))
		must(err)
		synctest.Wait()
		time.Sleep(time.Minute)
		s.leave()
		synctest.Wait() // the loss is seen
		second, err := conn.WatchFunc("key", note("second"))
		must(err)
		synctest.Wait()
		must(s.Broadcast("key", "new"))
		mu.Lock()
		if len(got["second"]) > 0 {
			t.Errorf("while the connection is away: %v", got)
		}
		mu.Unlock()
		s.come()
		time.Sleep(time.Minute)
		mu.Lock()
		equal(t, "values", got, map[string][]string{"first": {"old", "new"}, "second": {"new"}})
		mu.Unlock()
		for _, w := range []*tnt.Watcher{first, second} {
			w.Unregister()
		}
		synctest.Wait()
	})
}

// TestManyWatchedKeys watches as many keys as do not fit into the write buffer at
// once, loses the session, and has the values all the same, by one reconnect.
func TestManyWatchedKeys(t *testing.T) {
	const n = 20_000 // of 120 bytes: more than twice of what may wait to be written
	srv := tnttest.Run(t)
	var events, connects atomic.Int64
	conn := connect(t, tnt.Options{Address: srv.Addr(), WriteBuffer: 64 << 10, ReconnectInterval: time.Millisecond, Hooks: []tnt.Hook{
		tnt.StateFunc(func(_ *tnt.Conn, _, to tnt.State, _ error) {
			if to == tnt.Connected {
				connects.Add(1)
			}
		}),
	}})
	for i := range n {
		if _, err := conn.WatchFunc(fmt.Sprintf("a key of some length, number %080d", i), func(tnt.Event) { events.Add(1) }); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all have a value", func() bool { return events.Load() >= n })
	began := time.Now()
	events.Store(0)
	conn.Drop(nil)
	eventually(t, "all have a value again", func() bool { return events.Load() >= n })
	t.Logf("%d keys have their values %v after the loss", n, time.Since(began))
	if got := connects.Load(); got != 2 {
		t.Errorf("it connected %d times", got)
	}
	if err := conn.Ping(testContext(t)); err != nil {
		t.Error(err)
	}
	disconnect(t, conn)
}

// TestPushesAreBounded drops what is beyond Options.MaxPushes, and says so.
func TestPushesAreBounded(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		var dropped atomic.Int64
		conn := connect(t, tnt.Options{Address: p.shared.Address, MaxPushes: 10_000, Hooks: []tnt.Hook{dropHook{&dropped}}})
		f := conn.Go(testContext(t), tnt.Eval{Expr: "for i = 1, 1000 do box.session.push(('x'):rep(100)) end return 'end'"})
		resp, err := f.Wait(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "the answer", rowsOf(t, resp), []any{"end"})
		n, last := 0, error(nil)
		for _, err := range f.Pushes(testContext(t)) {
			if last = err; err == nil {
				n++
			}
		}
		if n == 0 || n > 100 {
			t.Errorf("%d pushes of a hundred bytes were kept", n)
		}
		failsWith(t, "the end of the pushes", last, "Options.MaxPushes")
		if got := conn.Stats().PushesDropped; int(got) != 1000-n || dropped.Load() != int64(got) {
			t.Errorf("%d of 1000 were kept, %d are counted as dropped, the hook was told of %d", n, got, dropped.Load())
		}
	})
}

type dropHook struct{ n *atomic.Int64 }

func (h dropHook) OnDrop(*tnt.Conn, tnt.Drop) { h.n.Add(1) }

// TestMaxInFlight fails, or waits, as Options.WaitInFlight says.
func TestMaxInFlight(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		for _, waits := range []bool{false, true} {
			conn := connect(t, tnt.Options{Address: p.shared.Address, MaxInFlight: 4, WaitInFlight: waits, PingInterval: tnt.Never})
			hold := tnt.Call{Function: "wait", Args: []any{0.1}}
			var futures []*tnt.Future
			for range 4 {
				futures = append(futures, conn.Go(testContext(t), hold))
			}
			err := conn.Ping(testContext(t))
			switch {
			case waits && err != nil:
				t.Errorf("one that waits: %v", err)
			case !waits && (!errors.Is(err, tnt.ErrTooMany) || !tnt.SafeToRetry(err) || !tnt.IsTransient(err)):
				t.Errorf("one too many: %v", err)
			}
			if !waits {
				failsWith(t, "its text", err, "Options.MaxInFlight")
			}
			for _, f := range futures {
				if _, err := f.Wait(testContext(t)); err != nil {
					t.Error(err)
				}
			}
			// A batch is as many requests.
			reqs := make([]tnt.Request, 40)
			for i := range reqs {
				reqs[i] = tnt.Ping{}
			}
			failed := 0
			for _, r := range tnt.Batch(testContext(t), conn, reqs...) {
				if r.Err != nil {
					failed++
				}
			}
			if waits && failed > 0 {
				t.Errorf("%d of a batch failed", failed)
			}
			eventually(t, "nothing is in flight", func() bool { return conn.Stats().InFlight == 0 })
			if err := conn.Ping(testContext(t)); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		}
	})
}

// TestSchemaCostsLittleUnderDDL bounds the fetches of the schema, which changes all
// the time.
func TestSchemaCostsLittleUnderDDL(t *testing.T) {
	srv := tnttest.Run(t)
	for i := range 300 {
		if err := srv.CreateSpace(tnttest.SpaceDef{
			Name: fmt.Sprintf("space%d", i), Format: []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "v", Type: "string"}},
			Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	const conns = 10
	var list []*tnt.Conn
	for range conns {
		list = append(list, connect(t, tnt.Options{Address: srv.Addr()}))
	}
	one := list[0].Stats().BytesReceived // handshake and one schema
	ctx, cancel := context.WithTimeout(testContext(t), time.Second)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if err := srv.CreateSpace(tnttest.SpaceDef{Name: fmt.Sprintf("ddl%d", i)}); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second / 60)
		}
	})
	for _, conn := range list {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := tnt.Exec(t.Context(), conn, tnt.Replace{Space: "space7", Tuple: []any{1, "x"}}); err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	wg.Wait()
	var got, fetches uint64
	for _, conn := range list {
		got += conn.Stats().BytesReceived - one
	}
	fetches = got / one
	t.Logf("%d connections received %d bytes in a second, as much as %d schemas", conns, got, fetches)
	if fetches > conns*40 {
		t.Errorf("%d schemas were fetched", fetches)
	}
	if n := srv.Counters().Requests[iproto.TypeReplace]; n == 0 {
		t.Error("nothing was done")
	}
}
