package pool_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

func refusal(code errcode.Code) *types.Error {
	return &types.Error{Type: "ClientError", Code: code, Message: "refused by a fault"}
}

// everywhere injects a fault on each member.
func (e *embedded) everywhere(f tnttest.Fault) {
	for _, srv := range e.Instances() {
		srv.Inject(f)
	}
}

func selectOne(ctx context.Context, ex tnt.Executor) error {
	return tnt.Exec(ctx, ex, tnt.Select{Space: "kv", Key: tnt.K(1)})
}

// What is done again on another instance, and what is returned: the table of
// docs/pool.md, a line each.
func TestRetriedOrReturned(t *testing.T) {
	lostBefore := tnttest.Fault{CloseBefore: true, Times: 1}
	on := func(f tnttest.Fault, typ iproto.Type) tnttest.Fault { f.On = typ; return f }
	call := func(ctx context.Context, ex tnt.Executor) error { return tnt.Exec(ctx, ex, tnt.Call{Function: "f"}) }
	write := func(ctx context.Context, ex tnt.Executor) error { return insert(ctx, ex, 1) }
	for _, test := range []struct {
		name  string
		fault tnttest.Fault
		view  func(*pool.Pool) tnt.Executor
		do    func(context.Context, tnt.Executor) error
		fate  tnt.Fate // of what is returned
		is    error    // nil: it is done again, and ends well
	}{
		{"a write lost in flight", on(lostBefore, iproto.TypeInsert), master1, write, tnt.FateUnknown, tnt.ErrConnectionLost},
		{"an idempotent write lost in flight", on(lostBefore, iproto.TypeInsert), idempotent1, write, 0, nil},
		{"a read lost in flight", on(lostBefore, iproto.TypeSelect), master1, selectOne, 0, nil},
		{"a read of a replica lost in flight", on(lostBefore, iproto.TypeSelect), replica1, selectOne, 0, nil},
		{"a CALL lost in flight", on(lostBefore, iproto.TypeCall), master1, call, tnt.FateUnknown, tnt.ErrConnectionLost},
		{"a CALL on any lost in flight", on(lostBefore, iproto.TypeCall), any1, call, tnt.FateUnknown, tnt.ErrConnectionLost},
		{"a CALL on a replica lost in flight", on(lostBefore, iproto.TypeCall), replica1, call, 0, nil},
		{"an idempotent CALL lost in flight", on(lostBefore, iproto.TypeCall), idempotent1, call, 0, nil},
		{"a read refused as loading", tnttest.Fault{On: iproto.TypeSelect, Error: refusal(errcode.Loading), Times: 1}, replica1, selectOne, 0, nil},
		{"a write refused as loading", tnttest.Fault{On: iproto.TypeInsert, Error: refusal(errcode.Loading), Times: 1}, master1, write, 0, nil},
		{"a write refused as read-only", tnttest.Fault{On: iproto.TypeInsert, Error: refusal(errcode.Readonly), Times: 1}, master1, write, 0, nil},
		{"READONLY out of a CALL", tnttest.Fault{On: iproto.TypeCall, Error: refusal(errcode.Readonly)}, master1, call, tnt.FateRefused, errcode.Readonly},
		{"LOADING out of a CALL", tnttest.Fault{On: iproto.TypeCall, Error: refusal(errcode.Loading)}, master1, call, tnt.FateRefused, errcode.Loading},
		{"READONLY out of an idempotent CALL", tnttest.Fault{On: iproto.TypeCall, Error: refusal(errcode.Readonly), Times: 1}, idempotent1, call, 0, nil},
		{"READONLY out of a CALL on a replica", tnttest.Fault{On: iproto.TypeCall, Error: refusal(errcode.Readonly)}, replica1, call, tnt.FateRefused, errcode.Readonly},
		{"a synchronous write that timed out (216)", tnttest.Fault{On: iproto.TypeInsert, Error: refusal(errcode.SyncQuorumTimeout)}, master1, write, tnt.FateRefused, errcode.SyncQuorumTimeout},
		{"a synchronous write rolled back (217)", tnttest.Fault{On: iproto.TypeInsert, Error: refusal(errcode.SyncRollback)}, master1, write, tnt.FateRefused, errcode.SyncRollback},
		{"a user's error", tnttest.Fault{On: iproto.TypeCall, Error: refusal(errcode.ProcLua)}, master1, call, tnt.FateRefused, errcode.ProcLua},
		{"a duplicate", tnttest.Fault{On: iproto.TypeInsert, Error: refusal(errcode.TupleFound)}, master1, write, tnt.FateRefused, errcode.TupleFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
				var ran atomic.Int32
				for _, srv := range e.Instances() {
					must(t, srv.HandleFunc("f", func() int { return int(ran.Add(1)) }))
				}
				e.everywhere(test.fault)
				err := test.do(t.Context(), test.view(e.pool))
				e.hooks.mu.Lock()
				retries := len(e.hooks.retries)
				e.hooks.mu.Unlock()
				if test.is == nil {
					if err != nil || retries == 0 {
						t.Fatalf("%v, after %d retries; want it done again", err, retries)
					}
					return
				}
				var re *tnt.RequestError
				if !errors.Is(err, test.is) || !errors.As(err, &re) || re.Fate() != test.fate {
					t.Errorf("%v, want %v with the fate %v", err, test.is, test.fate)
				}
				if retries != 0 {
					t.Errorf("it was done again %d times", retries)
				}
			})
		})
	}
}

