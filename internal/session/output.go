package session

import (
	"net"
	"os"
	"sync/atomic"
	"syscall"
)

// piece is how many bytes are written at once where the system does not say how
// many of a longer write have gone, so that a slow write is no silence.
const piece = 64 << 10

// output writes to a connection, for one goroutine at a time, and counts what
// has gone.
type output struct {
	conn    net.Conn
	raw     syscall.RawConn // nil where a write can't be tried without waiting
	socket  syscall.RawConn // nil where there is none, or it is not to be had
	written atomic.Uint64   // bytes
	writes  atomic.Uint64   // calls

	// Of the write that goes on, kept here so that none allocates.
	buf  []byte // what is left of it
	err  error
	once func(fd uintptr) (done bool)
	all  func(fd uintptr) (done bool)
}

func newOutput(conn net.Conn) *output {
	o := &output{conn: conn}
	switch conn.(type) {
	case *net.TCPConn, *net.UnixConn: // not those of TLS, whose sockets are not to be written to
		if raw, err := conn.(syscall.Conn).SyscallConn(); err == nil && canTry {
			o.raw = raw
		}
	}
	o.socket = socketOf(conn)
	o.once = func(fd uintptr) bool {
		o.step(fd)
		return true // whatever came of it: never wait
	}
	o.all = func(fd uintptr) bool {
		for o.step(fd) {
		}
		return o.err != nil || len(o.buf) == 0 // else it is called again when there is room
	}
	return o
}

// socketOf returns the socket of a connection, under TLS too; nil for none.
func socketOf(conn net.Conn) syscall.RawConn {
	if over, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = over.NetConn()
	}
	if under, ok := conn.(syscall.Conn); ok {
		if raw, err := under.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// taken returns how many bytes the peer's side has taken of those written, as far as
// the system tells: what waits in its buffers, some megabytes, has gone nowhere yet.
func (o *output) taken() uint64 {
	written := o.written.Load()
	if o.socket == nil {
		return written
	}
	return written - min(written, unsent(o.socket))
}

// step writes what the kernel takes, and reports whether it may take more.
func (o *output) step(fd uintptr) bool {
	n, err := tryWrite(fd, o.buf)
	o.buf, o.err = o.buf[n:], err
	o.written.Add(uint64(n))
	return n > 0 && len(o.buf) > 0 && err == nil
}

// Tries reports whether Try can be used.
func (o *output) Tries() bool { return o.raw != nil }

// Try writes as much as the kernel takes at once, which may be nothing.
func (o *output) Try(b []byte) (n int, err error) {
	o.writes.Add(1)
	return o.through(o.once, b)
}

// Write writes all. It waits for room until the connection is closed.
func (o *output) Write(b []byte) (n int, err error) {
	o.writes.Add(1)
	if o.Tries() {
		return o.through(o.all, b)
	}
	for n < len(b) && err == nil {
		var some int
		some, err = o.conn.Write(b[n:min(len(b), n+piece)])
		o.written.Add(uint64(some))
		n += some
	}
	return n, err
}

// through has package net call fn where the socket may be written to.
func (o *output) through(fn func(fd uintptr) bool, b []byte) (n int, err error) {
	o.buf, o.err = b, nil
	err = o.raw.Write(fn)
	n = len(b) - len(o.buf)
	if err == nil && o.err != nil { // in the words of package net
		local, remote := o.conn.LocalAddr(), o.conn.RemoteAddr()
		err = &net.OpError{Op: "write", Net: local.Network(), Source: local, Addr: remote, Err: os.NewSyscallError("write", o.err)}
	}
	o.buf = nil
	return n, err
}
