package session

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

// TestSentOrNotWhileWriting loses a session while one request is being written and
// another waits for that: the second was surely not sent, in whatever place.
func TestSentOrNotWhileWriting(t *testing.T) {
	s, conn := pair(t, true, Config{})
	var slots [2]*Slot
	for i := range slots {
		slot, err := s.Acquire(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		slots[i] = slot
	}
	if err := s.Send(t.Context(), slots[0], []byte("first"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil { // it is being written now
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), slots[1], []byte("second"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	s.Fail(errors.New("over"))
	for i, slot := range slots {
		var lost *LostError
		if err := s.Wait(context.Background(), slot, time.Time{}); !errors.As(err, &lost) || lost.Sent != (i == 0) {
			t.Errorf("request %d ended with %v", i+1, err)
		}
	}
}
