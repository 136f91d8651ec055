package tnt

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// run is the time from a Connect to its Disconnect. Its goroutine, the
// supervisor, is the only one that dials and publishes sessions.
type run struct {
	conn   *Conn
	ctx    context.Context
	cancel context.CancelCauseFunc

	keep    bool          // it goes on though nobody waits: Start; under Conn.mu
	leaving bool          // CloseGraceful has begun: nobody is to wait for a session; under Conn.mu
	waiters int           // Connects that wait for the first success; under Conn.mu
	ready   chan struct{} // closed when the first attempt has been decided
	decided bool          // ready is closed; under Conn.mu
	err     error         // why it failed; set before ready is closed
	wasUp   bool          // a session came up; under Conn.mu
	served  *live         // the session that came up last, until it is dead; under Conn.mu
	done    chan struct{} // closed when the supervisor has ended

	stale chan struct{} // the reader saw another schema version
	kick  chan struct{} // a pause between attempts is to end
}

// isLeaving reports whether no session is to come any more. Conn.mu is held.
func (r *run) isLeaving() bool { return r.leaving || r.ctx.Err() != nil }

var (
	errConnecting = errors.New("the first attempt to connect has not ended yet")
	errGaveUp     = errors.New("Connect was given up")
)

// supervise connects, serves and connects again until it is told to end, or,
// without reconnecting, until the first loss. The first attempt after a loss is
// made at once, unless the session had just come up.
func (r *run) supervise() {
	c := r.conn
	pause := backoff{min: c.opts.ReconnectInterval, max: c.opts.MaxReconnectInterval}
	for first := true; ; {
		c.setState(Connecting, nil)
		l, attempt := r.connect()
		err := attempt.Err
		atOnce := false
		if err == nil {
			began := time.Now()
			if r.publish(l, !first) {
				err = r.serve(l)
			} else if err = context.Cause(r.ctx); err == nil { // CloseGraceful is about to end the run
				err = ErrClosed
			}
			first = false
			r.withdraw(l, err)
			if atOnce = time.Since(began) >= c.opts.ReconnectInterval; atOnce {
				pause.reset()
			}
		}
		switch {
		case r.ctx.Err() != nil:
			r.end(r.whyEnded(attempt.Err))
			return
		case r.fail(err, first, attempt.Permanent):
			r.end(err)
			return
		}
		c.setState(Reconnecting, err)
		if !atOnce && !r.pause(pause.next()) {
			r.end(context.Cause(r.ctx))
			return
		}
	}
}

// pause waits before the next attempt. It returns false where the run is to end.
func (r *run) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.kick:
	case <-r.ctx.Done():
		return false
	}
	return true
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

// publish makes a session the connection's, unless the run is to end.
func (r *run) publish(l *live, again bool) bool {
	c := r.conn
	c.mu.Lock()
	if r.isLeaving() {
		c.mu.Unlock()
		return false
	}
	c.up.Store(l)
	r.served = l
	c.last = nil
	r.wasUp = true
	select { // Drops of before are of other sessions
	case <-r.kick:
	default:
	}
	c.mu.Unlock()
	c.counts.begin(l.session, again)
	c.watchers.attach(r.ctx, l)
	c.setState(Connected, nil)
	c.mu.Lock()
	r.decide(nil)
	c.announce()
	c.mu.Unlock()
	return true
}

// withdraw takes a session from the connection and ends it.
func (r *run) withdraw(l *live, err error) {
	c := r.conn
	r.takeBack(l, err)
	l.session.Fail(err)
	l.session.Close()
	c.counts.end(l.session)
	c.mu.Lock()
	r.served = nil
	c.mu.Unlock()
}

// takeBack takes a session from the connection, for new requests.
func (r *run) takeBack(l *live, err error) {
	c := r.conn
	c.watchers.detach()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up.CompareAndSwap(l, nil)
	if !r.isLeaving() {
		c.last = err
	}
	c.announce()
}

// fail records why an attempt failed, or a session was lost, and reports whether
// the run is to end with that.
func (r *run) fail(err error, first, permanent bool) (over bool) {
	c := r.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if !r.isLeaving() {
		c.last = err
		c.announce()
	}
	switch {
	case c.opts.ReconnectInterval == Never:
		return true
	case !first, !permanent && !c.opts.ConnectOnce:
		return false
	case r.keep:
		r.decide(err)
		return false
	}
	return true
}

