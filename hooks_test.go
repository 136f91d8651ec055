package tnt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
	"github.com/gotnt/tnt/tnttest"
)

// recorder is a hook that notes all that it is told, and checks that each
// request begins and ends once.
type recorder struct {
	t *testing.T

	mu     sync.Mutex
	lines  []string
	begun  int
	open   map[int]bool
	states []tnt.State
	causes []error
	conns  []tnt.ConnectAttempt
	late   []uint64
	drops  []tnt.Drop
	stale  []error
}

type requestNumber struct{}

func (r *recorder) OnRequestStart(ctx context.Context, _ *tnt.Conn, _ tnt.RequestInfo) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun++
	if r.open == nil {
		r.open = map[int]bool{}
	}
	r.open[r.begun] = true
	return context.WithValue(ctx, requestNumber{}, r.begun)
}

func (r *recorder) OnRequestEnd(ctx context.Context, _ *tnt.Conn, req tnt.RequestInfo, end tnt.RequestEnd) {
	r.mu.Lock()
	defer r.mu.Unlock()
	number, _ := ctx.Value(requestNumber{}).(int)
	if !r.open[number] {
		r.t.Errorf("%v %s, request %d, ended without a beginning or again", req.Type, req, number)
	}
	delete(r.open, number)
	if end.Duration <= 0 {
		r.t.Errorf("%v took %v", req.Type, end.Duration)
	}
	line := req.String()
	if req.Stream > 0 {
		line += " in a stream"
	}
	switch {
	case end.Err != nil:
		line += " failed"
	case end.Received > 0:
		line += " answered"
	}
	r.lines = append(r.lines, line)
}

func (r *recorder) OnConnect(_ *tnt.Conn, a tnt.ConnectAttempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns = append(r.conns, a)
}

func (r *recorder) OnState(_ *tnt.Conn, _, to tnt.State, cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states, r.causes = append(r.states, to), append(r.causes, cause)
}

func (r *recorder) OnSchema(_ *tnt.Conn, _ *schema.Schema, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stale = append(r.stale, err)
}

func (r *recorder) OnLate(_ *tnt.Conn, sync uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.late = append(r.late, sync)
}

func (r *recorder) OnDrop(_ *tnt.Conn, d tnt.Drop) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drops = append(r.drops, d)
}

// took returns what was noted since the last time, and checks that nothing is
// open.
func (r *recorder) took() []any {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.open) > 0 {
		r.t.Errorf("%d requests did not end", len(r.open))
	}
	var lines []any
	for _, l := range r.lines {
		lines = append(lines, l)
	}
	r.lines = nil
	return lines
}

func (r *recorder) lates() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.late)
}

func (r *recorder) dropped() []tnt.Drop {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.drops
}

