package tnt_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// deadAddress returns an address on loopback where nobody listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// stateLog collects the states a connection passes through.
type stateLog struct {
	mu     sync.Mutex
	states []tnt.State
}

func (l *stateLog) add(_ *tnt.Conn, _, to tnt.State, _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.states = append(l.states, to)
}

func (l *stateLog) has(want tnt.State) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.states {
		if s == want {
			return true
		}
	}
	return false
}

func (l *stateLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for _, s := range l.states {
		names = append(names, s.String())
	}
	return strings.Join(names, " ")
}

func TestDefaults(t *testing.T) {
	conn, err := tnt.New(tnt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	opts := conn.Options()
	if opts.Address != "127.0.0.1:3301" || opts.ConnectTimeout != 3*time.Second || opts.ReconnectInterval != time.Second/3 ||
		opts.PingInterval != 5*time.Second || opts.RequestTimeout != 0 || opts.NoSchema || opts.NoSchemaRefetch || opts.ReadBuffer != 131072 {
		t.Errorf("defaults differ from the documented ones: %+v", opts)
	}
	if conn.Host() != "127.0.0.1" || conn.Port() != "3301" || conn.Fingerprint() != "tarantool(127.0.0.1:3301)" {
		t.Errorf("host %q, port %q, fingerprint %q", conn.Host(), conn.Port(), conn.Fingerprint())
	}
	if conn.State() != tnt.Disconnected || conn.IsConnected() || conn.Schema() != nil || conn.Version() != (iproto.Version{}) {
		t.Errorf("a new connection is %v", conn)
	}
	if _, ok := conn.SchemaVersion(); ok {
		t.Error("a new connection has a schema version")
	}
	if err := conn.Ping(t.Context()); !errors.Is(err, tnt.ErrNotConnected) || !tnt.SafeToRetry(err) {
		t.Errorf("a request before connecting: %v", err)
	}
	if err := conn.Disconnect(t.Context()); err != nil {
		t.Errorf("disconnect before connecting: %v", err)
	}
}

func TestBadOptions(t *testing.T) {
	for _, test := range []struct {
		opts tnt.Options
		want string
	}{
		{tnt.Options{Address: "::1:3301"}, "brackets"},
		{tnt.Options{Address: "host:port"}, "port"},
		{tnt.Options{Address: "host:0"}, "port"},
		{tnt.Options{Address: "host:70000"}, "port"},
		{tnt.Options{Password: "s3cret"}, "without a user"},
		{tnt.Options{Auth: "md5"}, "md5"},
		{tnt.Options{ReadBuffer: -1}, "ReadBuffer is negative"},
	} {
		_, err := tnt.New(test.opts)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v: got error %v, want one with %q", test.opts, err, test.want)
		}
	}
}

func TestConnectStates(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		var log stateLog
		conn := connect(t, tnt.Options{Address: p.shared.Address, Hooks: []tnt.Hook{tnt.StateFunc(log.add)}})
		if conn.State() != tnt.Connected || !conn.IsConnected() {
			t.Errorf("state is %v", conn.State())
		}
		if v := conn.Version(); v != p.Version {
			t.Errorf("version is %v", v)
		}
		if _, ok := conn.SchemaVersion(); !ok || conn.Schema().Space("tester") == nil {
			t.Error("no schema")
		}
		if err := conn.Connect(testContext(t)); err != nil {
			t.Errorf("a second connect: %v", err)
		}
		disconnect(t, conn)
		if got, want := log.String(), "Connecting Connected Disconnecting Disconnected"; got != want {
			t.Errorf("states were %q, want %q", got, want)
		}
		if err := conn.Ping(t.Context()); !errors.Is(err, tnt.ErrNotConnected) {
			t.Errorf("a request after disconnecting: %v", err)
		}
	})
}

func TestConnectUnix(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s, err := tarantool.StartUnix(p.Path, setup)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, url := range []string{s.Address, "unix:" + s.Address, "tarantool://" + s.Address, "unix://" + s.Address, "unix/:" + s.Address, "alice:s3cret@unix/:" + s.Address} {
			conn, err := tnt.Connect(testContext(t), url)
			if err != nil {
				t.Errorf("%s: %v", url, err)
				continue
			}
			if err := conn.Ping(testContext(t)); err != nil {
				t.Errorf("%s: %v", url, err)
			}
			disconnect(t, conn)
		}
	})
}

