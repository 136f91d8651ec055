package soaktest

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
)

// watchKeys is how many keys each client watches.
const watchKeys = 3

// watching is one watcher of one client.
type watching struct {
	name string
	seen atomic.Uint64
	stop context.CancelFunc
	done chan struct{}
}

// watch has a client watch, where it and the server can.
func (r *run) watch(ctx context.Context, c *client) (all []*watching) {
	w, ok := c.ex.(interface {
		Watch(ctx context.Context, key string) iter.Seq2[tnt.Event, error]
	})
	if !ok || !r.Server.has() {
		return nil
	}
	for n := range watchKeys {
		one := &watching{name: c.name + " of " + keyOf(n), done: make(chan struct{})}
		var inner context.Context
		inner, one.stop = context.WithCancel(ctx)
		all = append(all, one)
		_, isConn := c.ex.(*tnt.Conn)
		go func() {
			defer close(one.done)
			for inner.Err() == nil {
				err := r.follow(inner, one, w.Watch(inner, keyOf(n)))
				if err != nil && isConn && !isRefused(err) { // a pool's ends with the role of its instance
					r.wrong("watcher %s ended: %v", one.name, err)
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		}()
	}
	return all
}

// isRefused reports whether the server refused the watch, which the fault of embedded
// servers that refuses requests of all types does.
func isRefused(err error) bool { return errors.Is(err, errcode.Readonly) }

func keyOf(n int) string { return "soak." + strconv.Itoa(n) }

// follow checks that values never go back, but where a server that was started
// again has none.
func (r *run) follow(ctx context.Context, one *watching, events iter.Seq2[tnt.Event, error]) error {
	for e, err := range events {
		switch {
		case err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case !e.IsSet():
			continue
		}
		var n uint64
		if err := e.Decode(&n); err != nil {
			r.wrong("watcher %s: %v", one.name, err)
			return nil
		}
		if last := one.seen.Load(); n < last || n > r.told.Load() {
			r.wrong("watcher %s had %d and then %d, and the newest is %d", one.name, last, n, r.told.Load())
		}
		one.seen.Store(n)
		r.counts.with(func() { r.counts.events++ })
	}
	return nil
}

// tell broadcasts growing numbers, past the proxies.
func (r *run) tell(ctx context.Context) {
	for {
		select {
		case <-r.stop:
			return
		case <-time.After(5 * time.Millisecond):
		}
		_ = r.broadcast(ctx)
	}
}

func (r *run) broadcast(ctx context.Context) error {
	n := r.told.Add(1)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for k := range watchKeys {
		if err := tnt.Exec(ctx, r.direct, tnt.Call{Function: "soak_tell", Args: []any{keyOf(k), n}}); err != nil {
			return err
		}
	}
	return nil
}

// tellLast broadcasts a last number, and has all watchers see it.
func (r *run) tellLast(ctx context.Context, all []*watching) error {
	if err := r.broadcast(ctx); err != nil {
		return err
	}
	for _, one := range all {
		if !settles(func() bool { return one.seen.Load() == r.told.Load() }) {
			r.wrong("watcher %s stands at %d, and the newest is %d", one.name, one.seen.Load(), r.told.Load())
		}
	}
	for _, one := range all {
		one.stop()
		<-one.done
	}
	return nil
}
