package tnt_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
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

// TestErrorAfterALostHandshake says of a request that it was not sent, and nothing
// else, where the last attempt lost its session in flight.
func TestErrorAfterALostHandshake(t *testing.T) {
	inTime(t, func(b *bubble) {
		b.srv.Inject(tnttest.Fault{On: iproto.TypeSelect, Space: "_vspace", CloseBefore: true})
		c := b.make(func(o *tnt.Options) { o.ReconnectInterval, o.MaxReconnectInterval = time.Hour, time.Hour })
		c.Start()
		synctest.Wait()
		err := c.Ping(context.Background())
		if !errors.Is(err, tnt.ErrNotConnected) || errors.Is(err, tnt.ErrConnectionLost) || !tnt.SafeToRetry(err) || !tnt.IsTransient(err) {
			t.Errorf("a request after an attempt that failed: %v", err)
		}
		failsWith(t, "a request after an attempt that failed", err, "the server closed the connection")
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.Connect(ctx); !errors.Is(err, io.EOF) || errors.Is(err, tnt.ErrConnectionLost) {
			t.Errorf("Connect: %v", err)
		}
	})
}
