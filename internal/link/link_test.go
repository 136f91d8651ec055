package link_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/link"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

const accounts = `
box.schema.user.create('alice', {password = 's3cret'})
box.schema.user.grant('alice', 'read,write,execute', 'universe')`

// servers are the real ones there are, by their versions.
var servers = map[string]*tarantool.Server{}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	programs, err := tarantool.Find()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for _, p := range programs {
		s, err := tarantool.Start(p.Path, accounts)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer s.Close()
		servers[p.Version.String()] = s
	}
	if len(servers) == 0 {
		fmt.Println("no real Tarantool here: only the embedded server is tested with")
	}
	before := goleak.IgnoreCurrent()
	if code := m.Run(); code != 0 {
		return code
	}
	if err := goleak.Find(before); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func config(address string) *link.Config {
	return &link.Config{
		Network: "tcp", Address: address, Dialer: new(net.Dialer).DialContext, MaxFrame: 1 << 20,
		Features: []iproto.Feature{iproto.FeatureStreams, iproto.FeatureWatchers},
	}
}

// stageOf returns the stage that an attempt failed at.
func stageOf(err error) link.Stage {
	var failed *link.Error
	if errors.As(err, &failed) {
		return failed.Stage
	}
	return ""
}

func TestOpen(t *testing.T) {
	addresses := map[string]string{"embedded": tnttest.Run(t, tnttest.WithUser("alice", "s3cret")).Addr()}
	for version, s := range servers {
		addresses[version] = s.Address
	}
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			cfg := config(address)
			cfg.User, cfg.Password = "alice", "s3cret"
			l, err := link.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if old := !l.Greeting.Version.AtLeast(2, 10, 0); l.Features.Has(iproto.FeatureStreams) == old {
				t.Errorf("Tarantool %v has %v", l.Greeting.Version, l.Features)
			}
			for range 3 {
				if body, err := l.Exchange(t.Context(), iproto.TypePing, []byte{0x80}); err != nil || len(body) > 1 {
					t.Errorf("a ping: % x, %v", body, err)
				}
			}
			_, err = l.Exchange(t.Context(), 999, nil)
			if !errors.Is(err, errcode.UnknownRequestType) {
				t.Errorf("a type nobody knows: %v", err)
			}

			cfg.Password = "another"
			_, err = link.Open(t.Context(), cfg)
			if stageOf(err) != link.StageAuth || !link.IsPermanent(err) || bytes.Contains([]byte(err.Error()), []byte("another")) {
				t.Errorf("a wrong password: %v at %q", err, stageOf(err))
			}
		})
	}
}

// peer listens and serves one connection with what it is given.
func peer(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			serve(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

func greeting() []byte {
	return wire.AppendGreeting(nil, wire.Greeting{Version: iproto.Version{Major: 3}, Protocol: "Binary", UUID: "7170b4af-c72d-4f07-8729-08fc678543a1"})
}

func TestWrongPeers(t *testing.T) {
	for name, test := range map[string]struct {
		send      []byte
		stage     link.Stage
		want      string
		permanent bool
	}{
		"HTTP":             {[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), link.StageGreeting, "HTTP", true},
		"TLS":              {[]byte("\x15\x03\x01\x00\x02\x02\x46"), link.StageGreeting, "TLS", true},
		"SSH":              {[]byte("SSH-2.0-OpenSSH\r\n"), link.StageGreeting, "SSH", true},
		"text":             {[]byte("hello"), link.StageGreeting, `begins with "hello"`, true},
		"nothing":          {nil, link.StageGreeting, "after 0 of 128 bytes", false},
		"half a greeting":  {greeting()[:64], link.StageGreeting, "after 64 of 128 bytes", false},
		"no answer to ID":  {greeting(), link.StageID, "closed the connection", false},
		"a huge answer":    {append(greeting(), 0xce, 0x7f, 0, 0, 0), link.StageID, "Options.MaxFrame", false},
		"a lying answer":   {append(greeting(), 0xce, 0, 0x0f, 0, 0, 0x83), link.StageID, "in the middle of an answer", false},
		"an answer of one": {append(greeting(), 0x01, 0x80, 0, 0, 0), link.StageID, "too short", false},
		"no length":        {append(greeting(), 0xa5, 'h', 'e', 'l', 'l'), link.StageID, "instead of its length", false},
	} {
		t.Run(name, func(t *testing.T) {
			address := peer(t, func(c net.Conn) {
				_, _ = c.Write(test.send)
				_ = c.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, c)
			})
			_, err := link.Open(t.Context(), config(address))
			if stageOf(err) != test.stage || link.IsPermanent(err) != test.permanent || !bytes.Contains([]byte(fmt.Sprint(err)), []byte(test.want)) {
				t.Errorf("%v at %q, permanent %t", err, stageOf(err), link.IsPermanent(err))
			}
		})
	}
}

// TestContextEnds has the context end at each stage.
func TestContextEnds(t *testing.T) {
	cause := errors.New("mine")
	for name, test := range map[string]struct {
		send  []byte
		stage link.Stage
		want  string
	}{
		"no greeting":       {nil, link.StageGreeting, "no greeting came"},
		"half a greeting":   {greeting()[:50], link.StageGreeting, "broke off after 50 bytes"},
		"no answer":         {greeting(), link.StageID, "mine"},
		"half of an answer": {append(greeting(), 0xce, 0, 0, 0), link.StageID, "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			address := peer(t, func(c net.Conn) {
				_, _ = c.Write(test.send)
				time.AfterFunc(20*time.Millisecond, func() { cancel(cause) })
				_, _ = io.Copy(io.Discard, c)
			})
			begin := time.Now()
			_, err := link.Open(ctx, config(address))
			if !errors.Is(err, cause) || stageOf(err) != test.stage || !bytes.Contains([]byte(fmt.Sprint(err)), []byte(test.want)) || time.Since(begin) > 5*time.Second {
				t.Errorf("%v at %q after %v", err, stageOf(err), time.Since(begin))
			}
		})
	}
}

