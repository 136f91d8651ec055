package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// TestAnswersBeforeTheQuestion answers requests that are only about to be
// sent, as their numbers can be guessed.
func TestAnswersBeforeTheQuestion(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{})
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		guess := make(chan uint64)
		defer close(guess)
		go func() {
			for sync := range guess {
				for range 100 {
					if _, err := conn.Write(answer(wire.Header{Sync: sync}, []byte{0x81, byte(iproto.KeyExpr), 0xa1, 'x'})); err != nil {
						return
					}
				}
				if _, err := conn.Write(answer(wire.Header{Sync: sync}, nil)); err != nil {
					return
				}
			}
		}()
		for range 20 {
			slot, err := s.Acquire(t.Context(), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			frame := request(slot, strings.Repeat("y", 1<<20))
			before := moved(s)
			guess <- slot.Sync()
			for moved(s) == before {
				runtime.Gosched()
			}
			if err := s.Send(t.Context(), slot, frame, time.Time{}); err != nil {
				t.Fatal(err)
			}
			if err := s.Wait(t.Context(), slot, in(10*time.Millisecond)); err == nil {
				s.Release(slot)
			}
		}
	})
}

// TestAnswersTwice answers each request once more when the next one, which has the same
// place, waits for its answer: nobody is given another one's.
func TestAnswersTwice(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{})
		go func() {
			var before []byte
			for {
				h, body, err := readFrame(conn)
				if err != nil {
					return
				}
				this := answer(wire.Header{Sync: h.Sync}, body)
				if _, err := conn.Write(append(before, this...)); err != nil {
					return
				}
				before = this
			}
		}()
		const n = 100
		for i := range n {
			want := fmt.Sprint("request ", i)
			if i%3 > 0 { // by itself
				if got, err := ask(t.Context(), s, want, 0); err != nil || got != want {
					t.Fatalf("%q has the answer %q, %v", want, got, err)
				}
				continue
			}
			g := sendable(t, s, want)
			if err := g.Send(t.Context(), time.Time{}); err != nil {
				t.Fatal(err)
			}
			err := g.Wait(t.Context(), 0, time.Time{})
			_, _, body := g.Answer(0)
			if err := checkEcho(body, err, want); err != nil {
				t.Fatal(err)
			}
			g.Leave()
		}
		if late := s.Stats().Late; late != n-1 {
			t.Errorf("%d answers are counted as late, of %d", late, n-1)
		}
	})
}

// TestAnswersToNoneOfAGroup answers more requests than a group has.
func TestAnswersToNoneOfAGroup(t *testing.T) {
	s, conn := pair(t, false, Config{})
	go echo(conn)
	for i := range 3 * GroupSize {
		g := sendable(t, s, "x")
		if _, err := conn.Write(answer(wire.Header{Sync: g.syncOf(1 + i)}, []byte{0x80})); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { return s.Stats().Late == uint64(i+1) })
		if err := g.Send(t.Context(), time.Time{}); err != nil {
			t.Fatal(err)
		}
		if err := g.Wait(t.Context(), 0, time.Time{}); err != nil {
			t.Fatal(err)
		}
		g.Leave()
	}
}

// TestPushesAtTheEnd pushes to a request that takes none while the session
// dies and its slot is given back.
func TestPushesAtTheEnd(t *testing.T) {
	for range 200 {
		s, conn := pair(t, true, Config{})
		go func() {
			h, _, err := readFrame(conn)
			if err != nil {
				return
			}
			push := bytes.Repeat(answer(wire.Header{Type: iproto.TypeChunk, Sync: h.Sync}, []byte{0x80}), 50)
			for {
				if _, err := conn.Write(push); err != nil {
					return
				}
			}
		}()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := ask(t.Context(), s, "x", 0); err == nil {
				t.Error("no error")
			}
		})
		for s.pushesDropped.Load() == 0 {
			time.Sleep(time.Microsecond)
		}
		s.Fail(errors.New("mine"))
		wg.Wait()
		s.Close()
		_ = conn.Close()
	}
}

// TestFrameOfEveryByte has a length past all memory, and no limit.
func TestFrameOfEveryByte(t *testing.T) {
	for _, size := range []uint64{math.MaxUint64, math.MaxInt64, math.MaxInt64 - 5, 1 << 62} {
		s, conn := pair(t, false, Config{MaxFrame: math.MaxInt64})
		if _, err := conn.Write(append(binary.BigEndian.AppendUint64([]byte{0xcf}, size), 1, 2, 3)); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		<-s.Dead()
		if s.Err() == nil {
			t.Error("no reason")
		}
	}
}

