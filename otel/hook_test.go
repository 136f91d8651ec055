package tntotel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/gotnt/tnt"
	tntotel "github.com/gotnt/tnt/otel"
	"github.com/gotnt/tnt/tnttest"
)

var users = tnttest.SpaceDef{
	Name:    "users",
	Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}},
	Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1}}}},
}

// world is a connection with a hook, and what that exports.
type world struct {
	srv    *tnttest.Server
	conn   *tnt.Conn
	hook   *tntotel.Hook
	spans  *tracetest.SpanRecorder
	tracer trace.Tracer
	reader *metric.ManualReader
}

func newWorld(t *testing.T, opts tntotel.Options) *world {
	t.Helper()
	w := &world{srv: tnttest.Run(t, tnttest.WithSpace(users)), spans: tracetest.NewSpanRecorder(), reader: metric.NewManualReader()}
	traces := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(w.spans))
	w.tracer = traces.Tracer("test")
	if opts.TracerProvider == nil {
		opts.TracerProvider = traces
	}
	opts.MeterProvider = metric.NewMeterProvider(metric.WithReader(w.reader))
	var err error
	if w.hook, err = tntotel.New(opts); err != nil {
		t.Fatal(err)
	}
	w.conn, err = tnt.ConnectOptions(t.Context(), tnt.Options{Address: w.srv.Addr(), Hooks: []tnt.Hook{w.hook}, PingInterval: tnt.Never})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.conn.Disconnect(context.Background())
		if err := w.hook.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// took returns the spans that have ended since the last time, described.
func (w *world) took() []string {
	var list []string
	for _, s := range w.spans.Ended() {
		list = append(list, describe(s))
	}
	w.spans.Reset()
	return list
}

// describe returns the name of a span and its attributes but for those that all
// have.
func describe(s sdktrace.ReadOnlySpan) string {
	line := s.Name()
	for _, a := range s.Attributes() {
		switch a.Key {
		case "db.system.name", "server.address", "server.port":
		default:
			line += fmt.Sprintf(" %s=%v", a.Key, a.Value.AsInterface())
		}
	}
	if s.Status().Code != codes.Unset {
		line += fmt.Sprintf(" %v %q", s.Status().Code, s.Status().Description)
	}
	return line
}

