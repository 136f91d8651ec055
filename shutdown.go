package tnt

import (
	"context"
	"errors"
	"fmt"
)

// shutdownKey is the key whose value true announces that a server shuts down
// (2.10 and later): it waits, up to its on_shutdown timeout, for clients to
// finish and go.
const shutdownKey = "box.shutdown"

// errShutdown is why a session ends that the server announced the end of.
var errShutdown = errors.New("the server is shutting down")

// leaveGracefully lets the requests in flight finish on a session whose server
// is shutting down, while new ones find no session. The server is told by the
// end of the connection.
func (r *run) leaveGracefully(l *live) error {
	r.conn.shutdown.Store(!r.conn.opts.ShutdownFailFast)
	r.withdraw(errShutdown)
	ctx := r.ctx
	if most := r.conn.opts.DeadAfter; most != Never { // a server that vanished meanwhile answers nothing
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, most)
		defer cancel()
	}
	if err := l.session.WaitIdle(ctx); err != nil {
		return fmt.Errorf("%w: %w", errShutdown, err)
	}
	return errShutdown
}

// CloseGraceful ends the connection after the requests in flight have their
// answers. New ones fail as not connected at once, with Options.WaitConnected
// too. Where ctx ends first the rest fails as well, and the error is the
// context's cause.
func (c *Conn) CloseGraceful(ctx context.Context) error {
	c.mu.Lock()
	if c.run != nil {
		c.run.leaving = true
	}
	l := c.up.Swap(nil)
	c.last = errDisconnected
	c.announce()
	c.mu.Unlock()
	var waited error
	if l != nil {
		if waited = l.session.WaitIdle(ctx); ctx.Err() == nil {
			waited = nil // the session died, and with it what was in flight
		}
	}
	if err := c.Disconnect(ctx); err != nil {
		return err
	}
	return waited
}
