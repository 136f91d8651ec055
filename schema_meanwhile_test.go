package tnt_test

import (
	"sync/atomic"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// TestSchemaIsNotLeftBehind has the server tell of another version between its
// answer to the fetch of one and the end of that: the newest one becomes the schema,
// though no request asks for it.
func TestSchemaIsNotLeftBehind(t *testing.T) {
	var version atomic.Uint64
	version.Store(1)
	var changing atomic.Bool
	addr := fakeServer(t, func(p *peer) {
		for {
			h, body, err := p.next()
			if err != nil {
				return
			}
			w := wire.NewBody(nil)
			var b wire.Body
			changes := false
			if h.Type == iproto.TypeSelect {
				if err := b.Decode(body); err != nil {
					return
				}
				w.Key(iproto.KeyData)
				const many = 20_000 // so that the schema takes its time to be read
				w.B = mp.AppendArrayLen(w.B, many)
				for range many {
					w.B = appendSpaceRow(w.B)
				}
				changes = b.Uint(iproto.KeySpaceID) == 289 && changing.Swap(false)
			}
			out := versioned(h.Sync, version.Load(), w.End())
			if changes {
				version.Add(1)
				out = append(out, versioned(0, version.Load(), emptyBody)...) // an answer of the next version, late
			}
			_, _ = p.Write(out)
		}
	})
	conn := toFake(t, addr, func(o *tnt.Options) { o.NoSchema = false })
	changing.Store(true)
	version.Store(2)
	if err := conn.Ping(testContext(t)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the newest schema is there", func() bool {
		v, _ := conn.SchemaVersion()
		return v == 3
	})
}

// versioned makes the frame of an answer under a version of the schema.
func versioned(sync, version uint64, body []byte) []byte {
	b := wire.AppendResponseHeader(wire.BeginFrame(nil), wire.Header{Sync: sync, SchemaVersion: version})
	b = append(b, body...)
	if err := wire.EndFrame(b, 0); err != nil {
		panic(err)
	}
	return b
}
