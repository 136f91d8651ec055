package tnt_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
)

func TestEach(t *testing.T) {
	type row struct {
		ID   int
		Name string
	}
	onServers(t, func(t *testing.T, p *program) {
		conn, ctx := shared(t, p), testContext(t)
		for i, name := range []string{"a", "b", "c"} {
			if _, err := conn.Insert(ctx, "tester", []any{i + 1, name, nil, nil}); err != nil {
				t.Fatal(err)
			}
		}
		reqs := []tnt.Select{
			{Space: "tester", Key: tnt.K(3)},
			{Space: "tester", Key: tnt.K(9)}, // no such tuple
			{Space: "nowhere"},
			{Space: "tester", Key: tnt.K("wrong")},
			{Space: "tester", Key: tnt.K(1)},
		}
		var rows []row
		var errs []error
		for r, err := range tnt.Each[row](ctx, conn, reqs) {
			if r == nil {
				r = &row{}
			}
			rows = append(rows, *r)
			errs = append(errs, err)
		}
		want := []row{{3, "c"}, {}, {}, {}, {1, "a"}}
		for i := range want {
			if rows[i] != want[i] {
				t.Errorf("request %d: got %v, want %v", i, rows[i], want[i])
			}
		}
		var unknown *tnt.SchemaError
		if errs[0] != nil || errs[1] != nil || !errors.As(errs[2], &unknown) || !errors.Is(errs[3], errcode.KeyPartType) || errs[4] != nil {
			t.Errorf("errors are %v", errs)
		}

		for _, err := range tnt.Each[row](ctx, conn, reqs[:2]) { // the second is left
			if err != nil {
				t.Error(err)
			}
			break
		}
		eventually(t, "nothing is in flight", func() bool { return conn.Stats().InFlight == 0 })

		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		slow := []tnt.Eval{{Expr: "require('fiber').sleep(0.01) return {1, 'x'}"}, {Expr: "return {1, 'y'}"}}
		for _, err := range tnt.Each[row](cancelled, conn, slow[:1]) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("with a context that has ended: %v", err)
			}
		}
		if err := conn.Disconnect(ctx); err != nil {
			t.Fatal(err)
		}
		n := 0
		for r, err := range tnt.Each[row](ctx, conn, slow) {
			if n++; r != nil || !errors.Is(err, tnt.ErrNotConnected) || !tnt.SafeToRetry(err) {
				t.Errorf("not connected: %v", err)
			}
		}
		if n != 2 {
			t.Errorf("%d pairs for 2 requests", n)
		}
	})
}

// TestEachToAServerThatDoesNotRead fails what is left once there was no room to
// send, instead of waiting for room again and again.
func TestEachToAServerThatDoesNotRead(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	conn := toFake(t, fakeServer(t, func(*peer) { <-stop }), func(o *tnt.Options) { o.RequestTimeout = 100 * time.Millisecond })
	large := tnt.Call{Function: "a", Args: []any{make([]byte, 40<<10)}}
	begin, unsent := time.Now(), 0
	for _, err := range tnt.Each[int](t.Context(), conn, slices.Repeat([]tnt.Call{large}, 1000)) {
		if !errors.Is(err, tnt.ErrTimeout) {
			t.Fatalf("got %v", err)
		}
		if !tnt.SafeToRetry(err) {
			break // the first ones may have been sent
		}
		unsent++
	}
	if d := time.Since(begin); d > 10*time.Second || unsent > 0 {
		t.Errorf("took %v, %d were not sent though others behind them were", d, unsent)
	}
}

// panickyHook panics at the end of a batch.
type panickyHook struct{ ends map[string]int }

func (h *panickyHook) OnRequestEnd(_ context.Context, _ *tnt.Conn, r tnt.RequestInfo, _ tnt.RequestEnd) {
	if h.ends[r.Function]++; r.Size == 0 {
		h.ends["no size"]++
	}
	if r.Function == "b" {
		panic("told")
	}
}

// TestEachWithAHookThatPanics leaves nothing behind, and tells the end once.
func TestEachWithAHookThatPanics(t *testing.T) {
	h := &panickyHook{ends: map[string]int{}}
	conn := toFake(t, fakeServer(t, func(p *peer) { answerAll(p, emptyBody) }), func(o *tnt.Options) { o.Hooks = []tnt.Hook{h} })
	func() {
		defer func() {
			if p := recover(); p != "told" {
				t.Errorf("recovered %v", p)
			}
		}()
		for _, err := range tnt.Each[int](t.Context(), conn, []tnt.Call{{Function: "b"}, {Function: "b"}, {Function: "b"}}) {
			if err != nil {
				t.Error(err)
			}
		}
	}()
	if h.ends["b"] != 1 || h.ends["no size"] != 0 {
		t.Errorf("the ends are %v", h.ends)
	}
	eventually(t, "nothing is in flight", func() bool { return conn.Stats().InFlight == 0 })
}
