package tntprom_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	tntprom "github.com/gotnt/tnt/prometheus"
	"github.com/gotnt/tnt/tnttest"
)

var users = tnttest.SpaceDef{
	Name:    "users",
	Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}},
	Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1}}}},
}

// newWorld returns an embedded server, a connection to it, and the registry
// with its metrics.
func newWorld(t *testing.T, opts tntprom.Options) (*tnttest.Server, *tnt.Conn, *tntprom.Collector, *prometheus.Registry) {
	t.Helper()
	srv := tnttest.Run(t, tnttest.WithSpace(users))
	collector := tntprom.New(opts)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector)
	conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{Address: srv.Addr(), Hooks: []tnt.Hook{collector}, PingInterval: tnt.Never})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Disconnect(context.Background()) })
	return srv, conn, collector, registry
}

// gathered returns all series by name and labels; a histogram's is its count.
func gathered(t *testing.T, g prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				if l.GetName() != "server" {
					name += fmt.Sprintf(" %s=%s", l.GetName(), l.GetValue())
				}
			}
			found[name] = value(m)
		}
	}
	return found
}

func value(m *dto.Metric) float64 {
	switch {
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue()
	case m.GetGauge() != nil:
		return m.GetGauge().GetValue()
	}
	return float64(m.GetHistogram().GetSampleCount())
}

func expect(t *testing.T, g prometheus.Gatherer, want map[string]float64) {
	t.Helper()
	got := gathered(t, g)
	for name, v := range want {
		if found, ok := got[name]; !ok || found != v {
			t.Errorf("%s is %v (there: %t), want %v, of %v", name, found, ok, v, got)
		}
	}
}

func TestRequests(t *testing.T) {
	srv, conn, _, registry := newWorld(t, tntprom.Options{})
	ctx := t.Context()
	for range 3 {
		_, _ = conn.Insert(ctx, "users", []any{1, "Ann"})
	}
	srv.Handle("own", func(*tnttest.Call) ([]any, error) { return nil, &tnt.Error{Code: 70000, Message: "mine"} })
	_, _ = conn.Call(ctx, "own")
	conn.Batch(ctx, tnt.Ping{}, tnt.Ping{})
	conn.Batch(ctx, tnt.Ping{}, tnt.Select{Space: "users"})
	for typ := range iproto.Type(20) { // of which the protocol has none
		_, _ = conn.Do(ctx, tnt.Raw{RequestType: 200 + typ, Body: []byte{0x80}})
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_ = conn.Ping(canceled)
	expect(t, registry, map[string]float64{
		"tnt_requests_total code=OK type=INSERT":                     1,
		"tnt_requests_total code=ER_TUPLE_FOUND type=INSERT":         2,
		"tnt_requests_total code=other type=CALL":                    1,
		"tnt_requests_total code=OK type=BATCH PING":                 1,
		"tnt_requests_total code=OK type=BATCH":                      1,
		"tnt_requests_total code=ER_UNKNOWN_REQUEST_TYPE type=other": 20,
		"tnt_requests_total code=canceled type=PING":                 1,
		"tnt_request_duration_seconds type=INSERT":                   3,
		"tnt_connected":        1,
		"tnt_connections":      1,
		"tnt_in_flight":        0,
		"tnt_waiting_for_room": 0,
		"tnt_waiting_for_turn": 0,
	})
	got := gathered(t, registry)
	if got["tnt_sent_bytes_total"] < 100 || got["tnt_received_bytes_total"] < 100 || got["tnt_requests_sent_total"] < 28 || got["tnt_writes_total"] < 5 {
		t.Errorf("bytes, requests and writes: %v", got)
	}
}

// TestConnections has what connections count be summed up by server, and not
// fall when they end.
func TestConnections(t *testing.T) {
	srv, conn, collector, registry := newWorld(t, tntprom.Options{})
	ctx := t.Context()
	second, err := tnt.ConnectOptions(ctx, tnt.Options{Address: srv.Addr(), Hooks: []tnt.Hook{collector}, PingInterval: tnt.Never})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, registry, map[string]float64{"tnt_connected": 2, "tnt_connections": 2, "tnt_connects_total": 2, "tnt_reconnects_total": 0})

	began, gate := make(chan struct{}), make(chan struct{})
	srv.Handle("held", func(*tnttest.Call) ([]any, error) {
		began <- struct{}{}
		<-gate
		return nil, nil
	})
	short, cancel := context.WithCancel(ctx)
	go func() {
		<-began
		cancel()
	}()
	_, _ = second.Call(short, "held")
	expect(t, registry, map[string]float64{"tnt_requests_total code=canceled type=CALL": 1})
	close(gate)
	eventually(t, "the late answer is counted", func() bool { return gathered(t, registry)["tnt_late_answers_total"] == 1 })

	before := gathered(t, registry)
	if err := second.Disconnect(ctx); err != nil {
		t.Fatal(err)
	}
	expect(t, registry, map[string]float64{"tnt_connected": 1, "tnt_connections": 1, "tnt_connects_total": 2, "tnt_late_answers_total": 1})
	if after := gathered(t, registry); after["tnt_sent_bytes_total"] < before["tnt_sent_bytes_total"] {
		t.Errorf("bytes fell from %v to %v", before, after)
	}
	if err := second.Connect(ctx); err != nil { // what it counted before must not count twice
		t.Fatal(err)
	}
	expect(t, registry, map[string]float64{"tnt_connected": 2, "tnt_connects_total": 3, "tnt_late_answers_total": 1})
	if err := second.Disconnect(ctx); err != nil {
		t.Fatal(err)
	}
	expect(t, registry, map[string]float64{"tnt_connected": 1, "tnt_connects_total": 3, "tnt_late_answers_total": 1})

	conn.Drop(errors.New("to come again"))
	eventually(t, "reconnected", func() bool { return gathered(t, registry)["tnt_reconnects_total"] == 1 })
}

