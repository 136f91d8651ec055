package tnt_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// choosing is an Executor that tries its ways one after the other.
type choosing struct {
	ways   []tnt.Executor
	limit  time.Duration
	began  []time.Time
	failed []error
}

func (c *choosing) Route(ctx context.Context, a tnt.Attempt) (tnt.Route, error) {
	c.began = append(c.began, a.Began)
	if a.Try > len(c.ways) {
		return a.Last, a.Err
	}
	rt, err := c.ways[a.Try-1].Route(ctx, tnt.Attempt{Try: 1})
	return rt.TryFor(c.limit), err
}

func (c *choosing) OnFailure(_ context.Context, a tnt.Attempt) { c.failed = append(c.failed, a.Err) }

func twoServers(t *testing.T) (slow, quick *tnt.Conn) {
	t.Helper()
	var conns []*tnt.Conn
	for range 2 {
		srv := tnttest.Run(t, tnttest.WithSpace(tnttest.SpaceDef{
			Name:    "s",
			Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}},
			Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
		}))
		if len(conns) == 0 {
			for _, on := range []iproto.Type{iproto.TypeInsert, iproto.TypeSelect} {
				srv.Inject(tnttest.Fault{On: on, Space: "s", Delay: 5 * time.Second})
			}
		}
		conns = append(conns, connect(t, tnt.Options{Address: srv.Addr()}))
	}
	return conns[0], conns[1]
}

func TestTryForAsksForAnotherWay(t *testing.T) {
	slow, quick := twoServers(t)
	ctx := testContext(t)
	c := &choosing{ways: []tnt.Executor{slow, quick}, limit: 20 * time.Millisecond}
	if err := tnt.Exec(ctx, c, tnt.Select{Space: "s", Key: tnt.K(1)}); err != nil {
		t.Errorf("a read: %v", err)
	}
	if len(c.began) != 2 || c.began[0].IsZero() || !c.began[0].Equal(c.began[1]) {
		t.Errorf("Began is not that of the call: %v", c.began)
	}
	if len(c.failed) != 0 {
		t.Errorf("OnFailure was told of what was done again: %v", c.failed)
	}
	c = &choosing{ways: []tnt.Executor{slow, quick}, limit: 20 * time.Millisecond}
	err := tnt.Exec(ctx, c, tnt.Insert{Space: "s", Tuple: []any{1}})
	if !errors.Is(err, tnt.ErrTimeout) || len(c.began) != 1 {
		t.Errorf("a write was tried %d times: %v, want once and ErrTimeout", len(c.began), err)
	}
	if len(c.failed) != 1 || !errors.Is(c.failed[0], tnt.ErrTimeout) {
		t.Errorf("OnFailure was told of %v", c.failed)
	}
	if err := tnt.Exec(ctx, tnt.Idempotent(c), tnt.Insert{Space: "s", Tuple: []any{2}}); err != nil {
		t.Errorf("an idempotent write: %v", err)
	}
	if err := tnt.Exec(ctx, tnt.Idempotent(c), tnt.Insert{Space: "nonsense", Tuple: []any{2}}); err == nil || len(c.failed) != 2 {
		t.Errorf("a failure of an Idempotent: %v, told of %v", err, c.failed)
	}
}

// TestEveryFormTellsOfItsFailures has an Executor be told once of what fails, however
// it is asked for: by a timeout, by the context's end, and in a stream.
func TestEveryFormTellsOfItsFailures(t *testing.T) {
	forms := map[string]func(ctx context.Context, ex tnt.Executor, req tnt.Request) error{
		"Do": tnt.Exec[tnt.Request],
		"Go": func(ctx context.Context, ex tnt.Executor, req tnt.Request) error {
			_, err := tnt.Go(context.WithoutCancel(ctx), ex, req).Wait(ctx)
			return err
		},
		"Batch": func(ctx context.Context, ex tnt.Executor, req tnt.Request) (err error) {
			for _, r := range tnt.Batch(ctx, ex, req) {
				err = r.Err
			}
			return err
		},
		"Each": func(ctx context.Context, ex tnt.Executor, req tnt.Request) (err error) {
			for _, err = range tnt.Each[any](ctx, ex, []tnt.Request{req}) {
			}
			return err
		},
	}
	srv := tnttest.Run(t)
	srv.Handle("slow", func(c *tnttest.Call) ([]any, error) {
		<-c.Context().Done()
		return nil, nil
	})
	conn := connect(t, tnt.Options{Address: srv.Addr()})
	hasty := connect(t, tnt.Options{Address: srv.Addr(), RequestTimeout: 20 * time.Millisecond})
	slow := tnt.Call{Function: "slow"}
	for name, do := range forms {
		for _, test := range []struct {
			what    string
			way     tnt.Executor
			ends    bool // by its context
			streams bool
			req     tnt.Request
			want    error
		}{
			{"a timeout", hasty, false, false, slow, tnt.ErrTimeout},
			{"the context's end", conn, true, false, slow, context.DeadlineExceeded},
			{"what a stream is refused", conn, false, true, tnt.Call{Function: "none"}, errcode.NoSuchProc},
		} {
			c := &choosing{ways: []tnt.Executor{test.way}}
			var ex tnt.Executor = c
			if test.streams {
				ex = tnt.NewStream(c)
			}
			ctx := context.Background()
			if test.ends {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 20*time.Millisecond)
				defer cancel()
			}
			err := do(ctx, ex, test.req)
			if !errors.Is(err, test.want) || len(c.failed) != 1 || !errors.Is(c.failed[0], test.want) {
				t.Errorf("%s, %s: got %v, and OnFailure was told of %v", name, test.what, err, c.failed)
			}
		}
	}
}

