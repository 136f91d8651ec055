package pool_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// What the ends of tries and waits are: TryFor, MaxWait, contexts, silence.

// TryFor bounds what may be done twice, and nothing else: a write or a call that takes
// longer is answered.
func TestTryForIsForReads(t *testing.T) {
	inBubble(t, nil, pool.Options{TryFor: 50 * time.Millisecond}, func(t *testing.T, e *embedded) {
		for _, srv := range e.Instances() {
			must(t, srv.HandleFunc("f", func() int { return 1 }))
		}
		e.everywhere(tnttest.Fault{On: iproto.TypeCall, Delay: 200 * time.Millisecond})
		e.everywhere(tnttest.Fault{On: iproto.TypeInsert, Delay: 200 * time.Millisecond})
		call := tnt.Call{Function: "f"}
		for _, v := range []*pool.View{e.pool.Any(), e.pool.PreferReplica()} {
			for range 3 {
				if err := tnt.Exec(t.Context(), v, call); err != nil {
					t.Errorf("a slow CALL on %v: %v", v, err)
				}
			}
		}
		must(t, insert(t.Context(), e.pool.Any(), 1))
		// On the replicas it is a read: the one is given up, the other is waited for.
		began := time.Now()
		if err := tnt.Exec(t.Context(), e.pool.Replica(), call); err != nil || time.Since(began) != 250*time.Millisecond {
			t.Errorf("a slow CALL on a replica: %v after %v", err, time.Since(began))
		}
	})
}

// Where a request is given up while an instance fits, its error is what it failed with,
// not that none fits.
func TestGivenUpThoughOneFits(t *testing.T) {
	memory := tnttest.Fault{On: iproto.TypeInsert, Error: refusal(errcode.MemoryIssue)}
	for _, test := range []struct {
		name    string
		maxWait time.Duration
		retries int // at the most
	}{
		{"after MaxWait", 2 * time.Second, 1000},
		{"without any wait", tnt.Never, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, nil, pool.Options{MaxWait: test.maxWait}, func(t *testing.T, e *embedded) {
				e.everywhere(memory)
				began := time.Now()
				err := insert(t.Context(), e.pool.Idempotent(), 1)
				if took := time.Since(began); !errors.Is(err, errcode.MemoryIssue) || errors.Is(err, pool.ErrNoInstance) || took != max(test.maxWait, 0) {
					t.Errorf("%v after %v", err, took)
				}
				if n := len(e.hooks.retries); n < 1 || n > test.retries {
					t.Errorf("it was done again %d times, want 1 to %d", n, test.retries)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err = insert(ctx, e.pool.Idempotent(), 1)
				if test.maxWait > 0 && (!errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errcode.MemoryIssue) || errors.Is(err, pool.ErrNoInstance)) {
					t.Errorf("where the context ends first: %v", err)
				}
				if n := e.pool.Stats().Unserved; n != 0 {
					t.Errorf("%d requests were counted as without an instance", n)
				}
			})
		})
	}
}

// A master that falls silent yields to one that was writable when it was first heard of:
// that this one turned so was not seen.
func TestSilentMasterYields(t *testing.T) {
	for _, version := range []string{"3.8.0", "2.6.0"} {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &embedded{ReplicaSet: tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), kvSpace, tnttest.WithVersion(version), tnttest.WithoutElections())}
				gate := make(chan struct{})
				opts := pool.Options{Instances: e.instances()}
				opts.Instances[1].Options.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
					select {
					case <-gate:
						return e.DialContext(ctx, network, address)
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				}
				p, err := pool.Open(t.Context(), opts)
				must(t, err)
				defer func() { _ = p.Close() }()
				e.pool = p
				synctest.Wait()
				must(t, e.Freeze(0))
				began := time.Now()
				inFlight := make(chan error, 1)
				go func() { inFlight <- insert(t.Context(), p, 1) }()
				must(t, e.SetReadOnly(1, false))
				close(gate)
				// A probe each second that may take a second, and 200 ms.
				if err := <-inFlight; !errors.Is(err, pool.ErrSuperseded) || time.Since(began) > 2500*time.Millisecond {
					t.Errorf("what was in flight: %v after %v", err, time.Since(began))
				}
				must(t, insert(t.Context(), p, 2))
				e.wantRoles(t, pool.Superseded, pool.Master, pool.Replica)
				must(t, e.Thaw(0)) // it says that it is writable, and nobody knows whose turn was later
				time.Sleep(10 * time.Second)
				e.wantRoles(t, pool.Replica, pool.Master, pool.Replica)
			})
		})
	}
}

