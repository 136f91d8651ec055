package session

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"go.uber.org/goleak"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair starts a session on one end of a connection, over TCP or a pipe, and
// returns the other.
func pair(t *testing.T, pipe bool, cfg Config) (*Session, net.Conn) {
	t.Helper()
	if cfg.MaxFrame == 0 {
		cfg.MaxFrame = 1 << 30
	}
	if cfg.ReadBuffer == 0 {
		cfg.ReadBuffer = 128 << 10
	}
	if cfg.WriteBuffer == 0 {
		cfg.WriteBuffer = 1 << 20
	}
	var ours, theirs net.Conn
	if pipe {
		ours, theirs = net.Pipe()
	} else {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if ours, err = net.Dial("tcp", l.Addr().String()); err != nil {
			t.Fatal(err)
		}
		if theirs, err = l.Accept(); err != nil {
			t.Fatal(err)
		}
	}
	s := Start(ours, cfg)
	t.Cleanup(func() {
		s.Close()
		_ = theirs.Close()
	})
	return s, theirs
}

// both runs a test over TCP, where writes are tried, and over a pipe, where
// they have a goroutine of their own.
func both(t *testing.T, test func(t *testing.T, pipe bool)) {
	t.Helper()
	t.Run("tcp", func(t *testing.T) { test(t, false) })
	t.Run("pipe", func(t *testing.T) { test(t, true) })
}

// waitFor waits until something is so.
func waitFor(t *testing.T, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(10 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatal("it has not become so within ten seconds")
		}
	}
}

// request makes a frame in the slot.
func request(slot *Slot, payload string) []byte {
	return appendRequest(nil, slot.Sync(), payload)
}

func appendRequest(b []byte, sync uint64, payload string) []byte {
	start := len(b)
	b = wire.AppendRequestHeader(wire.BeginFrame(b), wire.Header{Type: iproto.TypeCall, Sync: sync})
	w := wire.NewBody(b)
	w.String(iproto.KeyExpr, payload)
	b = w.End()
	if err := wire.EndFrame(b, start); err != nil {
		panic(err)
	}
	return b
}

// readFrame reads a request's frame.
func readFrame(r io.Reader) (wire.Header, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return wire.Header{}, nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(head[1:]))
	if _, err := io.ReadFull(r, b); err != nil {
		return wire.Header{}, nil, err
	}
	reader := mp.NewReader(b)
	h, err := wire.DecodeHeader(&reader)
	return h, reader.Rest(), err
}

func answer(h wire.Header, body []byte) []byte {
	b := append(wire.AppendResponseHeader(wire.BeginFrame(nil), h), body...)
	if err := wire.EndFrame(b, 0); err != nil {
		panic(err)
	}
	return b
}

// echo answers every request with its body.
func echo(conn net.Conn) {
	for {
		h, body, err := readFrame(conn)
		if err != nil {
			return
		}
		if _, err := conn.Write(answer(wire.Header{Sync: h.Sync, SchemaVersion: 7}, body)); err != nil {
			return
		}
	}
}

// held answers requests with their bodies, those for "hold" not at all, and
// tells of each that came.
func held(conn net.Conn, came chan<- wire.Header) {
	for {
		h, content, err := readFrame(conn)
		if err != nil {
			return
		}
		var body wire.Body
		if body.Decode(content) == nil && body.String(iproto.KeyExpr) == "hold" {
			came <- h
			continue
		}
		if _, err := conn.Write(answer(wire.Header{Sync: h.Sync}, content)); err != nil {
			return
		}
	}
}

func TestSlotSize(t *testing.T) {
	if n := unsafe.Sizeof(Slot{}); n > 128 {
		t.Errorf("a slot has %d bytes, which are more than two lines of a cache", n)
	}
}

// in returns the deadline of what may take so long; 0: for ever.
func in(timeout time.Duration) time.Time {
	if timeout == 0 {
		return time.Time{}
	}
	return time.Now().Add(timeout)
}

