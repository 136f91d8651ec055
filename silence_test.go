package tnt_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/gotnt/tnt"
)

// TestSilenceWhileRequestsGoOut loses a peer that takes all and answers nothing,
// though there are always further requests for it.
func TestSilenceWhileRequestsGoOut(t *testing.T) {
	addr := fakeServer(t, func(p *peer) { _, _ = io.Copy(io.Discard, p) })
	conn := toFake(t, addr, func(o *tnt.Options) {
		o.PingInterval, o.DeadAfter = 20*time.Millisecond, 150*time.Millisecond
	})
	ctx := testContext(t)
	for {
		short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
		_, err := conn.Do(short, tnt.Call{Function: "f"})
		cancel()
		switch {
		case errors.Is(err, tnt.ErrConnectionLost), errors.Is(err, tnt.ErrNotConnected):
			return
		case ctx.Err() != nil:
			t.Fatal("the connection counts as up though nothing comes from the peer, as long as something goes out")
		}
	}
}
