package pool_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
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

func TestLogHook(t *testing.T) {
	var log bytes.Buffer
	opts := pool.Options{MaxWait: time.Second, Hooks: []pool.Hook{pool.LogHook(slog.New(slog.NewTextHandler(&log, nil)))}}
	inBubble(t, nil, opts, func(t *testing.T, e *embedded) {
		e.Instance(0).Inject(tnttest.Fault{On: iproto.TypeInsert, Error: refusal(errcode.Readonly), Times: 1})
		must(t, insert(t.Context(), e.pool, 1))
		must(t, e.Kill(0))
		must(t, e.Kill(1)) // no majority is left, and no master
		synctest.Wait()
		for range 20 {
			if err := insert(t.Context(), e.pool, 1); err == nil {
				t.Error("written without a master")
			}
		}
		time.Sleep(20 * time.Second) // what is counted is told
		synctest.Wait()
	})
	for _, want := range []string{
		` to=master why="it takes writes"`,
		`level=WARN msg="pool: role" instance=r0 from=master to=unknown`,
		`level=INFO msg="pool: requests done again" count=1 from=r0 to=r0 error=`,
		`level=WARN msg="pool: requests without an instance" count=1 view=master waited=1s`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("not logged: %s", want)
		}
	}
	if n := strings.Count(log.String(), "without an instance"); n < 2 || n > 4 {
		t.Errorf("%d lines of twenty waits in 20 s", n)
	}
	if t.Failed() {
		t.Logf("logged:\n%s", &log)
	}
}

// TestLogHookKeepsStatements logs retries of SQL, whose literals are nobody's business.
func TestLogHookKeepsStatements(t *testing.T) {
	var log bytes.Buffer
	opts := pool.Options{MaxWait: time.Second, Hooks: []pool.Hook{pool.LogHook(slog.New(slog.NewTextHandler(&log, nil)))}}
	inBubble(t, nil, opts, func(t *testing.T, e *embedded) {
		for _, i := range []int{1, 2} {
			e.Instance(i).Inject(tnttest.Fault{On: iproto.TypeExecute, CloseAfter: true, Times: 1})
		}
		req := tnt.Execute{Statement: "SELECT 's3cret'"}
		_ = tnt.Exec(t.Context(), e.pool.Replica(), req)
		_ = tnt.Exec(t.Context(), tnt.Idempotent(e.pool.Replica()), req)
		must(t, e.Kill(0))
		must(t, e.Kill(1))
		synctest.Wait()
		_ = tnt.Exec(t.Context(), e.pool, req)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			synctest.Wait()
			cancel(errors.New("another request's: old tuple [1, 's3cret']"))
		}()
		_ = tnt.Exec(ctx, e.pool, req)
		time.Sleep(20 * time.Second)
		synctest.Wait()
	})
	if text := log.String(); strings.Contains(text, "s3cret") || !strings.Contains(text, "done again") || !strings.Contains(text, "without an instance") {
		t.Errorf("logged:\n%s", text)
	}
}