func TestRequestHooks(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		shared(t, p) // with empty spaces
		r := &recorder{t: t}
		conn := connect(t, tnt.Options{Address: p.shared.Address, Hooks: []tnt.Hook{r}})
		equal(t, "requests while connecting", len(r.took()), 0)
		ctx := testContext(t)

		_, _ = conn.Insert(ctx, "tester", []any{1, "hello", 1, 4, "what is up"})
		_, _ = conn.Insert(ctx, "tester", []any{1, "hello", 1, 4, "what is up"})
		_, _ = conn.Select(ctx, "nowhere", tnt.Key{})
		_, _ = conn.Call(ctx, "echo", 1)
		_ = conn.Ping(ctx)
		equal(t, "one after the other", r.took(), []any{
			"INSERT tester answered", "INSERT tester failed", "SELECT nowhere failed", "CALL echo answered", "PING answered",
		})

		_, _ = conn.Go(ctx, tnt.Call{Function: "echo", Args: []any{1}}).Wait(ctx)
		_, _ = conn.Go(ctx, tnt.Select{Space: "nowhere"}).Wait(ctx)
		_, _ = conn.Go(canceled(t), tnt.Ping{}).Wait(ctx)
		_ = conn.Batch(ctx, tnt.Ping{}, tnt.Select{SpaceID: 1 << 20})
		_ = conn.Batch(ctx, tnt.Ping{}, tnt.Ping{})
		equal(t, "on their way", r.took(), []any{
			"CALL echo answered", "SELECT nowhere failed", "SELECT nowhere failed", "PING failed",
			"a batch of 2 failed", "a batch of 2, PING answered",
		})

		var nobody tnt.Request
		for _, err := range tnt.Each[[]any](ctx, conn, []tnt.Request{tnt.Select{Space: "tester"}, nobody, tnt.Select{Space: "nowhere"}}) {
			_ = err
		}
		equal(t, "each", r.took(), []any{"SELECT nowhere failed", "a batch of 3, SELECT failed"})
		for _, err := range tnt.Each[[]any](ctx, conn, []tnt.Request{tnt.Ping{}, tnt.Select{Space: "tester"}, tnt.Select{Space: "nowhere"}}) {
			_ = err
			break
		}
		equal(t, "each that was left", r.took(), []any{"a batch of 3 failed"})

		if conn.Features().Has(iproto.FeatureStreams) {
			s := conn.Stream()
			_ = s.Begin(ctx)
			_, _ = s.Select(ctx, "tester", tnt.K(1))
			_ = s.Rollback(ctx)
			equal(t, "a stream", r.took(), []any{"BEGIN in a stream answered", "SELECT tester in a stream answered", "ROLLBACK in a stream answered"})
		}

		disconnect(t, conn)
		_ = conn.Ping(ctx)
		for _, err := range tnt.Each[[]any](ctx, conn, []tnt.Ping{{}, {}}) {
			_ = err
		}
		equal(t, "disconnected", r.took(), []any{"PING failed", "a batch of 2, PING failed"})
	})
}

// TestHookGivesTheContext has a hook end the requests it does not like.
func TestHookGivesTheContext(t *testing.T) {
	errForbidden := errors.New("forbidden")
	conn := connect(t, tnt.Options{Address: tnttest.Run(t).Addr(), Hooks: []tnt.Hook{forbid{errForbidden}}})
	ctx := testContext(t)
	if _, err := conn.Call(ctx, "box.info"); !errors.Is(err, errForbidden) || !tnt.SafeToRetry(err) {
		t.Errorf("do: %v", err)
	}
	if _, err := conn.Go(ctx, tnt.Call{Function: "box.info"}).Wait(ctx); !errors.Is(err, errForbidden) || !tnt.SafeToRetry(err) {
		t.Errorf("go: %v", err)
	}
	if err := conn.Ping(ctx); err != nil {
		t.Error(err)
	}
}

type forbid struct{ err error }

func (f forbid) OnRequestStart(ctx context.Context, _ *tnt.Conn, req tnt.RequestInfo) context.Context {
	if req.Function == "" {
		return ctx
	}
	ctx, cancel := context.WithCancelCause(ctx)
	cancel(f.err)
	return ctx
}

func TestLateAndDropHooks(t *testing.T) {
	srv := tnttest.Run(t)
	began, gate := make(chan struct{}), make(chan struct{})
	srv.Handle("held", func(c *tnttest.Call) ([]any, error) {
		began <- struct{}{}
		<-gate
		return nil, c.Push("nobody takes it")
	})
	r := &recorder{t: t}
	var log bytes.Buffer
	var mu sync.Mutex
	logger := slog.New(slog.NewTextHandler(lockedWriter{&mu, &log}, nil))
	conn := connect(t, tnt.Options{Address: srv.Addr(), Hooks: []tnt.Hook{r, tnt.LogHook(logger)}})

	const sent = 20
	for range sent {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-began
			cancel()
		}()
		if _, err := conn.Call(ctx, "held"); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	close(gate)
	eventually(t, "late answers are told", func() bool { return r.lates() == sent })
	dropped := map[uint64]bool{}
	for _, d := range r.dropped() {
		dropped[d.Sync] = true
	}
	for _, sync := range r.late { // nothing else comes
		if !dropped[sync] || len(dropped) != sent {
			t.Errorf("late are %d, dropped are the pushes of %v", r.late, dropped)
			break
		}
	}

	// The second value of a key finds a watcher that has not looked at the first.
	hold := make(chan struct{})
	w, err := conn.WatchFunc("key", func(tnt.Event) { <-hold })
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 { // the first is being looked at, at most
		if err := srv.Broadcast("key", i); err != nil {
			t.Fatal(err)
		}
		if err := conn.Ping(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "a dropped event is told", func() bool { return len(r.dropped()) > sent })
	if d := r.dropped()[sent]; d.Key != "key" || d.Sync != 0 {
		t.Errorf("dropped: %+v", d)
	}
	w.Unregister()
	close(hold)
	disconnect(t, conn)

	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"tnt: connected", "answers came too late", "pushes or events dropped", "tnt: disconnected"} {
		if n := strings.Count(log.String(), want); n != 1 {
			t.Errorf("%d lines with %q:\n%s", n, want, &log)
		}
	}
}

