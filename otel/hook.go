// Package tntotel makes OpenTelemetry's traces and metrics of what a
// connection to Tarantool does, by the conventions for database clients (semconv
// 1.43). Its Hook goes into tnt.Options.Hooks:
//
//	hook, err := tntotel.New(tntotel.Options{})
//	if err != nil {
//		return err
//	}
//	defer hook.Close()
//	conn, err := tnt.ConnectOptions(ctx, tnt.Options{Address: address, Hooks: []tnt.Hook{hook}})
//
// docs/telemetry.md lists what is exported, what it costs and what it keeps to
// itself.
package tntotel

import (
	"fmt"
	"slices"
	"strconv"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/telemetry"
)

// scope is the name of what makes the spans and the metrics.
const scope = "github.com/gotnt/tnt/otel"

// Options say what is exported and where it goes. The zero value of each field
// is its default.
type Options struct {
	// TracerProvider gets the spans. Default: the global one, otel.GetTracerProvider.
	// That of package noop of go.opentelemetry.io/otel/trace switches them off.
	TracerProvider trace.TracerProvider
	// MeterProvider gets the metrics. Default: the global one, otel.GetMeterProvider.
	MeterProvider metric.MeterProvider
	// Attributes are on every span and on every metric.
	Attributes []attribute.KeyValue
	// ErrorText puts the texts of errors into the spans' status. The server's hold
	// tuples and keys. Default: spans have the name of the error alone.
	ErrorText bool
	// NoQueryText leaves out the text of SQL statements, which is otherwise exported
	// with ? for each literal and without comments.
	NoQueryText bool
}

// Hook is a tnt.Hook that makes a span of each request and each batch, and
// records metrics. It may serve any number of connections and is safe for concurrent
// use. Make one with New.
//
// A span's parent is that of the request's context, and the request goes on with
// the span's context. Requests that the connection makes for itself (pings, the
// schema) have no span.
type Hook struct {
	opts    Options
	tracer  trace.Tracer
	metrics *metrics
	tally   telemetry.Tally
	stop    func() error // unregisters the callback of the metrics that are read

	kinds cache[kind, *described]
}

// New returns a hook. The error is one of the MeterProvider's. Close ends it.
func New(opts Options) (*Hook, error) {
	if opts.TracerProvider == nil {
		opts.TracerProvider = otel.GetTracerProvider()
	}
	if opts.MeterProvider == nil {
		opts.MeterProvider = otel.GetMeterProvider()
	}
	h := &Hook{opts: opts, kinds: cache[kind, *described]{most: mostKinds}}
	h.tracer = opts.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))
	if err := h.startMetrics(); err != nil {
		return nil, fmt.Errorf("tntotel: %w", err)
	}
	return h, nil
}

// Close ends the metrics that are read from connections, so that the
// MeterProvider lets go of them. Connections may go on using the hook.
func (h *Hook) Close() error { return h.stop() }

// kind is what requests have in common that spans and metrics name.
type kind struct {
	operation       string
	space, function string
	server          telemetry.Server
}

// mostKinds is how many kinds of requests are told apart. Beyond that, in a
// program that makes up names, metrics have the operation and the server alone.
const mostKinds = 1000

// described is a kind of request, described once for all requests of it.
type described struct {
	name       string                  // of the span
	attributes []attribute.KeyValue    // of spans and metrics
	start      []trace.SpanStartOption // with the attributes
	recorders  cache[string, []metric.RecordOption]
}

// describe returns the description of a request. counted is false where it is of
// one kind too many for metrics.
func (h *Hook) describe(c *tnt.Conn, req tnt.RequestInfo) (d *described, counted bool) {
	k := kind{telemetry.Operation(req), req.Space, req.Function, telemetry.ServerOf(c)}
	return h.kinds.get(k, func() *described { return h.newDescribed(k) })
}

func (h *Hook) newDescribed(k kind) *described {
	d := &described{name: k.operation}
	d.attributes = append(h.common(k.server), semconv.DBOperationName(k.operation))
	switch {
	case k.space != "":
		d.name += " " + k.space
		d.attributes = append(d.attributes, semconv.DBCollectionName(k.space))
	case k.function != "":
		d.name += " " + k.function
		d.attributes = append(d.attributes, semconv.DBStoredProcedureName(k.function))
	}
	d.start = slices.Clip([]trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(d.attributes...)})
	d.attributes = slices.Clip(d.attributes)
	return d
}

// common returns the attributes of all that is exported of a server, in a slice
// of its own.
func (h *Hook) common(s telemetry.Server) []attribute.KeyValue {
	list := make([]attribute.KeyValue, 0, len(h.opts.Attributes)+8)
	list = append(list, h.opts.Attributes...)
	list = append(list, semconv.DBSystemNameKey.String("tarantool"), semconv.ServerAddress(s.Host))
	if port, err := strconv.Atoi(s.Port); err == nil {
		list = append(list, semconv.ServerPort(port))
	}
	return list
}
