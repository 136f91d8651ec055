package tnt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// TestEndsOfARequest holds the table of docs/errors.md: what became of a request by
// how it ended.
func TestEndsOfARequest(t *testing.T) {
	insert := tnt.Insert{Space: "users", Tuple: []any{1, "x"}}
	stored := func(s *bubbleServer) int {
		n, err := s.Space("users").Len()
		if err != nil {
			return -1
		}
		return n
	}
	for _, test := range []struct {
		name      string
		end       func(ctx context.Context, s *bubbleServer, conn *tnt.Conn) error
		is        []error
		not       []error
		fate      tnt.Fate
		safe      bool
		transient bool
		stored    int
	}{
		{
			name: "refused by the server",
			end: func(ctx context.Context, s *bubbleServer, conn *tnt.Conn) error {
				s.Inject(tnttest.Fault{On: iproto.TypeInsert, Error: &tnt.Error{Code: errcode.Readonly, Message: "read-only"}})
				return tnt.Exec(ctx, conn, insert)
			},
			is: []error{errcode.Readonly}, not: []error{tnt.ErrNotConnected, tnt.ErrConnectionLost}, fate: tnt.FateRefused, safe: true, transient: true,
		},
		{
			name: "surely not sent: not connected",
			end: func(ctx context.Context, s *bubbleServer, conn *tnt.Conn) error {
				s.leave()
				synctest.Wait()
				return tnt.Exec(ctx, conn, insert)
			},
			is: []error{tnt.ErrNotConnected}, not: []error{tnt.ErrConnectionLost, tnt.ErrClosed}, fate: tnt.FateUnsent, safe: true, transient: true,
		},
		{
			name: "surely not sent: a mistake",
			end: func(ctx context.Context, _ *bubbleServer, conn *tnt.Conn) error {
				return tnt.Exec(ctx, conn, tnt.Insert{Space: "users", Tuple: []any{make(chan int)}})
			},
			not: []error{tnt.ErrNotConnected}, fate: tnt.FateUnsent, safe: true,
		},
		{
			name: "surely not sent: an unknown name",
			end: func(ctx context.Context, _ *bubbleServer, conn *tnt.Conn) error {
				return tnt.Exec(ctx, conn, tnt.Insert{Space: "nowhere", Tuple: []any{1}})
			},
			not: []error{tnt.ErrNotConnected}, fate: tnt.FateUnsent, safe: true,
		},
		{
			name: "may have been executed",
			end: func(ctx context.Context, s *bubbleServer, conn *tnt.Conn) error {
				s.Inject(tnttest.Fault{On: iproto.TypeInsert, CloseAfter: true})
				return tnt.Exec(ctx, conn, insert)
			},
			is: []error{tnt.ErrConnectionLost}, not: []error{tnt.ErrNotConnected, tnt.ErrClosed}, fate: tnt.FateUnknown, transient: true, stored: 1,
		},
		{
			name: "given up",
			end: func(ctx context.Context, s *bubbleServer, conn *tnt.Conn) error {
				s.Inject(tnttest.Fault{On: iproto.TypeInsert, Drop: true})
				ctx, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				return tnt.Exec(ctx, conn, insert)
			},
			is: []error{context.DeadlineExceeded}, not: []error{tnt.ErrTimeout, tnt.ErrConnectionLost}, fate: tnt.FateUnknown, stored: 1,
		},
		{
			name: "given up before it was sent",
			end: func(ctx context.Context, _ *bubbleServer, conn *tnt.Conn) error {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return tnt.Exec(ctx, conn, insert)
			},
			is: []error{context.Canceled}, not: []error{tnt.ErrNotConnected}, fate: tnt.FateUnsent, safe: true,
		},
		{
			name: "out of its time",
			end: func(ctx context.Context, s *bubbleServer, conn *tnt.Conn) error {
				s.Inject(tnttest.Fault{On: iproto.TypeInsert, Drop: true})
				return tnt.Exec(ctx, conn, insert)
			},
			is: []error{tnt.ErrTimeout, context.DeadlineExceeded}, fate: tnt.FateUnknown, transient: true, stored: 1,
		},
		{
			name: "closed by you, in flight",
			end: func(ctx context.Context, s *bubbleServer, conn *tnt.Conn) error {
				s.Inject(tnttest.Fault{On: iproto.TypeInsert, Drop: true})
				f := conn.Go(ctx, insert)
				synctest.Wait()
				_ = conn.Close()
				_, err := f.Wait(ctx)
				return err
			},
			is: []error{tnt.ErrClosed, tnt.ErrConnectionLost}, not: []error{tnt.ErrNotConnected}, fate: tnt.FateUnknown, stored: 1,
		},
		{
			name: "closed by you",
			end: func(ctx context.Context, _ *bubbleServer, conn *tnt.Conn) error {
				_ = conn.Close()
				return tnt.Exec(ctx, conn, insert)
			},
			is: []error{tnt.ErrClosed, tnt.ErrNotConnected}, not: []error{tnt.ErrConnectionLost}, fate: tnt.FateUnsent, safe: true,
		},
		{
			name: "never connected",
			end: func(ctx context.Context, _ *bubbleServer, _ *tnt.Conn) error {
				conn, err := tnt.New(tnt.Options{})
				if err != nil {
					return err
				}
				return tnt.Exec(ctx, conn, insert)
			},
			is: []error{tnt.ErrNotConnected}, not: []error{tnt.ErrClosed, tnt.ErrConnectionLost}, fate: tnt.FateUnsent, safe: true,
		},
		{
			name: "executed, and not as was asked for",
			end: func(ctx context.Context, _ *bubbleServer, conn *tnt.Conn) error {
				_, err := tnt.One[int](ctx, conn, insert)
				return err
			},
			not: []error{tnt.ErrNotConnected}, fate: tnt.FateExecuted, stored: 1,
		},
		{
			name: "the stream's session lost",
			end: func(ctx context.Context, _ *bubbleServer, conn *tnt.Conn) error {
				s := conn.Stream()
				if err := s.Begin(ctx); err != nil {
					return err
				}
				conn.Drop(nil)
				return tnt.Exec(ctx, s, insert)
			},
			is: []error{tnt.ErrStreamLost, tnt.ErrNotConnected}, fate: tnt.FateUnsent, safe: true, transient: true,
		},
		{
			name: "the pinned session lost",
			end: func(ctx context.Context, _ *bubbleServer, conn *tnt.Conn) error {
				s, err := tnt.Pin(ctx, conn)
				if err != nil {
					return err
				}
				conn.Drop(nil)
				return tnt.Exec(ctx, s, insert)
			},
			is: []error{tnt.ErrSessionLost, tnt.ErrNotConnected}, fate: tnt.FateUnsent, safe: true, transient: true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, tnt.Options{RequestTimeout: time.Minute}, func(t *testing.T, s *bubbleServer, conn *tnt.Conn) {
				time.Sleep(time.Minute)
				err := test.end(t.Context(), s, conn)
				var re *tnt.RequestError
				if !errors.As(err, &re) {
					t.Fatalf("no *RequestError: %v", err)
				}
				t.Log(err)
				for _, is := range test.is {
					if !errors.Is(err, is) {
						t.Errorf("it is not %v", is)
					}
				}
				for _, not := range test.not {
					if errors.Is(err, not) {
						t.Errorf("it is %v", not)
					}
				}
				if re.Fate() != test.fate || tnt.SafeToRetry(err) != test.safe || tnt.IsTransient(err) != test.transient {
					t.Errorf("fate %v, safe %v, transient %v; want %v, %v, %v", re.Fate(), tnt.SafeToRetry(err), tnt.IsTransient(err), test.fate, test.safe, test.transient)
				}
				if !strings.Contains(err.Error(), " on 127.0.0.1:3301") {
					t.Errorf("it does not name the instance: %v", err)
				}
				if strings.Count(err.Error(), "tnt: ") != 1 {
					t.Errorf("it says who it is of more than once: %v", err)
				}
				if n := stored(s); n != test.stored {
					t.Errorf("%d tuples are stored, want %d", n, test.stored)
				}
			})
		})
	}
}

