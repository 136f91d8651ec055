package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/luacall"
)

// Options of a Client.
type Options struct {
	// MaxWait is until when a call waits for a master whose queue runs, and goes on
	// to another one, since it began. The end of its context, and where that has no
	// deadline the connection's RequestTimeout, come first: see Client. Default: 10 s.
	MaxWait time.Duration
}

const (
	defaultMaxWait = 10 * time.Second
	// takeSlice bounds the wait of one request to take: whoever gives up
	// leaves one of those behind.
	takeSlice = 5 * time.Second
	// Pauses between attempts to find a master.
	minPause = 20 * time.Millisecond
	maxPause = 300 * time.Millisecond
	// lookEvery is how often it is looked whether another server is the master.
	lookEvery = time.Second
	// strayLooks is how often sessions of nobody's are looked for after a reconnect, each
	// lookEvery; later it is done as often as for such tasks.
	strayLooks = 3
	// closeTime bounds Close where the server does not answer. A take's wait and as much
	// again are in it.
	closeTime = 2 * takeSlice
	// sweepEvery is how often tasks are looked for that nobody here knows of.
	sweepEvery = 15 * time.Second
)

// Client is a session of the queue's, which lasts until Close. It is safe for
// concurrent use.
//
// A call, however many requests it takes, ends with its context. Where that has no
// deadline it ends by the RequestTimeout of the connection, which bounds all that it
// waits for together, a master too, as any other call there; its error is
// tnt.ErrTimeout then. Put has its PutOptions.Wait besides. Without a RequestTimeout
// a call sends no request to another master than its first when MaxWait has passed,
// and one that is on its way then lasts until it is answered, or the connection is
// found dead (DeadAfter). Only Take, Tasks and Work wait for tasks as long as their
// contexts do, whatever RequestTimeout there is.
type Client struct {
	masters tnt.Executor
	opts    Options
	ctx     context.Context // ends with the Client
	cancel  context.CancelCauseFunc
	workers sync.WaitGroup // takes in the background, and the supervisor
	takes   sync.WaitGroup // those that have no answer yet

	// The supervisor's own: links behind it that may have takes, and tasks that
	// may be nobody's.
	left     []*link
	suspects map[taskKey]bool
	// early says that the suspects are from before the first take on the present
	// link: when those on the links before are over, they are nobody's.
	early bool
	// strays are sessions of nobody's, as a server told when it was looked last, and looks
	// is how often they are still looked for, as a connection was lost.
	strays luacall.Value
	looked time.Time
	looks  int

	mu       sync.Mutex
	current  *link
	changed  chan struct{} // closed at a change of current
	why      error         // why there is no current one
	timeout  time.Duration // RequestTimeout of the connection that was used last
	identity luacall.Value // the session's UUID, which the module gives out
	age      int           // counts the identities
	held     map[taskKey]*held
	closing  bool
}

type taskKey struct {
	tube string
	id   ID
}

// Open makes a client on whatever chooses the master: a pool, whose switches of the
// master it follows, or the connection to a single server. It returns when the
// client's session is there, ctx ends, or MaxWait has passed. Other requests may use the pool or the
// connection too, but only one Client: to the server a connection is one session.
// They are not closed by the Client, and must not be before it is.
//
// That a server hangs is noticed by the connections' PingInterval and DeadAfter.
func Open(ctx context.Context, masters tnt.Executor, opts ...Options) (*Client, error) {
	if masters == nil {
		return nil, errNoMasters
	}
	c := &Client{masters: masters, strays: noStrays, changed: make(chan struct{}), held: make(map[taskKey]*held)}
	if len(opts) > 1 {
		return nil, fmt.Errorf("queue: %d options were given where one is taken", len(opts))
	}
	if len(opts) == 1 {
		c.opts = opts[0]
	}
	if c.opts.MaxWait <= 0 {
		c.opts.MaxWait = defaultMaxWait
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	c.workers.Go(c.supervise)
	if _, err := c.link(ctx, nil); err != nil {
		c.cancel(ErrClosed)
		c.workers.Wait()
		return nil, err
	}
	return c, nil
}

var errNoMasters = errors.New("queue: there is nothing to choose the master: give Open a pool or a connection")

// Close ends the client. It waits for takes that were given up, 5 s where nothing comes
// to take and 10 s at most, so that what they still get is released. They can't be
// called back: the module has no way to, and the connection, which others use too, can't
// be closed for it. A take that was only left would get its task all the same, and keep
// it for as long as the connection is up and then for queue.cfg.ttr, which is also what
// happens where ctx ends first. Tasks that are held are not released: finish them
// before.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		c.takes.Wait()
		close(done)
	}()
	timer := time.NewTimer(closeTime)
	defer timer.Stop()
	select {
	case <-done:
	case <-ctx.Done():
	case <-timer.C:
	}
	c.cancel(ErrClosed)
	<-done // as they end with the client
	c.workers.Wait()
	return nil
}

