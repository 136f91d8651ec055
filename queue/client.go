package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gotnt/tnt/internal/luacall"
)

// Options of a Client.
type Options struct {
	// MaxWait is how long a request waits for a master whose queue runs, where
	// its context does not end before. Default: 10 s.
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
	// sweepEvery is how often tasks are looked for that nobody here knows of.
	sweepEvery = 15 * time.Second
)

// Client is a session of the queue's, which lasts until Close. It is safe for
// concurrent use.
type Client struct {
	sessions Sessions
	opts     Options
	ctx      context.Context // ends with the Client
	cancel   context.CancelCauseFunc
	workers  sync.WaitGroup // takes in the background, and the supervisor

	mu       sync.Mutex
	current  *link
	changed  chan struct{} // closed at a change of current
	why      error         // why there is no current one
	identity luacall.Value // the session's UUID, which the module gives out
	age      int           // counts the identities
	held     map[taskKey]*held
	closing  bool
}

// link is a session that was identified.
type link struct {
	Session
	stale chan struct{} // closed when the server answered as one that is not running
	once  sync.Once
	takes sync.WaitGroup // takes on it that have no answer yet
}

func (l *link) leave() { l.once.Do(func() { close(l.stale) }) }

type taskKey struct {
	tube string
	id   ID
}

// Open makes a client, and returns when its session is there, or ctx ends.
func Open(ctx context.Context, sessions Sessions, opts ...Options) (*Client, error) {
	c := &Client{sessions: sessions, changed: make(chan struct{}), held: make(map[taskKey]*held)}
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

// Close ends the client. It waits for takes that were given up, at most 5 s, so
// that what they still get is released; where ctx ends first such a task stays
// taken for as long as the server keeps the session. Tasks that are held are
// not released: finish them before.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closing = true
	l := c.current
	c.mu.Unlock()
	if l != nil {
		done := make(chan struct{})
		go func() {
			l.takes.Wait()
			close(done)
		}()
		select {
		case <-done:
		case <-ctx.Done():
		case <-l.Lost():
		}
		// done is closed at the latest when the connection is, below.
	}
	c.cancel(ErrClosed)
	c.workers.Wait()
	return nil
}

// supervise keeps a session.
func (c *Client) supervise() {
	pause := minPause
	for c.ctx.Err() == nil {
		began := time.Now()
		l, err := c.begin()
		if err != nil {
			c.publish(nil, err)
			c.sleep(pause + rand.N(pause/2))
			pause = min(2*pause, maxPause)
			continue
		}
		c.publish(l, nil)
		err = c.tend(l)
		c.publish(nil, err)
		l.Close()
		l.takes.Wait()
		if time.Since(began) > maxPause {
			pause = minPause
		}
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

// begin opens a session and makes it the client's.
func (c *Client) begin() (*link, error) {
	ctx, cancel := context.WithTimeout(c.ctx, 2*takeSlice)
	defer cancel()
	session, err := c.sessions.Session(ctx)
	if err != nil {
		return nil, err
	}
	l := &link{Session: session, stale: make(chan struct{})}
	if err := c.identify(ctx, l); err != nil {
		l.Close()
		return nil, err
	}
	// Nothing is being taken now, so what is taken by the session and not known
	// here is nobody's.
	c.releaseOrphans(ctx, l, nil)
	return l, nil
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

// tend waits for the end of a session, and looks for lost tasks meanwhile.
func (c *Client) tend(l *link) error {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	var suspects map[taskKey]bool
	for {
		select {
		case <-c.ctx.Done():
			return ErrClosed
		case <-l.Lost():
			return ErrNotRunning
		case <-l.stale:
			return ErrNotRunning
		case <-ticker.C:
			ctx, cancel := context.WithTimeout(c.ctx, takeSlice)
			suspects = c.releaseOrphans(ctx, l, suspects)
			cancel()
		}
	}
}

func (c *Client) publish(l *link, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current, c.why = l, why
	close(c.changed)
	c.changed = make(chan struct{})
}

// link returns the present session that is not the given one, and waits for
// it up to MaxWait.
func (c *Client) link(ctx context.Context, but *link) (*link, error) {
	timer := time.NewTimer(c.opts.MaxWait)
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
		if l != nil && l != but {
			return l, nil
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
