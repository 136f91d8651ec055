package tnt_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// stuck is a connection whose writes, once it was told so, last until it is closed.
type stuck struct {
	net.Conn
	mu     sync.Mutex
	now    bool
	closed chan struct{}
	once   sync.Once
}

func (s *stuck) stop() {
	s.mu.Lock()
	s.now = true
	s.mu.Unlock()
}

func (s *stuck) Write(b []byte) (int, error) {
	s.mu.Lock()
	now := s.now
	s.mu.Unlock()
	if now {
		<-s.closed
		return 0, net.ErrClosed
	}
	return s.Conn.Write(b)
}

func (s *stuck) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.Conn.Close()
}

// bubbleServer is an embedded server inside of a bubble of testing/synctest, with
// connections that can be made to hang, and a switch for new ones.
type bubbleServer struct {
	*tnttest.Server
	mu    sync.Mutex
	conns []*stuck
	away  bool
}

func (s *bubbleServer) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, errAway
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &stuck{Conn: conn, closed: make(chan struct{})}
	s.conns = append(s.conns, c)
	return c, nil
}

var errAway = errors.New("the server is away")

func (s *bubbleServer) stopReading() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.stop()
	}
}

// leave ends all connections, and refuses new ones until come.
func (s *bubbleServer) leave() {
	s.mu.Lock()
	s.away = true
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

func (s *bubbleServer) come() {
	s.mu.Lock()
	s.away = false
	s.mu.Unlock()
}

// inBubble runs a test in a bubble with an embedded server that has a space
// "users", and a connection to it.
func inBubble(t *testing.T, opts tnt.Options, test func(t *testing.T, s *bubbleServer, conn *tnt.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, err := tnttest.Start(tnttest.InMemory(), tnttest.WithSpace(tnttest.SpaceDef{
			Name:    "users",
			Format:  []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}},
			Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
		}))
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		s := &bubbleServer{Server: srv}
		opts.Dialer = s.dial
		conn, err := tnt.ConnectOptions(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Disconnect(context.Background()) }()
		test(t, s, conn)
	})
}

