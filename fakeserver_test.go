package tnt_test

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// peer is the server's end of a connection to a fake server.
type peer struct {
	net.Conn
	in []byte
}

// next reads a request.
func (p *peer) next() (wire.Header, []byte, error) {
	for {
		head, size, err := wire.FrameSize(p.in)
		if err != nil {
			return wire.Header{}, nil, err
		}
		if total := head + int(size); head > 0 && len(p.in) >= total {
			frame := p.in[head:total]
			p.in = p.in[total:]
			r := mp.NewReader(frame)
			h, err := wire.DecodeHeader(&r)
			return h, r.Rest(), err
		}
		b := make([]byte, 64<<10)
		n, err := p.Read(b)
		p.in = append(p.in, b[:n]...)
		if err != nil {
			return wire.Header{}, nil, err
		}
	}
}

// frame makes the frame of an answer.
func frame(typ iproto.Type, sync uint64, body []byte) []byte {
	b := wire.AppendResponseHeader(wire.BeginFrame(nil), wire.Header{Type: typ, Sync: sync, SchemaVersion: 1})
	b = append(b, body...)
	if err := wire.EndFrame(b, 0); err != nil {
		panic(err)
	}
	return b
}

// rows makes the body of an answer with one row.
func row(value func(b []byte) []byte) []byte {
	w := wire.NewBody(nil)
	w.Key(iproto.KeyData)
	w.B = value(mp.AppendArrayLen(w.B, 1))
	return w.End()
}

// emptyBody is the body of an answer that says no more than that all is well.
var emptyBody = []byte{0x80}

