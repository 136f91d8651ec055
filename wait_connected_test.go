package tnt_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
)

// TestWaitConnectedForNobody has calls fail at once, though WaitConnected is set,
// on a connection that nobody has asked to connect, that all have given up, or
// that does not reconnect.
func TestWaitConnectedForNobody(t *testing.T) {
	inTime(t, func(b *bubble) {
		waits := func(o *tnt.Options) { o.WaitConnected = true }
		never := b.make(waits)
		b.fails("never asked to connect", never)
		b.setAway(true)
		given := b.make(waits)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if given.Connect(ctx) == nil {
			t.Fatal("it connected")
		}
		b.fails("given up", given)
		b.setAway(false)
		once := b.connect(waits, func(o *tnt.Options) { o.ReconnectInterval = tnt.Never })
		b.cut()
		b.fails("without reconnecting", once)
	})
}

// fails does every form of call on a connection that is not to come up.
func (b *bubble) fails(what string, c *tnt.Conn) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := time.AfterFunc(time.Minute, cancel) // a wait, which is not due, ends so
	defer stop.Stop()
	for name, do := range map[string]func() error{
		"Do":    func() error { return c.Ping(ctx) },
		"Go":    func() error { _, err := c.Go(ctx, tnt.Ping{}).Wait(ctx); return err },
		"Batch": func() error { return c.Batch(ctx, tnt.Ping{}, tnt.Ping{})[0].Err },
		"Pin":   func() error { _, err := tnt.Pin(ctx, c); return err },
	} {
		b.took(what+": "+name, 0, func() {
			if err := do(); !errors.Is(err, tnt.ErrNotConnected) || !tnt.SafeToRetry(err) || ctx.Err() != nil {
				b.Errorf("%s: %s ended with %v", what, name, err)
			}
		})
	}
}

// TestErrorWhileConnecting says of a request that the first attempt goes on, and not
// that nobody has asked to connect.
func TestErrorWhileConnecting(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.make(func(o *tnt.Options) {
			o.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, context.Cause(ctx)
			}
		})
		c.Start()
		synctest.Wait()
		err := c.Ping(context.Background())
		failsWith(t, "a request while the first attempt goes on", err, "the first attempt to connect has not ended yet")
		if !tnt.SafeToRetry(err) || !tnt.IsTransient(err) {
			t.Errorf("it is worth another try: %v", err)
		}
	})
}
