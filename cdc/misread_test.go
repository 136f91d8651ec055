package cdc

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// A row that can't be read is the same at the next attempt: it ends the Feed.
func TestWhatIsNotUnderstood(t *testing.T) {
	set := uuid.New()
	body := mp.AppendString([]byte{0x82, byte(iproto.KeyReplicasetUUID)}, set.String())
	body = append(body, byte(iproto.KeyVClock), 0x81, 0x01, 0x05)
	answer := wire.AppendResponseHeader(wire.BeginFrame(nil), wire.Header{Type: iproto.TypeOK})
	answer = append(answer, body...)
	if err := wire.EndFrame(answer, 0); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ frames, want string }{
		"an instance of too large an id": {string(answer) + "\x07\x82\x00\x02\x02\x28\x03\x06", "replica id is 40"},
		"no map":                         {string(answer) + "\x01\x90", "not a map"},
		"no length":                      {string(answer) + "\xa1x", "not understood"},
		"an answer of another kind":      {"\x07\x82\x00\x00\x01\x01\x81\x26\x01", "not understood"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var serving sync.WaitGroup
			dial := func(context.Context, string, string) (net.Conn, error) {
				client, server := net.Pipe()
				serving.Go(func() {
					defer server.Close()
					hostile(server, []byte(c.frames))
				})
				return client, nil
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			tries := 0
			f := Stream(ctx, []tnt.Options{{Dialer: dial}}, Options{From: AtPosition(Position{ReplicaSet: set}), OnState: func(s State) {
				if s.Err != nil {
					tries++
				}
			}})
			if err := failure(t, f); !strings.Contains(err.Error(), c.want) || tries > 0 {
				t.Errorf("%s: %v, after %d attempts", name, err, tries+1)
			}
			serving.Wait()
		})
	}
}
