package pool_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
)

// What a stopped leader may cost: nothing waits for it for more than this past the event
// that tells of the next one.
const stoppedMost = 300 * time.Millisecond

// stopFor is for how long a leader is stopped.
func stopFor() time.Duration {
	if testing.Short() {
		return 6 * time.Second
	}
	return 12 * time.Second
}

// A leader is stopped, and another elected.
func TestStoppedLeader(t *testing.T) {
	onClusters(t, "election", 2, 11, func(t *testing.T, c *cluster) {
		c.stopMaster(t, func(int) error { return nil })
	})
}

// A master is stopped, and an operator makes another.
func TestStoppedMaster(t *testing.T) {
	onClusters(t, "async", 2, 11, func(t *testing.T, c *cluster) {
		c.stopMaster(t, func(m int) error { return c.lua((m+1)%3, `box.cfg{read_only = false}`) })
	})
}

// stopMaster stops the master of a pool under load, and holds what waits to the bound.
// What the machine and the servers take by themselves is measured beside it, and does
// not count: how late a sleep ends, and how long a write past the pool takes.
func (c *cluster) stopMaster(t *testing.T, makeAnother func(m int) error) {
	for i := range c.servers {
		must(t, c.lua(i, `rawset(_G, 'written', {})
			box.space.kv:before_replace(function(_, new)
				if new ~= nil and box.session.type() == 'binary' then table.insert(_G.written, new[1]) end
			end)`))
	}
	seen := &roleTimes{at: make(chan time.Time, 100)}
	opts := c.options()
	opts.Hooks = []pool.Hook{seen}
	p := c.open(t, opts)
	eventually(t, "all three are known", func() bool { return len(roles(p, pool.Replica)) == 2 && master(p) >= 0 })
	l := startLoad(p, 64, time.Millisecond)
	l.waitFor(t, 500)
	m := master(p)
	seen.lastMaster() // of those before
	event := c.watchWritable(t, m)
	beside := c.startCanary(p, m)
	stopped := time.Now()
	c.servers[m].Pause()
	defer c.servers[m].Resume()
	must(t, makeAnother(m))
	var writable time.Time
	eventually(t, "another turns writable", func() bool { writable = event(); return !writable.IsZero() })
	eventually(t, "another is the master", func() bool { now := master(p); return now >= 0 && now != m })
	known := (<-seen.at).Sub(writable)
	eventually(t, "the stopped one is left", func() bool { return p.Status()[m].Connected == 0 })
	left, last := time.Since(writable), l.next.Load()
	for time.Since(stopped) < stopFor() {
		l.waitFor(t, 100)
		if s := p.Status()[m]; s.Connected != 0 || s.Role != pool.Superseded && s.Role != pool.Unknown {
			t.Fatalf("the stopped one is connected to again: %+v", s)
		}
	}
	waited := l.longestPast(writable)
	c.servers[m].Resume()
	eventually(t, "it answers", func() bool { return c.lua(m, `return 1`) == nil })
	if s := p.Status()[m]; s.Role == pool.Master {
		t.Errorf("after SIGCONT it is the master again: %+v", s)
	}
	l.waitFor(t, 200)
	must(t, c.lua(m, `if box.cfg.election_mode == 'off' then box.cfg{read_only = true} end`))
	eventually(t, "it is a replica", func() bool { return p.Status()[m].Role == pool.Replica })
	l.stop()
	write, sleep, status := beside()
	l.wantOneErrorEach(t)
	t.Logf("past the event: known after %v, the longest wait %v, left after %v; beside it: a write %v, a sleep %v late, Status %v", known, waited, left, write, sleep, status)
	if most := stoppedMost + write + sleep; waited > most || left > most {
		t.Errorf("past the event what waited took %v, and the stopped one was left after %v, more than %v", waited, left, most)
	}
	if most := 50*time.Millisecond + sleep; status > most || known > most {
		t.Errorf("Status took %v, and the new master was known %v past its event, more than %v", status, known, most)
	}
	late, err := tnt.One[int](t.Context(), c.direct[m], tnt.Eval{Expr: `
		local n = 0
		for _, k in ipairs(_G.written) do if k > ... then n = n + 1 end end
		return n`, Args: []any{last}})
	if err != nil || late != 0 {
		t.Errorf("%d writes reached the stopped one after it had been left, %v", late, err)
	}
	l.wantAll(t, c, master(p))
}

// startCanary measures what is not the pool's: how long a write takes past it on the
// master that comes after m, and how late a sleep ends; and how long its Status takes.
func (c *cluster) startCanary(p *pool.Pool, m int) (stop func() (write, sleep, status time.Duration)) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var write, sleep, status time.Duration
	wg.Go(func() {
		for ctx.Err() == nil {
			began := time.Now()
			time.Sleep(time.Millisecond)
			sleep = max(sleep, time.Since(began)-time.Millisecond)
		}
	})
	wg.Go(func() {
		for ctx.Err() == nil {
			began := time.Now()
			now := master(p)
			status = max(status, time.Since(began))
			if now < 0 || now == m {
				time.Sleep(time.Millisecond)
				continue
			}
			began = time.Now()
			if tnt.Exec(ctx, c.direct[now], tnt.Replace{Space: "kv", Tuple: []any{uint64(1) << 60, fmt.Sprint(began)}}) == nil {
				write = max(write, time.Since(began))
			}
		}
	})
	return func() (time.Duration, time.Duration, time.Duration) {
		cancel()
		wg.Wait()
		return write, sleep, status
	}
}

// longestPast returns the longest time that a write took past a moment, or since it was
// begun, where that was later.
func (l *load) longestPast(moment time.Time) (longest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.writes {
		from := w.began
		if from.Before(moment) {
			from = moment
		}
		longest = max(longest, w.ended.Sub(from))
	}
	return longest
}
