package tntotel

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// instruments makes instruments, and keeps the errors of those that can't be made.
type instruments struct {
	metric.Meter
	errs []error
}

func (h *Hook) instruments() *instruments {
	return &instruments{Meter: h.opts.MeterProvider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))}
}

// note keeps an error.
func (i *instruments) note(err error) { i.errs = append(i.errs, err) }

// level returns an instrument that a number is read from that rises and falls.
func (i *instruments) level(name, unit, what string) metric.Int64ObservableUpDownCounter {
	of, err := i.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(what))
	i.note(err)
	return of
}

// total returns an instrument that a number is read from that only rises.
func (i *instruments) total(name, unit, what string) metric.Int64ObservableCounter {
	of, err := i.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(what))
	i.note(err)
	return of
}

// counter returns an instrument that is added to.
func (i *instruments) counter(name, unit, what string) metric.Int64Counter {
	of, err := i.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
	i.note(err)
	return of
}

// onCollect has a function be called when metrics are collected, until stop is
// called, if all instruments could be made.
func (i *instruments) onCollect(read metric.Callback, of ...metric.Observable) (stop func() error, err error) {
	if err := errors.Join(i.errs...); err != nil {
		return nil, err
	}
	registered, err := i.RegisterCallback(read, of...)
	if err != nil {
		return nil, err
	}
	return registered.Unregister, nil
}
