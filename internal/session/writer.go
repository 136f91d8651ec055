package session

import (
	"context"
	"math"
	"runtime"
	"time"
)

const (
	// turns is how many times a caller writes what others appended meanwhile
	// before it lets a goroutine go on.
	turns = 4
	// yields is how many times whoever writes for others lets them run first.
	yields = 1
)

// keepSpare is the largest write buffer, in bytes, that is kept for the next
// write, and keepIdle what Trim leaves of it.
const (
	keepSpare = 512 << 10
	keepIdle  = 4 << 10
)

// flush unlocks mu and, unless somebody writes already, or soon will, writes
// what waits. A caller whose context or deadline ends meanwhile leaves the rest
// to a goroutine.
func (s *Session) flush(ctx context.Context, deadline time.Time) {
	others := s.taken() > 1
	if !s.beginWriting() {
		return
	}
	if others && s.dst.Tries() {
		// Let those who are ready to send append first: one write for many
		// requests is what makes many callers cheap.
		s.gather(math.MaxUint64)
	}
	s.write(ctx, deadline)
}

// beginWriting unlocks mu and reports whether the caller is to write.
func (s *Session) beginWriting() bool {
	defer s.mu.Unlock()
	if s.writing || s.serving || len(s.out) == 0 {
		return false
	}
	s.writing = true
	return true
}

// gather lets goroutines run that are ready to send, until so many requests were
// ever sent as are expected at the most. Its bound is what a caller may be late
// by who writes for the others.
func (s *Session) gather(expected uint64) {
	for before, n := uint64(0), 0; n < yields; n++ {
		sent := s.sent.Load()
		if sent >= expected || sent == before {
			return
		}
		before = sent
		runtime.Gosched()
	}
}

// write writes for a caller or the reader, who must not block here: it only
// tries, and where the kernel takes no more, others' requests keep coming, or
// the caller has no time, a goroutine goes on.
func (s *Session) write(ctx context.Context, deadline time.Time) {
	var buf []byte
	for turn := 0; s.dst.Tries() && turn < turns && !isOver(ctx, deadline); turn++ {
		if turn > 0 {
			s.gatherAgain()
		}
		var ok bool
		if buf, ok = s.takeOut(buf); !ok {
			return
		}
		n, err := s.dst.Try(buf)
		if err != nil {
			go s.Fail(err) // not here: the caller may hold locks
			return
		}
		if n < len(buf) {
			go s.writeOn(buf, n)
			return
		}
	}
	go s.writeOn(nil, 0)
}

// writeOn writes what is left of buf, and then until nothing waits, on a
// goroutine that may block.
func (s *Session) writeOn(buf []byte, from int) {
	for ok := true; ok; from = 0 {
		if from < len(buf) {
			if _, err := s.dst.Write(buf[from:]); err != nil {
				s.Fail(err)
				return
			}
			s.gatherAgain()
		}
		buf, ok = s.takeOut(buf)
	}
}

// gatherAgain has those who appended during a write get company.
func (s *Session) gatherAgain() {
	s.mu.Lock()
	more := len(s.out) > 0
	s.mu.Unlock()
	if more {
		s.gather(math.MaxUint64)
	}
}

// isOver reports whether the caller is to return.
func isOver(ctx context.Context, deadline time.Time) bool {
	return ctx.Err() != nil || !deadline.IsZero() && time.Until(deadline) <= 0
}

// takeOut takes all that waits to be written, and leaves a buffer that was
// written for later. Where nothing waits the caller is no longer the one who
// writes.
func (s *Session) takeOut(written []byte) (buf []byte, ok bool) {
	s.mu.Lock()
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
	served := s.giveRoom()
	s.mu.Unlock()
	wake(served)
	return buf, true
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
	s.freeGroups = nil
}
