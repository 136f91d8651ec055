package tnttest_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/internal/golden"
)

// client is a client of a test: it sends frames and reads answers.
type client struct {
	t *testing.T
	c net.Conn
	r *bufio.Reader
	g wire.Greeting
}

func newClient(t *testing.T, srv *tnttest.Server) *client {
	t.Helper()
	c, err := srv.Dial(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	cl := &client{t: t, c: c, r: bufio.NewReader(c)}
	b := make([]byte, wire.GreetingSize)
	if _, err := io.ReadFull(cl.r, b); err != nil {
		t.Fatal(err)
	}
	if cl.g, err = wire.DecodeGreeting(b); err != nil {
		t.Fatal(err)
	}
	return cl
}

func (c *client) send(b []byte) {
	c.t.Helper()
	if _, err := c.c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// receive reads an answer.
func (c *client) receive() (string, error) {
	head, err := c.r.Peek(5)
	if err != nil {
		return "", err
	}
	n, size, err := wire.FrameSize(head)
	if err != nil {
		return "", err
	}
	b := make([]byte, n+int(size))
	if _, err := io.ReadFull(c.r, b); err != nil {
		return "", err
	}
	return golden.Essence(b[n:]), nil
}

func (c *client) do(b []byte) string {
	c.t.Helper()
	c.send(b)
	answer, err := c.receive()
	if err != nil {
		c.t.Fatal(err)
	}
	return answer
}

// want sends a request and checks that its answer contains a text.
func (c *client) want(b []byte, text string) {
	c.t.Helper()
	if got := c.do(b); !strings.Contains(got, text) {
		c.t.Errorf("%s\n  got  %s\n  want %s", describe(b), got, text)
	}
}

func callFrame(t *testing.T, name string, args ...any) []byte {
	t.Helper()
	b := mp.AppendArrayLen(nil, len(args))
	for _, a := range args {
		var err error
		if b, err = mp.AppendValue(b, a); err != nil {
			t.Fatal(err)
		}
	}
	return frame(iproto.TypeCall, 0, 1, func(w *wire.BodyWriter) {
		w.String(iproto.KeyFunctionName, name)
		w.Raw(iproto.KeyTuple, b)
	})
}

func selectAll(stream, sync uint64) []byte {
	return frame(iproto.TypeSelect, stream, sync, func(w *wire.BodyWriter) {
		w.String(iproto.KeySpaceName, "kv")
		w.Uint(iproto.KeyIterator, uint64(iproto.IterAll))
		w.Uint(iproto.KeyLimit, 100)
		w.Raw(iproto.KeyKey, []byte{0x90})
	})
}

func insertFrame(stream, sync, id uint64) []byte {
	return frame(iproto.TypeInsert, stream, sync, func(w *wire.BodyWriter) {
		w.String(iproto.KeySpaceName, "kv")
		w.Raw(iproto.KeyTuple, append(mp.AppendUint([]byte{0x92}, id), 0xa1, 'n'))
	})
}

var ping1 = frame(iproto.TypePing, 0, 1, nil)

// within fails the test where f takes too long.
func within(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it takes too long")
	}
}

func netDial(network, address string) (net.Conn, error) {
	return net.DialTimeout(network, address, 5*time.Second)
}
