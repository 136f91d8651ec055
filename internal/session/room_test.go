package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// clogged returns a session whose peer has yet to read what it was sent: a frame
// that is being written, and one that fills the write buffer.
func clogged(t *testing.T, buffer int) (*Session, net.Conn) {
	t.Helper()
	s, conn := pair(t, true, Config{WriteBuffer: buffer})
	for i := range 2 {
		slot, err := s.Acquire(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(t.Context(), slot, request(slot, strings.Repeat("x", buffer)), time.Time{}); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { return i > 0 || s.buffered() == 0 }) // the first is taken to be written
	}
	return s, conn
}

// buffered returns how many bytes wait to be written.
func (s *Session) buffered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.out)
}

// TestRoomInOrder has senders wait for room: as many as fit go on each time that
// there is some, in the order of their coming.
func TestRoomInOrder(t *testing.T) {
	s, conn := clogged(t, 1000)
	const n, fit = 9, 3
	for i := range n {
		go func() {
			slot, err := s.Acquire(t.Context(), time.Time{})
			if err == nil {
				err = s.Send(t.Context(), slot, request(slot, fmt.Sprint(i, strings.Repeat("x", 280))), time.Time{})
			}
			if err != nil {
				t.Error(err)
			}
		}()
		waitFor(t, func() bool { return s.Stats().WaitingForRoom == i+1 })
	}
	for i := range 2 + n {
		_, content, err := readFrame(conn)
		if err != nil {
			t.Fatal(err)
		}
		if i < 2 { // with each of these the buffer is taken to be written
			before := n - fit*i
			waitFor(t, func() bool { return s.Stats().WaitingForRoom < before })
			if got := s.Stats().WaitingForRoom; got != before-fit {
				t.Errorf("%d wait, of %d, where %d fit", got, before, fit)
			}
			waitFor(t, func() bool { return s.buffered() > fit*280 })
			continue
		}
		var body wire.Body
		if err := body.Decode(content); err != nil {
			t.Fatal(err)
		}
		if sender := int(body.String(iproto.KeyExpr)[0] - '0'); sender/fit != (i-2)/fit {
			t.Errorf("frame %d is of sender %d", i-2, sender)
		}
	}
}

// sendPiece sends frames without answers once there is room for them.
func sendPiece(ctx context.Context, s *Session, frames []byte, deadline time.Time) error {
	if err := s.WaitForRoom(ctx, len(frames), deadline); err != nil {
		return err
	}
	return s.SendNoReply(frames)
}

// TestRoomGivenUp has the first in line give up, whose bytes did not fit, while
// those of the next do.
func TestRoomGivenUp(t *testing.T) {
	s, _ := clogged(t, 1000)
	s.mu.Lock()
	s.out = s.out[:200]
	s.mu.Unlock()
	cause := errors.New("mine")
	large := make(chan error)
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { large <- sendPiece(ctx, s, make([]byte, 900), time.Time{}) }()
	waitFor(t, func() bool { return s.Stats().WaitingForRoom == 1 })
	small := make(chan error)
	go func() { small <- sendPiece(t.Context(), s, make([]byte, 100), time.Time{}) }()
	waitFor(t, func() bool { return s.Stats().WaitingForRoom == 2 })
	cancel(cause)
	if err := <-large; !errors.Is(err, cause) {
		t.Errorf("the large one: %v", err)
	}
	if err := <-small; err != nil {
		t.Errorf("the small one: %v", err)
	}
}

// TestRoomLeft has one wait for room who leaves it to those behind.
func TestRoomLeft(t *testing.T) {
	s, conn := clogged(t, 1000)
	left := make(chan error)
	go func() { left <- s.WaitForRoom(t.Context(), 1000, time.Time{}) }()
	waitFor(t, func() bool { return s.Stats().WaitingForRoom == 1 })
	sent := make(chan error)
	go func() { sent <- sendPiece(t.Context(), s, make([]byte, 100), time.Time{}) }()
	waitFor(t, func() bool { return s.Stats().WaitingForRoom == 2 })
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	for _, of := range []chan error{left, sent} {
		if err := <-of; err != nil {
			t.Error(err)
		}
	}
}

