package tnttest_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

func TestSpaceFromGo(t *testing.T) {
	srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithSpace(kvSpace()))
	kv := srv.Space("kv")
	for id, name := range []string{"zero", "one", "two"} {
		if err := kv.Insert(id, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := kv.Insert(1, "again"); !errors.Is(err, errcode.TupleFound) {
		t.Errorf("a second tuple with the same key: %v", err)
	}
	if got, err := kv.Update([]any{1}, []any{"=", "age", 5}); err != nil || len(got) != 3 {
		t.Errorf("update returned %v, %v", got, err)
	}
	if got, err := kv.Get(7); got != nil || err != nil {
		t.Errorf("get of nothing returned %v, %v", got, err)
	}
	if _, err := kv.Delete(0); err != nil {
		t.Error(err)
	}
	tnttest.AssertTuples(t, kv, []any{1, "one", 5}, []any{2, "two"})
	type person struct {
		ID   uint64
		Name string
		Age  *int
	}
	rows, err := tnttest.Rows[person](kv)
	if err != nil || len(rows) != 2 || rows[0].Name != "one" || *rows[0].Age != 5 {
		t.Errorf("rows are %+v, %v", rows, err)
	}
	if err := kv.Truncate(); err != nil {
		t.Error(err)
	}
	tnttest.AssertTuples(t, kv)
	if err := srv.Space("nosuch").Insert(1); !errors.Is(err, errcode.NoSuchSpace) {
		t.Errorf("a space that is not there: %v", err)
	}
}

// failures counts what an assertion reports.
type failures struct {
	*testing.T
	reports []string
}

func (f *failures) Errorf(format string, args ...any) { f.reports = append(f.reports, format) }

func TestAssertTuplesFails(t *testing.T) {
	srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithSpace(kvSpace()))
	f := &failures{T: t}
	tnttest.AssertTuples(f, srv.Space("kv"), []any{1, "one"})
	tnttest.AssertTuples(f, srv.Space("nosuch"))
	if len(f.reports) != 2 {
		t.Errorf("%d failures reported, want 2", len(f.reports))
	}
}

func TestHandlers(t *testing.T) {
	srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithSpace(kvSpace()))
	for name, fn := range map[string]any{
		"sum": func(a, b int) int { return a + b },
		"join": func(_ context.Context, sep string, words ...string) (string, error) {
			return strings.Join(words, sep), nil
		},
		"fail": func() error { return errors.New("no luck") },
		"dup":  func() error { return errcode.TupleFound },
		"boom": func() { panic("boom") },
		"add":  func(c *tnttest.Call, id uint64) error { return c.Space("kv").Insert(id, c.User()) },
	} {
		if err := srv.HandleFunc(name, fn); err != nil {
			t.Fatal(err)
		}
	}
	tnttest.Func2(srv, "typed", func(_ context.Context, a string, b []int) (int, error) { return len(a) + len(b), nil })
	if err := srv.HandleFunc("bad", 5); err == nil {
		t.Error("5 is no function")
	}
	c := newClient(t, srv)
	c.want(callFrame(t, "sum", 2, 3), "DATA: [5]")
	c.want(callFrame(t, "sum", 2), "DATA: [2]")
	c.want(callFrame(t, "sum", "x"), "argument 1")
	c.want(callFrame(t, "join", "-", "a", "b"), `DATA: ["a-b"]`)
	c.want(callFrame(t, "typed", "ab", []int{1}), "DATA: [3]")
	c.want(callFrame(t, "fail"), "LuajitError 32 \"no luck\"")
	c.want(callFrame(t, "dup"), "ClientError 3")
	c.want(callFrame(t, "boom"), "panicked: boom")
	c.want(callFrame(t, "add", 9), "DATA: []")
	c.want(callFrame(t, "nosuch"), "Procedure 'nosuch' is not defined")
	tnttest.AssertTuples(t, srv.Space("kv"), []any{9, "guest"})
	tnttest.AssertReceived(t, srv, iproto.TypeCall, 10)
}

