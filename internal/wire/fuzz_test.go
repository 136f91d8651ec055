package wire

import (
	"testing"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
)

func FuzzGreeting(f *testing.F) {
	f.Add(greeting("Tarantool 3.8.0 (Binary) 7170b4af-c72d-4f07-8729-08fc678543a1", goodSalt))
	f.Add(greeting("Tarantool 3.8.0 (Lua console)", "type 'help' for interactive help"))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := DecodeGreeting(b)
		if err != nil {
			return
		}
		if !IsGreetingPrefix(b) {
			t.Errorf("%q is a greeting, but does not start as one", b)
		}
		again, err := DecodeGreeting(AppendGreeting(nil, g))
		if len(g.UUID) <= 36 && g.Version.Major < 1000 && g.Version.Minor < 1000 && g.Version.Patch < 1000 && (err != nil || again != g) {
			t.Errorf("%+v has become %+v, %v", g, again, err)
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte{0xce, 0, 0, 0, 5, 0x82})
	f.Add([]byte{0x05})
	f.Add([]byte{0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0xc1})
	f.Fuzz(func(t *testing.T, b []byte) {
		head, size, err := FrameSize(b)
		if head > len(b) || head > 9 || err != nil && head != 0 {
			t.Errorf("%x: %d, %d, %v", b, head, size, err)
		}
		for i := range min(len(b), 9) { // bytes may come one by one
			if h, s, err := FrameSize(b[:i]); err == nil && h != 0 && (h != head || s != size) {
				t.Errorf("%x: %d, %d of its first %d bytes, %d, %d of all", b, h, s, i, head, size)
			}
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add(AppendRequestHeader(nil, Header{Type: iproto.TypeSelect, Sync: 5, SchemaVersion: 300, StreamID: 200}))
	f.Add(AppendResponseHeader(nil, Header{Type: iproto.TypeError | 3, Sync: 1 << 40, SchemaVersion: 7}))
	f.Add([]byte{0x81, 0xa1, 'x', 0x01})
	f.Add([]byte{0xdf, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := mp.NewReader(b)
		h, err := DecodeHeader(&r)
		if err != nil {
			return
		}
		r = mp.NewReader(AppendRequestHeader(nil, h))
		if again, err := DecodeHeader(&r); again != h || err != nil {
			t.Errorf("%+v has become %+v, %v", h, again, err)
		}
	})
}

func FuzzBody(f *testing.F) {
	w := NewBody(nil)
	w.Uint(iproto.KeySpaceID, 512)
	w.Raw(iproto.KeyTuple, []byte{0x92, 0x01, 0xa1, 'x'})
	w.Float(iproto.KeyTimeout, 1)
	f.Add(w.End())
	f.Add([]byte{0x81, 0x52, 0x81, 0x00, 0x91, 0x80})
	f.Add([]byte{0x81, 0x30, 0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		var body Body
		if err := body.Decode(b); err != nil {
			return
		}
		for k := range keyMax {
			raw := body.Raw(k)
			if body.Has(k) != (len(raw) > 0) {
				t.Errorf("%x: %v is %x", b, k, raw)
			}
			r := body.Reader(k)
			if r.Skip(); len(raw) > 0 && (r.Err() != nil || r.Len() != 0) {
				t.Errorf("%x: %v is no one value: %x", b, k, raw)
			}
			_, _, _, _ = body.Uint(k), body.Float(k), body.Bool(k), body.String(k)
		}
	})
}
