package session

import (
	"net"
	"os"
	"sync/atomic"
	"syscall"
)

// output is where a session writes to, one goroutine at a time, and counts the
// bytes as they go.
type output struct {
	conn    net.Conn
	raw     syscall.RawConn // nil where a write can't be tried without waiting
	written atomic.Uint64   // bytes

	// Of the write that goes on, kept here so that none allocates.
	buf  []byte
	n    int
	err  error
	try  func(fd uintptr) (done bool)
	push func(fd uintptr) (done bool)
}

// piece is how many bytes are written at once where the system does not say how
// many of a longer write have gone, so that a slow write is no silence.
const piece = 64 << 10

func newOutput(conn net.Conn) *output {
	o := &output{conn: conn}
	switch conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		if raw, err := conn.(syscall.Conn).SyscallConn(); err == nil && canTry {
			o.raw = raw
		}
	}
	o.try = func(fd uintptr) bool {
		o.step(fd)
		return true // whatever came of it: never wait
	}
	o.push = func(fd uintptr) bool {
		for before := -1; o.err == nil && o.n < len(o.buf) && o.n > before; {
			before = o.n
			o.step(fd)
		}
		return o.err != nil || o.n == len(o.buf)
	}
	return o
}

// step writes what the kernel takes.
func (o *output) step(fd uintptr) {
	n, err := tryWrite(fd, o.buf[o.n:])
	o.n += n
	o.err = err
	o.written.Add(uint64(n))
}

// canTry reports whether Try can be used.
func (o *output) canTry() bool { return o.raw != nil }

// Try writes as much as the kernel takes at once, which may be nothing.
func (o *output) Try(b []byte) (int, error) { return o.through(b, o.try) }

// Write implements io.Writer. It waits until all is written or the connection
// is closed.
func (o *output) Write(b []byte) (int, error) {
	if o.canTry() {
		return o.through(b, o.push)
	}
	done := 0
	for done < len(b) {
		n, err := o.conn.Write(b[done:min(len(b), done+piece)])
		o.written.Add(uint64(n))
		if done += n; err != nil {
			return done, err
		}
	}
	return done, nil
}

// through writes by a function that is called when the kernel has room.
func (o *output) through(b []byte, fn func(fd uintptr) bool) (int, error) {
	o.buf, o.n, o.err = b, 0, nil
	err := o.raw.Write(fn)
	if err == nil && o.err != nil {
		local, remote := o.conn.LocalAddr(), o.conn.RemoteAddr()
		err = &net.OpError{Op: "write", Net: local.Network(), Source: local, Addr: remote, Err: os.NewSyscallError("write", o.err)}
	}
	o.buf = nil
	return o.n, err
}
