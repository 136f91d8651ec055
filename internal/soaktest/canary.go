package soaktest

import (
	"sync"
	"time"
)

const (
	canaryTick = 5 * time.Millisecond
	canaryKeep = 4096 // ticks that are remembered: twenty seconds
)

// canary is a goroutine that does nothing but wake up often. How late it wakes is
// how late anybody would: what is later than that is the connector's doing.
type canary struct {
	stop chan struct{}
	done chan struct{}

	mu   sync.Mutex
	last time.Time // when it woke
	ring [canaryKeep]lateness
	n    int
	most time.Duration
}

type lateness struct {
	at time.Time
	by time.Duration
}

func newCanary() *canary {
	c := &canary{stop: make(chan struct{}), done: make(chan struct{}), last: time.Now()}
	go c.run()
	return c
}

func (c *canary) run() {
	defer close(c.done)
	timer := time.NewTimer(canaryTick)
	defer timer.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-timer.C:
		}
		now := time.Now()
		c.mu.Lock()
		by := max(0, now.Sub(c.last)-canaryTick)
		c.last = now
		c.ring[c.n%canaryKeep] = lateness{now, by}
		c.n++
		c.most = max(c.most, by)
		c.mu.Unlock()
		timer.Reset(canaryTick)
	}
}

func (c *canary) close() {
	close(c.stop)
	<-c.done
}

// since returns how late anybody woke at the most since then.
func (c *canary) since(then time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	late := max(0, time.Since(c.last)-canaryTick)
	for i := c.n - 1; i >= 0 && i > c.n-canaryKeep; i-- {
		l := c.ring[i%canaryKeep]
		if l.at.Before(then) {
			break
		}
		late = max(late, l.by)
	}
	return late
}

// worst returns how late it ever woke.
func (c *canary) worst() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most
}
