package pool_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// What leaves an instance in order and is not let to says so, by the cause of its
// context, though all but one had their answers.
func TestErrorsOfGracefulEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(ctx context.Context, p *pool.Pool, e *embedded) error
	}{
		{"CloseGraceful", func(ctx context.Context, p *pool.Pool, _ *embedded) error { return p.CloseGraceful(ctx) }},
		{"Remove", func(ctx context.Context, p *pool.Pool, _ *embedded) error { return p.Remove(ctx, "r1") }},
		{"Replace", func(ctx context.Context, p *pool.Pool, e *embedded) error { return p.Replace(ctx, e.instance(1)) }},
		{"SetInstances", func(ctx context.Context, p *pool.Pool, e *embedded) error {
			return p.SetInstances(ctx, []pool.Instance{e.instance(0)})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
				e.Instance(1).Inject(tnttest.Fault{On: iproto.TypeSelect, Delay: time.Hour, Times: 1})
				inFlight := make(chan error, 1)
				go func() { inFlight <- selectOne(t.Context(), e.named(t, 1)) }()
				synctest.Wait()
				mine := errors.New("mine")
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, mine)
				defer cancel()
				began := time.Now()
				if err := test.do(ctx, e.pool, e); !errors.Is(err, mine) || time.Since(began) != time.Second {
					t.Errorf("%v after %v, want the cause of the context after a second", err, time.Since(began))
				}
				err := <-inFlight
				if again := test.name == "Replace" && err == nil; !again && !errors.Is(err, tnt.ErrConnectionLost) && !errors.Is(err, tnt.ErrClosed) {
					t.Errorf("what was in flight: %v", err)
				}
			})
		})
	}
}

// Follow ends with its channel and with its context; what is in flight on an instance
// that goes holds its end up for MaxWait at the most.
func TestFollowEnds(t *testing.T) {
	for _, test := range []struct {
		maxWait, takes, want time.Duration
		answered             bool
	}{
		{3 * time.Second, time.Hour, 3 * time.Second, false},
		{3 * time.Second, time.Second, time.Second, true},
		{tnt.Never, 20 * time.Second, 20 * time.Second, true},
	} {
		inBubble(t, nil, pool.Options{MaxWait: test.maxWait}, func(t *testing.T, e *embedded) {
			e.Instance(1).Inject(tnttest.Fault{On: iproto.TypeSelect, Delay: test.takes, Times: 1})
			inFlight := make(chan error, 1)
			go func() { inFlight <- selectOne(t.Context(), e.named(t, 1)) }()
			synctest.Wait()
			lists := make(chan []pool.Instance, 2)
			lists <- []pool.Instance{e.instance(0), e.instance(2)}
			lists <- []pool.Instance{e.instance(0)}
			close(lists)
			began := time.Now()
			if err := e.pool.Follow(t.Context(), lists); err != nil || time.Since(began) != test.want || names(e.pool) != "r0" {
				t.Errorf("Follow: %v after %v, the pool has %s; want no error after %v", err, time.Since(began), names(e.pool), test.want)
			}
			if err := <-inFlight; (err == nil) != test.answered {
				t.Errorf("what was in flight for %v: %v", test.takes, err)
			}
			mine := errors.New("mine")
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, mine)
			defer cancel()
			if err := e.pool.Follow(ctx, make(chan []pool.Instance)); !errors.Is(err, mine) {
				t.Errorf("Follow with a context that ended: %v", err)
			}
		})
	}
}

// What a pool that leaves says of roles: once of each that had one.
func TestRemovedHasNoRole(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		must(t, e.Kill(2))
		synctest.Wait()
		e.hooks.mu.Lock()
		e.hooks.roles = nil
		e.hooks.mu.Unlock()
		must(t, e.pool.Remove(t.Context(), "r2"))
		must(t, e.pool.Remove(t.Context(), "r1"))
		synctest.Wait()
		if got := e.hooks.String(); got != "r1: replica to unknown: the instance was removed from the pool" {
			t.Errorf("hooks were told: %s", got)
		}
	})
}

// An instance that is removed gets nothing from then on, though it is waited for, and
// one that is replaced keeps its place.
func TestChangesAreAtOnce(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		ctx := t.Context()
		e.Instance(1).Inject(tnttest.Fault{On: iproto.TypeSelect, Delay: time.Minute, Times: 1})
		ended := make(chan error, 2)
		go func() { ended <- selectOne(ctx, e.named(t, 1)) }()
		synctest.Wait()
		go func() { ended <- e.pool.Remove(ctx, "r1") }()
		synctest.Wait()
		if got := names(e.pool); got != "r0 r2" {
			t.Errorf("while r1 is being removed the pool has %s", got)
		}
		before := selects(e.Instance(1))
		for range 4 {
			must(t, selectOne(ctx, e.pool.Any()))
		}
		if n := selects(e.Instance(1)) - before; n != 0 {
			t.Errorf("what is being removed got %d reads", n)
		}
		must(t, <-ended)
		must(t, <-ended)
		first := e.instance(0)
		first.Weight = 3
		must(t, e.pool.SetInstances(ctx, []pool.Instance{first, e.instance(2)}))
		if got := names(e.pool); got != "r0 r2" || e.pool.Instances()[0].Weight != 3 {
			t.Errorf("the pool has %s: %+v", got, e.pool.Instances())
		}
		must(t, insert(ctx, e.pool, 1))
	})
}

// A list of instances is not held up by a request to an instance of the list before.
func TestFollowWaitsForNoRequest(t *testing.T) {
	inBubble(t, nil, pool.Options{MaxWait: tnt.Never}, func(t *testing.T, e *embedded) {
		release := make(chan struct{})
		must(t, e.Instance(2).HandleFunc("f", func() int { <-release; return 1 }))
		defer close(release)
		v, err := e.pool.On("r2")
		must(t, err)
		go func() { _ = tnt.Exec(context.Background(), v, tnt.Call{Function: "f"}) }()
		synctest.Wait()
		lists := make(chan []pool.Instance)
		done := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { done <- e.pool.Follow(ctx, lists) }()
		lists <- e.instances()[:2]
		select {
		case lists <- e.instances()[:1]:
		case <-time.After(time.Hour):
			t.Error("the second list was not taken in an hour")
		}
		synctest.Wait()
		if got := names(e.pool); got != "r0" {
			t.Errorf("the pool has %s", got)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Follow ended with %v", err)
		}
	})
}
