package session

import (
	"context"
	"errors"
	"math"
	"runtime"
)

// turns is how many times a caller writes what others appended meanwhile
// before it lets a goroutine go on, so that nobody's own answer waits for the
// requests of others without end.
const turns = 4

// keepSpare is the largest write buffer, in bytes, that is kept for the next
// write, and keepIdle what Trim leaves of it.
const (
	keepSpare = 512 << 10
	keepIdle  = 4 << 10
)

// noReplyRoom is how many bytes without answers may wait to be written beyond
// the write buffer.
const noReplyRoom = 1 << 20

var errUnread = errors.New("the server does not read, while what it sends asks for more to be written")

// Send puts a frame on its way, by a copy of it. It waits, while ctx lasts,
// for room where too many bytes wait to be written. After an error the slot
// is released and the request was surely not sent.
func (s *Session) Send(ctx context.Context, slot *Slot, frame []byte) error {
	return s.send(ctx, slot, frame, true)
}

// SendAsync is Send for a request whose answer goes to r instead of to Wait.
// The slot must not be touched afterwards.
func (s *Session) SendAsync(ctx context.Context, slot *Slot, frame []byte, r Receiver) error {
	slot.call = r
	return s.send(ctx, slot, frame, true)
}

// SendAtOnce is SendAsync that never waits for room: for the few requests that
// the session itself lives by.
func (s *Session) SendAtOnce(slot *Slot, frame []byte, r Receiver) error {
	slot.call = r
	s.mu.Lock()
	return s.put(slot, frame, true)
}

// SendDeferred is SendAsync that leaves writing to the next Send or Flush, so
// that a batch goes out in one write.
func (s *Session) SendDeferred(ctx context.Context, slot *Slot, frame []byte, r Receiver) error {
	slot.call = r
	return s.send(ctx, slot, frame, false)
}

// SendNoReply puts a frame that has no answer on its way: IPROTO_WATCH and
// IPROTO_UNWATCH. It never waits for room, as it is part of what the session
// itself does; a server that has the client write without end and reads
// nothing ends the session.
func (s *Session) SendNoReply(frame []byte) error {
	s.mu.Lock()
	if s.err != nil {
		defer s.mu.Unlock()
		return &LostError{Cause: s.err}
	}
	if len(s.out)+len(frame) > s.cfg.WriteBuffer+noReplyRoom {
		s.mu.Unlock()
		go s.Fail(errUnread) // not here: the caller may hold locks
		return errUnread
	}
	s.append(frame)
	s.kick(true, true)
	return nil
}

func (s *Session) send(ctx context.Context, slot *Slot, frame []byte, flush bool) error {
	s.mu.Lock()
	if s.err == nil && s.full(len(frame)) {
		if err := s.makeRoom(ctx, len(frame)); err != nil {
			s.mu.Unlock()
			s.Release(slot)
			return err
		}
	}
	return s.put(slot, frame, flush)
}

// put makes a request one of those that wait to be written. mu is held, and
// not afterwards.
func (s *Session) put(slot *Slot, frame []byte, flush bool) error {
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
	call := flush && slot.call != nil && s.callReader()
	slot.state.Store(slot.sync<<stateBits | stateWaiting)
	s.kick(flush, true)
	if call {
		s.called <- struct{}{}
	}
	return nil
}

// full tells whether so many bytes have to wait for room. mu is held.
func (s *Session) full(size int) bool {
	return len(s.out) > 0 && len(s.out)+size > s.cfg.WriteBuffer
}

// makeRoom waits until there is room for so many bytes or the session is dead.
// mu is held before and after, and not meanwhile.
func (s *Session) makeRoom(ctx context.Context, size int) error {
	s.mu.Unlock()
	if s.cfg.SendTimeout > 0 {
		if _, ok := ctx.Deadline(); !ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, s.cfg.SendTimeout, ErrTimeout)
			defer cancel()
		}
	}
	s.mu.Lock()
	for s.err == nil && s.full(size) {
		if err := s.waitForRoom(ctx); err != nil {
			return err
		}
	}
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