// What was known of a replica's lag is not believed when nobody can ask for it any more.
func TestLagForgotten(t *testing.T) {
	inBubble(t, []tnttest.Option{tnttest.WithoutElections()}, pool.Options{MaxLag: time.Second}, func(t *testing.T, e *embedded) {
		time.Sleep(2 * time.Second)
		e.wantLagKnown(t, false, true, true)
		e.Instance(1).Inject(tnttest.Fault{On: iproto.TypeCall, Error: refusal(errcode.AccessDenied)})
		time.Sleep(2 * time.Second)
		e.wantLagKnown(t, false, false, true)
		if why := e.pool.Status()[1].Why; !strings.Contains(why.Error(), "lag") {
			t.Errorf("why r1 is not read: %v", why)
		}
		must(t, e.Kill(2))
		synctest.Wait()
		must(t, e.Restart(2))
		e.Instance(2).Inject(tnttest.Fault{On: iproto.TypeCall, Delay: 900 * time.Millisecond})
		for since := time.Now(); e.pool.Status()[2].Role != pool.Replica; time.Sleep(time.Millisecond) {
			if time.Since(since) > 10*time.Second {
				t.Fatalf("r2 does not come back: %+v", e.pool.Status()[2])
			}
		}
		e.wantLagKnown(t, false, false, false)
		time.Sleep(2 * time.Second)
		e.wantLagKnown(t, false, false, true)
	})
}

func (e *embedded) wantLagKnown(t *testing.T, want ...bool) {
	t.Helper()
	for i, s := range e.pool.Status() {
		if s.LagKnown != want[i] {
			t.Errorf("%s: LagKnown is %v: %v", s.Name, s.LagKnown, s.Why)
		}
	}
}

// A request that times out has its instance probed at once, not when that is due.
func TestTimeoutProbes(t *testing.T) {
	for name, do := range map[string]func(ctx context.Context, ex tnt.Executor) error{
		"Do": selectOne,
		"Go": func(ctx context.Context, ex tnt.Executor) error {
			_, err := tnt.Go(ctx, ex, tnt.Ping{}).Wait(ctx)
			return err
		},
		"Batch": func(ctx context.Context, ex tnt.Executor) (err error) {
			for _, r := range tnt.Batch(ctx, ex, tnt.Ping{}, tnt.Ping{}) {
				err = r.Err
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, pool.Options{Probe: 30 * time.Second}, func(t *testing.T, e *embedded) {
				must(t, e.Freeze(1))
				replica, err := e.pool.On("r1")
				must(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				if err := do(ctx, replica); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("of one that stands still: %v", err)
				}
				time.Sleep(31 * time.Second) // where the probe was due it would fail at 60 s
				e.wantRoles(t, pool.Master, pool.Unknown, pool.Replica)
			})
		})
	}
}

// What an instance has no room for goes to another one, once to each, and is not waited
// for.
func TestTooManyInFlight(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		ctx := t.Context()
		var views []*pool.View
		for i := range 3 {
			narrow := e.instance(i)
			narrow.Options.MaxInFlight = 1
			must(t, e.pool.Replace(ctx, narrow))
			v, err := e.pool.On(e.Name(i))
			must(t, err)
			must(t, v.WaitFor(ctx))
			views = append(views, v)
		}
		held := make(chan error, 3)
		hold := func(i int) {
			e.Instance(i).Inject(tnttest.Fault{On: iproto.TypeSelect, Delay: time.Second, Times: 1})
			go func() { held <- selectOne(ctx, views[i]) }()
			synctest.Wait()
		}
		began := time.Now()
		hold(1)
		for range 4 {
			must(t, selectOne(ctx, e.pool.Replica())) // the other replica
		}
		hold(2)
		hold(0)
		for _, v := range []*pool.View{e.pool.Replica(), e.pool.Any(), e.pool.Master()} {
			if err := selectOne(ctx, v); !errors.Is(err, tnt.ErrTooMany) {
				t.Errorf("%v: %v, want ErrTooMany", v, err)
			}
		}
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		before := e.pool.Stats().Retries
		for _, v := range []*pool.View{e.pool.Master(), views[1]} { // there is no other that would do
			if err := selectOne(ctx, v); !errors.Is(err, tnt.ErrTooMany) || e.pool.Stats().Retries != before {
				t.Errorf("%v: %v after %d retries", v, err, e.pool.Stats().Retries-before)
			}
		}
		for range 3 {
			must(t, <-held)
		}
	})
}

// Close ends what CloseGraceful and Remove wait for.
func TestCloseEndsGracefulEnds(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		e.Instance(0).Inject(tnttest.Fault{On: iproto.TypeInsert, Delay: time.Hour})
		e.Instance(1).Inject(tnttest.Fault{On: iproto.TypeSelect, Delay: time.Hour})
		replica, err := e.pool.On("r1")
		must(t, err)
		inFlight := make(chan error, 2)
		go func() { inFlight <- insert(t.Context(), e.pool, 1) }()
		go func() { inFlight <- selectOne(t.Context(), replica) }()
		synctest.Wait()
		ended := make(chan error, 2)
		go func() { ended <- e.pool.Remove(t.Context(), "r1") }()
		synctest.Wait()
		go func() { ended <- e.pool.CloseGraceful(t.Context()) }()
		synctest.Wait()
		began := time.Now()
		must(t, e.pool.Close())
		for range 2 {
			if err := <-inFlight; !errors.Is(err, tnt.ErrClosed) {
				t.Errorf("what was in flight: %v", err)
			}
			must(t, <-ended)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
		for _, err := range []error{e.pool.Remove(t.Context(), "r0"), e.pool.Replace(t.Context(), e.instance(0)), e.pool.Add(e.instance(0)), e.pool.SetInstances(t.Context(), e.instances())} {
			if !errors.Is(err, tnt.ErrClosed) {
				t.Errorf("a change of a pool that is closed: %v", err)
			}
		}
	})
}
