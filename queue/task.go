package queue

import (
	"context"
	"errors"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/luacall"
)

// held is a task that this client's session has taken.
type held struct {
	tube Tube
	id   ID
	age  int    // of the client's identity
	sum  uint64 // of what was put: the module gives a number again

	turn chan struct{} // whose it is to finish: one at a time
	over atomic.Bool   // changed by who has the turn
}

// hold remembers a task. One that was taken before is not the first taker's any
// more: its time to run has passed.
func (c *Client) hold(t Tube, e entry) *held {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := &held{tube: t, id: e.id, age: c.age, sum: sumOf(e.data), turn: make(chan struct{}, 1)}
	c.held[taskKey{t.name, e.id}] = h
	return h
}

var sumSeed = maphash.MakeSeed()

func sumOf(data luacall.Value) uint64 { return maphash.Bytes(sumSeed, data) }

// has reports whether the task is still the session's, as far as known here.
// The server knows numbers of sessions only, not which of two takers in one
// asks.
func (c *Client) has(h *held) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.age == h.age && c.held[taskKey{h.tube.name, h.id}] == h
}

func (c *Client) forget(h *held) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if key := (taskKey{h.tube.name, h.id}); c.held[key] == h {
		delete(c.held, key)
	}
}

// Task is a task that was taken. One of Ack, Release, Bury and Delete ends it;
// afterwards they are ErrNotTaken. Its methods are safe for concurrent use.
type Task[T any] struct {
	ID   ID
	Data T

	held *held
}

// Tube returns the tube that the task is of.
func (t *Task[T]) Tube() Tube { return t.held.tube }

// Ack ends the task as done. Where its connection was lost on the way, it asks
// on the next one whether it was done.
func (t *Task[T]) Ack(ctx context.Context) error { return t.held.finish(ctx, "ack") }

// Delete removes the task.
func (t *Task[T]) Delete(ctx context.Context) error { return t.held.finish(ctx, "delete") }

// Release gives the task to the next taker, after a delay where the tube's
// kind has them.
func (t *Task[T]) Release(ctx context.Context, delay time.Duration) error {
	if delay <= 0 {
		return t.held.finish(ctx, "release")
	}
	return t.held.finish(ctx, "release", map[string]any{"delay": luacall.Seconds(delay)})
}

// Bury sets the task aside until it is kicked.
func (t *Task[T]) Bury(ctx context.Context) error { return t.held.finish(ctx, "bury") }

var errTouch = errors.New("queue: a touch gives more time, so it takes a positive one")

// Touch gives the taker that much more time to run. The kinds without a ttl
// refuse it.
func (t *Task[T]) Touch(ctx context.Context, more time.Duration) error {
	h := t.held
	c := h.tube.client
	if more <= 0 {
		return errTouch
	}
	if h.isOver(ctx) || !c.has(h) {
		return ErrNotTaken
	}
	_, err := h.tube.entry(ctx, request{text: h.tube.method("touch"), args: []any{h.id, luacall.Seconds(more)}, mute: true})
	return err
}

// isOver reports whether the task is finished, when nobody is at it any more, or ctx has
// ended.
func (h *held) isOver(ctx context.Context) bool {
	select {
	case h.turn <- struct{}{}:
		<-h.turn
	case <-ctx.Done():
	}
	return h.over.Load()
}

// finish ends a task. It may be tried again where it failed, but for
// ErrNotTaken.
func (h *held) finish(ctx context.Context, method string, more ...any) error {
	if h.over.Load() {
		return ErrNotTaken
	}
	c := h.tube.client
	ctx, cancel := c.call(ctx, 0)
	defer cancel()
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if h.over.Load() || !c.has(h) {
		return ErrNotTaken
	}
	err := h.tryFinish(ctx, method, append([]any{h.id}, more...))
	if err == nil || errors.Is(err, ErrNotTaken) || errors.Is(err, ErrNoTask) {
		h.over.Store(true)
		c.forget(h)
	}
	return err
}

// tryFinish does a request that ends a task. Where its answer is lost it is done again
// only while the server has the task as it was taken: the newest task's number is given
// again when that is gone, and the request would end another one.
func (h *held) tryFinish(ctx context.Context, method string, args []any) error {
	for {
		_, err := h.tube.client.do(ctx, request{text: h.tube.method(method), args: args})
		if err == nil || !isLost(err) || tnt.SafeToRetry(err) {
			return err
		}
		e, why := h.tube.entry(ctx, request{text: h.tube.method("peek"), args: []any{h.id}, again: true})
		switch {
		case errors.Is(why, ErrNoTask):
			return nil // by the request
		case why != nil:
			return notFound(why, err)
		case e.state == Done, sumOf(e.data) != h.sum:
			return nil // likewise: the latter is another one
		case e.state != Taken && (method == "release" || method == "bury" && e.state == Buried):
			return nil
		case e.state != Taken:
			return ErrNotTaken
		}
	}
}