// TestCallsEndByOneDeadline has each call end when Options.RequestTimeout is over,
// whatever it waits for and how often. The clock is that of the bubble.
func TestCallsEndByOneDeadline(t *testing.T) {
	const timeout = 50 * time.Millisecond
	unanswered := func(s *bubbleServer) { s.Inject(tnttest.Fault{On: tnttest.AnyRequest, Drop: true}) }
	unread := (*bubbleServer).stopReading
	gone := func(s *bubbleServer) { s.leave(); synctest.Wait() }
	// diesAtOnce has every session die of its first request after the handshake,
	// some time after that.
	diesAtOnce := func(s *bubbleServer) {
		s.Inject(tnttest.Fault{On: iproto.TypeReplace, Delay: 8 * time.Millisecond, CloseAfter: true})
	}
	stale := func(s *bubbleServer) {
		s.Inject(tnttest.Fault{On: iproto.TypeReplace, Late: 20 * time.Millisecond, Error: &tnt.Error{Code: errcode.WrongSchemaVersion}})
	}
	expired := func(s *bubbleServer) {
		s.Inject(tnttest.Fault{On: iproto.TypeExecute, Late: 30 * time.Millisecond, Error: &tnt.Error{Code: errcode.WrongQueryID}})
		s.Inject(tnttest.Fault{On: iproto.TypePrepare, Drop: true})
	}
	req := tnt.Replace{Space: "users", Tuple: []any{1, "x"}}
	calls := map[string]func(ctx context.Context, conn *tnt.Conn) error{
		"Do":   func(ctx context.Context, conn *tnt.Conn) error { return tnt.Exec(ctx, tnt.Idempotent(conn), req) },
		"Ping": func(ctx context.Context, conn *tnt.Conn) error { return conn.Ping(ctx) },
		"Go": func(ctx context.Context, conn *tnt.Conn) error {
			_, err := tnt.Go(ctx, tnt.Idempotent(conn), req).Wait(ctx)
			return err
		},
		"Batch of 200": func(ctx context.Context, conn *tnt.Conn) error {
			reqs := make([]tnt.Request, 200)
			for i := range reqs {
				reqs[i] = req
			}
			var errs []error
			for _, r := range tnt.Batch(ctx, tnt.Idempotent(conn), reqs...) {
				errs = append(errs, r.Err)
			}
			return errors.Join(errs...)
		},
		"Each of 40": func(ctx context.Context, conn *tnt.Conn) error {
			reqs := make([]tnt.Replace, 40)
			for i := range reqs {
				reqs[i] = req
			}
			var errs []error
			for _, err := range tnt.Each[[]any](ctx, tnt.Idempotent(conn), reqs) {
				errs = append(errs, err)
			}
			return errors.Join(errs...)
		},
		"Stream": func(ctx context.Context, conn *tnt.Conn) error {
			_, err := conn.Stream().Do(ctx, req)
			return err
		},
		"Begin of InTx": func(ctx context.Context, conn *tnt.Conn) error {
			return tnt.InTx(ctx, conn, func(s *tnt.Stream) error { _, err := s.Do(ctx, req); return err })
		},
		"Scan": func(ctx context.Context, conn *tnt.Conn) (err error) {
			for _, err = range tnt.Scan(ctx, conn, tnt.Select{Space: "users"}, 0) {
			}
			return err
		},
		"RefetchSchema": func(ctx context.Context, conn *tnt.Conn) error { return conn.RefetchSchema(ctx) },
		"an unknown name": func(ctx context.Context, conn *tnt.Conn) error {
			return tnt.Exec(ctx, conn, tnt.Replace{Space: "nowhere", Tuple: []any{1}})
		},
	}
	for what, makesItSo := range map[string]func(*bubbleServer){
		"unanswered": unanswered, "unread": unread, "gone": gone, "dies at once": diesAtOnce, "stale": stale,
	} {
		for how, call := range calls {
			t.Run(what+" "+how, func(t *testing.T) {
				opts := tnt.Options{RequestTimeout: timeout, WaitConnected: true, PingInterval: tnt.Never, ReconnectInterval: time.Millisecond, WriteBuffer: 1}
				inBubble(t, opts, func(t *testing.T, s *bubbleServer, conn *tnt.Conn) {
					makesItSo(s)
					began := time.Now()
					err := call(t.Context(), conn)
					took := time.Since(began)
					switch {
					case took > timeout:
						t.Errorf("it took %v: %.300v", took, err)
					case took < timeout && errors.Is(err, tnt.ErrTimeout):
						t.Errorf("it took %v and says that its time is over: %.300v", took, err)
					case took == timeout && !errors.Is(err, tnt.ErrTimeout):
						t.Errorf("its time is over, and it says %.300v", err)
					}
				})
			})
		}
	}
	t.Run("a statement that is prepared again", func(t *testing.T) {
		inBubble(t, tnt.Options{RequestTimeout: timeout, PingInterval: tnt.Never}, func(t *testing.T, s *bubbleServer, conn *tnt.Conn) {
			if err := s.HandleExecute("SELECT 1", func() (int, error) { return 1, nil }); err != nil {
				t.Fatal(err)
			}
			prepared, err := tnt.NewPrepared(t.Context(), conn, "SELECT 1")
			if err != nil {
				t.Fatal(err)
			}
			expired(s)
			began := time.Now()
			if _, err := prepared.Execute(t.Context()); !errors.Is(err, tnt.ErrTimeout) || time.Since(began) != timeout {
				t.Errorf("Prepared: %v after %v", err, time.Since(began))
			}
			// One prepares, another waits for that, both within their own time.
			cache := tnt.NewStatementCache(conn, 10)
			var wg sync.WaitGroup
			for i := range 2 {
				wg.Go(func() {
					time.Sleep(time.Duration(i) * 10 * time.Millisecond)
					began := time.Now()
					if _, err := cache.Execute(t.Context(), "SELECT 1"); !errors.Is(err, tnt.ErrTimeout) || time.Since(began) != timeout {
						t.Errorf("StatementCache: %v after %v", err, time.Since(began))
					}
				})
			}
			wg.Wait()
		})
	})
}

// TestGoSendsWithinItsTime has Go meet one session after the other that is lost before
// the request is sent.
func TestGoSendsWithinItsTime(t *testing.T) {
	const timeout = 2 * time.Second
	inTime(t, func(b *bubble) {
		c := b.connect(func(o *tnt.Options) {
			o.RequestTimeout, o.WaitConnected, o.MaxInFlight, o.WaitInFlight = timeout, true, 1, true
		})
		b.srv.Inject(tnttest.Fault{On: iproto.TypeCall, Drop: true})
		c.Go(context.Background(), tnt.Call{Function: "f"}) // it holds the only place
		go func() {
			time.Sleep(timeout * 9 / 10)
			b.setAway(true)
			b.cut()
		}()
		b.took("Go", timeout, func() {
			f := c.Go(context.Background(), tnt.Call{Function: "f"})
			if _, err := f.Wait(context.Background()); !errors.Is(err, tnt.ErrTimeout) || !tnt.SafeToRetry(err) {
				t.Errorf("it ended with %v", err)
			}
		})
	})
}

// TestPageOfScanHasOneDeadline has the first page of a Scan wait for a session, and for
// a name that the schema lacks.
func TestPageOfScanHasOneDeadline(t *testing.T) {
	const timeout = 2 * time.Second
	inTime(t, func(b *bubble) {
		c := b.connect(func(o *tnt.Options) { o.RequestTimeout, o.WaitConnected = timeout, true })
		b.setAway(true)
		b.cut()
		b.srv.Inject(tnttest.Fault{On: iproto.TypePing, Drop: true})
		go func() {
			time.Sleep(timeout / 2)
			b.setAway(false)
		}()
		b.took("a page", timeout, func() {
			for _, err := range tnt.Scan(context.Background(), c, tnt.Select{Space: "nowhere"}, 10) {
				if err == nil {
					t.Error("there is a tuple")
				}
			}
		})
	}, tnttest.WithoutFeatures("pagination"))
}
