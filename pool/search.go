package pool

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
)

// For how long an instance is left out that refused: until it says more by itself.
const (
	markFor      = 100 * time.Millisecond
	markGuessFor = time.Second // for one that says nothing by itself
)

// search finds a way where the first choice was none, or failed: after a pause from
// the third try on, it waits for an instance that fits.
func (p *Pool) search(ctx context.Context, v *View, a tnt.Attempt) (tnt.Route, error) {
	k := v.kind
	var avoid *member
	if a.Err != nil {
		avoid = p.learn(&a)
		var done bool
		if k, done = v.after(&a); done {
			return a.Last, a.Err
		}
	}
	began := a.Began
	if began.IsZero() {
		began = time.Now()
	}
	end, stop := p.bound(ctx, began)
	defer stop()
	here := time.Now()
	c, t, waited, err := p.await(ctx, v, k, avoid, &a, began, end)
	if waited {
		took := time.Since(here)
		p.counts.waits.Add(1)
		p.counts.waitTime.Add(int64(took))
		for _, h := range p.hooks.waits {
			h.OnWait(Wait{View: v.String(), Request: a.Request, Duration: took, Err: err})
		}
	}
	if err != nil {
		if errors.Is(err, ErrNoInstance) {
			p.counts.unserved.Add(1)
		}
		return a.Last, err
	}
	if a.Err != nil {
		p.counts.retries.Add(1)
		from := ""
		if avoid != nil {
			from = avoid.Name
		}
		for _, h := range p.hooks.retries {
			h.OnRetry(Retry{View: v.String(), Request: a.Request, Try: a.Try, From: from, To: c.Name, Err: a.Err})
		}
	}
	return v.via(t, c, &a), nil
}

// bound returns a channel that is ready when what began then has to have found an
// instance; nil for at once.
func (p *Pool) bound(ctx context.Context, began time.Time) (end <-chan time.Time, stop func()) {
	most := p.opts.MaxWait
	if most == tnt.Never {
		return nil, func() {}
	}
	if _, ok := ctx.Deadline(); !ok {
		if limit := p.requestTimeout(); limit > 0 {
			most = min(most, limit)
		}
	}
	timer := time.NewTimer(time.Until(began.Add(most)))
	return timer.C, func() { timer.Stop() }
}

// requestTimeout returns the shortest RequestTimeout of the instances, 0 for none.
func (p *Pool) requestTimeout() (least time.Duration) {
	for _, m := range p.table.Load().members {
		if d := m.Options.RequestTimeout; d > 0 && (least == 0 || d < least) {
			least = d
		}
	}
	return least
}

// await waits for an instance that fits; waited says that it was not there at once.
func (p *Pool) await(ctx context.Context, v *View, k kind, avoid *member, a *tnt.Attempt, began time.Time, end <-chan time.Time) (_ *Candidate, t *table, waited bool, err error) {
	pause := pauseBefore(a.Try)
	defer func() {
		if waited {
			p.counts.waiting.Add(-1)
		}
	}()
	for {
		t = p.table.Load()
		if t.closed {
			return nil, t, waited, errClosed
		}
		changed := t.changed
		if pause == 0 {
			if c := v.choose(t, k, avoid); c != nil {
				return c, t, waited, nil
			}
		}
		if end == nil {
			return nil, t, waited, v.spent(t, k, time.Time{}, a)
		}
		if !waited && pause == 0 { // a pause before another try waits for no instance
			waited = true
			p.counts.waiting.Add(1)
		}
		var over <-chan time.Time
		var timer *time.Timer
		if pause > 0 {
			timer = time.NewTimer(pause)
			over, changed = timer.C, nil
		}
		select {
		case <-changed:
		case <-over:
		case <-p.done:
		case <-end:
			stopTimer(timer)
			return nil, t, waited, v.spent(t, k, began, a)
		case <-ctx.Done():
			stopTimer(timer)
			return nil, t, waited, endOfContext(ctx, v.spent(t, k, began, a))
		}
		stopTimer(timer)
		pause = 0
	}
}

// spent returns the error of a request that is not tried any more: what it failed
// with where another try could be made, else why no instance fits.
func (v *View) spent(t *table, k kind, began time.Time, a *tnt.Attempt) error {
	if a.Err != nil && v.choose(t, k, nil) != nil {
		return a.Err
	}
	return t.noInstance(v, began, a.Err)
}

