package tnt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
)

// TestCancellationStorm gives up many requests at any moment, and checks that
// nobody gets the answer of another.
func TestCancellationStorm(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		var log bytes.Buffer
		conn := connect(t, tnt.Options{Address: p.shared.Address, Hooks: []tnt.Hook{tnt.LogHook(slog.New(slog.NewTextHandler(&log, nil)))}})
		lua(t, conn, "function late_echo(x, s) require('fiber').sleep(s) return x end")
		var number, gaveUp, answered atomic.Int64
		var wg sync.WaitGroup
		for g := range 32 {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(g), 1))
				for i := range 60 {
					payload := fmt.Sprintf("%d %s", number.Add(1), strings.Repeat("x", random.IntN(2000)))
					patience := time.Duration(random.IntN(4000)) * time.Microsecond
					if i%10 == 9 { // on a slow machine all others may be late
						patience = 10 * time.Second
					}
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					got, err := tnt.One[string](ctx, conn, tnt.Call{Function: "late_echo", Args: []any{payload, random.Float64() / 250}})
					cancel()
					switch {
					case err == nil && got == payload:
						answered.Add(1)
					case errors.Is(err, context.DeadlineExceeded):
						gaveUp.Add(1)
					default:
						t.Errorf("asked for %.20q, got %.20q, %v", payload, got, err)
					}
				}
			})
		}
		wg.Wait()
		eventually(t, "every slot is given back", func() bool { return conn.Stats().InFlight == 0 })
		late := conn.Stats().Late
		if answered.Load() == 0 || gaveUp.Load() == 0 || late == 0 || late > uint64(gaveUp.Load()) {
			t.Errorf("%d answered, %d given up, %d late", answered.Load(), gaveUp.Load(), late)
		}
		if n := strings.Count(log.String(), "\n"); n > 3 { // connected, and late answers together
			t.Errorf("%d lines are logged:\n%s", n, log.String())
		}
	})
}

// TestReaderWaitsForNobody leaves futures and pushes unread, and goes on.
func TestReaderWaitsForNobody(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		for range 500 {
			conn.Go(testContext(t), tnt.Call{Function: "push", Args: []any{20}})
		}
		for range 10 {
			if err := conn.Ping(testContext(t)); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "all answers are taken", func() bool { return conn.Stats().InFlight == 0 })
	})
}

func TestContextCostsNoGoroutine(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := quiet(t, p)
		lua(t, conn, "storm_gate = require('fiber').cond() function storm_hold() storm_gate:wait() return 1 end")
		const n = 150 // both kinds together are fewer than net_msg_max of the server
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		before := runtime.NumGoroutine()
		futures := make([]*tnt.Future, n)
		for i := range futures {
			futures[i] = conn.Go(ctx, tnt.Call{Function: "storm_hold"})
		}
		if extra := runtime.NumGoroutine() - before; extra > 3 {
			t.Errorf("%d futures have cost %d goroutines", n, extra)
		}
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				if _, err := conn.Call(ctx, "storm_hold"); err != nil {
					t.Error(err)
				}
			})
		}
		eventually(t, "all are in flight", func() bool { return conn.Stats().InFlight == 2*n })
		if extra := runtime.NumGoroutine() - before - n; extra > 3 {
			t.Errorf("%d calls have cost %d goroutines besides their own", n, extra)
		}
		other := shared(t, p)
		eventually(t, "the server lets go", func() bool {
			lua(t, other, "storm_gate:broadcast()")
			return conn.Stats().InFlight == 0
		})
		wg.Wait()
	})
}

// clogged returns a connection to a server that has stopped to read, with a
// write that blocks, and a way to let it read on.
func clogged(t *testing.T) (conn *tnt.Conn, release func()) {
	t.Helper()
	gate := make(chan struct{})
	var once sync.Once
	release = func() { once.Do(func() { close(gate) }) }
	addr := fakeServer(t, func(p *peer) {
		<-gate
		for {
			h, _, err := p.next()
			if err != nil {
				return
			}
			if _, err := p.Write(frame(iproto.TypeOK, h.Sync, emptyBody)); err != nil {
				return
			}
		}
	})
	t.Cleanup(release)
	conn = toFake(t, addr, func(o *tnt.Options) { o.WriteBuffer = 64 << 10 })
	return conn, release
}

