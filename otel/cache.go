package tntotel

import (
	"maps"
	"sync"
	"sync/atomic"
)

// cache keeps what was made for keys, up to so many; most 0 is no bound. It is
// read without a lock and without memory, which is why it is no sync.Map.
type cache[K comparable, V any] struct {
	most int
	mu   sync.Mutex // of those who add
	now  atomic.Pointer[map[K]V]
}

// get returns what is kept for a key, or what is made for it. kept is false
// where there was no room to keep that.
func (c *cache[K, V]) get(key K, newValue func() V) (v V, kept bool) {
	if known := c.now.Load(); known != nil {
		if v, ok := (*known)[key]; ok {
			return v, true
		}
		if c.most > 0 && len(*known) >= c.most {
			return newValue(), false
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	next := map[K]V{}
	if known := c.now.Load(); known != nil {
		if v, ok := (*known)[key]; ok {
			return v, true
		}
		next = maps.Clone(*known)
	}
	v = newValue()
	next[key] = v
	c.now.Store(&next)
	return v, true
}
