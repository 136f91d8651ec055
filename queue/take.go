package queue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/gotnt/tnt/internal/luacall"
)

// Take takes a task, and waits for one as long as ctx does; its error is then
// ErrNoTask, and the cause of ctx. It waits for a master for MaxWait at a time, and is
// ErrNotRunning then. Where the data can't be decoded the error is
// a *tnt.DecodeError and the Task is returned all the same, to be buried.
func Take[T any](ctx context.Context, t Tube) (*Task[T], error) {
	for {
		wait := takeSlice
		if deadline, ok := ctx.Deadline(); ok {
			wait = min(wait, max(0, time.Until(deadline)))
		}
		h, data, err := t.take(ctx, wait)
		switch {
		case err == nil:
			return taskOf[T](h, data)
		case ctx.Err() != nil:
			return nil, fmt.Errorf("%w: %w", ErrNoTask, context.Cause(ctx))
		case !errors.Is(err, ErrNoTask):
			return nil, err
		}
	}
}

// TryTake takes a task that is ready. Its error is ErrNoTask where none is.
func TryTake[T any](ctx context.Context, t Tube) (*Task[T], error) {
	ctx, cancel := t.client.call(ctx, 0)
	defer cancel()
	h, data, err := t.take(ctx, 0)
	if err != nil {
		return nil, err
	}
	return taskOf[T](h, data)
}

func taskOf[T any](h *held, data luacall.Value) (*Task[T], error) {
	task := &Task[T]{ID: h.id, held: h}
	err := luacall.DecodeInto(data, nil, &task.Data)
	return task, err
}

// Tasks iterates over tasks as they are taken, until ctx ends. Errors come as
// pairs: after one of decoding, with the Task, and after ErrNotRunning, the loop
// may go on; any other is the last.
func Tasks[T any](ctx context.Context, t Tube) iter.Seq2[*Task[T], error] {
	return func(yield func(*Task[T], error) bool) {
		for ctx.Err() == nil {
			task, err := Take[T](ctx, t)
			if err != nil && ctx.Err() != nil && task == nil {
				return
			}
			if !yield(task, err) {
				return
			}
			if err != nil && task == nil && !errors.Is(err, ErrNotRunning) {
				return
			}
		}
	}
}

// taken is the outcome of one request to take.
type taken struct {
	held *held
	data luacall.Value
	err  error
}

// take asks once for a task. A caller whose context ends leaves the request
// behind, and whoever hears its answer releases what it took.
func (t Tube) take(ctx context.Context, wait time.Duration) (*held, luacall.Value, error) {
	var last *link
	for {
		l, err := t.client.enter(ctx, last) // a variable of this request's own: its goroutine may be late
		if err != nil {
			return nil, nil, err
		}
		last = l
		answer := make(chan taken)
		gone := make(chan struct{})
		t.client.workers.Go(func() { t.takeOn(l, wait, answer, gone) })
		var got taken
		select {
		case got = <-answer:
		case <-l.stale:
			close(gone)
			continue
		case <-ctx.Done():
			close(gone)
			return nil, nil, context.Cause(ctx)
		}
		switch {
		case errors.Is(got.err, ErrNotRunning), isLost(got.err), errors.Is(got.err, context.DeadlineExceeded):
			// What a lost request took is found and released by the next session.
			l.leave()
		default:
			return got.held, got.data, got.err
		}
	}
}

// enter is link for a request to take, which the link is not left before.
func (c *Client) enter(ctx context.Context, but *link) (*link, error) {
	for {
		l, err := c.link(ctx, but)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		present := c.current == l
		if c.closing {
			c.mu.Unlock()
			return nil, ErrClosed
		}
		if present {
			l.enter()
			c.takes.Add(1)
			c.mu.Unlock()
			return l, nil
		}
		c.mu.Unlock()
	}
}

// takeOn takes on a session, which it was entered for.
func (t Tube) takeOn(l *link, wait time.Duration, answer chan<- taken, gone <-chan struct{}) {
	defer t.client.takes.Done()
	defer l.exit()
	got := t.ask(l, wait)
	select {
	case answer <- got:
		return
	case <-gone:
	}
	if got.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(t.client.ctx, takeSlice)
	defer cancel()
	// Where this fails the task, forgotten here, is released as an orphan.
	_, _ = luacall.Do(ctx, l, t.method("release"), got.held.id)
	t.client.forget(got.held)
}

func (t Tube) ask(l *link, wait time.Duration) taken {
	// The server answers after wait at the latest. A RequestTimeout of the
	// connection's, which may be less, must not have the answer missed.
	ctx, cancel := context.WithTimeout(t.client.ctx, wait+takeSlice)
	defer cancel()
	results, err := luacall.Do(ctx, l, t.method("take"), luacall.Seconds(wait))
	switch {
	case err != nil:
		return taken{err: named(err)}
	case len(results) == 0:
		return taken{err: ErrNoTask}
	case refused(results):
		return taken{err: ErrNotRunning}
	}
	e, err := parseEntry(results[0])
	if err != nil {
		return taken{err: err}
	}
	return taken{held: t.client.hold(t, e), data: e.data}
}
