package session

import (
	"sync/atomic"

	"github.com/gotnt/tnt/iproto"
)

// blockSize is by how many requests a group grows.
const blockSize = 16

// groupBlock is requests of a group. It stays where it is once the reader may
// look at it.
type groupBlock [blockSize]groupCall

// groupCall is a request of a group.
type groupCall struct {
	state  atomic.Uint64 // as Slot.state
	start  uint64        // where in the bytes of the session it begins; until it is sent, in the group's
	unsent bool
	err    error

	// Of the answer.
	typ           iproto.Type
	schemaVersion uint64
	body          []byte
}

// call returns request i, which was added.
func (g *Group) call(i int) *groupCall { return &g.blocks[i/blockSize].Load()[i%blockSize] }

// next adds a request.
func (g *Group) next() *groupCall {
	if block := &g.blocks[g.added/blockSize]; block.Load() == nil {
		block.Store(new(groupBlock))
	}
	g.added++
	return g.call(g.added - 1)
}

// callOf returns the request of a sync, nil where there is none, for the
// reader, who found the group's slot with that base, when it may be another's
// already: the request's state tells.
func (g *Group) callOf(base, sync uint64) *groupCall {
	i := (sync - base) << stateBits >> (stateBits + indexBits)
	if g == nil || i >= GroupSize {
		return nil
	}
	block := g.blocks[i/blockSize].Load()
	if block == nil {
		return nil
	}
	return &block[i%blockSize]
}

// fail ends a request that is not sent.
func (c *groupCall) fail(err error) {
	c.err, c.unsent = err, true
	c.state.Store(stateDone)
}

func (c *groupCall) answered() bool { return c.state.Load()&stateMask == stateDone }

// pending reports whether the answer is yet to come, or just coming.
func (c *groupCall) pending() bool {
	state := c.state.Load() & stateMask
	return state == stateWaiting || state == stateTaken
}
