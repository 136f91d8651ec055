// Package session is one socket's life: a reader, writers that take turns, and
// a table of the calls that wait for an answer. A session dies once, of its
// first error, and is never revived; whoever wants another dials again.
//
// Lock order: Session.mu is a leaf. Nothing is called and nobody is woken while
// it is held.
package session

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"

	"github.com/gotnt/tnt/internal/wire"
)

// ErrClosed is the error of a session that its owner closed.
var ErrClosed = errors.New("closed")

// Config is how a session behaves and whom it tells of what is no answer. Its
// functions run on the reader's goroutine, so they must not block; the bytes
// they are given are valid until they return.
type Config struct {
	MaxFrame    uint64 // largest frame taken from the server, bytes
	ReadBuffer  int    // bytes read at once when much is to be read
	WriteBuffer int    // bytes that may wait to be written before senders wait

	MaxInFlight  int  // requests in flight, at most maxSlots; 0: maxSlots
	WaitInFlight bool // who would exceed MaxInFlight waits, instead of failing with ErrTooMany

	OnEvent         func(body []byte) error // IPROTO_EVENT; an error ends the session
	OnSchemaVersion func(version uint64)    // a response had another one than the last
	OnLate          func(h wire.Header)     // an answer that nobody waits for
	OnPushDropped   func(h wire.Header)     // a push to a request that takes none
	// OnRefused is given an answer to a frame with NoReplySync(n). It returns false
	// where nobody waits for that.
	OnRefused func(n uint64, h wire.Header, body []byte) bool
}

// Session is a live connection after its greeting. Its methods are safe for
// concurrent use.
type Session struct {
	conn net.Conn
	cfg  Config
	src  *countingReader
	dst  *output

	schemaVersion atomic.Uint64
	late          atomic.Uint64
	pushesDropped atomic.Uint64
	sent          atomic.Uint64 // requests ever put into out
	inFlight      atomic.Int64  // requests; raised only while mu is held

	table atomic.Pointer[[]*Slot] // replaced, under mu, when it grows

	// Of the reader's goroutine.
	in         input
	groups     []*Group // got answers, and are to be woken
	woken      uint64   // callers, since the last wait
	sentBefore uint64   // Session.sent after the last wait

	mu         sync.Mutex
	free       []*Slot
	freeGroups []*Group      // at most keepGroups
	out        []byte        // bytes that wait to be written
	spare      []byte        // the buffer written last, to be the next out
	reserved   int           // bytes of senders who were given room and have yet to use it
	unanswered int           // bytes of out that are of frames without answers
	appended   uint64        // bytes ever put into out
	flushed    uint64        // bytes ever taken out of it to be written
	writing    bool          // somebody is writing and will take what is in out
	serving    bool          // the reader is busy with answers and will write what is in out
	forRoom    line          // senders who wait until their bytes fit into out
	forTurn    line          // senders who wait until fewer requests are in flight
	idle       chan struct{} // closed when no slot is taken; nil where nobody waits for that
	err        error         // why the session is dead

	dead  chan struct{} // closed once err is set
	ended chan struct{} // closed when the reader has returned
}

// Start begins to read from conn, which the session owns from here on.
func Start(conn net.Conn, cfg Config) *Session {
	if cfg.MaxInFlight <= 0 || cfg.MaxInFlight > maxSlots {
		cfg.MaxInFlight = maxSlots
	}
	s := &Session{
		conn: conn, cfg: cfg,
		src: &countingReader{src: conn}, dst: newOutput(conn),
		dead: make(chan struct{}), ended: make(chan struct{}),
	}
	s.table.Store(new([]*Slot))
	s.in = newInput(s.src, cfg.ReadBuffer)
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
	// Sent reports bytes of the request may have reached the server, so that
	// it may have been executed.
	Sent bool
}

// Error tells the cause.
func (e *LostError) Error() string { return "connection lost: " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *LostError) Unwrap() error { return e.Cause }
