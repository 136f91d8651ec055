package vshard_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/vshardtest"
	"github.com/gotnt/tnt/vshard"
)

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

// A storage knows a ref by its session. On a connection that was restored meanwhile
// the function would be refused, or find another router's ref: it is not sent there.
func TestMapIsOneSession(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		first, second := w.Sets()[0].Instances[0].Server, w.Sets()[1].Instances[0].Server
		second.Inject(tnttest.Fault{On: iproto.TypeCall, Times: 1, Late: time.Second}) // its ref
		time.AfterFunc(500*time.Millisecond, func() {
			for _, c := range first.Connections() {
				c.Close()
			}
		})
		before := w.Requests()
		_, err := vshard.Map[int](t.Context(), w.router, "echo", []any{7}, vshard.MapOptions{})
		var e *vshard.MapError
		if !errors.As(err, &e) || e.ReplicaSet != w.Sets()[0].UUID || !errors.Is(err, tnt.ErrSessionLost) {
			t.Errorf("got %v, want ErrSessionLost of the first", err)
		}
		// Two refs, and the map and unref of the second: nothing more went to the first.
		if n := w.Requests() - before; n != 4 || w.Refs(0)+w.Refs(1) != 0 {
			t.Errorf("%d requests, %d and %d refs are left", n, w.Refs(0), w.Refs(1))
		}
	})
}

// Hooks are told of each Map, once, however many attempts it takes.
func TestMapHooks(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		type key struct{}
		var started []vshard.MapCall
		var ends []vshard.MapEnd
		calls := 0
		w.config.Hooks = vshard.Hooks{
			Start: func(ctx context.Context, _ vshard.Call) context.Context {
				calls++
				return ctx
			},
			StartMap: func(ctx context.Context, m vshard.MapCall) context.Context {
				started = append(started, m)
				return context.WithValue(ctx, key{}, "span")
			},
			EndMap: func(ctx context.Context, end vshard.MapEnd) {
				if ctx.Value(key{}) == "span" && ctx.Err() == nil {
					ends = append(ends, end)
				}
			},
		}
		if err := w.router.Reconfigure(t.Context(), w.config); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		do := func(function string, opts vshard.MapOptions) (vshard.MapEnd, error) {
			started, ends = nil, nil
			_, err := vshard.Map[any](t.Context(), w.router, function, []any{7}, opts)
			if len(started) != 1 || len(ends) != 1 {
				t.Fatalf("%s: told of the start %d times, of the end %d times", function, len(started), len(ends))
			}
			if m := ends[0].Map; m.Function != function || m.Function != started[0].Function || len(m.Args) != 1 || m.Mode() != "map_callrw" {
				t.Errorf("told of %+v and %+v", started[0], m)
			}
			return ends[0], err
		}
		if end, err := do("echo", vshard.MapOptions{}); err != nil || end.Err != nil || end.ReplicaSets != 2 || end.Attempts != 1 || end.Map.Buckets != nil {
			t.Errorf("all: %+v, %v", end, err)
		}
		if end, err := do("echo", vshard.MapOptions{Buckets: []uint32{1, 2}}); err != nil || end.ReplicaSets != 1 || len(end.Map.Buckets) != 2 {
			t.Errorf("some: %+v, %v", end, err)
		}
		finish, _ := w.Send(1, 1)
		time.AfterFunc(time.Second, finish)
		if end, err := do("echo", vshard.MapOptions{}); err != nil || end.ReplicaSets != 2 || end.Attempts < 2 || end.Duration < time.Second {
			t.Errorf("while a bucket is moved: %+v, %v", end, err)
		}
		w.Handle("fail", func(*vshardtest.Call) ([]any, error) { return nil, errors.New("own words") })
		if end, err := do("fail", vshard.MapOptions{}); err == nil || !errors.Is(err, end.Err) || end.Attempts != 1 {
			t.Errorf("a function that fails: %+v, %v", end, err)
		}
		w.kill(1)
		w.config.MaxWait = 100 * time.Millisecond
		if err := w.router.Reconfigure(t.Context(), w.config); err != nil {
			t.Fatal(err)
		}
		if end, err := do("echo", vshard.MapOptions{}); !errors.Is(end.Err, context.DeadlineExceeded) || !errors.Is(err, end.Err) || end.Duration < w.config.MaxWait {
			t.Errorf("without a master: %+v, %v", end, err)
		}
		// What can't be done is the caller's own mistake, as of a call.
		started, ends = nil, nil
		if _, err := vshard.Map[any](t.Context(), w.router, "echo", nil, vshard.MapOptions{Buckets: []uint32{101}}); err == nil || len(started)+len(ends) > 0 {
			t.Errorf("a bucket that there is not: %v, told %d times", err, len(started)+len(ends))
		}
		if calls != 0 {
			t.Errorf("the hooks of calls were told %d times", calls)
		}
	})
}

// What a function of a Map raises is never tried again, not even where it is an error of
// vshard's that is over soon: of another router that the function uses, say.
func TestMapOnceThoughFunctionRaisesVshardsError(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		for _, name := range []string{"STORAGE_REF_ADD", "NON_MASTER", "TRANSFER_IS_IN_PROGRESS", "BUCKET_IS_LOCKED"} {
			var ran atomic.Int32
			for i, s := range w.Sets() {
				for _, in := range s.Instances {
					in.Server.Handle("vshard.storage._call", func(c *tnttest.Call) ([]any, error) {
						args, err := c.Args()
						if err != nil {
							return nil, err
						}
						switch args[0] {
						case "storage_ref":
							return []any{50}, nil
						case "storage_map":
							ran.Add(1)
							if i == 0 {
								return []any{true, 1}, nil
							}
							return []any{nil, map[string]any{"type": "ShardingError", "name": name, "code": 2, "message": "own words"}}, nil
						}
						return []any{true}, nil
					})
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := vshard.Map[int](ctx, w.router, "f", nil, vshard.MapOptions{})
			cancel()
			var e *vshard.Error
			if !errors.As(err, &e) || e.Name != name || ran.Load() != 2 {
				t.Errorf("%s: it ran %d times on two sets: %v", name, ran.Load(), err)
			}
		}
	})
}

// A Map ends with its context, though a storage is not there to let go.
func TestMapEndsWithItsContext(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		w.Sets()[1].Instances[0].Server.Inject(tnttest.Fault{On: iproto.TypeCall, Delay: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := vshard.Map[int](ctx, w.router, "echo", nil, vshard.MapOptions{})
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 100*time.Millisecond {
			t.Errorf("%v after %v", err, took)
		}
		synctest.Wait()
		if n := w.Refs(0); n != 0 {
			t.Errorf("%d refs are left where the storage is there", n)
		}
	})
}

// Where the instance that is asked is not the master and does not know who is, a Map asks
// the others, as a call does.
func TestMapFindsTheMaster(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		for i, in := range w.Sets()[0].Instances {
			in.Server.Handle("vshard.storage._call", func(c *tnttest.Call) ([]any, error) {
				service, err := tnttest.Arg[string](c, 0)
				switch {
				case service == "info":
					return []any{map[string]any{"is_master": i == 1}}, err
				case i == 0 && service == "storage_ref":
					return []any{nil, map[string]any{"type": "ShardingError", "name": "NON_MASTER", "code": 2, "message": "not the master"}}, err
				case service == "storage_ref":
					return []any{50}, err
				}
				return []any{true, 7}, err
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		got, err := vshard.Map[int](ctx, w.router, "echo", []any{7}, vshard.MapOptions{})
		if err != nil || len(got) != 2 {
			t.Errorf("%v, %v", got, err)
		}
	})
}