// ask does a request and returns what was echoed.
func ask(ctx context.Context, s *Session, payload string, timeout time.Duration) (string, error) {
	deadline := in(timeout)
	slot, err := s.Acquire(ctx, deadline)
	if err != nil {
		return "", err
	}
	frame := request(slot, payload)
	if err := s.Send(ctx, slot, frame, deadline); err != nil {
		return "", err
	}
	if err := s.Wait(ctx, slot, deadline); err != nil {
		return "", err
	}
	defer s.Release(slot)
	var body wire.Body
	if err := body.Decode(slot.Body); err != nil {
		return "", err
	}
	return body.String(iproto.KeyExpr), nil
}

func TestEcho(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		var versions atomic.Int64
		s, conn := pair(t, pipe, Config{OnSchemaVersion: func(uint64) { versions.Add(1) }})
		go echo(conn)
		var wg sync.WaitGroup
		for g := range 16 {
			wg.Go(func() {
				for i := range 50 {
					want := strings.Repeat(string(rune('a'+g)), i*i)
					if got, err := ask(t.Context(), s, want, 0); err != nil || got != want {
						t.Errorf("sent %d bytes, got %d, %v", len(want), len(got), err)
					}
				}
			})
		}
		wg.Wait()
		if s.InFlight() != 0 || s.SchemaVersion() != 7 || versions.Load() != 1 || s.Stats().Requests != 800 {
			t.Errorf("%d in flight, version %d told %d times, %d requests", s.InFlight(), s.SchemaVersion(), versions.Load(), s.Stats().Requests)
		}
		if err := s.WaitIdle(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestLargeFrames(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		for _, buffer := range []int{1, 5000, 1 << 20} {
			s, conn := pair(t, pipe, Config{ReadBuffer: buffer, WriteBuffer: buffer})
			go echo(conn)
			for _, size := range []int{0, 1, smallBuffer - 20, smallBuffer, smallBuffer + 1, 5000, 128 << 10, 3 << 20} {
				want := strings.Repeat("x", size)
				if got, err := ask(t.Context(), s, want, 0); err != nil || got != want {
					t.Errorf("buffers of %d: sent %d bytes, got %d, %v", buffer, size, len(got), err)
				}
			}
		}
	})
}

// TestBytesOneByOne cuts the answers wherever they can be cut.
func TestBytesOneByOne(t *testing.T) {
	s, conn := pair(t, true, Config{ReadBuffer: 1})
	go func() {
		for {
			h, body, err := readFrame(conn)
			if err != nil {
				return
			}
			for _, b := range answer(wire.Header{Sync: h.Sync}, body) {
				if _, err := conn.Write([]byte{b}); err != nil {
					return
				}
			}
		}
	}()
	for _, want := range []string{"", "x", strings.Repeat("y", 300)} {
		if got, err := ask(t.Context(), s, want, 0); err != nil || got != want {
			t.Errorf("sent %q, got %q, %v", want, got, err)
		}
	}
}

// TestLateAnswers gives up requests whose answers come later, when their slots
// could have been taken by others.
func TestLateAnswers(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		var told atomic.Int64
		s, conn := pair(t, pipe, Config{OnLate: func(wire.Header) { told.Add(1) }})
		const n = 5
		gate := make(chan struct{})
		go func() {
			var late [][]byte
			for range n {
				h, body, err := readFrame(conn)
				if err != nil {
					return
				}
				late = append(late, answer(wire.Header{Sync: h.Sync}, body))
			}
			<-gate
			for _, b := range late {
				if _, err := conn.Write(b); err != nil {
					return
				}
			}
			echo(conn)
		}()
		cause := errors.New("my cause")
		for i := range n {
			var err error
			if i%2 == 0 {
				_, err = ask(t.Context(), s, "old", time.Millisecond)
				if !errors.Is(err, ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a timeout: %v", err)
				}
				continue
			}
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, cause)
			_, err = ask(ctx, s, "old", 0)
			cancel()
			if !errors.Is(err, cause) {
				t.Errorf("a context: %v", err)
			}
		}
		if s.InFlight() != n {
			t.Errorf("%d in flight: a slot whose answer has not come was given away", s.InFlight())
		}
		close(gate)
		for range 20 {
			if got, err := ask(t.Context(), s, "new", 0); got != "new" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		}
		if s.InFlight() != 0 || s.Stats().Late != n || told.Load() != n {
			t.Errorf("%d in flight, %d late", s.InFlight(), s.Stats().Late)
		}
	})
}

