package tnt

import (
	"context"
	"errors"
	"time"
)

// Executor is what requests can be done on: a Conn, a Stream, a Pinned, a pool,
// an Answer, or whatever of your own chooses a connection for each request. The
// package's functions (Do, One, All, Each, Scan, InTx and the others) work on all of
// them.
type Executor interface {
	// Route chooses the way for a request. It is asked again after a try that
	// failed without any effect, or whose effect does not matter, and may then
	// choose another connection, wait while ctx lasts, or return an error, usually
	// a.Err, which is then the request's. It is called by many goroutines at once.
	Route(ctx context.Context, a Attempt) (Route, error)
}

// Attempt is a try of a request that looks for a way.
type Attempt struct {
	// Request is what is to be done. Of a batch, Size is how many requests it has,
	// and the rest is that of the first.
	Request RequestInfo
	// Try is 1 at first.
	Try int
	// Began is when the caller asked for the request, or for what takes several of
	// them: what an Executor waits and tries again for is bounded by the time since.
	Began time.Time
	// Err is what the try before failed with, nil at first.
	Err error
	// Last is the way of the try before.
	Last Route
}

// FailureObserver is an Executor that learns from failures. A Stream or an
// Idempotent over it passes them on; a Pinned does not.
type FailureObserver interface {
	Executor
	// OnFailure is told of a try that failed with a.Err on the way a.Last, after
	// which Route is not asked for another one: the request, or the Wait for a Future,
	// has ended. It is called by many goroutines at once, before the caller has the
	// error, and must not block.
	OnFailure(ctx context.Context, a Attempt)
}

// observeFailure tells an Executor, if it wants to know, of a request that failed.
func observeFailure(ctx context.Context, ex Executor, a Attempt) {
	for {
		switch e := ex.(type) {
		case *Stream:
			ex = e.ex
		case idempotent:
			ex = e.ex
		case resumed:
			ex = e.ex
		case FailureObserver:
			e.OnFailure(ctx, a)
			return
		default:
			return
		}
	}
}

// Route is the way for one request: a connection and, of a Stream or a Pinned,
// its session. It is itself an Executor, which always goes that way. The zero
// Route is none, and an error where it is used.
type Route struct {
	conn       *Conn
	pin        *pin   // nil: whichever session is up
	stream     uint64 // 0: none
	answer     Answer // instead of a connection
	idempotent bool
	limit      time.Duration // of one try; 0: none
}

var errNoRoute = errors.New("the executor has chosen no connection: it returned the zero Route")

// Route implements Executor.
func (rt Route) Route(ctx context.Context, a Attempt) (Route, error) {
	switch {
	case rt.answer != nil:
		return rt, a.Err
	case rt.conn == nil:
		return rt, errNoRoute
	case a.Try > 1 && (rt.pin != nil || !rt.conn.triesAgain(ctx, a)):
		return rt, a.Err
	}
	return rt, nil
}

// Conn returns the connection, nil where there is none.
func (rt Route) Conn() *Conn { return rt.conn }

// Stream returns the number of the stream, 0 where there is none.
func (rt Route) Stream() uint64 { return rt.stream }

// Idempotent returns the same way for requests that may be done again though
// they may have been executed.
func (rt Route) Idempotent() Route {
	rt.idempotent = true
	return rt
}

// TryFor returns the same way for a try of a request that is to take d at the
// most. After that a read, or an Idempotent request, asks its Executor for another
// way; the error of any other is ErrTimeout. Where the request is one of Go or of a
// batch it has no effect.
func (rt Route) TryFor(d time.Duration) Route {
	rt.limit = d
	return rt
}

// Idempotent returns an Executor for requests that may be done again though they
// may have been executed, because doing them twice is as good as once: where their
// connection is lost in flight, ex is asked for another way. Reads (SELECT, PING,
// WATCH_ONCE) are taken for such in any case.
func Idempotent(ex Executor) Executor { return idempotent{ex} }

type idempotent struct{ ex Executor }

func (i idempotent) Route(ctx context.Context, a Attempt) (Route, error) {
	rt, err := i.ex.Route(ctx, a)
	return rt.Idempotent(), err
}

// Route implements Executor. After a try that failed it says, where
// Options.WaitConnected is set, that the request is to wait for the next session.
func (c *Conn) Route(ctx context.Context, a Attempt) (Route, error) {
	if a.Try > 1 && !c.triesAgain(ctx, a) {
		return Route{conn: c}, a.Err
	}
	return Route{conn: c}, nil
}

// triesAgain reports whether a request whose session was lost is to wait for
// another one: where one is to come.
func (c *Conn) triesAgain(ctx context.Context, a Attempt) bool {
	return c.opts.WaitConnected && ctx.Err() == nil && !errors.Is(a.Err, ErrClosed) &&
		(errors.Is(a.Err, ErrNotConnected) || errors.Is(a.Err, ErrConnectionLost)) && c.isWanted()
}

// isWanted reports whether the connection is up, or to come up by itself.
func (c *Conn) isWanted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.run != nil && !c.run.isLeaving()
}

// Answer is an Executor that does requests by itself, without a server: for
// tests of what uses an Executor.
//
//	ex := tnt.Answer(func(ctx context.Context, req tnt.Request) (tnt.Response, error) {
//		return tnt.NewResponse([]any{1, "Alice"})
//	})
//	user, err := tnt.One[User](ctx, ex, tnt.Select{Space: "users"})
//
// What it returns as an error is taken for the server's answer; an *Error has its
// code. It is as safe for concurrent use as the function is.
type Answer func(ctx context.Context, req Request) (Response, error)

// Route implements Executor.
func (f Answer) Route(_ context.Context, a Attempt) (Route, error) {
	if f == nil {
		return Route{}, errNoRoute
	}
	return Route{answer: f}, a.Err
}
