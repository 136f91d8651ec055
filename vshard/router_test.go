package vshard_test

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
	"github.com/gotnt/tnt/tnttest/vshardtest"
	"github.com/gotnt/tnt/types"
	"github.com/gotnt/tnt/vshard"
)

// world is a fake cluster of two replica sets of two and a router, in a bubble
// of time.
type world struct {
	*vshardtest.Cluster
	router *vshard.Router
	config vshard.Config
	calls  *atomic.Int32 // of all functions
}

func inWorld(t *testing.T, fn func(t *testing.T, w world)) {
	t.Helper()
	inWorldOf(t, 2, fn)
}

// inWorldOf is inWorld with so many instances in each replica set.
func inWorldOf(t *testing.T, instances int, fn func(t *testing.T, w world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		opts := vshardtest.Options{Instances: instances, Server: []tnttest.Option{tnttest.InMemory()}}
		w := world{calls: new(atomic.Int32), Cluster: vshardtest.Run(t, opts)}
		w.config = vshard.Config{Buckets: 100}
		for _, s := range w.Sets() {
			set := vshard.ReplicaSet{UUID: s.UUID}
			for _, i := range s.Instances {
				set.Instances = append(set.Instances, pool.Instance{Name: i.UUID, Options: tnt.Options{Dialer: i.Server.DialContext}})
			}
			w.config.ReplicaSets = append(w.config.ReplicaSets, set)
		}
		w.Handle("echo", func(c *vshardtest.Call) ([]any, error) {
			w.calls.Add(1)
			return c.Arguments, nil
		})
		w.Handle("where", func(c *vshardtest.Call) ([]any, error) {
			w.calls.Add(1)
			return []any{c.Instance}, nil
		})
		w.open(t)
		defer func() { _ = w.router.Close() }()
		fn(t, w)
	})
}

func (w *world) open(t *testing.T) {
	t.Helper()
	r, err := vshard.Open(t.Context(), w.config)
	if err != nil {
		t.Fatal(err)
	}
	w.router = r
	synctest.Wait() // until replicas are connected too
}

func (w *world) instance(set, i int) string { return w.Sets()[set].Instances[i].UUID }

func TestCalls(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		ctx := t.Context()
		for bucket := uint32(1); bucket <= 100; bucket++ {
			got, err := vshard.One[uint32](ctx, w.router, vshard.Call{Bucket: bucket, Function: "echo", Args: []any{bucket}})
			if err != nil || got != bucket {
				t.Fatal(got, err)
			}
		}
		if info := w.router.Info(); info.Requests != 100 || info.Unknown != 0 || info.ReplicaSets[0].Buckets != 50 {
			t.Errorf("%+v", info)
		}
		var a int
		var b string
		err := vshard.Into(ctx, w.router, vshard.Call{Bucket: 1, Function: "echo", Args: []any{1, "x", 3, 4}}, &a, &b)
		if err != nil || a != 1 || b != "x" {
			t.Error(a, b, err)
		}
		all, err := w.router.Do(ctx, vshard.Call{Bucket: 1, Function: "echo", Args: []any{1, nil, 3, 4}})
		if err != nil || fmt.Sprint(all) != "[1 <nil> 3]" {
			t.Error(all, err)
		}
		before, began := w.Requests(), time.Now()
		for _, c := range []vshard.Call{{}, {Bucket: 101}, {Bucket: 1, Mode: 9}, {Bucket: 1, Function: "echo", Args: []any{make(chan int)}}} {
			if _, err := w.router.Do(ctx, c); err == nil {
				t.Errorf("%+v: no error", c)
			}
		}
		if w.Requests() != before || time.Since(began) > 0 {
			t.Errorf("%d requests of calls that can't be sent, in %v", w.Requests()-before, time.Since(began))
		}
	})
}

func TestModes(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		master, replica := w.instance(0, 0), w.instance(0, 1)
		for mode, want := range map[vshard.Mode]map[string]int{
			vshard.RW: {master: 10}, vshard.RO: {master: 10}, vshard.BRO: {master: 5, replica: 5}, vshard.RE: {replica: 10}, vshard.BRE: {replica: 10},
		} {
			got := make(map[string]int)
			for range 10 {
				where, err := vshard.One[string](t.Context(), w.router, vshard.Call{Bucket: 1, Mode: mode, Function: "where"})
				if err != nil {
					t.Fatal(mode, err)
				}
				got[where]++
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%v: %v, want %v", mode, got, want)
			}
		}
	})
}