// receiver is what takes an answer asynchronously.
type receiver struct {
	done   chan struct{}
	h      wire.Header
	body   []byte
	err    error
	pushes [][]byte
}

func (r *receiver) Receive(h wire.Header, body []byte, err error) {
	r.h, r.body, r.err = h, body, err
	close(r.done)
}

func (r *receiver) Push(body []byte) { r.pushes = append(r.pushes, body) }

func TestReceiverAndPushes(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{})
		go func() {
			for {
				h, body, err := readFrame(conn)
				if err != nil {
					return
				}
				var b []byte
				for range 3 {
					b = append(b, answer(wire.Header{Type: iproto.TypeChunk, Sync: h.Sync}, body)...)
				}
				if _, err := conn.Write(append(b, answer(wire.Header{Sync: h.Sync}, body)...)); err != nil {
					return
				}
			}
		}()
		var all []*receiver
		for i := range 10 {
			slot, err := s.Acquire(t.Context(), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			frame := request(slot, strings.Repeat("x", i))
			r := &receiver{done: make(chan struct{})}
			if all = append(all, r); i%2 == 0 {
				err = s.SendAtOnce(slot, frame, r)
			} else {
				err = s.SendAsync(t.Context(), slot, frame, time.Time{}, r)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for i, r := range all {
			<-r.done
			if r.err != nil || len(r.pushes) != 3 {
				t.Errorf("%d pushes, %v", len(r.pushes), r.err)
			}
			for _, b := range append(r.pushes, r.body) {
				var body wire.Body
				if err := body.Decode(b); err != nil || len(body.String(iproto.KeyExpr)) != i {
					t.Errorf("answer %d is %x, %v", i, b, err)
				}
			}
		}
		if _, err := ask(t.Context(), s, "takes none", 0); err != nil || s.Stats().PushesDropped != 3 {
			t.Errorf("%d pushes dropped, %v", s.Stats().PushesDropped, err)
		}
	})
}

func TestDeath(t *testing.T) {
	for name, kill := range map[string]func(s *Session, conn net.Conn){
		"closed here":  func(s *Session, _ net.Conn) { s.Close() },
		"closed there": func(_ *Session, conn net.Conn) { _ = conn.Close() },
		"garbage":      func(_ *Session, conn net.Conn) { _, _ = conn.Write([]byte{0xc1}) },
		"failed":       func(s *Session, _ net.Conn) { s.Fail(errors.New("mine")) },
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, pipe bool) {
				s, conn := pair(t, pipe, Config{})
				go func() { // reads, and never answers
					for {
						if _, _, err := readFrame(conn); err != nil {
							return
						}
					}
				}()
				var wg sync.WaitGroup
				for range 8 {
					wg.Go(func() {
						_, err := ask(t.Context(), s, "x", 0)
						var lost *LostError
						if !errors.As(err, &lost) || !lost.Sent {
							t.Errorf("a waiting call: %v", err)
						}
					})
				}
				slot, err := s.Acquire(t.Context(), time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				for s.InFlight() < 9 || s.Stats().Writes == 0 {
					time.Sleep(time.Millisecond)
				}
				time.Sleep(5 * time.Millisecond) // the last of them may be about to write
				kill(s, conn)
				wg.Wait()
				<-s.Dead()
				if s.Err() == nil {
					t.Error("no reason")
				}
				frame := request(slot, "unsent")
				var lost *LostError
				if err := s.Send(t.Context(), slot, frame, time.Time{}); !errors.As(err, &lost) || lost.Sent {
					t.Errorf("a send afterwards: %v", err)
				}
				if _, err := s.Acquire(t.Context(), time.Time{}); !errors.As(err, &lost) || lost.Sent {
					t.Errorf("a slot afterwards: %v", err)
				}
				if err := s.SendNoReply([]byte{1}); !errors.As(err, &lost) {
					t.Errorf("a frame afterwards: %v", err)
				}
				s.Trim()
				s.Close()
				s.Close()
			})
		})
	}
}

