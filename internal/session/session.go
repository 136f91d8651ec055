// Package session is one socket's life: a reader, writers that take turns, and
// a table of the calls that wait for an answer. A session dies once, of its
// first error, and is never revived; whoever wants another dials again.
//
// Lock order: Session.mu is a leaf. Nothing is called, but SetReadDeadline, and
// nobody is woken while it is held.
package session

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt/internal/wire"
)

// ErrClosed is the error of a session that its owner closed.
var ErrClosed = errors.New("closed")

// Config is how a session behaves and whom it tells of what is no answer.
// Its functions run on the goroutine that reads, which may be that of a caller
// who waits for an answer of its own, so they must not block; the
// bytes they are given are valid until they return.
type Config struct {
	MaxFrame    uint64 // largest frame taken from the server, bytes
	ReadBuffer  int    // bytes read at once when much is to be read
	WriteBuffer int    // bytes that may wait to be written before senders wait

	// SendTimeout bounds the wait for room where the context has no deadline.
	// 0: it does not.
	SendTimeout time.Duration

	OnEvent         func(body []byte)    // IPROTO_EVENT
	OnSchemaVersion func(version uint64) // a response had another one than the last
	OnLate          func(h wire.Header)  // an answer that nobody waits for
	OnPushDropped   func(h wire.Header)  // a push to a request that takes none
}

// Session is a live connection after its greeting. Its methods are safe for
// concurrent use.
type Session struct {
	conn  net.Conn
	cfg   Config
	plain *output // conn, where a write can be tried without waiting; else nil

	schemaVersion atomic.Uint64
	late          atomic.Uint64
	pushesDropped atomic.Uint64
	writes        atomic.Uint64
	received      atomic.Uint64
	sent          atomic.Uint64 // requests ever put into out

	table atomic.Pointer[[]*Slot] // replaced, under mu, when it grows

	turn   atomic.Int32  // whose it is to read
	turns  atomic.Uint64 // how many callers have had it
	called chan struct{} // the reader is to take its turn, which is set already

	attentive atomic.Bool // the turn is not to be left to callers

	// Of whoever's turn it is to read.
	in         input
	groups     []*Group // got answers, and are to be woken
	woken      uint64   // callers, since the last wait
	sentBefore uint64   // Session.sent after the last wait
	alone      int      // answers in a row that were to one caller alone
	stepping   bool     // the next answer leaves the reading to its caller
	stepped    bool     // the reader's own: it did

	mu          sync.Mutex
	free        []*Slot
	freeGroups  []*Slot       // those with a Group, which is large: few slots are to have one
	callers     int           // groups, and slots beside them, that are taken
	out         []byte        // bytes that wait to be written
	spare       []byte        // the buffer written last, to be the next out
	appended    uint64        // bytes ever put into out
	flushed     uint64        // bytes ever taken out of it to be written
	writing     bool          // somebody is writing and will take what is in out
	room        chan struct{} // closed when out is taken; nil where nobody waits for that
	idle        chan struct{} // closed when no slot is taken; nil where nobody waits for that
	interrupted bool          // the caller whose turn it is to read is to end it
	serving     bool          // the reader is busy with answers and will write what is in out
	err         error         // why the session is dead

	dead  chan struct{} // closed once err is set
	ended chan struct{} // closed when the reader has returned
}

// Start begins to read from conn, which the session owns from here on.
func Start(conn net.Conn, cfg Config) *Session {
	s := &Session{conn: conn, cfg: cfg, dead: make(chan struct{}), ended: make(chan struct{}), called: make(chan struct{}, 1)}
	s.table.Store(new([]*Slot))
	s.in = newInput(conn, cfg.ReadBuffer)
	if s.plain = newOutput(conn); s.plain.raw == nil {
		s.plain = nil
	}
	s.turn.Store(turnReader)
	go s.read()
	return s
}

// Dead is closed when the session has died. Err tells of what.
func (s *Session) Dead() <-chan struct{} { return s.dead }

// Err returns why the session died, nil while it lives.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// SchemaVersion returns the one of the latest response, 0 before the first.
func (s *Session) SchemaVersion() uint64 { return s.schemaVersion.Load() }

// Received returns the number of frames received, to tell whether the server
// is silent.
func (s *Session) Received() uint64 { return s.received.Load() }

// Stats are counts since the session began.
type Stats struct {
	Late          uint64 // answers that came after their caller had gone
	PushesDropped uint64 // pushes to requests that take none
	Writes        uint64 // writes to the socket
}

// Stats returns the session's counts.
func (s *Session) Stats() Stats {
	return Stats{s.late.Load(), s.pushesDropped.Load(), s.writes.Load()}
}

// InFlight returns the number of requests that wait for their answer, those
// whose caller has gone included.
func (s *Session) InFlight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.taken()
	for _, slot := range *s.table.Load() {
		if slot.isGroup() {
			n += slot.group.inFlight() - 1
		}
	}
	return n
}

// Close ends the session and waits until its reader has returned. Calls that
// wait get ErrClosed. It may be called again.
func (s *Session) Close() {
	s.Fail(ErrClosed)
	<-s.ended
}

// Fail ends the session with the given reason, unless it is dead already:
// the socket is closed and every waiting call gets a *LostError.
func (s *Session) Fail(err error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = err
	flushed := s.flushed
	slots := *s.table.Load()
	s.out = nil
	s.mu.Unlock()
	close(s.dead)
	_ = s.conn.Close() // the reason is err, whatever the socket says of its end
	for _, slot := range slots {
		slot.lose(err, flushed)
	}
}

// A LostError is what a call gets whose session died before the answer came.
type LostError struct {
	Cause error
	// Sent tells that bytes of the request may have reached the server, so it
	// may have been executed.
	Sent bool
}

// Error tells the cause.
func (e *LostError) Error() string { return "connection lost: " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *LostError) Unwrap() error { return e.Cause }