// TestManyWatches sends more without answers than the write buffer holds, to a
// peer that reads slowly and sends events, which are acknowledged by the reader.
func TestManyWatches(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		const n, pieces = 100_000, 100
		var s *Session
		frame := answer(wire.Header{Type: iproto.TypeWatch}, []byte{0x80})
		started := make(chan struct{})
		s, conn := pair(t, pipe, Config{WriteBuffer: 10_000, OnEvent: func([]byte) error {
			<-started
			_ = s.SendNoReply(frame) // the session's end will tell
			return nil
		}})
		close(started)
		const events = 50
		got := make(chan int)
		go func() {
			total := 0
			buf := make([]byte, 5000)
			for total < len(frame)*(n+events) {
				read, err := conn.Read(buf)
				if err != nil {
					break
				}
				if total < events*len(buf) && total/len(buf) != (total+read)/len(buf) {
					_, _ = conn.Write(answer(wire.Header{Type: iproto.TypeEvent}, []byte{0x80}))
				}
				total += read
			}
			got <- total
		}()
		piece := []byte(strings.Repeat(string(frame), n/pieces))
		for range pieces {
			if err := sendPiece(t.Context(), s, piece, time.Time{}); err != nil {
				t.Fatal(err)
			}
			if most := s.buffered(); most > len(piece)+10_000+events*len(frame) {
				t.Fatalf("%d bytes wait to be written", most)
			}
		}
		if total := <-got; total < len(frame)*n {
			t.Errorf("%d bytes came of %d", total, len(frame)*n)
		}
		if err := s.Err(); err != nil {
			t.Error(err)
		}
	})
}

// TestAcknowledgementsTogether has a peer send events at once, each of which is
// acknowledged by the reader.
func TestAcknowledgementsTogether(t *testing.T) {
	var s *Session
	ack := answer(wire.Header{Type: iproto.TypeWatch}, []byte{0x80})
	started := make(chan struct{})
	s, conn := pair(t, false, Config{OnEvent: func([]byte) error {
		<-started
		_ = s.SendNoReply(ack) // the session's end will tell
		return nil
	}})
	close(started)
	const n = 1000
	events := strings.Repeat(string(answer(wire.Header{Type: iproto.TypeEvent}, []byte{0x80})), n)
	if _, err := io.WriteString(conn, events); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, n*len(ack))); err != nil {
		t.Fatal(err)
	}
	if writes := s.Stats().Writes; writes > n/10 {
		t.Errorf("%d events were acknowledged in %d writes", n, writes)
	}
}

// moved is what a session has carried, as it counts itself.
func moved(s *Session) uint64 {
	stats := s.Stats()
	return stats.BytesIn + stats.BytesOut
}

// TestMovedAsThePeerTakes has each piece that the peer reads of a long request counted,
// also where the system's buffers are too full for any of the next to be written.
func TestMovedAsThePeerTakes(t *testing.T) {
	if !tellsUnsent {
		t.Skip("it is not asked for here what the system's buffers hold")
	}
	s, conn := pair(t, false, Config{})
	if err := conn.(*net.TCPConn).SetReadBuffer(1 << 20); err != nil {
		t.Fatal(err)
	}
	slot, err := s.Acquire(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	const piece = 512 << 10
	if err := s.Send(t.Context(), slot, request(slot, strings.Repeat("x", 40*piece)), time.Time{}); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		before := s.MovedUpTo(math.MaxUint64)
		if _, err := io.ReadFull(conn, make([]byte, piece)); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { return s.MovedUpTo(math.MaxUint64) > before })
	}
	giveUp(s, slot)
}

// TestMovedInsideOfFrames has the bytes of unfinished writes and reads counted.
func TestMovedInsideOfFrames(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{ReadBuffer: 1})
		slot, err := s.Acquire(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		size := 32 << 20 // more than the kernel takes
		if pipe {
			size = 8 << 20
		}
		frame := request(slot, strings.Repeat("x", size))
		if err := s.Send(t.Context(), slot, frame, time.Time{}); err != nil {
			t.Fatal(err)
		}
		const step = 1 << 20
		for read := 0; read < len(frame); {
			part := make([]byte, min(len(frame)-read, step))
			if _, err := io.ReadFull(conn, part); err != nil {
				t.Fatal(err)
			}
			if read == 0 && moved(s) >= uint64(len(frame)) {
				t.Error("the write has ended before it can have")
			}
			read += len(part)
			waitFor(t, func() bool { return moved(s) >= uint64(read) })
		}
		waitFor(t, func() bool { return moved(s) == uint64(len(frame)) })
		body := append([]byte{0x81, byte(iproto.KeyExpr)}, mp.AppendString(nil, strings.Repeat("x", 4*step))...)
		for rest := answer(wire.Header{Sync: slot.Sync()}, body); len(rest) > 0; {
			part := rest[:min(len(rest), step)]
			before := moved(s)
			if _, err := conn.Write(part); err != nil {
				t.Fatal(err)
			}
			waitFor(t, func() bool { return moved(s) == before+uint64(len(part)) })
			rest = rest[len(part):]
		}
		if err := s.Wait(t.Context(), slot, time.Time{}); err != nil {
			t.Fatal(err)
		}
		s.Release(slot)
		if stats := s.Stats(); stats.BytesOut != uint64(len(frame)) || stats.BytesIn != moved(s)-stats.BytesOut {
			t.Errorf("the counts are %+v", stats)
		}
	})
}
