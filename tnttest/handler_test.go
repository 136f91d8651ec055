package tnttest_test

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

// odd is a value and an error that are of no use.
type odd struct{}

func (odd) MarshalMsg([]byte) ([]byte, error) { panic("odd") }

func (odd) Error() string { panic("odd") }

// TestHandlersThatMisbehave has whatever a handler does be an answer to its client,
// inside of a stream, too, whose next request is served.
func TestHandlersThatMisbehave(t *testing.T) {
	for name, test := range map[string]struct {
		do   tnttest.Handler
		want string
	}{
		"ends its goroutine":  {func(*tnttest.Call) ([]any, error) { runtime.Goexit(); return nil, nil }, "the handler of do ended its goroutine"},
		"returns a bad value": {func(*tnttest.Call) ([]any, error) { return []any{odd{}}, nil }, "panicked in MarshalMsg: odd"},
		"returns a bad error": {func(*tnttest.Call) ([]any, error) { return nil, odd{} }, "the handler of do panicked: odd"},
		"returns no error": {func(*tnttest.Call) ([]any, error) {
			var none *types.Error
			return nil, none
		}, "the handler of do panicked: runtime error: invalid memory address or nil pointer dereference"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := tnttest.Run(t, tnttest.InMemory())
				srv.Handle("do", test.do)
				conn := inMemory(t, srv)
				for _, ex := range []tnt.Executor{conn, conn.Stream()} {
					calls := []*tnt.Future{tnt.Go(t.Context(), ex, tnt.Call{Function: "do"}), tnt.Go(t.Context(), ex, tnt.Call{Function: "box.info"})}
					synctest.Wait()
					for i, call := range calls {
						select {
						case <-call.Done():
						default:
							t.Fatalf("call %d has no answer", i)
						}
					}
					if _, err := calls[0].Wait(t.Context()); !hasText(err, test.want) {
						t.Errorf("got %v, want %s", err, test.want)
					}
					if _, err := calls[1].Wait(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

func hasText(err error, text string) bool { return err != nil && strings.Contains(err.Error(), text) }
