package tnt

import (
	"container/list"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/gotnt/tnt/errcode"
)

// StatementCache prepares SQL statements when they are first executed, keeps
// the ones used last, and releases the others on the server. It is safe for
// concurrent use and survives reconnects: a statement that the server has
// forgotten is prepared again when it is executed.
//
//	cache := tnt.NewStatementCache(conn, 100)
//	resp, err := cache.Execute(ctx, `SELECT * FROM "users" WHERE "id" = ?`, 1)
//
// Whom it saves time: a statement's text is parsed and planned by the server
// at each Execute of a Conn, and once here. Statements whose text differs each
// time only push out the others: give values as parameters. The server bounds
// the memory for prepared statements by box.cfg.sql_cache_size, 5 MB if not
// set; beyond it statements are executed without being prepared.
//
// Tarantool 2.6 should not run one INSERT that generates ids again and again
// as a prepared statement: it uses memory that it has freed.
type StatementCache struct {
	ex   Executor
	size int

	mu     sync.Mutex
	closed bool
	cached map[string]*list.Element // of *cachedStatement, by its text
	byUse  list.List                // the one used last is in front
}

// cachedStatement is a statement in a StatementCache.
type cachedStatement struct {
	text  string
	users int // that execute it now, or wait until they can; guarded by mu

	ready    chan struct{} // closed when prepared or err is set
	prepared *Prepared
	err      error
}

var errCacheClosed = errors.New("the statement cache is closed")

// NewStatementCache makes a cache of size statements of ex; at least one. While
// more than that are being executed it is larger.
func NewStatementCache(ex Executor, size int) *StatementCache {
	return &StatementCache{ex: ex, size: max(size, 1), cached: map[string]*list.Element{}}
}

// Execute runs a statement; see the type Execute for the parameters. An error
// of preparing it is not kept.
func (c *StatementCache) Execute(ctx context.Context, statement string, args ...any) (Response, error) {
	return c.execute(ctx, c.ex, statement, args)
}

// ExecuteIn is Execute in a stream of the cache's connection, so in its
// transaction, if it has one.
func (c *StatementCache) ExecuteIn(ctx context.Context, stream *Stream, statement string, args ...any) (Response, error) {
	return c.execute(ctx, stream, statement, args)
}

// Len returns the number of statements in the cache.
func (c *StatementCache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byUse.Len()
}