// TestErrorsPage has docs/errors.md name tests that there are, and a line for each
// end.
func TestErrorsPage(t *testing.T) {
	text, err := os.ReadFile("docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := namesOfTests(t)
	lines := 0
	for _, heading := range []string{"How a request ends", "Safe to retry", "Worth another try", "Retry", "Connecting"} {
		rows := tableUnder(string(text), heading)
		if len(rows) == 0 {
			t.Errorf("%s: there is no table", heading)
		}
		for _, row := range rows {
			lines++
			named := 0
			for _, test := range strings.Split(row["tested in"], ",") {
				if test = strings.TrimSpace(test); test == "" {
					continue
				}
				if named++; !tests[test] {
					t.Errorf("%s: %s is tested in %s, which is not there", heading, row["name"], test)
				}
			}
			if named == 0 {
				t.Errorf("%s: %s names no test", heading, row["name"])
			}
		}
	}
	for _, want := range []string{"answered", "refused by the server", "surely not sent", "may have been executed", "given up", "closed by you", "never connected"} {
		if !strings.Contains(string(text), "| "+want) {
			t.Errorf("there is no line for %q", want)
		}
	}
}

// TestSafeOfWhatRunsCode is never so by a code that a function may have raised after
// it did things.
func TestSafeOfWhatRunsCode(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for _, code := range []errcode.Code{errcode.Readonly, errcode.Loading, errcode.WrongSchemaVersion, errcode.TransactionConflict} {
			const raise = "box.space.tester:replace{1, 'x'} box.error({code = ..., reason = 'raised'})"
			for _, req := range []tnt.Request{
				tnt.Eval{Expr: raise, Args: []any{code}},
				tnt.Call{Function: "raise", Args: []any{code, "raised"}},
				tnt.Call16{Function: "raise", Args: []any{code, "raised"}},
			} {
				if err := tnt.Exec(testContext(t), conn, req); !errors.Is(err, code) || tnt.SafeToRetry(err) {
					t.Errorf("%v of %T: %v", code, req, err)
				}
			}
		}
	})
}

