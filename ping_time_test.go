package tnt_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// TestTimeOfPings counts pings, and has silence end a session.
func TestTimeOfPings(t *testing.T) {
	inTime(t, func(b *bubble) {
		var overdue atomic.Int32
		c := b.connect(func(o *tnt.Options) {
			o.PingInterval, o.DeadAfter = 5*time.Second, 30*time.Second
			o.Hooks = []tnt.Hook{overdueHook(func(since time.Duration) {
				overdue.Add(1)
				if since != 5*time.Second {
					t.Errorf("told that a ping is overdue %v after it was sent", since)
				}
			})}
		})
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if n := b.srv.Counters().Requests[iproto.TypePing]; n != 12 {
			t.Errorf("%d pings in a minute", n)
		}
		if n := overdue.Load(); n != 0 {
			t.Errorf("%d pings were overdue", n)
		}
		remove := b.srv.Inject(tnttest.Fault{On: iproto.TypePing, Drop: true})
		var lost error
		var when time.Duration
		began := time.Now()
		defer c.OnState(func(_, to tnt.State, cause error) {
			if to == tnt.Reconnecting && lost == nil {
				lost, when = cause, time.Since(began)
			}
		})()
		time.Sleep(40 * time.Second)
		synctest.Wait()
		remove()
		// The first ping that is dropped goes out 4 s later. That its own bytes went is
		// seen 5 s after that, and 30 s later the session is over.
		if lost == nil || when != 39*time.Second {
			t.Errorf("the session was lost after %v: %v", when, lost)
		}
		if n := overdue.Load(); n != 1 {
			t.Errorf("told of overdue pings %d times", n)
		}
		if !c.IsConnected() {
			t.Error("it is not back")
		}
	})
}

// TestSilenceBetweenPings has a session end when Options.DeadAfter says, though that is
// less than the pause between pings.
func TestSilenceBetweenPings(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.connect(func(o *tnt.Options) { o.PingInterval, o.DeadAfter = 5*time.Second, 2*time.Second })
		time.Sleep(time.Minute - time.Second)
		synctest.Wait()
		if n := b.srv.Counters().Requests[iproto.TypePing]; n != 11 {
			t.Errorf("%d pings in 59 seconds", n)
		}
		b.srv.Inject(tnttest.Fault{On: iproto.TypePing, Drop: true})
		lost := make(chan struct{})
		defer c.OnState(func(_, to tnt.State, _ error) {
			if to == tnt.Reconnecting {
				close(lost)
			}
		})()
		// The ping goes out in a second, its own bytes are seen to have gone 2 s later, and
		// 2 s after that the session is over.
		b.took("the loss", 5*time.Second, func() { <-lost })
	})
}

// overdueHook is a hook that is told of overdue pings.
type overdueHook func(since time.Duration)

func (h overdueHook) OnPingOverdue(_ *tnt.Conn, since time.Duration) { h(since) }
