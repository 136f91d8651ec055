package tntprom

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gotnt/tnt/internal/telemetry"
	"github.com/gotnt/tnt/vshard"
)

// RouterCollector counts the calls and Maps of a vshard.Router and tells of its buckets, as a
// prometheus.Collector. Make one with NewRouterCollector, give its Hooks to the
// router's configuration, and the router to Observe:
//
//	collector := tntprom.NewRouterCollector("shop", tntprom.Options{})
//	prometheus.MustRegister(collector)
//	config.Hooks = collector.Hooks()
//	router, err := vshard.Open(ctx, config)
//	if err != nil {
//		return err
//	}
//	collector.Observe(router)
//
// It is safe for concurrent use.
type RouterCollector struct {
	// What hooks count.
	calls, discoveries, configs *prometheus.CounterVec
	duration                    *prometheus.HistogramVec

	// What is read of the router.
	router                                         atomic.Pointer[vshard.Router]
	requests, retries, unknown, buckets, instances *prometheus.Desc
}

// NewRouterCollector returns a collector for a router, with the label router having
// the name, which is another for each collector of a registry.
func NewRouterCollector(name string, opts Options) *RouterCollector {
	of := prometheus.Labels{"router": name}
	counter := func(metric, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: metric, Help: help, ConstLabels: of}, labels)
	}
	desc := func(metric, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(metric, help, labels, of)
	}
	durations := opts.histogram("tnt_vshard_call_duration_seconds", "How long calls and Maps took, pauses and retries included.")
	durations.ConstLabels = of
	return &RouterCollector{
		calls:       counter("tnt_vshard_calls_total", "Calls and Maps that have ended, by how.", "mode", "code"),
		duration:    prometheus.NewHistogramVec(durations, []string{"mode"}),
		discoveries: counter("tnt_vshard_discoveries_total", "Looks for where buckets are, by whether all replica sets answered.", "result"),
		configs:     counter("tnt_vshard_configurations_total", "Configurations that a provider had, by whether they were taken.", "result"),
		requests:    desc("tnt_vshard_requests_total", "Requests sent for calls, without those of Maps."),
		retries:     desc("tnt_vshard_retries_total", "Attempts of calls that failed and were followed by another."),
		unknown:     desc("tnt_vshard_unknown_buckets", "Buckets of which it is not known where they are."),
		buckets:     desc("tnt_vshard_buckets", "Buckets that the replica set is known to have.", "replica_set"),
		instances:   desc("tnt_vshard_instances", "Instances of the replica set, by role.", "replica_set", "role"),
	}
}

// Hooks returns what the router's configuration, each of a Provider too, takes for
// its Hooks; vshard.JoinHooks joins them with others.
func (c *RouterCollector) Hooks() vshard.Hooks {
	return vshard.Hooks{
		End: func(ctx context.Context, end vshard.CallEnd) {
			c.ended(ctx, end.Call.Mode.String(), end.Duration, end.Err)
		},
		EndMap: func(ctx context.Context, end vshard.MapEnd) {
			c.ended(ctx, end.Map.Mode(), end.Duration, end.Err)
		},
		Discovery: func(end vshard.DiscoveryEnd) {
			c.discoveries.WithLabelValues(telemetry.Result(end.Err)).Inc()
		},
		Configured: func(err error) {
			c.configs.WithLabelValues(telemetry.Result(err)).Inc()
		},
	}
}

// ended counts a call or a Map.
func (c *RouterCollector) ended(ctx context.Context, mode string, took time.Duration, err error) {
	c.calls.WithLabelValues(mode, telemetry.CallOutcome(ctx, err)).Inc()
	c.duration.WithLabelValues(mode).Observe(took.Seconds())
}

// Observe has the collector tell of what the router knows as well: buckets, replica
// sets, and the requests that calls took. Another router takes its place.
func (c *RouterCollector) Observe(r *vshard.Router) { c.router.Store(r) }

// Describe implements prometheus.Collector.
func (c *RouterCollector) Describe(out chan<- *prometheus.Desc) {
	c.calls.Describe(out)
	c.duration.Describe(out)
	c.discoveries.Describe(out)
	c.configs.Describe(out)
	for _, d := range []*prometheus.Desc{c.requests, c.retries, c.unknown, c.buckets, c.instances} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *RouterCollector) Collect(out chan<- prometheus.Metric) {
	c.calls.Collect(out)
	c.duration.Collect(out)
	c.discoveries.Collect(out)
	c.configs.Collect(out)
	r := c.router.Load()
	if r == nil {
		return
	}
	info := r.Info()
	send(out, c.requests, prometheus.CounterValue, float64(info.Requests))
	send(out, c.retries, prometheus.CounterValue, float64(info.Again))
	send(out, c.unknown, prometheus.GaugeValue, float64(info.Unknown))
	for _, rs := range info.ReplicaSets {
		name := telemetry.ReplicaSetName(rs)
		send(out, c.buckets, prometheus.GaugeValue, float64(rs.Buckets), name)
		byRole := telemetry.OfReplicaSet(rs)
		for _, role := range telemetry.Roles {
			send(out, c.instances, prometheus.GaugeValue, float64(byRole[role]), name, role.String())
		}
	}
}