func master1(p *pool.Pool) tnt.Executor     { return p }
func replica1(p *pool.Pool) tnt.Executor    { return p.Replica() }
func any1(p *pool.Pool) tnt.Executor        { return p.Any() }
func idempotent1(p *pool.Pool) tnt.Executor { return p.Idempotent() }

// Writes wait for a master, up to MaxWait; then the error names each instance.
func TestMasterUnknown(t *testing.T) {
	inBubble(t, nil, pool.Options{MaxWait: 3 * time.Second}, func(t *testing.T, e *embedded) {
		must(t, e.Kill(1))
		must(t, e.Kill(2))
		time.Sleep(time.Second) // r0 steps down
		began := time.Now()
		err := insert(t.Context(), e.pool, 1)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it waited %v, want MaxWait", took)
		}
		var none *pool.NoInstanceError
		var re *tnt.RequestError
		if !errors.Is(err, pool.ErrNoInstance) || !errors.As(err, &none) || !errors.As(err, &re) || re.Fate() != tnt.FateUnsent || !tnt.SafeToRetry(err) || !tnt.IsTransient(err) {
			t.Fatalf("got %v", err)
		}
		for _, want := range []string{"r0 (r0:3301): it is read-only", "r1 (r1:3301): not connected", "r2 (r2:3301): not connected", "master"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %v", want, err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		if err := insert(ctx, e.pool, 1); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, pool.ErrNoInstance) || time.Since(began) != time.Second {
			t.Errorf("with a context of a second: %v after %v", err, time.Since(began))
		}
		if rows, err := e.pool.PreferReplica().Select(t.Context(), "kv", tnt.K(1)); err != nil || len(rows) != 0 {
			t.Errorf("reads go on: %v, %v", rows, err)
		}
	})
	inBubble(t, nil, pool.Options{MaxWait: tnt.Never}, func(t *testing.T, e *embedded) {
		must(t, e.SetReadOnly(0, true))
		synctest.Wait()
		began := time.Now()
		if err := insert(t.Context(), e.pool, 1); !errors.Is(err, pool.ErrNoInstance) || time.Since(began) != 0 {
			t.Errorf("with MaxWait Never: %v after %v", err, time.Since(began))
		}
	})
}

