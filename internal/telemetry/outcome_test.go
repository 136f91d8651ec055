package telemetry_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/telemetry"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// ended notes how requests ended.
type ended struct{ outcomes []string }

func (e *ended) OnRequestEnd(ctx context.Context, _ *tnt.Conn, req tnt.RequestInfo, end tnt.RequestEnd) {
	e.outcomes = append(e.outcomes, telemetry.Operation(req)+" "+telemetry.Outcome(ctx, end.Err))
}

// TestOutcomes has requests end in as many ways as can be, and each have its
// word.
func TestOutcomes(t *testing.T) {
	srv := tnttest.Run(t)
	e := &ended{}
	conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{
		Address: srv.Addr(), Hooks: []tnt.Hook{e}, ReconnectInterval: tnt.Never, PingInterval: tnt.Never, MaxRequest: 1000, MaxInFlight: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	down := make(chan struct{}, 2)
	defer conn.OnState(func(_, to tnt.State, _ error) {
		if to == tnt.Disconnected {
			down <- struct{}{}
		}
	})()
	began := make(chan struct{})
	srv.Handle("held", func(c *tnttest.Call) ([]any, error) {
		began <- struct{}{}
		<-c.Context().Done()
		return nil, nil
	})
	srv.Handle("one", func(*tnttest.Call) ([]any, error) { return []any{1}, nil })
	srv.Handle("own", func(*tnttest.Call) ([]any, error) { return nil, &tnt.Error{Code: 70000} })
	ctx := t.Context()
	call := func(name string, args ...any) tnt.Call { return tnt.Call{Function: name, Args: args} }
	expired, cancel := context.WithDeadline(ctx, time.Unix(0, 0))
	defer cancel()
	caused, stop := context.WithCancelCause(ctx)
	stop(errors.New("for a reason of its own"))
	by := func(another error) context.Context { // as an errgroup does
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(another)
		return ctx
	}

	_, _ = tnt.One[int](ctx, conn, call("one"))
	_, _ = tnt.One[string](ctx, conn, call("one"))
	_, _ = tnt.One[int](ctx, conn, tnt.Select{Space: "_space", Key: tnt.K(100000)})
	_, _ = tnt.Do(ctx, conn, call("nowhere"))
	_, _ = tnt.Do(ctx, conn, call("own"))
	_, _ = tnt.Do(ctx, conn, call("one", make([]byte, 2000)))
	_, _ = tnt.Do(expired, conn, call("one"))
	_, _ = tnt.Do(caused, conn, call("one"))
	_, _ = tnt.Do(by(&tnt.RequestError{Err: tnt.ErrConnectionLost}), conn, call("one"))
	_, _ = tnt.Do(ctx, conn, tnt.Select{Space: "nowhere"})
	for _, err := range tnt.Each[int](ctx, conn, []tnt.Call{call("one"), call("one")}) {
		_ = err
		break
	}
	for conn.Stats().InFlight > 0 { // what the loop has left
		runtime.Gosched()
	}
	held := tnt.Go(ctx, conn, call("held"))
	<-began
	_, _ = tnt.Do(ctx, conn, call("one"))
	conn.Drop(nil)
	_, _ = held.Wait(ctx)
	<-down
	_, _ = tnt.Do(ctx, conn, call("one"))
	if err := conn.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	_ = conn.Disconnect(ctx)
	_, _ = tnt.Do(ctx, conn, call("one"))

	want := []string{
		"CALL OK", "CALL OK", "SELECT OK", "CALL ER_NO_SUCH_PROC", "CALL other", "CALL too_large",
		"CALL timeout", "CALL canceled", "CALL canceled", "SELECT schema", "BATCH CALL left", "CALL too_many_in_flight",
		"CALL connection_lost", "CALL not_connected", "CALL closed",
	}
	if len(e.outcomes) != len(want) {
		t.Fatalf("got %q, want %q", e.outcomes, want)
	}
	for i := range want {
		if e.outcomes[i] != want[i] {
			t.Errorf("request %d: got %q, want %q", i, e.outcomes[i], want[i])
		}
	}
}

func TestOperation(t *testing.T) {
	for _, c := range []struct {
		req  tnt.RequestInfo
		want string
	}{
		{tnt.RequestInfo{Type: iproto.TypeSelect}, "SELECT"},
		{tnt.RequestInfo{Type: iproto.TypeSelect, Size: 1}, "SELECT"},
		{tnt.RequestInfo{Type: iproto.TypeSelect, Size: 2}, "BATCH SELECT"},
		{tnt.RequestInfo{Size: 2}, "BATCH"},
		{tnt.RequestInfo{Type: 5000}, "other"},
		{tnt.RequestInfo{Type: 5000, Size: 2}, "BATCH other"},
		{tnt.RequestInfo{Type: 5000, Size: 1}, "other"},
	} {
		if got := telemetry.Operation(c.req); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.req, got, c.want)
		}
	}
}
