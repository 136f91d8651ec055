package session

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// GroupSize is how many requests a Group has room for at the most.
const GroupSize = 256

const (
	// groupPiece is how many bytes of requests a group hands over at once.
	groupPiece = 32 << 10
	// keepGroup is the largest buffer, in bytes, that a free group keeps, and
	// keepGroups how many free groups a session keeps.
	keepGroup  = 64 << 10
	keepGroups = 16
)

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
	waiting int           // of those that were not, how many are to be sent
	frames  []byte        // of those added since all were sent
	handed  int           // bytes of frames that were handed over
	left    atomic.Int32  // requests given up that are not answered yet, and one for the caller
	news    chan struct{} // has room for one: answers came

	bodies []byte // the reader's, until the group is given back: answers, one behind the other

	blocks [GroupSize / blockSize]atomic.Pointer[groupBlock]
}

// AcquireGroup takes an empty group. Its requests count as in flight from Send
// on.
func (s *Session) AcquireGroup() (*Group, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slot, err := s.acquire()
	if err != nil {
		return nil, err
	}
	var g *Group
	if n := len(s.freeGroups); n > 0 {
		g = s.freeGroups[n-1]
		s.freeGroups = s.freeGroups[:n-1]
	} else {
		g = &Group{session: s, news: make(chan struct{}, 1)}
	}
	g.slot = slot
	g.left.Store(1)
	slot.group.Store(g) // before the reader is told of it
	slot.state.Store(slot.sync<<stateBits | stateGroup)
	return g, nil
}

// Next returns what the next request of a group that is not full is made with:
// its sync, and the bytes behind which its frame is appended, for Add.
func (g *Group) Next() (sync uint64, frames []byte) { return g.syncOf(g.added), g.frames }

// syncOf returns the sync of request i: that of the slot, for the first.
func (g *Group) syncOf(i int) uint64 { return (g.slot.sync + uint64(i)<<indexBits) &^ noReply }

// Add adds a request, whose frame was appended to frames of Next. Where many
// bytes were added it sends them; the error is that of Send.
func (g *Group) Add(ctx context.Context, frames []byte, deadline time.Time) error {
	g.next().start = uint64(len(g.frames))
	g.frames = frames
	g.waiting++
	if len(frames)-g.handed >= groupPiece {
		return g.Send(ctx, deadline)
	}
	return nil
}

// AddFailed adds a request that is not sent, but has an error for its answer.
func (g *Group) AddFailed(err error) { g.next().fail(err) }

// Send puts what was added on its way. It may wait for room, and where
// Config.MaxInFlight says so for its turn, as Session.Send and Session.Acquire
// do. What was not sent has the error for its answer, too.
func (g *Group) Send(ctx context.Context, deadline time.Time) error {
	var err error
	if ctx.Err() != nil { // what nobody wants any more is not sent
		err = context.Cause(ctx)
	}
	for g.waiting > 0 && err == nil {
		err = g.sendSome(ctx, deadline)
	}
	for ; g.sent < g.added; g.sent++ {
		if c := g.call(g.sent); !c.unsent {
			c.fail(err)
		}
	}
	g.frames, g.handed, g.waiting = g.frames[:0], 0, 0
	return err
}

// sendSome sends as many requests as may be in flight now.
func (g *Group) sendSome(ctx context.Context, deadline time.Time) error {
	s := g.session
	s.mu.Lock()
	n, err := s.enter(ctx, deadline, g.waiting)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	until, end := g.cut(n)
	part := g.frames[g.handed:end]
	if err := s.waitForRoom(ctx, deadline, len(part)); err != nil {
		s.withdraw(n)
		s.mu.Unlock()
		return err
	}
	for ; g.sent < until; g.sent++ {
		if c := g.call(g.sent); !c.unsent {
			c.start += s.appended - uint64(g.handed)
			c.state.Store(g.syncOf(g.sent)<<stateBits | stateWaiting)
		}
	}
	s.sent.Add(uint64(n))
	s.append(part)
	g.waiting -= n
	g.handed = end
	s.flush()
	return nil
}

// cut returns up to which request, and which byte of the frames, the next n
// requests to be sent go.
func (g *Group) cut(n int) (until, end int) {
	if n == g.waiting {
		return g.added, len(g.frames)
	}
	for until = g.sent; ; until++ {
		if c := g.call(until); !c.unsent {
			if n == 0 {
				return until, int(c.start)
			}
			n--
		}
	}
}

