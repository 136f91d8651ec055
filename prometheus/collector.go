// Package tntprom exports what connections to Tarantool do as Prometheus's
// metrics. Its Collector is both the hook that goes into tnt.Options.Hooks and what
// a registry collects from:
//
//	collector := tntprom.New(tntprom.Options{})
//	prometheus.MustRegister(collector)
//	conn, err := tnt.ConnectOptions(ctx, tnt.Options{Address: address, Hooks: []tnt.Hook{collector}})
//
// NewPoolCollector adds what a pool knows of its instances, and a RouterCollector
// what a router of a sharded cluster does.
//
// dashboard.json beside this file is a dashboard of Grafana for these metrics.
// docs/telemetry.md lists them and what they cost.
package tntprom

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/telemetry"
)

// Options say what is exported. The zero value of each field is its default.
type Options struct {
	// Buckets are the upper bounds of the buckets of durations, in seconds, in
	// increasing order. Default: from 50 us to 10 s.
	Buckets []float64
	// NativeHistograms has durations be exported as native histograms as well, to
	// servers that take them.
	NativeHistograms bool
}

// Collector counts requests as a tnt.Hook, and is a prometheus.Collector. It may
// serve any number of connections and is safe for concurrent use. Make one with New
// and register it once in a registry; labels of a program's own come from
// prometheus.WrapRegistererWith.
//
// Labels have few values each, whatever a program and its users do: types of
// requests, names of errors, servers.
type Collector struct {
	requests        *prometheus.CounterVec
	duration        *prometheus.HistogramVec
	connectFailures *prometheus.CounterVec
	dropped         *prometheus.CounterVec
	tally           telemetry.Tally
}

var defaultBuckets = []float64{
	50e-6, 100e-6, 250e-6, 500e-6,
	1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3,
	1, 2.5, 5, 10,
}

// histogram returns the options of a histogram of durations.
func (o Options) histogram(name, help string) prometheus.HistogramOpts {
	h := prometheus.HistogramOpts{Name: name, Help: help, Buckets: o.Buckets}
	if o.Buckets == nil {
		h.Buckets = defaultBuckets
	}
	if o.NativeHistograms {
		h.NativeHistogramBucketFactor = 1.1
		h.NativeHistogramMaxBucketNumber = 160
	}
	return h
}

// New returns a collector of no connections yet.
func New(opts Options) *Collector {
	durations := opts.histogram("tnt_request_duration_seconds", "How long requests took, waiting and retries included; a batch counts as one.")
	return &Collector{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tnt_requests_total", Help: "Requests that have ended, by how; a batch counts as one.",
		}, []string{"type", "code"}),
		duration: prometheus.NewHistogramVec(durations, []string{"type"}),
		connectFailures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tnt_connect_failures_total", Help: "Attempts to connect that failed, by where.",
		}, []string{"server", "stage"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tnt_dropped_total", Help: "Pushes and events that nobody took.",
		}, []string{"server", "kind"}),
	}
}

// OnRequestEnd implements tnt.RequestEndHook.
func (c *Collector) OnRequestEnd(ctx context.Context, _ *tnt.Conn, req tnt.RequestInfo, end tnt.RequestEnd) {
	operation := telemetry.Operation(req)
	c.requests.WithLabelValues(operation, telemetry.Outcome(ctx, end.Err)).Inc()
	c.duration.WithLabelValues(operation).Observe(end.Duration.Seconds())
}

// OnConnect implements tnt.ConnectHook.
func (c *Collector) OnConnect(conn *tnt.Conn, a tnt.ConnectAttempt) {
	if a.Err != nil {
		c.connectFailures.WithLabelValues(telemetry.ServerOf(conn).String(), string(a.Stage)).Inc()
	}
}

// OnState implements tnt.StateHook.
func (c *Collector) OnState(conn *tnt.Conn, _, to tnt.State, _ error) { c.tally.OnState(conn, to) }

// OnDrop implements tnt.DropHook.
func (c *Collector) OnDrop(conn *tnt.Conn, d tnt.Drop) {
	kind := "push"
	if d.Key != "" {
		kind = "event"
	}
	c.dropped.WithLabelValues(telemetry.ServerOf(conn).String(), kind).Inc()
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	c.requests.Describe(out)
	c.duration.Describe(out)
	c.connectFailures.Describe(out)
	c.dropped.Describe(out)
	for _, m := range ofConnections {
		out <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	c.requests.Collect(out)
	c.duration.Collect(out)
	c.connectFailures.Collect(out)
	c.dropped.Collect(out)
	for _, sum := range c.tally.Sums() {
		for _, m := range ofConnections {
			m.collect(out, &sum)
		}
	}
}
