package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/luacall"
	"github.com/gotnt/tnt/iproto"
)

// link is a session of a server whose queue runs, which knows it as the client's.
type link struct {
	*tnt.Pinned
	once  sync.Once
	stale chan struct{} // closed when the link is not to be used any more

	takes  sync.WaitGroup // takes on it that have no answer yet
	taking atomic.Int32   // how many there are
}

// enter and exit stand around a take.
func (l *link) enter() {
	l.takes.Add(1)
	l.taking.Add(1)
}

func (l *link) exit() {
	l.taking.Add(-1)
	l.takes.Done()
}

// leave has the client look for another session.
func (l *link) leave() { l.once.Do(func() { close(l.stale) }) }

// isLost reports whether a request failed as its session was lost, before or
// after it was sent.
func isLost(err error) bool {
	return errors.Is(err, tnt.ErrNotConnected) || errors.Is(err, tnt.ErrConnectionLost) || errors.Is(err, tnt.ErrSessionLost)
}

// The connections that clients use. To the server a connection is one session, so
// two clients on one would take each other's tasks for lost ones.
var used = struct {
	sync.Mutex
	by map[*tnt.Conn]*Client
}{by: make(map[*tnt.Conn]*Client)}

var errShared = errors.New("queue: the connection is another Client's already: share that Client, or open another connection")

// use makes a connection the client's. It reports whether it is.
func (c *Client) use(conn *tnt.Conn) bool {
	used.Lock()
	defer used.Unlock()
	if used.by[conn] == nil {
		used.by[conn] = c
	}
	return used.by[conn] == c
}

// unuse gives up a connection.
func unuse(conn *tnt.Conn) {
	used.Lock()
	defer used.Unlock()
	delete(used.by, conn)
}

// begin chooses a session of the master's and makes it the client's.
func (c *Client) begin() (l *link, err error) {
	ctx, cancel := context.WithTimeout(c.ctx, 2*takeSlice)
	defer cancel()
	pinned, err := tnt.Pin(ctx, c.masters)
	if err != nil {
		return nil, err
	}
	if !c.use(pinned.Conn()) {
		return nil, errShared
	}
	defer func() {
		if err != nil {
			unuse(pinned.Conn())
		}
	}()
	l = &link{Pinned: pinned, stale: make(chan struct{})}
	if err := running(ctx, l); err != nil {
		return nil, err
	}
	if err := c.identify(ctx, l); err != nil {
		return nil, err
	}
	c.suspects, c.early = c.releaseOrphans(ctx, l, nil, c.isQuiet()), true
	c.looks = strayLooks
	c.endStrays(ctx, l) // links may never last as long as it takes to look
	return l, nil
}

// isQuiet reports whether no take is going on, once those are over whose session is
// lost. What is taken by the client's session and not known here is nobody's then.
func (c *Client) isQuiet() bool {
	for len(c.left) > 0 {
		switch l := c.left[0]; {
		case l.Err() != nil:
			l.takes.Wait() // they fail at once
		case l.taking.Load() > 0:
			return false
		}
		c.left = c.left[1:]
	}
	return true
}

// end leaves a session behind. Takes on it that have no answer yet go on: who waits
// for one of them leaves it, and what it still gets is released.
func (c *Client) end(l *link) {
	l.leave()
	unuse(l.Conn())
	c.left = append(c.left, l)
}

// watch has the link left when its server becomes read-only: a take that waits
// there would wait its whole time. It returns what ends the watch.
func (l *link) watch() (stop func()) {
	if !l.Conn().Features().Has(iproto.FeatureWatchers) {
		return func() {}
	}
	w, err := l.Conn().WatchFunc("box.status", func(e tnt.Event) {
		var status struct {
			IsRO bool `tnt:"is_ro"`
		}
		if e.Decode(&status) == nil && status.IsRO {
			l.leave()
		}
	})
	if err != nil {
		return func() {} // the connection has ended, and so has its session
	}
	return w.Unregister
}

// hasMoved reports whether requests for the master go to another instance now: a pool may
// have several connections to the same one.
func (c *Client) hasMoved(l *link) bool {
	ctx, cancel := context.WithTimeout(c.ctx, minPause)
	defer cancel()
	rt, err := c.masters.Route(ctx, tnt.Attempt{Try: 1, Began: time.Now()})
	return err == nil && rt.Conn() != l.Conn() && rt.Conn().InstanceUUID() != l.InstanceUUID()
}

// identify has the server know the connection as the client's session.
func (c *Client) identify(ctx context.Context, l *link) error {
	c.mu.Lock()
	known := c.identity
	c.mu.Unlock()
	if !known.IsNil() {
		_, err := luacall.Do(ctx, l, "queue.identify", known)
		if err == nil || !isUnknownSession(err) {
			return named(err)
		}
	}
	results, err := luacall.Do(ctx, l, "queue.identify")
	if err != nil {
		return named(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.identity = luacall.At(results, 0)
	c.age++
	clear(c.held) // those of the session before are anybody's now
	return nil
}

// running returns an error where the server's queue does not run.
func running(ctx context.Context, ex tnt.Executor) error {
	results, err := luacall.Do(ctx, ex, "queue.state")
	if err != nil {
		return named(err)
	}
	if state := luacall.At(results, 0).Text(); state != "RUNNING" {
		return fmt.Errorf("%w: its state is %s", ErrNotRunning, state)
	}
	return nil
}
