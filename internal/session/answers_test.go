package session

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// TestHeadersOfAnswers has what a header says besides its sync handed on.
func TestHeadersOfAnswers(t *testing.T) {
	var told []uint64
	s, conn := pair(t, false, Config{OnSchemaVersion: func(version uint64) { told = append(told, version) }})
	versions := []uint64{7, 0, 7, 1, 0}
	go func() {
		for i, version := range versions {
			h, body, err := readFrame(conn)
			if err != nil {
				return
			}
			if _, err := conn.Write(answer(wire.Header{Type: iproto.Type(i), Sync: h.Sync, SchemaVersion: version}, body)); err != nil {
				return
			}
		}
	}()
	for i, version := range versions {
		slot := taken(t, s, 1)[0]
		if err := s.Send(t.Context(), slot, request(slot, "x"), time.Time{}); err != nil {
			t.Fatal(err)
		}
		if err := s.Wait(t.Context(), slot, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if slot.Type != iproto.Type(i) || slot.SchemaVersion != version {
			t.Errorf("answer %d is of type %v and schema version %d", i, slot.Type, slot.SchemaVersion)
		}
		s.Release(slot)
	}
	if want := []uint64{7, 1}; !slices.Equal(told, want) || s.SchemaVersion() != 1 {
		t.Errorf("told of the versions %v, the last is %d", told, s.SchemaVersion())
	}
}

// TestAnswersToNobody counts, and tells of, answers and pushes to requests that
// there are not: not yet, not any more, and none that a session ever has.
func TestAnswersToNobody(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		var late, pushes atomic.Int64
		s, conn := pair(t, pipe, Config{OnLate: func(wire.Header) { late.Add(1) }, OnPushDropped: func(wire.Header) { pushes.Add(1) }})
		slot := taken(t, s, 1)[0]
		old := slot.Sync()
		s.Release(slot)
		now := taken(t, s, 1)[0].Sync() // the same slot
		var b []byte
		for _, sync := range []uint64{old, now, old + 1, old | indexMask, 1<<64 - 1} {
			b = append(b, answer(wire.Header{Sync: sync}, []byte{0x80})...)
		}
		for _, sync := range []uint64{old, now} {
			b = append(b, answer(wire.Header{Type: iproto.TypeChunk, Sync: sync}, []byte{0x80})...)
		}
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { return s.Stats().PushesDropped == 2 && pushes.Load() == 2 })
		if got := s.Stats().Late; got != 5 || late.Load() != 5 {
			t.Errorf("%d answers to nobody, of which %d were told", got, late.Load())
		}
		if err := s.Err(); err != nil {
			t.Error(err)
		}
	})
}

// TestSendAtOnceOfADeadSession sends nothing, and gives the slot back.
func TestSendAtOnceOfADeadSession(t *testing.T) {
	s, _ := pair(t, false, Config{})
	slot := taken(t, s, 1)[0]
	s.Fail(errors.New("mine"))
	var lost *LostError
	if err := s.SendAtOnce(slot, request(slot, "x"), &receiver{done: make(chan struct{})}); !errors.As(err, &lost) || lost.Sent {
		t.Errorf("got %v", err)
	}
	if n := s.InFlight(); n != 0 || s.taken() != 0 {
		t.Errorf("%d in flight, %d slots taken", n, s.taken())
	}
	if _, err := s.AcquireAtOnce(); !errors.As(err, &lost) || s.InFlight() != 0 {
		t.Errorf("another: %v, %d in flight", err, s.InFlight())
	}
}

// TestSharesOfThoseWhoGaveUp gives a turn, and room, to who has given up in the
// same moment: others have it.
func TestSharesOfThoseWhoGaveUp(t *testing.T) {
	s, conn := pair(t, true, Config{MaxInFlight: 1, WaitInFlight: true, WriteBuffer: 1})
	taken(t, s, 1)
	gaveUp := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := s.Acquire(ctx, time.Time{})
		gaveUp <- err
	}()
	waitFor(t, func() bool { return s.Stats().WaitingForTurn == 1 })
	s.mu.Lock()
	cancel()
	s.inFlight.Add(-1)
	served := s.giveTurns() // and not told of it before it has gone
	s.mu.Unlock()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) || len(served) != 1 {
		t.Errorf("%d turns given, %v", len(served), err)
	}
	if n := s.InFlight(); n != 0 {
		t.Errorf("%d in flight", n)
	}

	s.mu.Lock()
	s.out, s.writing, s.appended = []byte{0}, true, s.appended+1 // somebody is about to write it
	s.mu.Unlock()
	ctx, cancel = context.WithCancel(t.Context())
	go func() { gaveUp <- sendWithRoom(ctx, s, 1) }()
	waitFor(t, func() bool { return s.Stats().WaitingForRoom == 1 })
	next := make(chan error)
	go func() { next <- sendWithRoom(t.Context(), s, 2) }()
	waitFor(t, func() bool { return s.Stats().WaitingForRoom == 2 })
	s.mu.Lock()
	cancel()
	out := s.out
	s.out, s.flushed = nil, s.appended
	served = s.giveRoom()
	s.mu.Unlock()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) || len(served) != 1 {
		t.Errorf("room given to %d, %v", len(served), err)
	}
	if err := <-next; err != nil {
		t.Errorf("the next: %v", err)
	}
	go s.write(out, 0)
	got := make([]byte, 2)
	for i := range got {
		if _, err := conn.Read(got[i : i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got, []byte{0, 2}) {
		t.Errorf("%v was sent", got)
	}
}

// TestDeathBeforeTheContext gives up a request after the session's death, of
// which it has to be told.
func TestDeathBeforeTheContext(t *testing.T) {
	for range 20 { // a select draws
		s, _ := pair(t, false, Config{})
		slot := taken(t, s, 1)[0]
		if err := s.Send(t.Context(), slot, request(slot, "x"), time.Time{}); err != nil {
			t.Fatal(err)
		}
		s.Fail(errors.New("mine"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var lost *LostError
		if err := s.Wait(ctx, slot, time.Time{}); !errors.As(err, &lost) || s.InFlight() != 0 {
			t.Fatalf("got %v, %d in flight", err, s.InFlight())
		}
	}
}

// TestWaitIdleForAll waits until the last of two requests has ended, and for two
// who wait.
func TestWaitIdleForAll(t *testing.T) {
	s, _ := pair(t, false, Config{})
	slots := taken(t, s, 2)
	idle := make(chan error, 2)
	for range cap(idle) {
		go func() { idle <- s.WaitIdle(t.Context()) }()
	}
	waitFor(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.idle != nil
	})
	s.Release(slots[0])
	s.mu.Lock()
	awaited := s.idle != nil
	s.mu.Unlock()
	if !awaited {
		t.Error("nobody waits any more, with a request in flight")
	}
	s.Release(slots[1])
	for range cap(idle) {
		if err := <-idle; err != nil {
			t.Error(err)
		}
	}

	taken(t, s, 1)
	go func() { idle <- s.WaitIdle(t.Context()) }()
	waitFor(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.idle != nil
	})
	mine := errors.New("mine")
	s.Fail(mine)
	if err := <-idle; !errors.Is(err, mine) {
		t.Errorf("the session died: %v", err)
	}
}

// sendWithRoom sends a byte once there is room for it.
func sendWithRoom(ctx context.Context, s *Session, b byte) error {
	if err := s.WaitForRoom(ctx, 1, time.Time{}); err != nil {
		return err
	}
	return s.SendNoReply([]byte{b})
}