// Go and Batch do again what was refused, as Do does, and hooks are told of retries and
// waits.
func TestFuturesAndBatches(t *testing.T) {
	inBubble(t, []tnttest.Option{tnttest.WithoutElections()}, pool.Options{}, func(t *testing.T, e *embedded) {
		ctx := t.Context()
		e.Instance(0).Inject(tnttest.Fault{On: iproto.TypeInsert, Error: refusal(errcode.Readonly), Times: 5})
		if _, err := e.pool.Go(ctx, tnt.Insert{Space: "kv", Tuple: []any{1, "x"}}).Wait(ctx); err != nil {
			t.Errorf("Go: %v", err)
		}
		var reqs []tnt.Request
		for k := range 10 {
			reqs = append(reqs, tnt.Insert{Space: "kv", Tuple: []any{10 + k, "x"}})
		}
		for i, result := range e.pool.Batch(ctx, reqs...) {
			if result.Err != nil {
				t.Errorf("Batch: request %d: %v", i, result.Err)
			}
		}
		if n, err := e.Instance(1).Space("kv").Len(); err != nil || n != 11 {
			t.Errorf("there are %d rows, %v, want 11", n, err)
		}
		e.hooks.mu.Lock()
		defer e.hooks.mu.Unlock()
		if len(e.hooks.retries) == 0 || e.hooks.retries[0].From != "r0" || e.hooks.retries[0].Err == nil || len(e.hooks.waits) == 0 || e.hooks.waits[0].Duration == 0 {
			t.Errorf("hooks were told of the retries %+v and the waits %+v", e.hooks.retries, e.hooks.waits)
		}
	})
}

// A shutdown in order fails nothing: what is in flight is answered, what comes waits.
func TestShutdown(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		e.Instance(0).Inject(tnttest.Fault{On: iproto.TypeInsert, Delay: time.Second, Times: 1})
		done := make(chan error, 2)
		go func() { done <- insert(t.Context(), e.pool, 1) }()
		synctest.Wait()
		go func() { done <- e.Shutdown(t.Context(), 0) }()
		synctest.Wait()
		must(t, insert(t.Context(), e.pool, 2))
		must(t, <-done)
		must(t, <-done)
		e.wantRoles(t, pool.Unknown, pool.Master, pool.Replica)
	})
}

// Without elections, with events and without: the master is killed, or stands still, and
// an operator makes another.
func TestAsyncIncidents(t *testing.T) {
	for _, version := range []string{"3.8.0", "2.6.0"} {
		t.Run(version, func(t *testing.T) {
			inBubble(t, []tnttest.Option{tnttest.WithVersion(version), tnttest.WithoutElections()}, pool.Options{}, func(t *testing.T, e *embedded) {
				must(t, e.Kill(0))
				synctest.Wait()
				must(t, e.SetReadOnly(1, false))
				must(t, insert(t.Context(), e.pool, 1))
				must(t, e.Freeze(1))
				must(t, e.SetReadOnly(2, false))
				time.Sleep(3 * time.Second) // the longest a poll takes that hangs
				began := time.Now()
				for k := range 10 {
					must(t, insert(t.Context(), e.pool, 2+k))
				}
				if took := time.Since(began); took != 0 {
					t.Errorf("ten writes took %v", took)
				}
				must(t, e.Thaw(1))
				time.Sleep(6 * time.Second)
				e.wantRoles(t, pool.Unknown, pool.Superseded, pool.Master)
				if n, err := e.Instance(1).Space("kv").Len(); err != nil || n < 1 {
					t.Errorf("r1 has %d rows, %v", n, err)
				}
				must(t, e.SetReadOnly(1, true))
				time.Sleep(2 * time.Second)
				e.wantRoles(t, pool.Unknown, pool.Replica, pool.Master)
			})
		})
	}
}

// RequestTimeout of the connections bounds the wait of a call without a deadline.
func TestRequestTimeoutBoundsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &embedded{ReplicaSet: tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), kvSpace)}
		opts := pool.Options{Instances: e.instances()}
		for i := range opts.Instances {
			opts.Instances[i].Options.RequestTimeout = 2 * time.Second
		}
		p, err := pool.Open(t.Context(), opts)
		must(t, err)
		defer func() { _ = p.Close() }()
		must(t, e.Kill(1))
		must(t, e.Kill(2))
		time.Sleep(time.Second)
		began := time.Now()
		if err := insert(t.Context(), p, 1); !errors.Is(err, pool.ErrNoInstance) || time.Since(began) != 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// A switch by read_only is one retry of what came too early.
