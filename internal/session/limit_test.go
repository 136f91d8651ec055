package session

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// taken takes slots.
func taken(t *testing.T, s *Session, n int) (slots []*Slot) {
	t.Helper()
	for range n {
		slot, err := s.Acquire(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		slots = append(slots, slot)
	}
	return slots
}

// TestLimitFails has requests fail at once that would exceed the limit.
func TestLimitFails(t *testing.T) {
	s, conn := pair(t, false, Config{MaxInFlight: 5})
	slots := taken(t, s, 5)
	if _, err := s.Acquire(t.Context(), time.Time{}); !errors.Is(err, ErrTooMany) || !strings.Contains(err.Error(), "5") {
		t.Errorf("a sixth: %v", err)
	}
	slot, err := s.AcquireAtOnce()
	if err != nil {
		t.Fatalf("the session's own: %v", err)
	}
	if n := s.InFlight(); n != 6 {
		t.Errorf("%d in flight", n)
	}
	for _, slot := range append(slots[2:], slot) {
		s.Release(slot)
	}
	g := sendable(t, s, "0", "1", "2", "3", "4")
	if err := g.Send(t.Context(), time.Time{}); !errors.Is(err, ErrTooMany) {
		t.Errorf("five in a group, beside two: %v", err)
	}
	go echo(conn)
	for i := range 5 {
		err := g.Wait(t.Context(), i, time.Time{})
		if i < 3 && err != nil || i >= 3 && (!errors.Is(err, ErrTooMany) || !g.Unsent(i)) {
			t.Errorf("request %d of the group: %v", i, err)
		}
	}
	g.Leave()
	if n := s.InFlight(); n != 2 {
		t.Errorf("%d in flight after the group, two are taken", n)
	}
}

// TestLimitWaits has them wait, in the order of their coming.
func TestLimitWaits(t *testing.T) {
	s, _ := pair(t, false, Config{MaxInFlight: 2, WaitInFlight: true})
	slots := taken(t, s, 2)
	if _, err := s.Acquire(t.Context(), in(time.Millisecond)); !errors.Is(err, ErrTimeout) {
		t.Errorf("by deadline: %v", err)
	}
	cause := errors.New("my cause")
	ctx, cancel := context.WithCancelCause(t.Context())
	gaveUp := make(chan error)
	go func() {
		_, err := s.Acquire(ctx, time.Time{})
		gaveUp <- err
	}()
	waitFor(t, func() bool { return s.Stats().WaitingForTurn == 1 })
	const n = 5
	order := make(chan int, n)
	for i := range n {
		go func() {
			slot, err := s.Acquire(t.Context(), time.Time{})
			if err != nil {
				t.Error(err)
				return
			}
			order <- i
			s.Release(slot)
		}()
		waitFor(t, func() bool { return s.Stats().WaitingForTurn == i+2 })
	}
	cancel(cause)
	if err := <-gaveUp; !errors.Is(err, cause) {
		t.Errorf("by context: %v", err)
	}
	s.Release(slots[0])
	for i := range n {
		if got := <-order; got != i {
			t.Errorf("number %d came as number %d", got, i)
		}
	}
	s.Release(slots[1])
	waitFor(t, func() bool { return s.InFlight() == 0 })
}

// TestLimitOfGroups sends groups larger than the limit, which count down as
// answers come, whether anybody still waits for those or not.
func TestLimitOfGroups(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{MaxInFlight: 3, WaitInFlight: true})
		most, came := 0, 0
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for {
				h, body, err := readFrame(conn)
				if err != nil {
					return
				}
				most = max(most, s.InFlight())
				came++
				if _, err := conn.Write(answer(h, body)); err != nil {
					return
				}
			}
		}()
		for range 20 {
			g := sendable(t, s, strings.Split("0123456789abcdefghij", "")...)
			g.AddFailed(errors.New("mine"))
			if err := g.Send(t.Context(), time.Time{}); err != nil {
				t.Fatal(err)
			}
			for i, want := range "0123456789" {
				if err := g.Wait(t.Context(), i, time.Time{}); err != nil {
					t.Fatal(err)
				}
				if err := checkGroup(g, i, string(want)); err != nil {
					t.Fatal(err)
				}
			}
			g.Leave()
		}
		if err := s.WaitIdle(t.Context()); err != nil || s.InFlight() != 0 || s.Stats().Requests != 400 {
			t.Errorf("%v, %d in flight of %d requests", err, s.InFlight(), s.Stats().Requests)
		}
		s.Close()
		if <-ended; most > 3 || came != 400 {
			t.Errorf("%d requests came, %d were in flight at once", came, most)
		}
	})
}

// TestLimitAtTheEnd ends the session of those who wait.
func TestLimitAtTheEnd(t *testing.T) {
	s, _ := pair(t, false, Config{MaxInFlight: 1, WaitInFlight: true})
	taken(t, s, 1)
	ended := make(chan error)
	go func() {
		_, err := s.Acquire(t.Context(), time.Time{})
		ended <- err
	}()
	waitFor(t, func() bool { return s.Stats().WaitingForTurn == 1 })
	s.Fail(errors.New("mine"))
	var lost *LostError
	if err := <-ended; !errors.As(err, &lost) || lost.Sent {
		t.Errorf("got %v", err)
	}
}

// isQuiet reports whether nothing waits to be written, or is being written.
func (s *Session) isQuiet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.out) == 0 && !s.writing
}

// TestTurnAndRoomAreGivenBack has those who wait give up just when they are
// given what they waited for, which must not be lost.
func TestTurnAndRoomAreGivenBack(t *testing.T) {
	s, conn := pair(t, true, Config{MaxInFlight: 1, WaitInFlight: true, WriteBuffer: 1})
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	for range 200 {
		slot := taken(t, s, 1)[0]
		ctx, cancel := context.WithCancel(t.Context())
		acquired := make(chan struct{})
		go func() {
			defer close(acquired)
			if slot, err := s.Acquire(ctx, time.Time{}); err == nil {
				s.Release(slot)
			}
		}()
		waitFor(t, func() bool { return s.Stats().WaitingForTurn == 1 })
		go cancel()
		s.Release(slot)
		<-acquired
		if n := s.InFlight(); n != 0 {
			t.Fatalf("%d in flight", n)
		}

		waitFor(t, s.isQuiet)
		s.mu.Lock()
		s.out, s.writing, s.appended = append(s.out, 0), true, s.appended+1 // somebody is about to write it
		s.mu.Unlock()
		ctx, cancel = context.WithCancel(t.Context())
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			_ = sendPiece(ctx, s, []byte{0}, time.Time{}) // it may succeed
		}()
		waitFor(t, func() bool { return s.Stats().WaitingForRoom == 1 })
		go cancel()
		s.write(nil, 0)
		<-sent
		waitFor(t, s.isQuiet)
		s.mu.Lock()
		reserved := s.reserved
		s.mu.Unlock()
		if reserved != 0 {
			t.Fatalf("room for %d bytes is lost", reserved)
		}
	}
}
