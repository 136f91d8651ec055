package tnt

import (
	"context"
	"errors"
	"testing"

	"github.com/gotnt/tnt/tnttest"
)

// leaver has CloseGraceful begin at the moment when a session is ready to be the
// connection's, as far as it does before it ends the run.
type leaver struct{ states chan error }

func (leaver) OnConnect(c *Conn, _ ConnectAttempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run.leaving = true
}

func (l leaver) OnState(_ *Conn, _, to State, cause error) {
	if to == Reconnecting {
		l.states <- cause
	}
}

// TestLeavingBeforePublished has CloseGraceful come between a session's handshake and
// the moment from which it is the connection's: it ends, with a reason.
func TestLeavingBeforePublished(t *testing.T) {
	srv := tnttest.Run(t)
	hook := leaver{states: make(chan error, 1)}
	c, err := New(Options{Dialer: srv.DialContext, Hooks: []Hook{hook}})
	if err != nil {
		t.Fatal(err)
	}
	c.Start()
	if cause := <-hook.states; !errors.Is(cause, ErrClosed) {
		t.Errorf("the session ended for %v", cause)
	}
	if err := c.CloseGraceful(context.Background()); err != nil {
		t.Error(err)
	}
}
