package tnt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gotnt/tnt/schema"
)

// run is the time from a Connect to its Disconnect. Its goroutine, the
// supervisor, is the only one that dials, publishes sessions and takes them
// back.
type run struct {
	conn   *Conn
	ctx    context.Context
	cancel context.CancelCauseFunc

	leaving bool          // CloseGraceful has begun: nobody is to wait for a session; under Conn.mu
	waiters int           // Connects that wait for the first success; under Conn.mu
	ready   chan struct{} // closed when the first attempt has been decided
	decided bool          // ready is closed; under Conn.mu
	err     error         // why it failed; set before ready is closed
	done    chan struct{} // closed when the supervisor has ended

	refetch chan refetch  // requests for the schema
	stale   chan struct{} // the reader saw another schema version
}

var (
	errDisconnected error = &notConnectedError{cause: errors.New("disconnected")}
	errGaveUp       error = &notConnectedError{cause: errors.New("nobody waits for the connection any more")}
)

// isGivenUp tells whether a connection ended for nobody wants it any more.
func isGivenUp(err error) bool {
	return errors.Is(err, errDisconnected) || errors.Is(err, errGaveUp)
}

// Connect connects, and returns when the connection is ready. It tries until
// ctx ends; with Options.ConnectOnce, or with ReconnectInterval Never, it
// returns the first attempt's error. A server that is still starting is
// waited for in any case, up to ConnectTimeout. On a connection that is up it
// does nothing, and for one that is being restored it waits. Of several
// Connects at once, all share the attempts.
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

// giveUp ends a Connect's wait for a run's first success, and the run where
// nobody else waits.
func (c *Conn) giveUp(ctx context.Context, r *run) error {
	c.mu.Lock()
	r.waiters--
	last, decided := c.last, r.decided
	abandoned := r.waiters == 0 && !decided
	if abandoned {
		r.cancel(errGaveUp) // under mu: nobody is to join a run that is ending
	}
	c.mu.Unlock()
	switch {
	case decided && r.err == nil:
		return nil // it came up at this very moment
	case abandoned:
		r.waitForEnd()
	}
	return connectError(c, endOfWait(ctx, last))
}

// endOfWait tells why a wait for a connection ended, and of the last attempt.
func endOfWait(ctx context.Context, last error) error {
	if last == nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w; the last attempt: %w", context.Cause(ctx), last)
}

// givenUpMost is how long Connect waits beyond its context for its attempt to
// end.
const givenUpMost = 100 * time.Millisecond

// waitForEnd waits until a run that was cancelled has ended: at once, as its
// network calls end with its context. Only a Dialer may ignore that, and then
// the next Connect waits for it.
func (r *run) waitForEnd() {
	timer := time.NewTimer(givenUpMost)
	defer timer.Stop()
	select {
	case <-r.done:
	case <-timer.C:
	}
}

