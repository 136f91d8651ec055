package session

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// maxSlots bounds the requests of one session in flight.
const maxSlots = 1 << indexBits

// A sync is the slot's index in the low bits and its generation above, so
// that an answer to an earlier user of the slot is told from one to the
// present user.
const (
	indexBits = 20
	indexMask = 1<<indexBits - 1
)

// keepBuffer is the largest buffer, in bytes, that a free slot keeps.
const keepBuffer = 8 << 10

// ErrTimeout is the error of a wait that was not over at its deadline.
var ErrTimeout error = timeoutError{}

type timeoutError struct{}

func (timeoutError) Error() string { return "request timeout" }
func (timeoutError) Timeout() bool { return true }

// Is reports that it is a deadline as that of a context is.
func (timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// The state of a slot, in the low bits of Slot.state under the slot's sync.
// Whoever moves it out of waiting by compare-and-swap decides how the call
// ends: the reader by an answer, the caller by leaving, Fail by the session's
// death.
const (
	stateFree    = iota
	stateWaiting // sent, or about to be
	stateTaken   // the answer, or the error, is being handed over
	stateLeft    // the caller has gone; the answer frees the slot
	stateDone    // the answer, or the error, is there; of requests of a Group
	stateGroup   // of a slot: it is a Group's, whose requests have states of their own
	stateBits    = 3
	stateMask    = 1<<stateBits - 1
)

// Slot is a place for one request in flight. Its taker encodes a frame with
// the slot's Sync, sends it and waits; then the answer is the slot's until
// Release. A Slot is used by one goroutine at a time. It is two lines of a
// cache, as with many callers each is a miss.
type Slot struct {
	// Type, SchemaVersion and Body are the response's, after Wait.
	Type          iproto.Type
	SchemaVersion uint64
	Body          []byte

	sync  uint64
	state atomic.Uint64
	done  chan struct{}
	call  Receiver
	group atomic.Pointer[Group] // nil while the slot is not taken by one
	start uint64                // where in the bytes of the session the request begins
	err   error                 // of the session's death: then nobody takes the slot again
	timer *time.Timer
}

// Receiver takes the answer of a request that nobody waits for in Wait. Its
// methods run on the reader's goroutine, or on that of Fail, and must not block.
// They own the bytes they are given.
type Receiver interface {
	// Receive takes the answer, or the error that came instead of it.
	Receive(h wire.Header, body []byte, err error)
	// Push takes the body of a message out of band (box.session.push).
	Push(body []byte)
}

// Sync returns the number to put into the request's header.
func (slot *Slot) Sync() uint64 { return slot.sync }

// Acquire takes a slot. The taker must Send it, or Release it unsent. Where as
// many requests are in flight as Config.MaxInFlight allows it fails with
// ErrTooMany or, with Config.WaitInFlight, waits until ctx ends, with its cause,
// or until the deadline, with ErrTimeout; a zero deadline is none.
func (s *Session) Acquire(ctx context.Context, deadline time.Time) (*Slot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.enter(ctx, deadline, 1); err != nil {
		return nil, err
	}
	slot, err := s.acquire()
	if err != nil {
		s.withdraw(1)
	}
	return slot, err
}

// AcquireAtOnce is Acquire that passes over Config.MaxInFlight and never waits:
// for the few requests that the session itself lives by.
func (s *Session) AcquireAtOnce() (*Slot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slot, err := s.acquire()
	if err == nil {
		s.inFlight.Add(1)
	}
	return slot, err
}

// acquire takes a slot, a free one if there is any. mu is held.
func (s *Session) acquire() (*Slot, error) {
	if s.err != nil {
		return nil, &LostError{Cause: s.err}
	}
	if n := len(s.free); n > 0 {
		slot := s.free[n-1]
		s.free = s.free[:n-1]
		return slot, nil
	}
	old := *s.table.Load()
	if len(old) == maxSlots {
		return nil, fmt.Errorf("%w: all of %d places are taken", ErrTooMany, maxSlots)
	}
	// The reader may be looking at the old table: its array is appended to
	// behind what the reader sees of it, or replaced, never changed.
	slot := &Slot{sync: uint64(len(old)) | 1<<indexBits, done: make(chan struct{}, 1)}
	grown := append(old, slot) //nolint:gocritic // as the comment says
	s.table.Store(&grown)
	return slot, nil
}

// Wait waits for the answer to a request that was sent, until ctx ends, with its
// cause, or until the deadline, with ErrTimeout; a zero deadline is none. After
// any error the slot is gone for the caller, who must not touch it again.
// Without one the caller reads the answer and calls Release.
func (s *Session) Wait(ctx context.Context, slot *Slot, deadline time.Time) error {
	if quit := ctx.Done(); quit == nil && deadline.IsZero() {
		<-slot.done
	} else {
		expired := slot.startTimer(deadline)
		select {
		case <-slot.done:
			slot.stopTimer(expired)
		case <-quit:
			slot.stopTimer(expired)
			if s.leave(slot) {
				return context.Cause(ctx)
			}
			<-slot.done
		case <-expired:
			if s.leave(slot) {
				return ErrTimeout
			}
			<-slot.done
		}
	}
	if err := slot.err; err != nil {
		s.Release(slot)
		return err
	}
	return nil
}

// startTimer returns a channel that fires at the deadline, nil where there is
// none. The timer is the slot's: one for all requests that use it.
func (slot *Slot) startTimer(deadline time.Time) <-chan time.Time {
	switch {
	case deadline.IsZero():
		return nil
	case slot.timer == nil:
		slot.timer = time.NewTimer(time.Until(deadline))
	default:
		slot.timer.Reset(time.Until(deadline))
	}
	return slot.timer.C
}

// stopTimer ends what startTimer has begun.
func (slot *Slot) stopTimer(expired <-chan time.Time) {
	if expired != nil {
		slot.timer.Stop()
	}
}

// leave ends the caller's interest in an answer. It reports false where the
// answer is there already.
func (s *Session) leave(slot *Slot) bool {
	waiting := slot.sync<<stateBits | stateWaiting
	return slot.state.CompareAndSwap(waiting, slot.sync<<stateBits|stateLeft)
}

// take moves a slot out of waiting, for the one who will hand over its end.
func (slot *Slot) take(sync uint64) bool {
	return slot.state.CompareAndSwap(sync<<stateBits|stateWaiting, sync<<stateBits|stateTaken)
}

// lose hands over the death of the session, where the slot is waiting.
func (slot *Slot) lose(err error, flushed uint64) {
	state := slot.state.Load()
	if state&stateMask == stateGroup {
		if g := slot.group.Load(); g != nil {
			g.lose(err, flushed)
		}
		return
	}
	if state&stateMask != stateWaiting || !slot.take(state>>stateBits) {
		return
	}
	lost := &LostError{Cause: err, Sent: slot.start < flushed}
	if slot.call != nil {
		slot.call.Receive(wire.Header{}, nil, lost)
		return
	}
	slot.err = lost
	slot.done <- struct{}{}
}

// Release gives the slot back. Neither it nor what it holds may be used
// afterwards.
func (s *Session) Release(slot *Slot) {
	slot.clear()
	s.inFlight.Add(-1)
	s.mu.Lock()
	s.free = append(s.free, slot)
	s.released()
}

// released has those go on who wait for a slot's release. mu is held, and not
// afterwards.
func (s *Session) released() {
	var idle chan struct{} // of those who wait until no slot is taken
	if s.idle != nil && s.taken() == 0 {
		idle, s.idle = s.idle, nil
	}
	served := s.giveTurns()
	s.mu.Unlock()
	wake(served)
	if idle != nil {
		close(idle)
	}
}

// taken returns the number of slots that are taken. mu is held.
func (s *Session) taken() int { return len(*s.table.Load()) - len(s.free) }

// clear makes the slot one for another request.
func (slot *Slot) clear() {
	slot.sync = (slot.sync + 1<<indexBits) &^ noReply
	slot.state.Store(stateFree)
	if slot.call != nil { // else the reader may be looking, for a push at the session's end
		slot.call = nil
	}
	if cap(slot.Body) > keepBuffer {
		slot.Body = nil
	}
}

// WaitIdle waits until no request is in flight, ctx ends or the session dies.
func (s *Session) WaitIdle(ctx context.Context) error {
	s.mu.Lock()
	if s.taken() == 0 {
		s.mu.Unlock()
		return nil
	}
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	idle := s.idle
	s.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-s.dead:
		return s.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
