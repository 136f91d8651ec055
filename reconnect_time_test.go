package tnt_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// TestTimeOfReconnects holds the pauses between attempts to what Options say:
// each twice the one before, up to the longest, less a random part of up to a half.
func TestTimeOfReconnects(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.connect(func(o *tnt.Options) {
			o.ReconnectInterval, o.MaxReconnectInterval = 100*time.Millisecond, 2*time.Second
		})
		time.Sleep(time.Minute)
		b.dialled()
		b.setAway(true)
		lost := time.Since(b.began)
		b.cut()
		time.Sleep(time.Minute)
		dials := b.dialled()
		if len(dials) < 30 || dials[0] != lost {
			t.Fatalf("%d attempts, the first %v after the loss", len(dials), dials[0]-lost)
		}
		var parts []float64
		for i := 1; i < len(dials); i++ {
			longest := min(2*time.Second, 100*time.Millisecond<<min(i-1, 10))
			pause := dials[i] - dials[i-1]
			if pause < longest/2 || pause > longest {
				t.Errorf("pause %d is %v, not between %v and %v", i, pause, longest/2, longest)
			}
			parts = append(parts, float64(pause)/float64(longest))
		}
		slices.Sort(parts)
		if parts[0] > 0.65 || parts[len(parts)-1] < 0.85 {
			t.Errorf("the random parts of the pauses are all between %.2f and %.2f", parts[0], parts[len(parts)-1])
		}
		b.setAway(false)
		if err := c.Connect(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestTimeOfSessionsThatDieAtOnce has the back-off go on where sessions come up
// and are lost at once, and begin anew after one that has lasted.
func TestTimeOfSessionsThatDieAtOnce(t *testing.T) {
	inTime(t, func(b *bubble) {
		up := make(chan struct{}, 100)
		c := b.make(func(o *tnt.Options) {
			o.ReconnectInterval, o.MaxReconnectInterval = 100*time.Millisecond, time.Second
		})
		defer c.OnState(func(_, to tnt.State, _ error) {
			if to == tnt.Connected {
				up <- struct{}{}
			}
		})()
		c.Start()
		for range 8 {
			<-up
			b.cut()
		}
		<-up
		dials := b.dialled()
		for i := 1; i < len(dials); i++ {
			longest := min(time.Second, 100*time.Millisecond<<(i-1))
			if pause := dials[i] - dials[i-1]; pause < longest/2 || pause > longest {
				t.Errorf("pause %d is %v, not between %v and %v", i, pause, longest/2, longest)
			}
		}
		time.Sleep(100 * time.Millisecond) // it has lasted now
		lost := time.Since(b.began)
		b.cut()
		if dials = b.dialled(); len(dials) != 1 || dials[0] != lost {
			t.Errorf("after a session that has lasted the attempts are at %v, and the loss at %v", dials, lost)
		}
		b.setAway(true)
		time.Sleep(100 * time.Millisecond)
		b.cut()
		b.dialled()
		time.Sleep(100 * time.Millisecond)
		if dials = b.dialled(); len(dials) == 0 {
			t.Error("the back-off has not begun anew")
		}
	})
}

// TestTimeOfDrop has Drop end a pause, and dial at once.
func TestTimeOfDrop(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.connect(func(o *tnt.Options) { o.ReconnectInterval, o.MaxReconnectInterval = time.Hour, time.Hour })
		b.setAway(true)
		b.cut()
		time.Sleep(time.Minute)
		b.setAway(false)
		b.dialled()
		b.took("the way back after Drop", 0, func() {
			c.Drop(nil)
			synctest.Wait()
		})
		if !c.IsConnected() || len(b.dialled()) != 1 {
			t.Error("Drop in a pause has not brought the connection back at once")
		}
	})
}

// TestTimeOfConnect bounds an attempt by ConnectTimeout, and Connect by its context.
func TestTimeOfConnect(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.make(func(o *tnt.Options) { o.ConnectOnce, o.ConnectTimeout = true, 3*time.Second })
		remove := b.srv.Inject(tnttest.Fault{On: iproto.TypeID, Drop: true})
		b.took("an attempt", 3*time.Second, func() {
			if err := c.Connect(context.Background()); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Connect: %v", err)
			}
		})
		remove()
		patient := b.make()
		b.setAway(true)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		b.took("Connect", time.Minute, func() {
			if err := patient.Connect(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Connect: %v", err)
			}
		})
		if s := patient.State(); s != tnt.Disconnected {
			t.Errorf("after a Connect that gave up the state is %v", s)
		}
	})
}
