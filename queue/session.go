package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/luacall"
	"github.com/gotnt/tnt/iproto"
)

// A Session is one connection to one server: it ends for good when that is
// lost, as the server's session does.
type Session interface {
	tnt.Executor
	// Lost is closed when the connection is lost, or the server is no master
	// any more.
	Lost() <-chan struct{}
	// Close ends the connection.
	Close()
}

// Sessions opens sessions with whatever server is the master now.
type Sessions interface {
	// Session opens one. It is called again, after a pause, where it fails.
	Session(ctx context.Context) (Session, error)
}

// Servers are the instances of a replica set, or one server: the one whose
// queue runs is the master. All are asked at once, so one that hangs delays no
// other. Waits of the options (RequestTimeout, WaitConnected) don't matter here;
// where PingInterval and DeadAfter are not set they are 1 s and 5 s, as tasks
// wait for a session that hangs.
func Servers(instances ...tnt.Options) Sessions { return servers(instances) }

const (
	pingInterval = time.Second
	deadAfter    = 5 * time.Second
)

type servers []tnt.Options

// isLost reports whether a request failed as its session was lost, before or
// after it was sent.
func isLost(err error) bool {
	return errors.Is(err, tnt.ErrNotConnected) || errors.Is(err, tnt.ErrConnectionLost) || errors.Is(err, tnt.ErrSessionLost)
}

var errNoServers = errors.New("queue: there are no servers: name at least one")

// Session implements Sessions.
func (s servers) Session(ctx context.Context) (Session, error) {
	if len(s) == 0 {
		return nil, errNoServers
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type outcome struct {
		session *connection
		err     error
	}
	outcomes := make(chan outcome, len(s))
	for _, opts := range s {
		go func() {
			session, err := dial(ctx, opts)
			if err != nil {
				err = fmt.Errorf("%s: %w", opts.Address, err)
			}
			outcomes <- outcome{session, err}
		}()
	}
	var found Session
	var failures []error
	for range s {
		got := <-outcomes
		switch {
		case got.err != nil:
			failures = append(failures, got.err)
		case found == nil:
			found = got.session
			cancel() // the others end at once
		default:
			got.session.Close()
		}
	}
	if found == nil {
		return nil, errors.Join(failures...)
	}
	return found, nil
}

// connection is a Session of its own connection, which is never restored.
type connection struct {
	*tnt.Conn
	once sync.Once
	lost chan struct{}
}

func (c *connection) Lost() <-chan struct{} { return c.lost }

func (c *connection) Close() { c.Conn.Close() }

func (c *connection) end() { c.once.Do(func() { close(c.lost) }) }

// dial connects to an instance whose queue runs.
func dial(ctx context.Context, opts tnt.Options) (*connection, error) {
	c := &connection{lost: make(chan struct{})}
	opts.ReconnectInterval, opts.ConnectOnce = tnt.Never, true
	if opts.PingInterval == 0 {
		opts.PingInterval = pingInterval
	}
	if opts.DeadAfter == 0 {
		opts.DeadAfter = deadAfter
	}
	opts.RequestTimeout, opts.WaitConnected = 0, false
	opts.Hooks = append([]tnt.Hook{tnt.StateFunc(func(_ *tnt.Conn, from, to tnt.State, _ error) {
		if from == tnt.Connected && to != tnt.Connected {
			c.end()
		}
	})}, opts.Hooks...)
	conn, err := tnt.ConnectOptions(ctx, opts)
	if err != nil {
		return nil, err
	}
	c.Conn = conn
	if err := running(ctx, conn); err != nil {
		conn.Close()
		return nil, err
	}
	if conn.Features().Has(iproto.FeatureWatchers) {
		c.watch()
	}
	return c, nil
}

// watch ends the session when its server becomes read-only: a take that waits
// there would wait its whole time.
func (c *connection) watch() {
	_, err := c.WatchFunc("box.status", func(e tnt.Event) {
		var status struct {
			IsRO bool `tnt:"is_ro"`
		}
		if e.Decode(&status) == nil && status.IsRO {
			c.end()
		}
	})
	if err != nil {
		c.end()
	}
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
