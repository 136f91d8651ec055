package tnt

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/session"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// watchers is what a connection watches: one subscription on the server for
// each key, however many watchers it has. Its lock may be taken while Conn.mu
// is held, and is held while that of a session is taken, so that subscriptions
// are sent in the order of the changes; nothing waits meanwhile.
type watchers struct {
	mu      sync.Mutex
	session *live                    // nil while not connected
	keys    map[string]*subscription // by their bytes on the wire, in Options.Encoding
	last    uint64                   // the number of the newest subscription
	// settings are what values are read by.
	settings *mp.Settings
	// refused tells that the server refused something on this session: it may watch
	// keys for the connection that the connection does not know of any more.
	refused bool
}

type subscription struct {
	key      string // as the user has it
	id       uint64 // from 1 on; requests bear it, so that one that is refused is known
	watchers map[*Watcher]struct{}
	value    []byte
	number   uint64 // of the value, 0: none came yet
	stale    bool   // the value is of a session that is lost, as the supervisor has seen
}

// add registers a watcher.
func (ws *watchers) add(c *Conn, key string) (*Watcher, error) {
	onWire, err := c.encodeString(key)
	if err != nil {
		return nil, watchError(key, fmt.Errorf("the key can't be written in the connection's encoding: %w", err))
	}
	c.mu.Lock() // so that the connection does not end meanwhile
	defer c.mu.Unlock()
	if c.run == nil && c.last != nil || c.run != nil && c.run.isLeaving() {
		return nil, watchError(key, &notConnectedError{cause: c.last})
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.session != nil {
		if err := ws.session.supports(1 << iproto.FeatureWatchers); err != nil {
			return nil, watchError(key, err)
		}
	}
	w := &Watcher{all: ws, key: key, onWire: onWire, news: make(chan struct{}, 1), done: make(chan struct{})}
	sub := ws.keys[onWire]
	if sub == nil {
		ws.last++
		sub = &subscription{key: key, id: ws.last, watchers: map[*Watcher]struct{}{}}
		if ws.keys == nil {
			ws.keys = map[string]*subscription{}
		}
		ws.keys[onWire] = sub
		if onWire == shutdownKey || ws.refused { // watched already: only a new watch brings the present value
			ws.send(iproto.TypeUnwatch, sub.id, onWire)
		}
		ws.send(iproto.TypeWatch, sub.id, onWire)
	}
	sub.watchers[w] = struct{}{}
	if sub.number > 0 && !sub.stale && ws.session.session.Err() == nil {
		w.tell()
	} else {
		w.seen = sub.number
	}
	return w, nil
}

func watchError(key string, err error) error {
	return &RequestError{Request: RequestInfo{Type: iproto.TypeWatch, Key: key}, Err: err, fate: FateUnsent}
}

// remove ends a watcher, and the subscription with the last one of its key.
func (ws *watchers) remove(w *Watcher) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if w.over {
		return
	}
	w.over = true
	close(w.done)
	sub := ws.keys[w.onWire]
	delete(sub.watchers, w)
	if len(sub.watchers) == 0 {
		delete(ws.keys, w.onWire)
		if w.onWire != shutdownKey { // which the connection itself watches
			ws.send(iproto.TypeUnwatch, sub.id, w.onWire)
		}
	}
}

// newest returns the value of a watcher's key, unless it has had it.
func (ws *watchers) newest(w *Watcher) (Event, bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	sub := ws.keys[w.onWire]
	if w.over || sub.number == w.seen {
		return Event{}, false
	}
	w.seen = sub.number
	return Event{Key: w.key, value: sub.value, settings: ws.settings}, true
}

// send sends WATCH, which also acknowledges an event, or UNWATCH, for a subscription or,
// with 0, for the connection itself. Neither has an answer. mu is held.
func (ws *watchers) send(typ iproto.Type, id uint64, key string) {
	if ws.session == nil {
		return
	}
	if b, err := appendWatch(nil, typ, id, key); err == nil {
		_ = ws.session.session.SendNoReply(b) // a dead session is replaced, and then all is sent again
	}
}

// appendWatch appends the frame of a WATCH or an UNWATCH.
func appendWatch(b []byte, typ iproto.Type, id uint64, key string) ([]byte, error) {
	start := len(b)
	b = wire.AppendRequestHeader(wire.BeginFrame(b), wire.Header{Type: typ, Sync: session.NoReplySync(id)})
	w := wire.NewBody(b)
	w.String(iproto.KeyEventKey, key)
	b = w.End()
	return b, wire.EndFrame(b, start)
}