// decide tells the Connects that wait what has become of them. Conn.mu is
// held.
func (r *run) decide(err error) {
	if !r.decided {
		r.decided, r.err = true, err
		close(r.ready)
	}
}

// whyEnded returns why a run ends that was told to, with what the attempt had come
// to that was cut off, also in a pause of its own.
func (r *run) whyEnded(attempt error) error {
	cause := context.Cause(r.ctx)
	switch {
	case errors.Is(attempt, errGaveUp):
		return attempt
	case errors.Is(cause, errGaveUp) && attempt != nil:
		return fmt.Errorf("%w; the last attempt: %w", cause, attempt)
	}
	return cause
}

// end is the supervisor's last act.
func (r *run) end(err error) {
	c := r.conn
	c.setState(Disconnecting, err)
	c.setState(Disconnected, err)
	c.mu.Lock()
	c.run = nil
	c.watchers.end(&notConnectedError{cause: err})
	if errors.Is(err, errGaveUp) && !errors.Is(c.last, errConnecting) {
		err = fmt.Errorf("%w; the last attempt: %w", context.Cause(r.ctx), c.last)
	}
	c.last = err
	r.decide(err)
	if c.startAgain {
		c.startAgain = false
		c.start().keep = true
	}
	c.announce()
	c.mu.Unlock()
	close(r.done)
}

// serve keeps a session until it is lost or the run ends.
func (r *run) serve(l *live) error {
	c := r.conn
	p := pinger{due: time.Now().Add(c.opts.PingInterval)}
	timer := time.NewTimer(c.opts.PingInterval)
	defer timer.Stop()
	tick := timer.C
	if c.opts.PingInterval == Never {
		tick = nil
	}
	for {
		select {
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		case <-l.session.Dead():
			return l.session.Err()
		case <-l.shutdown:
			return r.leaveGracefully(l)
		case <-r.stale:
			c.refetchInBackground(l)
		case <-tick:
			if !p.tick(c, l) {
				return errSilent
			}
			timer.Reset(time.Until(p.next(c)))
		}
	}
}

var errSilent = errors.New("the server is silent: a ping has no answer, and no bytes come or go")

// pinger sends the connection's own pings.
type pinger struct {
	due   time.Time // when the next ping is, where this one has its answer by then
	ping  *Future
	begun time.Time // when it was sent
	told  bool      // hooks know that it is overdue

	mark  uint64    // bytes handed over to be written, the ping's included
	moved uint64    // bytes, when something moved last
	since time.Time // when that was
}

// waits reports whether a ping is on its way.
func (p *pinger) waits() bool { return p.ping != nil && !p.ping.finished() }

// tick pings, where a ping is due and none is on its way. It returns false where the
// server has been silent for too long.
func (p *pinger) tick(c *Conn, l *live) bool {
	now := time.Now()
	waits := p.waits()
	if waits {
		if moved := l.session.MovedUpTo(p.mark); moved > p.moved {
			p.moved, p.since = moved, now
		}
		if most := c.opts.DeadAfter; most != Never && now.Sub(p.since) >= most {
			return false
		}
	}
	if now.Before(p.due) {
		return true
	}
	p.due = now.Add(c.opts.PingInterval)
	l.session.Trim()
	switch {
	case !waits:
		// A wait for room would keep the supervisor from seeing that the server
		// has stopped to read.
		p.ping = newFuture(nil, Route{conn: c, pin: &pin{live: l, lost: ErrSessionLost}}, Ping{})
		p.ping.sendAtOnce(l)
		p.begun, p.told = now, false
		p.mark = l.session.Appended()
		p.moved, p.since = l.session.MovedUpTo(p.mark), now
	case !p.told:
		p.told = true
		c.hooks.onPingOverdue(c, now.Sub(p.begun))
	}
	return true
}

// next returns when to look again: when a ping is due, or the server may have been
// silent for too long.
func (p *pinger) next(c *Conn) time.Time {
	if most := c.opts.DeadAfter; most != Never && p.waits() {
		if end := p.since.Add(most); end.Before(p.due) {
			return end
		}
	}
	return p.due
}

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
	r.takeBack(l, errShutdown)
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
