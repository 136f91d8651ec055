package session

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// alone makes a caller read for itself, by requests that it does one after
// the other.
func alone(t *testing.T, s *Session) {
	t.Helper()
	for s.turns.Load() == 0 || s.turn.Load() != turnFree {
		if _, err := ask(t.Context(), s, "x", 0); err != nil {
			t.Fatal(err)
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

// begin sends a request and waits for it on a goroutine of its own.
func begin(ctx context.Context, s *Session, payload string, timeout time.Duration) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := ask(ctx, s, payload, timeout)
		done <- err
	}()
	return done
}

// TestCallerAloneReads has a caller read for itself, and others come and go
// meanwhile.
func TestCallerAloneReads(t *testing.T) {
	s, conn := pair(t, false, Config{})
	came := make(chan wire.Header, 1)
	go held(conn, came)
	alone(t, s)
	turns := s.turns.Load()
	for range 100 {
		if _, err := ask(t.Context(), s, "x", 0); err != nil {
			t.Fatal(err)
		}
	}
	if s.turns.Load() == turns {
		t.Error("no caller has read for itself")
	}

	// Of several callers, one that waits long leaves the others be.
	for range 20 {
		alone(t, s)
		long := begin(t.Context(), s, "hold", 0)
		h := <-came
		for range 5 {
			if _, err := ask(t.Context(), s, "x", 0); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := conn.Write(answer(wire.Header{Sync: h.Sync}, []byte{0x80})); err != nil {
			t.Fatal(err)
		}
		if err := <-long; err != nil {
			t.Fatal(err)
		}
	}
}

// TestCallerWhoReadsGivesUp has the context, or the timeout, of a caller end
// who reads for itself.
func TestCallerWhoReadsGivesUp(t *testing.T) {
	s, conn := pair(t, false, Config{})
	came := make(chan wire.Header, 1)
	go held(conn, came)

	alone(t, s)
	cause := errors.New("my cause")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := begin(ctx, s, "hold", 0)
	<-came
	cancel(cause)
	if err := <-done; !errors.Is(err, cause) {
		t.Errorf("by context: %v", err)
	}

	done = begin(t.Context(), s, "hold", time.Millisecond)
	<-came
	if err := <-done; !errors.Is(err, ErrTimeout) {
		t.Errorf("by timeout: %v", err)
	}
	if _, err := ask(t.Context(), s, "x", 0); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestNobodyReads sends what no caller waits for while the reading is left to
// callers.
func TestNobodyReads(t *testing.T) {
	events := make(chan string, 1)
	s, conn := pair(t, false, Config{OnEvent: func(body []byte) { events <- string(body) }})
	go held(conn, nil)

	alone(t, s)
	if _, err := conn.Write(answer(wire.Header{Type: iproto.TypeEvent}, []byte{0x80})); err != nil {
		t.Fatal(err)
	}
	if body := <-events; body != "\x80" {
		t.Errorf("the event %q", body)
	}

	alone(t, s)
	slot, err := s.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	frame := request(slot, "x")
	r := &receiver{done: make(chan struct{})}
	if err := s.SendAsync(t.Context(), slot, frame, r); err != nil {
		t.Fatal(err)
	}
	if <-r.done; r.err != nil {
		t.Error(r.err)
	}

	alone(t, s)
	_ = conn.Close()
	<-s.Dead()
}

// TestAttentive has somebody wait for events, so that callers don't read.
func TestAttentive(t *testing.T) {
	s, conn := pair(t, false, Config{})
	go held(conn, nil)
	for range 20 {
		alone(t, s)
		s.SetAttentive(true)
		turns := s.turns.Load()
		for range 2 * aloneBefore {
			if _, err := ask(t.Context(), s, "x", 0); err != nil {
				t.Fatal(err)
			}
		}
		if s.turn.Load() != turnReader || s.turns.Load() != turns {
			t.Fatal("the reader has left its turn")
		}
		s.SetAttentive(false)
	}
}

// TestBecomesAttentive has that change while callers read.
func TestBecomesAttentive(t *testing.T) {
	s, conn := pair(t, false, Config{})
	go held(conn, nil)
	alone(t, s)
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if _, err := ask(t.Context(), s, "x", 0); err != nil {
				stopped <- err
				return
			}
		}
	}()
	for range 300 {
		s.SetAttentive(true)
		for s.turn.Load() != turnReader { // as long as a caller's last turn takes
			time.Sleep(time.Microsecond) // a yield would keep a lone processor from the network
		}
		s.SetAttentive(false)
		for before := s.turns.Load(); s.turns.Load() == before && len(stopped) == 0; {
			time.Sleep(time.Microsecond)
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestCallerInHaste has callers with little time, who don't read for themselves.
func TestCallerInHaste(t *testing.T) {
	s, conn := pair(t, false, Config{})
	go held(conn, nil)
	hasty, cancel := context.WithTimeout(t.Context(), patience/2)
	defer cancel()
	distant, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for name, c := range map[string]struct {
		ctx     context.Context //nolint:containedctx // a case's
		timeout time.Duration
		reads   bool
	}{
		"no end":           {t.Context(), 0, true},
		"a distant end":    {distant, 0, true},
		"a long timeout":   {t.Context(), time.Hour, true},
		"a near end":       {hasty, 0, false},
		"a short timeout":  {t.Context(), patience / 2, false},
		"of two the first": {distant, patience / 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t, s)
			before := s.turns.Load()
			_, err := ask(c.ctx, s, "x", c.timeout)
			if reads := s.turns.Load() > before; reads != c.reads && hasty.Err() == nil {
				t.Errorf("the caller has read: %v", reads)
			}
			if err != nil && hasty.Err() == nil {
				t.Error(err)
			}
		})
	}
}

// TestSessionDiesUnderACallerWhoReads ends the session in several ways.
func TestSessionDiesUnderACallerWhoReads(t *testing.T) {
	for name, end := range map[string]func(s *Session, conn net.Conn){
		"failed": func(s *Session, _ net.Conn) { s.Fail(errors.New("mine")) },
		"closed": func(s *Session, _ net.Conn) { s.Close() },
		"lost":   func(_ *Session, conn net.Conn) { _ = conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s, conn := pair(t, false, Config{})
			came := make(chan wire.Header, 1)
			go held(conn, came)
			alone(t, s)
			done := begin(t.Context(), s, "hold", 0)
			<-came
			end(s, conn)
			var lost *LostError
			if err := <-done; !errors.As(err, &lost) || !lost.Sent {
				t.Errorf("got %v", err)
			}
			s.Close()
		})
	}
}

// TestPanicOfACallerWhoReads has a function panic that is told of an event on
// the goroutine of a caller, who recovers.
func TestPanicOfACallerWhoReads(t *testing.T) {
	var s *Session
	notYet, panicked := make(chan struct{}), make(chan any)
	s, conn := pair(t, false, Config{OnEvent: func([]byte) {
		if s.turn.Load() == turnCaller {
			panic("told")
		}
		notYet <- struct{}{} // the caller has been interrupted
	}})
	came := make(chan wire.Header, 1)
	go held(conn, came)
	for {
		alone(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			defer func() {
				if r := recover(); r != nil {
					panicked <- r
				}
			}()
			_, _ = ask(ctx, s, "hold", 0)
		}()
		h := <-came
		if _, err := conn.Write(answer(wire.Header{Type: iproto.TypeEvent}, []byte{0x80})); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-panicked:
			if got != "told" {
				t.Errorf("recovered %v", got)
			}
			<-s.Dead()
			if err := s.Err(); !errors.Is(err, errPanicked) {
				t.Errorf("died of %v", err)
			}
			return
		case <-notYet:
			cancel()
			if _, err := conn.Write(answer(wire.Header{Sync: h.Sync}, []byte{0x80})); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestLargeAnswerToACallerWhoReads leaves what takes long to the reader.
func TestLargeAnswerToACallerWhoReads(t *testing.T) {
	s, conn := pair(t, false, Config{ReadBuffer: 1})
	go held(conn, nil)
	for _, size := range []int{smallBuffer / 2, smallBuffer, 3 * smallBuffer, 1 << 20} {
		alone(t, s)
		text := strings.Repeat("x", size)
		got, err := ask(t.Context(), s, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got != text {
			t.Errorf("%d bytes: another answer", size)
		}
	}
}