func TestConnectWithUser(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := connect(t, tnt.Options{Address: p.shared.Address, User: "alice", Password: "s3cret"})
		resp, err := conn.Eval(testContext(t), "return box.session.user()")
		if err != nil {
			t.Fatal(err)
		}
		if data, _ := resp.Data(); len(data) != 1 || data[0] != "alice" {
			t.Errorf("the user is %v", data)
		}
	})
}

func TestConnectBadUser(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		code := errcode.NoSuchUser
		if p.Version.AtLeast(2, 11, 0) {
			code = errcode.CredsMismatch
		}
		opts := tnt.Options{Address: p.shared.Address, User: "nobody", Password: "s3cret", ReconnectInterval: tnt.Never}
		_, err := tnt.ConnectOptions(testContext(t), opts)
		if !errors.Is(err, code) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("got %v, want %v", err, code)
		}

		// What trying again will not change ends the first Connect at once.
		opts.ReconnectInterval = 5 * time.Millisecond
		if _, err := tnt.ConnectOptions(testContext(t), opts); !errors.Is(err, code) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("connect: %v", err)
		}

		// A connection that was started goes on trying, and says why it is not up.
		var log stateLog
		opts.Hooks = []tnt.Hook{tnt.StateFunc(log.add)}
		conn, err := tnt.New(opts)
		if err != nil {
			t.Fatal(err)
		}
		defer disconnect(t, conn)
		conn.Start()
		eventually(t, "it tries again", func() bool { return log.has(tnt.Reconnecting) })
		if err := conn.Ping(t.Context()); !errors.Is(err, tnt.ErrNotConnected) || !errors.Is(err, code) {
			t.Errorf("a request meanwhile: %v", err)
		}
	})
}

func TestConnectDeadPort(t *testing.T) {
	addr := deadAddress(t)
	for name, opts := range map[string]tnt.Options{
		"no reconnecting": {Address: addr, ReconnectInterval: tnt.Never},
		"connect once":    {Address: addr, ConnectOnce: true},
	} {
		start := time.Now()
		_, err := tnt.ConnectOptions(testContext(t), opts)
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Since(start) > 2*time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(start))
		}
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Millisecond, errors.New("my cause"))
	defer cancel()
	_, err := tnt.ConnectOptions(ctx, tnt.Options{Address: addr, ReconnectInterval: time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "my cause; the last attempt: ") || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("with reconnecting: %v", err)
	}
}

func TestConnectWaitsForServer(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		s.Kill()
		var log stateLog
		conn, err := tnt.New(tnt.Options{Address: s.Address, ReconnectInterval: 5 * time.Millisecond, Hooks: []tnt.Hook{tnt.StateFunc(log.add)}})
		if err != nil {
			t.Fatal(err)
		}
		defer disconnect(t, conn)
		done := make(chan error, 1)
		go func() { done <- conn.Connect(testContext(t)) }()
		eventually(t, "it tries again", func() bool { return log.has(tnt.Reconnecting) })
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestConnectConcurrently(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn, err := tnt.New(tnt.Options{Address: p.shared.Address})
		if err != nil {
			t.Fatal(err)
		}
		defer disconnect(t, conn)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if err := conn.Connect(testContext(t)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if err := conn.Ping(testContext(t)); err != nil {
			t.Error(err)
		}
		for range 10 {
			wg.Go(func() { disconnect(t, conn) })
		}
		wg.Wait()
		if conn.State() != tnt.Disconnected {
			t.Errorf("state is %v", conn.State())
		}
		for range 10 {
			if err := conn.Connect(testContext(t)); err != nil {
				t.Fatal(err)
			}
			if err := conn.Ping(testContext(t)); err != nil {
				t.Fatal(err)
			}
			disconnect(t, conn)
		}
	})
}

func TestConnectCancelled(t *testing.T) {
	// A listener that never accepts, and so never greets.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var log stateLog
	conn, err := tnt.New(tnt.Options{Address: l.Addr().String(), Hooks: []tnt.Hook{tnt.StateFunc(log.add)}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- conn.Connect(ctx) }()
	eventually(t, "it connects", func() bool { return log.has(tnt.Connecting) })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if conn.State() != tnt.Disconnected {
		t.Errorf("state is %v", conn.State())
	}
}

func TestConnectTimeoutCoversHandshake(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = tnt.ConnectOptions(testContext(t), tnt.Options{
		Address: l.Addr().String(), ConnectTimeout: 30 * time.Millisecond, ConnectOnce: true,
	})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "connect timeout") {
		t.Error(err)
	}
}