// TestWorthAnotherTry is not what stays as it is.
func TestWorthAnotherTry(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for name, err := range map[string]error{
			"a typo in a name":       tnt.Exec(testContext(t), conn, tnt.Insert{Space: "testter", Tuple: []any{1}}),
			"a typo in an index":     tnt.Exec(testContext(t), conn, tnt.Select{Space: "tester", Index: "primry"}),
			"an encoding error":      tnt.Exec(testContext(t), conn, tnt.Call{Function: "echo", Args: []any{make(chan int)}}),
			"a function's error":     tnt.Exec(testContext(t), conn, tnt.Call{Function: "fail", Args: []any{"x"}}),
			"the caller's context":   tnt.Exec(ended, conn, tnt.Ping{}),
			"an SQL error":           tnt.Exec(testContext(t), conn, tnt.Execute{Statement: "SELEKT"}),
			"nothing":                nil,
			"a wrong type":           errorOf2(tnt.One[int](testContext(t), conn, tnt.Call{Function: "echo", Args: []any{"x"}})),
			"no tuple":               errorOf2(tnt.One[int](testContext(t), conn, tnt.Select{Space: "tester", Key: tnt.K(404)})),
			"an error of the user's": errors.New("mine"),
		} {
			if tnt.IsTransient(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// A cause of the caller's that looks like one of ours stays the caller's.
		ctx, stop := context.WithCancelCause(t.Context())
		stop(fmt.Errorf("mine: %w", tnt.ErrNotConnected))
		if err := tnt.Exec(ctx, conn, tnt.Ping{}); tnt.IsTransient(err) {
			t.Errorf("a cause of the caller's: %v", err)
		}
		for _, code := range []errcode.Code{errcode.Readonly, errcode.Loading, errcode.TransactionConflict, errcode.Timeout, errcode.MemoryIssue} {
			if err := tnt.Exec(testContext(t), conn, tnt.Call{Function: "raise", Args: []any{code, "raised"}}); !tnt.IsTransient(err) {
				t.Errorf("%v: %v", code, err)
			}
		}
	})
}

