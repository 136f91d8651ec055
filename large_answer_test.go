package tnt_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// TestLargeAnswerIsNotAskedForWithoutEnd has a read whose answer is beyond MaxFrame,
// and ends the connection, wait for another connection: it ends all the same.
func TestLargeAnswerIsNotAskedForWithoutEnd(t *testing.T) {
	srv := embedded(t, tnttest.WithSpace(tnttest.SpaceDef{
		Name: "large", ID: 600, Format: []tnttest.Field{{Name: "id", Type: "unsigned"}},
		Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
	}))
	if err := srv.Space("large").Insert(1, string(make([]byte, 5000))); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, tnt.Options{
		Dialer: srv.DialContext, NoSchema: true, MaxFrame: 4000, WaitConnected: true, ReconnectInterval: time.Millisecond,
	})
	read := tnt.Select{SpaceID: 600}
	for name, do := range map[string]func() error{
		"Do": func() error {
			_, err := tnt.Do(testContext(t), conn, read)
			return err
		},
		"Go": func() error {
			_, err := tnt.Go(testContext(t), conn, read).Wait(testContext(t))
			return err
		},
		"Batch": func() error { return tnt.Batch(testContext(t), conn, read)[0].Err },
	} {
		before := srv.Counters().Requests[iproto.TypeSelect]
		err := do()
		asked := srv.Counters().Requests[iproto.TypeSelect] - before
		if !errors.Is(err, tnt.ErrConnectionLost) || asked > 3 {
			t.Errorf("%s: asked %d times: %v", name, asked, err)
		}
		failsWith(t, name, err, "Options.MaxFrame is 4000")
	}
}