func TestWrongPeers(t *testing.T) {
	for name, test := range map[string]struct{ says, want string }{
		"http":    {"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP"},
		"tls":     {"\x15\x03\x01\x00\x02\x02\x46", "TLS"},
		"ssh":     {"SSH-2.0-OpenSSH_9.2\r\n", "SSH"},
		"console": {pad("Tarantool 3.8.0 (Lua console)\n", "type 'help' for interactive help\n"), "admin console"},
		"garbage": {strings.Repeat("\x00\xff", 64), "does not greet"},
		"cut":     {"Tarantool 3.8.0 (Bin", "after 20 of 128"},
		"salt":    {pad("Tarantool 3.8.0 (Binary) x\n", "?\n"), "salt"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := speak(t, test.says)
			_, err := tnt.ConnectOptions(testContext(t), tnt.Options{Address: addr, ConnectOnce: true})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

// pad makes a greeting of two lines.
func pad(a, b string) string {
	line := func(s string) string { return s + strings.Repeat(" ", 64-len(s)) }
	return line(a) + line(b)
}

// speak serves one text to each connection and hangs up.
func speak(t *testing.T, text string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte(text))
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

func TestDisconnectWithRequestsInFlight(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		var futures []*tnt.Future
		for range 10 {
			futures = append(futures, conn.Go(testContext(t), tnt.Call{Function: "wait", Args: []any{30}}))
		}
		if err := conn.Ping(testContext(t)); err != nil { // the calls are there by now
			t.Fatal(err)
		}
		disconnect(t, conn)
		for _, f := range futures {
			_, err := f.Wait(testContext(t))
			if !errors.Is(err, tnt.ErrClosed) || !errors.Is(err, tnt.ErrConnectionLost) || errors.Is(err, tnt.ErrNotConnected) || tnt.SafeToRetry(err) || tnt.IsTransient(err) {
				t.Errorf("got %v", err)
			}
			failsWith(t, "a call in flight", err, "connection lost: the connection was closed")
		}
		if err := conn.Connect(testContext(t)); err != nil {
			t.Fatal(err)
		}
		if err := conn.Ping(testContext(t)); err != nil {
			t.Error(err)
		}
	})
}

func TestDisconnectWhileConnecting(t *testing.T) {
	var log stateLog
	conn, err := tnt.New(tnt.Options{Address: deadAddress(t), ReconnectInterval: time.Millisecond, Hooks: []tnt.Hook{tnt.StateFunc(log.add)}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- conn.Connect(testContext(t)) }()
	eventually(t, "it tries again", func() bool { return log.has(tnt.Reconnecting) })
	disconnect(t, conn)
	if err := <-done; err == nil {
		t.Error("connect succeeded")
	}
	if conn.State() != tnt.Disconnected {
		t.Errorf("state is %v", conn.State())
	}
}

func TestCloseEndsEverything(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		f := conn.Go(testContext(t), tnt.Call{Function: "wait", Args: []any{30}})
		for range 3 {
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := f.Wait(testContext(t)); !errors.Is(err, tnt.ErrClosed) {
			t.Error(err)
		}
		if err := conn.Ping(testContext(t)); !errors.Is(err, tnt.ErrClosed) || !errors.Is(err, tnt.ErrNotConnected) || conn.IsConnected() {
			t.Errorf("a request right after Close: %v", err)
		}
		eventually(t, "it ends", func() bool { return conn.State() == tnt.Disconnected })
	})
}

// TestConnectWhoseContextEndsAtSuccess ends the context when the connection has
// come up: Connect says so, or nothing of it stays.
func TestConnectWhoseContextEndsAtSuccess(t *testing.T) {
	srv := tnttest.Run(t, tnttest.InMemory())
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		ended := tnt.StateFunc(func(_ *tnt.Conn, _, to tnt.State, _ error) {
			if to == tnt.Connected {
				cancel()
			}
		})
		conn, err := tnt.ConnectOptions(ctx, tnt.Options{Dialer: srv.DialContext, Hooks: []tnt.Hook{ended}})
		if err == nil {
			disconnect(t, conn)
		}
		cancel()
	}
	eventually(t, "nobody is connected", func() bool { return len(srv.Connections()) == 0 })
}
