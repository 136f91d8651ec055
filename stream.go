package tnt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/gotnt/tnt/iproto"
)

// Stream is a stream of one connection (2.10 and later): its requests are done
// in order, and may make up a transaction. It belongs to one session from its
// first request on; when that is lost its requests fail with ErrStreamLost,
// for what they did is rolled back and the rest must not be done outside of
// the transaction. Its methods are safe for concurrent use.
type Stream struct {
	API

	conn *Conn
	id   atomic.Uint64
	once sync.Mutex
	live atomic.Pointer[live]
}

func newStream(c *Conn) *Stream {
	s := &Stream{conn: c}
	s.API = NewAPI(s)
	return s
}

// Route implements Executor.
func (s *Stream) Route(context.Context) (Route, error) { return Route{conn: s.conn, stream: s}, nil }

// ID returns the stream's number, 0 before its first request.
func (s *Stream) ID() uint64 { return s.id.Load() }

// bind returns the stream's session, choosing it at the first request.
func (s *Stream) bind(ctx context.Context) (*live, error) {
	if l := s.live.Load(); l != nil {
		if err := l.session.Err(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrStreamLost, &notConnectedError{cause: err})
		}
		return l, nil
	}
	l, err := s.conn.current(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.need(iproto.FeatureStreams); err != nil {
		return nil, err
	}
	s.once.Lock()
	defer s.once.Unlock()
	if bound := s.live.Load(); bound != nil {
		return bound, nil
	}
	s.id.Store(l.streams.Add(1))
	s.live.Store(l)
	return l, nil
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

// Streamer makes streams, as a Conn does.
type Streamer interface{ Stream() *Stream }

// InTx runs fn in a transaction: it begins one, with the options of opts if
// given, commits it when fn returns nil, and rolls it back when fn returns an
// error or panics. It returns fn's error, or that of Begin or Commit.
//
// It does nothing again by itself: where SafeToRetry says so of its error, as
// for a conflict with another transaction, the caller may.
func InTx(ctx context.Context, conn Streamer, fn func(s *Stream) error, opts ...Begin) (err error) {
	s := conn.Stream()
	if err := s.Begin(ctx, opts...); err != nil {
		if !SafeToRetry(err) {
			s.abandon(ctx) // it may be done yet, and nobody would end it
		}
		return err
	}
	committing := false
	defer func() {
		if !committing {
			s.abandon(ctx)
		}
	}()
	if err := fn(s); err != nil {
		return err
	}
	committing = true
	if err = s.Commit(ctx); err != nil && !isRefused(err) {
		s.abandon(ctx) // the commit may not have been sent
	}
	return err
}

// abandon rolls back, though ctx may have ended: then it doesn't wait for the
// answer, for a stream's requests are done in order. Nor does it wait for room
// to send, which a server that reads nothing may never give; a few bytes for
// each transaction that was begun do no harm. That it fails changes nothing for
// the caller: then the session is lost, or the transaction is over already.
func (s *Stream) abandon(ctx context.Context) {
	f := s.start(context.WithoutCancel(ctx), Rollback{}, atOnce)
	_, _ = f.Wait(ctx)
}