// clog sends requests until one waits for room and nothing goes out any more, and gives
// that one up. It returns those that were taken and the error of the last.
func clog(t *testing.T, conn *tnt.Conn, req tnt.Request, cause error) (accepted []*tnt.Future, refused error) {
	t.Helper()
	ctx, giveUp := context.WithCancelCause(t.Context())
	defer giveUp(nil)
	for len(accepted) < 4096 { // 128 MiB
		begun := make(chan *tnt.Future, 1)
		go func() { begun <- conn.Go(ctx, req) }()
		f := takenOrStuck(conn, begun)
		if f == nil {
			giveUp(cause)
			_, err := (<-begun).Wait(t.Context())
			return accepted, err
		}
		accepted = append(accepted, f)
	}
	t.Fatal("the connection takes requests without end")
	return nil, nil
}

// takenOrStuck returns the request that was begun, nil where it waits for room while
// nothing goes out, though the goroutine that writes had a hundred chances.
func takenOrStuck(conn *tnt.Conn, begun <-chan *tnt.Future) *tnt.Future {
	out := conn.Stats().BytesSent
	for still := 0; still < 100; still++ {
		select {
		case f := <-begun:
			return f
		case <-time.After(time.Millisecond):
		}
		if now := conn.Stats(); now.WaitingForRoom == 0 || now.BytesSent != out {
			still, out = 0, now.BytesSent
		}
	}
	return nil
}

