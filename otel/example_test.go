package tntotel_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gotnt/tnt"
	tntotel "github.com/gotnt/tnt/otel"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// serve starts an embedded server with the space users.
func serve() (*tnttest.Server, error) {
	srv, err := tnttest.Start(tnttest.WithSpace(users))
	if err != nil {
		return nil, err
	}
	_, err = srv.Listen("tcp", "127.0.0.1:0")
	return srv, err
}

// A program's providers export by OTLP; those of the example keep what they get.
func ExampleNew() {
	srv, err := serve()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	ctx := context.Background()
	spans, reader := tracetest.NewInMemoryExporter(), metric.NewManualReader()
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	hook, err := tntotel.New(tntotel.Options{
		TracerProvider: traces,
		MeterProvider:  metric.NewMeterProvider(metric.WithReader(reader)),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = hook.Close() }()
	conn, err := tnt.ConnectOptions(ctx, tnt.Options{Address: srv.Addr(), Hooks: []tnt.Hook{hook}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()

	ctx, root := traces.Tracer("example").Start(ctx, "sign up")
	for range 2 {
		_, _ = conn.Insert(ctx, "users", []any{1, "Ann"})
	}
	root.End()

	for _, span := range spans.GetSpans() {
		fmt.Println(span.Name, span.Parent.SpanID() == root.SpanContext().SpanID(), span.Status.Code)
	}
	var all metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &all); err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range all.ScopeMetrics[0].Metrics {
		if durations, ok := m.Data.(metricdata.Histogram[float64]); ok {
			fmt.Println(m.Name, len(durations.DataPoints))
		}
	}
	// Output:
	// INSERT users true Unset
	// INSERT users true Error
	// sign up false Unset
	// db.client.operation.duration 2
	// db.client.connection.create_time 1
}

func ExampleHook_ObservePool() {
	hook, err := tntotel.New(tntotel.Options{MeterProvider: metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = hook.Close() }()
	rs, err := tnttest.StartReplicaSet(3)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = rs.Close() }()
	if err := rs.Listen("tcp", "127.0.0.1:0"); err != nil {
		fmt.Println(err)
		return
	}
	var opts pool.Options
	for _, address := range rs.Addrs() {
		opts.Instances = append(opts.Instances, pool.Instance{Options: tnt.Options{Address: address, Hooks: []tnt.Hook{hook}}})
	}
	p, err := pool.Open(context.Background(), opts)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = p.Close() }()
	stop, err := hook.ObservePool("main", p)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(stop())
	// Output: <nil>
}
