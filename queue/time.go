package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/gotnt/tnt"
)

// untilKey is the key, in the context of a call, of until when the call looks for a
// master.
type untilKey struct{}

// call returns the context of a call that begins now and, beyond what calls may take,
// is to wait for so long on the server. It is that of all its requests, and of those
// of a call inside of it: their time counts from here.
func (c *Client) call(ctx context.Context, wait time.Duration) (context.Context, context.CancelFunc) {
	if _, inside := ctx.Value(untilKey{}).(time.Time); inside {
		return ctx, func() {}
	}
	_, bounded := ctx.Deadline()
	ctx = context.WithValue(ctx, untilKey{}, time.Now().Add(c.opts.MaxWait+wait))
	c.mu.Lock()
	most := c.timeout
	c.mu.Unlock()
	if bounded || most <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, most+wait, tnt.ErrTimeout)
}

// until returns until when a master is looked for.
func (c *Client) until(ctx context.Context) time.Time {
	if until, ok := ctx.Value(untilKey{}).(time.Time); ok {
		return until
	}
	return time.Now().Add(c.opts.MaxWait)
}

// notFound is the error of a call that found no other master, after an attempt that was
// lost, if any was. That comes first: what it has done is not known.
func notFound(err, lost error) error {
	if lost == nil {
		return err
	}
	return fmt.Errorf("%w; after that: %w", lost, err)
}