func TestWriteBufferIsBounded(t *testing.T) {
	conn, release := clogged(t)
	cause := errors.New("my cause")
	large := tnt.Call{Function: "f", Args: []any{strings.Repeat("x", 32<<10)}}
	accepted, err := clog(t, conn, large, cause)
	if !errors.Is(err, cause) || !tnt.SafeToRetry(err) {
		t.Errorf("a request that waited for room: %v", err)
	}
	inFlight := conn.Stats().InFlight
	if inFlight != len(accepted) {
		t.Errorf("%d in flight, %d were accepted", inFlight, len(accepted))
	}
	for range 3 { // each refusal gives back what it took
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, cause)
		if _, err := conn.Do(ctx, large); !errors.Is(err, cause) || !tnt.SafeToRetry(err) {
			t.Errorf("got %v", err)
		}
		cancel()
	}
	if n := conn.Stats().InFlight; n != inFlight {
		t.Errorf("%d in flight, %d before", n, inFlight)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := conn.Do(testContext(t), large)
		waiting <- err
	}()
	release()
	if err := <-waiting; err != nil {
		t.Errorf("one that had to wait for room: %v", err)
	}
	for _, f := range accepted {
		if _, err := f.Wait(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Ping(testContext(t)); err != nil {
		t.Error(err)
	}
}

// TestSentOrNot loses a connection with requests that were written and ones
// that were not.
func TestSentOrNot(t *testing.T) {
	conn, _ := clogged(t)
	large := tnt.Call{Function: "f", Args: []any{strings.Repeat("x", 32<<10)}}
	futures, _ := clog(t, conn, large, errors.New("full"))
	disconnect(t, conn)
	unsent := 0
	for i, f := range futures {
		_, err := f.Wait(testContext(t))
		if !errors.Is(err, tnt.ErrClosed) || errors.Is(err, tnt.ErrNotConnected) != tnt.SafeToRetry(err) {
			t.Fatal(err)
		}
		switch safe := tnt.SafeToRetry(err); {
		case safe:
			unsent++
		case unsent > 0:
			t.Errorf("request %d was sent, it says, behind one that was not", i)
		}
	}
	if unsent == 0 || unsent == len(futures) {
		t.Errorf("%d of %d requests were not sent", unsent, len(futures))
	}
	if err := conn.Ping(t.Context()); !tnt.SafeToRetry(err) {
		t.Errorf("after the loss: %v", err)
	}
}

// TestReaderDrainsWhileWritesBlock has answers come while a write blocks.
func TestReaderDrainsWhileWritesBlock(t *testing.T) {
	const n = 100
	answer, gate := make(chan struct{}), make(chan struct{})
	addr := fakeServer(t, func(p *peer) {
		var syncs []uint64
		for range n {
			h, _, err := p.next()
			if err != nil {
				return
			}
			syncs = append(syncs, h.Sync)
		}
		<-answer
		for _, sync := range syncs {
			if _, err := p.Write(frame(iproto.TypeOK, sync, row(func(b []byte) []byte { return append(append(b, 0xda, 0x40, 0), make([]byte, 0x4000)...) }))); err != nil {
				return
			}
		}
		<-gate
	})
	conn := toFake(t, addr, func(o *tnt.Options) { o.WriteBuffer = 64 << 10 })
	var futures []*tnt.Future
	for range n {
		futures = append(futures, conn.Go(testContext(t), tnt.Ping{}))
	}
	large := tnt.Call{Function: "f", Args: []any{strings.Repeat("x", 32<<10)}}
	_, _ = clog(t, conn, large, errors.New("full"))
	close(answer)
	for _, f := range futures {
		if _, err := f.Wait(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	close(gate)
}

// TestNetMsgMax has more slow calls in flight than the server takes from one
// connection, which is 768.
func TestNetMsgMax(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := connect(t, tnt.Options{Address: p.shared.Address, WriteBuffer: 16 << 10})
		const n = 4000
		text := strings.Repeat("x", 500)
		lua(t, conn, "function slow_echo(i, text) require('fiber').sleep(0.005) return i, text end")
		futures := make([]*tnt.Future, n)
		for i := range futures {
			futures[i] = conn.Go(testContext(t), tnt.Call{Function: "slow_echo", Args: []any{i, text}})
		}
		for i, f := range futures {
			resp, err := f.Wait(testContext(t))
			if err != nil {
				t.Fatal(err)
			}
			if rows, _ := resp.Data(); len(rows) != 2 || rows[0] != int64(i) || rows[1] != text {
				t.Fatalf("call %d has another's answer", i)
			}
		}
		if n := conn.Stats().InFlight; n != 0 {
			t.Errorf("%d in flight", n)
		}
	})
}

// TestLargeBesideSmall asks for large answers and for small ones at once.
func TestLargeBesideSmall(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		const size = 8 << 20
		var wg sync.WaitGroup
		stop := make(chan struct{})
		var pings atomic.Int64
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := conn.Ping(testContext(t)); err != nil {
					t.Error(err)
					return
				}
				pings.Add(1)
			}
		})
		for range 4 {
			text, err := tnt.One[string](testContext(t), conn, tnt.Eval{Expr: "return ('x'):rep(...)", Args: []any{size}})
			if err != nil || len(text) != size {
				t.Errorf("%d bytes, %v", len(text), err)
			}
		}
		close(stop)
		wg.Wait()
		if pings.Load() < 4 {
			t.Errorf("%d pings meanwhile", pings.Load())
		}
	})
}

// panics is a value whose encoder panics, and garbage one that writes what is no
// MessagePack.
type (
	panics  struct{}
	garbage struct{}
)

func (panics) MarshalMsg([]byte) ([]byte, error)    { panic("it panicked") }
func (garbage) MarshalMsg(b []byte) ([]byte, error) { return append(b, 0xc1, 0xdf), nil }

type fails struct{}

var errFails = errors.New("it failed")

func (fails) MarshalMsg(b []byte) ([]byte, error) { return append(b, 0x93), errFails }