// waitForRoom waits until the bytes that wait are taken to be written. mu is
// held before and after, and not meanwhile.
func (s *Session) waitForRoom(ctx context.Context) error {
	if !s.writing && !s.serving { // what SendDeferred left behind
		s.kick(true, true)
		s.mu.Lock()
		return nil
	}
	if s.room == nil {
		s.room = make(chan struct{})
	}
	room := s.room
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-room:
		return nil
	case <-s.dead:
		return nil // the caller sees s.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Flush writes what SendDeferred left behind.
func (s *Session) Flush() {
	s.flush()
	s.wakeReader()
}

func (s *Session) flush() {
	s.mu.Lock()
	s.kick(true, true)
}

// kick unlocks mu and, unless somebody writes already, or soon will, writes.
func (s *Session) kick(flush, yield bool) {
	if !flush || s.writing || s.serving || len(s.out) == 0 {
		s.mu.Unlock()
		return
	}
	s.writing = true
	others := s.taken()
	s.mu.Unlock()
	if s.plain == nil {
		go s.write(true)
		return
	}
	if yield && others > 1 {
		// Let those who are ready to send append first: one write for many
		// requests is what makes many callers cheap.
		s.gather(math.MaxUint64)
	}
	s.write(false)
}

// gather lets goroutines run that are ready to send, as long as they do, until
// so many requests were ever sent as are expected at the most.
func (s *Session) gather(expected uint64) {
	for before := uint64(0); ; {
		sent := s.sent.Load()
		if sent >= expected || sent == before {
			return
		}
		before = sent
		runtime.Gosched()
	}
}

// write writes until nothing waits. A caller's goroutine must not block here:
// it only tries, and where the kernel takes no more, or others' requests keep
// coming, another goroutine goes on.
func (s *Session) write(mayBlock bool) {
	var buf []byte
	for turn := 0; ; turn++ {
		var ok bool
		buf, ok = s.takeOut(buf, turn > 0)
		if !ok {
			return
		}
		n, err := s.writeOnce(buf, mayBlock)
		switch {
		case err != nil:
			go s.Fail(err) // not here: the caller may hold locks
			return
		case n < len(buf):
			go s.writeRest(buf, n)
			return
		}
		if !mayBlock && turn == turns {
			go s.write(true)
			return
		}
	}
}

// takeOut takes all that waits to be written, and leaves a buffer that was
// written for later. Where nothing waits the caller is no longer the one who
// writes.
func (s *Session) takeOut(written []byte, again bool) (buf []byte, ok bool) {
	s.mu.Lock()
	if again && len(s.out) > 0 {
		s.mu.Unlock()
		s.gather(math.MaxUint64) // those who appended during the last write have company
		s.mu.Lock()
	}
	if s.spare == nil && cap(written) <= keepSpare {
		s.spare = written[:0]
	}
	if len(s.out) == 0 || s.err != nil {
		s.writing = false
		s.mu.Unlock()
		return nil, false
	}
	buf, s.out = s.out, nil
	s.flushed = s.appended
	room := s.room
	s.room = nil
	s.mu.Unlock()
	if room != nil {
		close(room)
	}
	return buf, true
}

func (s *Session) writeOnce(buf []byte, mayBlock bool) (int, error) {
	s.writes.Add(1)
	switch {
	case !mayBlock:
		return s.plain.Try(buf)
	case s.plain != nil:
		return s.plain.Write(buf)
	}
	return s.conn.Write(buf)
}

// writeRest goes on where a caller's goroutine would have blocked.
func (s *Session) writeRest(buf []byte, from int) {
	if _, err := s.writeOnce(buf[from:], true); err != nil {
		s.Fail(err)
		return
	}
	s.write(true)
}

// Trim gives up the memory that a busy session keeps and an idle one need
// not.
func (s *Session) Trim() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cap(s.spare) > keepIdle {
		s.spare = nil
	}
	for _, slot := range s.free {
		slot.Body = nil
	}
	for _, slot := range s.freeGroups {
		slot.Body, slot.group.frames, slot.group.bodies = nil, nil, nil
	}
}