// attach subscribes to everything on a new session.
func (ws *watchers) attach(ctx context.Context, l *live) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.session, ws.refused = l, false
	if err := l.supports(1 << iproto.FeatureWatchers); err != nil {
		ws.failAll(err)
		return
	}
	ws.send(iproto.TypeWatch, 0, shutdownKey)
	if len(ws.keys) > 0 {
		go ws.subscribe(ctx, l, slices.Collect(maps.Keys(ws.keys)))
	}
}

// watchPiece is how many bytes of subscriptions are handed over at once.
const watchPiece = 16 << 10

// subscribe subscribes to keys on a session, a piece at a time: a connection may
// watch more of them than fit into the write buffer. It ends with the session.
func (ws *watchers) subscribe(ctx context.Context, l *live, keys []string) {
	for len(keys) > 0 && l.session.WaitForRoom(ctx, watchPiece, time.Time{}) == nil {
		keys = ws.subscribeSome(l, keys)
	}
}

// subscribeSome sends a piece of the subscriptions, and returns the keys that are
// left. The lock is held until it is sent: a key that nobody watches any more must not
// be subscribed to after its UNWATCH.
func (ws *watchers) subscribeSome(l *live, keys []string) (rest []string) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.session != l {
		return nil
	}
	var b []byte
	for ; len(keys) > 0 && len(b) < watchPiece; keys = keys[1:] {
		sub := ws.keys[keys[0]]
		if sub == nil {
			continue
		}
		if longer, err := appendWatch(b, iproto.TypeWatch, sub.id, keys[0]); err == nil {
			b = longer
		}
	}
	if l.session.SendNoReply(b) != nil {
		return nil
	}
	return keys
}

// detach forgets a session that is lost.
func (ws *watchers) detach() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.session = nil
	for _, sub := range ws.keys {
		sub.stale = true
	}
}

// end ends all watchers with the connection.
func (ws *watchers) end(err error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.session = nil
	ws.failAll(err)
}

// failAll ends all watchers. mu is held.
func (ws *watchers) failAll(err error) {
	for _, sub := range ws.keys {
		sub.fail(watchError(sub.key, err))
	}
	ws.keys = nil
}

// fail ends the watchers of a key. watchers.mu is held.
func (sub *subscription) fail(err error) {
	for w := range sub.watchers {
		w.over, w.err = true, err
		close(w.done)
	}
}

// event takes an IPROTO_EVENT of a session, on its reader's goroutine.
// One that can't be read ends the session: nobody could acknowledge it, and without
// that its key's watchers would wait for values that do not come.
func (c *Conn) event(l *live, content []byte) error {
	var body wire.Body
	if err := body.Decode(content); err != nil {
		return fmt.Errorf("an event can't be read: %w", err)
	}
	key := body.String(iproto.KeyEventKey)
	var value []byte
	if body.Has(iproto.KeyEventData) {
		value = append([]byte{}, c.decoded(body.Raw(iproto.KeyEventData))...)
	}
	for range c.watchers.set(l, key, value) {
		c.hooks.onDrop(c, Drop{Key: c.decodedString(key)})
	}
	return nil
}

var msgpackTrue = []byte{0xc3}

// set makes a value the newest of its key, and returns how many watchers, or
// the one that is gone, will not see the value that they should have had.
func (ws *watchers) set(l *live, key string, value []byte) (dropped int) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.session != l {
		return 0 // late, of a session that is lost; or early: attach asks again
	}
	if key == shutdownKey && bytes.Equal(value, msgpackTrue) {
		select {
		case <-l.shutdown:
		default:
			close(l.shutdown)
		}
	}
	sub := ws.keys[key]
	if sub == nil {
		if key != shutdownKey {
			return 1
		}
		ws.send(iproto.TypeWatch, 0, key)
		return 0
	}
	for w := range sub.watchers {
		if w.seen < sub.number {
			dropped++
		}
		w.tell()
	}
	sub.value, sub.stale = value, false
	sub.number++
	ws.send(iproto.TypeWatch, sub.id, key)
	return dropped
}

// watchRefused takes the answer to a WATCH or an UNWATCH, on the reader's goroutine: the
// server sends one where it refuses the request. Without it the key's watchers would
// wait for values that do not come. It returns false where there are none any more.
func (c *Conn) watchRefused(l *live, id uint64, h wire.Header, body []byte) bool {
	return h.Type&iproto.TypeError != 0 && c.watchers.refuse(l, id, c.refused(h.Type, c.decoded(body)))
}

// refuse ends the watchers of a subscription that the server refused. It returns false
// where there are none any more.
func (ws *watchers) refuse(l *live, id uint64, err error) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.session != l {
		return false
	}
	ws.refused = true
	for onWire, sub := range ws.keys {
		if sub.id == id {
			delete(ws.keys, onWire)
			sub.fail(&RequestError{Request: RequestInfo{Type: iproto.TypeWatch, Key: sub.key}, Err: err, fate: FateRefused})
			return true
		}
	}
	return false
}
