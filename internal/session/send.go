package session

import (
	"context"
	"errors"
	"time"
)

// noReplyRoom is how many bytes of frames without answers may wait to be written, or
// Config.WriteBuffer where that is more. What is larger by itself may wait alone.
const noReplyRoom = 1 << 20

var errUnread = errors.New("the server does not read, while what it sends asks for more to be written " +
	"than Options.WriteBuffer lets wait")

// Send puts a frame on its way, by a copy of it. Where too many bytes wait to
// be written it waits for room until ctx ends, with its cause, or until the
// deadline, with ErrTimeout; a zero deadline is none. After an error the slot is
// released and the request was surely not sent.
func (s *Session) Send(ctx context.Context, slot *Slot, frame []byte, deadline time.Time) error {
	s.mu.Lock()
	if err := s.waitForRoom(ctx, deadline, len(frame)); err != nil {
		s.mu.Unlock()
		s.Release(slot)
		return err
	}
	return s.put(slot, frame)
}

// SendAsync is Send for a request whose answer goes to r instead of to Wait.
// The slot must not be touched afterwards.
func (s *Session) SendAsync(ctx context.Context, slot *Slot, frame []byte, deadline time.Time, r Receiver) error {
	slot.call = r
	return s.Send(ctx, slot, frame, deadline)
}

// SendAtOnce is SendAsync that never waits for room: for the few requests that
// the session itself lives by.
func (s *Session) SendAtOnce(slot *Slot, frame []byte, r Receiver) error {
	slot.call = r
	s.mu.Lock()
	return s.put(slot, frame)
}

// noReply marks the syncs of frames that have no answer. Those of slots begin anew
// before it: with groups of one caller, that is after some days of nothing else.
const noReply = 1 << 63

// NoReplySync returns the sync for a frame that has no answer, by which
// Config.OnRefused knows what a server refuses all the same. n is below 1<<63.
func NoReplySync(n uint64) uint64 { return noReply | n }

// SendNoReply puts frames that have no answer on their way: IPROTO_WATCH and
// IPROTO_UNWATCH. It never waits for room, so that the reader's goroutine may
// use it; a server that has the client write without end and reads nothing ends
// the session.
func (s *Session) SendNoReply(frames []byte) error {
	s.mu.Lock()
	if s.err != nil {
		defer s.mu.Unlock()
		return &LostError{Cause: s.err}
	}
	if s.unanswered > 0 && s.unanswered+len(frames) > max(s.cfg.WriteBuffer, noReplyRoom) {
		s.mu.Unlock()
		go s.Fail(errUnread) // not here: the caller may hold locks
		return errUnread
	}
	s.unanswered += len(frames)
	s.append(frames)
	s.flush()
	return nil
}

// WaitForRoom waits as Send does until there is room for so many bytes, and leaves it
// to others: for who sends much by SendNoReply, a piece at a time, and never on the
// reader's goroutine.
func (s *Session) WaitForRoom(ctx context.Context, size int, deadline time.Time) error {
	s.mu.Lock()
	err := s.waitForRoom(ctx, deadline, size)
	served := s.giveRoom()
	s.mu.Unlock()
	wake(served)
	return err
}

// put makes a request one of those that wait to be written. mu is held, and
// not afterwards.
func (s *Session) put(slot *Slot, frame []byte) error {
	if s.err != nil {
		err := &LostError{Cause: s.err}
		s.mu.Unlock()
		s.Release(slot)
		return err
	}
	slot.start = s.appended
	s.sent.Add(1)
	s.append(frame)
	// The last use of the slot: from here on an answer may come for it, and
	// from a server that guesses its sync even before the request is written.
	slot.state.Store(slot.sync<<stateBits | stateWaiting)
	s.flush()
	return nil
}

// append puts bytes behind those that wait to be written. mu is held.
func (s *Session) append(b []byte) {
	if s.out == nil {
		s.out, s.spare = s.spare, nil
	}
	s.out = append(s.out, b...)
	s.appended += uint64(len(b))
}

// waitForRoom waits until so many bytes may be appended, which the caller then
// does without letting go of mu. mu is held before and after; it may not be
// meanwhile.
func (s *Session) waitForRoom(ctx context.Context, deadline time.Time, size int) error {
	if s.err != nil {
		return &LostError{Cause: s.err}
	}
	if s.forRoom.len() == 0 && s.fits(size) {
		return nil
	}
	given, err := s.standIn(ctx, deadline, &s.forRoom, size)
	s.reserved -= given
	if err != nil { // it may have stood in the way of others who fit
		served := s.giveRoom()
		s.mu.Unlock()
		wake(served)
		s.mu.Lock()
	}
	return err
}

// fits reports whether there is room for so many bytes. Where nothing waits
// there always is, for a frame may be larger than the buffer. mu is held.
func (s *Session) fits(size int) bool {
	waiting := len(s.out) + s.reserved
	return waiting == 0 || waiting+size <= s.cfg.WriteBuffer
}

// giveRoom serves those of the senders who wait for room that now fit. mu is
// held; the caller is to wake them afterwards.
func (s *Session) giveRoom() (served []*waiter) {
	for w := s.forRoom.first(); w != nil && s.fits(w.want); w = s.forRoom.first() {
		s.reserved += w.want
		served = append(served, s.forRoom.serve(w.want))
	}
	return served
}
