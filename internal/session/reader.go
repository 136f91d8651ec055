package session

import (
	"errors"
	"fmt"
	"io"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// read is the reader's goroutine. It runs until the session dies.
func (s *Session) read() {
	defer close(s.ended)
	defer s.in.shrink()
	for {
		owned := false
		frame, err := s.in.buffered(s.cfg.MaxFrame)
		if frame == nil && err == nil {
			s.wakeGroups()
			s.yieldToSenders()
			frame, owned, err = s.in.next(s.cfg.MaxFrame)
			s.holdSenders()
		}
		if err == nil {
			err = s.deliver(frame, owned)
		}
		if err != nil {
			s.Fail(endError(err))
			s.wakeGroups()
			return
		}
	}
}

// endError gives the end of the connection its words.
func endError(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("the server closed the connection: %w", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the server closed the connection in the middle of an answer: %w", err)
	}
	return err
}

// holdSenders makes senders leave their bytes to the reader, which is busy
// with a chunk of answers or events and about to wake callers or to acknowledge;
// unless there is but one caller, who has nobody to share a write with.
func (s *Session) holdSenders() {
	s.mu.Lock()
	s.serving = s.taken() != 1
	s.sentBefore = s.sent.Load()
	s.mu.Unlock()
}

// yieldToSenders lets the callers run who have their answers, and writes in one
// go what they ask next, before the reader waits for more.
func (s *Session) yieldToSenders() {
	if s.sent.Load() < s.sentBefore+s.woken {
		yield()
	}
	s.woken = 0
	s.mu.Lock()
	s.serving = false
	served := s.giveTurns() // requests of groups were answered
	writes := s.beginWriting()
	wake(served)
	if writes {
		s.tryWrite()
	}
}

// deliver hands a frame's content to whom it is for. Where it is owned it
// need not be copied.
func (s *Session) deliver(frame []byte, owned bool) error {
	r := mp.NewReader(frame)
	h, err := wire.DecodeHeader(&r)
	if err != nil {
		return err
	}
	body := r.Rest()
	if h.Type == iproto.TypeEvent {
		if s.cfg.OnEvent != nil {
			return s.cfg.OnEvent(body)
		}
		return nil
	}
	if h.SchemaVersion != 0 && h.SchemaVersion != s.schemaVersion.Load() {
		s.schemaVersion.Store(h.SchemaVersion)
		if s.cfg.OnSchemaVersion != nil {
			s.cfg.OnSchemaVersion(h.SchemaVersion)
		}
	}
	if h.Sync&noReply != 0 {
		if s.cfg.OnRefused == nil || !s.cfg.OnRefused(h.Sync&^noReply, h, body) {
			s.strayed(h)
		}
		return nil
	}
	table := *s.table.Load()
	index := h.Sync & indexMask
	if index >= uint64(len(table)) {
		s.strayed(h)
		return nil
	}
	slot := table[index]
	state := slot.state.Load()
	switch {
	case h.Type == iproto.TypeChunk:
		s.push(slot, h, body)
	case state&stateMask == stateGroup:
		s.answerGroup(slot.group.Load(), state>>stateBits, h, body, owned)
	case slot.take(h.Sync):
		s.answer(slot, h, body, owned)
	case slot.state.CompareAndSwap(h.Sync<<stateBits|stateLeft, h.Sync<<stateBits|stateTaken):
		s.strayed(h)
		s.Release(slot)
	default:
		s.strayed(h)
	}
	return nil
}

func (s *Session) answer(slot *Slot, h wire.Header, body []byte, owned bool) {
	if r := slot.call; r != nil {
		if !owned {
			body = append([]byte(nil), body...)
		}
		s.Release(slot)
		r.Receive(h, body, nil)
		return
	}
	slot.Type, slot.SchemaVersion = h.Type, h.SchemaVersion
	if owned {
		slot.Body = body
	} else {
		slot.Body = append(slot.Body[:0], body...)
	}
	s.woken++
	slot.done <- struct{}{}
}

// push hands over a message out of band, which leaves the slot waiting.
func (s *Session) push(slot *Slot, h wire.Header, body []byte) {
	// Only the reader frees a slot that is waiting or left, so it
	// can't change hands between the check and the use.
	if slot.state.Load() == h.Sync<<stateBits|stateWaiting && slot.call != nil {
		slot.call.Push(append([]byte(nil), body...))
		return
	}
	s.pushesDropped.Add(1)
	if s.cfg.OnPushDropped != nil {
		s.cfg.OnPushDropped(h)
	}
}

// strayed counts an answer that nobody waits for.
func (s *Session) strayed(h wire.Header) {
	s.late.Add(1)
	if s.cfg.OnLate != nil {
		s.cfg.OnLate(h)
	}
}
