package vshard_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
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
	synctest.Test(t, func(t *testing.T) {
		w := world{calls: new(atomic.Int32), Cluster: vshardtest.Run(t, vshardtest.Options{Server: []tnttest.Option{tnttest.InMemory()}})}
		w.config = vshard.Config{Buckets: 100}
		for _, s := range w.Sets() {
			set := vshard.ReplicaSet{UUID: s.UUID}
			for _, i := range s.Instances {
				set.Instances = append(set.Instances, vshard.Instance{UUID: i.UUID, Options: tnt.Options{Dialer: i.Server.DialContext}})
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
		for _, c := range []vshard.Call{{}, {Bucket: 101}, {Bucket: 1, Mode: 9}} {
			if _, err := w.router.Do(ctx, c); err == nil {
				t.Errorf("%+v: no error", c)
			}
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
		got, err := vshard.One[string](t.Context(), w.router, vshard.Call{Bucket: 1, Function: "where"})
		if err != nil || got != w.instance(0, 1) {
			t.Errorf("written at %v, %v", got, err)
		}
		if info := w.router.Info(); !info.ReplicaSets[0].Instances[1].IsMaster || info.Again != 1 {
			t.Errorf("%+v", info)
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
		if in := w.router.Info().ReplicaSets[0].Instances[0]; in.RestsUntil.IsZero() || in.Why == nil {
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
		srv.Inject(tnttest.Fault{On: tnttest.RequestCall, Times: 1, CloseAfter: true})
		_, err := w.router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "echo"})
		if err == nil || tnt.SafeToRetry(err) || w.calls.Load() != 1 {
			t.Errorf("a write, done %d times: %v", w.calls.Load(), err)
		}
		time.Sleep(time.Second)
		srv.Inject(tnttest.Fault{On: tnttest.RequestCall, Times: 1, CloseAfter: true})
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

func TestMap(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		ctx := t.Context()
		one, two := w.Sets()[0].UUID, w.Sets()[1].UUID
		got, err := vshard.Map[int](ctx, w.router, "echo", []any{7}, vshard.MapOptions{})
		if err != nil || len(got) != 2 || got[one] != 7 || got[two] != 7 {
			t.Errorf("all: %v, %v", got, err)
		}
		got, err = vshard.Map[int](ctx, w.router, "echo", []any{7}, vshard.MapOptions{Buckets: []uint32{1, 2, 50}})
		if err != nil || len(got) != 1 || got[one] != 7 {
			t.Errorf("some: %v, %v", got, err)
		}
		w.Move(2, 1)
		got, err = vshard.Map[int](ctx, w.router, "echo", []any{7}, vshard.MapOptions{Buckets: []uint32{1, 2}})
		if err != nil || len(got) != 2 {
			t.Errorf("one of which was moved: %v, %v", got, err)
		}
		w.Handle("fail", func(c *vshardtest.Call) ([]any, error) {
			if c.Set == two {
				return nil, errors.New("own words")
			}
			return nil, nil
		})
		_, err = vshard.Map[int](ctx, w.router, "fail", nil, vshard.MapOptions{})
		var e *vshard.MapError
		var function *vshard.FunctionError
		if !errors.As(err, &e) || e.ReplicaSet != two || !errors.As(err, &function) || function.Function != "fail" {
			t.Errorf("a function that fails: %v", err)
		}
		if w.Refs(0)+w.Refs(1) != 0 {
			t.Errorf("%d and %d refs are left", w.Refs(0), w.Refs(1))
		}
	})
}

// A map waits for what is being moved, and holds nothing back meanwhile.
func TestMapWhileMoving(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		finish, _ := w.Send(1, 1)
		time.AfterFunc(time.Second, finish)
		began := time.Now()
		got, err := vshard.Map[int](t.Context(), w.router, "echo", []any{7}, vshard.MapOptions{})
		if took := time.Since(began); err != nil || len(got) != 2 || took < time.Second || took > 1100*time.Millisecond || w.calls.Load() != 2 {
			t.Errorf("%v, %v, after %v and %d calls", got, err, took, w.calls.Load())
		}
	})
}

func TestMapWithDeadSet(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		w.kill(1)
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := vshard.Map[int](ctx, w.router, "echo", []any{7}, vshard.MapOptions{})
		var e *vshard.MapError
		if !errors.As(err, &e) || e.ReplicaSet != w.Sets()[1].UUID || !errors.Is(err, vshard.ErrNoInstance) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if w.Refs(0) != 0 || w.calls.Load() != 0 {
			t.Errorf("%d refs are left, %d calls were done", w.Refs(0), w.calls.Load())
		}
		if _, err := w.router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "echo"}); err != nil {
			t.Error(err)
		}
	})
}

// One that dies after it was asked to hold its buckets is no reason to leave
// the others' held.
func TestMapThatIsLost(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		w.Handle("die", func(c *vshardtest.Call) ([]any, error) {
			if c.Set == w.Sets()[1].UUID {
				c.Conn().Close()
			}
			return nil, nil
		})
		_, err := vshard.Map[any](t.Context(), w.router, "die", nil, vshard.MapOptions{})
		var e *vshard.MapError
		synctest.Wait()
		if !errors.As(err, &e) || e.ReplicaSet != w.Sets()[1].UUID || w.Refs(0)+w.Refs(1) != 0 {
			t.Errorf("%v, %d and %d refs are left", err, w.Refs(0), w.Refs(1))
		}
	})
}

