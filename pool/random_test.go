package pool_test

import (
	"context"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
)

// Random switches, promotions, kills and stops: every acknowledged write is there, and
// there once (the keys are unique). It takes two seconds, or as long as
// TNT_POOL_RANDOM, a duration such as 10m, says.
func TestRandomSwitches(t *testing.T) {
	most := 2 * time.Second
	if text := os.Getenv("TNT_POOL_RANDOM"); text != "" {
		var err error
		if most, err = time.ParseDuration(text); err != nil {
			t.Fatalf("TNT_POOL_RANDOM: %v", err)
		}
	}
	onClusters(t, "election", 2, 11, func(t *testing.T, c *cluster) {
		opts := c.options()
		opts.MaxWait = 30 * time.Second
		p := c.open(t, opts)
		l := startLoad(p, 32, time.Millisecond)
		defer c.explain(t, p, l)
		random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
		counts := map[string]int{}
		for end := time.Now().Add(most); time.Now().Before(end); {
			l.waitFor(t, 50+random.IntN(200))
			m := master(p)
			if m < 0 {
				continue
			}
			switch n := random.IntN(10); {
			case n < 5:
				counts["promotions"]++
				_ = c.lua(random.IntN(3), `box.ctl.promote()`) // another election may come first
			case n < 7:
				counts["demotions"]++
				_ = c.lua(m, `box.ctl.demote()`) // it may be none any more
			case n < 8:
				counts["stops"]++
				c.servers[m].Pause()
				eventually(t, "another master", func() bool { now := master(p); return now >= 0 && now != m })
				c.servers[m].Resume()
			case n < 9:
				counts["kills"]++
				c.servers[m].Kill()
				must(t, c.servers[m].Run())
			default:
				counts["shutdowns"]++
				c.servers[m].Stop()
				must(t, c.servers[m].Run())
			}
		}
		l.waitFor(t, 50)
		l.stop()
		for _, err := range l.errs {
			if isUnsent(err) {
				t.Errorf("a write failed that was not sent: %v", err)
				break
			}
		}
		t.Logf("%v: %d writes acknowledged, %d lost in flight or rolled back", counts, len(l.acked), len(l.errs))
		eventually(t, "three are there", func() bool { return len(roles(p, pool.Replica)) == 2 && master(p) >= 0 })
		m := master(p)
		for i := range 3 {
			eventually(t, "replication", func() bool {
				all, err := c.rows(i)
				must(t, err)
				leader, err := c.rows(m)
				must(t, err)
				return all == leader
			})
			l.wantAll(t, c, i)
		}
	})
}

// explain tells, where the test has failed, what the pool and the servers say, so that
// one sees whose fault it is.
func (c *cluster) explain(t *testing.T, p *pool.Pool, l *load) {
	if !t.Failed() {
		return
	}
	for i, s := range p.Status() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		info, err := tnt.One[any](ctx, c.direct[i], tnt.Eval{Expr: `
			local peers = {}
			for id, r in pairs(box.info.replication) do
				local up, down = r.upstream or {}, r.downstream or {}
				table.insert(peers, ('%d: %s %s, %s %s'):format(id, up.status, up.message, down.status, down.message))
			end
			return {box.info.status, box.info.ro, box.info.ro_reason, box.info.election, box.info.synchro, peers}`})
		cancel()
		t.Logf("to the pool: %+v; to itself: %v, %v", s, info, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t.Logf("%d writes were acknowledged, %d failed, the last of them: %v", len(l.acked), len(l.errs), l.errs[max(0, len(l.errs)-3):])
}

// roles returns the instances that have a role.
func roles(p *pool.Pool, want pool.Role) (names []string) {
	for _, s := range p.Status() {
		if s.Role == want {
			names = append(names, s.Name)
		}
	}
	return names
}
