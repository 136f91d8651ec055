package session

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// GroupSize is how many requests a Group has room for.
const GroupSize = 256

// groupPiece is how many bytes of requests a group hands over at once.
const groupPiece = 32 << 10

// keepGroup is the largest buffer, in bytes, that a free group keeps.
const keepGroup = 64 << 10

// Group is requests of one caller, who takes their answers one after the other.
// That costs less than as many single ones: they share a slot, whose
// generations are the requests' numbers, are handed over together, and the
// caller is woken once for all answers that came together. A Group is used by
// one goroutine at a time.
type Group struct {
	// In is for the taker to read answers with, so that it need not be allocated.
	In mp.Reader

	session *Session
	slot    *Slot
	added   int           // requests
	sent    int           // of those, the first ones, which were handed over
	frames  []byte        // of those that were not
	waiting int           // the request whose answer the caller waits for
	left    atomic.Int32  // requests given up that are not answered yet, and one for the caller
	news    chan struct{} // has room for one: answers came

	// Of whoever's turn it is to read, until the group is given back.
	bodies []byte // answers, one behind the other

	calls [GroupSize]groupCall
}

// groupCall is a request of a group.
type groupCall struct {
	state  atomic.Uint64 // as Slot.state
	typ    iproto.Type   // of the answer
	unsent bool
	start  uint64 // where in the bytes of the session it begins; until it is sent, in the group's
	body   []byte
	err    error
}

// AcquireGroup takes an empty group.
func (s *Session) AcquireGroup() (*Group, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slot, err := s.acquire(&s.freeGroups, &s.free)
	if err != nil {
		return nil, err
	}
	s.callers++
	g := slot.group
	if g == nil {
		g = &Group{session: s, slot: slot, news: make(chan struct{}, 1)}
		slot.group = g // before the reader is told of it, and for ever
	}
	g.left.Store(1)
	slot.state.Store(slot.sync<<stateBits | stateGroup)
	return g, nil
}

// Next returns what the next request of a group that is not full is made with:
// its sync, and the bytes behind which its frame is appended, for Add.
func (g *Group) Next() (sync uint64, frames []byte) {
	return g.syncOf(g.added), g.frames
}

// syncOf returns the sync of request i: that of the slot, for the first.
func (g *Group) syncOf(i int) uint64 { return g.slot.sync + uint64(i)<<indexBits }

// Add adds a request, whose frame was appended to frames of Next. Where many
// bytes were added it sends them; the error is that of Send.
func (g *Group) Add(ctx context.Context, frames []byte) error {
	g.calls[g.added].start = uint64(len(g.frames))
	g.frames = frames
	g.added++
	if len(frames) >= groupPiece {
		return g.Send(ctx)
	}
	return nil
}

// AddFailed adds a request that is not sent, but has an error for its answer.
func (g *Group) AddFailed(err error) {
	g.calls[g.added].fail(err)
	g.added++
}

// fail ends a request that is not sent.
func (c *groupCall) fail(err error) {
	c.err, c.unsent = err, true
	c.state.Store(stateDone)
}

// Send hands over what was added, and leaves writing it to Flush. It may wait
// for room, as Session.Send; the requests have its error for their answer, too.
func (g *Group) Send(ctx context.Context) error {
	if len(g.frames) == 0 {
		return nil
	}
	s := g.session
	s.mu.Lock()
	var err error
	if s.err == nil && s.full(len(g.frames)) {
		err = s.makeRoom(ctx, len(g.frames))
	}
	if s.err != nil {
		err = &LostError{Cause: s.err}
	}
	for i := g.sent; i < g.added; i++ {
		c := &g.calls[i]
		switch {
		case c.unsent:
		case err != nil:
			c.fail(err)
		default:
			c.start += s.appended
			c.state.Store(g.syncOf(i)<<stateBits | stateWaiting)
			s.sent.Add(1)
		}
	}
	if err == nil {
		s.append(g.frames)
	}
	s.mu.Unlock()
	g.sent, g.frames = g.added, g.frames[:0]
	return err
}

// Flush writes what was sent. Unlike Session.Flush it does not call the reader,
// for the group's caller waits for the answers and may read them itself.
func (g *Group) Flush() { g.session.flush() }

// Wait is Session.Wait for request i, which was sent, or failed before that. The
// requests after it may be waited for in spite of an error.
func (g *Group) Wait(ctx context.Context, i int, timeout time.Duration) error {
	c := &g.calls[i]
	g.waiting = i
	if !c.answered() {
		g.session.readFor(ctx, g.slot, timeout)
	}
	if c.answered() {
		return c.err
	}
	expired := g.slot.startTimer(timeout)
	defer g.slot.stopTimer(timeout)
	for !c.answered() {
		var err error
		select {
		case <-g.news:
			if !c.answered() { // the reader may have left its turn with the answer to another
				g.session.readFor(ctx, g.slot, timeout)
			}
			continue
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-expired:
			err = ErrTimeout
		}
		if g.leave(c) {
			return err
		}
	}
	return c.err
}

