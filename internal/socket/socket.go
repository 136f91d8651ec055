// Package socket reads and writes plain sockets by system calls that Go's
// scheduler is not told of.
//
// Package net tells it of each, as any system call may block. Where the process
// had nothing to do, as between a request and its answer, that wakes the
// scheduler's monitor thread, and to wake it and have it fall asleep again takes
// more of the CPU than the call itself. These calls never block, so the
// scheduler need not know; a pulse sees to it that the monitor does not sleep
// for long.
package socket

import (
	"io"
	"net"
	"os"
	"syscall"
)

// Socket is a plain socket. One goroutine may read while another writes. Whoever
// closes or interrupts it does so by its net.Conn.
type Socket struct {
	conn    net.Conn
	raw     syscall.RawConn
	in, out transfer
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
	s := &Socket{conn: conn, raw: raw}
	s.in.call = func(fd uintptr) bool {
		s.in.do(systemRead, fd, quickMost > 0 && monitored.beats())
		return s.in.err != syscall.EAGAIN //nolint:errorlint // a system call's own error
	}
	s.out.call = func(fd uintptr) bool {
		s.out.do(systemWrite, fd, len(s.out.buf) <= quickMost && monitored.beats())
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
	s.in.buf = p
	err := s.raw.Read(s.in.call)
	n, callErr := s.in.end()
	switch {
	case err != nil: // closed, or past the deadline
		return 0, err
	case callErr != nil:
		return n, s.named("read", callErr)
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// TryWrite writes as much as the kernel takes at once, which may be nothing.
func (s *Socket) TryWrite(p []byte) (int, error) {
	s.out.buf = p
	err := s.raw.Write(s.out.call)
	n, callErr := s.out.end()
	switch {
	case err != nil: // closed
		return n, err
	case callErr == syscall.EAGAIN: //nolint:errorlint // a system call's own error
		return 0, nil
	case callErr != nil:
		return n, s.named("write", callErr)
	}
	return n, nil
}

// named gives a system call's error the words that package net gives it.
func (s *Socket) named(call string, err error) error {
	local, remote := s.conn.LocalAddr(), s.conn.RemoteAddr()
	return &net.OpError{Op: call, Net: local.Network(), Source: local, Addr: remote, Err: os.NewSyscallError(call, err)}
}
