package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
)

// An operator's switch is no incident: no call fails, on any version.
func TestReadOnlySwitches(t *testing.T) {
	onClusters(t, "async", 0, 0, func(t *testing.T, c *cluster) {
		p := c.open(t, c.options())
		l := startLoad(p, 64, time.Millisecond)
		l.waitFor(t, 200)
		from := 0
		switches := 100
		if !c.Version.AtLeast(2, 10, 0) {
			switches = 20 // each takes up to a second: box.info is polled
		}
		for n := range switches {
			to := (from + 1) % 3
			must(t, c.switchTo(from, to))
			from = to
			l.waitFor(t, 64+n%7)
		}
		l.stop()
		if len(l.errs) > 0 {
			t.Errorf("%d writes failed, such as: %v", len(l.errs), l.errs[0])
		}
		t.Logf("%d writes, the slowest took %v", len(l.acked), l.longest)
		eventually(t, "replication", func() bool {
			n, err := c.rows(from)
			must(t, err)
			return n == len(l.acked)
		})
		l.wantAll(t, c, from)
	})
}

// Where the master is killed and another made master, each writer has at most the one
// error of what it had in flight.
func TestKillAsync(t *testing.T) {
	onClusters(t, "async", 0, 0, func(t *testing.T, c *cluster) {
		p := c.open(t, c.options())
		l := startLoad(p, 64, time.Millisecond)
		l.waitFor(t, 200)
		c.servers[0].Kill()
		must(t, c.lua(1, `box.cfg{read_only = false}`))
		l.waitFor(t, 200)
		l.stop()
		l.wantOneErrorEach(t)
		if m := master(p); m != 1 {
			t.Errorf("the master is %d, want r2: %+v", m, p.Status())
		}
	})
}

// wantOneErrorEach checks that no writer saw more than the loss of what it had in
// flight.
func (l *load) wantOneErrorEach(t *testing.T) {
	t.Helper()
	lost := l.lost()
	for _, err := range lost {
		var re *tnt.RequestError
		if !errors.As(err, &re) || re.Fate() != tnt.FateUnknown {
			t.Errorf("a write failed that was not in flight: %v", err)
			break
		}
	}
	for w, n := range l.per {
		if n > 1 {
			t.Errorf("writer %d had %d errors", w, n)
		}
	}
	t.Logf("%d writes, %d lost in flight, %d rolled back", len(l.acked), len(lost), len(l.rolledBack))
}

// A master that stands still, and another that is made master meanwhile: the stopped
// one gets nothing more.
func TestStopAsync(t *testing.T) {
	onClusters(t, "async", 0, 0, func(t *testing.T, c *cluster) {
		p := c.open(t, c.options())
		l := startLoad(p, 16, time.Millisecond)
		l.waitFor(t, 200)
		c.servers[0].Pause()
		defer c.servers[0].Resume()
		must(t, c.lua(1, `box.cfg{read_only = false}`))
		eventually(t, "r2 is the master", func() bool { return master(p) == 1 })
		switched := time.Now()
		l.waitFor(t, 200)
		l.stop()
		if late := time.Since(switched); late > 5*time.Second {
			t.Errorf("it took %v until writes went on", late)
		}
		l.wantOneErrorEach(t)
		last := l.next.Load()
		c.servers[0].Resume()
		eventually(t, "r1 answers", func() bool { return c.lua(0, `return 1`) == nil })
		must(t, tnt.Exec(t.Context(), p, tnt.Insert{Space: "kv", Tuple: []any{last + 1, 0}}))
		if s := p.Status(); s[0].Role != pool.Superseded || s[1].Role != pool.Master {
			t.Errorf("after SIGCONT r1 is %v, r2 %v", s[0].Role, s[1].Role)
		}
		must(t, c.lua(0, `box.cfg{read_only = true}`))
		eventually(t, "r1 is a replica", func() bool { return p.Status()[0].Role == pool.Replica })
	})
}

// Elections: a promotion, a demotion, a shutdown, a kill.
func TestElections(t *testing.T) {
	onClusters(t, "election", 2, 11, func(t *testing.T, c *cluster) {
		p := c.open(t, c.options())
		l := startLoad(p, 64, time.Millisecond)
		l.waitFor(t, 200)

		m := master(p)
		c.promote(t, (m+1)%3)
		l.waitFor(t, 200)
		must(t, c.lua(master(p), `box.ctl.demote()`))
		l.waitFor(t, 200)
		if lost := l.lost(); len(lost) > 0 {
			t.Errorf("promote, demote: %d writes failed, such as: %v", len(lost), lost[0])
		}

		m = master(p)
		c.servers[m].Terminate()
		l.waitFor(t, 200)
		eventually(t, "another master", func() bool { now := master(p); return now >= 0 && now != m })
		if lost := l.lost(); len(lost) > 0 {
			t.Errorf("SIGTERM: %d writes failed, such as: %v", len(lost), lost[0])
		}
		c.servers[m].Stop()
		must(t, c.servers[m].Run())
		l.waitFor(t, 200)

		m = master(p)
		c.servers[m].Kill()
		l.waitFor(t, 200)
		eventually(t, "another master", func() bool { now := master(p); return now >= 0 && now != m })
		l.stop()
		l.wantOneErrorEach(t)
		l.wantAll(t, c, master(p))
	})
}
