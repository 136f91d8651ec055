package pool

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt"
)

// Hook is told of what happens in a pool, by Options.Hooks: for logs, metrics and
// traces. It has one or several of the methods of RoleHook, WaitHook and RetryHook.
type Hook any

// RoleHook is told of each change of an instance's role, in order, one at a time, on
// a goroutine of the pool's. It may block: what it is told of then waits, and nothing
// else does.
type RoleHook interface {
	// OnRole gets why the instance has its new role.
	OnRole(instance string, from, to Role, why error)
}

// RoleFunc is a RoleHook.
type RoleFunc func(instance string, from, to Role, why error)

// OnRole implements RoleHook.
func (f RoleFunc) OnRole(instance string, from, to Role, why error) { f(instance, from, to, why) }

// WaitHook is told of each wait of a request for an instance that fits, when it has
// ended, on the goroutine of the one who waited. It must not block.
type WaitHook interface{ OnWait(w Wait) }

// Wait is a wait for an instance that fits.
type Wait struct {
	View     string // "master", "replica", ...
	Request  tnt.RequestInfo
	Duration time.Duration
	Err      error // nil: one was found
}

// RetryHook is told of each request that is done again, on the goroutine of the one
// who does it. It must not block.
type RetryHook interface{ OnRetry(r Retry) }

// Retry is a request that is done again.
type Retry struct {
	View     string
	Request  tnt.RequestInfo
	Try      int    // of the one that is to come: 2 or more
	From, To string // instances
	Err      error  // what the try before failed with
}

// hooks are the options' hooks by what they are told.
type hooks struct {
	roles   []RoleHook
	waits   []WaitHook
	retries []RetryHook
}

func sortHooks(list []Hook) (hs hooks, err error) {
	for i, h := range list {
		role, ok1 := h.(RoleHook)
		wait, ok2 := h.(WaitHook)
		retry, ok3 := h.(RetryHook)
		if !ok1 && !ok2 && !ok3 {
			return hs, fmt.Errorf("pool: Hooks[%d], a %T, has none of the methods of a hook", i, h)
		}
		if ok1 {
			hs.roles = append(hs.roles, role)
		}
		if ok2 {
			hs.waits = append(hs.waits, wait)
		}
		if ok3 {
			hs.retries = append(hs.retries, retry)
		}
	}
	return hs, nil
}

// roleChange is news for a RoleHook.
type roleChange struct {
	name     string
	from, to Role
	why      error
}

// news are changes of roles on their way to the hooks. They have a goroutine, so that
// no lock of the pool is held while hooks are called.
type news struct {
	hooks  []RoleHook
	counts [len(roleNames)]atomic.Uint64 // of changes, by the role that they are to

	mu      sync.Mutex
	waiting []roleChange
	running bool
	idle    chan struct{} // closed when none is being told; nil: none ever was
}

// add counts a change, and tells the hooks of it, later.
func (n *news) add(c roleChange) {
	n.counts[c.to].Add(1)
	if len(n.hooks) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting = append(n.waiting, c)
	if !n.running {
		n.running, n.idle = true, make(chan struct{})
		go n.tell()
	}
}

// tell tells the hooks until there is no more news.
func (n *news) tell() {
	for {
		n.mu.Lock()
		batch := n.waiting
		n.waiting = nil
		if len(batch) == 0 {
			n.running = false
			close(n.idle)
			n.mu.Unlock()
			return
		}
		n.mu.Unlock()
		for _, c := range batch {
			for _, h := range n.hooks {
				h.OnRole(c.name, c.from, c.to, c.why)
			}
		}
	}
}
