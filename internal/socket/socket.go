// Package socket reads and writes plain sockets by system calls that Go's
// scheduler is not told of.
//
// Package net tells it of each, as any system call may block. Where the process
// had nothing to do, as between a request and its answer, that wakes the
// scheduler's monitor thread, and to wake it and have it fall asleep again takes
// more of the CPU than the call itself. These calls don't wait for data or for
// room, so the scheduler need not know; a pulse sees to it that the monitor does
// not sleep for long. What they may wait for is the kernel's lock on the socket:
// while much is written, the scheduler is told of reads as well.
package socket

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
)

// Socket is a plain socket. One goroutine may read while another writes. Whoever
// closes or interrupts it does so by its net.Conn.
type Socket struct {
	conn    net.Conn
	raw     syscall.RawConn
	in, out transfer
	quick   bool        // the scheduler need not be told of calls, while the pulse beats
	long    atomic.Bool // a write is going on that may hold the kernel's lock for long
}

// transfer is a system call and what came of it, kept so that none allocates.
type transfer struct {
	call func(fd uintptr) (done bool)
	buf  []byte
	n    int
	err  error
}

// Of returns conn as a Socket, or nil where it is none: connections of TLS and
// net.Pipe have to be read and written by goroutines that may wait there.
func Of(conn net.Conn) *Socket {
	switch conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		if raw, err := conn.(syscall.Conn).SyscallConn(); err == nil && hasSystemCalls {
			return newSocket(conn, raw)
		}
	}
	return nil
}

func newSocket(conn net.Conn, raw syscall.RawConn) *Socket {
	s := &Socket{conn: conn, raw: raw, quick: quickMost > 0 && !inBubble()}
	s.in.call = func(fd uintptr) bool {
		s.in.do(systemRead, fd, s.quick && !s.long.Load() && monitored.beats())
		return s.in.err != syscall.EAGAIN //nolint:errorlint // a system call's own error
	}
	s.out.call = func(fd uintptr) bool {
		s.out.do(systemWrite, fd, s.quick && len(s.out.buf) <= quickMost && monitored.beats())
		return true // whatever came of it: never wait
	}
	return s
}

// do calls until nothing interrupts.
func (t *transfer) do(call func(fd uintptr, p []byte, quick bool) (int, error), fd uintptr, quick bool) {
	for {
		t.n, t.err = call(fd, t.buf, quick)
		if t.err != syscall.EINTR { //nolint:errorlint // a system call's own error
			return
		}
	}
}

// end returns what came of the call and lets go of the buffer.
func (t *transfer) end() (n int, err error) {
	n, err = max(t.n, 0), t.err
	t.buf, t.n, t.err = nil, 0, nil
	return n, err
}

// Read implements io.Reader: it reads what there is, and waits where there is
// nothing, until the connection's deadline.
func (s *Socket) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	s.in.buf = p
	err := s.raw.Read(s.in.call)
	n, callErr := s.in.end()
	switch {
	case err != nil: // closed, or past the deadline
		return 0, renamed("read", err)
	case callErr != nil:
		return n, s.named("read", callErr)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write implements io.Writer: it waits until all is written, or the connection's
// deadline.
func (s *Socket) Write(p []byte) (int, error) {
	s.long.Store(true)
	defer s.long.Store(false)
	return s.conn.Write(p)
}

// TryWrite writes as much as the kernel takes at once, which may be nothing.
func (s *Socket) TryWrite(p []byte) (int, error) {
	if len(p) > quickMost {
		s.long.Store(true)
		defer s.long.Store(false)
	}
	s.out.buf = p
	err := s.raw.Write(s.out.call)
	n, callErr := s.out.end()
	switch {
	case err != nil: // closed
		return n, renamed("write", err)
	case callErr == syscall.EAGAIN: //nolint:errorlint // a system call's own error
		return 0, nil
	case callErr != nil:
		return n, s.named("write", callErr)
	}
	return n, nil
}

// renamed gives an error of syscall.RawConn, which is the caller's alone, the
// operation that package net gives it.
func renamed(op string, err error) error {
	var named *net.OpError
	if errors.As(err, &named) {
		named.Op = op
	}
	return err
}

// named gives a system call's error the words that package net gives it.
func (s *Socket) named(call string, err error) error {
	local, remote := s.conn.LocalAddr(), s.conn.RemoteAddr()
	return &net.OpError{Op: call, Net: local.Network(), Source: local, Addr: remote, Err: os.NewSyscallError(call, err)}
}
