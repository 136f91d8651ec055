package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrTooMany is the error of a request that would have exceeded the limit of
// requests in flight, which the error names.
var ErrTooMany = errors.New("too many requests in flight on one connection")

// enter makes up to want requests some of those in flight, at least one, and
// returns how many. mu is held before and after; it may not be meanwhile.
func (s *Session) enter(ctx context.Context, deadline time.Time, want int) (int, error) {
	if s.err != nil {
		return 0, &LostError{Cause: s.err}
	}
	if n := min(want, s.vacant()); n > 0 && s.forTurn.len() == 0 {
		s.inFlight.Add(int64(n))
		return n, nil
	}
	if !s.cfg.WaitInFlight {
		return 0, fmt.Errorf("%w: Options.MaxInFlight is %d", ErrTooMany, s.cfg.MaxInFlight)
	}
	n, err := s.standIn(ctx, deadline, &s.forTurn, want)
	if err != nil {
		s.withdraw(n)
		return 0, err
	}
	return n, nil
}

// withdraw takes requests that were not sent out of those in flight. mu is held
// before and after, and may not be meanwhile.
func (s *Session) withdraw(n int) {
	s.inFlight.Add(int64(-n))
	served := s.giveTurns()
	s.mu.Unlock()
	wake(served)
	s.mu.Lock()
}

// vacant returns how many more requests may be in flight. The session's own may
// have exceeded the limit.
func (s *Session) vacant() int { return s.cfg.MaxInFlight - int(s.inFlight.Load()) }

// giveTurns serves those who wait until fewer requests are in flight. mu is
// held; the caller is to wake them afterwards.
func (s *Session) giveTurns() (served []*waiter) {
	for w := s.forTurn.first(); w != nil && s.vacant() > 0; w = s.forTurn.first() {
		n := min(w.want, s.vacant())
		s.inFlight.Add(int64(n))
		served = append(served, s.forTurn.serve(n))
	}
	return served
}
