package tnt

import (
	"context"
	"errors"
	"iter"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
)

// Event is the value of a key that box.broadcast sets on the server. It is the
// user's to keep.
type Event struct {
	Key   string
	value []byte // MessagePack; nil: the key was never set

	settings *mp.Settings // what it is read by
}

// IsSet reports whether the key has a value.
func (e Event) IsSet() bool { return e.value != nil }

// Value returns the value untyped, nil for a key that has none.
func (e Event) Value() (any, error) {
	if e.value == nil {
		return nil, nil //nolint:nilnil // no value is a value here
	}
	r := e.settings.Reader(e.value)
	v := r.Value()
	return v, r.Err()
}

// Decode decodes the value into dst, a pointer, which a key without a value
// leaves as it is; for the types see One.
func (e Event) Decode(dst any) error {
	if e.value == nil {
		return nil
	}
	return Tuple{raw: e.value, settings: e.settings}.Decode(dst)
}

// Watch watches a key of the server (box.watch, 2.10 and later) and iterates
// over its values: the present one first, and again after a reconnect, then
// each new one. A loop that is slower than the changes gets the newest. The
// last pair has an error: that of ctx, a *FeatureError where the server has no
// watchers, the server's own where it refuses the watch or the acknowledgement of
// a value, or ErrNotConnected when the connection is ended. A connection that is
// being restored is waited for.
func (c *Conn) Watch(ctx context.Context, key string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w, err := c.watchers.add(c, key)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer w.Unregister()
		for {
			e, ok := w.next(ctx.Done())
			if !ok {
				err := w.Err()
				if err == nil {
					err = watchError(key, context.Cause(ctx))
				}
				yield(Event{}, err)
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// WatchFunc watches a key as Watch does, and calls fn with each value, one call
// at a time, on a goroutine of the watcher's. It ends by Unregister, which fn
// may call, and where a loop of Watch would end with an error; then Done is
// closed and Err tells why.
func (c *Conn) WatchFunc(key string, fn func(Event)) (*Watcher, error) {
	if fn == nil {
		return nil, errors.New("tnt: WatchFunc takes a function, not nil")
	}
	w, err := c.watchers.add(c, key)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			e, ok := w.next(nil)
			if !ok {
				return
			}
			fn(e)
		}
	}()
	return w, nil
}

// WatchOnce asks for the value of a key once (3.0 and later).
func (c *Conn) WatchOnce(ctx context.Context, key string) (Event, error) {
	req := watchOnce{key}
	resp, err := perform(ctx, c, &req)
	if err != nil {
		return Event{}, err
	}
	rows, err := resp.rows()
	if err != nil {
		return Event{}, unread(Route{conn: c}, req, err)
	}
	e := Event{Key: key, settings: c.settings}
	if len(rows) > 0 {
		e.value = rows[0]
	}
	return e, nil
}

// watchOnce is the request IPROTO_WATCH_ONCE.
type watchOnce struct{ key string }

func (watchOnce) Type() iproto.Type { return iproto.TypeWatchOnce }

func (w watchOnce) info() RequestInfo { return RequestInfo{Type: iproto.TypeWatchOnce, Key: w.key} }

func (watchOnce) needs() uint64 { return 1 << iproto.FeatureWatchOnce }

func (w watchOnce) encode(e *encoder) error {
	e.begin()
	e.String(iproto.KeyEventKey, w.key)
	e.B = e.End()
	return nil
}

// Watcher is interest in a key. Its methods are safe for concurrent use.
type Watcher struct {
	all    *watchers
	key    string
	onWire string        // the key in Options.Encoding
	news   chan struct{} // has room for one; there is a value to be seen
	done   chan struct{} // closed when it is over

	seen uint64 // under watchers.mu: the number of the value it had last
	err  error  // likewise; set before done is closed
	over bool   // likewise
}

// Unregister ends the watcher: no call of its function begins after it, though
// one may still be running. It may be called anywhere, and again.
func (w *Watcher) Unregister() { w.all.remove(w) }

// Done is closed when the watcher is over.
func (w *Watcher) Done() <-chan struct{} { return w.done }

// Err returns why the watcher is over, nil after Unregister and before.
func (w *Watcher) Err() error {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	return w.err
}

// next waits for a value that the watcher has not had. It returns false where
// quit is closed or the watcher is over.
func (w *Watcher) next(quit <-chan struct{}) (Event, bool) {
	for {
		select {
		case <-w.news:
			if e, ok := w.all.newest(w); ok {
				return e, true
			}
		case <-w.done:
			return Event{}, false
		case <-quit:
			return Event{}, false
		}
	}
}

// tell makes next look. watchers.mu is held.
func (w *Watcher) tell() {
	select {
	case w.news <- struct{}{}:
	default: // it will look anyway
	}
}
