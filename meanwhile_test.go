package tnt_test

import (
	"context"
	"errors"
	"net"
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

// TestCallsWhileClosing fails calls, as those of a closed connection, while it waits
// for what is in flight.
func TestCallsWhileClosing(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.connect()
		b.srv.Inject(tnttest.Fault{On: iproto.TypeCall, Delay: 4 * time.Second})
		b.srv.Handle("f", func(*tnttest.Call) ([]any, error) { return nil, nil })
		f := c.Go(context.Background(), tnt.Call{Function: "f"})
		ended := make(chan error)
		go func() { ended <- c.CloseGraceful(context.Background()) }()
		synctest.Wait()
		if err := c.Ping(context.Background()); !errors.Is(err, tnt.ErrClosed) || !tnt.SafeToRetry(err) {
			t.Errorf("meanwhile: %v", err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := f.Wait(context.Background()); err != nil {
			t.Errorf("what was in flight: %v", err)
		}
	})
}

// TestCallsAfterDrop say why their connection is away, until an attempt to connect
// has had another end.
func TestCallsAfterDrop(t *testing.T) {
	inTime(t, func(b *bubble) {
		var hang atomic.Bool
		c := b.connect(func(o *tnt.Options) {
			dial := o.Dialer
			o.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
				if hang.Load() {
					<-ctx.Done()
					return nil, context.Cause(ctx)
				}
				return dial(ctx, network, address)
			}
		})
		hang.Store(true)
		cause := errors.New("mine")
		c.Drop(cause)
		for _, when := range []string{"right after", "while an attempt is made"} {
			if err := c.Ping(context.Background()); !errors.Is(err, cause) || !errors.Is(err, tnt.ErrNotConnected) {
				t.Errorf("%s: %v", when, err)
			}
			synctest.Wait()
		}
	})
}

// TestStatsAcrossSessions has counts go on where a session was lost.
func TestStatsAcrossSessions(t *testing.T) {
	conn := connect(t, tnt.Options{Address: withUsers(t).Addr(), PingInterval: tnt.Never})
	for range 3 {
		before := conn.Stats()
		if err := conn.Reconnect(testContext(t)); err != nil {
			t.Fatal(err)
		}
		if err := conn.Ping(testContext(t)); err != nil {
			t.Fatal(err)
		}
		after := conn.Stats()
		if after.Requests <= before.Requests || after.BytesSent <= before.BytesSent || after.BytesReceived <= before.BytesReceived ||
			after.Writes <= before.Writes || after.Connects != before.Connects+1 {
			t.Errorf("the counts are %+v, and before the reconnect %+v", after, before)
		}
	}
}

// stateCauses notes why states changed.
type stateCauses chan error

func (c stateCauses) OnState(_ *tnt.Conn, _, to tnt.State, cause error) {
	if to == tnt.Reconnecting {
		c <- cause
	}
}

// TestCauseOfAShutdown has the state's cause say what the server announced, with
// requests in flight and without.
func TestCauseOfAShutdown(t *testing.T) {
	for _, inFlight := range []bool{false, true} {
		inTime(t, func(b *bubble) {
			causes := make(stateCauses, 100)
			c := b.connect(func(o *tnt.Options) { o.Hooks = []tnt.Hook{causes} })
			b.srv.Inject(tnttest.Fault{On: iproto.TypePing, Delay: time.Second})
			var f *tnt.Future
			if inFlight {
				f = c.Go(context.Background(), tnt.Ping{})
				synctest.Wait()
			}
			b.setAway(true)
			if err := b.srv.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
			if inFlight {
				if _, err := f.Wait(context.Background()); err != nil {
					t.Error(err)
				}
			}
			synctest.Wait()
			cause := <-causes
			if cause == nil || inFlight && !strings.Contains(cause.Error(), "shut") || strings.Contains(cause.Error(), "%!") {
				t.Errorf("in flight %v: %v", inFlight, cause)
			}
			if err := c.Ping(context.Background()); !errors.Is(err, tnt.ErrNotConnected) || strings.Contains(err.Error(), "%!") {
				t.Errorf("a call afterwards: %v", err)
			}
		})
	}
}

