// Package burst keeps logs short where much happens at once: what comes often is
// counted and told together. Its types are safe for concurrent use, and their zero
// values are ready.
package burst

import (
	"sync"
	"time"
)

// period is the least time between two lines of a kind that may come often, and that
// in which Few lets few of them through.
const period = 10 * time.Second

// Counter counts what is told seldom.
type Counter struct {
	mu      sync.Mutex
	told    time.Time
	count   int
	tell    func(n int) // of the last one counted
	pending bool        // a timer will tell what is counted
}

// Add counts one, and tells how many came since that was told last: now, or where it is
// less than 10 s ago, when they have passed, on a goroutine of a timer. Of several that
// are told together the last one's tell is called.
func (c *Counter) Add(tell func(n int)) {
	c.mu.Lock()
	c.count++
	c.tell = tell
	wait := period - time.Since(c.told)
	if wait > 0 && !c.told.IsZero() {
		if !c.pending {
			c.pending = true
			time.AfterFunc(wait, c.flush)
		}
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.flush()
}

func (c *Counter) flush() {
	c.mu.Lock()
	n, tell := c.count, c.tell
	c.told, c.count, c.tell, c.pending = time.Now(), 0, nil, false
	c.mu.Unlock()
	if n > 0 {
		tell(n)
	}
}

// most is how many Few lets through in a period.
const most = 10

// Few lets the first of many through, for lines that each say something of their own.
type Few struct {
	rest  Counter
	mu    sync.Mutex
	began time.Time
	count int
}

// Add calls one for the first ten in 10 s, and has the others told together, as by
// Counter.Add.
func (f *Few) Add(one func(), rest func(n int)) {
	f.mu.Lock()
	if now := time.Now(); f.began.IsZero() || now.Sub(f.began) >= period {
		f.began, f.count = now, 0
	}
	f.count++
	few := f.count <= most
	f.mu.Unlock()
	if few {
		one()
	} else {
		f.rest.Add(rest)
	}
}