// TestEncodeErrorsLeaveTheConnectionWhole does good requests among ones that
// can't be encoded.
func TestEncodeErrorsLeaveTheConnectionWhole(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := quiet(t, p)
		loop := []any{nil}
		loop[0] = loop
		for what, v := range map[string]any{"panicked": panics{}, "failed": fails{}, "chan": make(chan int), "garbage": garbage{}, "nested": loop} {
			var wg sync.WaitGroup
			for g := range 4 {
				wg.Go(func() {
					for i := range 10 {
						if g%2 == 0 {
							_, err := conn.Call(testContext(t), "echo", strings.Repeat("x", 1000), v)
							if err == nil || errors.Is(err, tnt.ErrNotConnected) || errors.Is(err, context.DeadlineExceeded) {
								t.Errorf("%s: %v", what, err)
							}
							if what == "failed" && !errors.Is(err, errFails) {
								t.Errorf("%s: %v", what, err)
							}
							continue
						}
						got, err := tnt.One[int](testContext(t), conn, tnt.Call{Function: "echo", Args: []any{i}})
						if err != nil || got != i {
							t.Errorf("beside %s: asked for %d, got %d, %v", what, i, got, err)
						}
					}
				})
			}
			wg.Wait()
		}
		if n := conn.Stats().InFlight; n != 0 {
			t.Errorf("%d in flight", n)
		}
	})
}

// TestHandshakeHasOneTimeout has a server that falls silent at each step of the
// handshake, and checks that its socket is closed.
func TestHandshakeHasOneTimeout(t *testing.T) {
	for name, test := range map[string]struct {
		user    string
		answers int // before the silence
	}{"auth": {"alice", 0}, "schema": {"", 0}, "schema, second request": {"", 1}, "schema after auth": {"alice", 1}} {
		t.Run(name, func(t *testing.T) {
			closed := make(chan struct{}, 1)
			addr := fakeServer(t, func(p *peer) {
				for range test.answers {
					h, _, err := p.next()
					if err != nil {
						return
					}
					body := emptyBody
					if h.Type == iproto.TypeSelect {
						body = []byte{0x81, byte(iproto.KeyData), 0x90}
					}
					_, _ = p.Write(frame(iproto.TypeOK, h.Sync, body))
				}
				p.drain()
				closed <- struct{}{}
			})
			opts := tnt.Options{Address: addr, User: test.user, ConnectTimeout: 300 * time.Millisecond, ConnectOnce: true}
			if test.user != "" {
				opts.Password = "s3cret"
			}
			_, err := tnt.ConnectOptions(testContext(t), opts)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			failsWith(t, "its reason", err, "connect timeout of 300ms")
			select {
			case <-closed:
			case <-testContext(t).Done():
				t.Error("the socket was left open")
			}
		})
	}
}

// TestOneReconnectLoop loses a connection in several ways at once, and counts
// the attempts that follow.
func TestOneReconnectLoop(t *testing.T) {
	var dials atomic.Int64
	cut := make(chan struct{})
	addr := fakeServer(t, func(p *peer) {
		if dials.Load() == 1 {
			<-cut // with requests unread: the client gets a reset, and its writes fail
			return
		}
		for {
			h, _, err := p.next()
			if err != nil {
				return
			}
			_, _ = p.Write(frame(iproto.TypeOK, h.Sync, emptyBody))
		}
	})
	conn := toFake(t, addr, func(o *tnt.Options) {
		o.ReconnectInterval = time.Millisecond
		o.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for tnt.IsTransient(conn.Ping(testContext(t))) {
				time.Sleep(time.Millisecond)
			}
		})
	}
	close(cut)
	wg.Wait()
	if n := dials.Load(); n != 2 {
		t.Errorf("%d connections were opened, not 2", n)
	}
}

// TestGettersNeverWait calls what does not take a context while the server
// stands still in the middle of everything.
func TestGettersNeverWait(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address})
		s.Pause()
		defer s.Resume()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { _ = conn.RefetchSchema(ctx) })
			wg.Go(func() { _ = conn.Ping(ctx) })
		}
		start := time.Now()
		for range 100 {
			_, _, _, _ = conn.State(), conn.IsConnected(), conn.Version(), conn.Schema().Space("tester")
			_, _, _, _ = conn.Stats(), conn.Features(), conn.String(), conn.Fingerprint()
			_, _, _ = conn.Stream(), conn.Options(), conn.InstanceUUID()
			_, _ = conn.SchemaVersion()
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("the getters took %v", d)
		}
		cancel()
		wg.Wait()
	})
}

