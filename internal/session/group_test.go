package session

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gotnt/tnt/internal/iproto"
)

// sent takes a group and sends requests with it.
func sent(t *testing.T, s *Session, payloads ...string) *Group {
	t.Helper()
	g, err := s.AcquireGroup()
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range payloads {
		add(t.Context(), g, payload)
	}
	g.Send(t.Context())
	g.Flush()
	return g
}

// add adds a request to a group.
func add(ctx context.Context, g *Group, payload string) {
	sync, frames := g.Next()
	g.Add(ctx, appendRequest(frames, sync, payload))
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

// TestGroupGivesUp ends the waits for an answer that does not come, and leaves
// another.
func TestGroupGivesUp(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{})
		came := make(chan iproto.Header, 3)
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
			if _, err := conn.Write(answer(iproto.Header{Sync: h.Sync}, []byte{0x80})); err != nil {
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
					answers = append(answers, answer(iproto.Header{Sync: h.Sync}, content)...)
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