func TestConnectionHooks(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		r := &recorder{t: t}
		var log bytes.Buffer
		var mu sync.Mutex
		logger := slog.New(slog.NewTextHandler(lockedWriter{&mu, &log}, nil))
		conn := connect(t, tnt.Options{
			Address: s.Address, ReconnectInterval: 5 * time.Millisecond, Hooks: []tnt.Hook{r, tnt.LogHook(logger)},
		})
		if _, err := conn.Eval(testContext(t), "box.schema.space.create('later')"); err != nil {
			t.Fatal(err)
		}
		if err := conn.RefetchSchema(testContext(t)); err != nil {
			t.Fatal(err)
		}
		s.Kill()
		eventually(t, "an attempt fails", func() bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			return len(r.conns) > 1
		})
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		works(t, conn)
		disconnect(t, conn)

		r.mu.Lock()
		defer r.mu.Unlock()
		first, second, last := r.conns[0], r.conns[1], r.conns[len(r.conns)-1]
		if first.Err != nil || first.Version != p.Version || first.Duration <= 0 || second.Err == nil || last.Err != nil {
			t.Errorf("attempts: %+v", r.conns)
		}
		if len(r.stale) == 0 || r.stale[0] != nil {
			t.Errorf("fetches of the schema: %v", r.stale)
		}
		for i, to := range r.states {
			if lost := to == tnt.Reconnecting || to == tnt.Disconnected; lost && r.causes[i] == nil || to == tnt.Connected && r.causes[i] != nil {
				t.Errorf("%v because of %v", to, r.causes[i])
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for _, want := range []string{"tnt: connected", "tnt: connection lost", "tnt: cannot connect", "tnt: disconnected"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("no line %q:\n%s", want, &log)
			}
		}
	})
}

func TestHookWithoutMethods(t *testing.T) {
	_, err := tnt.New(tnt.Options{Hooks: []tnt.Hook{tnt.StateFunc(func(*tnt.Conn, tnt.State, tnt.State, error) {}), func() {}}})
	failsWith(t, "a function", err, "Hooks[1], a func()")
	_, err = tnt.New(tnt.Options{Hooks: []tnt.Hook{nil}})
	failsWith(t, "nil", err, "Hooks[0]")
}

// nothing is a hook that does nothing.
type nothing struct{}

func (nothing) OnRequestStart(ctx context.Context, _ *tnt.Conn, _ tnt.RequestInfo) context.Context {
	return ctx
}
func (nothing) OnRequestEnd(context.Context, *tnt.Conn, tnt.RequestInfo, tnt.RequestEnd) {}

// BenchmarkHooks shows what hooks cost: nothing where there are none, and
// where there are some that are not for requests.
func BenchmarkHooks(b *testing.B) {
	srv := tnttest.Run(b)
	for _, c := range []struct {
		name  string
		hooks []tnt.Hook
	}{
		{"none", nil},
		{"log", []tnt.Hook{tnt.LogHook(slog.New(slog.DiscardHandler))}},
		{"request", []tnt.Hook{nothing{}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			conn, err := tnt.ConnectOptions(b.Context(), tnt.Options{Address: srv.Addr(), Hooks: c.hooks})
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			b.ReportAllocs()
			pings := make([]tnt.Ping, 256)
			for b.Loop() {
				for _, err := range tnt.Each[int](b.Context(), conn, pings) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(pings)), "ns/request")
		})
	}
}

