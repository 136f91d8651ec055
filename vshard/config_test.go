package vshard_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/vshardtest"
	"github.com/gotnt/tnt/vshard"
)

func TestReconfigure(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		one := w.config
		one.ReplicaSets = w.config.ReplicaSets[:1]
		stays := w.Sets()[0].Instances[0].Server
		before := stays.Connections()
		if err := w.router.Reconfigure(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		if now := stays.Connections(); !sameConns(before, now) {
			t.Errorf("the one that stays has the connections %v, and had %v", now, before)
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

// A replica set that stays keeps its pool: who stays in it the sockets, and who goes
// what is in flight.
func TestReconfigureInstances(t *testing.T) {
	inWorldOf(t, 3, func(t *testing.T, w world) {
		ctx := t.Context()
		all := w.config.ReplicaSets[0].Instances
		with := func(change func(*vshard.Config), instances ...int) error {
			config := w.config
			config.ReplicaSets = slices.Clone(config.ReplicaSets)
			config.ReplicaSets[0].Instances = nil
			for _, i := range instances {
				config.ReplicaSets[0].Instances = append(config.ReplicaSets[0].Instances, all[i])
			}
			if change != nil {
				change(&config)
			}
			return w.router.Reconfigure(ctx, config)
		}
		names := func() (names []string) {
			for _, in := range w.router.Info().ReplicaSets[0].Instances {
				names = append(names, in.Name)
			}
			return names
		}
		if err := with(nil, 0, 1); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.Handle("slow", func(c *vshardtest.Call) ([]any, error) {
			time.Sleep(3 * time.Second)
			return []any{c.Instance}, nil
		})
		stays, goes, comes := w.Sets()[0].Instances[0], w.Sets()[0].Instances[1], w.Sets()[0].Instances[2]
		var calls sync.WaitGroup
		for mode, want := range map[vshard.Mode]string{vshard.RW: stays.UUID, vshard.RE: goes.UUID} {
			calls.Go(func() {
				began := time.Now()
				got, err := vshard.One[string](ctx, w.router, vshard.Call{Bucket: 1, Mode: mode, Function: "slow"})
				if err != nil || got != want || time.Since(began) != 3*time.Second {
					t.Errorf("%v was in flight: %v, %v after %v, want %v", mode, got, err, time.Since(began), want)
				}
			})
		}
		synctest.Wait()
		before := stays.Server.Connections()
		if err := with(nil, 0, 2); err != nil {
			t.Fatal(err)
		}
		if got, want := names(), []string{stays.UUID, comes.UUID}; !slices.Equal(got, want) {
			t.Errorf("the set has %v, want %v", got, want)
		}
		synctest.Wait()
		if got, err := vshard.One[string](ctx, w.router, vshard.Call{Bucket: 1, Mode: vshard.RE, Function: "where"}); got != comes.UUID {
			t.Errorf("read at %s, %v", got, err)
		}
		calls.Wait()
		synctest.Wait()
		if now := stays.Server.Connections(); !sameConns(before, now) || len(goes.Server.Connections()) != 0 {
			t.Errorf("who stays has %v, and had %v; who is gone has %d", now, before, len(goes.Server.Connections()))
		}
		if err := with(nil, 0, 0); err == nil || len(names()) != 2 || !sameConns(before, stays.Server.Connections()) {
			t.Errorf("a set with one twice: %v, it has %v", err, names())
		}
		if err := with(func(c *vshard.Config) { c.Pool.Connections = 2 }, 0, 2); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if now := stays.Server.Connections(); len(now) != 3 || slices.ContainsFunc(now, func(c *tnttest.Conn) bool { return slices.Contains(before, c) }) {
			t.Errorf("by other options of the pool: %v, before %v", now, before)
		}
	})
}

// sameConns reports whether two lists have the same connections, in any order.
func sameConns(a, b []*tnttest.Conn) bool {
	return len(a) == len(b) && len(a) > 0 && !slices.ContainsFunc(a, func(c *tnttest.Conn) bool { return !slices.Contains(b, c) })
}

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

// Of several hooks each is told, the later ones with the context of the earlier.
func TestJoinHooks(t *testing.T) {
	type key struct{}
	var told []string
	note := func(ctx context.Context, name, what string) {
		told = append(told, fmt.Sprint(name, " ", what, " ", ctx.Value(key{})))
	}
	of := func(name string) vshard.Hooks {
		return vshard.Hooks{
			Start: func(ctx context.Context, _ vshard.Call) context.Context {
				note(ctx, name, "start")
				return context.WithValue(ctx, key{}, name)
			},
			End:   func(ctx context.Context, _ vshard.CallEnd) { note(ctx, name, "end") },
			Again: func(ctx context.Context, _ vshard.Again) { note(ctx, name, "again") },
			StartMap: func(ctx context.Context, _ vshard.MapCall) context.Context {
				note(ctx, name, "start of a map")
				return context.WithValue(ctx, key{}, name)
			},
			EndMap:     func(ctx context.Context, _ vshard.MapEnd) { note(ctx, name, "end of a map") },
			Discovery:  func(vshard.DiscoveryEnd) { told = append(told, name+" discovery") },
			Configured: func(error) { told = append(told, name+" configured") },
		}
	}
	joined := vshard.JoinHooks(of("a"), vshard.Hooks{}, of("b"))
	ctx := joined.Start(t.Context(), vshard.Call{})
	joined.Again(ctx, vshard.Again{})
	joined.End(ctx, vshard.CallEnd{})
	joined.EndMap(joined.StartMap(t.Context(), vshard.MapCall{}), vshard.MapEnd{})
	joined.Discovery(vshard.DiscoveryEnd{})
	joined.Configured(nil)
	want := []string{
		"a start <nil>", "b start a", "a again b", "b again b", "a end b", "b end b",
		"a start of a map <nil>", "b start of a map a", "a end of a map b", "b end of a map b",
		"a discovery", "b discovery", "a configured", "b configured",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
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

type late struct{}

func (late) Configs(ctx context.Context) iter.Seq2[vshard.Config, error] {
	return func(func(vshard.Config, error) bool) { <-ctx.Done() }
}

// OpenProvider waits for the first configuration as long as its context does.
func TestProviderThatHasNoneYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("mine")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		done := make(chan error, 1)
		go func() { _, err := vshard.OpenProvider(ctx, late{}); done <- err }()
		select {
		case err := <-done:
			if !errors.Is(err, cause) {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Error("it waits still")
		}
	})
}

// An instance that takes the place of one that was left alone is not.
func TestReconfigureForgetsRests(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		w.Disable(0, 0, true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.router.Do(ctx, vshard.Call{Bucket: 1, Function: "echo"}); err == nil {
			t.Fatal("a storage that is disabled answered")
		}
		w.Disable(0, 0, false)
		w.config.ReplicaSets[0].Instances[0].Options.PingInterval = time.Hour
		if err := w.router.Reconfigure(t.Context(), w.config); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := w.router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "echo"}); err != nil || time.Since(began) > time.Second {
			t.Errorf("called after %v: %v", time.Since(began), err)
		}
	})
}
