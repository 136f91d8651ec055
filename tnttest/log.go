package tnttest

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
)

// Request is a request that the server received.
type Request struct {
	Time   time.Time
	Conn   uint64 // the number of the connection
	Type   iproto.Type
	Sync   uint64
	Stream uint64
	// Body is the body with names of keys, such as "SPACE_ID". It is nil where
	// the request has none or a broken one.
	Body map[string]any
}

// Counters tell what the server has done.
type Counters struct {
	Connections uint64                 // accepted
	Requests    map[iproto.Type]uint64 // received
}

// requestLog remembers the last requests.
type requestLog struct {
	mu       sync.Mutex
	limit    int
	requests []Request
	counts   map[iproto.Type]uint64
}

// receive notes a request and finds the fault that is for it.
func (s *Server) receive(c *Conn, req *request) *fault {
	entry := Request{
		Time: s.clock.Now(), Conn: c.id, Type: req.header.Type, Sync: req.header.Sync, Stream: req.header.StreamID,
	}
	if s.log.limit > 0 {
		entry.Body = req.named()
	}
	s.log.add(entry)
	if l := s.opts.logger; l != nil {
		l.LogAttrs(context.Background(), slog.LevelDebug, "request",
			slog.Uint64("conn", c.id), slog.String("type", entry.Type.String()),
			slog.Uint64("sync", entry.Sync), slog.Uint64("stream", entry.Stream))
	}
	return s.faults.match(entry.Type, c.id, s.subjectOf(req))
}

func (l *requestLog) add(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = make(map[iproto.Type]uint64)
	}
	l.counts[r.Type]++
	if l.limit <= 0 {
		return
	}
	if len(l.requests) >= 2*l.limit {
		n := copy(l.requests, l.requests[len(l.requests)-l.limit:])
		clear(l.requests[n:])
		l.requests = l.requests[:n]
	}
	l.requests = append(l.requests, r)
}

// named returns the body with names of keys. Scrambles are left out.
func (req *request) named() map[string]any {
	if !req.hasBody || len(req.raw) > maxLoggedBody {
		return nil
	}
	body := make(map[string]any)
	for k := range iproto.Key(maxKey) {
		if !req.body.Has(k) {
			continue
		}
		if req.header.Type == iproto.TypeAuth && k == iproto.KeyTuple {
			continue
		}
		r := mp.Widest.Reader(req.body.Raw(k))
		body[k.String()] = r.Value()
	}
	return body
}

// maxLoggedBody is the length of bodies past which the log leaves them out.
const maxLoggedBody = 4 << 10

// Requests returns the last requests that the server received, oldest first:
// as many as WithLogLimit said.
func (s *Server) Requests() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	from := max(0, len(s.log.requests)-s.log.limit)
	return append([]Request(nil), s.log.requests[from:]...)
}

// Counters returns what the server has done so far.
func (s *Server) Counters() Counters {
	s.mu.Lock()
	conns := s.lastConn
	s.mu.Unlock()
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return Counters{Connections: conns, Requests: maps.Clone(s.log.counts)}
}