// vshard's own errors have the codes 1, 2, 7 and 22, and so have some of the
// server's, which a function may raise.
func TestFunctionsErrorsAreReturned(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		for _, code := range []errcode.Code{1, 2, 7, 22, 32} {
			ran := 0
			w.Handle("fail", func(*vshardtest.Call) ([]any, error) {
				ran++
				return nil, &types.Error{Type: "ClientError", Code: code, Message: "own words"}
			})
			_, err := w.router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "fail"})
			var e *vshard.FunctionError
			if !errors.As(err, &e) || !errors.Is(err, code) || e.Err.Message != "own words" || ran != 1 || tnt.SafeToRetry(err) {
				t.Errorf("code %d: ran %d times: %v", code, ran, err)
			}
		}
	})
}

func TestLockedBucket(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		for range 20 {
			w.Lock(1)
			time.AfterFunc(800*time.Millisecond, func() { w.Unlock(1) })
			before, began := w.router.Info().Requests, time.Now()
			if _, err := w.router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "echo"}); err != nil {
				t.Fatal(err)
			}
			if sent, took := w.router.Info().Requests-before, time.Since(began); sent > 20 || sent < 10 || took > 880*time.Millisecond {
				t.Errorf("%d requests in %v", sent, took)
			}
			if _, err := w.router.Do(t.Context(), vshard.Call{Bucket: 1, Mode: vshard.RO, Function: "echo"}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Two replica sets that point at each other are no reason to hurry.
func TestBucketAstray(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		w.Stray(1, 0, 1)
		for _, mode := range []vshard.Mode{vshard.RW, vshard.BRE} {
			ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
			before := w.router.Info().Requests
			_, err := w.router.Do(ctx, vshard.Call{Bucket: 1, Mode: mode, Function: "echo"})
			cancel()
			var e *vshard.Error
			sent := w.router.Info().Requests - before
			if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &e) || e.Name != "WRONG_BUCKET" || sent > 20 {
				t.Errorf("%d requests: %v", sent, err)
			}
		}
		time.AfterFunc(100*time.Millisecond, func() { w.Move(1, 1) })
		if _, err := w.router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "echo"}); err != nil {
			t.Error(err)
		}
	})
}

// A bucket that is being moved can be read where it was until it is sent.
func TestBucketBetweenTwo(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		finish, forget := w.Send(1, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
		defer cancel()
		var end vshard.CallEnd
		w.config.Hooks.End = func(_ context.Context, e vshard.CallEnd) { end = e }
		if err := w.router.Reconfigure(ctx, w.config); err != nil {
			t.Fatal(err)
		}
		_, err := w.router.Do(ctx, vshard.Call{Bucket: 1, Function: "echo"})
		var e *vshard.Error
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &e) || end.Requests > 20 || end.Err == nil {
			t.Errorf("%d requests: %v", end.Requests, err)
		}
		if got, err := vshard.One[string](t.Context(), w.router, vshard.Call{Bucket: 1, Mode: vshard.RO, Function: "where"}); got != w.instance(0, 0) {
			t.Errorf("read at %v, %v", got, err)
		}
		time.AfterFunc(100*time.Millisecond, finish)
		time.AfterFunc(200*time.Millisecond, forget)
		if got, err := vshard.One[string](t.Context(), w.router, vshard.Call{Bucket: 1, Function: "where"}); got != w.instance(1, 0) {
			t.Errorf("written at %v, %v", got, err)
		}
		if w.calls.Load() != 2 {
			t.Errorf("%d calls", w.calls.Load())
		}
	})
}

func TestMovedBuckets(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		for bucket := 1; bucket <= 30; bucket++ {
			w.Move(bucket, 1)
		}
		before := w.Requests()
		for bucket := uint32(1); bucket <= 100; bucket++ {
			if _, err := w.router.Do(t.Context(), vshard.Call{Bucket: bucket, Function: "echo"}); err != nil {
				t.Fatal(err)
			}
		}
		if sent := w.Requests() - before; sent > 130 {
			t.Errorf("%d requests for 100 calls, 30 of them elsewhere", sent)
		}
	})
}

func TestMasterElsewhere(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		w.SetMaster(0, 1)
		synctest.Wait() // until the pool has heard of it
		got, err := vshard.One[string](t.Context(), w.router, vshard.Call{Bucket: 1, Function: "where"})
		if err != nil || got != w.instance(0, 1) {
			t.Errorf("written at %v, %v", got, err)
		}
		if info := w.router.Info(); info.ReplicaSets[0].Instances[1].Role != pool.Master || info.Again != 0 {
			t.Errorf("%+v", info)
		}
	})
}

