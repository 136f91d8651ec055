package tnttest

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
)

// Server is a Tarantool in this process. Its methods may be called from any
// goroutine. Make one with Run or Start.
type Server struct {
	opts    options
	clock   Clock
	started time.Time

	uuid, replicaset uuid.UUID

	ctx    context.Context // done when the server closes
	cancel context.CancelFunc
	wg     sync.WaitGroup // all goroutines of the server

	// mu is the transaction thread: whoever holds it works with the engine,
	// the watchers and the connections' sessions. It is never held while
	// bytes are read or written, nor while a handler runs. The members of a
	// replica set share one, so that they can change each other.
	mu         *sync.Mutex
	engine     *memtx.Engine
	handlers   map[string]Handler
	evals      map[string]Handler
	statements []*sqlHandler
	events     map[string]*event
	conns      map[*Conn]struct{}
	listeners  []net.Listener
	lastConn   uint64

	changes  changeLog
	severing int // rows that followers get until one is cut off; 0: none is

	schemaVersion atomic.Uint64 // of the engine, to be read without mu
	closed        bool
	shutdown      bool
	member        *member // of a replica set, nil: the server is alone
	down          bool    // it was killed and not started again

	frozen stall // holds all connections up

	faults faultTable
	log    requestLog
}

// ErrClosed is returned by what needs a server that was closed.
var ErrClosed = errors.New("tnttest: the server is closed")

// Start makes a server that listens on no address yet.
func Start(opts ...Option) (*Server, error) {
	s, err := newServer(new(sync.Mutex), opts)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.publishState()
	return s, nil
}

// newServer makes a server that has published nothing yet.
func newServer(mu *sync.Mutex, opts []Option) (*Server, error) {
	s := &Server{
		mu:       mu,
		opts:     defaultOptions(),
		handlers: make(map[string]Handler),
		evals:    make(map[string]Handler),
		events:   make(map[string]*event),
		conns:    make(map[*Conn]struct{}),
		uuid:     uuid.New(), replicaset: uuid.New(),
	}
	for _, opt := range opts {
		opt(&s.opts)
	}
	s.clock = s.opts.clock
	s.started = s.clock.Now()
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.engine = memtx.New()
	s.engine.Now = s.clock.Now
	s.engine.OnSchemaChange = s.publishSchema
	if err := s.nameReplicaSet(); err != nil {
		s.cancel()
		return nil, err
	}
	s.changes.off, s.changes.limit = s.opts.noLog, s.opts.maxLog
	s.changes.followers = make(map[uuid.UUID]*relay)
	s.engine.OnCommit = s.committed
	s.log.limit = s.opts.logLimit
	s.registerBuiltins()
	if err := s.prepare(); err != nil {
		s.cancel()
		return nil, err
	}
	return s, nil
}

// prepare makes the users and spaces of the options.
func (s *Server) prepare() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opts.guestAll {
		s.engine.GrantSuper("guest")
	}
	for _, u := range s.opts.users {
		if err := s.createUser(u.name, u.password); err != nil {
			return err
		}
	}
	for _, q := range s.opts.sequences {
		if err := s.createSequence(q); err != nil {
			return err
		}
	}
	for _, sp := range s.opts.spaces {
		if err := s.createSpace(sp); err != nil {
			return err
		}
	}
	return nil
}

// Listen opens a TCP port or a unix socket and serves it until the server
// closes: network "tcp" and address "127.0.0.1:0", or "unix" and a path.
func (s *Server) Listen(network, address string) (net.Addr, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	if err := s.Serve(l); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l.Addr(), nil
}

// Serve takes connections from a listener, in the background, until the server
// closes. It closes the listener then.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.down {
		return ErrClosed
	}
	s.listeners = append(s.listeners, l)
	s.wg.Go(func() { s.accept(l) })
	return nil
}

func (s *Server) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			if s.ctx.Err() != nil || errors.Is(err, net.ErrClosed) || !s.listening(l) {
				return
			}
			s.sleep(10 * time.Millisecond) // out of descriptors, perhaps
			continue
		}
		s.serveConn(nc)
	}
}

// serveConn greets a peer and serves it in the background.
func (s *Server) serveConn(nc net.Conn) {
	s.mu.Lock()
	if s.closed || s.down || s.shutdown || s.faults.refusing() {
		s.mu.Unlock()
		_ = nc.Close()
		return
	}
	s.lastConn++
	c := newConn(s, nc, s.lastConn)
	s.conns[c] = struct{}{}
	s.wg.Go(c.serve)
	s.mu.Unlock()
}

// greeting returns what a connection starts with.
func (s *Server) greeting() (wire.Greeting, error) {
	g := wire.Greeting{Version: s.opts.version, Protocol: "Binary", UUID: s.uuid.String()}
	_, err := rand.Read(g.Salt[:])
	return g, err
}

// Addr returns the address of the first listener, "" where there is none.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.member != nil:
		return s.member.address
	case len(s.listeners) == 0:
		return ""
	}
	return s.listeners[0].Addr().String()
}

// listening reports whether a listener is still one of the server's.
func (s *Server) listening(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.listeners, l)
}

// Connections returns the connections that are open, in the order in which they came.
func (s *Server) Connections() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	slices.SortFunc(conns, func(a, b *Conn) int { return cmp.Compare(a.id, b.id) })
	return conns
}

// Shutdown asks the clients to leave, by the event box.shutdown, and waits
// until they have or ctx is done. Then it closes the server.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.announceShutdown()
	s.mu.Unlock()
	err := s.waitForConns(ctx)
	return errors.Join(err, s.Close())
}

// announceShutdown listens no more and tells the clients to leave. Those that
// don't watch for that are cut off. The lock is held.
func (s *Server) announceShutdown() {
	s.shutdown = true
	for _, l := range s.listeners {
		_ = l.Close()
	}
	s.broadcast("box.shutdown", []byte{0xc3})
	for c := range s.conns {
		if !c.watchesShutdown() {
			c.close()
		}
	}
}

// waitForConns waits until no connection is left.
func (s *Server) waitForConns(ctx context.Context) error {
	for _, c := range s.Connections() {
		select {
		case <-c.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Close closes all connections and waits until every goroutine of the server
// has ended, handlers too. It may be called more than once.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	if s.member != nil {
		s.member.stop()
	}
	s.cancel()
	for _, l := range s.listeners {
		_ = l.Close()
	}
	for c := range s.conns {
		c.close()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return nil
}

// sleep waits, unless the server closes before.
func (s *Server) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	done := make(chan struct{})
	stop := s.clock.AfterFunc(d, func() { close(done) })
	defer stop()
	select {
	case <-done:
	case <-s.ctx.Done():
	}
}