func (w *world) expect(t *testing.T, want ...string) {
	t.Helper()
	got := w.took()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got the spans\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestSpans(t *testing.T) {
	w := newWorld(t, tntotel.Options{})
	ctx := t.Context()
	w.srv.Handle("greet", func(*tnttest.Call) ([]any, error) { return []any{"hello"}, nil })
	w.srv.Handle("own", func(*tnttest.Call) ([]any, error) { return nil, &tnt.Error{Code: 70000, Message: "mine"} })
	const (
		users   = " db.collection.name=users"
		refused = ` db.response.status_code=ER_TUPLE_FOUND error.type=ER_TUPLE_FOUND Error ""`
	)
	_, _ = w.conn.Insert(ctx, "users", []any{1, "Ann"})
	_, _ = w.conn.Insert(ctx, "users", []any{1, "secret"})
	_, _ = w.conn.Select(ctx, "users", tnt.K(1))
	w.expect(t,
		"INSERT users db.operation.name=INSERT"+users+" db.response.returned_rows=1",
		"INSERT users db.operation.name=INSERT"+users+" db.response.returned_rows=0"+refused,
		"SELECT users db.operation.name=SELECT"+users+" db.response.returned_rows=1")

	_, _ = w.conn.Call(ctx, "greet")
	_, _ = w.conn.Call(ctx, "own")
	_ = w.conn.Ping(ctx)
	w.expect(t,
		"CALL greet db.operation.name=CALL db.stored_procedure.name=greet db.response.returned_rows=1",
		`CALL own db.operation.name=CALL db.stored_procedure.name=own db.response.returned_rows=0 db.response.status_code=70000 error.type=other Error ""`,
		"PING db.operation.name=PING db.response.returned_rows=0")

	one := tnt.Select{Space: "users", Key: tnt.K(1)}
	tnt.Batch(ctx, w.conn, one, one)
	tnt.Batch(ctx, w.conn, one)
	tnt.Batch(ctx, w.conn, one, tnt.Insert{Space: "users", Tuple: []any{1, "secret"}}, tnt.Ping{})
	w.expect(t,
		"BATCH SELECT users db.operation.name=BATCH SELECT"+users+" db.operation.batch.size=2 db.response.returned_rows=2",
		"SELECT users db.operation.name=SELECT"+users+" db.response.returned_rows=1",
		"BATCH db.operation.name=BATCH db.operation.batch.size=3 db.response.returned_rows=1"+refused)

	for _, err := range tnt.Each[[]any](ctx, w.conn, []tnt.Select{one, one}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	w.expect(t, "BATCH SELECT users db.operation.name=BATCH SELECT"+users+" db.operation.batch.size=2 db.response.returned_rows=1")

	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_, _ = w.conn.Select(canceled, "users", tnt.Key{})
	_, _ = w.conn.Select(ctx, "nowhere", tnt.Key{})
	_ = w.conn.Disconnect(ctx)
	_ = w.conn.Ping(ctx)
	w.expect(t,
		"SELECT users db.operation.name=SELECT"+users+` db.response.returned_rows=0 error.type=canceled Error ""`,
		`SELECT nowhere db.operation.name=SELECT db.collection.name=nowhere db.response.returned_rows=0 error.type=schema Error ""`,
		`PING db.operation.name=PING db.response.returned_rows=0 error.type=closed Error ""`)
}

// TestSpansHaveAllAttributes has what all spans have be there.
func TestSpansHaveAllAttributes(t *testing.T) {
	w := newWorld(t, tntotel.Options{Attributes: []attribute.KeyValue{attribute.String("deployment", "test")}})
	if err := w.conn.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	span := w.spans.Ended()[0]
	if span.SpanKind() != trace.SpanKindClient || span.InstrumentationScope().SchemaURL != "https://opentelemetry.io/schemas/1.43.0" {
		t.Errorf("kind %v, scope %+v", span.SpanKind(), span.InstrumentationScope())
	}
	has := map[string]string{}
	for _, a := range span.Attributes() {
		has[string(a.Key)] = a.Value.String()
	}
	for key, want := range map[string]string{
		"db.system.name": "tarantool", "server.address": w.conn.Host(), "server.port": w.conn.Port(), "deployment": "test",
	} {
		if has[key] != want {
			t.Errorf("%s is %q, want %q", key, has[key], want)
		}
	}
}

// TestPrivacy has nothing that is a user's data be exported unless asked for.
func TestPrivacy(t *testing.T) {
	const secret = "hunter2"
	ask := func(w *world) string {
		ctx := t.Context()
		_, _ = w.conn.Insert(ctx, "users", []any{1, secret})
		_, err := w.conn.Insert(ctx, "users", []any{1, secret})
		if err == nil || !strings.Contains(err.Error(), secret) {
			t.Errorf("the server's error, %v, does not hold the tuple, so that nothing is tested", err)
		}
		_, _ = w.conn.Select(ctx, "users", tnt.K(secret))
		_, _ = w.conn.Execute(ctx, "SELECT * FROM users WHERE name = '"+secret+"' AND id = ?", 1)
		var all strings.Builder
		for _, s := range w.spans.Ended() {
			fmt.Fprintln(&all, describe(s), s.Events())
		}
		fmt.Fprintln(&all, w.collect(t))
		return all.String()
	}
	text := ask(newWorld(t, tntotel.Options{}))
	if strings.Contains(text, secret) {
		t.Errorf("exported:\n%s", text)
	}
	if want := "db.query.text=SELECT * FROM users WHERE name = ? AND id = ?"; !strings.Contains(text, want) {
		t.Errorf("no %s:\n%s", want, text)
	}
	if text := ask(newWorld(t, tntotel.Options{NoQueryText: true})); strings.Contains(text, "db.query.text") {
		t.Errorf("the text was not wanted:\n%s", text)
	}
	if text := ask(newWorld(t, tntotel.Options{ErrorText: true})); !strings.Contains(text, secret) {
		t.Errorf("the errors' texts were asked for:\n%s", text)
	}
}

// TestParents has spans be children of the context's, and the context go on with
// the span: to a hook that comes after, whose own span must not be taken for ours.
func TestParents(t *testing.T) {
	w := newWorld(t, tntotel.Options{})
	second := &childHook{tracer: w.tracer}
	conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{Address: w.srv.Addr(), Hooks: []tnt.Hook{w.hook, second}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, root := w.tracer.Start(t.Context(), "root")
	if err := conn.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Go(ctx, tnt.Ping{}).Wait(ctx); err != nil {
		t.Fatal(err)
	}
	root.End()
	byName := map[string][]sdktrace.ReadOnlySpan{}
	for _, s := range w.spans.Ended() {
		byName[s.Name()] = append(byName[s.Name()], s)
	}
	if len(byName["PING"]) != 2 || len(byName["child"]) != 2 || len(byName["root"]) != 1 {
		t.Fatalf("spans: %v", byName)
	}
	for i, ping := range byName["PING"] {
		if ping.Parent().SpanID() != root.SpanContext().SpanID() {
			t.Errorf("the parent of PING %d is %v", i, ping.Parent().SpanID())
		}
		if byName["child"][i].Parent().SpanID() != ping.SpanContext().SpanID() {
			t.Errorf("the parent of child %d is not PING", i)
		}
	}
}

// childHook is another hook that makes spans.
type childHook struct{ tracer trace.Tracer }

func (h *childHook) OnRequestStart(ctx context.Context, _ *tnt.Conn, _ tnt.RequestInfo) context.Context {
	ctx, _ = h.tracer.Start(ctx, "child")
	return ctx
}

func (h *childHook) OnRequestEnd(ctx context.Context, _ *tnt.Conn, _ tnt.RequestInfo, _ tnt.RequestEnd) {
	trace.SpanFromContext(ctx).End()
}

// collect reads all metrics, as lines of name, attributes and value.
func (w *world) collect(t *testing.T) map[string]float64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := w.reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					found[m.Name+labels(p.Attributes)] = float64(p.Value)
				}
			case metricdata.Sum[float64]:
				for _, p := range data.DataPoints {
					found[m.Name+labels(p.Attributes)] = p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					found[m.Name+labels(p.Attributes)] = float64(p.Count)
					if p.Bounds[0] != 50e-6 {
						t.Errorf("%s: buckets %v", m.Name, p.Bounds)
					}
				}
			default:
				t.Errorf("%s is a %T", m.Name, m.Data)
			}
		}
	}
	return found
}