func errorOf2[T any](_ T, err error) error { return err }

// TestRetry tries again as often, and after such pauses, as its policy says, and only
// what is harmless and worth it.
func TestRetry(t *testing.T) {
	refused := func(code errcode.Code) error { return &tnt.Error{Code: code, Message: "no"} }
	for name, test := range map[string]struct {
		policy tnt.Policy
		err    error
		tries  int64
	}{
		"conflicts":              {tnt.Policy{Attempts: 5}, refused(errcode.TransactionConflict), 5},
		"not harmless":           {tnt.Policy{Attempts: 5}, refused(errcode.Timeout), 1},
		"idempotent":             {tnt.Policy{Attempts: 5, Idempotent: true}, refused(errcode.Timeout), 5},
		"not worth it":           {tnt.Policy{Attempts: 5, Idempotent: true}, refused(errcode.TupleFound), 1},
		"an error of the user's": {tnt.Policy{Attempts: 5, Idempotent: true}, errors.New("mine"), 1},
		"success":                {tnt.Policy{Attempts: 5}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := int64(0)
				err := tnt.Retry(t.Context(), test.policy, func(context.Context) error { tries++; return test.err })
				if !errors.Is(err, test.err) || tries != test.tries {
					t.Errorf("%v after %d tries", err, tries)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var at []time.Time
		err := tnt.Retry(ctx, tnt.Policy{MinPause: 100 * time.Millisecond, MaxPause: 400 * time.Millisecond}, func(context.Context) error {
			at = append(at, time.Now())
			return refused(errcode.Readonly)
		})
		if !errors.Is(err, errcode.Readonly) || ctx.Err() == nil {
			t.Errorf("got %v", err)
		}
		want := 100 * time.Millisecond
		for i := range at[1:] {
			if pause := at[i+1].Sub(at[i]); pause > want || pause < want/2 {
				t.Errorf("pause %d is %v, of %v", i, pause, want)
			}
			want = min(2*want, 400*time.Millisecond)
		}
		if len(at) < 25 {
			t.Errorf("%d tries in ten seconds", len(at))
		}
	})
	// While the connection is away it waits for that.
	inBubble(t, tnt.Options{ReconnectInterval: 5 * time.Second}, func(t *testing.T, s *bubbleServer, conn *tnt.Conn) {
		time.Sleep(time.Minute)
		s.leave()
		synctest.Wait()
		time.AfterFunc(time.Second, s.come)
		var tries atomic.Int64
		err := tnt.Retry(t.Context(), tnt.Policy{}, func(ctx context.Context) error {
			tries.Add(1)
			return tnt.Exec(ctx, conn, tnt.Replace{Space: "users", Tuple: []any{1, "x"}})
		})
		if err != nil || tries.Load() != 2 {
			t.Errorf("%v after %d tries", err, tries.Load())
		}
		_ = conn.Close()
		tries.Store(0)
		err = tnt.Retry(t.Context(), tnt.Policy{}, func(ctx context.Context) error { tries.Add(1); return conn.Ping(ctx) })
		if !errors.Is(err, tnt.ErrClosed) || tries.Load() != 1 {
			t.Errorf("of a closed connection: %v after %d tries", err, tries.Load())
		}
	})
}