// A stream that can't be had says so once.
func TestErrorOfAStreamThatIsNotBound(t *testing.T) {
	srv := tnttest.Run(t, tnttest.WithVersion("2.6.0"))
	conn := connect(t, tnt.Options{Address: srv.Addr()})
	err := conn.Stream().Begin(testContext(t))
	var lacks *tnt.FeatureError
	if !errors.As(err, &lacks) || strings.Count(err.Error(), "BEGIN") != 1 {
		t.Errorf("got %v", err)
	}
}

// asked is an Executor that notes for which calls it was asked.
type asked struct {
	ex    tnt.Executor
	began map[time.Time]int
}

func (e *asked) Route(ctx context.Context, a tnt.Attempt) (tnt.Route, error) {
	e.began[a.Began]++
	return e.ex.Route(ctx, a)
}

// TestBeganIsThatOfTheCall has an Executor learn when a call of several requests began:
// by that it bounds how long it waits.
func TestBeganIsThatOfTheCall(t *testing.T) {
	srv := tnttest.Run(t, tnttest.WithSpace(tnttest.SpaceDef{
		Name:    "s",
		Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}},
		Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
	}))
	if err := srv.HandleExecute("SELECT 1", func() (int, error) { return 1, nil }); err != nil {
		t.Fatal(err)
	}
	ctx := testContext(t)
	conn := connect(t, tnt.Options{Address: srv.Addr()})
	refused := func(on iproto.Type, code errcode.Code) func() {
		return srv.Inject(tnttest.Fault{On: on, Times: 1, Error: &tnt.Error{Code: code}})
	}
	for name, call := range map[string]func(ex tnt.Executor) error{
		"a statement that is prepared again": func(ex tnt.Executor) error {
			defer refused(iproto.TypeExecute, errcode.WrongQueryID)()
			prepared, err := tnt.NewPrepared(ctx, ex, "SELECT 1")
			if err != nil {
				return err
			}
			clear(ex.(*asked).began)
			_, err = prepared.Execute(ctx)
			return err
		},
		"a statement of a cache": func(ex tnt.Executor) error {
			_, err := tnt.NewStatementCache(ex, 1).Execute(ctx, "SELECT 1")
			return err
		},
		"a batch that meets another schema": func(ex tnt.Executor) error {
			defer refused(iproto.TypeSelect, errcode.WrongSchemaVersion)()
			return tnt.Batch(ctx, ex, tnt.Select{Space: "s"}, tnt.Ping{})[0].Err
		},
		"a page of a scan": func(ex tnt.Executor) error {
			for _, err := range tnt.Scan(ctx, ex, tnt.Select{Space: "s"}, 1) {
				return err
			}
			return nil
		},
		"a future that is done again": func(ex tnt.Executor) error {
			defer refused(iproto.TypeSelect, errcode.WrongSchemaVersion)()
			_, err := tnt.Go(ctx, ex, tnt.Select{Space: "s"}).Wait(ctx)
			return err
		},
	} {
		e := &asked{conn, map[time.Time]int{}}
		if err := call(e); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		total := 0
		for _, n := range e.began {
			total += n
		}
		calls := 1
		if strings.HasPrefix(name, "a future") { // Go is one, and Wait another
			calls = 2
		}
		if len(e.began) != calls || total < 2 {
			t.Errorf("%s asked %d times for a way, of calls that began at %d times", name, total, len(e.began))
		}
	}
}