func TestGettersDuringReconnects(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := connect(t, tnt.Options{Address: p.shared.Address})
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					_, _, _, _ = conn.State(), conn.IsConnected(), conn.Version(), conn.Schema().Space("tester")
					_, _, _, _ = conn.Stats(), conn.Features(), conn.String(), conn.InstanceUUID()
					_, _ = conn.SchemaVersion()
				}
			})
		}
		for range 10 {
			if err := conn.Reconnect(testContext(t)); err != nil {
				t.Error(err)
			}
		}
		close(stop)
		wg.Wait()
		if conn.Version() != p.Version || conn.InstanceUUID() == "" {
			t.Errorf("version %v, instance %q", conn.Version(), conn.InstanceUUID())
		}
	})
}

// TestStateHookMayAsk calls getters inside of the callback, where locks would
// show.
func TestStateHookMayAsk(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		hook := tnt.StateFunc(func(c *tnt.Conn, _, to tnt.State, _ error) {
			if c.State() != to {
				t.Errorf("told of %v, it is %v", to, c.State())
			}
			_, _, _ = c.IsConnected(), c.Schema(), c.Stats()
		})
		disconnect(t, connect(t, tnt.Options{Address: p.shared.Address, Hooks: []tnt.Hook{hook}}))
	})
}

// TestDecodeAgain decodes one answer several times, by several goroutines.
func TestDecodeAgain(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		fill(t, conn, 5)
		resp := do(t, conn, tnt.Select{Space: "tester"})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 3 {
					rows, err := resp.Data()
					if err != nil || len(rows) != 5 || resp.Len() != 5 {
						t.Errorf("%v, %v", rows, err)
					}
					tuples, err := resp.Tuples()
					if err != nil || len(tuples) != 5 {
						t.Errorf("%v, %v", tuples, err)
					}
					for i, tuple := range tuples {
						if v, err := tuple.Get("age"); v != int64(10*i+10) || err != nil {
							t.Errorf("%v, %v", v, err)
						}
					}
				}
			})
		}
		wg.Wait()
	})
}

