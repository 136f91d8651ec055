package session

import (
	"io"
	"sync/atomic"
)

// Stats are counts since the session began, but for the waiting senders, which
// are those of now.
type Stats struct {
	Requests      uint64 // put on their way, or about to be
	BytesIn       uint64 // read from the connection
	BytesOut      uint64 // written to it
	Writes        uint64 // calls that wrote them
	Late          uint64 // answers that came after their caller had gone
	PushesDropped uint64 // pushes to requests that take none

	WaitingForRoom int // senders who wait for room in the write buffer
	WaitingForTurn int // senders who wait until fewer requests are in flight
}

// Stats returns the session's counts.
func (s *Session) Stats() Stats {
	s.mu.Lock()
	room, turn := s.forRoom.len(), s.forTurn.len()
	s.mu.Unlock()
	return Stats{
		Requests: s.sent.Load(), BytesIn: s.src.read.Load(), BytesOut: s.dst.written.Load(), Writes: s.dst.writes.Load(),
		Late: s.late.Load(), PushesDropped: s.pushesDropped.Load(),
		WaitingForRoom: room, WaitingForTurn: turn,
	}
}

// MovedUpTo returns how many bytes the connection has carried in either direction,
// those of unfinished reads and writes included, and of the bytes written only those
// before mark, a value of Appended: while it grows, the server is not silent. What is
// written after a request says nothing of whether the server, or only a link to
// nowhere, has taken that. Beside a write it may be told too small for a moment.
func (s *Session) MovedUpTo(mark uint64) uint64 {
	return s.src.read.Load() + min(s.dst.taken(), mark)
}

// Appended returns how many bytes were ever handed over to be written.
func (s *Session) Appended() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.appended
}

// InFlight returns the number of requests in flight: those that wait for their
// answer, those whose caller has gone included, and those about to be sent or
// just answered.
func (s *Session) InFlight() int { return int(s.inFlight.Load()) }

// countingReader counts the bytes that are read.
type countingReader struct {
	src  io.Reader
	read atomic.Uint64
}

func (r *countingReader) Read(b []byte) (int, error) {
	n, err := r.src.Read(b)
	r.read.Add(uint64(n))
	return n, err
}
