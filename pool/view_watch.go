package pool

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/gotnt/tnt"
)

// ErrInstanceLeft is why a Watch has ended: the instance that it watched is gone, or is
// not what the view wants any more. Watching again watches another.
var ErrInstanceLeft = errors.New("the watched instance is gone, or has another role now")

// Watch watches a key of one instance (box.watch, 2.10 and later), as tnt.Conn.Watch
// does; the instance is chosen when the loop begins, and waited for. The last pair has
// an error: that of ctx, or ErrInstanceLeft when the session is lost or the instance
// does not fit the view any more.
func (v *View) Watch(ctx context.Context, key string) iter.Seq2[tnt.Event, error] {
	return func(yield func(tnt.Event, error) bool) {
		pinned, err := tnt.Pin(ctx, v)
		if err != nil {
			yield(tnt.Event{}, err)
			return
		}
		watching, cancel := context.WithCancelCause(ctx)
		over := make(chan struct{})
		defer func() {
			cancel(nil)
			<-over
		}()
		go func() {
			defer close(over)
			v.cancelWhenLeft(watching, cancel, pinned)
		}()
		for e, err := range pinned.Conn().Watch(watching, key) {
			if !yield(e, err) {
				return
			}
		}
	}
}

// cancelWhenLeft cancels a watch when its instance does not fit any more.
func (v *View) cancelWhenLeft(ctx context.Context, cancel context.CancelCauseFunc, pinned *tnt.Pinned) {
	for {
		t := v.pool.table.Load()
		if !v.has(t, pinned.Conn()) {
			cancel(ErrInstanceLeft)
			return
		}
		select {
		case <-t.changed:
		case <-pinned.Lost():
			cancel(fmt.Errorf("%w: %w", ErrInstanceLeft, pinned.Err()))
			return
		case <-ctx.Done():
			return
		}
	}
}

// has reports whether a connection is of an instance that the view can choose.
func (v *View) has(t *table, conn *tnt.Conn) bool {
	for _, c := range v.choice(t).fit {
		for _, other := range c.conns {
			if other == conn {
				return true
			}
		}
	}
	return false
}

// WatchOnce asks one instance for the value of a key once (3.0 and later).
func (v *View) WatchOnce(ctx context.Context, key string) (tnt.Event, error) {
	pinned, err := tnt.Pin(ctx, v)
	if err != nil {
		return tnt.Event{}, err
	}
	return pinned.Conn().WatchOnce(ctx, key)
}

// WaitFor waits until an instance fits the view. Its error has the context's cause
// and, of each instance, why it does not fit.
func (v *View) WaitFor(ctx context.Context) error { return v.pool.waitFor(ctx, v, false) }

// Fits reports whether an instance fits the view now. It never blocks.
func (v *View) Fits() bool { return len(v.choice(v.pool.table.Load()).fit) > 0 }
