package session

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gotnt/tnt/internal/wire"
)

// sent takes a group and sends requests with it.
func sent(t *testing.T, s *Session, payloads ...string) *Group {
	t.Helper()
	g, err := s.AcquireGroup()
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range payloads {
		if err := add(t.Context(), g, payload); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.Flush()
	return g
}

// add adds a request to a group.
func add(ctx context.Context, g *Group, payload string) error {
	sync, frames := g.Next()
	return g.Add(ctx, appendRequest(frames, sync, payload))
}

// checkGroup checks the answer to request i.
func checkGroup(g *Group, i int, want string) error {
	_, body := g.Answer(i)
	return checkEcho(body, nil, want)
}

func TestGroup(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{})
		go echo(conn)
		for range 20 { // by the reader, and by the caller for itself
			g := sent(t, s, "0", "1", "2", "3", "4", "5", "6", "7")
			for i := range 8 {
				if err := g.Wait(t.Context(), i, time.Minute); err != nil {
					t.Fatal(err)
				}
				if err := checkGroup(g, i, fmt.Sprint(i)); err != nil {
					t.Fatal(err)
				}
			}
			if n := s.InFlight(); n != 0 {
				t.Errorf("%d in flight after all were answered", n)
			}
			g.Leave()
		}
		if n := s.InFlight(); n != 0 || s.callers != 0 {
			t.Errorf("%d in flight, of %d callers", n, s.callers)
		}
	})
}

// TestGroupAloneReads has a caller of groups, one after the other, read for
// itself from the first answer on, as one of single requests does.
func TestGroupAloneReads(t *testing.T) {
	s, conn := pair(t, false, Config{})
	go echo(conn)
	for range 1000 {
		g := sent(t, s, "0", "1", "2")
		reads := s.turn.Load() == turnFree // the reader was not called
		turns := s.turns.Load()
		for i := range 3 {
			if err := g.Wait(t.Context(), i, 0); err != nil {
				t.Fatal(err)
			}
		}
		g.Leave()
		if reads && s.turns.Load() > turns {
			return
		}
	}
	t.Error("none of a thousand groups was read by its caller alone")
}

// TestGroupGivesUp ends the waits for an answer that does not come, and leaves
// another.
func TestGroupGivesUp(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{})
		came := make(chan wire.Header, 3)
		go held(conn, came)
		g := sent(t, s, "x", "hold", "hold", "hold", "x")
		if err := g.Wait(t.Context(), 0, 0); err != nil {
			t.Fatal(err)
		}
		cause := errors.New("my cause")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Millisecond, cause)
		defer cancel()
		if err := g.Wait(ctx, 1, 0); !errors.Is(err, cause) {
			t.Errorf("by context: %v", err)
		}
		if err := g.Wait(t.Context(), 2, time.Millisecond); !errors.Is(err, ErrTimeout) {
			t.Errorf("by timeout: %v", err)
		}
		g.Leave()
		if n := s.InFlight(); n != 3 {
			t.Errorf("%d in flight, three were held", n)
		}
		for range 3 {
			h := <-came
			if _, err := conn.Write(answer(wire.Header{Sync: h.Sync}, []byte{0x80})); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.WaitIdle(t.Context()); err != nil || s.callers != 0 || s.Stats().Late != 3 {
			t.Errorf("%v, %d callers, %d late", err, s.callers, s.Stats().Late)
		}
	})
}

// TestGroupOfASessionThatDies has a part of the answers before the end.
func TestGroupOfASessionThatDies(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{})
		go func() {
			defer conn.Close()
			var answers []byte
			for i := range 3 {
				h, content, err := readFrame(conn)
				if err != nil {
					return
				}
				if i < 2 {
					answers = append(answers, answer(wire.Header{Sync: h.Sync}, content)...)
				}
			}
			_, _ = conn.Write(answers)
		}()
		g := sent(t, s, "0", "1", "2")
		var lost *LostError
		for i := range 3 {
			err := g.Wait(t.Context(), i, 0)
			if i < 2 && err != nil || i == 2 && !errors.As(err, &lost) {
				t.Errorf("answer %d: %v", i, err)
			}
		}
		g.Leave()
		if n := s.InFlight(); n != 0 {
			t.Errorf("%d in flight", n)
		}
		if _, err := s.AcquireGroup(); !errors.As(err, &lost) {
			t.Errorf("a group afterwards: %v", err)
		}
	})
}