// supervise keeps a session.
func (c *Client) supervise() {
	pause := minPause
	for c.ctx.Err() == nil {
		began := time.Now()
		l, err := c.begin()
		if err == nil {
			c.publish(l, nil)
			err = c.tend(l)
			c.publish(nil, err)
			c.end(l)
			if time.Since(began) > maxPause {
				pause = minPause
				continue // the next one is there at once, but not where it never lasts
			}
		} else {
			c.publish(nil, err)
		}
		c.sleep(pause + rand.N(pause/2))
		pause = min(2*pause, maxPause)
	}
}

func (c *Client) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	}
}

// tend waits for the end of a session, and looks for lost tasks meanwhile.
func (c *Client) tend(l *link) error {
	defer l.watch()()
	sweep, look := time.NewTicker(sweepEvery), time.NewTicker(lookEvery)
	defer sweep.Stop()
	defer look.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return ErrClosed
		case <-l.Lost():
			return ErrNotRunning
		case <-l.stale:
			return ErrNotRunning
		case <-look.C:
			if c.hasMoved(l) {
				return ErrNotRunning
			}
			if c.early && len(c.suspects) > 0 && c.isQuiet() {
				c.sweep(l)
			}
			if c.looks > 0 || len(c.strays) > len(noStrays) {
				c.looks = max(0, c.looks-1)
				c.bounded(func(ctx context.Context) { c.endStrays(ctx, l) })
			}
		case <-sweep.C:
			c.sweep(l)
		}
	}
}

// sweep looks for tasks that are nobody's.
func (c *Client) sweep(l *link) {
	c.bounded(func(ctx context.Context) {
		c.suspects, c.early = c.releaseOrphans(ctx, l, c.suspects, false), false
		c.endStrays(ctx, l)
	})
}

// bounded does what must not keep the supervisor for long.
func (c *Client) bounded(do func(context.Context)) {
	ctx, cancel := context.WithTimeout(c.ctx, takeSlice)
	defer cancel()
	do(ctx)
}

func (c *Client) publish(l *link, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current, c.why = l, why
	if l != nil {
		c.timeout = l.Conn().Options().RequestTimeout
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// link returns the present session that is not the given one, and waits for
// it as long as the call may.
func (c *Client) link(ctx context.Context, but *link) (*link, error) {
	until := c.until(ctx)
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	for {
		c.mu.Lock()
		l, why, changed := c.current, c.why, c.changed
		c.mu.Unlock()
		if c.ctx.Err() != nil {
			return nil, ErrClosed
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if l != nil && but == nil || l != nil && l != but && time.Now().Before(until) {
			return l, nil
		}
		if errors.Is(why, errShared) {
			return nil, why
		}
		select {
		case <-changed:
		case <-c.ctx.Done():
		case <-ctx.Done():
			if why != nil {
				return nil, fmt.Errorf("%w (%w)", context.Cause(ctx), why)
			}
		case <-timer.C:
			return nil, fmt.Errorf("%w: waited %v: %w", ErrNotRunning, c.opts.MaxWait, reason(why))
		}
	}
}

func reason(why error) error {
	if why == nil {
		return ErrNotRunning
	}
	return why
}
