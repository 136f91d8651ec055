package main

import (
	"context"
	"sync"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/cdc"
)

// user is a tuple of the space.
type user struct {
	ID   uint64
	Name string
}

// cache keeps users that were read, until the server's log says that they have
// changed: a value is stale for as long as that takes, a millisecond or so. While no
// log comes, nothing is kept. It is safe for concurrent use.
type cache struct {
	db tnt.Executor

	mu        sync.Mutex
	following bool
	users     map[uint64]user
	// changes counts those of each user while it is being read: what was read
	// before a change must not be kept after it.
	reading map[uint64]*read
	hits    int
}

// read is how many are reading a user, and whether it has changed meanwhile.
type read struct {
	readers int
	changed bool
}

func newCache(db tnt.Executor) *cache {
	return &cache{db: db, users: map[uint64]user{}, reading: map[uint64]*read{}}
}

// get returns a user, tnt.ErrNoTuple where there is none.
func (c *cache) get(ctx context.Context, id uint64) (user, error) {
	c.mu.Lock()
	if u, ok := c.users[id]; ok {
		c.hits++
		c.mu.Unlock()
		return u, nil
	}
	r := c.reading[id]
	if r == nil || r.changed { // who began before a change reads for itself
		r = &read{}
		c.reading[id] = r
	}
	r.readers++
	c.mu.Unlock()

	u, err := tnt.One[user](ctx, c.db, tnt.Select{Space: "users", Key: tnt.K(id), Limit: 1})

	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && c.following && !r.changed {
		c.users[id] = u
	}
	if r.readers--; r.readers == 0 && c.reading[id] == r {
		delete(c.reading, id)
	}
	return u, err
}

// follow drops users as they change, until ctx ends or an error is final.
func (c *cache) follow(ctx context.Context, servers []tnt.Options) error {
	defer c.setFollowing(false)
	feed := cdc.Stream(ctx, servers, cdc.Options{
		From: cdc.Now, Spaces: []string{"users"},
		OnState: func(s cdc.State) { c.setFollowing(s.Following) },
	})
	for tx, err := range feed.All() {
		if err != nil {
			return err
		}
		for _, change := range tx.Changes {
			c.drop(change)
		}
	}
	return nil
}

// setFollowing switches the cache on, or off and empties it: changes are not
// heard of then.
func (c *cache) setFollowing(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.following = on
	if !on {
		c.clear()
	}
}

func (c *cache) clear() {
	clear(c.users)
	for _, r := range c.reading {
		r.changed = true
	}
}

// drop drops the user that a change is of, or all where it is of the space.
func (c *cache) drop(change cdc.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := change.Key
	if of.Raw() == nil {
		of = change.Tuple
	}
	id, ok := idOf(of)
	if !ok {
		c.clear()
		return
	}
	delete(c.users, id)
	if r := c.reading[id]; r != nil {
		r.changed = true
	}
}

// idOf returns the first field of a key or a tuple, and false where there is none.
func idOf(t tnt.Tuple) (uint64, bool) {
	if t.Raw() == nil {
		return 0, false
	}
	id, err := t.At(0)
	if err != nil {
		return 0, false
	}
	switch id := id.(type) {
	case int64:
		return uint64(id), true
	case uint64:
		return id, true
	}
	return 0, false
}
