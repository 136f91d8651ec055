package tnt_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// TestTimeOfWatchers has a watcher see the newest value alone of those set while
// its connection was away, when that is back.
func TestTimeOfWatchers(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.connect(func(o *tnt.Options) {
			o.ReconnectInterval, o.MaxReconnectInterval = 10*time.Second, 10*time.Second
		})
		type seen struct {
			value any
			at    time.Duration
		}
		var all []seen
		w, err := c.WatchFunc("key", func(e tnt.Event) {
			v, _ := e.Value()
			all = append(all, seen{v, time.Since(b.began)})
		})
		if err != nil {
			t.Fatal(err)
		}
		set := func(v any) {
			if err := b.srv.Broadcast("key", v); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		synctest.Wait()
		set("a")
		b.setAway(true)
		b.cut()
		for _, v := range []string{"b", "c", "d"} {
			set(v)
			time.Sleep(time.Second)
		}
		b.setAway(false)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if len(all) != 3 || all[0].value != nil || all[1].value != "a" || all[2].value != "d" {
			t.Fatalf("the watcher saw %v", all)
		}
		if at := b.dialled(); all[2].at != at[len(at)-1] {
			t.Errorf("the newest value came at %v, the session at %v", all[2].at, at[len(at)-1])
		}
		w.Unregister()
		set("e")
		if len(all) != 3 {
			t.Errorf("after Unregister the watcher saw %v", all[3:])
		}
	})
}

// TestWatcherAfterALoss has a watcher that is made after a call has failed, before the
// supervisor knows of the loss, wait for the next session's value.
func TestWatcherAfterALoss(t *testing.T) {
	inTime(t, func(b *bubble) {
		held, goOn := make(chan struct{}), make(chan struct{})
		c := b.connect(func(o *tnt.Options) {
			o.PingInterval = time.Second
			o.Hooks = []tnt.Hook{overdueHook(func(time.Duration) {
				close(held)
				<-goOn // the supervisor waits here
			})}
		})
		if err := b.srv.Broadcast("key", "old"); err != nil {
			t.Fatal(err)
		}
		watch := func() <-chan tnt.Event {
			seen := make(chan tnt.Event, 10)
			w, err := c.WatchFunc("key", func(e tnt.Event) { seen <- e })
			if err != nil {
				t.Fatal(err)
			}
			b.Cleanup(w.Unregister)
			return seen
		}
		<-watch()
		defer b.srv.Inject(tnttest.Fault{On: iproto.TypePing, Drop: true, Times: 1})()
		<-held
		b.cut()
		if err := c.Ping(context.Background()); err == nil {
			t.Fatal("the session is not lost")
		}
		seen := watch()
		synctest.Wait()
		if len(seen) > 0 {
			t.Errorf("the watcher was given %v of the session that is lost", <-seen)
		}
		close(goOn)
		<-seen
	})
}

// gatedConn is a connection whose writes wait until its gate is open.
type gatedConn struct {
	net.Conn
	gate *atomic.Pointer[chan struct{}] // closed when open
}

func (c gatedConn) Write(b []byte) (int, error) {
	<-*c.gate.Load()
	return c.Conn.Write(b)
}

// TestWatchAgainWhileSubscribing unregisters a watcher of a new session to which the
// subscription is on its way, and watches the key again.
func TestWatchAgainWhileSubscribing(t *testing.T) {
	inTime(t, func(b *bubble) {
		var gate atomic.Pointer[chan struct{}]
		open, shut := make(chan struct{}), make(chan struct{})
		close(open)
		gate.Store(&open)
		c := b.connect(func(o *tnt.Options) {
			dial, sessions := o.Dialer, 0
			o.WriteBuffer = 1
			o.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dial(ctx, network, address)
				return gatedConn{conn, &gate}, err
			}
			o.AfterConnect = func(context.Context, *tnt.Pinned) error {
				if sessions++; sessions > 1 {
					gate.Store(&shut) // before subscriptions are sent
				}
				return nil
			}
		})
		watchers := map[string]*tnt.Watcher{}
		for i := range 40 { // of a kilobyte each: some pieces of 16 kilobytes
			key := fmt.Sprintf("key %d %s", i, strings.Repeat("x", 1000))
			w, err := c.WatchFunc(key, func(tnt.Event) {})
			if err != nil {
				t.Fatal(err)
			}
			watchers[key] = w
		}
		time.Sleep(time.Second) // the session has lasted, so the next one comes at once
		b.cut()
		if !c.IsConnected() {
			t.Fatal("it is not back")
		}
		for _, w := range watchers {
			w.Unregister()
		}
		close(shut)
		synctest.Wait()
		for key := range watchers {
			seen := make(chan tnt.Event, 10)
			if _, err := c.WatchFunc(key, func(e tnt.Event) { seen <- e }); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if len(seen) == 0 {
				t.Errorf("who watches %.10q again is not given its value", key)
			}
		}
	})
}