// TestUnsentSlotsAreGivenBack releases what was taken and not sent.
func TestUnsentSlotsAreGivenBack(t *testing.T) {
	s, _ := pair(t, false, Config{})
	seen := map[uint64]bool{}
	for range 100 {
		slot, err := s.Acquire(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if seen[slot.Sync()] {
			t.Fatalf("sync %d is used twice", slot.Sync())
		}
		seen[slot.Sync()] = true
		s.Release(slot)
	}
	if s.InFlight() != 0 {
		t.Errorf("%d in flight", s.InFlight())
	}
}

func TestWaitIdle(t *testing.T) {
	s, conn := pair(t, true, Config{})
	gate := make(chan struct{})
	go func() {
		h, body, err := readFrame(conn)
		if err != nil {
			return
		}
		<-gate
		_, _ = conn.Write(answer(wire.Header{Sync: h.Sync}, body))
	}()
	done := make(chan error, 1)
	go func() {
		_, err := ask(t.Context(), s, "x", 0)
		done <- err
	}()
	for s.InFlight() == 0 {
		time.Sleep(time.Millisecond)
	}
	cause := errors.New("my cause")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Millisecond, cause)
	defer cancel()
	if err := s.WaitIdle(ctx); !errors.Is(err, cause) {
		t.Errorf("with a request in flight: %v", err)
	}
	close(gate)
	if err := s.WaitIdle(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestEvents(t *testing.T) {
	got := make(chan string, 1)
	s, conn := pair(t, true, Config{OnEvent: func(body []byte) error {
		got <- string(body)
		return nil
	}})
	if _, err := conn.Write(answer(wire.Header{Type: iproto.TypeEvent}, []byte{0x80})); err != nil {
		t.Fatal(err)
	}
	if body := <-got; body != "\x80" {
		t.Errorf("got %q", body)
	}
	read := make(chan error, 1)
	go func() {
		h, _, err := readFrame(conn)
		if err == nil && h.Type != iproto.TypeWatch {
			err = errors.New(h.Type.String())
		}
		read <- err
	}()
	frame := wire.AppendRequestHeader(wire.BeginFrame(nil), wire.Header{Type: iproto.TypeWatch})
	if err := wire.EndFrame(frame, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.SendNoReply(frame); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != nil {
		t.Error(err)
	}
}

// TestReadBufferShrinks looks at the buffer that a reader waits with.
func TestReadBufferShrinks(t *testing.T) {
	small := answer(wire.Header{Sync: 1}, []byte{0x80})
	large := answer(wire.Header{Sync: 2}, append([]byte{0x81, 0x30, 0xdb, 0, 0, 0xc3, 0x50}, make([]byte, 50000)...))
	var stream []byte
	stream = append(append(append(stream, small...), large...), small...)
	src := &steps{chunks: [][]byte{stream, small, small, small}}
	in := newInput(src, 128<<10)
	for i, want := range [][]byte{small, large, small, small, small, small} {
		frame, err := in.buffered(1 << 30)
		if frame == nil && err == nil {
			frame, _, err = in.next(1 << 30)
		}
		if err != nil || !bytes.Equal(frame, want[5:]) {
			t.Fatalf("frame %d: %d bytes, %v", i, len(frame), err)
		}
		if i == 1 && len(in.buf) <= smallBuffer {
			t.Error("the buffer did not grow")
		}
	}
	if len(in.buf) != smallBuffer {
		t.Errorf("it waits with a buffer of %d bytes", len(in.buf))
	}
}

// TestSendersDuringALargeAnswer has a small answer and the begin of a large one
// come together: while the rest is awaited, requests go out, and a wait for
// room ends with its context.
func TestSendersDuringALargeAnswer(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{ReadBuffer: 1, WriteBuffer: 2000})
		const size = 100 << 10
		begun, gate, wrote := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			wrote <- func() error {
				small, _, err := readFrame(conn)
				if err != nil {
					return err
				}
				large, _, err := readFrame(conn)
				if err != nil {
					return err
				}
				text := append([]byte{0x81, byte(iproto.KeyExpr)}, mp.AppendString(nil, strings.Repeat("x", size))...)
				rest := answer(wire.Header{Sync: large.Sync}, text)
				if _, err := conn.Write(append(answer(wire.Header{Sync: small.Sync}, []byte{0x80}), rest[:100]...)); err != nil {
					return err
				}
				close(begun)
				if _, _, err := readFrame(conn); err != nil { // sent while the large one is on its way
					return err
				}
				close(gate)
				_, err = conn.Write(rest[100:])
				return err
			}()
		}()
		slots := make([]*Slot, 2)
		for i := range slots {
			var err error
			if slots[i], err = s.Acquire(t.Context(), time.Time{}); err != nil {
				t.Fatal(err)
			}
			frame := request(slots[i], "x")
			if err := s.Send(t.Context(), slots[i], frame, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Wait(t.Context(), slots[0], time.Time{}); err != nil {
			t.Fatal(err)
		}
		s.Release(slots[0])
		<-begun
		slot, err := s.Acquire(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		frame := request(slot, strings.Repeat("y", 1500))
		if err := s.Send(t.Context(), slot, frame, time.Time{}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-gate:
		case <-time.After(10 * time.Second):
			t.Fatal("the request was held back until the large answer's end")
		}
		if err := <-wrote; err != nil {
			t.Fatal(err)
		}
		if err := s.Wait(t.Context(), slots[1], time.Time{}); err != nil {
			t.Fatal(err)
		}
		var body wire.Body
		if err := body.Decode(slots[1].Body); err != nil || len(body.String(iproto.KeyExpr)) != size {
			t.Errorf("the large answer: %v", err)
		}
		s.Release(slots[1])
		giveUp(s, slot)
	})
}

// steps is a reader that returns a chunk at a time.
type steps struct{ chunks [][]byte }

func (s *steps) Read(b []byte) (int, error) {
	if len(s.chunks) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.chunks[0])
	if s.chunks[0] = s.chunks[0][n:]; len(s.chunks[0]) == 0 {
		s.chunks = s.chunks[1:]
	}
	return n, nil
}

// FuzzReader cuts any bytes into frames, in chunks of any size, and compares
// with cutting them at once.
func FuzzReader(f *testing.F) {
	f.Add(answer(wire.Header{Sync: 1}, []byte{0x80}), uint16(3), uint16(1))
	f.Add([]byte{0xce, 0xff, 0xff, 0xff, 0xff}, uint16(1), uint16(10))
	f.Add(append([]byte{0xcd, 0x20, 0x00}, make([]byte, 0x2000)...), uint16(700), uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, chunk, large uint16) {
		var chunks [][]byte
		for rest := b; len(rest) > 0; {
			n := min(len(rest), int(chunk)+1)
			chunks, rest = append(chunks, rest[:n]), rest[n:]
		}
		in := newInput(&steps{chunks}, int(large))
		const limit = 1 << 20
		for rest := b; ; {
			head, size, headErr := wire.FrameSize(rest)
			frame, err := in.buffered(limit)
			if frame == nil && err == nil {
				frame, _, err = in.next(limit)
			}
			whole := headErr == nil && head > 0 && size <= limit && uint64(len(rest)-head) >= size
			if !whole {
				if err == nil {
					t.Fatalf("%x is a frame: %x", rest, frame)
				}
				return
			}
			if err != nil || !bytes.Equal(frame, rest[head:head+int(size)]) {
				t.Fatalf("got %x, %v of %x", frame, err, rest)
			}
			rest = rest[head+int(size):]
		}
	})
}
