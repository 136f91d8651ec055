package main

import (
	"context"
	"sync"

	"github.com/gotnt/tnt"
)

// A Cache keeps what was loaded from a server until the server says, by an event
// of box.broadcast, that something changed, or the connection is lost, when nobody
// would say so. What it returns is behind by no more than an event takes to come;
// where a peer vanishes without a word, by no more than Options.DeadAfter. It is
// safe for concurrent use.
//
// An event drops everything, because one may stand for several: a watcher is told
// of the latest value alone.
type Cache[K comparable, V any] struct {
	load func(ctx context.Context, key K) (V, error)

	mu      sync.Mutex
	entries map[K]V
	// age changes with every drop, so that what was loaded before one is not kept
	// after it.
	age uint64

	watcher *tnt.Watcher
	forget  func() // stops being told of the connection's states
}

// NewCache makes a cache of what load returns, which is dropped when event is
// broadcast on the server of conn, or conn is lost.
func NewCache[K comparable, V any](conn *tnt.Conn, event string, load func(context.Context, K) (V, error)) (*Cache[K, V], error) {
	c := &Cache[K, V]{load: load, entries: map[K]V{}}
	// The first event comes at once, with the value that is there.
	watcher, err := conn.WatchFunc(event, func(tnt.Event) { c.drop() })
	if err != nil {
		return nil, err
	}
	c.watcher = watcher
	c.forget = conn.OnState(func(_, to tnt.State, _ error) {
		if to != tnt.Connected {
			c.drop()
		}
	})
	return c, nil
}

// Get returns what is kept for a key, or loads it. Two who ask for one key at a
// time may both load it.
func (c *Cache[K, V]) Get(ctx context.Context, key K) (V, error) {
	c.mu.Lock()
	value, ok := c.entries[key]
	age := c.age
	c.mu.Unlock()
	if ok {
		return value, nil
	}
	value, err := c.load(ctx, key)
	if err != nil {
		return value, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if age == c.age {
		c.entries[key] = value
	}
	return value, nil
}

// Close stops watching and drops everything.
func (c *Cache[K, V]) Close() {
	c.watcher.Unregister()
	c.forget()
	c.drop()
}

func (c *Cache[K, V]) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.entries)
	c.age++
}
