package tntotel

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/gotnt/tnt/internal/telemetry"
	"github.com/gotnt/tnt/vshard"
)

// Attributes of routers' spans and metrics.
const (
	ofRouter     = attribute.Key("tnt.vshard.router")
	ofReplicaSet = attribute.Key("tnt.vshard.replica_set")
	ofBucket     = attribute.Key("tnt.vshard.bucket")
	ofRequests   = attribute.Key("tnt.vshard.requests")
	ofSets       = attribute.Key("tnt.vshard.replica_sets")
	ofAttempts   = attribute.Key("tnt.vshard.attempts")
	ofResult     = attribute.Key("tnt.vshard.result")
)

// RouterHook makes a span of each call and each Map of a vshard.Router, with the spans of its
// requests inside, and exports its metrics. Make one with Hook.Router, give its Hooks
// to the router's configuration, and the router to Observe:
//
//	routerHook, err := hook.Router("shop")
//	if err != nil {
//		return err
//	}
//	defer routerHook.Close()
//	config.Hooks = routerHook.Hooks()
//	router, err := vshard.Open(ctx, config)
//	if err != nil {
//		return err
//	}
//	routerHook.Observe(router)
//
// It is safe for concurrent use.
type RouterHook struct {
	hook   *Hook
	with   attributes
	router atomic.Pointer[vshard.Router]
	stop   func() error

	duration             metric.Float64Histogram
	discoveries, configs metric.Int64Counter
	recorders            cache[callKind, []metric.RecordOption]

	// Those below are read from the router when the metrics are collected.
	requests, retries           metric.Int64ObservableCounter
	unknown, buckets, instances metric.Int64ObservableUpDownCounter
}

// callKind is what calls have in common that metrics name.
type callKind struct {
	mode, function, outcome string
}

// Router returns a hook for a router, with a name for it in spans and metrics, that
// exports to where h does. The error is one of the MeterProvider's. Close ends it.
func (h *Hook) Router(name string) (*RouterHook, error) {
	i := h.instruments()
	duration, err := i.Float64Histogram("tnt.vshard.call.duration", metric.WithUnit("s"),
		metric.WithDescription("How long calls and Maps took, pauses and retries included."), metric.WithExplicitBucketBoundaries(durations...))
	i.note(err)
	r := &RouterHook{
		hook: h, with: h.named(ofRouter.String(name)), recorders: cache[callKind, []metric.RecordOption]{most: mostKinds},
		duration:    duration,
		discoveries: i.counter("tnt.vshard.discoveries", "{look}", "Looks for where buckets are, by whether all replica sets answered."),
		configs:     i.counter("tnt.vshard.configurations", "{configuration}", "Configurations that a provider had, by whether they were taken."),
		requests:    i.total("tnt.vshard.requests", "{request}", "Requests sent for calls, without those of Maps."),
		retries:     i.total("tnt.vshard.retries", "{attempt}", "Attempts of calls that failed and were followed by another."),
		unknown:     i.level("tnt.vshard.unknown_buckets", "{bucket}", "Buckets of which it is not known where they are."),
		buckets:     i.level("tnt.vshard.buckets", "{bucket}", "Buckets that the replica set is known to have."),
		instances:   i.level("tnt.vshard.instances", "{instance}", "Instances of the replica set, by role."),
	}
	if r.stop, err = i.onCollect(r.observe, r.requests, r.retries, r.unknown, r.buckets, r.instances); err != nil {
		return nil, err
	}
	return r, nil
}

// Close ends the metrics that are read from the router. The router may go on using
// the hook.
func (r *RouterHook) Close() error { return r.stop() }

// Observe has the metrics tell of what the router knows as well: buckets, replica
// sets, and the requests that calls took. Another router takes its place.
func (r *RouterHook) Observe(router *vshard.Router) { r.router.Store(router) }

// Hooks returns what the router's configuration, each of a Provider too, takes for
// its Hooks; vshard.JoinHooks joins them with others.
func (r *RouterHook) Hooks() vshard.Hooks {
	return vshard.Hooks{
		Start: r.start, End: r.end, Again: r.again, StartMap: r.startMap, EndMap: r.endMap,
		Discovery: func(end vshard.DiscoveryEnd) {
			r.discoveries.Add(context.Background(), 1, r.with.option(ofResult.String(telemetry.Result(end.Err))))
		},
		Configured: func(err error) {
			r.configs.Add(context.Background(), 1, r.with.option(ofResult.String(telemetry.Result(err))))
		},
	}
}