func TestReadOnlySwitchEmbedded(t *testing.T) {
	for _, version := range []string{"3.8.0", "2.6.0"} {
		t.Run(version, func(t *testing.T) {
			inBubble(t, []tnttest.Option{tnttest.WithVersion(version), tnttest.WithoutElections()}, pool.Options{}, func(t *testing.T, e *embedded) {
				for n := range 12 {
					must(t, e.SetReadOnly(n%3, true))
					must(t, e.SetReadOnly((n+1)%3, false))
					began := time.Now()
					must(t, insert(t.Context(), e.pool, n))
					if took := time.Since(began); took > time.Second {
						t.Errorf("switch %d: the write took %v", n, took)
					}
				}
			})
		})
	}
}

// Where box.info may not be called roles are learned from refusals alone.
func TestRolesFromRefusalsAlone(t *testing.T) {
	inBubble2(t, []tnttest.Option{tnttest.WithVersion("2.6.0"), tnttest.WithoutElections()}, pool.Options{}, func(e *embedded) {
		for _, srv := range e.Instances() {
			srv.Inject(tnttest.Fault{On: iproto.TypeCall, Error: refusal(errcode.AccessDenied)})
		}
	}, func(t *testing.T, e *embedded) {
		must(t, insert(t.Context(), e.pool, 1))
		for n := range 6 {
			must(t, e.SetReadOnly(n%3, true))
			must(t, e.SetReadOnly((n+1)%3, false))
			must(t, insert(t.Context(), e.pool, 2+n))
		}
		if why := e.pool.Status()[0].Why; why == nil || !strings.Contains(why.Error(), "box.info") {
			t.Errorf("the status does not say that box.info is denied: %v", why)
		}
	})
}

// inBubble2 is inBubble with something done to the servers before the pool opens.
func inBubble2(t *testing.T, servers []tnttest.Option, opts pool.Options, before func(*embedded), f func(*testing.T, *embedded)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := &embedded{ReplicaSet: tnttest.RunReplicaSet(t, 3, append([]tnttest.Option{tnttest.InMemory(), kvSpace}, servers...)...), hooks: &recorder{}}
		before(e)
		opts.Hooks = append(opts.Hooks, e.hooks)
		opts.Instances = e.instances()
		p, err := pool.Open(t.Context(), opts)
		must(t, err)
		defer func() { _ = p.Close() }()
		e.pool = p
		f(t, e)
	})
}

