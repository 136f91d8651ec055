package pool_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/pool"
)

// incident is something that happens to the master m under load.
type incident struct {
	name, mode string
	happen     func(t *testing.T, c *cluster, l *load, m int)
	recover    func(c *cluster, m int)
	stays      bool // there may be the same master afterwards
}

var incidents = []incident{
	{name: "read_only switched", mode: "async", happen: func(t *testing.T, c *cluster, _ *load, m int) { must(t, c.switchTo(m, (m+1)%3)) }},
	{name: "kill -9, another made master", mode: "async", happen: func(t *testing.T, c *cluster, _ *load, m int) {
		c.servers[m].Kill()
		must(t, c.lua((m+1)%3, `box.cfg{read_only = false}`))
	}},
	{name: "SIGSTOP, another made master", mode: "async", happen: func(t *testing.T, c *cluster, _ *load, m int) {
		c.servers[m].Pause()
		must(t, c.lua((m+1)%3, `box.cfg{read_only = false}`))
	}, recover: func(c *cluster, m int) { c.servers[m].Resume() }},
	{name: "demote", mode: "election", happen: func(t *testing.T, c *cluster, _ *load, m int) { must(t, c.lua(m, `box.ctl.demote()`)) }},
	{name: "promote", mode: "election", happen: func(t *testing.T, c *cluster, _ *load, m int) { c.promote(t, (m+1)%3) }},
	{name: "SIGTERM", mode: "election", happen: func(_ *testing.T, c *cluster, _ *load, m int) { c.servers[m].Terminate() }},
	{name: "kill -9", mode: "election", happen: func(_ *testing.T, c *cluster, _ *load, m int) { c.servers[m].Kill() }},
	{
		name: "SIGSTOP", mode: "election", happen: func(_ *testing.T, c *cluster, _ *load, m int) { c.servers[m].Pause() },
		recover: func(c *cluster, m int) { c.servers[m].Resume() },
	},
	{name: "quorum lost for 10 s", mode: "election", stays: true, happen: func(t *testing.T, c *cluster, l *load, m int) {
		c.loseQuorum(m)
		eventually(t, "there is no master", func() bool { return master(l.pool) < 0 })
		l.note(insert(context.Background(), l.pool, 1<<30)) // waits for as long as MaxWait
		c.restoreQuorum(t, m)
	}},
}

// TestFailoverTable prints what happens to 64 writers at each incident, as
// docs/pool.md has it. TNT_FAILOVER_TABLE=1 runs it, with replication_timeout at its
// default of a second; it takes two minutes.
func TestFailoverTable(t *testing.T) {
	if os.Getenv("TNT_FAILOVER_TABLE") == "" {
		t.Skip("set TNT_FAILOVER_TABLE=1 to have the table of docs/pool.md measured")
	}
	programs, err := tarantool.Find()
	must(t, err)
	var b strings.Builder
	fmt.Fprintln(&b, "| server | event | writes stood still | the pool had the new master after its event | failed writes | their fate |")
	fmt.Fprintln(&b, "| --- | --- | --- | --- | --- | --- |")
	for _, p := range programs {
		for _, i := range incidents {
			if i.mode == "election" && !p.Version.AtLeast(2, 11, 0) {
				continue
			}
			fmt.Fprintln(&b, i.measure(t, p))
		}
	}
	fmt.Println(b.String())
}

// measure lets the incident happen to a replica set of its own.
func (i incident) measure(t *testing.T, program tarantool.Program) string {
	c, err := startCluster(program, i.mode, time.Second)
	must(t, err)
	defer c.close()
	seen := &roleTimes{at: make(chan time.Time, 100)}
	opts := c.options()
	opts.Hooks = []pool.Hook{seen}
	p := c.open(t, opts)
	defer func() { _ = p.Close() }()
	m := master(p)
	c.waitFollowed(t, m)
	l := startLoad(p, 64, time.Millisecond)
	l.waitFor(t, 500)
	watch := c.watchWritable(t, m)
	began := time.Now()
	i.happen(t, c, l, m)
	eventually(t, "another master", func() bool { now := master(p); return now >= 0 && (i.stays || now != m) })
	l.waitFor(t, 500)
	l.stop()
	writable := watch()
	if i.recover != nil {
		i.recover(c, m)
	}
	late := "-"
	if !writable.IsZero() && !i.stays {
		late = fmt.Sprintf("%.1f ms", max(0, float64(seen.lastMaster().Sub(writable).Microseconds())/1000))
	}
	return fmt.Sprintf("| %v | %s | %v | %s | %d | %s |", c.Version, i.name, l.gap(began).Round(time.Millisecond), late, len(l.errs), l.fateCounts())
}

// fateCounts says how many failed writes have which fate.
func (l *load) fateCounts() string {
	var all []string
	for _, fate := range []tnt.Fate{tnt.FateUnsent, tnt.FateRefused, tnt.FateUnknown} {
		if n := l.fates[fate]; n > 0 {
			all = append(all, fmt.Sprintf("%d %v", n, fate))
		}
	}
	return cmp.Or(strings.Join(all, ", "), "-")
}

// watchWritable watches, past the pool, when another than m turns writable.
func (c *cluster) watchWritable(t *testing.T, m int) (when func() time.Time) {
	times := make(chan time.Time, 100)
	for i, conn := range c.direct {
		if i == m {
			continue
		}
		w, err := conn.WatchFunc("box.status", func(e tnt.Event) {
			var status struct{ IsRO bool }
			if e.Decode(&status) == nil && e.IsSet() && !status.IsRO {
				select {
				case times <- time.Now():
				default:
				}
			}
		})
		if err != nil {
			return func() time.Time { return time.Time{} } // it has no watchers
		}
		t.Cleanup(w.Unregister)
	}
	return func() time.Time {
		select {
		case at := <-times:
			return at
		default:
			return time.Time{}
		}
	}
}

// roleTimes keeps when an instance became master last.
type roleTimes struct{ at chan time.Time } // with room for all

func (r *roleTimes) OnRole(_ string, _, to pool.Role, _ error) {
	if to == pool.Master {
		r.at <- time.Now()
	}
}

func (r *roleTimes) lastMaster() (last time.Time) {
	for {
		select {
		case last = <-r.at:
		default:
			return last
		}
	}
}
