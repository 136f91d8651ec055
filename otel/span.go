package tntotel

import (
	"context"
	"errors"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/telemetry"
)

// spanContext is the context that a request goes on with. It has the hook for a
// key, so that the end of the request finds the hook's own span whatever other hooks
// have put into the context after it.
type spanContext struct {
	context.Context     //nolint:containedctx // it is one
	hook            any // a *Hook or a *RouterHook
	span            trace.Span
}

// spanOf returns a hook's span, nil where the context is not one of its own.
func spanOf(ctx context.Context, hook any) trace.Span {
	if c, ok := ctx.Value(hook).(*spanContext); ok {
		return c.span
	}
	return nil
}

// Value implements context.Context.
func (c *spanContext) Value(key any) any {
	if key == c.hook {
		return c
	}
	return c.Context.Value(key)
}

// OnRequestStart implements tnt.RequestStartHook: it starts the span.
func (h *Hook) OnRequestStart(ctx context.Context, c *tnt.Conn, req tnt.RequestInfo) context.Context {
	d, _ := h.describe(c, req)
	options := d.start
	if of := h.ofRequest(req); len(of) > 0 {
		options = append(options[:len(options):len(options)], trace.WithAttributes(of...))
	}
	ctx, span := h.tracer.Start(ctx, d.name, options...)
	return &spanContext{ctx, h, span}
}

// ofRequest returns the attributes that a request has beside those of its kind.
func (h *Hook) ofRequest(req tnt.RequestInfo) (list []attribute.KeyValue) {
	if req.Size > 1 {
		list = append(list, semconv.DBOperationBatchSize(req.Size))
	}
	if req.Statement != "" && !h.opts.NoQueryText {
		list = append(list, semconv.DBQueryText(withoutLiterals(req.Statement)))
	}
	return list
}

// OnRequestEnd implements tnt.RequestEndHook: it ends the span and records the
// duration.
func (h *Hook) OnRequestEnd(ctx context.Context, c *tnt.Conn, req tnt.RequestInfo, end tnt.RequestEnd) {
	outcome := telemetry.Outcome(ctx, end.Err)
	h.recordDuration(ctx, c, req, end.Duration, outcome)
	span := spanOf(ctx, h)
	if span == nil {
		return
	}
	if span.IsRecording() {
		span.SetAttributes(h.ofEnd(end, outcome)...)
		h.setStatus(span, outcome, end.Err)
	}
	span.End()
}

// setStatus says that what a span is of has failed, if it has.
func (h *Hook) setStatus(span trace.Span, outcome string, err error) {
	if isFailure(outcome) {
		span.SetStatus(codes.Error, h.errorText(err))
	}
}

// isFailure reports whether a request that ended so has failed.
func isFailure(outcome string) bool { return outcome != telemetry.OK && outcome != telemetry.Left }

// ofEnd returns the attributes of how a request ended.
func (h *Hook) ofEnd(end tnt.RequestEnd, outcome string) []attribute.KeyValue {
	list := append(make([]attribute.KeyValue, 0, 3), semconv.DBResponseReturnedRows(end.Rows))
	if code, refused := telemetry.CodeOf(end.Err); refused {
		status := strconv.FormatUint(uint64(code), 10)
		if code.IsKnown() {
			status = code.String()
		}
		list = append(list, semconv.DBResponseStatusCode(status))
	}
	if isFailure(outcome) {
		list = append(list, semconv.ErrorTypeKey.String(outcome))
	}
	return list
}

// errorText returns what may be told of an error: nothing, unless asked for.
func (h *Hook) errorText(err error) string {
	if !h.opts.ErrorText {
		return ""
	}
	var re *tnt.RequestError
	if errors.As(err, &re) {
		return re.Err.Error() // without the request, which is in attributes, and whose statement may hold literals
	}
	return err.Error()
}