func TestFailedConnects(t *testing.T) {
	srv, _, collector, registry := newWorld(t, tntprom.Options{})
	_, err := tnt.ConnectOptions(t.Context(), tnt.Options{
		Address: srv.Addr(), User: "nobody", Password: "x", ConnectOnce: true, Hooks: []tnt.Hook{collector},
	})
	if err == nil {
		t.Fatal("connected")
	}
	expect(t, registry, map[string]float64{"tnt_connect_failures_total stage=auth": 1, "tnt_connections": 1})
}

func TestDropped(t *testing.T) {
	srv, conn, _, registry := newWorld(t, tntprom.Options{})
	srv.Handle("push", func(c *tnttest.Call) ([]any, error) { return nil, c.Push("nobody takes it") })
	if _, err := conn.Call(t.Context(), "push"); err != nil {
		t.Fatal(err)
	}
	expect(t, registry, map[string]float64{"tnt_dropped_total kind=push": 1})
}

// TestBuckets has the buckets be those of the options.
func TestBuckets(t *testing.T) {
	for _, c := range []struct {
		opts   tntprom.Options
		first  float64
		native bool
	}{
		{tntprom.Options{}, 50e-6, false},
		{tntprom.Options{Buckets: []float64{1, 2}}, 1, false},
		{tntprom.Options{NativeHistograms: true}, 50e-6, true},
	} {
		_, conn, _, registry := newWorld(t, c.opts)
		if err := conn.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() != "tnt_request_duration_seconds" {
				continue
			}
			h := f.GetMetric()[0].GetHistogram()
			if got := h.GetBucket()[0].GetUpperBound(); got != c.first || (h.Schema != nil) != c.native {
				t.Errorf("%+v: the first bucket is %v, native %t", c.opts, got, h.Schema != nil)
			}
		}
	}
}

// TestLint has the names be as Prometheus wants them.
func TestLint(t *testing.T) {
	_, conn, _, registry := newWorld(t, tntprom.Options{})
	if err := conn.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, p := newPool(t)
	_, _, ofRouter := newRouter(t)
	registry.MustRegister(tntprom.NewPoolCollector("main", p), ofRouter)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("not in 5 s: " + what)
		}
		time.Sleep(time.Millisecond)
	}
}
