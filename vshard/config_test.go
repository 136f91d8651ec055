package vshard_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

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
		now := stays.Connections()
		for _, c := range now { // in any order
			if !slices.Contains(before, c) {
				t.Error("the one that stays has another connection than before")
			}
		}
		if len(now) != len(before) || len(now) == 0 {
			t.Errorf("the one that stays has %d connections, and had %d", len(now), len(before))
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
			End:        func(ctx context.Context, _ vshard.CallEnd) { note(ctx, name, "end") },
			Again:      func(ctx context.Context, _ vshard.Again) { note(ctx, name, "again") },
			Discovery:  func(vshard.DiscoveryEnd) { told = append(told, name+" discovery") },
			Configured: func(error) { told = append(told, name+" configured") },
		}
	}
	joined := vshard.JoinHooks(of("a"), vshard.Hooks{}, of("b"))
	ctx := joined.Start(t.Context(), vshard.Call{})
	joined.Again(ctx, vshard.Again{})
	joined.End(ctx, vshard.CallEnd{})
	joined.Discovery(vshard.DiscoveryEnd{})
	joined.Configured(nil)
	want := []string{
		"a start <nil>", "b start a", "a again b", "b again b", "a end b", "b end b",
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
