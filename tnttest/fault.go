package tnttest

import (
	"strings"
	"sync"
	"time"

	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// AnyRequest is for a Fault that is for requests of all types.
const AnyRequest iproto.Type = 1 << 30

// Fault is what goes wrong with requests. Its zero value changes nothing.
//
// A WATCH has no answer. What is said of answers holds for the event that it brings
// about at once, if any: the first of a key, or a change that came before the
// acknowledgement, which is a WATCH too. One that is dropped is not sent again.
type Fault struct {
	// On is the type of the requests, AnyRequest for all.
	On iproto.Type
	// Space is the name of the space that the requests are about, "" for any.
	// One of iproto.TypeSelect that names none leaves the spaces of the system
	// alone, so that connectors still get the schema; to hit those, name one,
	// such as "_vspace".
	Space string
	// Key is the key of the events that a WATCH, an UNWATCH or a WATCH_ONCE is about, ""
	// for any: also for box.shutdown, which connectors watch by themselves.
	Key string
	// Conn is the number of the connection, 0 for all.
	Conn uint64
	// Times is how many requests are hit, 0 for all.
	Times int

	// Delay passes before the request is executed, or before what comes in place of
	// that.
	Delay time.Duration
	// Late passes between the execution and the answer. Neither holds up other requests
	// than those behind it in its stream.
	Late time.Duration
	// CloseBefore closes the connection and the request is not executed,
	// CloseAfter closes it when it was, without an answer.
	CloseBefore, CloseAfter bool
	// Drop sends no answer to the request, which was executed.
	Drop bool
	// Cut sends the first half of the answer and closes the connection.
	Cut bool
	// Garbage is sent in place of the answer.
	Garbage []byte
	// Error is the answer; the request is not executed.
	Error *types.Error
}

// fault is a Fault that was asked for. A nil one changes nothing.
type fault struct {
	Fault
	left int
}

type faultTable struct {
	mu     sync.Mutex
	faults []*fault
	refuse bool
}

// Inject makes requests go wrong from now on. The first of several faults that
// are for a request counts. What it returns takes the fault back.
func (s *Server) Inject(f Fault) (remove func()) {
	t := &s.faults
	t.mu.Lock()
	defer t.mu.Unlock()
	added := &fault{Fault: f, left: f.Times}
	t.faults = append(t.faults, added)
	return func() { t.remove(added) }
}

func (t *faultTable) remove(f *fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, x := range t.faults {
		if x == f {
			t.faults = append(t.faults[:i:i], t.faults[i+1:]...)
			return
		}
	}
}

// RefuseConnections closes new connections before they are greeted, or stops
// to do so. Those that are open stay.
func (s *Server) RefuseConnections(on bool) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.refuse = on
}

func (t *faultTable) refusing() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refuse
}

// match finds the fault that is for the request, and counts it.
func (t *faultTable) match(typ iproto.Type, conn uint64, about subject) *fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, f := range t.faults {
		if f.On != AnyRequest && f.On != typ || f.Conn != 0 && f.Conn != conn {
			continue
		}
		if f.Space == "" && f.On != AnyRequest && about.system || f.Space != "" && f.Space != about.space {
			continue
		}
		if f.Key != "" && f.Key != about.key {
			continue
		}
		if f.Times > 0 {
			if f.left--; f.left == 0 {
				t.faults = append(t.faults[:i:i], t.faults[i+1:]...)
			}
		}
		return f
	}
	return nil
}

// waits reports whether the request takes time.
func (f *fault) waits() bool { return f != nil && (f.Delay > 0 || f.Late > 0) }

// prevents reports whether the request is not executed.
func (f *fault) prevents() bool { return f != nil && (f.CloseBefore || f.Error != nil) }

// delay waits before the execution.
func (f *fault) delay(c *Conn) {
	if f != nil {
		c.sleep(f.Delay)
	}
}

func (c *Conn) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	done := make(chan struct{})
	stop := c.srv.clock.AfterFunc(d, func() { close(done) })
	defer stop()
	select {
	case <-done:
	case <-c.ctx.Done():
	}
}

// answer writes the answer of a request, or what a fault makes of it. It
// returns false where the connection is to be closed.
func (c *Conn) answer(req *request, r reply, f *fault) bool {
	if f == nil {
		c.reply(req.header, r)
		return true
	}
	c.sleep(f.Late)
	switch {
	case f.CloseAfter:
		return false
	case f.Drop:
		return true
	case f.Garbage != nil:
		c.out.write(f.Garbage)
		return true
	case f.Cut:
		b := c.encodeFrame(req.header, r)
		c.out.write(b[:len(b)/2])
		c.out.finish()
		<-c.out.ended
		return false
	}
	c.reply(req.header, r)
	return true
}

// subject is what a request is about.
type subject struct {
	space  string // "" for none
	system bool   // a connector asks it for the schema
	key    string // of events, "" for none
}

// subjectOf finds the space of a request, by its id or its name, or its key.
func (s *Server) subjectOf(req *request) (about subject) {
	if !s.faults.any() {
		return about
	}
	switch t := req.header.Type; {
	case t == iproto.TypeWatch || t == iproto.TypeUnwatch || t == iproto.TypeWatchOnce:
		if req.typed(iproto.KeyEventKey) {
			about.key = req.body.String(iproto.KeyEventKey)
		}
		return about
	case t > iproto.TypeDelete && t != iproto.TypeUpsert && t != iproto.TypeInsertArrow:
		return about
	}
	id := uint32(req.body.Uint(iproto.KeySpaceID))
	switch {
	case !req.typed(iproto.KeySpaceName) || !req.typed(iproto.KeySpaceID): // a broken request
	case req.body.Has(iproto.KeySpaceName):
		about.space = req.body.String(iproto.KeySpaceName)
		about.system = strings.HasPrefix(about.space, "_")
	case req.body.Has(iproto.KeySpaceID):
		s.mu.Lock()
		if sp, err := s.engine.Space(id); err == nil {
			about.space = sp.Def.Name
		}
		s.mu.Unlock()
		about.system = id <= memtx.SystemIDMax
	}
	about.system = about.system && req.header.Type == iproto.TypeSelect
	return about
}

// any reports whether there are faults at all.
func (t *faultTable) any() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.faults) > 0
}