// Wait is Session.Wait for request i, which was sent, or failed before that. The
// requests after it may be waited for in spite of an error.
func (g *Group) Wait(ctx context.Context, i int, deadline time.Time) error {
	c := g.call(i)
	if c.answered() {
		return c.err
	}
	expired := g.slot.startTimer(deadline)
	defer g.slot.stopTimer(expired)
	for !c.answered() {
		var err error
		select {
		case <-g.news:
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

// Unsent reports, after Wait, whether request i was surely not sent.
func (g *Group) Unsent(i int) bool { return g.call(i).unsent }

// Answer returns the type, the schema version (0 where it had none) and the body
// of the answer to request i, after Wait. They are valid until Leave.
func (g *Group) Answer(i int) (typ iproto.Type, schemaVersion uint64, body []byte) {
	c := g.call(i)
	return c.typ, c.schemaVersion, c.body
}

// Leave gives up what was not answered, and gives the group back. Neither it nor
// what it holds may be used afterwards.
func (g *Group) Leave() {
	for i := range g.added {
		c := g.call(i)
		for c.pending() && !g.leave(c) {
			<-g.news // it is being answered
		}
		c.body, c.err, c.unsent = nil, nil, false
	}
	g.added, g.sent, g.waiting, g.handed = 0, 0, 0, 0
	g.frames, g.bodies = kept(g.frames), kept(g.bodies) // nothing waits: nobody else touches them
	g.In = mp.Reader{}
	g.leftOne()
}

// leave ends the interest in the answer to a request. It reports false where
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
	s, slot := g.session, g.slot
	slot.sync += (GroupSize - 1) << indexBits // and one that clear adds
	slot.clear()
	slot.group.Store(nil)
	s.mu.Lock()
	s.free = append(s.free, slot)
	if len(s.freeGroups) < keepGroups {
		s.freeGroups = append(s.freeGroups, g)
	}
	s.released()
}

func kept(b []byte) []byte {
	if cap(b) > keepGroup {
		return nil
	}
	return b[:0]
}

// answerGroup takes an answer to a slot that is, or was, a group's. It is the
// reader's.
func (s *Session) answerGroup(g *Group, base uint64, h wire.Header, body []byte, owned bool) {
	c := g.callOf(base, h.Sync)
	if c == nil {
		s.strayed(h)
		return
	}
	id := h.Sync << stateBits
	switch {
	case c.state.CompareAndSwap(id|stateWaiting, id|stateTaken):
		c.typ, c.schemaVersion = h.Type, h.SchemaVersion
		if owned {
			c.body = body
		} else {
			start := len(g.bodies)
			g.bodies = append(g.bodies, body...)
			c.body = g.bodies[start:len(g.bodies):len(g.bodies)]
		}
		s.inFlight.Add(-1)
		c.state.Store(id | stateDone)
		s.wakeLater(g)
	case c.state.CompareAndSwap(id|stateLeft, id|stateDone):
		s.inFlight.Add(-1)
		s.strayed(h)
		g.leftOne()
	default:
		s.strayed(h)
	}
}

// lose is Slot.lose for a group.
func (g *Group) lose(err error, flushed uint64) {
	for i := range g.blocks {
		block := g.blocks[i].Load()
		if block == nil {
			break
		}
		for i := range block {
			c := &block[i]
			state := c.state.Load()
			if state&stateMask != stateWaiting || !c.state.CompareAndSwap(state, state&^stateMask|stateTaken) {
				continue
			}
			c.err = &LostError{Cause: err, Sent: c.start < flushed}
			g.session.inFlight.Add(-1)
			c.state.Store(state&^stateMask | stateDone)
		}
	}
	g.wake()
}

// wake tells the caller that answers came.
func (g *Group) wake() {
	select {
	case g.news <- struct{}{}:
	default: // it will look anyway
	}
}

// wakeLater has a group's caller woken once the answers at hand are delivered.
// It is the reader's.
func (s *Session) wakeLater(g *Group) {
	if n := len(s.groups); n == 0 || s.groups[n-1] != g {
		s.groups = append(s.groups, g)
	}
}

// wakeGroups wakes the callers of groups that got answers. It is the reader's.
func (s *Session) wakeGroups() {
	for i, g := range s.groups {
		s.groups[i] = nil
		s.woken++
		g.wake()
	}
	s.groups = s.groups[:0]
}
