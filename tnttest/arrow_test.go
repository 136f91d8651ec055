package tnttest_test

import (
	"testing"

	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/internal/golden"
)

// arrowSteps are requests with IPROTO_ARROW and the answers of Tarantool 3.8.0.
// Every batch of type MP_ARROW is as good as any other: Community Edition
// doesn't read them.
var arrowSteps = []struct {
	name   string
	typ    iproto.Type
	stream uint64
	body   string
	want   string
}{
	{"a batch", iproto.TypeInsertArrow, 0, "\x82\x10\xcd\x02\x00\x36\xc7\x03\x08abc", noArrow},
	{"no bytes", iproto.TypeInsertArrow, 0, "\x82\x10\xcd\x02\x00\x36\xc7\x00\x08", noArrow},
	{"a space by name", iproto.TypeInsertArrow, 0, "\x82\x5e\xa2kv\x36\xd4\x08\x00", noArrow},
	{"a view", iproto.TypeInsertArrow, 0, "\x82\x10\xcd\x01\x19\x36\xd4\x08\x00", noArrow},
	{"no such space", iproto.TypeInsertArrow, 0, "\x82\x10\xcd\x03\xe7\x36\xd4\x08\x00", `ERROR 36, sync 1: ClientError 36 "Space '999' does not exist"`},
	{"no such name", iproto.TypeInsertArrow, 0, "\x82\x5e\xa2kx\x36\xd4\x08\x00", `ERROR 36, sync 1: ClientError 36 "Space 'kx' does not exist"`},
	{"no body", iproto.TypeInsertArrow, 0, "", noField + `'SPACE_ID' in request"`},
	{"an empty body", iproto.TypeInsertArrow, 0, "\x80", noField + `'SPACE_ID' in request"`},
	{"no batch", iproto.TypeInsertArrow, 0, "\x81\x10\xcd\x02\x00", noField + `'ARROW' in request"`},
	{"nil", iproto.TypeInsertArrow, 0, "\x82\x10\xcd\x02\x00\x36\xc0", badBody},
	{"another extension", iproto.TypeInsertArrow, 0, "\x82\x10\xcd\x02\x00\x36\xc7\x00\x00", badBody},
	{"another extension in INSERT", iproto.TypeInsert, 0, "\x83\x10\xcd\x02\x00\x21\x92\x01\xa1a\x36\xc7\x00\x00", badBody},
	{"begin", iproto.TypeBegin, 1, "\x80", "OK, sync 1: "},
	{"in a transaction", iproto.TypeInsertArrow, 1, "\x82\x10\xcd\x02\x00\x36\xd4\x08\x00", noArrow},
	{"the transaction goes on", iproto.TypeCommit, 1, "\x80", "OK, sync 1: "},
}

const (
	noArrow = `ERROR 5, sync 1: ClientError 5 "CE version does not support arrow format"`
	noField = `ERROR 69, sync 1: ClientError 69 "Missing mandatory field `
	badBody = `ERROR 20, sync 1: ClientError 20 "Invalid MsgPack - packet body"`
)

func playArrow(t *testing.T, address string) {
	t.Helper()
	p, err := golden.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, s := range arrowSteps {
		b := wire.BeginFrame(nil)
		b = wire.AppendRequestHeader(b, wire.Header{Type: s.typ, Sync: 1, StreamID: s.stream})
		b = append(b, s.body...)
		if err := wire.EndFrame(b, 0); err != nil {
			t.Fatal(err)
		}
		if got, err := p.Do(b); got != s.want || err != nil {
			t.Errorf("%s: got %s, %v\nwant %s", s.name, got, err, s.want)
		}
	}
}

func TestInsertArrow(t *testing.T) {
	space := kvSpace()
	space.ID = 512
	playArrow(t, tnttest.Run(t, tnttest.WithSpace(space)).Addr())

	programs, err := tarantool.Find()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range programs {
		if !p.Version.AtLeast(3, 7, 0) {
			continue // it has other words, or doesn't know the request
		}
		real, err := tarantool.Start(p.Path, "box.schema.space.create('kv', {id = 512}):create_index('pk')")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = real.Close() })
		t.Run(p.Version.String(), func(t *testing.T) { playArrow(t, real.Address) })
	}
}

func TestInsertArrowOfOlderVersions(t *testing.T) {
	insert := frame(iproto.TypeInsertArrow, 0, 1, func(w *wire.BodyWriter) {
		w.Uint(iproto.KeySpaceID, 512)
		w.Raw(iproto.KeyArrow, []byte{0xd4, 8, 0})
	})
	id := frame(iproto.TypeID, 0, 1, func(w *wire.BodyWriter) {
		w.Uint(iproto.KeyVersion, iproto.ProtocolVersion)
		w.Raw(iproto.KeyFeatures, []byte{0x90})
	})
	for _, v := range []struct{ version, id, answer string }{
		{"3.1.0", "FEATURES: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], VERSION: 7", "Unknown request type 17"},
		{"3.1.1", "FEATURES: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11], VERSION: 9", "Unknown request type 17"},
		{"3.2.4", "FEATURES: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11], VERSION: 9", "Unknown request type 17"},
		{"3.3.0", "FEATURES: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12], VERSION: 10", "Space '512' does not exist"},
	} {
		c := newClient(t, tnttest.Run(t, tnttest.InMemory(), tnttest.WithVersion(v.version)))
		c.want(id, v.id)
		c.want(insert, v.answer)
	}
}
