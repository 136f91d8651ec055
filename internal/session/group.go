package session

import (
	"context"
	"time"
)

// Group is requests of one caller, who takes their answers one after the other.
// That costs less than as many single ones: the caller is woken once for all
// answers that came together. A Group is used by one goroutine at a time.
type Group struct {
	session *Session
	slots   []*Slot       // nil: left
	gone    int           // of the slots, the first ones that were given back
	news    chan struct{} // has room for one: answers came
}

// AcquireGroup takes as many slots as there are, n at most.
func (s *Session) AcquireGroup(n int) (*Group, error) {
	g := &Group{session: s, slots: make([]*Slot, 0, n), news: make(chan struct{}, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		slot, err := s.acquire()
		if err != nil {
			if len(g.slots) == 0 {
				return nil, err
			}
			break
		}
		slot.group = g
		g.slots = append(g.slots, slot)
	}
	s.callers++
	return g, nil
}

// Len returns the number of slots.
func (g *Group) Len() int { return len(g.slots) }

// Slot returns slot i, to be encoded into, and to be read after Wait(i).
func (g *Group) Slot(i int) *Slot { return g.slots[i] }

// Queue is Session.Send for slot i that leaves writing to Flush. The slot stays the group's after an error.
func (g *Group) Queue(ctx context.Context, i int) error {
	return g.session.send(ctx, g.slots[i], false)
}

// Flush writes what was queued.
func (g *Group) Flush() { g.session.flush() }

// Wait is Session.Wait for slot i, which was queued.
func (g *Group) Wait(ctx context.Context, i int, timeout time.Duration) error {
	slot := g.slots[i]
	if !slot.answered() {
		g.session.readFor(slot)
	}
	if !slot.answered() {
		if err := g.await(ctx, i, slot.startTimer(timeout)); err != nil {
			return err
		}
		slot.stopTimer(timeout)
	}
	return slot.err
}

func (g *Group) await(ctx context.Context, i int, expired <-chan time.Time) error {
	for !g.slots[i].answered() {
		var err error
		select {
		case <-g.news:
			continue
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-expired:
			err = ErrTimeout
		}
		if g.leave(i) {
			return err
		}
	}
	return nil
}

// GiveBack gives back the slots before slot end, which were waited for or never
// queued. Neither they nor what they hold may be used afterwards.
func (g *Group) GiveBack(end int) {
	s := g.session
	for _, slot := range g.slots[g.gone:end] {
		if slot != nil {
			slot.clear()
		}
	}
	s.mu.Lock()
	for _, slot := range g.slots[g.gone:end] {
		if slot != nil {
			s.free = append(s.free, slot)
		}
	}
	if g.gone < end && end == len(g.slots) {
		s.callers--
	}
	g.gone = end
	s.unlockAndTellIdle()
}

// Leave gives up what was not waited for, and gives back the rest.
func (g *Group) Leave() {
	for i := g.gone; i < len(g.slots); i++ {
		slot := g.slots[i]
		if slot == nil || slot.state.Load() == stateFree {
			continue
		}
		for !slot.answered() && !g.leave(i) {
			<-g.news // it is being answered
		}
	}
	g.GiveBack(len(g.slots))
}

// leave ends the interest in the answer for slot i, whose late answer gives it
// back. It returns false where the answer is there, or about to be.
func (g *Group) leave(i int) bool {
	s, slot := g.session, g.slots[i]
	s.mu.Lock()
	s.callers++ // it is one of its own from now on
	s.mu.Unlock()
	if s.leave(slot) {
		g.slots[i] = nil
		return true
	}
	s.mu.Lock()
	s.callers--
	s.mu.Unlock()
	return false
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
