package tnt

import (
	"sync"
	"sync/atomic"

	"github.com/gotnt/tnt/internal/session"
)

// Stats are counts of a connection, since New: they do not begin anew with a
// session.
type Stats struct {
	Requests      uint64 // that were put on their way, the connection's own included
	Errors        uint64 // answers that were errors
	Late          uint64 // answers that came after their caller had given up
	PushesDropped uint64 // pushes to requests that take none, or have no room for more
	Connects      uint64 // sessions that came up
	Reconnects    uint64 // of those, after a loss
	BytesSent     uint64
	BytesReceived uint64
	Writes        uint64 // calls that wrote to the socket

	InFlight       int // requests that wait for their answer now
	WaitingForRoom int // requests that wait now for room in the write buffer
	WaitingForTurn int // requests that wait now until fewer than Options.MaxInFlight are in flight
}

// counts are those of a connection, besides the live session's own.
type counts struct {
	errors        atomic.Uint64
	pushesDropped atomic.Uint64
	connects      atomic.Uint64
	reconnects    atomic.Uint64

	mu   sync.Mutex
	past session.Stats // of the sessions that are lost
	live *session.Session
}

// begin counts a session that came up.
func (n *counts) begin(s *session.Session, again bool) {
	n.connects.Add(1)
	if again {
		n.reconnects.Add(1)
	}
	n.mu.Lock()
	n.live = s
	n.mu.Unlock()
}

// end keeps the counts of a session that is over.
func (n *counts) end(s *session.Session) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.live = nil
	add(&n.past, s.Stats())
}

func add(sum *session.Stats, s session.Stats) {
	sum.Requests += s.Requests
	sum.BytesIn += s.BytesIn
	sum.BytesOut += s.BytesOut
	sum.Writes += s.Writes
	sum.Late += s.Late
	sum.PushesDropped += s.PushesDropped
}

// Stats returns counts of the connection.
func (c *Conn) Stats() Stats {
	n := &c.counts
	n.mu.Lock()
	sum, live := n.past, n.live
	var now session.Stats
	inFlight := 0
	if live != nil {
		now, inFlight = live.Stats(), live.InFlight()
		add(&sum, now)
	}
	n.mu.Unlock()
	return Stats{
		Requests: sum.Requests, Late: sum.Late, Writes: sum.Writes,
		BytesSent: sum.BytesOut, BytesReceived: sum.BytesIn,
		PushesDropped: sum.PushesDropped + n.pushesDropped.Load(),
		Errors:        n.errors.Load(), Connects: n.connects.Load(), Reconnects: n.reconnects.Load(),
		InFlight: inFlight, WaitingForRoom: now.WaitingForRoom, WaitingForTurn: now.WaitingForTurn,
	}
}

// dropped counts and tells of a push that a Future had no room for.
func (c *Conn) dropped(d Drop) {
	c.counts.pushesDropped.Add(1)
	c.hooks.onDrop(c, d)
}