// fakeServer greets as Tarantool does, answers the ID request as a server of
// old does, and leaves the rest to serve, which runs once for each connection
// and ends it by returning.
func fakeServer(t *testing.T, serve func(p *peer)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			wg.Go(func() {
				defer conn.Close()
				p := &peer{Conn: conn}
				greeting := wire.Greeting{Version: iproto.Version{Major: 2, Minor: 6}, Protocol: "Binary", UUID: "c8f0fa1f-da29-438c-a040-393f1126ad39"}
				if _, err := conn.Write(wire.AppendGreeting(nil, greeting)); err != nil {
					return
				}
				h, _, err := p.next()
				if err != nil || h.Type != iproto.TypeID {
					return
				}
				w := wire.NewBody(nil)
				w.String(iproto.KeyError24, "Unknown request type 73")
				if _, err := conn.Write(frame(iproto.TypeError|iproto.Type(errcode.UnknownRequestType), h.Sync, w.End())); err != nil {
					return
				}
				serve(p)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, conn := range conns {
			_ = conn.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

// drain reads what comes until the connection ends.
func (p *peer) drain() { _, _ = io.Copy(io.Discard, p) }

// toFake connects to a fake server, which has no schema.
func toFake(t *testing.T, addr string, change ...func(*tnt.Options)) *tnt.Conn {
	t.Helper()
	opts := tnt.Options{Address: addr, NoSchema: true, PingInterval: tnt.Never, ReconnectInterval: tnt.Never}
	for _, f := range change {
		f(&opts)
	}
	return connect(t, opts)
}

func TestGarbageInsteadOfAnswers(t *testing.T) {
	str := func(s string) []byte { return []byte(s) }
	for name, test := range map[string]struct {
		send func(sync uint64) []byte
		want string
	}{
		"no length":         {func(uint64) []byte { return str("\xc1\x00\x00\x00\x00") }, "0xc1"},
		"text":              {func(uint64) []byte { return str("\xa5hello") }, "string"},
		"an HTTP answer":    {func(uint64) []byte { return str("\x8fTTP/1.1 400") }, "map"},
		"lying length":      {func(uint64) []byte { return str("\xce\xff\xff\xff\xff") }, "Options.MaxFrame"},
		"lying, 64 bits":    {func(uint64) []byte { return str("\xcf\xff\xff\xff\xff\xff\xff\xff\xff") }, "Options.MaxFrame"},
		"empty frame":       {func(uint64) []byte { return str("\xce\x00\x00\x00\x00") }, "without a header"},
		"header, no map":    {func(uint64) []byte { return str("\xce\x00\x00\x00\x01\x90") }, "invalid header"},
		"header cut":        {func(uint64) []byte { return str("\xce\x00\x00\x00\x02\x83\x00") }, "invalid header"},
		"header, bad type":  {func(uint64) []byte { return str("\xce\x00\x00\x00\x04\x82\x00\xa1x") }, "invalid header"},
		"closed at once":    {func(uint64) []byte { return nil }, "closed the connection"},
		"cut inside":        {func(sync uint64) []byte { f := frame(0, sync, emptyBody); return f[:len(f)-1] }, "closed the connection"},
		"cut in the length": {func(sync uint64) []byte { return frame(0, sync, emptyBody)[:3] }, "closed the connection"},
		"event, cut":        {func(uint64) []byte { return frame(iproto.TypeEvent, 0, str("\x82\x57\xa1k\x58")) }, "an event can't be read"},
		"large frame, cut":  {func(uint64) []byte { return append(str("\xce\x0f\x00\x00\x00"), make([]byte, 1000)...) }, "closed the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := fakeServer(t, func(p *peer) {
				h, _, err := p.next()
				if err != nil {
					return
				}
				if b := test.send(h.Sync); b != nil {
					_, _ = p.Write(b)
				}
			})
			conn := toFake(t, addr)
			err := conn.Ping(testContext(t))
			if !errors.Is(err, tnt.ErrConnectionLost) || tnt.SafeToRetry(err) {
				t.Errorf("got %v", err)
			}
			failsWith(t, "its reason", err, test.want)
			eventually(t, "the connection is given up", func() bool { return conn.State() == tnt.Disconnected })
		})
	}
}

// TestBadBodies sends answers whose frame is whole and whose body is not:
// that is an error of the one request, and the connection goes on.
func TestBadBodies(t *testing.T) {
	for name, body := range map[string][]byte{
		"no map":             {0x91, 0x01},
		"cut map":            {0x81},
		"cut value":          {0x81, byte(iproto.KeyData), 0x93, 0x01},
		"data of wrong type": {0x81, byte(iproto.KeyData), 0xa1, 'x'},
		"lying array":        {0x81, byte(iproto.KeyData), 0xdd, 0xff, 0xff, 0xff, 0xff},
		"lying map":          {0x81, byte(iproto.KeyData), 0x91, 0xdf, 0xff, 0xff, 0xff, 0xff},
		"lying string":       {0x81, byte(iproto.KeyData), 0x91, 0xdb, 0xff, 0xff, 0xff, 0xff},
		"lying extension":    {0x81, byte(iproto.KeyData), 0x91, 0xc9, 0xff, 0xff, 0xff, 0xff, 0x01},
		"invalid byte":       {0x81, byte(iproto.KeyData), 0x91, 0xc1},
		"bad decimal":        row(func(b []byte) []byte { return mp.AppendExt(b, 1, []byte{0xff, 0xff}) }),
		"bad uuid":           row(func(b []byte) []byte { return mp.AppendExt(b, 2, []byte{1, 2, 3}) }),
		"bad datetime":       row(func(b []byte) []byte { return mp.AppendExt(b, 4, []byte{1, 2, 3}) }),
		"bad interval":       row(func(b []byte) []byte { return mp.AppendExt(b, 6, []byte{9}) }),
		"bad error":          row(func(b []byte) []byte { return mp.AppendExt(b, 3, []byte{0x91}) }),
		"bad tuple":          row(func(b []byte) []byte { return mp.AppendExt(b, 7, []byte{0x01}) }),
	} {
		t.Run(name, func(t *testing.T) {
			addr := fakeServer(t, func(p *peer) {
				for i := 0; ; i++ {
					h, _, err := p.next()
					if err != nil {
						return
					}
					b := body
					if h.Type == iproto.TypePing {
						b = emptyBody
					}
					_, _ = p.Write(frame(iproto.TypeOK, h.Sync, b))
				}
			})
			conn := toFake(t, addr)
			resp, err := conn.Call(testContext(t), "f")
			if err != nil {
				t.Fatal(err)
			}
			var bad *tnt.DecodeError
			for range 2 { // the second time as the first
				if v, err := resp.Data(); !errors.As(err, &bad) {
					t.Errorf("untyped: %v, %v", v, err)
				}
				if v, err := resp.Tuples(); !errors.As(err, &bad) && name != "invalid byte" {
					t.Errorf("tuples: %v, %v", v, err)
				}
			}
			_, err = tnt.All[[]any](testContext(t), conn, tnt.Call{Function: "f"})
			if !errors.As(err, &bad) || errors.Is(err, tnt.ErrNotConnected) || tnt.SafeToRetry(err) {
				t.Errorf("typed: %v", err)
			}
			_, err = conn.Select(testContext(t), "", tnt.Key{})
			if err == nil {
				t.Error("tuples of garbage")
			}
			if err := conn.Ping(testContext(t)); err != nil {
				t.Errorf("the connection is gone: %v", err)
			}
		})
	}
}

// TestOddAnswers sends what no request of this connection waits for.
func TestOddAnswers(t *testing.T) {
	addr := fakeServer(t, func(p *peer) {
		for {
			h, _, err := p.next()
			if err != nil {
				return
			}
			var out []byte
			for _, sync := range []uint64{0, h.Sync + 1, h.Sync + 1<<20, 1 << 63, h.Sync - 1<<20} {
				out = append(out, frame(iproto.TypeOK, sync, emptyBody)...)
				out = append(out, frame(iproto.TypeChunk, sync, emptyBody)...)
			}
			out = append(out, frame(iproto.TypeEvent, 0, []byte{0x81, byte(iproto.KeyEventKey), 0xa1, 'k'})...)
			out = append(out, frame(iproto.TypeOK, h.Sync, emptyBody)...)
			out = append(out, frame(iproto.TypeOK, h.Sync, emptyBody)...) // twice
			_, _ = p.Write(out)
		}
	})
	conn := toFake(t, addr)
	for range 100 {
		if err := conn.Ping(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "they are counted", func() bool { return conn.Stats().Late >= 600 })
	if n := conn.Stats().InFlight; n != 0 {
		t.Errorf("%d in flight", n)
	}
}

func TestMaxFrame(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := connect(t, tnt.Options{Address: p.shared.Address, MaxFrame: 1 << 20, NoSchema: true, ReconnectInterval: tnt.Never})
		if _, err := conn.Eval(testContext(t), "return ('x'):rep(1000000)"); err != nil {
			t.Errorf("an answer below the limit: %v", err)
		}
		_, err := conn.Eval(testContext(t), "return ('x'):rep(2000000)")
		if !errors.Is(err, tnt.ErrConnectionLost) {
			t.Errorf("got %v", err)
		}
		failsWith(t, "its reason", err, "Options.MaxFrame is 1048576")
	})
}

