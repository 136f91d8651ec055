package tnttest_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// FuzzServer writes arbitrary bytes to a server. It must answer or hang up,
// and go on serving others.
func FuzzServer(f *testing.F) {
	for _, hex := range []string{
		"", "ce00000000", "ceffffffff", "a3616263", "ce0000000503810105",
		"ce0000000582004001018100", "\xce\x00\x00\x00\x05\x82\x00\x40\x01\x01",
		"\xce\x00\x00\x00\x08\x82\x00\x01\x01\x01\x91\x01\xc0",
		"\xce\x00\x00\x00\x06\x82\x00\x0e\x01\x01\x80", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x00",
		"\xce\x00\x00\x00\x18\x82\x00\x04\x01\x01\x84\x10\xcd\x02\x00\x20\x91\x01\x21\x91\x93\xa1=\xa5age[1\x01",
	} {
		f.Add([]byte(hex))
	}
	const statement = "SELECT :a, ?, $3 -- ?"
	bind := []byte{0x92, 0x81, 0xa2, ':', 'a', 1, 0xa1, 'x'}
	f.Add(frame(iproto.TypeExecute, 0, 1, func(w *wire.BodyWriter) {
		w.String(iproto.KeySQLText, statement)
		w.Raw(iproto.KeySQLBind, bind)
	}))
	f.Add(append(frame(iproto.TypePrepare, 0, 1, func(w *wire.BodyWriter) { w.String(iproto.KeySQLText, statement) }),
		frame(iproto.TypeExecute, 3, 1, func(w *wire.BodyWriter) {
			w.Uint(iproto.KeyStmtID, 0x7f2a2ef4)
			w.Raw(iproto.KeySQLBind, bind)
		})...))
	f.Add(frame(iproto.TypeInsert, 0, 1, func(w *wire.BodyWriter) {
		w.Uint(iproto.KeySpaceID, 284) // _sequence
		w.Raw(iproto.KeyTuple, []byte{0x99, 1, 1, 0xa1, 's', 1, 1, 100, 1, 0, 0xc2})
	}))
	f.Add(frame(iproto.TypeInsert, 0, 1, func(w *wire.BodyWriter) {
		w.Uint(iproto.KeySpaceID, 340) // _space_sequence
		w.Raw(iproto.KeyTuple, []byte{0x95, 0xcd, 2, 0, 1, 0xc3, 0, 0xa0})
	}))
	srv := tnttest.Run(f, tnttest.InMemory(),
		tnttest.WithMaxPacket(1<<16), tnttest.WithSpace(kvSpace()), tnttest.WithLogLimit(10))
	srv.HandleDemo()
	if err := srv.HandleExecute(statement, func(a int, b string, c float64) int { return a }); err != nil {
		f.Fatal(err)
	}
	// A unix socket: ports run out at the pace of a fuzzer.
	if _, err := srv.Listen("unix", filepath.Join(f.TempDir(), "s")); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := dialRaw(t, srv)
		defer func() { _ = c.Close() }()
		go func() {
			_, _ = c.Write(data)
			// The ping tells when all is served, if the bytes end with a frame.
			_, _ = c.Write(pingFrame)
			_ = c.CloseWrite()
		}()
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, err := io.Copy(io.Discard, io.LimitReader(c, maxAnswer))
		if n == maxAnswer {
			t.Fatalf("more than %d bytes in answer to %d", maxAnswer, len(data))
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("neither an answer nor the end of the connection")
		}
		ping(t, srv)
	})
}

const maxAnswer = 16 << 20

var pingFrame = frame(iproto.TypePing, 0, 7, nil)

// ping checks that the server serves a new connection.
func ping(t *testing.T, srv *tnttest.Server) {
	t.Helper()
	c := dialRaw(t, srv)
	defer func() { _ = c.Close() }()
	if _, err := c.Write(pingFrame); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	head := make([]byte, 5)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint32(head[1:]))
	if _, err := io.ReadFull(c, body); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(body, []byte{0x00, 0xce, 0, 0, 0, 0}) {
		t.Fatalf("a ping was answered by %x", body)
	}
}

// dialRaw connects and takes the greeting.
func dialRaw(t *testing.T, srv *tnttest.Server) *net.UnixConn {
	t.Helper()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: srv.Addr(), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, c, wire.GreetingSize); err != nil {
		t.Fatal(err)
	}
	return c
}

func kvSpace() tnttest.SpaceDef {
	return tnttest.SpaceDef{
		Name: "kv",
		Format: []tnttest.Field{
			{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}, {Name: "age", Type: "integer", IsNullable: true},
		},
		Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
	}
}
