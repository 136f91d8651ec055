package tnt

import (
	"context"
	"time"
)

// beganKey is the key, in the context that a call does its requests with, of when
// that call began: Options.RequestTimeout, and what an Executor waits for at the most,
// count from there, however many requests it takes.
type beganKey struct{}

// startedAt returns the context for the requests of a call that began then.
func startedAt(ctx context.Context, began time.Time) context.Context {
	if _, nested := ctx.Value(beganKey{}).(time.Time); nested {
		return ctx
	}
	return context.WithValue(ctx, beganKey{}, began)
}

// beganAt returns when the call began that a request of ctx is part of: now, where it
// is a call by itself.
func beganAt(ctx context.Context) time.Time {
	if first, ok := ctx.Value(beganKey{}).(time.Time); ok {
		return first
	}
	return time.Now()
}

// deadline returns when a call that began then has to be over by the options,
// where ctx has no deadline of its own; zero for never. It bounds the whole call,
// whatever that waits for.
func (c *Conn) deadline(ctx context.Context, began time.Time) time.Time {
	if c.opts.RequestTimeout <= 0 {
		return time.Time{}
	}
	if _, ok := ctx.Deadline(); ok {
		return time.Time{}
	}
	return began.Add(c.opts.RequestTimeout)
}

// deadlineFor is deadline of what begins now, unless ctx is that of a call that began
// before. c may be nil.
func (c *Conn) deadlineFor(ctx context.Context) time.Time {
	if c == nil || c.opts.RequestTimeout <= 0 {
		return time.Time{}
	}
	return c.deadline(ctx, beganAt(ctx))
}

// isOver reports whether a deadline has passed; a zero one never does.
func isOver(deadline time.Time) bool {
	return !deadline.IsZero() && !time.Now().Before(deadline)
}