// TestDeadlineOfSend bounds the wait for room.
func TestDeadlineOfSend(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, _ := pair(t, pipe, Config{WriteBuffer: 1})
		for {
			slot, err := s.Acquire(t.Context(), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			frame := request(slot, strings.Repeat("x", 1<<20))
			before := s.InFlight()
			if err := s.Send(t.Context(), slot, frame, in(20*time.Millisecond)); err != nil {
				if !errors.Is(err, ErrTimeout) || s.InFlight() != before-1 {
					t.Errorf("%v, %d in flight", err, s.InFlight())
				}
				return
			}
		}
	})
}

// TestServerThatNeverReads has acknowledgements pile up.
func TestServerThatNeverReads(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, _ := pair(t, pipe, Config{WriteBuffer: 1000})
		frame := append(make([]byte, 0, 1000), answer(wire.Header{Type: iproto.TypeWatch}, make([]byte, 900))...)
		most := 64 << 20 / len(frame) // the kernel takes some
		for n := 0; s.SendNoReply(frame) == nil; n++ {
			if n > most {
				t.Fatal("64 MiB wait to be written")
			}
		}
		<-s.Dead()
		if err := s.Err(); !errors.Is(err, errUnread) {
			t.Errorf("died of %v", err)
		}
	})
}

// TestAcknowledgementBehindALargeRequest has a frame without an answer find a request
// larger than the write buffer before it, which is no sign that the server does not read.
func TestAcknowledgementBehindALargeRequest(t *testing.T) {
	s, peer := pair(t, true, Config{WriteBuffer: 1000})
	// The pipe takes nothing yet: what is sent first is being written.
	for _, size := range []int{10, 8 << 20} {
		slot, err := s.Acquire(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.out) == 0
		})
		if err := s.Send(t.Context(), slot, request(slot, strings.Repeat("x", size)), time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SendNoReply(answer(wire.Header{Type: iproto.TypeWatch}, nil)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []iproto.Type{iproto.TypeCall, iproto.TypeCall, iproto.TypeWatch} {
		if h, _, err := readFrame(peer); err != nil || h.Type != want {
			t.Fatalf("%v, %v instead of %v", h.Type, err, want)
		}
	}
}

// TestLargeFrameWithoutAnswer has one that is larger than all that may wait, alone.
func TestLargeFrameWithoutAnswer(t *testing.T) {
	s, peer := pair(t, true, Config{WriteBuffer: 1000})
	if err := s.SendNoReply(answer(wire.Header{Type: iproto.TypeWatch}, make([]byte, 2*noReplyRoom))); err != nil {
		t.Fatal(err)
	}
	if h, _, err := readFrame(peer); err != nil || h.Type != iproto.TypeWatch {
		t.Fatalf("%v, %v", h.Type, err)
	}
}

// TestSyncsBeginAnew has the syncs of a slot come to the bit that marks frames without
// answers, between two requests and within a group.
func TestSyncsBeginAnew(t *testing.T) {
	for _, before := range []uint64{1, GroupSize / 2, GroupSize} {
		s, peer := pair(t, false, Config{OnRefused: func(uint64, wire.Header, []byte) bool {
			t.Error("an answer was taken for a refused WATCH")
			return true
		}})
		go echo(peer)
		slot := taken(t, s, 1)[0]
		slot.sync += noReply - (before+1)<<indexBits
		s.Release(slot)
		for range 3 {
			g := sendable(t, s)
			for i := range GroupSize {
				if err := add(t.Context(), g, fmt.Sprint(i), time.Time{}); err != nil {
					t.Fatal(err)
				}
			}
			if err := g.Send(t.Context(), time.Time{}); err != nil {
				t.Fatal(err)
			}
			for i := range GroupSize {
				if err := g.Wait(t.Context(), i, time.Now().Add(10*time.Second)); err != nil {
					t.Fatalf("%d groups of syncs before the end, request %d: %v", before, i, err)
				}
			}
			g.Leave()
		}
		if n := s.Stats().Late; n != 0 || s.InFlight() != 0 {
			t.Errorf("%d were late, %d are in flight", n, s.InFlight())
		}
	}
}
