package session

import (
	"container/list"
	"context"
	"time"
)

// line is senders who wait, first come first served, for a share of something
// that is short. Each is woken once its share is its own, so that it costs the
// same however many wait. Session.mu guards it.
type line struct{ waiters list.List }

type waiter struct {
	want  int
	share int           // what it was given; then it stands in line no more
	given chan struct{} // closed after that
}

func (l *line) len() int { return l.waiters.Len() }

// first returns the one whose turn is next, nil where nobody waits.
func (l *line) first() *waiter {
	if e := l.waiters.Front(); e != nil {
		return e.Value.(*waiter)
	}
	return nil
}

// serve gives the first one its share. wake is to be called with it once mu is
// no longer held.
func (l *line) serve(share int) *waiter {
	w := l.waiters.Remove(l.waiters.Front()).(*waiter)
	w.share = share
	return w
}

// wake wakes those who were served.
func wake(served []*waiter) {
	for _, w := range served {
		close(w.given)
	}
}

// standIn waits in a line until a share is given, which may be given with an
// error, too. s.mu is held before and after, and not meanwhile.
func (s *Session) standIn(ctx context.Context, deadline time.Time, l *line, want int) (share int, err error) {
	w := &waiter{want: want, given: make(chan struct{})}
	place := l.waiters.PushBack(w)
	s.mu.Unlock()
	var expired <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-w.given:
	case <-s.dead:
	case <-expired:
		err = ErrTimeout
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	s.mu.Lock()
	if w.share == 0 {
		l.waiters.Remove(place)
	}
	if s.err != nil {
		err = &LostError{Cause: s.err}
	}
	return w.share, err
}