// labels describes attributes but for those that all have.
func labels(set attribute.Set) string {
	line := ""
	for _, a := range set.ToSlice() {
		switch a.Key {
		case "db.system.name", "server.address", "server.port", "db.client.connection.pool.name":
		default:
			line += fmt.Sprintf(" %s=%v", a.Key, a.Value.AsInterface())
		}
	}
	return line
}

func TestMetrics(t *testing.T) {
	w := newWorld(t, tntotel.Options{})
	ctx := t.Context()
	began, gate := make(chan struct{}), make(chan struct{})
	w.srv.Handle("held", func(c *tnttest.Call) ([]any, error) {
		began <- struct{}{}
		<-gate
		return nil, nil
	})
	for range 3 {
		_, _ = w.conn.Insert(ctx, "users", []any{1, "Ann"})
	}
	short, cancel := context.WithCancel(ctx)
	held := w.conn.Go(ctx, tnt.Call{Function: "held"})
	<-began
	var done sync.WaitGroup
	done.Go(func() { _, _ = w.conn.Call(short, "held") })
	<-began
	w.has(t, map[string]float64{
		"tnt.client.in_flight": 2,
		"db.client.connection.count db.client.connection.state=used": 1,
		"db.client.connection.count db.client.connection.state=idle": 0,
		"db.client.connection.create_time":                           1,
		"db.client.connection.pending_requests":                      0,
	})
	cancel()
	done.Wait()
	close(gate)
	_, _ = held.Wait(ctx)
	eventually(t, "the late answer is counted", func() bool { return w.collect(t)["tnt.client.late_answers"] == 1 })

	w.conn.Drop(errors.New("to come again"))
	eventually(t, "reconnected", func() bool { return w.collect(t)["tnt.client.reconnects"] == 1 && w.conn.IsConnected() })
	const insert = "db.client.operation.duration db.collection.name=users db.operation.name=INSERT"
	w.has(t, map[string]float64{
		insert: 1,
		insert + " db.response.status_code=ER_TUPLE_FOUND error.type=ER_TUPLE_FOUND":                            2,
		"db.client.operation.duration db.operation.name=CALL db.stored_procedure.name=held":                     1,
		"db.client.operation.duration db.operation.name=CALL db.stored_procedure.name=held error.type=canceled": 1,
		"db.client.connection.count db.client.connection.state=used":                                            0,
		"db.client.connection.count db.client.connection.state=idle":                                            1,
		"db.client.connection.create_time":                                                                      2,
		"tnt.client.in_flight":                                                                                  0,
	})

	before := w.collect(t)
	if before["tnt.client.io network.io.direction=transmit"] < 100 || before["tnt.client.io network.io.direction=receive"] < 100 || before["tnt.client.requests"] < 5 {
		t.Errorf("bytes and requests: %v", before)
	}
	_ = w.conn.Disconnect(ctx)
	after := w.collect(t)
	for _, name := range []string{"tnt.client.io network.io.direction=transmit", "tnt.client.requests", "tnt.client.late_answers", "tnt.client.reconnects"} {
		if after[name] < before[name] {
			t.Errorf("%s fell from %v to %v", name, before[name], after[name])
		}
	}
}

