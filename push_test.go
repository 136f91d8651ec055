package tnt_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
)

// pushed returns the values of what Pushes yields, and its error.
func pushed(ctx context.Context, f *tnt.Future) (values []any, err error) {
	for push, err := range f.Pushes(ctx) {
		if err != nil {
			return values, err
		}
		rows, err := push.Data()
		if err != nil {
			return values, err
		}
		values = append(values, rows...)
	}
	return values, nil
}

// squares is what the function push sends.
func squares(n int64) []any {
	list := []any{}
	for i := int64(1); i <= n; i++ {
		list = append(list, ints(i, i*i))
	}
	return list
}

// ends checks the answer that follows the pushes.
func ends(t *testing.T, f *tnt.Future) {
	t.Helper()
	resp, err := f.Wait(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := resp.Data()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the answer", rows, []any{"end"})
}

func TestPushes(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for name, req := range map[string]tnt.Request{
			"all at once": tnt.Call{Function: "push", Args: []any{100}},
			"with gaps":   tnt.Call{Function: "push", Args: []any{5, 0.005}},
			"call_16":     tnt.Call16{Function: "push", Args: []any{5}},
			"eval":        tnt.Eval{Expr: "return push(...)", Args: []any{5}},
			"none":        tnt.Call{Function: "push", Args: []any{0}},
		} {
			t.Run(name, func(t *testing.T) {
				n := int64(5)
				switch name {
				case "all at once":
					n = 100
				case "none":
					n = 0
				}
				f := conn.Go(testContext(t), req)
				values, err := pushed(testContext(t), f)
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "pushes", append([]any{}, values...), squares(n))
				if name == "call_16" {
					if _, err := f.Wait(testContext(t)); err != nil {
						t.Error(err)
					}
				} else {
					ends(t, f)
				}
				if again, err := pushed(testContext(t), f); len(again) != 0 || err != nil {
					t.Errorf("a second time: %v, %v", again, err)
				}
			})
		}
	})
}

// TestPushesAsTheyCome reads a push while the function waits for that.
func TestPushesAsTheyCome(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		lua(t, conn, `push_gate = require('fiber').channel()
			function push_and_wait(n) for i = 1, n do box.session.push(i) push_gate:get() end return 'end' end`)
		f := conn.Go(testContext(t), tnt.Call{Function: "push_and_wait", Args: []any{3}})
		got := []any{}
		for push, err := range f.Pushes(testContext(t)) {
			if err != nil {
				t.Fatal(err)
			}
			rows, _ := push.Data()
			got = append(got, rows...)
			lua(t, conn, "push_gate:put(true)")
		}
		equal(t, "pushes", got, ints(1, 2, 3))
		ends(t, f)
	})
}

func TestPushesStopAndGoOn(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		f := conn.Go(testContext(t), tnt.Call{Function: "push", Args: []any{6, 0.001}})
		got := []any{}
		for range 3 {
			n := 0
			for push, err := range f.Pushes(testContext(t)) {
				if err != nil {
					t.Fatal(err)
				}
				rows, _ := push.Data()
				got = append(got, rows...)
				if n++; n == 2 {
					break
				}
			}
		}
		rest, err := pushed(testContext(t), f)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "pushes", append(got, rest...), squares(6))
		ends(t, f)
	})
}

func TestPushesReadLater(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		f := conn.Go(testContext(t), tnt.Call{Function: "push", Args: []any{7}})
		ends(t, f) // the answer first
		values, err := pushed(testContext(t), f)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "pushes", values, squares(7))
	})
}

func TestPushesOfSeveralReaders(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		f := conn.Go(testContext(t), tnt.Call{Function: "push", Args: []any{200, 0.0001}})
		var mu sync.Mutex
		seen := map[int64]int{}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				values, err := pushed(testContext(t), f)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, v := range values {
					seen[v.([]any)[0].(int64)]++
				}
			})
		}
		wg.Wait()
		if len(seen) != 200 {
			t.Errorf("%d of 200 pushes were read", len(seen))
		}
		for i, n := range seen {
			if n != 1 {
				t.Errorf("push %d was read %d times", i, n)
			}
		}
		ends(t, f)
	})
}

func TestPushesOfManyCalls(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		futures := make([]*tnt.Future, 50)
		for i := range futures {
			futures[i] = conn.Go(testContext(t), tnt.Call{Function: "push", Args: []any{i}})
		}
		for i, f := range futures {
			values, err := pushed(testContext(t), f)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "pushes of a call", append([]any{}, values...), squares(int64(i)))
		}
	})
}

func TestPushesThatEndInAnError(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		f := conn.Go(testContext(t), tnt.Call{Function: "push_fail", Args: []any{3}})
		values, err := pushed(testContext(t), f)
		equal(t, "pushes before it", values, ints(1, 2, 3))
		if !errors.Is(err, errcode.ProcLua) {
			t.Errorf("got %v", err)
		}
		if _, err := f.Wait(testContext(t)); !errors.Is(err, errcode.ProcLua) {
			t.Errorf("wait: %v", err)
		}

		s := ownServer(t, p)
		conn = connect(t, tnt.Options{Address: s.Address})
		f = conn.Go(testContext(t), tnt.Call{Function: "push", Args: []any{2, 30}})
		n := 0
		for _, err = range f.Pushes(testContext(t)) {
			if err == nil {
				n++
				s.Kill()
			}
		}
		if n != 1 || !errors.Is(err, tnt.ErrConnectionLost) || tnt.SafeToRetry(err) {
			t.Errorf("a server that died: %d pushes, %v", n, err)
		}
	})
}

func TestPushesHonourContext(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		lua(t, conn, "push_gate = require('fiber').channel() function push_and_hold() box.session.push(1) push_gate:get() return 'end' end")
		f := conn.Go(testContext(t), tnt.Call{Function: "push_and_hold"})
		cause := errors.New("my cause")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Millisecond, cause)
		defer cancel()
		values, err := pushed(ctx, f)
		equal(t, "pushes before it", values, ints(1))
		if !errors.Is(err, cause) {
			t.Errorf("got %v", err)
		}
		if _, err := f.Wait(ctx); !errors.Is(err, cause) {
			t.Errorf("wait: %v", err)
		}
		lua(t, conn, "push_gate:put(true)")
		ends(t, f) // the call itself has gone on
	})
}

func TestPushesNobodyTakes(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		equal(t, "the answer", data(t, conn, tnt.Call{Function: "push", Args: []any{5}}), []any{"end"})
		if n := conn.Stats().PushesDropped; n != 5 {
			t.Errorf("%d pushes are counted as dropped", n)
		}
	})
}