func TestPushes(t *testing.T) {
	srv := tnttest.Run(t, tnttest.InMemory())
	srv.Handle("count", func(c *tnttest.Call) ([]any, error) {
		for i := range 2 {
			if err := c.Push(i); err != nil {
				return nil, err
			}
		}
		return []any{"end"}, nil
	})
	c := newClient(t, srv)
	c.send(callFrame(t, "count"))
	for _, want := range []string{"CHUNK, sync 1: DATA: [0]", "CHUNK, sync 1: DATA: [1]", `OK, sync 1: DATA: ["end"]`} {
		if got, err := c.receive(); got != want || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}

// TestStreamOrder checks that requests of a stream wait for each other and
// those outside do not wait for them.
func TestStreamOrder(t *testing.T) {
	srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithSpace(kvSpace()))
	gate := make(chan struct{})
	srv.Handle("wait", func(c *tnttest.Call) ([]any, error) {
		select {
		case <-gate:
		case <-c.Context().Done():
		}
		return nil, nil
	})
	c := newClient(t, srv)
	c.send(frame(iproto.TypeCall, 1, 1, func(w *wire.BodyWriter) { w.String(iproto.KeyFunctionName, "wait") }))
	c.send(insertFrame(1, 2, 1))
	c.want(selectAll(0, 3), "OK, sync 3: DATA: []")
	close(gate)
	for _, want := range []string{"OK, sync 1", "OK, sync 2"} {
		if got, err := c.receive(); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}

func TestFaults(t *testing.T) {
	srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithSpace(kvSpace()))
	lost := func(b []byte) {
		t.Helper()
		c := newClient(t, srv)
		c.send(b)
		if got, err := c.receive(); err == nil {
			t.Errorf("an answer came: %s", got)
		}
	}
	srv.Inject(tnttest.Fault{On: iproto.TypeInsert, Times: 1, CloseBefore: true})
	lost(insertFrame(0, 1, 1))
	srv.Inject(tnttest.Fault{On: iproto.TypeInsert, Times: 1, CloseAfter: true})
	lost(insertFrame(0, 1, 2))
	srv.Inject(tnttest.Fault{On: iproto.TypeInsert, Times: 1, Cut: true})
	lost(insertFrame(0, 1, 3))
	tnttest.AssertTuples(t, srv.Space("kv"), []any{2, "n"}, []any{3, "n"})

	c := newClient(t, srv)
	srv.Inject(tnttest.Fault{On: iproto.TypePing, Times: 1, Drop: true})
	c.send(ping1)
	c.want(selectAll(0, 2), "OK, sync 2")
	srv.Inject(tnttest.Fault{On: tnttest.AnyRequest, Times: 1, Error: &types.Error{Code: errcode.Loading, Message: "wait"}})
	c.want(ping1, `ClientError 116 "wait"`)
	remove := srv.Inject(tnttest.Fault{On: iproto.TypePing, Conn: 12345, Drop: true})
	c.want(ping1, "OK")
	remove()
	srv.Inject(tnttest.Fault{On: iproto.TypePing, Times: 1, Garbage: []byte("\xc1garbage")})
	c.send(ping1)
	if got, err := c.receive(); err == nil {
		t.Errorf("garbage was read as %s", got)
	}
	srv.RefuseConnections(true)
	refused, err := srv.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := refused.Read(make([]byte, 1)); err == nil {
		t.Error("a refused connection was greeted")
	}
	srv.RefuseConnections(false)
	newClient(t, srv).want(ping1, "OK")
}

func TestStallReads(t *testing.T) {
	srv := tnttest.Run(t, tnttest.InMemory())
	c := newClient(t, srv)
	c.want(ping1, "OK")
	conn := srv.Connections()[0]
	conn.StallReads(true)
	// A pipe has no buffer: the read that may have begun takes one write at the
	// most, and the next one blocks.
	wrote := make(chan error, 1)
	go func() {
		_, err1 := c.c.Write(ping1)
		_, err2 := c.c.Write(ping1)
		wrote <- errors.Join(err1, err2)
	}()
	select {
	case err := <-wrote:
		t.Fatalf("two writes to a server that does not read returned %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	conn.StallReads(false)
	for range 2 {
		if got, err := c.receive(); err != nil || !strings.Contains(got, "OK") {
			t.Errorf("afterwards: %s, %v", got, err)
		}
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}

// TestManyRequestsInStream has more requests come behind a slow one than the
// server keeps: it reads the rest when there is room.
func TestManyRequestsInStream(t *testing.T) {
	srv := tnttest.Run(t)
	gate := make(chan struct{})
	srv.Handle("slow", func(*tnttest.Call) ([]any, error) {
		<-gate
		return nil, nil
	})
	conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{Address: srv.Addr(), PingInterval: tnt.Never, ReconnectInterval: tnt.Never})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	reqs := []tnt.Request{tnt.Call{Function: "slow"}}
	for range 3000 {
		reqs = append(reqs, tnt.Ping{})
	}
	answers := make(chan []tnt.Result, 1)
	go func() { answers <- conn.Stream().Batch(t.Context(), reqs...) }()
	for srv.Counters().Requests[iproto.TypePing] < 1025 && conn.IsConnected() {
		time.Sleep(time.Millisecond)
	}
	close(gate)
	for i, answer := range <-answers {
		if answer.Err != nil {
			t.Fatalf("request %d: %v", i, answer.Err)
		}
	}
}

func TestInFlightLimit(t *testing.T) {
	srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithInFlightLimit(2))
	started, gate := make(chan struct{}, 3), make(chan struct{})
	srv.Handle("wait", func(*tnttest.Call) ([]any, error) {
		started <- struct{}{}
		<-gate
		return nil, nil
	})
	c := newClient(t, srv)
	for range 3 {
		c.send(callFrame(t, "wait"))
	}
	<-started
	<-started
	select {
	case <-started:
		t.Error("three are served at once")
	case <-time.After(20 * time.Millisecond):
	}
	close(gate)
	for range 3 {
		if _, err := c.receive(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSynctest shows that delays take no time in a bubble.
func TestSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithSpace(kvSpace()))
		c := newClient(t, srv)
		srv.Inject(tnttest.Fault{On: iproto.TypePing, Delay: time.Hour, Late: time.Minute})
		start := time.Now()
		c.want(ping1, "OK")
		if d := time.Since(start); d != time.Hour+time.Minute {
			t.Errorf("the answer took %v", d)
		}
		c.want(frame(iproto.TypeBegin, 1, 1, func(w *wire.BodyWriter) { w.Float(iproto.KeyTimeout, 10) }), "OK")
		c.want(insertFrame(1, 2, 1), "OK")
		time.Sleep(11 * time.Second)
		c.want(frame(iproto.TypeCommit, 1, 3, nil), "Transaction has been aborted by timeout")
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestManualClock(t *testing.T) {
	clock := tnttest.NewManualClock(time.Unix(0, 0))
	srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithSpace(kvSpace()), tnttest.WithClock(clock))
	c := newClient(t, srv)
	c.want(frame(iproto.TypeBegin, 1, 1, func(w *wire.BodyWriter) { w.Float(iproto.KeyTimeout, 10) }), "OK")
	c.want(insertFrame(1, 2, 1), "OK")
	clock.Advance(11 * time.Second)
	c.want(selectAll(1, 3), "Transaction has been aborted by timeout")
	tnttest.AssertTuples(t, srv.Space("kv"))
}

func TestOlderVersions(t *testing.T) {
	id := frame(iproto.TypeID, 0, 1, func(w *wire.BodyWriter) {
		w.Uint(iproto.KeyVersion, 10)
		w.Raw(iproto.KeyFeatures, []byte{0x90})
	})
	for _, v := range []struct{ version, answer string }{
		{"2.6.0", "Unknown request type 73"},
		{"2.10.4", "VERSION: 3"},
		{"2.11.2", "FEATURES: [0, 1, 2, 3, 4]"},
		{"3.8.0", "VERSION: 10"},
	} {
		srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithVersion(v.version))
		c := newClient(t, srv)
		if got := c.g.Version.String(); got != v.version {
			t.Errorf("the greeting says %s, want %s", got, v.version)
		}
		c.want(id, v.answer)
	}
	srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithoutFeatures("streams", "watchers"))
	newClient(t, srv).want(id, "FEATURES: [1, 2, 4,")
}

