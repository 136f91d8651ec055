package tnt_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// TestReadGivenUpByOneOfTwoWaits has a Wait do a read again, whose schema was old, and
// give that up: the other Wait, whose context lasts, gets the answer.
func TestReadGivenUpByOneOfTwoWaits(t *testing.T) {
	again := make(chan struct{}, 1)
	addr := fakeServer(t, func(p *peer) {
		reads := 0
		for {
			h, body, err := p.next()
			if err != nil {
				return
			}
			w := wire.NewBody(nil)
			var b wire.Body
			if h.Type == iproto.TypeSelect && b.Decode(body) == nil && b.Uint(iproto.KeySpaceID) == 512 {
				if reads++; reads == 1 {
					w.String(iproto.KeyError24, "Wrong schema version")
					_, _ = p.Write(frame(iproto.TypeError|iproto.Type(errcode.WrongSchemaVersion), h.Sync, w.End()))
					continue
				}
				if reads == 2 {
					again <- struct{}{} // and no answer
					continue
				}
			}
			w.Key(iproto.KeyData)
			if b.Uint(iproto.KeySpaceID) == 281 {
				w.B = appendSpaceRow(mp.AppendArrayLen(w.B, 1))
			} else {
				w.B = mp.AppendArrayLen(w.B, 0)
			}
			_, _ = p.Write(frame(iproto.TypeOK, h.Sync, w.End()))
		}
	})
	conn := toFake(t, addr, func(o *tnt.Options) { o.NoSchema = false })
	f := tnt.Go(testContext(t), conn, tnt.Select{Space: "s"})
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	first := make(chan error, 1)
	go func() {
		_, err := f.Wait(ctx)
		first <- err
	}()
	<-again
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the first: %v", err)
	}
	if _, err := f.Wait(testContext(t)); err != nil {
		t.Errorf("the second: %v", err)
	}
}