// counted counts requests and errors, as a hook for metrics would.
type counted struct{ requests, errors atomic.Int64 }

func (c *counted) OnRequestEnd(_ context.Context, _ *tnt.Conn, _ tnt.RequestInfo, end tnt.RequestEnd) {
	c.requests.Add(1)
	if end.Err != nil {
		c.errors.Add(1)
	}
}

func ExampleHook() {
	srv := serve()
	defer srv.Close()
	counts := &counted{}
	conn, err := tnt.ConnectOptions(context.Background(), tnt.Options{
		Address: srv.Addr(),
		Hooks:   []tnt.Hook{counts, tnt.LogHook(slog.New(slog.DiscardHandler))},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	_ = conn.Ping(context.Background())
	_, _ = conn.Select(context.Background(), "nowhere", tnt.Key{})
	fmt.Println(counts.requests.Load(), "requests,", counts.errors.Load(), "failed")
	// Output: 2 requests, 1 failed
}

// onEnd is called at the end of each request.
type onEnd func(*tnt.Conn, tnt.RequestInfo)

func (f onEnd) OnRequestEnd(_ context.Context, c *tnt.Conn, r tnt.RequestInfo, _ tnt.RequestEnd) {
	f(c, r)
}

// panicOnce panics at the end of the first request of a type.
type panicOnce struct{ typ string }

func (h *panicOnce) OnRequestEnd(_ context.Context, _ *tnt.Conn, r tnt.RequestInfo, _ tnt.RequestEnd) {
	if r.Type.String() == h.typ {
		h.typ = ""
		panic("told")
	}
}

// TestHookThatPanics has nothing stay behind of the request whose hook panics.
func TestHookThatPanics(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		panicking := func(typ string, do func(*tnt.Conn, *tnt.StatementCache) error) {
			t.Helper()
			conn := connect(t, tnt.Options{Address: p.shared.Address, PingInterval: tnt.Never, Hooks: []tnt.Hook{&panicOnce{typ}}})
			cache := tnt.NewStatementCache(conn, 1)
			func() {
				defer func() {
					if p := recover(); p != "told" {
						t.Errorf("%s: recovered %v", typ, p)
					}
				}()
				_ = do(conn, cache)
			}()
			if n := conn.Stats().InFlight; n != 0 {
				t.Errorf("%s: %d slots are taken", typ, n)
			}
			if err := do(conn, cache); err != nil {
				t.Errorf("%s, once more: %v", typ, err)
			}
		}
		panicking("PING", func(c *tnt.Conn, _ *tnt.StatementCache) error { return c.Ping(testContext(t)) })
		panicking("PREPARE", func(_ *tnt.Conn, cache *tnt.StatementCache) error {
			_, err := cache.Execute(testContext(t), "SELECT 1")
			return err
		})
	})
}

// TestHookClosesWhereAWatchFails has a request end, by the loss of the
// connection, because a watcher's subscription can't be written: whoever holds
// the locks of the subscriptions must not be the one that tells the hook.
func TestHookClosesWhereAWatchFails(t *testing.T) {
	srv := tnttest.Run(t)
	began := make(chan struct{})
	srv.Handle("slow", func(call *tnttest.Call) ([]any, error) {
		call.Conn().StallReads(true) // so that the server doesn't see the end
		close(began)
		<-call.Context().Done()
		return nil, nil
	})
	sockets, closed := make(chan *net.TCPConn, 1), make(chan struct{})
	conn := connect(t, tnt.Options{
		Address: srv.Addr(), PingInterval: tnt.Never, ReconnectInterval: tnt.Never,
		Hooks: []tnt.Hook{onEnd(func(c *tnt.Conn, _ tnt.RequestInfo) {
			_ = c.Close()
			close(closed)
		})},
		Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			if err == nil {
				sockets <- c.(*net.TCPConn)
			}
			return c, err
		},
	})
	conn.Go(testContext(t), tnt.Call{Function: "slow"})
	<-began
	if err := (<-sockets).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = conn.WatchFunc("key", func(tnt.Event) {}) }()
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Fatal("the hook hangs")
	}
}
