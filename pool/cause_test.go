package pool_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// TestCauseIsAnothersError gives up requests by contexts that end with the error of
// another server, as that of an errgroup does: it says nothing of the instance that the
// request was on.
func TestCauseIsAnothersError(t *testing.T) {
	for _, code := range []errcode.Code{errcode.Readonly, errcode.Loading} {
		t.Run(code.String(), func(t *testing.T) {
			other := tnttest.Run(t)
			other.Inject(tnttest.Fault{On: iproto.TypePing, Error: refusal(code)})
			conn, err := tnt.Connect(t.Context(), other.Addr())
			must(t, err)
			cause := conn.Ping(t.Context())
			must(t, conn.Disconnect(t.Context()))
			inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
				for i := range e.Len() {
					e.Instance(i).Inject(tnttest.Fault{On: iproto.TypeInsert, Drop: true})
				}
				before := e.hooks.String()
				for _, do := range []func(context.Context) error{
					func(ctx context.Context) error { return insert(ctx, e.pool, 1) },
					func(ctx context.Context) error {
						_, err := e.pool.Go(t.Context(), tnt.Insert{Space: "kv", Tuple: []any{2}}).Wait(ctx)
						return err
					},
				} {
					ctx, cancel := context.WithCancelCause(t.Context())
					go func() {
						synctest.Wait()
						cancel(cause)
					}()
					if err := do(ctx); !errors.Is(err, code) || tnt.SafeToRetry(err) {
						t.Errorf("got %v", err)
					}
				}
				synctest.Wait()
				if after := e.hooks.String(); after != before {
					t.Errorf("the pool took that for its instance's: %s", strings.TrimPrefix(after, before))
				}
			})
		})
	}
}
