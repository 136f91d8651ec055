package tnt_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// TestDeadServerWithFullBuffer loses a server that has stopped to read, though
// there is no room for a ping.
func TestDeadServerWithFullBuffer(t *testing.T) {
	gate := make(chan struct{})
	addr := fakeServer(t, func(*peer) { <-gate })
	t.Cleanup(func() { close(gate) })
	conn := toFake(t, addr, func(o *tnt.Options) {
		o.WriteBuffer = 64 << 10
		o.PingInterval = 100 * time.Millisecond
		o.DeadAfter = 300 * time.Millisecond
	})
	large := tnt.Call{Function: "f", Args: []any{strings.Repeat("x", 1<<20)}}
	for {
		f := conn.Go(testContext(t), large)
		select {
		case <-f.Done():
			if _, err := f.Wait(testContext(t)); !errors.Is(err, tnt.ErrNotConnected) {
				t.Errorf("a request that waited for room: %v", err)
			}
			return
		default:
		}
	}
}

// TestRequestTimeoutCoversRoom stops to read with RequestTimeout alone.
func TestRequestTimeoutCoversRoom(t *testing.T) {
	gate := make(chan struct{})
	addr := fakeServer(t, func(*peer) { <-gate })
	t.Cleanup(func() { close(gate) })
	conn := toFake(t, addr, func(o *tnt.Options) { o.WriteBuffer, o.RequestTimeout = 1, 50*time.Millisecond })
	large := tnt.Call{Function: "f", Args: []any{strings.Repeat("x", 1<<20)}}
	for {
		if _, err := conn.Do(context.Background(), large); !errors.Is(err, tnt.ErrTimeout) {
			t.Fatalf("got %v", err)
		} else if tnt.SafeToRetry(err) { // it has not been sent
			return
		}
	}
}

// TestConnectWhileReconnecting waits until the connection is up again.
func TestConnectWhileReconnecting(t *testing.T) {
	s := tnttest.Run(t, tnttest.InMemory())
	gate, down := make(chan struct{}), make(chan net.Conn, 1)
	first := true
	conn := connect(t, tnt.Options{ReconnectInterval: time.Millisecond, Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
		if !first {
			select {
			case <-gate:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			return s.Dial(ctx)
		}
		first = false
		c, err := s.Dial(ctx)
		if err == nil {
			down <- c
		}
		return c, err
	}})
	_ = (<-down).Close()
	eventually(t, "the loss is seen", func() bool { return !conn.IsConnected() })
	cause := errors.New("my cause")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, cause)
	defer cancel()
	if err := conn.Connect(ctx); !errors.Is(err, cause) {
		t.Errorf("while there is no server: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		err := conn.Connect(testContext(t))
		if err == nil && !conn.IsConnected() {
			err = errors.New("it is not connected")
		}
		done <- err
	}()
	close(gate)
	if err := <-done; err != nil {
		t.Errorf("once there is a server: %v", err)
	}
}

