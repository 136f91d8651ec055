package tnttest

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
)

// Conn is a connection that a client has to the server.
type Conn struct {
	srv *Server
	nc  net.Conn
	id  uint64
	out *outbox

	ctx    context.Context // done when the connection is gone
	cancel context.CancelFunc
	done   chan struct{} // closed when all of it has ended
	wg     sync.WaitGroup

	salt  [wire.SaltSize]byte
	slots chan struct{} // one for each request being served
	stall stall

	// Of the goroutine that reads.
	relay  *relay // of a follower, nil: it has not subscribed
	hangUp bool   // accept ended the connection by an answer

	// Guarded by Server.mu.
	user     *memtx.User
	features uint64 // a bit for each that the client has
	streams  map[uint64]*stream
	watches  map[string]*watch
	prepared map[uint32]string // statements by their ids
}

// readChunk is how much room a read from the network has at least.
const readChunk = 16 << 10

func newConn(s *Server, nc net.Conn, id uint64) *Conn {
	c := &Conn{
		srv: s, nc: nc, id: id,
		done:    make(chan struct{}),
		slots:   make(chan struct{}, max(s.opts.msgMax, 1)),
		user:    s.engine.User("guest"),
		streams: make(map[uint64]*stream),
		watches: make(map[string]*watch),
	}
	c.ctx, c.cancel = context.WithCancel(s.ctx)
	c.out = newOutbox(nc, func() bool { return s.frozen.wait(c.ctx) })
	return c
}

// ID returns the number of the connection, from 1 on.
func (c *Conn) ID() uint64 { return c.id }

// RemoteAddr returns the address of the client.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Close closes the connection at once, as a server does that is killed.
func (c *Conn) Close() { c.close() }

// Done is closed when the connection has ended and its transactions are rolled
// back.
func (c *Conn) Done() <-chan struct{} { return c.done }

func (c *Conn) close() {
	c.cancel()
	c.out.close()
	_ = c.nc.Close()
	c.stall.set(false)
}

// serve greets the client, answers its requests and cleans up.
func (c *Conn) serve() {
	defer close(c.done)
	go c.out.run()
	if g, err := c.srv.greeting(); err == nil {
		c.salt = g.Salt
		c.out.write(wire.AppendGreeting(nil, g))
		if c.read() {
			c.out.finish() // the last answers are still to be written
			<-c.out.ended
		}
	}
	c.close()
	<-c.out.ended
	c.leave()
	c.wg.Wait()
	c.rollback()
}

// read takes requests until the peer leaves. It returns true where the server
// is the one to hang up.
func (c *Conn) read() (hangUp bool) {
	var buf []byte
	for {
		for {
			n, bad, closing := c.frame(buf)
			if closing {
				return bad
			}
			if n == 0 {
				break
			}
			buf = buf[n:]
		}
		if !c.stall.wait(c.ctx) || !c.srv.frozen.wait(c.ctx) || c.relay == nil && !c.out.waitForRoom() {
			return false
		}
		if cap(buf)-len(buf) < readChunk {
			grown := make([]byte, len(buf), max(2*len(buf), readChunk)+readChunk)
			copy(grown, buf)
			buf = grown
		}
		n, err := c.nc.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err != nil || !c.srv.frozen.wait(c.ctx) {
			return false
		}
	}
}

// frame serves the request at the start of buf and returns its length, 0 where
// it is not all there. closing tells to end the connection: with an answer
// still to be written (answered), or at once.
func (c *Conn) frame(buf []byte) (n int, answered, closing bool) {
	head, size, err := wire.FrameSize(buf)
	if err != nil {
		c.reply(wire.Header{}, errorReply(errMsgpack("packet length")))
		return 0, true, true
	}
	// The real server looks at a length when there is a byte behind it.
	if head == 0 || len(buf) <= head {
		return 0, false, false
	}
	if size > c.srv.opts.maxPacket {
		c.reply(wire.Header{}, errorReply(errMsgpack("too big packet size in the header: %d", size)))
		return 0, true, true
	}
	if uint64(len(buf)-head) < size {
		return 0, false, false
	}
	n = head + int(size)
	if !c.accept(buf[head:n]) {
		return 0, c.hangUp, true
	}
	return n, false, false
}

// leave ends what the client began, but for the transactions of handlers that
// still run.
func (c *Conn) leave() {
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	for key := range c.watches {
		s.unwatch(c, key)
	}
}

// rollback ends the transactions that the client left open.
func (c *Conn) rollback() {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	for _, st := range c.streams {
		if st.txn != nil {
			st.txn.Rollback()
		}
	}
	clear(c.streams)
}

// flush lets what is to be written be written, for at most that long, and takes
// nothing more.
func (c *Conn) flush(most time.Duration) {
	c.out.finish()
	late := make(chan struct{})
	stop := c.srv.clock.AfterFunc(most, func() { close(late) })
	defer stop()
	select {
	case <-c.out.ended:
	case <-late:
	case <-c.ctx.Done():
	}
}

// has reports whether the client announced a feature.
func (c *Conn) has(f iproto.Feature) bool { return c.features&(1<<f) != 0 }

// stall holds the reading of a connection up.
type stall struct {
	mu   sync.Mutex
	gate chan struct{} // nil: open
}

func (s *stall) set(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case on && s.gate == nil:
		s.gate = make(chan struct{})
	case !on && s.gate != nil:
		close(s.gate)
		s.gate = nil
	}
}

// on reports whether it holds something up.
func (s *stall) on() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gate != nil
}

// wait returns when reading may go on, false where the connection is gone.
func (s *stall) wait(ctx context.Context) bool {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// StallReads stops the server reading from the connection, so that the
// client's writes block once the network's buffers are full, or lets it go on.
// What is being read already is still served.
func (c *Conn) StallReads(on bool) { c.stall.set(on) }
