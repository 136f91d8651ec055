package vshard_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt/tnttest/vshardtest"
	"github.com/gotnt/tnt/vshard"
)

func TestLogHooks(t *testing.T) {
	inWorld(t, func(t *testing.T, w world) {
		var log bytes.Buffer
		w.config.Hooks = vshard.LogHooks(slog.New(slog.NewTextHandler(&log, nil)), vshard.LogOptions{Slow: time.Second})
		w.config.Hooks.Configured(nil)
		w.config.Hooks.Configured(errors.New("of no use"))
		if err := w.router.Reconfigure(t.Context(), w.config); err != nil {
			t.Fatal(err)
		}
		w.Handle("slow", func(*vshardtest.Call) ([]any, error) {
			time.Sleep(time.Second)
			return nil, nil
		})
		w.Move(1, 1)
		for range 12 {
			if _, err := w.router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "echo", Args: []any{"secret"}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.router.Do(t.Context(), vshard.Call{Bucket: 1, Function: "slow", Args: []any{"secret"}}); err != nil {
			t.Fatal(err)
		}
		for _, function := range []string{"slow", "echo"} {
			if _, err := vshard.Map[any](t.Context(), w.router, function, []any{"secret"}, vshard.MapOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		w.kill(1)
		time.Sleep(20 * time.Second) // a look for buckets fails
		synctest.Wait()
		for _, want := range []string{
			`level=INFO msg="vshard: configured"`,
			`level=WARN msg="vshard: configuration not taken" error="of no use"`,
			`level=WARN msg="vshard: calls tried again" count=1 function=echo`,
			`level=WARN msg="vshard: slow call" function=slow mode=callrw`,
			`level=WARN msg="vshard: slow call" function=slow mode=map_callrw replicasets=2 attempts=1 duration=1s failed=false`,
			`level=WARN msg="vshard: buckets not found out" count=1`,
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("not logged: %s", want)
			}
		}
		if strings.Count(log.String(), "slow call") != 2 || strings.Contains(log.String(), "secret") {
			t.Errorf("calls that are not slow, or their arguments, were logged")
		}
		if t.Failed() {
			t.Logf("logged:\n%s", &log)
		}
	})
}
