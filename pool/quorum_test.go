package pool_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/pool"
)

// loseQuorum kills all but the master of the pool.
func (c *cluster) loseQuorum(m int) {
	for i, s := range c.servers {
		if i != m {
			s.Kill()
		}
	}
}

// waitFollowed waits until an instance follows the others: only then does a leader see
// that it has lost them.
func (c *cluster) waitFollowed(t *testing.T, i int) {
	t.Helper()
	eventually(t, "the others are followed", func() bool {
		n, err := tnt.One[int](t.Context(), c.direct[i], tnt.Eval{Expr: `
			local n = 0
			for _, r in pairs(box.info.replication) do
				if r.upstream and r.upstream.status == 'follow' and r.downstream and r.downstream.status == 'follow' then n = n + 1 end
			end
			return n`})
		return err == nil && n == len(c.servers)-1
	})
}

// restoreQuorum starts those that loseQuorum killed.
func (c *cluster) restoreQuorum(t *testing.T, m int) {
	t.Helper()
	var wg sync.WaitGroup
	errs := make([]error, len(c.servers))
	for i, s := range c.servers {
		if i != m {
			wg.Go(func() { errs[i] = s.Run() })
		}
	}
	wg.Wait()
	must(t, errors.Join(errs...))
}

// A leader that is left alone takes no writes any more: those that come wait, and then
// have an error that says of each instance why it was not taken. What the leader has
// taken before waits there, as long as its context. Reads go on, and writes do by
// themselves when one of the others is back.
func TestQuorumLost(t *testing.T) {
	onClusters(t, "election", 2, 11, func(t *testing.T, c *cluster) {
		opts := c.options()
		opts.MaxWait = time.Second
		p := c.open(t, opts)
		m := master(p)
		c.waitFollowed(t, m)
		l := startLoad(p, 16, time.Millisecond)
		l.waitFor(t, 200)
		c.loseQuorum(m)
		eventually(t, "there is no master", func() bool { return master(p) < 0 })
		lost := l.acknowledged()
		began := time.Now()
		err := insert(t.Context(), p, 1<<30)
		var re *tnt.RequestError
		if !errors.Is(err, pool.ErrNoInstance) || !errors.As(err, &re) || re.Fate() != tnt.FateUnsent || !tnt.SafeToRetry(err) || !tnt.IsTransient(err) {
			t.Fatalf("a write without a quorum: %v", err)
		}
		if took := time.Since(began); took < time.Second {
			t.Errorf("it waited %v, less than MaxWait", took)
		}
		t.Log(err)
		for i, s := range p.Status() {
			want := s.Name + " (" + s.Address + "): not connected"
			if i == m {
				want = s.Name + " (" + s.Address + "): it is read-only"
			}
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in the error", want)
			}
		}
		must(t, selectOne(t.Context(), p.PreferReplica()))
		c.restoreQuorum(t, m)
		l.waitFor(t, 200)
		l.stop()
		t.Logf("%d writes acknowledged, %d of them before the loss; %d failed", len(l.acked), lost, len(l.errs))
		for _, err := range l.errs {
			if !errors.Is(err, pool.ErrNoInstance) && !errors.Is(err, errcode.SyncQuorumTimeout) && !errors.Is(err, errcode.SyncRollback) {
				t.Errorf("a write failed with: %v", err)
			}
		}
		l.wantAll(t, c, master(p))
	})
}
