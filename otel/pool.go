package tntotel

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// PoolState is what a pool says of itself at a moment.
type PoolState struct {
	Instances []PoolInstance
	Waiting   int    // requests that wait now for an instance that may do them
	Waits     uint64 // requests that had to wait, ever
}

// PoolInstance is an instance of a pool.
type PoolInstance struct {
	Address   string // host:port, or the path of a unix socket
	Role      string // such as "rw", "ro" and "unknown"; a few words only
	Connected bool
}

// ObservePool exports the metrics of a pool under a name, until stop is called.
// state is asked whenever metrics are collected, must not wait, and is called by
// any goroutine. The error is one of the MeterProvider's.
func (h *Hook) ObservePool(name string, state func() PoolState) (stop func() error, err error) {
	meter := h.opts.MeterProvider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))
	instances, err := meter.Int64ObservableUpDownCounter("tnt.pool.instances", metric.WithUnit("{instance}"),
		metric.WithDescription("Instances of the pool, by role."))
	if err != nil {
		return nil, err
	}
	waiting, err := meter.Int64ObservableUpDownCounter("tnt.pool.waiting", metric.WithUnit("{request}"),
		metric.WithDescription("Requests that wait for an instance that may do them."))
	if err != nil {
		return nil, err
	}
	waits, err := meter.Int64ObservableCounter("tnt.pool.waits", metric.WithUnit("{request}"),
		metric.WithDescription("Requests that had to wait for an instance that may do them."))
	if err != nil {
		return nil, err
	}
	with := func(more ...attribute.KeyValue) metric.MeasurementOption {
		common := []attribute.KeyValue{semconv.DBSystemNameKey.String("tarantool"), semconv.DBClientConnectionPoolName(name)}
		return metric.WithAttributeSet(attribute.NewSet(slices.Concat(h.opts.Attributes, common, more)...))
	}
	read, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		now := state()
		o.ObserveInt64(waiting, int64(now.Waiting), with())
		o.ObserveInt64(waits, count(now.Waits), with())
		type group struct {
			role      string
			connected bool
		}
		groups := map[group]int64{}
		for _, i := range now.Instances {
			groups[group{i.Role, i.Connected}]++
		}
		for g, n := range groups {
			o.ObserveInt64(instances, n, with(attribute.String("tnt.pool.role", g.role), attribute.Bool("tnt.pool.connected", g.connected)))
		}
		return nil
	}, instances, waiting, waits)
	if err != nil {
		return nil, err
	}
	return read.Unregister, nil
}
