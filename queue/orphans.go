package queue

import (
	"context"
	"time"

	"github.com/gotnt/tnt/internal/luacall"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/queuelua"
)

// releaseOrphans releases tasks that this session has taken and nobody here
// holds, as the answer to their take was lost. Unless it is quiet a task may be
// about to be held, by a take that is going on: only those are released that were
// suspected the time before, when every take that was going on then is over. It
// returns who is suspected now.
func (c *Client) releaseOrphans(ctx context.Context, l *link, before map[taskKey]bool, quiet bool) map[taskKey]bool {
	c.mu.Lock()
	identity := c.identity
	c.mu.Unlock()
	results, err := luacall.Eval(ctx, l, queuelua.Taken, identity)
	if err != nil {
		return nil // without the right to, or the connection is lost
	}
	suspects := make(map[taskKey]bool)
	items, _ := luacall.At(results, 0).Items()
	for _, item := range items {
		pair, _ := item.Items()
		key := taskKey{luacall.At(pair, 0).Text(), ID(luacall.At(pair, 1).Int())}
		c.mu.Lock()
		known := c.held[key] != nil
		c.mu.Unlock()
		switch {
		case known:
		case quiet || before[key]:
			_, _ = luacall.Do(ctx, l, c.Tube(key.tube).method("release"), key.id)
		default:
			suspects[key] = true
		}
	}
	return suspects
}

// endStrays ends sessions that the module made for takes whose connections were lost
// at the wrong moment, and that were there the time before as well, on this link or one
// before: of a session that ends in order the module forgets the connection at once. It
// keeps those to end the next time.
func (c *Client) endStrays(ctx context.Context, l *link) {
	if time.Since(c.looked) < lookEvery/2 {
		return // one that ends in order may have been seen the time before
	}
	results, err := luacall.Eval(ctx, l, queuelua.Strays, c.strays)
	if err != nil {
		return // without the right to, or the connection is lost
	}
	c.looked, c.strays = time.Now(), noStrays
	if found := luacall.At(results, 0); found.Type() == mp.TypeArray {
		c.strays = found
	}
}

// noStrays is an empty list.
var noStrays = luacall.Value{0x90}