// TestDefaultPausesOfRetry are those that Policy names.
func TestDefaultPausesOfRetry(t *testing.T) {
	for _, policy := range []tnt.Policy{{Attempts: 12}, {Attempts: 3, MinPause: 5 * time.Second}} {
		inTime(t, func(*bubble) {
			var tries []time.Time
			_ = tnt.Retry(context.Background(), policy, func(context.Context) error {
				tries = append(tries, time.Now())
				return &tnt.Error{Code: errcode.TransactionConflict}
			})
			if len(tries) != policy.Attempts {
				t.Fatalf("%d tries", len(tries))
			}
			first, longest := max(policy.MinPause, 10*time.Millisecond), max(policy.MinPause, time.Second)
			for i := 1; i < len(tries); i++ {
				want := min(first<<(i-1), longest)
				if pause := tries[i].Sub(tries[i-1]); pause < want/2 || pause > want {
					t.Errorf("pause %d of %+v is %v, not %v", i, policy, pause, want)
				}
			}
		})
	}
}

// TestRolledBackInAStream takes a function of a transaction that was rolled back for
// one that did nothing; outside of one it may have done something.
func TestRolledBackInAStream(t *testing.T) {
	srv := withUsers(t)
	conn := connect(t, tnt.Options{Address: srv.Addr(), PingInterval: tnt.Never})
	srv.Inject(tnttest.Fault{On: iproto.TypeCall, Error: &tnt.Error{Code: errcode.TransactionConflict, Message: "conflict"}})
	call := tnt.Call{Function: "f"}
	if _, err := conn.Do(testContext(t), call); err == nil || tnt.SafeToRetry(err) {
		t.Errorf("outside of a transaction: %v", err)
	}
	for range 3 {
		stream := conn.Stream()
		if err := stream.Begin(testContext(t)); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Do(testContext(t), call); !errors.Is(err, errcode.TransactionConflict) || !tnt.SafeToRetry(err) {
			t.Errorf("in stream %d: %v", stream.ID(), err)
		}
		if err := stream.Rollback(testContext(t)); err != nil {
			t.Error(err)
		}
	}
}

// TestWatchAgain watches a key that nobody watched for a while, and is given its
// present value.
func TestWatchAgain(t *testing.T) {
	srv := embedded(t)
	conn := connect(t, tnt.Options{Dialer: srv.DialContext})
	for i := range 5 {
		if err := srv.Broadcast("k", i); err != nil {
			t.Fatal(err)
		}
		got := make(events, 100)
		w, err := conn.WatchFunc("k", got.add)
		if err != nil {
			t.Fatal(err)
		}
		if v := <-got; v != int64(i) { // no older one comes before it
			t.Errorf("the value is %v, not %d", v, i)
		}
		w.Unregister()
		if err := srv.Broadcast("k", "unseen"); err != nil {
			t.Fatal(err)
		}
		if err := conn.Ping(testContext(t)); err != nil { // behind an event, if there is one
			t.Fatal(err)
		}
		select {
		case v := <-got:
			t.Errorf("%v came after the watch had ended", v)
		default:
		}
	}
}

// TestErrorsInAStream name the stream, whichever way its request was done, and are
// not tried elsewhere.
func TestErrorsInAStream(t *testing.T) {
	servers, x := several(t, 2)
	servers[0].Inject(tnttest.Fault{On: iproto.TypeInsert, Error: &tnt.Error{Code: errcode.Readonly, Message: "read-only"}})
	stream := tnt.NewStream(x)
	if err := stream.Begin(testContext(t)); err != nil {
		t.Fatal(err)
	}
	for name, write := range writes {
		err := write(testContext(t), stream, tnt.Insert{Space: "users", Tuple: []any{1, "x"}})
		var re *tnt.RequestError
		if !errors.As(err, &re) || re.Request.Stream != stream.ID() || re.Request.Stream == 0 || !errors.Is(err, errcode.Readonly) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := servers[1].Counters().Requests[iproto.TypeInsert]; n != 0 {
		t.Errorf("the other server was asked %d times", n)
	}
	if err := stream.Rollback(testContext(t)); err != nil {
		t.Error(err)
	}
}
