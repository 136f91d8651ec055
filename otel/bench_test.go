package tntotel_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	tntotel "github.com/gotnt/tnt/otel"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/vshard"
)

// nowhere takes spans and keeps none.
type nowhere struct{}

func (nowhere) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (nowhere) Shutdown(context.Context) error                             { return nil }

// setups are what is measured: without a hook, with one whose providers do
// nothing, and with the SDK's, which records metrics and samples no or all spans.
var setups = []struct {
	name      string
	providers func() (trace.TracerProvider, metric.MeterProvider) // nil: no hook
}{
	{"none", nil},
	{"noop", func() (trace.TracerProvider, metric.MeterProvider) {
		return nooptrace.NewTracerProvider(), noopmetric.NewMeterProvider()
	}},
	{"metrics", func() (trace.TracerProvider, metric.MeterProvider) {
		return nooptrace.NewTracerProvider(), newMeters()
	}},
	{"unsampled", func() (trace.TracerProvider, metric.MeterProvider) {
		return newTraces(sdktrace.NeverSample()), newMeters()
	}},
	{"sampled", func() (trace.TracerProvider, metric.MeterProvider) {
		return newTraces(sdktrace.AlwaysSample()), newMeters()
	}},
}

func newMeters() metric.MeterProvider {
	return sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
}

func newTraces(s sdktrace.Sampler) trace.TracerProvider {
	return sdktrace.NewTracerProvider(sdktrace.WithSampler(s), sdktrace.WithBatcher(nowhere{}))
}

// newHook returns a hook that exports to a setup's providers.
func newHook(b *testing.B, providers func() (trace.TracerProvider, metric.MeterProvider)) *tntotel.Hook {
	b.Helper()
	traces, meters := providers()
	if p, ok := traces.(*sdktrace.TracerProvider); ok {
		b.Cleanup(func() { _ = p.Shutdown(context.Background()) })
	}
	h, err := tntotel.New(tntotel.Options{TracerProvider: traces, MeterProvider: meters})
	if err != nil {
		b.Fatal(err)
	}
	return h
}

// BenchmarkHook is what the hook itself takes of a request.
func BenchmarkHook(b *testing.B) {
	conn, err := tnt.New(tnt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	req, end := tnt.RequestInfo{Type: iproto.TypeSelect, Space: "users"}, tnt.RequestEnd{Duration: time.Millisecond, Rows: 1}
	for _, s := range setups[1:] {
		b.Run(s.name, func(b *testing.B) {
			h := newHook(b, s.providers)
			b.ReportAllocs()
			for b.Loop() {
				h.OnRequestEnd(h.OnRequestStart(context.Background(), conn, req), conn, req, end)
			}
		})
	}
}

// BenchmarkRouterHooks is what the hooks themselves take of a router's call.
func BenchmarkRouterHooks(b *testing.B) {
	end := vshard.CallEnd{Call: vshard.Call{Bucket: 1, Function: "f"}, ReplicaSet: "s1", Requests: 1, Duration: time.Millisecond}
	for _, s := range setups[1:] {
		b.Run(s.name, func(b *testing.B) {
			r, err := newHook(b, s.providers).Router("main")
			if err != nil {
				b.Fatal(err)
			}
			hooks := r.Hooks()
			b.ReportAllocs()
			for b.Loop() {
				hooks.End(hooks.Start(context.Background(), end.Call), end)
			}
		})
	}
}

// connectTo connects with a setup's hook.
func connectTo(b *testing.B, srv *tnttest.Server, providers func() (trace.TracerProvider, metric.MeterProvider)) *tnt.Conn {
	b.Helper()
	opts := tnt.Options{Address: srv.Addr()}
	if providers != nil {
		opts.Hooks = []tnt.Hook{newHook(b, providers)}
	}
	conn, err := tnt.ConnectOptions(context.Background(), opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return conn
}

func newServer(b *testing.B) *tnttest.Server {
	b.Helper()
	srv := tnttest.Run(b, tnttest.WithSpace(users))
	conn := connectTo(b, srv, nil)
	if _, err := conn.Insert(b.Context(), "users", []any{1, "Ann"}); err != nil {
		b.Fatal(err)
	}
	return srv
}

type user struct {
	ID   uint64
	Name string
}

// BenchmarkSelect is a request to the embedded server, which runs in the same
// process, by one caller.
func BenchmarkSelect(b *testing.B) {
	srv := newServer(b)
	for _, s := range setups {
		b.Run(s.name, func(b *testing.B) {
			conn := connectTo(b, srv, s.providers)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tnt.One[user](b.Context(), conn, tnt.Select{Space: "users", Key: tnt.K(1)}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHTTP is the same inside of a handler of an HTTP server, with clients
// in the same process.
func BenchmarkHTTP(b *testing.B) {
	srv := newServer(b)
	for _, s := range setups {
		b.Run(s.name, func(b *testing.B) {
			conn := connectTo(b, srv, s.providers)
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				u, err := tnt.One[user](r.Context(), conn, tnt.Select{Space: "users", Key: tnt.K(1)})
				if err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
					return
				}
				_, _ = io.WriteString(w, u.Name)
			}))
			defer web.Close()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				client := web.Client()
				for pb.Next() {
					resp, err := client.Get(web.URL)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			})
		})
	}
}