// endOfContext returns the error of a request whose context ended while it waited.
func endOfContext(ctx context.Context, why error) error {
	if re, ok := why.(*tnt.RequestError); ok { //nolint:errorlint // the very error of the try before
		why = re.Err
	}
	return fmt.Errorf("%w (%w)", context.Cause(ctx), why)
}

func stopTimer(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}

// pauseBefore returns how long to wait before a try: the second is made at once, later
// ones after 1 ms, 2 ms and so on up to 100 ms, less a random part of up to a half.
func pauseBefore(try int) time.Duration {
	if try <= 2 {
		return 0
	}
	d := min(time.Millisecond<<min(try-3, 10), 100*time.Millisecond)
	return d - rand.N(d/2)
}

// after says what comes after a failure: which kind of instance the next try goes to,
// or that there is none because no other instance would do it.
func (v *View) after(a *tnt.Attempt) (k kind, done bool) {
	k = v.kind
	var lacks *tnt.FeatureError
	switch {
	case codeOf(a.Err) == errcode.Readonly:
		if k == kindReplica || k == kindNamed {
			return k, true
		}
		return kindMaster, false
	case errors.As(a.Err, &lacks), errors.Is(a.Err, tnt.ErrTooMany):
		// Another instance may be newer, or less busy; this one won't be soon.
		return k, k == kindMaster || k == kindNamed || a.Try > len(v.choice(v.pool.table.Load()).fit)
	case errors.Is(a.Err, tnt.ErrSessionLost):
		return k, true
	}
	return k, false
}

// codeOf returns the code of the server's error, 0 for another.
func codeOf(err error) errcode.Code {
	var refused *tnt.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return 0
}

// OnFailure implements tnt.FailureObserver: the pool learns from requests that it does
// not do again.
func (v *View) OnFailure(ctx context.Context, a tnt.Attempt) {
	if cause := context.Cause(ctx); cause != nil && errors.Is(a.Err, cause) {
		a.Err = ctx.Err() // the cause may be the error of another request, elsewhere
	}
	switch code := codeOf(a.Err); {
	case code == errcode.Readonly, code == errcode.Loading, errors.Is(a.Err, context.DeadlineExceeded):
		v.pool.learn(&a)
	}
}

// learn takes what a failure tells of the instance, and returns that; nil where it is
// none of the pool's any more.
func (p *Pool) learn(a *tnt.Attempt) *member {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.owners[a.Last.Conn()]
	if m == nil {
		return nil
	}
	// A function may have been refused by another instance, which it asked.
	ran := runsCode(a.Request.Type)
	var refused *tnt.Error
	switch {
	case !errors.As(a.Err, &refused):
		if errors.Is(a.Err, context.DeadlineExceeded) {
			m.probeNow()                        // slow, or silent
			if a.Try > 1 && m.role == Replica { // by TryFor: others are there
				m.mark(errSlow, p.opts.Probe)
				p.update()
			}
		}
		return m
	case refused.Code == errcode.Loading:
		if ran && !m.denied { // what the instance itself says of its state will tell
			m.probeNow()
			return m
		}
		m.mark(refused, markFor)
	case refused.Code == errcode.Readonly:
		d := markFor
		if m.denied {
			d = markGuessFor
		}
		if m.denied || !ran {
			m.mark(nil, d)
		}
		if !ran || p.hasUUID(text(refused.Fields["leader_uuid"])) {
			m.hint(refused.Fields)
		}
		m.probeNow()
	default:
		return m
	}
	p.update()
	return m
}

// hasUUID reports whether an instance of the pool has the UUID. p.mu is held.
func (p *Pool) hasUUID(uuid string) bool {
	return slices.ContainsFunc(p.members, func(m *member) bool { return uuid != "" && m.account.uuid == uuid })
}

// hint takes what ER_READONLY says of the leader (3.0 and later). p.mu is held.
func (m *member) hint(fields map[string]any) {
	term, uuid := number(fields["term"]), text(fields["leader_uuid"])
	if uuid == "" || term < m.account.term {
		return
	}
	m.account.term, m.account.leaderUUID = term, uuid
	if id := number(fields["leader_id"]); id != 0 {
		m.account.leader = id
	}
}
