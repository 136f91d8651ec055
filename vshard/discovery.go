package vshard

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gotnt/tnt/internal/luacall"
	"github.com/gotnt/tnt/internal/mp"
)

// askTimeout bounds one request of discovery.
const askTimeout = time.Second

func (r *Router) discoverSoon() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// discovering looks for where buckets are until the router is closed. It closes
// first after the first look.
func (r *Router) discovering(first chan<- struct{}) {
	r.awaitConnections()
	for {
		began := time.Now()
		t := r.table()
		end := r.discover(t)
		if first != nil {
			close(first)
			first = nil
		}
		pause := t.config.Discovery
		if end.Unknown > 0 {
			pause = min(pause, unknownDiscovery)
		}
		// Who misses a bucket has it looked for itself, and waits: all buckets at once are
		// not to be asked for by each. A new configuration is.
		for woken := r.pause(pause); woken && r.table() == t; {
			woken = r.pause(min(pause, leastDiscovery) - time.Since(began))
		}
		if r.ctx.Err() != nil {
			return
		}
	}
}

// pause waits, at the latest until the router is closed, and reports whether it was woken
// before.
func (r *Router) pause(d time.Duration) (woken bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.wake:
		return true
	case <-r.ctx.Done():
	}
	return false
}

// awaitConnections waits until every replica set has a master that is known and
// connected, a second at most.
func (r *Router) awaitConnections() {
	ctx, cancel := context.WithTimeout(r.ctx, askTimeout)
	defer cancel()
	for _, s := range r.table().sets {
		s.pool.await(ctx)
	}
}

// sleep waits, or returns the cause of a context that ends before.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// discover asks all replica sets at once which buckets they have.
func (r *Router) discover(t *table) DiscoveryEnd {
	began := time.Now()
	failures := make([]error, len(t.sets))
	var asked sync.WaitGroup
	for i, s := range t.sets {
		asked.Go(func() {
			if err := t.discoverSet(r.ctx, s); err != nil {
				failures[i] = fmt.Errorf("%s: %w", s.ID(), err)
			}
		})
	}
	asked.Wait()
	_, unknown := t.counts()
	end := DiscoveryEnd{Duration: time.Since(began), Unknown: unknown, Err: errors.Join(failures...)}
	r.mu.Lock()
	r.lastDiscovery = end
	r.mu.Unlock()
	if hook := t.config.Hooks.Discovery; hook != nil && r.ctx.Err() == nil {
		hook(end)
	}
	return end
}

// discoverSet reads the numbers of a replica set's buckets, page by page, from
// the master where there is one: a replica may be behind.
func (t *table) discoverSet(ctx context.Context, s *set) error {
	var tried []string
	for {
		m, err := s.pool.pick(RO, tried)
		if err != nil {
			return err
		}
		if err = t.discoverFrom(ctx, s, m); err == nil || ctx.Err() != nil {
			return err
		}
		if isUnready(err) {
			s.pool.rest(m.name, restTime, err)
		}
		tried = append(tried, m.name)
	}
}

func (t *table) discoverFrom(ctx context.Context, s *set, m member) error {
	from := int64(1)
	for from > 0 {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		results, err := luacall.Do(ctx, m, "vshard.storage.buckets_discovery", map[string]any{"from": from})
		cancel()
		if err != nil {
			return err
		}
		page := luacall.At(results, 0)
		buckets := page.Get("buckets")
		if page.Type() == mp.TypeArray { // from a storage that knows no pages, all at once
			buckets = page
		}
		for _, bucket := range buckets.Values() {
			if b := bucket.Int(); b > 0 && b < int64(len(t.entries)) {
				t.assign(uint32(b), s)
			}
		}
		next := page.Get("next_from").Int()
		if next <= from { // the last page has none
			next = 0
		}
		from = next
	}
	return nil
}

// found is what a replica set says of a bucket.
type found struct {
	*set        // the one that answered, if it has the bucket
	active bool // and not on its way
	hint   *set // where it went
	err    error
}

// find asks all replica sets for a bucket, and returns how many that were. Where none
// has it the error is an ErrNoBucket that says which could not be asked. Of two that point
// at each other the one that has it active wins.
func (t *table) find(ctx context.Context, bucket uint32) (*set, int, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	answers := make(chan found, len(t.sets))
	asked := 0
	var failures []error
	for _, s := range t.sets {
		m, err := s.pool.pick(RO, nil)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		asked++
		go func() { answers <- t.ask(ctx, s, m, bucket) }()
	}
	var best, hint *set
	for range asked {
		f := <-answers
		if f.active {
			best = f.set
			cancel() // there is nothing to wait for
		}
		if f.set != nil && best == nil {
			best = f.set
		}
		if f.hint != nil {
			hint = f.hint
		}
		if f.err != nil {
			failures = append(failures, f.err)
		}
	}
	if best == nil {
		best = hint
	}
	switch {
	case best != nil:
		t.assign(bucket, best)
	case len(failures) > 0: // as text: the call itself failed of none of them
		return nil, asked, fmt.Errorf("%w: %v", ErrNoBucket, errors.Join(failures...)) //nolint:errorlint // see above
	default:
		return nil, asked, ErrNoBucket
	}
	return best, asked, nil
}

// ask asks an instance of a replica set for a bucket.
func (t *table) ask(ctx context.Context, s *set, m member, bucket uint32) (f found) {
	stat, err := luacall.Do(ctx, m, "vshard.storage.bucket_stat", bucket)
	if isUnready(err) {
		s.pool.rest(m.name, restTime, err)
	}
	if err != nil {
		f.err = fmt.Errorf("%s/%s: %w", s.ID(), m.name, err)
	}
	// Of garbage there is a stat and an error, of what is elsewhere an error alone.
	switch v := luacall.At(stat, 0); v.Get("status").Text() {
	case "active", "pinned":
		f.set, f.active = s, true
	case "readonly", "sending":
		f.set = s
	case "sent", "garbage":
		f.hint = t.byKey[v.Get("destination").Text()]
	}
	return f
}
