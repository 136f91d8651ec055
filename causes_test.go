package tnt_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// TestGivenUpForAnotherRequest gives up requests that are in flight for the error of
// another request, as an errgroup does: what became of that one says nothing of them.
func TestGivenUpForAnotherRequest(t *testing.T) {
	srv := embedded(t)
	srv.Handle("hang", func(*tnttest.Call) ([]any, error) {
		<-t.Context().Done()
		return nil, nil
	})
	conn := connect(t, tnt.Options{Dialer: srv.DialContext})
	_, unsent := tnt.Do(testContext(t), conn, tnt.Call{Function: "other", Args: []any{make(chan int)}})
	if !tnt.SafeToRetry(unsent) {
		t.Fatal(unsent)
	}
	_, refused := tnt.Do(testContext(t), conn, tnt.Call{Function: "other"})
	text := tnt.Answer(func(context.Context, tnt.Request) (tnt.Response, error) { return tnt.NewResponse("x") })
	_, executed := tnt.One[int](testContext(t), text, tnt.Call{Function: "other"})
	hang := tnt.Call{Function: "hang"}
	ways := map[string]func(ctx context.Context) error{
		"Do": func(ctx context.Context) error {
			_, err := tnt.Do(ctx, conn, hang)
			return err
		},
		"Batch": func(ctx context.Context) error { return tnt.Batch(ctx, conn, hang)[0].Err },
		"Go": func(ctx context.Context) error {
			_, err := tnt.Go(testContext(t), conn, hang).Wait(ctx)
			return err
		},
	}
	for name, do := range ways {
		for _, cause := range []error{unsent, refused, executed} {
			before := srv.Counters().Requests[iproto.TypeCall]
			ctx, cancel := context.WithCancelCause(testContext(t))
			ended := make(chan error, 1)
			go func() { ended <- do(ctx) }()
			eventually(t, "it is in flight", func() bool { return srv.Counters().Requests[iproto.TypeCall] > before })
			cancel(cause)
			err := <-ended
			var re *tnt.RequestError
			if !errors.As(err, &re) || re.Request.Function != "hang" || re.Fate() != tnt.FateUnknown || tnt.SafeToRetry(err) || !errors.Is(err, cause) {
				t.Errorf("%s, given up for %q: %v", name, cause, err)
			}
		}
		ctx, cancel := context.WithCancelCause(testContext(t))
		cancel(executed)
		if name == "Go" {
			continue // it is sent all the same
		}
		err := do(ctx)
		var re *tnt.RequestError
		if !errors.As(err, &re) || re.Request.Function != "hang" || re.Fate() != tnt.FateUnsent || !errors.Is(err, executed) {
			t.Errorf("%s, not sent: %v", name, err)
		}
	}
}

// TestFateOfAnswersNotAsAskedFor has every answer that can't be taken as it was asked
// for tell that the request was executed.
func TestFateOfAnswersNotAsAskedFor(t *testing.T) {
	answer := func(rows ...any) tnt.Executor {
		return tnt.Answer(func(context.Context, tnt.Request) (tnt.Response, error) { return tnt.NewResponse(rows...) })
	}
	call := tnt.Call{Function: "f"}
	for name, do := range map[string]func() error{
		"not of the type": func() error {
			_, err := tnt.One[int](testContext(t), answer("x"), call)
			return err
		},
		"nothing": func() error {
			_, err := tnt.One[int](testContext(t), answer(), call)
			return err
		},
		"nil and an error": func() error {
			_, err := tnt.One[int](testContext(t), answer(nil, "no"), call)
			return err
		},
		"too many results": func() error {
			_, _, err := tnt.Two[int, int](testContext(t), answer(1, 2, 3), call)
			return err
		},
		"no such setting": func() error {
			return tnt.SetSessionSetting(testContext(t), answer(), "none", true)
		},
	} {
		err := do()
		var re *tnt.RequestError
		if !errors.As(err, &re) || re.Fate() != tnt.FateExecuted || tnt.SafeToRetry(err) || tnt.IsTransient(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
