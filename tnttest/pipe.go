package tnttest

import (
	"context"
	"net"
)

// Dial opens a connection inside of the process: a net.Pipe, which works in a
// testing/synctest bubble and needs no port. Start the server inside of the
// bubble too.
func (s *Server) Dial(ctx context.Context) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if s.ctx.Err() != nil {
		return nil, ErrClosed
	}
	if s.isDown() {
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: errRefused}
	}
	client, server := net.Pipe()
	s.serveConn(server)
	return client, nil
}

// DialContext is Dial in the form of net.Dialer's method. It takes any address.
func (s *Server) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return s.Dial(ctx)
}

// isDown reports whether the server was killed and not started again, or is about
// to end.
func (s *Server) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down || s.shutdown
}
