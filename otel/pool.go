package tntotel

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/gotnt/tnt/internal/telemetry"
	"github.com/gotnt/tnt/pool"
)

// ofRole names the role of instances.
const ofRole = attribute.Key("tnt.pool.role")

// ObservePool exports the metrics of a pool under a name, until stop is called. What
// it reads of the pool costs requests nothing. The error is one of the MeterProvider's.
func (h *Hook) ObservePool(name string, p *pool.Pool) (stop func() error, err error) {
	i := h.instruments()
	instances := i.level("tnt.pool.instances", "{instance}", "Instances of the pool, by role.")
	changes := i.total("tnt.pool.role_changes", "{change}", "How often an instance came to have the role.")
	waiting := i.level("tnt.pool.waiting", "{request}", "Requests that wait for an instance that fits.")
	waits := i.total("tnt.pool.waits", "{wait}", "Waits for an instance that have ended.")
	waitTime, err := i.Float64ObservableCounter("tnt.pool.wait_time", metric.WithUnit("s"),
		metric.WithDescription("Time of all waits for an instance together."))
	i.note(err)
	unserved := i.total("tnt.pool.unserved", "{request}", "Requests that failed because no instance fitted.")
	retries := i.total("tnt.pool.retries", "{request}", "Requests that were done again.")
	with := h.named(semconv.DBClientConnectionPoolName(name))
	return i.onCollect(func(_ context.Context, o metric.Observer) error {
		byRole, stats := telemetry.ByRole(p.Status()), p.Stats()
		for _, role := range telemetry.Roles {
			of := with.option(ofRole.String(role.String()))
			o.ObserveInt64(instances, int64(byRole[role]), of)
			o.ObserveInt64(changes, count(stats.RoleChanges[role]), of)
		}
		o.ObserveInt64(waiting, int64(stats.Waiting), with.option())
		o.ObserveInt64(waits, count(stats.Waits), with.option())
		o.ObserveFloat64(waitTime, stats.WaitTime.Seconds(), with.option())
		o.ObserveInt64(unserved, count(stats.Unserved), with.option())
		o.ObserveInt64(retries, count(stats.Retries), with.option())
		return nil
	}, instances, changes, waiting, waits, waitTime, unserved, retries)
}

// attributes are those of all that is exported of something.
type attributes []attribute.KeyValue

// named returns the attributes of something that has a name.
func (h *Hook) named(name attribute.KeyValue) attributes {
	return slices.Concat(h.opts.Attributes, attributes{semconv.DBSystemNameKey.String("tarantool"), name})
}

// of returns them with more, in a slice of its own.
func (a attributes) of(more ...attribute.KeyValue) []attribute.KeyValue {
	return slices.Concat(a, more)
}

// option returns them with more, for a measurement.
func (a attributes) option(more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(a.of(more...)...))
}
