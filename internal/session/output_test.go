package session

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// TestWritesAreTried has a lone request written by its caller, over what can be
// written to without waiting, in one call.
func TestWritesAreTried(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{})
		if got, want := s.dst.Tries(), canTry && !pipe; got != want {
			t.Errorf("writes are tried: %v", got)
		}
		go echo(conn)
		if _, err := ask(t.Context(), s, "x", 0); err != nil {
			t.Fatal(err)
		}
		waitFor(t, s.isQuiet) // then the write is counted, too
		if stats := s.Stats(); stats.Writes != 1 || stats.Requests != 1 || stats.BytesOut != s.Appended() {
			t.Errorf("one request of %d bytes is counted as %+v", s.Appended(), stats)
		}
	})
}

// TestCloseEndsAWrite closes a session whose peer reads nothing, and goes on to.
func TestCloseEndsAWrite(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{})
		if !pipe { // so that the kernel takes little
			_ = s.conn.(*net.TCPConn).SetWriteBuffer(4 << 10)
			_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		}
		slot := taken(t, s, 1)[0]
		if err := s.Send(t.Context(), slot, request(slot, strings.Repeat("x", 1<<20)), time.Time{}); err != nil {
			t.Fatal(err)
		}
		writes := uint64(1)
		if s.dst.Tries() {
			writes++ // it is gone on with
		}
		waitFor(t, func() bool { return s.Stats().Writes == writes })
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.Close()
		}()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatal("the session does not end")
		}
		if err := s.Wait(t.Context(), slot, time.Time{}); err == nil {
			t.Error("an answer to what was not read")
		}
	})
}

// TestWriteBuffersKept looks at what stays of the buffers that writes had: one to
// write with again, unless it is large, and nothing once the session is idle.
func TestWriteBuffersKept(t *testing.T) {
	both(t, func(t *testing.T, pipe bool) {
		s, conn := pair(t, pipe, Config{})
		go echo(conn)
		spare := func() int {
			waitFor(t, s.isQuiet)
			s.mu.Lock()
			defer s.mu.Unlock()
			return cap(s.spare)
		}
		for _, size := range []int{100, 100 << 10, 2 << 20, 100 << 10} {
			if _, err := ask(t.Context(), s, strings.Repeat("x", size), 0); err != nil {
				t.Fatal(err)
			}
			if kept := spare(); kept > keepSpare || size < keepSpare && kept < size {
				t.Errorf("after a write of %d bytes a buffer of %d is kept", size, kept)
			}
		}
		s.Trim()
		if kept := spare(); kept > keepIdle {
			t.Errorf("an idle session keeps a buffer of %d bytes", kept)
		}
		for _, slot := range s.free {
			if slot.Body != nil {
				t.Errorf("an idle session keeps an answer of %d bytes", cap(slot.Body))
			}
		}
		if _, err := ask(t.Context(), s, "x", 0); err != nil {
			t.Errorf("after it was idle: %v", err)
		}
	})
}

// deaf is a connection that can't be written to.
type deaf struct {
	net.Conn
	err error
}

func (d deaf) Write([]byte) (int, error) { return 0, d.err }

// TestWriteFails ends the session by an error of writing, while nothing is to be
// read.
func TestWriteFails(t *testing.T) {
	mine := errors.New("mine")
	t.Run("any", func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		s := Start(deaf{ours, mine}, Config{MaxFrame: 1 << 20, WriteBuffer: 1 << 20})
		defer s.Close()
		if _, err := ask(t.Context(), s, "x", 10*time.Second); !errors.Is(err, mine) {
			t.Errorf("the request ended with %v", err)
		}
		if err := s.Err(); !errors.Is(err, mine) {
			t.Errorf("the session ended with %v", err)
		}
	})
	for name, size := range map[string]int{"tcp, tried": 10, "tcp, in the background": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			s, _ := pair(t, false, Config{})
			if err := s.conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if size > 10 { // beside another, so that it is not tried
				taken(t, s, 1)
			}
			_, err := ask(t.Context(), s, strings.Repeat("x", size), 10*time.Second)
			var op *net.OpError
			if !errors.As(err, &op) || op.Op != "write" || op.Addr == nil || op.Addr.String() != s.conn.RemoteAddr().String() {
				t.Errorf("the request ended with %v", err)
			}
		})
	}
}