// Where storages and the pool do not agree on who is the master, the storages do.
func TestMasterByTheStoragesWord(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		w.SetStorageMaster(0, 1) // it is read-only
		for range 10 {
			got, err := vshard.One[string](t.Context(), w.router, vshard.Call{Bucket: 1, Function: "where"})
			if err != nil || got != w.instance(0, 1) {
				t.Fatalf("written at %v, %v", got, err)
			}
		}
		if info := w.router.Info(); info.Again != 1 {
			t.Errorf("%d requests came after another, want 1", info.Again)
		}
	})
}

// A master that dies without a word: another storage says that it is now.
func TestMasterDies(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		dead := w.Sets()[0].Instances[0].Server
		dead.RefuseConnections(true)
		for _, c := range dead.Connections() {
			c.Close()
			<-c.Done()
		}
		synctest.Wait() // until the router has seen that: a call before would be lost
		time.AfterFunc(time.Second, func() { w.SetMaster(0, 1) })
		began := time.Now()
		got, err := vshard.One[string](t.Context(), w.router, vshard.Call{Bucket: 1, Function: "where"})
		if took := time.Since(began); err != nil || got != w.instance(0, 1) || took > 1200*time.Millisecond {
			t.Errorf("written at %v after %v: %v", got, took, err)
		}
		if _, err = vshard.Map[string](t.Context(), w.router, "where", nil, vshard.MapOptions{}); err != nil {
			t.Error(err)
		}
	})
}

func TestDisabledStorage(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		w.Disable(0, 0, true)
		got, err := vshard.One[string](t.Context(), w.router, vshard.Call{Bucket: 1, Mode: vshard.RO, Function: "where"})
		if err != nil || got != w.instance(0, 1) {
			t.Errorf("read at %v, %v", got, err)
		}
		if in := w.router.Info().ReplicaSets[0].Instances[0]; in.RestsUntil.IsZero() || in.RestsFor == nil {
			t.Errorf("the instance does not rest: %+v", in)
		}
		time.AfterFunc(time.Second, func() { w.Disable(0, 0, false) })
		began := time.Now()
		if _, err := w.router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "where"}); err != nil || time.Since(began) > 6*time.Second {
			t.Errorf("written after %v: %v", time.Since(began), err)
		}
		w.Disable(0, 0, true)
		_, err = w.router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "where"})
		if err == nil || !strings.Contains(err.Error(), "STORAGE_IS_DISABLED") {
			t.Errorf("a write to a storage that is disabled: %v", err)
		}
	})
}

// Nobody knows whether a write that was lost was done; a read does no harm.
func TestLostCalls(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		srv := w.Sets()[0].Instances[0].Server
		srv.Inject(tnttest.Fault{On: iproto.TypeCall, Times: 1, CloseAfter: true})
		_, err := w.router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "echo"})
		if err == nil || tnt.SafeToRetry(err) || w.calls.Load() != 1 {
			t.Errorf("a write, done %d times: %v", w.calls.Load(), err)
		}
		time.Sleep(time.Second)
		srv.Inject(tnttest.Fault{On: iproto.TypeCall, Times: 1, CloseAfter: true})
		got, err := vshard.One[string](t.Context(), w.router, vshard.Call{Bucket: 1, Mode: vshard.RO, Function: "where"})
		if err != nil || got != w.instance(0, 1) {
			t.Errorf("a read: %v, %v", got, err)
		}
	})
}

func (w *world) kill(set int) {
	for _, i := range w.Sets()[set].Instances {
		i.Server.RefuseConnections(true)
		for _, c := range i.Server.Connections() {
			c.Close()
			<-c.Done()
		}
	}
}

// Calls for a bucket that nobody has don't have all buckets looked for all the time.
func TestDiscoveryOfTheLost(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		w.kill(1)
		var n atomic.Int32
		w.config.Hooks.Discovery = func(vshard.DiscoveryEnd) { n.Add(1) }
		w.open(t)
		defer func() { _ = w.router.Close() }()
		n.Store(0)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := w.router.Do(ctx, vshard.Call{Bucket: 99, Function: "echo"}); !errors.Is(err, vshard.ErrNoBucket) {
			t.Error(err)
		}
		if n := n.Load(); n < 10 || n > 40 {
			t.Errorf("buckets were looked for %d times in 10 s", n)
		}
	})
}

// Where the context ends while an attempt is on its way, the error has what the one before
// failed with.
func TestWhyItWasTriedAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		w.Lock(1)
		w.Sets()[0].Instances[0].Server.Inject(tnttest.Fault{On: iproto.TypeCall, Delay: 60 * time.Millisecond})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := w.router.Do(ctx, vshard.Call{Bucket: 1, Function: "echo"})
		var e *vshard.Error
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &e) || e.Name != "BUCKET_IS_LOCKED" || tnt.SafeToRetry(err) {
			t.Error(err)
		}
	})
}

