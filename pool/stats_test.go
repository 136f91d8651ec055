package pool_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt/pool"
)

// What is counted is what hooks are told, and what waits now.
func TestStats(t *testing.T) {
	inBubble(t, nil, pool.Options{MaxWait: 10 * time.Second}, func(t *testing.T, e *embedded) {
		if s := e.pool.Stats(); s.RoleChanges[pool.Master] != 1 || s.RoleChanges[pool.Replica] < 2 {
			t.Errorf("at the beginning: %+v", s)
		}
		must(t, e.Kill(0))
		must(t, e.Kill(1)) // no majority is left, and no master
		synctest.Wait()
		before := e.pool.Stats()
		ended := make(chan error, 1)
		go func() { ended <- insert(t.Context(), e.pool, 1) }()
		synctest.Wait()
		if s := e.pool.Stats(); s.Waiting != 1 || s.Unserved != before.Unserved {
			t.Errorf("while a request waits: %+v", s)
		}
		if err := <-ended; !errors.As(err, new(*pool.NoInstanceError)) {
			t.Errorf("without a master: %v", err)
		}
		s := e.pool.Stats()
		if s.Waiting != 0 || s.Waits != before.Waits+1 || s.Unserved != before.Unserved+1 || s.WaitTime != before.WaitTime+10*time.Second {
			t.Errorf("after a wait of 10 s in vain: %+v, before it %+v", s, before)
		}

		go func() { ended <- insert(t.Context(), e.pool, 2) }()
		synctest.Wait()
		must(t, e.Restart(1))
		must(t, <-ended)
		synctest.Wait()
		s = e.pool.Stats()
		if s.Waiting != 0 || s.Unserved != before.Unserved+1 || s.RoleChanges[pool.Master] != 2 {
			t.Errorf("with a master again: %+v", s)
		}
		e.hooks.mu.Lock()
		defer e.hooks.mu.Unlock()
		told := time.Duration(0)
		for _, w := range e.hooks.waits {
			told += w.Duration
		}
		changes := uint64(0)
		for _, n := range s.RoleChanges {
			changes += n
		}
		if s.Waits != uint64(len(e.hooks.waits)) || s.WaitTime != told || s.Retries != uint64(len(e.hooks.retries)) || changes != uint64(len(e.hooks.roles)) {
			t.Errorf("counted %+v, and hooks were told of %d waits of %v, %d retries and %d roles",
				s, len(e.hooks.waits), told, len(e.hooks.retries), len(e.hooks.roles))
		}
	})
}