func TestDialFails(t *testing.T) {
	cfg := config("127.0.0.1:1")
	refused := errors.New("refused")
	cfg.Dialer = func(context.Context, string, string) (net.Conn, error) { return nil, refused }
	if _, err := link.Open(t.Context(), cfg); !errors.Is(err, refused) || stageOf(err) != link.StageDial || link.IsPermanent(err) {
		t.Errorf("%v at %q", err, stageOf(err))
	}
	gate := make(chan struct{})
	cfg.Dialer = func(context.Context, string, string) (net.Conn, error) { <-gate; return nil, refused }
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := link.Open(ctx, cfg); !errors.Is(err, context.DeadlineExceeded) || stageOf(err) != link.StageDial {
		t.Errorf("a dialer that ignores its context: %v at %q", err, stageOf(err))
	}
	close(gate)
}

func TestPlainPassword(t *testing.T) {
	srv := tnttest.Run(t, tnttest.WithUser("alice", "s3cret"), tnttest.WithAuthType("pap-sha256"))
	cfg := config(srv.Addr())
	cfg.User, cfg.Password = "alice", "s3cret"
	if _, err := link.Open(t.Context(), cfg); stageOf(err) != link.StageAuth || !link.IsPermanent(err) {
		t.Errorf("a password over a connection that is not encrypted: %v", err)
	}
	cfg.AllowPlainPassword = true
	l, err := link.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	cfg.Auth = "magic"
	if _, err := link.Open(t.Context(), cfg); stageOf(err) != link.StageAuth || !link.IsPermanent(err) {
		t.Errorf("an unknown method: %v", err)
	}
}

// FuzzReceive has a peer send anything in place of answers.
func FuzzReceive(f *testing.F) {
	body := wire.AppendResponseHeader(wire.BeginFrame(nil), wire.Header{Sync: 1})
	body = mp.AppendMapLen(body, 0)
	if err := wire.EndFrame(body, 0); err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte{0xce, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0xcf, 0, 0, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		cfg := config("x")
		cfg.Dialer = func(context.Context, string, string) (net.Conn, error) {
			return &canned{in: bytes.NewReader(append(greeting(), b...))}, nil
		}
		l, err := link.Open(t.Context(), cfg)
		if err == nil {
			_ = l.Close()
		}
	})
}

// canned is a connection that says what it was given, and then ends.
type canned struct {
	net.Conn
	in io.Reader
}

func (c *canned) Read(b []byte) (int, error)  { return c.in.Read(b) }
func (c *canned) Write(b []byte) (int, error) { return len(b), nil }
func (c *canned) Close() error                { return nil }
func (c *canned) SetDeadline(time.Time) error { return nil }

// TestDialerThatReturnsNothing is an error, where it would be a panic in a goroutine
// that nobody can recover.
func TestDialerThatReturnsNothing(t *testing.T) {
	_, err := link.Open(t.Context(), &link.Config{Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, nil }}) //nolint:nilnil // that is the point
	var failed *link.Error
	if !errors.As(err, &failed) || failed.Stage != link.StageDial {
		t.Errorf("got %v", err)
	}
}