// Close releases all statements and waits until that is done, but for those
// being executed, which are released afterwards. While the connection is down
// there is nothing to release. Execute fails from now on. Close may be called
// again.
func (c *StatementCache) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	idle := c.trim()
	c.mu.Unlock()
	var errs []error
	for _, f := range c.release(ctx, idle) {
		_, err := f.Wait(ctx)
		if err != nil && !isAny(err, ErrNotConnected, ErrConnectionLost, errcode.WrongQueryID) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (c *StatementCache) execute(ctx context.Context, ex Executor, text string, args []any) (Response, error) {
	ctx = startedAt(ctx, time.Now())
	for {
		s, first, err := c.take(ctx, text)
		if err != nil {
			return Response{}, err
		}
		if first {
			c.prepare(ctx, s)
		}
		switch err = s.wait(ctx, ex); {
		case err != nil:
			err = requestError(Prepare{Statement: text}, err, false)
		case isFull(s.err):
			c.giveBack(ctx, s)
			return Do(ctx, ex, Execute{Statement: text, Args: args})
		case s.err == nil:
			defer c.giveBack(ctx, s) //nolint:gocritic // the loop ends here
			return s.prepared.executeOn(ctx, ex, args)
		case first:
			err = s.err
		}
		c.giveBack(ctx, s)
		if err != nil {
			return Response{}, err
		}
		// Who was to prepare it failed, perhaps by a context of its own.
	}
}

// wait waits until somebody has prepared the statement, or has failed to.
func (s *cachedStatement) wait(ctx context.Context, ex Executor) error {
	select {
	case <-s.ready:
		return nil
	default:
	}
	var expired <-chan time.Time
	if rt, err := ex.Route(ctx, Attempt{Request: Prepare{Statement: s.text}.info(), Try: 1, Began: beganAt(ctx)}); err == nil {
		if deadline := rt.conn.deadlineFor(ctx); !deadline.IsZero() {
			timer := time.NewTimer(time.Until(deadline))
			defer timer.Stop()
			expired = timer.C
		}
	}
	select {
	case <-s.ready:
		return nil
	case <-expired:
		return ErrTimeout
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var errNotPrepared = errors.New("preparing the statement panicked")

// prepare prepares a statement for all who wait for it, though a hook may panic.
func (c *StatementCache) prepare(ctx context.Context, s *cachedStatement) {
	s.err = errNotPrepared
	returned := false
	defer func() {
		close(s.ready)
		if !returned {
			c.giveBack(ctx, s)
		}
	}()
	s.prepared, s.err = NewPrepared(ctx, c.ex, s.text)
	returned = true
}

// take returns a statement, to be given back. The first to take it has to
// prepare it.
func (c *StatementCache) take(ctx context.Context, text string) (s *cachedStatement, first bool, err error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, false, requestError(Prepare{Statement: text}, errCacheClosed, false)
	}
	e, ok := c.cached[text]
	if !ok {
		e = c.byUse.PushFront(&cachedStatement{text: text, ready: make(chan struct{})})
		c.cached[text] = e
	}
	c.byUse.MoveToFront(e)
	s = e.Value.(*cachedStatement)
	s.users++
	idle := c.trim()
	c.mu.Unlock()
	c.release(ctx, idle)
	return s, !ok, nil
}

func (c *StatementCache) giveBack(ctx context.Context, s *cachedStatement) {
	c.mu.Lock()
	s.users--
	if e, ok := c.cached[s.text]; ok && e.Value == s && s.failed() {
		c.byUse.Remove(e)
		delete(c.cached, s.text)
	}
	idle := c.trim()
	c.mu.Unlock()
	c.release(ctx, idle)
}

// failed reports whether the statement could not be prepared.
func (s *cachedStatement) failed() bool {
	select {
	case <-s.ready:
		return s.err != nil
	default:
		return false
	}
}

// trim takes out what is too much, those used longest ago first, and returns
// it. What is in use stays, so that no statement is released under its users.
// mu is held.
func (c *StatementCache) trim() (idle []*cachedStatement) {
	size := c.size
	if c.closed {
		size = 0
	}
	for e := c.byUse.Back(); e != nil && c.byUse.Len() > size; {
		s, before := e.Value.(*cachedStatement), e.Prev()
		if s.users == 0 {
			c.byUse.Remove(e)
			delete(c.cached, s.text)
			idle = append(idle, s)
		}
		e = before
	}
	return idle
}

// isFull reports whether a statement was not prepared because the server has no
// room for more of them (box.cfg.sql_cache_size).
func isFull(err error) bool {
	return isRefused(err) && codeOf(err) == errcode.SQLPrepare && strings.Contains(err.Error(), "limit")
}

// release releases statements on the server. Nobody needs to wait for the
// answers, nor could do anything about an error. Where the session that they were
// prepared in is lost, they went with it, and nothing is sent.
func (c *StatementCache) release(ctx context.Context, idle []*cachedStatement) []*Future {
	if len(idle) == 0 {
		return nil
	}
	rt, err := c.ex.Route(ctx, Attempt{Request: Prepare{}.info(), Try: 1, Began: beganAt(ctx)})
	if err != nil || rt.conn == nil {
		return nil
	}
	l := rt.conn.up.Load()
	if rt.pin != nil {
		l = rt.pin.live
	}
	if l == nil {
		return nil
	}
	var futures []*Future
	for _, s := range idle {
		if s.prepared != nil {
			f := newFuture(nil, rt, Prepare{ID: s.prepared.ID()})
			f.sendAtOnce(l)
			futures = append(futures, f)
		}
	}
	return futures
}
