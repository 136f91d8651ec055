package session

import "runtime"

// keepSpare is the largest write buffer, in bytes, that is kept for the next
// write, and keepIdle what Trim leaves of it.
const (
	keepSpare = 512 << 10
	keepIdle  = 4 << 10
)

// flush unlocks mu and, unless somebody writes already, or soon will, sees to it
// that what waits is written. A caller does not block in that, and writes for
// nobody else: where others have requests in flight a goroutine lets them append
// theirs first, as one write for many requests is what makes many callers cheap.
func (s *Session) flush() {
	alone := s.taken() <= 1
	switch {
	case !s.beginWriting():
	case alone:
		s.tryWrite()
	default:
		go func() {
			yield()
			s.write(nil, 0)
		}()
	}
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

// yield lets goroutines run once that are ready to send. On one processor that may
// take long where many are ready to run, and everybody waits for the write, so
// there is no more than one.
func yield() { runtime.Gosched() }

// tryWrite writes what waits, as far as that takes no waiting. A goroutine does
// the rest, and what was appended meanwhile.
func (s *Session) tryWrite() {
	if !s.dst.Tries() {
		go s.write(nil, 0)
		return
	}
	buf, ok := s.takeOut(nil)
	if !ok {
		return
	}
	n, err := s.dst.Try(buf)
	switch {
	case err != nil:
		go s.Fail(err) // not here: the caller may hold locks
		return
	case n == len(buf):
		if buf, ok = s.takeOut(buf); !ok {
			return
		}
		n = 0
	}
	go s.write(buf, n)
}

// write writes what is left of buf, and then until nothing waits. It may block.
func (s *Session) write(buf []byte, from int) {
	for ok := true; ok; from = 0 {
		if from < len(buf) {
			if _, err := s.dst.Write(buf[from:]); err != nil {
				s.Fail(err)
				return
			}
			if s.hasMore() {
				yield() // those who appended meanwhile have company
			}
		}
		buf, ok = s.takeOut(buf)
	}
}

// hasMore reports whether bytes wait to be written.
func (s *Session) hasMore() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.out) > 0
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
	buf, s.out, s.unanswered = s.out, nil, 0
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