// TestLyingLengthCostsLittle announces a frame of half a gigabyte and sends
// none of it.
func TestLyingLengthCostsLittle(t *testing.T) {
	addr := fakeServer(t, func(p *peer) {
		if _, _, err := p.next(); err != nil {
			return
		}
		_, _ = p.Write([]byte{0xce, 0x20, 0, 0, 0, 0x83})
	})
	conn := toFake(t, addr)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := conn.Ping(testContext(t)); !errors.Is(err, tnt.ErrConnectionLost) {
		t.Errorf("got %v", err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
		t.Errorf("%d bytes were allocated", used)
	}
}

func TestPasswordIsNowhere(t *testing.T) {
	const secret = "s3cret-w0rd"
	var log bytes.Buffer
	var mu sync.Mutex
	opts := tnt.Options{
		User: "nobody", Password: secret, ConnectOnce: true,
	}
	logger := slog.New(slog.NewJSONHandler(lockedWriter{&mu, &log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	opts.Hooks = []tnt.Hook{tnt.LogHook(logger)}
	check := func(what, text string) {
		t.Helper()
		if strings.Contains(text, secret) {
			t.Errorf("%s shows the password: %s", what, text)
		}
	}
	var errs []error
	onServers(t, func(t *testing.T, p *program) {
		opts.Address = p.shared.Address
		_, err := tnt.ConnectOptions(testContext(t), opts)
		if err == nil {
			t.Error("a wrong user was taken")
		}
		errs = append(errs, err)
	})
	opts.Address = deadAddress(t)
	conn, err := tnt.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	errs = append(errs, conn.Connect(testContext(t)), conn.Ping(t.Context()))
	logger.Info("the options", "options", opts, "conn", conn)
	for _, bad := range []string{
		"nobody:" + secret + "@host:badport", "tarantool://nobody:" + secret + "@[::1", "tarantool://nobody:" + secret + "@host?x=1",
		"tarantool://nobody:" + secret + "%zz@host", "x://nobody:" + secret + "@host", "tarantool://:" + secret + "@host", "nobody:" + secret + "@",
		"tarantool://nobody:" + secret + "@host?connect_timeout=x", "tarantool://nobody:" + secret + "@host%", "nobody:" + secret + "@host:1:2",
		"tarantool://nobody:" + secret + "/x@host/y", "tarantool://nobody:" + secret + "@host/ x",
	} {
		_, err := tnt.ParseURL(bad)
		if err != nil {
			errs = append(errs, err)
		}
		_, err = tnt.Connect(canceled(t), bad)
		errs = append(errs, err)
	}
	for _, err := range errs {
		for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
			check("an error by "+verb, fmt.Sprintf(verb, err))
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		check("the options by "+verb, fmt.Sprintf(verb, opts))
		check("a pointer to the options by "+verb, fmt.Sprintf(verb, &opts))
		check("the connection by "+verb, fmt.Sprintf(verb, conn))
		check("a struct with them by "+verb, fmt.Sprintf(verb, struct {
			C *tnt.Conn
			O tnt.Options
		}{conn, opts}))
	}
	check("the fingerprint", conn.Fingerprint())
	mu.Lock()
	defer mu.Unlock()
	check("the log", log.String())
	if log.Len() == 0 {
		t.Error("nothing was logged")
	}
	if conn.Options().Password != secret {
		t.Error("the password is not to be had where it is asked for")
	}
}

func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

type lockedWriter struct {
	mu *sync.Mutex
	w  *bytes.Buffer
}

func (l lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// TestCauseIsAnotherRequestsError has contexts end for what the server said to
// other requests, which says nothing of this one.
func TestCauseIsAnotherRequestsError(t *testing.T) {
	came := make(chan struct{}, 1)
	conn := toFake(t, fakeServer(t, func(p *peer) {
		for {
			if _, _, err := p.next(); err != nil {
				return
			}
			came <- struct{}{}
		}
	}))
	for _, cause := range []error{
		errcode.WrongSchemaVersion,
		&tnt.Error{Code: errcode.TransactionConflict},
		fmt.Errorf("another request: %w", &tnt.Error{Code: errcode.WrongSchemaVersion}),
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			<-came
			cancel(cause)
		})
		_, err := conn.Do(ctx, tnt.Insert{SpaceID: 512, Tuple: []any{1}})
		wg.Wait()
		if !errors.Is(err, cause) || tnt.SafeToRetry(err) {
			t.Errorf("sent, safe to retry %v: %v", tnt.SafeToRetry(err), err)
		}
		_, err = conn.Do(ctx, tnt.Insert{SpaceID: 512, Tuple: []any{1}})
		if !errors.Is(err, cause) || !tnt.SafeToRetry(err) {
			t.Errorf("not sent, safe to retry %v: %v", tnt.SafeToRetry(err), err)
		}
	}
}

// readOnly is an encoding that panics where it is to write.
type readOnly struct{ encoding.Encoding }

func (readOnly) NewEncoder() *encoding.Encoder { panic("this only reads") }

// TestPanicWhileEncoding leaves no slot behind.
func TestPanicWhileEncoding(t *testing.T) {
	conn := toFake(t, fakeServer(t, func(p *peer) { p.drain() }), func(o *tnt.Options) { o.Encoding = readOnly{charmap.Windows1251} })
	func() {
		defer func() {
			if recover() == nil {
				t.Error("there was no panic")
			}
		}()
		_, _ = conn.Do(t.Context(), tnt.Call{Function: "text"})
	}()
	if n := conn.Stats().InFlight; n != 0 {
		t.Errorf("%d in flight", n)
	}
}