// start starts the span of a call.
func (r *RouterHook) start(ctx context.Context, c vshard.Call) context.Context {
	return r.startSpan(ctx, c.Mode.String()+" "+c.Function,
		semconv.DBOperationName(c.Mode.String()), semconv.DBStoredProcedureName(c.Function), ofBucket.Int64(int64(c.Bucket)))
}

// startMap starts the span of a Map.
func (r *RouterHook) startMap(ctx context.Context, m vshard.MapCall) context.Context {
	return r.startSpan(ctx, m.Mode()+" "+m.Function, semconv.DBOperationName(m.Mode()), semconv.DBStoredProcedureName(m.Function))
}

func (r *RouterHook) startSpan(ctx context.Context, name string, with ...attribute.KeyValue) context.Context {
	ctx, span := r.hook.tracer.Start(ctx, name, trace.WithAttributes(r.with.of(with...)...))
	return &spanContext{ctx, r, span}
}

// again notes in the span why there is another attempt.
func (r *RouterHook) again(ctx context.Context, a vshard.Again) {
	if span := spanOf(ctx, r); span != nil {
		span.AddEvent("again", trace.WithAttributes(semconv.ErrorTypeKey.String(telemetry.CallOutcome(ctx, a.Err)), ofReplicaSet.String(a.ReplicaSet)))
	}
}

// end ends the span of a call and records the duration.
func (r *RouterHook) end(ctx context.Context, end vshard.CallEnd) {
	outcome := telemetry.CallOutcome(ctx, end.Err)
	r.duration.Record(ctx, end.Duration.Seconds(), r.recorder(callKind{end.Call.Mode.String(), end.Call.Function, outcome})...)
	r.endSpan(ctx, outcome, end.Err, ofReplicaSet.String(end.ReplicaSet), ofRequests.Int(end.Requests))
}

// endMap ends the span of a Map and records the duration.
func (r *RouterHook) endMap(ctx context.Context, end vshard.MapEnd) {
	outcome := telemetry.CallOutcome(ctx, end.Err)
	r.duration.Record(ctx, end.Duration.Seconds(), r.recorder(callKind{end.Map.Mode(), end.Map.Function, outcome})...)
	r.endSpan(ctx, outcome, end.Err, ofSets.Int(end.ReplicaSets), ofAttempts.Int(end.Attempts))
}

func (r *RouterHook) endSpan(ctx context.Context, outcome string, err error, more ...attribute.KeyValue) {
	span := spanOf(ctx, r)
	if span == nil {
		return
	}
	if span.IsRecording() {
		span.SetAttributes(append(ofOutcome(outcome), more...)...)
		r.hook.setStatus(span, outcome, err)
	}
	span.End()
}

// recorder returns the attributes of the duration of a kind of calls. Of one kind too
// many they lack the function.
func (r *RouterHook) recorder(k callKind) []metric.RecordOption {
	describe := func() []metric.RecordOption {
		list := append(ofOutcome(k.outcome), semconv.DBOperationName(k.mode))
		if k.function != "" {
			list = append(list, semconv.DBStoredProcedureName(k.function))
		}
		return []metric.RecordOption{r.with.option(list...)}
	}
	options, kept := r.recorders.get(k, describe)
	if !kept {
		k.function = ""
		options = describe()
	}
	return options
}

// observe reads what the router knows.
func (r *RouterHook) observe(_ context.Context, o metric.Observer) error {
	router := r.router.Load()
	if router == nil {
		return nil
	}
	info := router.Info()
	o.ObserveInt64(r.requests, count(info.Requests), r.with.option())
	o.ObserveInt64(r.retries, count(info.Again), r.with.option())
	o.ObserveInt64(r.unknown, int64(info.Unknown), r.with.option())
	for _, rs := range info.ReplicaSets {
		name := ofReplicaSet.String(telemetry.ReplicaSetName(rs))
		o.ObserveInt64(r.buckets, int64(rs.Buckets), r.with.option(name))
		byRole := telemetry.OfReplicaSet(rs)
		for _, role := range telemetry.Roles {
			o.ObserveInt64(r.instances, int64(byRole[role]), r.with.option(name, ofRole.String(role.String())))
		}
	}
	return nil
}