// Two that say that they are writable: all writes go to the one with the higher term,
// and the other's sessions are dropped.
func TestTwoMasters(t *testing.T) {
	inBubble(t, []tnttest.Option{tnttest.WithoutFencing()}, pool.Options{}, func(t *testing.T, e *embedded) {
		must(t, e.Partition([]int{0}))
		for e.Leader() == 0 {
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		for k := range 100 {
			must(t, insert(t.Context(), e.pool, k))
		}
		if n, err := e.Instance(0).Space("kv").Len(); err != nil || n != 0 {
			t.Errorf("the superseded leader has %d tuples, %v", n, err)
		}
		time.Sleep(time.Second)
		e.wantRoles(t, pool.Superseded, pool.Master, pool.Replica)
		if s := e.pool.Status()[0]; s.Connected != 0 || !errors.Is(s.Why, pool.ErrSuperseded) {
			t.Errorf("the superseded leader: %+v", s)
		}
		named, err := e.pool.On("r0")
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := insert(ctx, named, 1000); !errors.Is(err, pool.ErrSuperseded) {
			t.Errorf("a write to it by name: %v, want ErrSuperseded", err)
		}
		e.Heal()
		time.Sleep(time.Second)
		e.wantRoles(t, pool.Replica, pool.Master, pool.Replica)
	})
}

// A replica that hangs delays nobody for longer than a probe, or TryFor, and comes back.
func TestHungReplica(t *testing.T) {
	inBubble(t, nil, pool.Options{TryFor: 50 * time.Millisecond}, func(t *testing.T, e *embedded) {
		must(t, e.Freeze(1))
		began := time.Now()
		for range 6 {
			must(t, selectOne(t.Context(), e.pool.Replica()))
		}
		if took := time.Since(began); took > 200*time.Millisecond {
			t.Errorf("six reads took %v", took)
		}
		before := time.Now()
		_ = e.pool.Status()
		if time.Since(before) > 0 {
			t.Errorf("Status blocked")
		}
		time.Sleep(3 * time.Second)
		e.wantRoles(t, pool.Master, pool.Unknown, pool.Replica)
		began = time.Now()
		for range 6 {
			must(t, selectOne(t.Context(), e.pool.Replica()))
		}
		must(t, insert(t.Context(), e.pool, 1))
		must(t, e.Promote(2))
		must(t, insert(t.Context(), e.pool, 2))
		if took := time.Since(began); took > 20*time.Millisecond {
			t.Errorf("the hung replica delays the others: %v", took)
		}
		must(t, e.Thaw(1))
		time.Sleep(10 * time.Second)
		e.wantRoles(t, pool.Replica, pool.Replica, pool.Master)
	})
}

// A lost replica's requests go to the other; where none is left PreferReplica takes
// the master, and Replica waits.
func TestReplicasGone(t *testing.T) {
	inBubble(t, []tnttest.Option{tnttest.WithoutElections()}, pool.Options{MaxWait: time.Second}, func(t *testing.T, e *embedded) {
		must(t, e.Kill(1))
		for range 4 {
			must(t, selectOne(t.Context(), e.pool.Replica()))
		}
		must(t, e.Kill(2))
		must(t, selectOne(t.Context(), e.pool.PreferReplica()))
		if err := selectOne(t.Context(), e.pool.Replica()); !errors.Is(err, pool.ErrNoInstance) {
			t.Errorf("no replica is left: %v", err)
		}
	})
}

// A thousand changes of roles leave no goroutine behind (TestMain looks), and hooks are
// told of each in order.
func TestThousandChanges(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		for n := range 1000 {
			must(t, e.Promote((n+1)%3))
			if n%50 == 0 {
				must(t, insert(t.Context(), e.pool, n))
			}
		}
		synctest.Wait()
		last := map[string]string{}
		e.hooks.mu.Lock()
		defer e.hooks.mu.Unlock()
		if len(e.hooks.roles) < 2000 {
			t.Errorf("hooks were told of %d changes", len(e.hooks.roles))
		}
		for _, line := range e.hooks.roles {
			name, change, _ := strings.Cut(line, ": ")
			from, rest, _ := strings.Cut(change, " to ")
			to, _, _ := strings.Cut(rest, ":")
			if last[name] != "" && last[name] != from {
				t.Fatalf("%s was %s, and then %q", name, last[name], line)
			}
			last[name] = to
		}
	})
}

// A replica that is too far behind, or of which nobody knows, gets no reads.
func TestMaxLag(t *testing.T) {
	inBubble(t, []tnttest.Option{tnttest.WithoutElections()}, pool.Options{MaxLag: time.Second}, func(t *testing.T, e *embedded) {
		time.Sleep(2 * time.Second)
		if !e.pool.Replica().Fits() {
			t.Fatalf("no replica fits: %+v", e.pool.Status())
		}
		must(t, e.Partition([]int{1}))
		time.Sleep(3 * time.Second)
		s := e.pool.Status()
		if s[1].Why == nil || !strings.Contains(s[1].Why.Error(), "lag") || s[2].LagKnown == false {
			t.Errorf("r1: %v, r2: %+v", s[1].Why, s[2])
		}
		before := selects(e.Instance(1))
		for range 10 {
			must(t, selectOne(t.Context(), e.pool.Replica()))
		}
		if n := selects(e.Instance(1)) - before; n != 0 {
			t.Errorf("the replica that is cut off got %d reads", n)
		}
	})
}

// selects returns how many SELECTs a server got.
func selects(srv *tnttest.Server) (n int) {
	for _, r := range srv.Requests() {
		if r.Type == iproto.TypeSelect {
			n++
		}
	}
	return n
}

func ExampleNoInstanceError() {
	var err error = &pool.NoInstanceError{View: "master", Waited: time.Second, Unfit: []pool.Unfit{
		{Name: "a:3301", Address: "a:3301", Why: errors.New("it is read-only")},
		{Name: "b", Address: "b:3301", Why: errors.New("it is silent")},
	}}
	fmt.Println(err)
	fmt.Println(errors.Is(err, pool.ErrNoInstance), errors.Is(err, tnt.ErrNotConnected))
	// Output:
	// no instance of the pool fits (master) after 1s: a:3301: it is read-only; b (b:3301): it is silent
	// true true
}