func TestShutdown(t *testing.T) {
	srv := tnttest.Run(t, tnttest.InMemory())
	c := newClient(t, srv)
	c.want(frame(iproto.TypeWatch, 0, 1, func(w *wire.BodyWriter) { w.String(iproto.KeyEventKey, "box.shutdown") }), "EVENT")
	c.send(frame(iproto.TypeWatch, 0, 1, func(w *wire.BodyWriter) { w.String(iproto.KeyEventKey, "box.shutdown") }))
	c.want(ping1, "OK")
	done := make(chan error, 1)
	go func() { done <- srv.Shutdown(t.Context()) }()
	if got, err := c.receive(); err != nil || !strings.Contains(got, "EVENT_DATA: c3") {
		t.Errorf("got %s, %v", got, err)
	}
	_ = c.c.Close()
	within(t, func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestPapSHA256(t *testing.T) {
	srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithUser("ann", "pass"), tnttest.WithAuthType("pap-sha256"))
	auth := func(password string) []byte {
		return frame(iproto.TypeAuth, 0, 1, func(w *wire.BodyWriter) {
			w.String(iproto.KeyUserName, "ann")
			w.Key(iproto.KeyTuple)
			w.B = append(w.B, list([]byte("\xaapap-sha256"), append([]byte{0xa0 | byte(len(password))}, password...))...)
		})
	}
	c := newClient(t, srv)
	c.want(auth("word"), "ClientError 47")
	c.want(auth("pass"), "OK")
	for _, r := range srv.Requests() {
		if r.Body["TUPLE"] != nil {
			t.Error("the log holds a password")
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	srv := tnttest.Run(t, tnttest.WithSpace(kvSpace()))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c := newClient(t, srv)
			for n := range 50 {
				c.send(insertFrame(uint64(n%3), 1, uint64(i*1000+n)))
				if _, err := c.receive(); err != nil && !errors.Is(err, io.EOF) {
					t.Error(err)
				}
				if _, err := srv.Space("kv").Len(); err != nil {
					t.Error(err)
				}
				srv.Counters()
				srv.Requests()
			}
		})
	}
	wg.Wait()
	if n, _ := srv.Space("kv").Len(); n != 400 {
		t.Errorf("%d tuples, want 400", n)
	}
}

// TestConnectionsInOrder has the first connection be the first of the list.
func TestConnectionsInOrder(t *testing.T) {
	srv := tnttest.Run(t)
	for range 20 {
		newClient(t, srv)
	}
	for i, c := range srv.Connections() {
		if c.ID() != uint64(i+1) {
			t.Fatalf("connection %d is number %d", i, c.ID())
		}
	}
}
