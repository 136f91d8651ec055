package tnt

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Connect connects to a server by a URL or an address; ParseURL tells the
// forms. For how long it tries see Conn.Connect.
func Connect(ctx context.Context, url string) (*Conn, error) {
	opts, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	return ConnectOptions(ctx, opts)
}

// ConnectOptions connects to a server. For how long it tries see Conn.Connect.
func ConnectOptions(ctx context.Context, opts Options) (*Conn, error) {
	c, err := New(opts)
	if err != nil {
		return nil, err
	}
	if err := c.Connect(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// Connect connects, and returns when the connection is ready. It tries until
// ctx ends; with Options.ConnectOnce, or with ReconnectInterval Never, it
// returns the first attempt's error. What trying again will not change it returns
// at once: wrong credentials, a session setting that the server lacks, a
// certificate that does not verify, a peer that is not Tarantool, a schema larger
// than Options.MaxFrame. A server that is still starting is waited for in any
// case, up to ConnectTimeout. On a connection that is up it does nothing, and for
// one that is being restored it waits. Of several Connects at once, all share the
// attempts.
func (c *Conn) Connect(ctx context.Context) error {
	c.mu.Lock()
	r := c.run
	if r != nil && r.ctx.Err() != nil { // being disconnected: let that end
		c.mu.Unlock()
		select {
		case <-r.done:
			return c.Connect(ctx)
		case <-ctx.Done():
			return connectError(c, context.Cause(ctx))
		}
	}
	if r == nil {
		r = c.start()
	}
	if r.decided {
		c.mu.Unlock()
		return c.restored(ctx, r)
	}
	r.waiters++
	c.mu.Unlock()

	select {
	case <-r.ready:
		if r.err != nil {
			return connectError(c, r.err)
		}
		return nil
	case <-ctx.Done():
		return c.giveUp(ctx, r)
	}
}

// Start has the connection connect, and returns at once: requests fail as not
// connected until it is up, or wait for it with Options.WaitConnected. Unlike
// Connect it goes on after failures that trying again will not change, until the
// connection is closed. On a connection that is connecting or up already it makes
// sure of that alone.
func (c *Conn) Start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.run
	switch {
	case r == nil:
		c.start().keep = true
	case r.ctx.Err() == nil:
		r.keep = true
	default: // being disconnected
		c.startAgain = true
	}
}

// giveUp ends a Connect's wait for a run's first success, and the run where
// nobody else wants it.
func (c *Conn) giveUp(ctx context.Context, r *run) error {
	c.mu.Lock()
	r.waiters--
	last, decided := c.last, r.decided
	abandoned := r.waiters == 0 && !decided && !r.keep
	if abandoned {
		r.cancel(fmt.Errorf("%w: %w", errGaveUp, context.Cause(ctx))) // under mu: nobody is to join a run that is ending
	}
	c.mu.Unlock()
	switch {
	case decided && r.err == nil:
		return nil // it came up at this very moment
	case abandoned:
		r.waitForEnd()
		c.mu.Lock()
		last = c.last // with what the attempt that was cut off had come to
		c.mu.Unlock()
	}
	return connectError(c, endOfWait(ctx, last))
}

// endOfWait returns why a wait for a connection ended, with the failure of the
// last attempt.
func endOfWait(ctx context.Context, last error) error {
	switch cause := context.Cause(ctx); {
	case last == nil:
		return cause
	case errors.Is(last, errGaveUp) && errors.Is(last, cause):
		return last
	default:
		return fmt.Errorf("%w; the last attempt: %w", cause, last)
	}
}

// givenUpMost is how long Connect waits beyond its context for its attempt to
// end.
const givenUpMost = 100 * time.Millisecond

// waitForEnd waits until a run that was cancelled has ended: at once, as its
// network calls end with its context. Only a user's AfterConnect may ignore that,
// and then the next Connect waits for it.
func (r *run) waitForEnd() {
	timer := time.NewTimer(givenUpMost)
	defer timer.Stop()
	select {
	case <-r.done:
	case <-timer.C:
	}
}

// restored waits for a connection whose first attempt has been decided, and that
// may be lost.
func (c *Conn) restored(ctx context.Context, r *run) error {
	for {
		c.mu.Lock()
		up, now, last, changed := c.up.Load() != nil, c.run, c.last, c.changed
		hopeless := r.err != nil && !r.wasUp // Start goes on, though trying again will not help
		c.mu.Unlock()
		switch {
		case up:
			return nil
		case hopeless && now == r:
			return connectError(c, last)
		case now != r && r.ctx.Err() == nil: // the run has ended by itself
			return c.Connect(ctx)
		case now != r:
			return connectError(c, context.Cause(r.ctx))
		case c.opts.ConnectOnce && !errors.Is(last, errReconnect): // that attempt is yet to come
			return connectError(c, &notConnectedError{cause: last})
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return connectError(c, endOfWait(ctx, last))
		}
	}
}

// start begins a run. mu is held.
func (c *Conn) start() *run {
	r := &run{
		conn:  c,
		ready: make(chan struct{}),
		done:  make(chan struct{}),
		stale: make(chan struct{}, 1),
		kick:  make(chan struct{}, 1),
	}
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	c.run = r
	c.last = errConnecting
	go r.supervise()
	return r
}

// Disconnect ends the connection from whatever state it is in, and returns
// when that is done or ctx ends; the end goes on then. Requests in flight fail
// with ErrClosed, and so do those that come later. It may be called again, and
// Connect afterwards.
func (c *Conn) Disconnect(ctx context.Context) error {
	r := c.stop()
	if r == nil {
		return nil
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close is Disconnect that doesn't wait for the end: once it returns no request
// can be sent, and IsConnected is false. It always returns nil.
func (c *Conn) Close() error {
	c.stop()
	return nil
}

// stop makes the connection unusable, and has its run end.
func (c *Conn) stop() *run {
	c.mu.Lock()
	r := c.run
	if r != nil {
		r.cancel(ErrClosed)
	} else {
		c.watchers.end(&notConnectedError{cause: ErrClosed})
	}
	l := c.takeUp()
	c.last, c.startAgain = ErrClosed, false
	c.announce()
	c.mu.Unlock()
	if l != nil {
		l.session.Fail(ErrClosed)
	}
	return r
}

// takeUp takes the session from the connection, and returns it, or the one that was
// taken before and still has requests in flight; nil where there is none. mu is held.
func (c *Conn) takeUp() *live {
	l := c.up.Swap(nil)
	if l == nil && c.run != nil {
		l = c.run.served
	}
	return l
}

// CloseGraceful ends the connection after the requests in flight have their
// answers. New ones fail with ErrClosed at once, with Options.WaitConnected
// too. Where ctx ends first the rest fails as well, and the error is the
// context's cause.
func (c *Conn) CloseGraceful(ctx context.Context) error {
	c.mu.Lock()
	if c.run != nil {
		c.run.leaving = true
	}
	l := c.takeUp()
	c.last = ErrClosed
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

var errReconnect = errors.New("the connection is made anew, as it was asked to")

// Reconnect gives up the present session, whose requests in flight fail as lost,
// and connects again, or for the first time. That ctx ends ends the wait alone: the
// connection goes on trying. Watchers stay.
func (c *Conn) Reconnect(ctx context.Context) error {
	c.Start()
	c.Drop(errReconnect)
	return c.Connect(ctx)
}

var errDropped = errors.New("the session was dropped")

// Drop gives up the present session and has the connection dial again at once:
// for a server that is known to be no longer the right one, or to hang. Requests
// in flight fail as lost, because of cause, which may be nil. When it returns no
// request can be sent on that session. Where there is none it ends a pause between
// attempts.
func (c *Conn) Drop(cause error) {
	if cause == nil {
		cause = errDropped
	}
	c.mu.Lock()
	l, r := c.up.Swap(nil), c.run
	switch {
	case l != nil:
		c.last = cause
		c.announce()
	case r != nil && !r.isLeaving(): // the server has announced its shutdown
		l = r.served
	}
	if r != nil { // under the lock, or a session that comes up now would keep it for its own loss
		select {
		case r.kick <- struct{}{}:
		default: // it is about to dial anyway
		}
	}
	c.mu.Unlock()
	if l != nil {
		l.session.Fail(cause)
	}
}

// connectError gives an error of Connect its words.
func connectError(c *Conn, err error) error {
	return fmt.Errorf("tnt: cannot connect to %s: %w", c.opts.String(), err)
}