// TestLoading has a server that is starting: it refuses what the connection
// asks for at first, and is waited for.
func TestLoading(t *testing.T) {
	for _, code := range []errcode.Code{errcode.Loading, errcode.NoSuchSpace, errcode.NoSuchIndexID} {
		var mu sync.Mutex
		refused := 0
		addr := fakeServer(t, func(p *peer) {
			for {
				h, _, err := p.next()
				if err != nil {
					return
				}
				mu.Lock()
				refuse := h.Type == iproto.TypeSelect && refused < 2
				if refuse {
					refused++
				}
				mu.Unlock()
				if refuse {
					w := wire.NewBody(nil)
					w.String(iproto.KeyError24, "not yet")
					_, _ = p.Write(frame(iproto.TypeError|iproto.Type(code), h.Sync, w.End()))
					continue
				}
				w := wire.NewBody(nil)
				w.Key(iproto.KeyData)
				w.B = mp.AppendArrayLen(w.B, 0)
				_, _ = p.Write(frame(iproto.TypeOK, h.Sync, w.End()))
			}
		})
		conn, err := tnt.ConnectOptions(testContext(t), tnt.Options{Address: addr, ReconnectInterval: tnt.Never, PingInterval: tnt.Never})
		if err != nil {
			t.Errorf("%v: %v", code, err)
			continue
		}
		disconnect(t, conn)
		if refused != 2 {
			t.Errorf("%v: refused %d times", code, refused)
		}
	}
}

// TestWrongSchemaVersionForEver has a server that always says that the schema
// is another one.
func TestWrongSchemaVersionForEver(t *testing.T) {
	var mu sync.Mutex
	inserts := 0
	addr := fakeServer(t, func(p *peer) {
		for {
			h, body, err := p.next()
			if err != nil {
				return
			}
			w := wire.NewBody(nil)
			switch h.Type {
			case iproto.TypeInsert:
				mu.Lock()
				inserts++
				mu.Unlock()
				w.String(iproto.KeyError24, "Wrong schema version")
				_, _ = p.Write(frame(iproto.TypeError|iproto.Type(errcode.WrongSchemaVersion), h.Sync, w.End()))
				continue
			case iproto.TypeSelect:
				w.Key(iproto.KeyData)
				var b wire.Body
				if err := b.Decode(body); err != nil {
					return
				}
				if b.Uint(iproto.KeySpaceID) == 281 {
					w.B = appendSpaceRow(mp.AppendArrayLen(w.B, 1))
				} else {
					w.B = mp.AppendArrayLen(w.B, 0)
				}
			}
			_, _ = p.Write(frame(iproto.TypeOK, h.Sync, w.End()))
		}
	})
	conn := toFake(t, addr, func(o *tnt.Options) { o.NoSchema = false })
	_, err := conn.Insert(testContext(t), "s", []any{1})
	if !errors.Is(err, errcode.WrongSchemaVersion) || !tnt.SafeToRetry(err) {
		t.Errorf("got %v", err)
	}
	if inserts != 8 {
		t.Errorf("the request was done %d times", inserts)
	}
}

// appendSpaceRow appends a row of _vspace: space 512, "s".
func appendSpaceRow(b []byte) []byte {
	b = mp.AppendUint(mp.AppendArrayLen(b, 7), 512)
	b = mp.AppendString(mp.AppendUint(b, 1), "s")
	b = mp.AppendUint(mp.AppendString(b, "memtx"), 0)
	return mp.AppendArrayLen(mp.AppendMapLen(b, 0), 0)
}
