package tntotel

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/dbconv"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/telemetry"
)

// durations are the bounds of the buckets of durations, in seconds. The
// conventions begin at 1 ms, which most requests of a server in memory are under.
var durations = []float64{
	50e-6, 100e-6, 250e-6, 500e-6,
	1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3,
	1, 2.5, 5, 10,
}

// metrics are the instruments.
type metrics struct {
	duration   dbconv.ClientOperationDuration
	createTime dbconv.ClientConnectionCreateTime
	failures   metric.Int64Counter
	dropped    metric.Int64Counter

	// Those below are read from the connections when the metrics are collected.
	connections dbconv.ClientConnectionCountObservable
	pending     dbconv.ClientConnectionPendingRequestsObservable
	inFlight    metric.Int64ObservableUpDownCounter
	sent        metric.Int64ObservableCounter
	late        metric.Int64ObservableCounter
	reconnects  metric.Int64ObservableCounter
	io          metric.Int64ObservableCounter
}

// startMetrics makes the instruments and has some be read from the connections.
func (h *Hook) startMetrics() (err error) {
	i := h.instruments()
	m := new(metrics)
	h.metrics = m
	bounds := metric.WithExplicitBucketBoundaries(durations...)
	m.duration, err = dbconv.NewClientOperationDuration(i, bounds)
	i.note(err)
	m.createTime, err = dbconv.NewClientConnectionCreateTime(i, bounds)
	i.note(err)
	m.connections, err = dbconv.NewClientConnectionCountObservable(i)
	i.note(err)
	m.pending, err = dbconv.NewClientConnectionPendingRequestsObservable(i)
	i.note(err)
	m.failures = i.counter("tnt.client.connection.failures", "{attempt}", "Attempts to connect that failed.")
	m.dropped = i.counter("tnt.client.dropped", "{message}", "Pushes and events that nobody took.")
	m.inFlight = i.level("tnt.client.in_flight", "{request}", "Requests that wait for their answer.")
	m.sent = i.total("tnt.client.requests", "{request}", "Requests sent, each of a batch and the connections' own included.")
	m.late = i.total("tnt.client.late_answers", "{answer}", "Answers that came after their caller had given up.")
	m.reconnects = i.total("tnt.client.reconnects", "{connection}", "Sessions that came up after the loss of another.")
	m.io = i.total("tnt.client.io", "By", "Bytes sent and received.")
	h.stop, err = i.onCollect(h.observe, m.connections.Inst(), m.pending.Inst(), m.inFlight, m.sent, m.late, m.reconnects, m.io)
	return err
}

// recordDuration records how long a request took.
func (h *Hook) recordDuration(ctx context.Context, c *tnt.Conn, req tnt.RequestInfo, d time.Duration, outcome string) {
	inst := h.metrics.duration.Inst()
	if !inst.Enabled(ctx) {
		return
	}
	of, counted := h.describe(c, req)
	if !counted {
		of, _ = h.describe(c, tnt.RequestInfo{Type: req.Type, Size: req.Size})
	}
	record, _ := of.recorders.get(outcome, func() []metric.RecordOption {
		return []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(slices.Concat(of.attributes, ofOutcome(outcome))...))}
	})
	inst.Record(ctx, d.Seconds(), record...)
}

// ofOutcome returns the attributes of how a request ended, for metrics.
func ofOutcome(outcome string) (list []attribute.KeyValue) {
	if !isFailure(outcome) {
		return nil
	}
	if telemetry.IsCode(outcome) {
		list = append(list, semconv.DBResponseStatusCode(outcome))
	}
	return append(list, semconv.ErrorTypeKey.String(outcome))
}

// OnConnect implements tnt.ConnectHook.
func (h *Hook) OnConnect(c *tnt.Conn, a tnt.ConnectAttempt) {
	ctx := context.Background()
	server := telemetry.ServerOf(c)
	if a.Err != nil {
		h.metrics.failures.Add(ctx, 1, h.with(server, attribute.String("tnt.connect.stage", string(a.Stage))))
		return
	}
	h.metrics.createTime.Inst().Record(ctx, a.Duration.Seconds(), h.with(server, semconv.DBClientConnectionPoolName(server.String())))
}

// OnState implements tnt.StateHook.
func (h *Hook) OnState(c *tnt.Conn, _, to tnt.State, _ error) { h.tally.OnState(c, to) }

// OnDrop implements tnt.DropHook.
func (h *Hook) OnDrop(c *tnt.Conn, d tnt.Drop) {
	what := "push"
	if d.Key != "" {
		what = "event"
	}
	h.metrics.dropped.Add(context.Background(), 1, h.with(telemetry.ServerOf(c), attribute.String("tnt.dropped.kind", what)))
}

// with returns the attributes of a measurement.
func (h *Hook) with(s telemetry.Server, more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(h.common(s), more...)...))
}

// observe reads the connections' counts.
func (h *Hook) observe(_ context.Context, o metric.Observer) error {
	m := h.metrics
	for _, sum := range h.tally.Sums() {
		server := h.with(sum.Server)
		o.ObserveInt64(m.inFlight, int64(sum.InFlight), server)
		o.ObserveInt64(m.sent, count(sum.Requests), server)
		o.ObserveInt64(m.late, count(sum.Late), server)
		o.ObserveInt64(m.reconnects, count(sum.Reconnects), server)
		o.ObserveInt64(m.io, count(sum.BytesSent), h.with(sum.Server, semconv.NetworkIODirectionTransmit))
		o.ObserveInt64(m.io, count(sum.BytesReceived), h.with(sum.Server, semconv.NetworkIODirectionReceive))
		pool := semconv.DBClientConnectionPoolName(sum.Server.String())
		o.ObserveInt64(m.pending.Inst(), int64(sum.WaitingForRoom+sum.WaitingForTurn), h.with(sum.Server, pool))
		o.ObserveInt64(m.connections.Inst(), int64(sum.Busy), h.with(sum.Server, pool, semconv.DBClientConnectionStateUsed))
		o.ObserveInt64(m.connections.Inst(), int64(sum.Connected-sum.Busy), h.with(sum.Server, pool, semconv.DBClientConnectionStateIdle))
	}
	return nil
}

// count is a count as the metrics' API takes it.
func count(n uint64) int64 { return int64(n & (1<<63 - 1)) }
