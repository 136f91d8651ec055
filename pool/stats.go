package pool

import (
	"sync/atomic"
	"time"
)

// Stats is what a pool has counted since it was made; Status has what is known of
// each instance.
type Stats struct {
	Waiting     int             // requests that wait now for an instance that fits
	Waits       uint64          // waits that have ended
	WaitTime    time.Duration   // of all waits together
	Unserved    uint64          // requests that failed because no instance fitted, whether they had waited or not
	Retries     uint64          // requests done again
	RoleChanges map[Role]uint64 // how often an instance came to have the role
}

// Stats returns the counts. It never blocks.
func (p *Pool) Stats() Stats {
	s := Stats{
		Waiting: int(p.counts.waiting.Load()), Waits: p.counts.waits.Load(), WaitTime: time.Duration(p.counts.waitTime.Load()),
		Unserved: p.counts.unserved.Load(), Retries: p.counts.retries.Load(),
		RoleChanges: make(map[Role]uint64, len(roleNames)),
	}
	for role := range p.news.counts {
		s.RoleChanges[Role(role)] = p.news.counts[role].Load()
	}
	return s
}

// counts are those of Stats, but for roles.
type counts struct {
	waiting, waitTime        atomic.Int64
	waits, unserved, retries atomic.Uint64
}