func TestReconfigure(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		one := w.config
		one.ReplicaSets = w.config.ReplicaSets[:1]
		if err := w.router.Reconfigure(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		if n := len(w.Sets()[0].Instances[0].Server.Connections()); n != 1 {
			t.Errorf("the one that stays has %d connections", n)
		}
		synctest.Wait()
		if n := len(w.Sets()[1].Instances[0].Server.Connections()); n != 0 {
			t.Errorf("the one that is gone has %d connections", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.router.Do(ctx, vshard.Call{Bucket: 100, Function: "echo"}); !errors.Is(err, vshard.ErrNoBucket) {
			t.Errorf("a bucket that is nowhere: %v", err)
		}
		if _, err := w.router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "echo"}); err != nil {
			t.Error(err)
		}
		if err := w.router.Reconfigure(t.Context(), w.config); err != nil {
			t.Fatal(err)
		}
		if _, err := w.router.Do(t.Context(), vshard.Call{Bucket: 100, Function: "echo"}); err != nil {
			t.Error(err)
		}
		w.config.Buckets = 7
		if err := w.router.Reconfigure(t.Context(), w.config); err == nil {
			t.Error("the number of buckets was changed")
		}
	})
}

// A call on a replica set that goes away is answered.
func TestReconfigureLetsCallsEnd(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		w.Handle("slow", func(*vshardtest.Call) ([]any, error) {
			time.Sleep(time.Second)
			return []any{"done"}, nil
		})
		answered := make(chan error)
		go func() {
			got, err := vshard.One[string](t.Context(), w.router, vshard.Call{Bucket: 100, Function: "slow"})
			if got != "done" {
				err = errors.Join(err, errors.New("got "+got))
			}
			answered <- err
		}()
		synctest.Wait()
		w.config.ReplicaSets = w.config.ReplicaSets[:1]
		if err := w.router.Reconfigure(t.Context(), w.config); err != nil {
			t.Fatal(err)
		}
		if err := <-answered; err != nil {
			t.Error(err)
		}
	})
}

// static is a Provider of configurations that a test sends.
type static chan vshard.Config

func (s static) Configs(ctx context.Context) iter.Seq2[vshard.Config, error] {
	return func(yield func(vshard.Config, error) bool) {
		for {
			select {
			case c := <-s:
				var err error
				if c.Buckets == 0 {
					err = errors.New("unreadable")
				}
				if !yield(c, err) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func TestProvider(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		var told []error
		w.config.Hooks.Configured = func(err error) { told = append(told, err) }
		configs := make(static, 3)
		configs <- w.config
		r, err := vshard.OpenProvider(t.Context(), configs)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		one := w.config
		one.ReplicaSets = one.ReplicaSets[:1]
		configs <- vshard.Config{}
		configs <- one
		synctest.Wait()
		if n := len(r.Info().ReplicaSets); n != 1 || len(told) != 2 || told[0] == nil || told[1] != nil {
			t.Errorf("%d replica sets, told %v", n, told)
		}
		empty := make(static, 1)
		empty <- vshard.Config{}
		if _, err := vshard.OpenProvider(t.Context(), empty); err == nil {
			t.Error("no error of a provider that has none")
		}
	})
}

func TestHooks(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		type key struct{}
		var ends []vshard.CallEnd
		var repeats []vshard.Again
		discoveries := 0
		w.config.Hooks = vshard.Hooks{
			Start: func(ctx context.Context, _ vshard.Call) context.Context { return context.WithValue(ctx, key{}, "span") },
			End: func(ctx context.Context, end vshard.CallEnd) {
				if ctx.Value(key{}) == "span" {
					ends = append(ends, end)
				}
			},
			Again:     func(_ context.Context, a vshard.Again) { repeats = append(repeats, a) },
			Discovery: func(vshard.DiscoveryEnd) { discoveries++ },
		}
		if err := w.router.Reconfigure(t.Context(), w.config); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.Move(1, 1)
		if _, err := w.router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "echo"}); err != nil {
			t.Fatal(err)
		}
		if len(ends) != 1 || ends[0].Requests != 2 || ends[0].ReplicaSet != w.Sets()[1].UUID || ends[0].Err != nil || ends[0].Instance == "" {
			t.Errorf("ends: %+v", ends)
		}
		var e *vshard.Error
		if len(repeats) != 1 || !errors.As(repeats[0].Err, &e) || e.Name != "WRONG_BUCKET" || repeats[0].Pause != 0 || discoveries != 1 {
			t.Errorf("repeats: %+v, %d discoveries", repeats, discoveries)
		}
	})
}

func TestOpenWithDeadSet(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		_ = w.router.Close()
		w.kill(1)
		began := time.Now()
		w.open(t)
		defer func() { _ = w.router.Close() }()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("opened after %v", took)
		}
		if info := w.router.Info(); info.Unknown != 50 || info.Discovery.Err == nil {
			t.Errorf("%+v", info)
		}
		if _, err := w.router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "echo"}); err != nil {
			t.Error(err)
		}
		_ = w.router.Close()
		if _, err := w.router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "echo"}); !errors.Is(err, vshard.ErrClosed) {
			t.Error(err)
		}
		w.open(t)
		defer func() { _ = w.router.Close() }()
	})
}
