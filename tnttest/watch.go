package tnttest

import (
	"bytes"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// event is a key that clients can watch, with its last value.
type event struct {
	data    []byte // nil: none yet
	version uint64 // grows with each broadcast
	watches map[*watch]struct{}
}

// watch is a key that a connection watches.
type watch struct {
	conn *Conn
	key  string
	sync uint64 // of the last WATCH
	sent uint64 // the version that was sent
	// ready tells that the client acknowledged what was sent: it gets the
	// next value at once.
	ready bool
}

// event returns a key's event, made now if there is none.
func (s *Server) event(key string) *event {
	ev := s.events[key]
	if ev == nil {
		ev = &event{watches: make(map[*watch]struct{})}
		s.events[key] = ev
	}
	return ev
}

// broadcast sets the value of a key and tells those who watch it.
func (s *Server) broadcast(key string, data []byte) {
	ev := s.event(key)
	ev.data = bytes.Clone(data)
	ev.version++
	for w := range ev.watches {
		if w.ready {
			w.conn.out.write(w.notice(ev))
		}
	}
	if ev.data == nil {
		s.dropEvent(key)
	}
}

// dropEvent forgets a key that has no value and that nobody watches.
func (s *Server) dropEvent(key string) {
	if ev := s.events[key]; ev != nil && ev.data == nil && len(ev.watches) == 0 {
		delete(s.events, key)
	}
}

// notice returns the value as a frame, nil where it is too long for one. The watcher
// gets no other until it has acknowledged that.
func (w *watch) notice(ev *event) []byte {
	w.ready, w.sent = false, ev.version
	body := wire.NewBody(nil)
	body.String(iproto.KeyEventKey, w.key)
	if ev.data != nil {
		body.Raw(iproto.KeyEventData, ev.data)
	}
	b := wire.BeginFrame(nil)
	b = wire.AppendRequestHeader(b, wire.Header{Type: iproto.TypeEvent, Sync: w.sync})
	b = append(b, body.End()...)
	if wire.EndFrame(b, 0) != nil {
		return nil
	}
	return b
}

// watchRequest answers WATCH, UNWATCH and WATCH_ONCE.
func (c *Conn) watchRequest(req *request) reply {
	key := req.body.String(iproto.KeyEventKey)
	switch req.header.Type {
	case iproto.TypeWatch:
		return reply{none: true, event: c.watch(key, req.header.Sync)}
	case iproto.TypeUnwatch:
		c.srv.unwatch(c, key)
		return reply{none: true}
	}
	ev := c.srv.events[key]
	if ev == nil || ev.data == nil {
		return dataReply(0, nil)
	}
	return dataReply(1, ev.data)
}

// watch begins to watch a key, or acknowledges what was sent of it. It returns the
// event to send, nil for none.
func (c *Conn) watch(key string, sync uint64) []byte {
	ev := c.srv.event(key)
	w := c.watches[key]
	if w == nil {
		w = &watch{conn: c, key: key, sync: sync}
		c.watches[key] = w
		ev.watches[w] = struct{}{}
		return w.notice(ev)
	}
	w.sync = sync
	switch {
	case w.ready:
	case w.sent != ev.version:
		return w.notice(ev)
	default:
		w.ready = true
	}
	return nil
}

func (s *Server) unwatch(c *Conn, key string) {
	w := c.watches[key]
	if w == nil {
		return
	}
	delete(c.watches, key)
	delete(s.event(key).watches, w)
	s.dropEvent(key)
}

func (c *Conn) watchesShutdown() bool { return c.watches["box.shutdown"] != nil }

// Broadcast sets the value of an event, as box.broadcast does, and tells the
// clients that watch it. The value is anything that MessagePack can hold.
func (s *Server) Broadcast(key string, value any) error {
	data, err := mp.Widest.AppendValue(nil, value)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broadcast(key, data)
	return nil
}