// A read is not left to an instance that hangs while another one can answer: for TryFor, or
// the RequestTimeout of the instance. A write is.
func TestReadOfHungInstance(t *testing.T) {
	for name, set := range map[string]func(*vshard.Config){
		"TryFor": func(c *vshard.Config) { c.Pool.TryFor = 100 * time.Millisecond },
		"RequestTimeout": func(c *vshard.Config) {
			for _, s := range c.ReplicaSets {
				for i := range s.Instances {
					s.Instances[i].Options.RequestTimeout = 100 * time.Millisecond
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w world) {
				_ = w.router.Close()
				set(&w.config)
				w.open(t)
				defer func() { _ = w.router.Close() }()
				w.Sets()[0].Instances[0].Server.Inject(tnttest.Fault{On: iproto.TypeCall, Delay: time.Hour})
				began := time.Now()
				got, err := vshard.One[string](t.Context(), w.router, vshard.Call{Bucket: 1, Mode: vshard.RO, Function: "where"})
				if took := time.Since(began); err != nil || got != w.instance(0, 1) || took != 100*time.Millisecond {
					t.Errorf("read at %q, %v, after %v", got, err, took)
				}
				if name == "TryFor" { // the last one has all the time that there is
					w.Sets()[0].Instances[1].Server.Inject(tnttest.Fault{On: iproto.TypeCall, Delay: time.Second})
					got, err = vshard.One[string](t.Context(), w.router, vshard.Call{Bucket: 1, Mode: vshard.RO, Function: "where"})
					if took := time.Since(began); err != nil || got != w.instance(0, 1) || took != 1200*time.Millisecond {
						t.Errorf("a slow one: read at %q, %v, after %v", got, err, took)
					}
				}
			})
		})
	}
}

// A read that is for replicas goes to one as long as there is one, though the first choice
// is left alone, and all instances that are left have their share.
func TestModesWithoutOne(t *testing.T) {
	for _, mode := range []vshard.Mode{vshard.BRO, vshard.RE, vshard.BRE} {
		for name, balance := range map[string]pool.Balance{"round robin": nil, "least in flight": pool.LeastInFlight} {
			inWorldOf(t, 4, func(t *testing.T, w world) {
				_ = w.router.Close()
				w.config.Pool.Balance = balance
				w.open(t)
				defer func() { _ = w.router.Close() }()
				w.Disable(0, 1, true)
				got := make(map[string]int)
				for range 300 {
					where, err := vshard.One[string](t.Context(), w.router, vshard.Call{Bucket: 1, Mode: mode, Function: "where"})
					if err != nil {
						t.Fatal(mode, err)
					}
					got[where]++
				}
				instances := map[vshard.Mode][]int{vshard.BRO: {0, 2, 3}, vshard.RE: {2, 3}, vshard.BRE: {2, 3}}[mode]
				for _, i := range instances {
					share, n := 300/len(instances), got[w.instance(0, i)]
					if n < share*3/5 || n > share*7/5 || len(got) != len(instances) {
						t.Errorf("%v, %s: %v, want equal shares of %v", mode, name, got, instances)
						break
					}
				}
			})
		}
	}
}

// Requests that look for a bucket count as those of the call that they are for.
func TestRequestsOfFinding(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		w.kill(1)
		var ended int
		w.config.Hooks.End = func(_ context.Context, end vshard.CallEnd) { ended = end.Requests }
		w.open(t)
		defer func() { _ = w.router.Close() }()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := w.router.Do(ctx, vshard.Call{Bucket: 99, Function: "echo"})
		if info := w.router.Info(); ended == 0 || info.Requests != uint64(ended) {
			t.Errorf("the router counts %d, the call %d: %v", info.Requests, ended, err)
		}
	})
}

// Where a bucket is not found the error says which replica sets could not be asked.
func TestWhoWasNotAsked(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		w.kill(1)
		w.open(t)
		defer func() { _ = w.router.Close() }()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, one := w.router.Do(ctx, vshard.Call{Bucket: 99, Function: "echo"})
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, all := vshard.Map[int](ctx, w.router, "echo", nil, vshard.MapOptions{Buckets: []uint32{1, 99}})
		for _, err := range []error{one, all} {
			if !errors.Is(err, vshard.ErrNoBucket) || !strings.Contains(err.Error(), w.Sets()[1].UUID) || !strings.Contains(err.Error(), "not connected") {
				t.Error(err)
			}
		}
		if !strings.Contains(all.Error(), "99") {
			t.Error(all)
		}
	})
}
