package tnt

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/gotnt/tnt/iproto"
)

// Stream is a stream of one connection (2.10 and later): its requests are done
// in order, and may make up a transaction. It belongs to one session from its
// first request on; when that is lost its requests fail with ErrStreamLost,
// because what they did is rolled back and the rest must not be done outside of
// the transaction. Its methods are safe for concurrent use.
type Stream struct {
	ex Executor

	once  sync.Mutex
	route atomic.Pointer[Route] // nil before the first request
}

// NewStream returns a new stream of ex, which chooses the connection at the first
// request. It costs nothing until then.
func NewStream(ex Executor) *Stream { return &Stream{ex: ex} }

// Stream returns a new stream: requests in it are done in order, and may make
// up a transaction. It costs nothing until it is used.
func (c *Conn) Stream() *Stream { return NewStream(c) }

// Route implements Executor.
func (s *Stream) Route(ctx context.Context, a Attempt) (Route, error) {
	if a.Try > 1 {
		return Route{}, a.Err
	}
	if rt := s.route.Load(); rt != nil {
		return *rt, nil
	}
	return s.bind(ctx, a.Request)
}

// ID returns the stream's number (IPROTO_STREAM_ID), 0 before its first request.
func (s *Stream) ID() uint64 {
	if rt := s.route.Load(); rt != nil {
		return rt.stream
	}
	return 0
}

// bind chooses the stream's session, at the first request.
func (s *Stream) bind(ctx context.Context, info RequestInfo) (Route, error) {
	rt, err := bind(ctx, s.ex, info, ErrStreamLost, 1<<iproto.FeatureStreams)
	if err != nil {
		return Route{}, err
	}
	s.once.Lock()
	defer s.once.Unlock()
	if bound := s.route.Load(); bound != nil {
		return *bound, nil
	}
	rt.pin = &pin{live: rt.pin.live, lost: ErrStreamLost}
	rt.stream = rt.pin.live.streams.Add(1)
	s.route.Store(&rt)
	return rt, nil
}

// Begin starts a transaction. Without options the server's defaults hold.
func (s *Stream) Begin(ctx context.Context, opts ...Begin) error {
	if len(opts) > 1 {
		return errors.New("tnt: Begin takes one Begin at the most")
	}
	var req Begin
	if len(opts) == 1 {
		req = opts[0]
	}
	_, err := s.Do(ctx, req)
	return err
}

// Commit ends the transaction, whose changes are made durable and visible.
func (s *Stream) Commit(ctx context.Context) error {
	_, err := s.Do(ctx, Commit{})
	return err
}

// Rollback ends the transaction and undoes its changes.
func (s *Stream) Rollback(ctx context.Context) error {
	_, err := s.Do(ctx, Rollback{})
	return err
}

// InTx runs fn in a transaction on a new stream of ex: it begins one, with the
// options of opts if given, commits it when fn returns nil, and rolls it back when
// fn returns an error or panics. It returns fn's error, or that of Begin or Commit.
//
// It does nothing again by itself: where SafeToRetry says so of its error, as
// for a conflict with another transaction, the caller may; Retry does.
func InTx(ctx context.Context, ex Executor, fn func(s *Stream) error, opts ...Begin) (err error) {
	s := NewStream(ex)
	if err := s.Begin(ctx, opts...); err != nil {
		if !SafeToRetry(err) {
			s.abandon() // it may be done yet, and nobody would end it
		}
		return err
	}
	committing := false
	defer func() {
		if committing {
			return
		}
		// Where the time is over already nobody waits any longer.
		if rollback := s.abandon(); rollback != nil && !errors.Is(err, ErrTimeout) {
			_, _ = rollback.Wait(ctx)
		}
	}()
	if err = fn(s); err != nil { //nolint:gocritic // the deferred function reads it
		return err
	}
	committing = true
	if err = s.Commit(ctx); err != nil && !isRefused(err) {
		s.abandon() // the commit may not have been sent
	}
	return err
}

// abandon rolls back, and returns the rollback on its way, nil where the stream has
// no session, so nothing to roll back. It does not wait for room to send, which a
// server that reads nothing may never give; a few bytes for each transaction that
// was begun do no harm. That it fails changes nothing for the caller: then the
// session is lost, or the transaction is over already. Nor need anybody wait for the
// answer, because a stream's requests are done in order.
func (s *Stream) abandon() *Future {
	rt := s.route.Load()
	if rt == nil {
		return nil
	}
	l, err := rt.pin.session()
	if err != nil {
		return nil
	}
	f := newFuture(nil, *rt, Rollback{})
	f.sendAtOnce(l)
	return f
}
