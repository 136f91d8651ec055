package session

import (
	"context"
	"errors"
	"os"
	"time"
)

// The turn to read from the socket is one goroutine's at a time. It is the
// reader's, but for a caller that is alone: that reads for itself, which saves
// two switches between goroutines and waking a processor for the other one. The
// reader stands by meanwhile, and takes the turn back when others want
// answers, when nobody has read for a while, and when the caller has waited so
// long that its context should have a say.
const (
	turnFree   = iota // the next caller who waits may read
	turnReader        // the reader's goroutine
	turnCaller        // a caller, for itself
)

const (
	// standByPause is how long the reader stands by before it looks whether
	// it is wanted. So for up to twice that a caller that reads may be deaf to
	// its context. A timer that is due sooner makes every wait for the network
	// dearer: with two milliseconds a lone caller took a fourth more CPU time.
	standByPause = 8 * time.Millisecond
	// patience is how far the end of a wait has to be for a caller to read for
	// itself.
	patience = 100 * time.Millisecond
	// aloneBefore is how many answers in a row have to be to one caller alone
	// before the reader leaves the reading to it.
	aloneBefore = 4
	// aloneAgain is the same after a caller had to be interrupted, for a server
	// that is slow gains nothing from it.
	aloneAgain = 256
)

// considerSteppingBack counts answers to one caller alone. It is the reader's,
// which has just read.
func (s *Session) considerSteppingBack(alone bool) {
	s.stepping = false
	if !alone || s.plain == nil || s.attentive.Load() {
		s.alone = min(s.alone, 0)
		return
	}
	s.alone++
	s.stepping = s.alone >= aloneBefore
}

// stepBack leaves the reading, where that was considered, to the caller who is
// about to be woken: what follows is no longer the reader's to touch.
func (s *Session) stepBack() {
	if s.stepping {
		s.stepping = false
		sent := s.sentBefore
		s.turn.Store(turnFree)
		// Who has sent since may have found the turn the reader's, and wait.
		s.stepped = s.sent.Load() == sent || !s.turn.CompareAndSwap(turnFree, turnReader)
	}
}

// leftTurn tells the reader whether it has left the reading to a caller.
func (s *Session) leftTurn() bool {
	left := s.stepped
	s.stepped = false
	return left
}

// SetAttentive has the reader read all the time, for those who wait for events:
// while reading is left to callers, what none of them waits for may be read
// late, by twice the pause of standing by.
func (s *Session) SetAttentive(attentive bool) {
	s.attentive.Store(attentive)
	if attentive {
		s.wakeReader()
	}
}

// wakeReader has the reader take the turn where it is free.
func (s *Session) wakeReader() {
	if s.callReader() {
		s.called <- struct{}{}
	}
}

// isPatient tells whether it does no harm that the end of a wait is noticed
// late.
func isPatient(ctx context.Context, timeout time.Duration) bool {
	if timeout > 0 {
		return timeout >= patience
	}
	end, ok := ctx.Deadline()
	return !ok || time.Until(end) >= patience
}

// readFor reads, on the goroutine of a caller, until its answer is there, the
// session dies, or the turn is taken away. Where it is another's turn it does
// nothing, and where the caller has little time it leaves it to the reader.
func (s *Session) readFor(ctx context.Context, slot *Slot, timeout time.Duration) {
	switch {
	case s.turn.Load() != turnFree:
		return
	case !isPatient(ctx, timeout):
		if s.callReader() {
			s.alone = aloneBefore - aloneAgain // the next callers are likely to be the same
			s.called <- struct{}{}
		}
		return
	case !s.turn.CompareAndSwap(turnFree, turnCaller):
		return
	}
	s.turns.Add(1)
	finished := false
	defer func() {
		if !finished { // a hook has panicked
			s.Fail(errPanicked)
		}
		s.endTurn(slot)
	}()
	for {
		frame, err := s.in.buffered(s.cfg.MaxFrame)
		if frame == nil && err == nil {
			if slot.answered() || s.in.largeSize > 0 { // such takes long, and must not be interrupted
				break
			}
			s.wakeGroups()
			if err = s.in.fill(); err == nil {
				continue
			}
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
		}
		if err == nil {
			err = s.deliver(frame, false)
		}
		if err != nil {
			s.Fail(endError(err))
			break
		}
	}
	finished = true
}

var errPanicked = errors.New("a function that was told of an answer panicked")

// endTurn gives the turn to the reader, where others wait or the caller has to
// wait on, or to nobody.
func (s *Session) endTurn(slot *Slot) {
	s.wakeGroups()
	s.mu.Lock()
	if s.interrupted {
		s.interrupted = false
		s.alone = aloneBefore - aloneAgain
		_ = s.conn.SetReadDeadline(time.Time{}) // an error is that of the next read as well
	}
	if s.callers > 1 || s.err != nil || !slot.answered() {
		s.turn.Store(turnReader)
		s.mu.Unlock()
		s.called <- struct{}{}
		return
	}
	s.turn.Store(turnFree)
	s.mu.Unlock()
	if s.attentive.Load() {
		s.wakeReader()
	}
}

// callReader makes the turn, where it is free, the reader's. It tells whether the
// reader is to be woken for that.
func (s *Session) callReader() bool {
	return s.turn.CompareAndSwap(turnFree, turnReader)
}

// standBy waits until it is the reader's turn again.
func (s *Session) standBy() {
	if s.attentive.Load() && s.callReader() {
		return // it became so while the turn was being left
	}
	timer := time.NewTimer(standByPause)
	defer timer.Stop()
	for seen := s.turns.Load(); ; {
		select {
		case <-s.called:
			return
		case <-s.dead:
			if !s.takeTurn() {
				<-s.called // from the caller whose turn it is, which sees the end
			}
			return
		case <-timer.C:
		}
		now := s.turns.Load()
		if now == seen && s.takeTurn() {
			return
		}
		seen = now
		timer.Reset(standByPause)
	}
}

// takeTurn takes the turn where it is free, and else interrupts the caller that
// has it.
func (s *Session) takeTurn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turn.CompareAndSwap(turnFree, turnReader) {
		return true
	}
	if s.turn.Load() == turnCaller && !s.interrupted {
		s.interrupted = true
		_ = s.conn.SetReadDeadline(time.Unix(1, 0)) // a connection that is closed needs none
	}
	return false
}
