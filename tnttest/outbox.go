package tnttest

import (
	"net"
	"sync"
)

// outbox holds what is to be written to a connection. Its own goroutine
// writes, so that whoever answers or broadcasts never waits for a client.
type outbox struct {
	nc   net.Conn
	gate func() bool // waits while nothing may be written; false: no more will

	mu     sync.Mutex
	wake   *sync.Cond // something to write, or the end
	room   *sync.Cond // less than outboxLimit left to write, or the end
	buf    []byte
	last   bool // nothing more will come
	closed bool

	ended chan struct{} // closed when run returns
}

// outboxLimit is how many bytes may wait for a client that does not read
// before the server reads no more from it.
const outboxLimit = 8 << 20

func newOutbox(nc net.Conn, gate func() bool) *outbox {
	o := &outbox{nc: nc, gate: gate, ended: make(chan struct{})}
	o.wake, o.room = sync.NewCond(&o.mu), sync.NewCond(&o.mu)
	return o
}

// write puts bytes at the end.
func (o *outbox) write(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.last {
		return
	}
	o.buf = append(o.buf, b...)
	o.wake.Signal()
}

// finish lets run return when all is written.
func (o *outbox) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = true
	o.wake.Signal()
}

func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.buf = nil
	o.wake.Signal()
	o.room.Broadcast()
}

// waitForRoom returns when the client has read enough, false at the end.
func (o *outbox) waitForRoom() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.buf) > outboxLimit && !o.closed {
		o.room.Wait()
	}
	return !o.closed
}

// run writes until the end.
func (o *outbox) run() {
	defer close(o.ended)
	var spare []byte
	for {
		o.mu.Lock()
		for len(o.buf) == 0 && !o.closed && !o.last {
			o.wake.Wait()
		}
		if o.closed || len(o.buf) == 0 {
			o.mu.Unlock()
			return
		}
		b := o.buf
		o.buf = spare[:0]
		o.room.Broadcast()
		o.mu.Unlock()
		open := o.gate()
		var err error
		if open {
			_, err = o.nc.Write(b)
		}
		if !open || err != nil {
			o.close()
			_ = o.nc.Close()
			return
		}
		if spare = b; cap(spare) > outboxLimit {
			spare = nil
		}
	}
}