// restored waits for a connection that was up once and may be lost.
func (c *Conn) restored(ctx context.Context, r *run) error {
	for {
		c.mu.Lock()
		up, now, last, changed := c.up.Load() != nil, c.run, c.last, c.changed
		c.mu.Unlock()
		switch {
		case up:
			return nil
		case now != r && r.ctx.Err() == nil: // the run has ended by itself
			return c.Connect(ctx)
		case now != r:
			return connectError(c, context.Cause(r.ctx))
		case c.opts.ConnectOnce:
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
	c.shutdown.Store(false) // that was another run's server
	r := &run{
		conn:    c,
		ready:   make(chan struct{}),
		done:    make(chan struct{}),
		refetch: make(chan refetch),
		stale:   make(chan struct{}, 1),
	}
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	c.run = r
	c.last = nil
	go r.supervise()
	return r
}

// Disconnect ends the connection from whatever state it is in, and returns
// when that is done or ctx ends; the end goes on then. Requests in flight fail
// as not connected. It may be called again, and Connect afterwards.
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

// Close is Disconnect that doesn't wait. It always returns nil.
func (c *Conn) Close() error {
	c.stop()
	return nil
}

func (c *Conn) stop() *run {
	c.mu.Lock()
	r := c.run
	c.mu.Unlock()
	if r != nil {
		r.cancel(errDisconnected)
	}
	return r
}

// Reconnect disconnects and connects again.
func (c *Conn) Reconnect(ctx context.Context) error {
	if err := c.Disconnect(ctx); err != nil {
		return err
	}
	return c.Connect(ctx)
}

// supervise connects, serves and connects again until it is told to end, or,
// without reconnecting, until the first loss.
func (r *run) supervise() {
	c := r.conn
	for first := true; ; {
		c.setState(Connecting, nil)
		l, err := r.connect()
		if err == nil {
			first = false
			r.publish(l)
			err = r.serve(l)
			r.withdraw(err)
			l.session.Fail(err)
			l.session.Close()
		}
		if r.ctx.Err() != nil {
			r.end(context.Cause(r.ctx))
			return
		}
		r.fail(err)
		if c.opts.ReconnectInterval == Never || first && c.opts.ConnectOnce {
			r.end(err)
			return
		}
		c.setState(Reconnecting, err)
		if !sleep(r.ctx, c.opts.ReconnectInterval) {
			r.end(context.Cause(r.ctx))
			return
		}
	}
}

// connect makes one attempt to connect.
func (r *run) connect() (*live, error) {
	c := r.conn
	attempt := ConnectAttempt{}
	begin := time.Now()
	l, err := c.dial(r)
	if err == nil {
		attempt.Version = l.greeting.Version
	}
	attempt.Duration, attempt.Err = time.Since(begin), err
	c.hooks.onConnect(c, attempt)
	return l, err
}

// sleep waits, and returns false where ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// publish makes a session the connection's.
func (r *run) publish(l *live) {
	c := r.conn
	c.up.Store(l)
	c.shutdown.Store(false)
	c.watchers.attach(l)
	c.setState(Connected, nil)
	c.mu.Lock()
	c.last = nil
	r.decide(nil)
	c.announce()
	c.mu.Unlock()
}

// withdraw takes a lost session from the connection.
func (r *run) withdraw(err error) {
	r.conn.watchers.detach()
	r.conn.mu.Lock()
	r.conn.up.Store(nil)
	r.conn.last = err
	r.conn.announce()
	r.conn.mu.Unlock()
}

// fail records why an attempt failed.
func (r *run) fail(err error) {
	r.conn.mu.Lock()
	r.conn.last = err
	r.conn.mu.Unlock()
}

// decide tells the Connects that wait what has become of them. Conn.mu is
// held.
func (r *run) decide(err error) {
	if !r.decided {
		r.decided, r.err = true, err
		close(r.ready)
	}
}

// end is the supervisor's last act.
func (r *run) end(err error) {
	c := r.conn
	c.setState(Disconnecting, err)
	c.setState(Disconnected, err)
	c.mu.Lock()
	c.run = nil
	c.watchers.end(&notConnectedError{cause: err})
	c.last = err
	if isGivenUp(err) {
		c.last = nil
	}
	r.decide(err)
	c.announce()
	c.mu.Unlock()
	close(r.done)
}

// serve keeps a session until it is lost or the run ends.
func (r *run) serve(l *live) error {
	c := r.conn
	var tick <-chan time.Time
	if c.opts.PingInterval != Never {
		ticker := time.NewTicker(c.opts.PingInterval)
		defer ticker.Stop()
		tick = ticker.C
	}
	var ping *Future
	var quiet quietness
	for {
		select {
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		case <-l.session.Dead():
			return l.session.Err()
		case <-l.shutdown:
			return r.leaveGracefully(l)
		case <-r.stale:
			r.update(l)
		case req := <-r.refetch:
			req.answer <- r.refetchFor(l, req.used)
		case <-tick:
			l.session.Trim()
			if ping == nil || ping.finished() {
				// A wait for room would keep the supervisor from seeing that the
				// server has stopped to read.
				ping = newFuture(c, Ping{})
				c.sendOn(r.ctx, l, 0, ping, atOnce)
				quiet = quietness{moved: l.session.Moved(), since: time.Now()}
				continue
			}
			if c.opts.DeadAfter != Never && quiet.longerThan(c.opts.DeadAfter, l.session.Moved()) {
				return errSilent
			}
		}
	}
}

var errSilent = errors.New("the server is silent: a ping has no answer, and nothing else comes")

// quietness is since when nothing was received or sent.
type quietness struct {
	moved uint64
	since time.Time
}

func (q *quietness) longerThan(most time.Duration, moved uint64) bool {
	if moved != q.moved {
		q.moved, q.since = moved, time.Now()
	}
	return time.Since(q.since) >= most
}

// update fetches the schema where the one at hand is old. A failure shows at
// the next request that needs it.
func (r *run) update(l *live) {
	if s := l.env.Load().schema; s != nil && s.Version == l.session.SchemaVersion() {
		return
	}
	_ = r.fetchSchema(l) // hooks are told
}

// refetch asks the supervisor for a schema.
type refetch struct {
	used   *schema.Schema // which turned out to be old; nil where a fetch is wanted in any case
	answer chan error     // has room for the answer
}

// refetchFor fetches the schema, unless somebody with the same old one has
// made it new already: after a change all requests in flight come here.
func (r *run) refetchFor(l *live, used *schema.Schema) error {
	if s := l.env.Load().schema; used != nil && s != used && s.Version == l.session.SchemaVersion() {
		return nil
	}
	return r.fetchSchema(l)
}

// fetchSchema fetches the schema and makes it the session's.
func (r *run) fetchSchema(l *live) error {
	ctx, cancel := r.conn.connectContext(r.ctx)
	defer cancel()
	if most := r.conn.opts.DeadAfter; r.conn.opts.ConnectTimeout == Never && most != Never {
		// Nobody looks for the answer to a ping meanwhile.
		ctx, cancel = context.WithTimeoutCause(ctx, most, errSilent)
		defer cancel()
	}
	s, err := fetchSchema(ctx, func(ctx context.Context, req Request) (Response, error) {
		return r.conn.send(ctx, l, req).Wait(ctx)
	})
	if err == nil {
		l.setSchema(s)
	}
	r.conn.hooks.onSchema(r.conn, s, err)
	return err
}

// RefetchSchema fetches the schema and returns when it is there.
func (c *Conn) RefetchSchema(ctx context.Context) error { return c.refetchSchema(ctx, nil) }

func (c *Conn) refetchSchema(ctx context.Context, used *schema.Schema) error {
	l, err := c.current(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	r := c.run
	c.mu.Unlock()
	if r == nil {
		return &notConnectedError{}
	}
	answer := make(chan error, 1)
	select {
	case r.refetch <- refetch{used: used, answer: answer}:
	case <-l.session.Dead():
		return &notConnectedError{cause: l.session.Err()}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