// TestConnectWhileReconnectingIsDisconnected ends the connection while a
// Connect waits for it to be restored.
func TestConnectWhileReconnectingIsDisconnected(t *testing.T) {
	s := tnttest.Run(t, tnttest.InMemory())
	down := make(chan net.Conn, 1)
	conn := connect(t, tnt.Options{ReconnectInterval: time.Hour, Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := s.Dial(ctx)
		if err == nil {
			down <- c
		}
		return c, err
	}})
	_ = (<-down).Close()
	eventually(t, "it waits for the next attempt", func() bool { return conn.State() == tnt.Reconnecting })
	done := make(chan error, 1)
	go func() { done <- conn.Connect(testContext(t)) }()
	select {
	case err := <-done:
		t.Fatalf("not connected: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	disconnect(t, conn)
	if err := <-done; !errors.Is(err, tnt.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// noDeadlines is a connection without deadlines, as those through SSH are.
type noDeadlines struct{ net.Conn }

func (noDeadlines) SetDeadline(time.Time) error { return errors.New("no deadlines here") }

func TestGreetingWithoutDeadlines(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	conn, err := tnt.New(tnt.Options{ConnectOnce: true, ConnectTimeout: 20 * time.Millisecond, Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return noDeadlines{ours}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- conn.Connect(t.Context()) }()
	select {
	case err := <-done:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("Connect hangs")
	}
}

// TestEncodingWithUser proves a password whose scramble is no text.
func TestEncodingWithUser(t *testing.T) {
	password, err := charmap.Windows1251.NewEncoder().String("пароль")
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"chap-sha1", "pap-sha256"} {
		s := tnttest.Run(t, tnttest.WithUser("bob", password), tnttest.WithAuthType(method))
		for range 5 { // each greeting has another salt
			connect(t, tnt.Options{
				Address: s.Addr(), User: "bob", Password: "пароль", AllowPlainPassword: true, ConnectOnce: true,
				Encoding: charmap.Windows1251,
			})
		}
	}
}

// turns is an Executor that takes another connection each time, as a pool may.
type turns struct {
	conns []*tnt.Conn
	next  int
}

func (x *turns) Route(ctx context.Context, a tnt.Attempt) (tnt.Route, error) {
	x.next++
	return x.conns[x.next%len(x.conns)].Route(ctx, a)
}

func TestBatchOverSeveralConnections(t *testing.T) {
	s := tnttest.Run(t)
	opts := tnt.Options{Address: s.Addr(), PingInterval: tnt.Never}
	x := &turns{conns: []*tnt.Conn{connect(t, opts), connect(t, opts), connect(t, opts)}}
	for range 3 {
		for _, result := range tnt.Batch(testContext(t), x, tnt.Ping{}, tnt.Ping{}, tnt.Ping{}, tnt.Ping{}) {
			if result.Err != nil {
				t.Error(result.Err)
			}
		}
	}
	for i, conn := range x.conns {
		if n := conn.Stats().Requests; n < 4 {
			t.Errorf("connection %d had %d requests", i, n)
		}
	}
}

// endsContext is a value that ends a context while it is encoded.
type endsContext struct{ end func() }

func (e endsContext) MarshalMsg(b []byte) ([]byte, error) {
	e.end()
	return append(b, 1), nil
}

func TestBatchWhoseContextEnds(t *testing.T) {
	s := tnttest.Run(t)
	conn := connect(t, tnt.Options{Address: s.Addr(), PingInterval: tnt.Never})
	ctx, cancel := context.WithCancel(t.Context())
	results := conn.Batch(ctx, tnt.Ping{}, tnt.Call{Function: "x", Args: []any{endsContext{cancel}}}, tnt.Ping{})
	for i, result := range results { // an answer may be there before the end of the context is looked at
		if result.Err != nil && !errors.Is(result.Err, context.Canceled) && !errors.Is(result.Err, errcode.NoSuchProc) {
			t.Errorf("request %d: %v", i, result.Err)
		}
	}
}

// TestContextEndsWhileSchemaIsAwaited asks by a name that the schema lacks,
// and gets no answer to the question whether there is another schema.
func TestContextEndsWhileSchemaIsAwaited(t *testing.T) {
	asked := make(chan struct{})
	addr := fakeServer(t, func(p *peer) {
		for range 2 {
			h, _, err := p.next()
			if err != nil {
				return
			}
			if _, err := p.Write(frame(iproto.TypeOK, h.Sync, emptyBody)); err != nil {
				return
			}
		}
		if _, _, err := p.next(); err == nil {
			close(asked)
		}
		p.drain()
	})
	conn := toFake(t, addr, func(o *tnt.Options) { o.NoSchema = false })
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("my cause")
	go func() {
		<-asked
		cancel(cause)
	}()
	var unknown *tnt.SchemaError
	_, err := conn.Do(ctx, tnt.Select{Space: "nowhere"})
	if !errors.Is(err, cause) || !errors.As(err, &unknown) || !tnt.SafeToRetry(err) {
		t.Errorf("got %v", err)
	}
}

// TestFunctionsAreNotRepeated calls a function that fails as a request by an
// old schema does, whatever it did before.
func TestFunctionsAreNotRepeated(t *testing.T) {
	var calls atomic.Int64
	addr := fakeServer(t, func(p *peer) {
		for {
			h, _, err := p.next()
			if err != nil {
				return
			}
			typ, body := iproto.TypeOK, emptyBody
			if h.Type != iproto.TypeSelect {
				calls.Add(1)
				w := wire.NewBody(nil)
				w.String(iproto.KeyError24, "Wrong schema version")
				typ, body = iproto.TypeError|iproto.Type(errcode.WrongSchemaVersion), w.End()
			}
			if _, err := p.Write(frame(typ, h.Sync, body)); err != nil {
				return
			}
		}
	})
	conn := toFake(t, addr, func(o *tnt.Options) { o.NoSchema = false })
	for _, req := range []tnt.Request{tnt.Call{Function: "f"}, tnt.Eval{Expr: "f()"}, tnt.Insert{SpaceID: 512, Tuple: []any{1}}} {
		calls.Store(0)
		if err := tnt.Exec(testContext(t), conn, req); !errors.Is(err, errcode.WrongSchemaVersion) {
			t.Errorf("%T: %v", req, err)
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("%T was done %d times", req, n)
		}
	}
}

// TestConnectWithDialerThatIgnoresItsContext ends when its context does.
func TestConnectWithDialerThatIgnoresItsContext(t *testing.T) {
	srv := tnttest.Run(t, tnttest.InMemory())
	gate := make(chan struct{})
	conn, err := tnt.New(tnt.Options{Dialer: func(context.Context, string, string) (net.Conn, error) {
		<-gate
		return srv.Dial(context.Background())
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer disconnect(t, conn)
	cause := errors.New("my cause")
	done := make(chan error)
	for range 2 { // the second finds an attempt that was given up and is still under way
		ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, cause)
		go func() { done <- conn.Connect(ctx) }()
		select {
		case err := <-done:
			if !errors.Is(err, cause) {
				t.Errorf("got %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("Connect hangs")
			close(gate)
			t.Log(<-done)
			cancel()
			return
		}
		cancel()
	}
	close(gate)
	if err := conn.Connect(testContext(t)); err != nil {
		t.Errorf("once the dialer has returned: %v", err)
	}
}

// TestConnectCancelledBesideAnother cancels one Connect of two, which must not
// end the other's attempts.
func TestConnectCancelledBesideAnother(t *testing.T) {
	s := tnttest.Run(t, tnttest.InMemory())
	gate, dialling := make(chan struct{}), make(chan struct{}, 1)
	conn, err := tnt.New(tnt.Options{ReconnectInterval: time.Millisecond, Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
		select {
		case dialling <- struct{}{}:
		default:
		}
		select {
		case <-gate:
			return s.Dial(ctx)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer disconnect(t, conn)
	patient := make(chan error, 1)
	go func() { patient <- conn.Connect(testContext(t)) }()
	<-dialling
	cause := errors.New("my cause")
	for range 5 {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, cause)
		if err := conn.Connect(ctx); !errors.Is(err, cause) {
			t.Errorf("the impatient one: %v", err)
		}
		cancel()
	}
	close(gate)
	if err := <-patient; err != nil {
		t.Errorf("the patient one: %v", err)
	}
}

// TestConnectRightAfterClose does not wait for the end of the connection.
func TestConnectRightAfterClose(t *testing.T) {
	s := tnttest.Run(t, tnttest.InMemory())
	conn := connect(t, tnt.Options{Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) { return s.Dial(ctx) }})
	for range 100 {
		_ = conn.Close()
		if err := conn.Connect(testContext(t)); err != nil {
			t.Fatal(err)
		}
		if err := conn.Ping(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestConnectsAndDisconnectsAtOnce does everything at once that changes what a
// connection is to be. None may hang, and it can be connected afterwards.
func TestConnectsAndDisconnectsAtOnce(t *testing.T) {
	s := tnttest.Run(t, tnttest.InMemory())
	conn, err := tnt.New(tnt.Options{ReconnectInterval: time.Millisecond, Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return s.Dial(ctx)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer disconnect(t, conn)
	ctx := testContext(t)
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			for range 20 {
				_ = conn.Connect(ctx)
			}
		})
		wg.Go(func() {
			for range 20 {
				_ = conn.Disconnect(ctx)
			}
		})
		wg.Go(func() {
			for range 20 {
				_ = conn.Reconnect(ctx)
				_ = conn.RefetchSchema(ctx)
			}
		})
		wg.Go(func() {
			for j := range 20 {
				short, cancel := context.WithTimeout(ctx, time.Duration(i*j)*10*time.Microsecond)
				_ = conn.Connect(short)
				_ = conn.Ping(short)
				cancel()
				if i == 0 {
					for _, c := range s.Connections() {
						c.Close()
					}
				}
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		t.Error("something hung")
	}
	if err := conn.Connect(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := conn.Ping(testContext(t)); err != nil {
		t.Error(err)
	}
}

// TestServerSilentWhileSchemaIsFetched loses a server that goes silent when it
// is asked for the schema again, though nothing bounds the time for that.
func TestServerSilentWhileSchemaIsFetched(t *testing.T) {
	addr := fakeServer(t, func(p *peer) {
		for version := range uint64(3) {
			h, _, err := p.next()
			if err != nil {
				return
			}
			b := wire.AppendResponseHeader(wire.BeginFrame(nil), wire.Header{Sync: h.Sync, SchemaVersion: max(version, 1)})
			b = append(b, emptyBody...)
			if wire.EndFrame(b, 0) != nil {
				return
			}
			if _, err := p.Write(b); err != nil {
				return
			}
		}
		p.drain()
	})
	conn := toFake(t, addr, func(o *tnt.Options) {
		o.NoSchema = false
		o.ConnectTimeout = tnt.Never
		o.PingInterval = 20 * time.Millisecond
		o.DeadAfter = 100 * time.Millisecond
	})
	eventually(t, "the silence is seen", func() bool { return !conn.IsConnected() })
}