// Unsent tells, after Wait, whether request i was surely not sent.
func (g *Group) Unsent(i int) bool { return g.calls[i].unsent }

// Answer returns the type and the body of the answer to request i, after Wait.
// They are valid until Leave.
func (g *Group) Answer(i int) (iproto.Type, []byte) { return g.calls[i].typ, g.calls[i].body }

func (c *groupCall) answered() bool {
	return c.state.Load()&stateMask == stateDone
}

// pending tells whether the answer is yet to come, or just coming.
func (c *groupCall) pending() bool {
	state := c.state.Load() & stateMask
	return state == stateWaiting || state == stateTaken
}

// Leave gives up what was not answered, and gives the group back. Neither it nor
// what it holds may be used afterwards.
func (g *Group) Leave() {
	for i := range g.added {
		c := &g.calls[i]
		for c.pending() && !g.leave(c) {
			<-g.news // it is being answered
		}
		c.body, c.err, c.unsent = nil, nil, false
	}
	g.added, g.sent = 0, 0
	g.frames, g.bodies = kept(g.frames), kept(g.bodies) // nothing waits: nobody else touches them
	g.In = mp.Reader{}
	g.leftOne()
}

// leave ends the interest in the answer to a request. It returns false where
// the answer is there, or about to be.
func (g *Group) leave(c *groupCall) bool {
	state := c.state.Load()
	if state&stateMask != stateWaiting {
		return false
	}
	g.left.Add(1)
	if c.state.CompareAndSwap(state, state&^stateMask|stateLeft) {
		return true
	}
	g.left.Add(-1)
	return false
}

// leftOne counts the end of a request that was given up, or of the caller's use,
// and gives the group back after the last.
func (g *Group) leftOne() {
	if g.left.Add(-1) > 0 {
		return
	}
	g.slot.sync += (GroupSize - 1) << indexBits // and one that Release adds
	g.session.Release(g.slot)
}

func kept(b []byte) []byte {
	if cap(b) > keepGroup {
		return nil
	}
	return b[:0]
}

// answerGroup takes an answer to a slot that is, or was, a group's. It is for
// whoever's turn it is to read.
func (s *Session) answerGroup(g *Group, base uint64, h wire.Header, body []byte, owned bool) {
	i := (h.Sync - base) << stateBits >> (stateBits + indexBits)
	if i >= GroupSize {
		s.strayed(h)
		return
	}
	c := &g.calls[i]
	id := h.Sync << stateBits
	switch {
	case c.state.CompareAndSwap(id|stateWaiting, id|stateTaken):
		c.typ = h.Type
		if owned {
			c.body = body
		} else {
			start := len(g.bodies)
			g.bodies = append(g.bodies, body...)
			c.body = g.bodies[start:len(g.bodies):len(g.bodies)]
		}
		c.state.Store(id | stateDone)
		s.wakeLater(g)
	case c.state.CompareAndSwap(id|stateLeft, id|stateDone):
		s.strayed(h)
		g.leftOne()
	default:
		s.strayed(h)
	}
}

// lose is Slot.lose for a group.
func (g *Group) lose(err error, flushed uint64) {
	for i := range g.calls {
		c := &g.calls[i]
		state := c.state.Load()
		if state&stateMask != stateWaiting || !c.state.CompareAndSwap(state, state&^stateMask|stateTaken) {
			continue
		}
		c.err = &LostError{Cause: err, Sent: c.start < flushed}
		c.state.Store(state&^stateMask | stateDone)
	}
	g.wake()
}

// inFlight returns the number of requests that wait for their answer.
func (g *Group) inFlight() (n int) {
	for i := range g.calls {
		switch g.calls[i].state.Load() & stateMask {
		case stateWaiting, stateLeft:
			n++
		}
	}
	return n
}

// wake tells the caller that answers came.
func (g *Group) wake() {
	select {
	case g.news <- struct{}{}:
	default: // it will look anyway
	}
}

// wakeLater has a group's caller woken once the answers at hand are delivered.
// It is for whoever's turn it is to read.
func (s *Session) wakeLater(g *Group) {
	if n := len(s.groups); n == 0 || s.groups[n-1] != g {
		s.groups = append(s.groups, g)
	}
}

// wakeGroups wakes the callers of groups that got answers. With the last one the
// reader may step back.
func (s *Session) wakeGroups() {
	for n := len(s.groups) - 1; n >= 0; n-- {
		g := s.groups[n]
		s.groups[n] = nil
		s.groups = s.groups[:n]
		s.woken++
		if n == 0 {
			s.stepBack()
		}
		g.wake()
		if n == 0 {
			return // nothing is the reader's to touch if it has stepped back
		}
	}
}