// TestGroupReadsOn leaves the reading to a caller whose own answer is not the
// next: it has to read on.
func TestGroupReadsOn(t *testing.T) {
	s, conn := pair(t, false, Config{})
	const n = 100
	wrote := make(chan error, 1)
	go func() {
		var headers []wire.Header
		for range n {
			h, _, err := readFrame(conn)
			if err != nil {
				wrote <- err
				return
			}
			headers = append(headers, h)
		}
		for i, h := range append(headers[1:], headers[0]) {
			for s.Received() < uint64(i) { // each comes in a chunk of its own
				time.Sleep(time.Microsecond)
			}
			if _, err := conn.Write(answer(wire.Header{Sync: h.Sync}, []byte{0x80})); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- nil
	}()
	g := sent(t, s, make([]string, n)...)
	if err := g.Wait(t.Context(), 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	g.Leave()
	if s.turns.Load() == 0 {
		t.Error("the caller has never read, though the reader has left that to it")
	}
}

// TestGroupOfHighGenerations takes syncs of all their bits.
func TestGroupOfHighGenerations(t *testing.T) {
	s, conn := pair(t, false, Config{})
	go echo(conn)
	g := sent(t, s, "0") // so that the slot is one of groups
	if err := g.Wait(t.Context(), 0, 0); err != nil {
		t.Fatal(err)
	}
	g.Leave()
	for _, generation := range []uint64{1 << 61, 1<<64 - 100<<indexBits} {
		g.slot.sync = generation | g.slot.sync&indexMask
		for range 3 {
			g := sent(t, s, "0", "1")
			for i := range 2 {
				if err := g.Wait(t.Context(), i, time.Minute); err != nil {
					t.Fatal(err)
				}
			}
			g.Leave()
		}
	}
	if late := s.Stats().Late; late != 0 {
		t.Errorf("%d answers were taken for late ones", late)
	}
}

// TestGroupsShareSlots has groups, which are large, be made for few slots.
func TestGroupsShareSlots(t *testing.T) {
	s, _ := pair(t, false, Config{})
	for range 100 {
		g, err := s.AcquireGroup()
		if err != nil {
			t.Fatal(err)
		}
		var slots []*Slot
		for range 10 {
			slot, err := s.Acquire()
			if err != nil {
				t.Fatal(err)
			}
			slots = append(slots, slot)
		}
		g.Leave()
		for _, slot := range slots {
			s.Release(slot)
		}
	}
	if n := len(s.freeGroups); n != 1 || len(s.free) != 10 {
		t.Errorf("%d slots with groups, %d without", n, len(s.free))
	}
}

// TestGroupWithoutRoom fails what there is no room for.
func TestGroupWithoutRoom(t *testing.T) {
	s, _ := pair(t, true, Config{WriteBuffer: 1, SendTimeout: time.Millisecond})
	g := sent(t, s, "x") // is being written, and never read
	if err := add(t.Context(), g, "y"); err != nil {
		t.Fatal(err)
	}
	_ = g.Send(t.Context()) // may find room, while nothing waits behind what is written
	if err := add(t.Context(), g, "z"); err != nil {
		t.Fatal(err)
	}
	if err := g.Send(t.Context()); !errors.Is(err, ErrTimeout) {
		t.Errorf("sending: %v", err)
	}
	if err := g.Wait(t.Context(), 2, 0); !errors.Is(err, ErrTimeout) || !g.Unsent(2) || g.Unsent(0) {
		t.Errorf("waiting: %v, unsent %v", err, g.Unsent(2))
	}
	g.Leave()
}