// has checks metrics.
func (w *world) has(t *testing.T, want map[string]float64) {
	t.Helper()
	got := w.collect(t)
	for name, value := range want {
		if v, ok := got[name]; !ok || v != value {
			t.Errorf("%s: got %v (%t), want %v, of %v", name, v, ok, value, got)
		}
	}
}

// TestFailedConnects has failures be counted by where they happened.
func TestFailedConnects(t *testing.T) {
	w := newWorld(t, tntotel.Options{})
	_, err := tnt.ConnectOptions(t.Context(), tnt.Options{
		Address: w.srv.Addr(), User: "nobody", Password: "x", ConnectOnce: true, Hooks: []tnt.Hook{w.hook},
	})
	if err == nil {
		t.Fatal("connected")
	}
	w.has(t, map[string]float64{"tnt.client.connection.failures tnt.connect.stage=auth": 1})
}

// TestManyNames has a program that makes up names not make up series.
func TestManyNames(t *testing.T) {
	w := newWorld(t, tntotel.Options{})
	calls := make([]tnt.Call, 1500)
	for i := range calls {
		calls[i].Function = fmt.Sprint("f", i)
		_, _ = tnt.Do(t.Context(), w.conn, calls[i])
	}
	got := w.collect(t)
	bare := got["db.client.operation.duration db.operation.name=CALL db.response.status_code=ER_NO_SUCH_PROC error.type=ER_NO_SUCH_PROC"]
	if len(got) > 1100 || bare < 400 {
		t.Errorf("%d series, %v calls without a name", len(got), bare)
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
