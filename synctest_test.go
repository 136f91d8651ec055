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

// bubble is a server and a way to it in a bubble of testing/synctest, whose time
// passes when all wait.
type bubble struct {
	*testing.T
	srv   *tnttest.Server
	began time.Time

	mu    sync.Mutex
	away  bool            // dialling fails
	dials []time.Duration // since the beginning
	ends  []net.Conn      // of the client
}

// inTime runs a test in a bubble, with a server in it.
func inTime(t *testing.T, test func(b *bubble), opts ...tnttest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		opts := append([]tnttest.Option{tnttest.InMemory(), tnttest.WithSpace(tnttest.SpaceDef{
			Name: "users", Format: []tnttest.Field{{Name: "id", Type: "unsigned"}},
			Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
		})}, opts...)
		test(&bubble{T: t, srv: tnttest.Run(t, opts...), began: time.Now()})
	})
}

func (b *bubble) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dials = append(b.dials, time.Since(b.began))
	if b.away {
		return nil, errors.New("nobody is there")
	}
	c, err := b.srv.Dial(ctx)
	if err == nil {
		b.ends = append(b.ends, c)
	}
	return c, err
}

// setAway has dialling fail, or not any more.
func (b *bubble) setAway(away bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away = away
}

// cut ends the newest session.
func (b *bubble) cut() {
	b.mu.Lock()
	end := b.ends[len(b.ends)-1]
	b.mu.Unlock()
	_ = end.Close()
	synctest.Wait()
}

// dialled returns the times of the dials since the last call.
func (b *bubble) dialled() []time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() { b.dials = nil }()
	return b.dials
}

// connect connects; the test's end disconnects.
func (b *bubble) connect(change ...func(*tnt.Options)) *tnt.Conn {
	b.Helper()
	c := b.make(change...)
	if err := c.Connect(context.Background()); err != nil {
		b.Fatal(err)
	}
	return c
}

func (b *bubble) make(change ...func(*tnt.Options)) *tnt.Conn {
	b.Helper()
	opts := tnt.Options{Dialer: b.dial, PingInterval: tnt.Never}
	for _, f := range change {
		f(&opts)
	}
	c, err := tnt.New(opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := c.Disconnect(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return c
}

// took checks how long something took, to the nanosecond.
func (b *bubble) took(what string, want time.Duration, do func()) {
	b.Helper()
	began := time.Now()
	do()
	if d := time.Since(began); d != want {
		b.Errorf("%s took %v, not %v", what, d, want)
	}
}

func (overdueHook) OnState(*tnt.Conn, tnt.State, tnt.State, error) {}

// TestTimeOfCalls has every form of call end at its deadline, to the nanosecond,
// at a server that answers nothing.
func TestTimeOfCalls(t *testing.T) {
	forms := map[string]func(ctx context.Context, ex tnt.Executor) error{
		"Do": func(ctx context.Context, ex tnt.Executor) error {
			_, err := tnt.Do(ctx, ex, tnt.Call{Function: "f"})
			return err
		},
		"Go": func(ctx context.Context, ex tnt.Executor) error {
			_, err := tnt.Go(ctx, ex, tnt.Call{Function: "f"}).Wait(ctx)
			return err
		},
		"Batch": func(ctx context.Context, ex tnt.Executor) error {
			reqs := make([]tnt.Request, 600)
			for i := range reqs {
				reqs[i] = tnt.Call{Function: "f"}
			}
			var err error
			for _, r := range tnt.Batch(ctx, ex, reqs...) {
				if err = r.Err; err == nil {
					return nil
				}
			}
			return err
		},
		"Each": func(ctx context.Context, ex tnt.Executor) error {
			var err error
			for _, err = range tnt.Each[any](ctx, ex, make([]tnt.Call, 600)) {
				if err == nil {
					return nil
				}
			}
			return err
		},
		"Scan": func(ctx context.Context, ex tnt.Executor) error {
			var err error
			for _, err = range tnt.Scan(ctx, ex, tnt.Select{Space: "users"}, 10) {
				break
			}
			return err
		},
		"InTx": func(ctx context.Context, ex tnt.Executor) error {
			return tnt.InTx(ctx, ex, func(s *tnt.Stream) error { return tnt.Exec(ctx, s, tnt.Call{Function: "f"}) })
		},
		"Prepared": func(ctx context.Context, ex tnt.Executor) error {
			_, err := tnt.NewPrepared(ctx, ex, "SELECT 1")
			return err
		},
	}
	for name, do := range forms {
		t.Run(name, func(t *testing.T) { callsEndInTime(t, do) })
	}
}

func callsEndInTime(t *testing.T, do func(ctx context.Context, ex tnt.Executor) error) {
	t.Helper()
	inTime(t, func(b *bubble) {
		c := b.connect(func(o *tnt.Options) {
			o.RequestTimeout, o.WaitConnected, o.ReconnectInterval = 2*time.Second, true, time.Hour
		})
		remove := b.srv.Inject(tnttest.Fault{On: tnttest.AnyRequest, Delay: time.Hour})
		b.took("a call with RequestTimeout", 2*time.Second, func() {
			if err := do(context.Background(), c); !errors.Is(err, tnt.ErrTimeout) {
				t.Errorf("with RequestTimeout: %v", err)
			}
		})
		mine := errors.New("my cause")
		ctx, cancel := context.WithTimeoutCause(context.Background(), 3*time.Second, mine)
		defer cancel()
		b.took("a call with a context's deadline", 3*time.Second, func() {
			if err := do(ctx, c); !errors.Is(err, mine) || errors.Is(err, tnt.ErrTimeout) {
				t.Errorf("with a deadline: %v", err)
			}
		})
		remove()
		b.setAway(true)
		b.cut()
		b.took("a call with RequestTimeout while the server is away", 2*time.Second, func() {
			if err := do(context.Background(), c); !errors.Is(err, tnt.ErrTimeout) || !tnt.SafeToRetry(err) {
				t.Errorf("while the server is away: %v", err)
			}
		})
	})
}

// TestTimeOfShutdown lets what is in flight end when the server announces its
// shutdown, and bounds that by DeadAfter.
func TestTimeOfShutdown(t *testing.T) {
	for _, test := range []struct {
		name          string
		delay, within time.Duration
		fails         bool
	}{
		{"in time", 3 * time.Second, 3 * time.Second, false},
		{"too late", time.Hour, 10 * time.Second, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inTime(t, func(b *bubble) {
				c := b.connect(func(o *tnt.Options) { o.DeadAfter, o.ReconnectInterval = 10*time.Second, time.Hour })
				b.srv.Handle("f", func(call *tnttest.Call) ([]any, error) {
					select {
					case <-time.After(test.delay):
					case <-call.Context().Done():
					}
					return []any{1}, nil
				})
				f := c.Go(context.Background(), tnt.Call{Function: "f"})
				synctest.Wait()
				ctx, cancel := context.WithCancel(context.Background())
				ended := make(chan struct{})
				go func() {
					_ = b.srv.Shutdown(ctx)
					close(ended)
				}()
				synctest.Wait()
				if err := c.Ping(context.Background()); !errors.Is(err, tnt.ErrNotConnected) {
					t.Errorf("a new request meanwhile: %v", err)
				}
				b.took("what was in flight", test.within, func() {
					if _, err := f.Wait(context.Background()); (err != nil) != test.fails {
						t.Errorf("it ended with %v", err)
					}
				})
				cancel()
				<-ended
			})
		})
	}
}

// TestTimeOfCloseGraceful waits for what is in flight, as long as its context lasts.
func TestTimeOfCloseGraceful(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.connect()
		b.srv.Inject(tnttest.Fault{On: iproto.TypePing, Delay: 4 * time.Second})
		f := c.Go(context.Background(), tnt.Ping{})
		b.took("CloseGraceful", 4*time.Second, func() {
			if err := c.CloseGraceful(context.Background()); err != nil {
				t.Error(err)
			}
		})
		if _, err := f.Wait(context.Background()); err != nil {
			t.Errorf("what was in flight: %v", err)
		}
		if err := c.Connect(context.Background()); err != nil {
			t.Fatal(err)
		}
		f = c.Go(context.Background(), tnt.Ping{})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		b.took("CloseGraceful that gives up", time.Second, func() {
			if err := c.CloseGraceful(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("it ended with %v", err)
			}
		})
		if _, err := f.Wait(context.Background()); !errors.Is(err, tnt.ErrClosed) || !errors.Is(err, tnt.ErrConnectionLost) {
			t.Errorf("what was in flight: %v", err)
		}
	})
}

// TestTimeOfRetry holds Retry's pauses to its policy, and has it wait for a server
// that is away, and no longer.
func TestTimeOfRetry(t *testing.T) {
	inTime(t, func(b *bubble) {
		c := b.connect(func(o *tnt.Options) {
			o.ReconnectInterval, o.MaxReconnectInterval = 100*time.Second, 100*time.Second
		})
		var tries []time.Duration
		busy := func(context.Context) error {
			tries = append(tries, time.Since(b.began))
			return &tnt.Error{Code: errcode.TransactionConflict, Message: "conflict"}
		}
		policy := tnt.Policy{Attempts: 12, MinPause: 10 * time.Millisecond, MaxPause: 80 * time.Millisecond}
		if err := tnt.Retry(context.Background(), policy, busy); !errors.Is(err, errcode.TransactionConflict) || len(tries) != 12 {
			t.Fatalf("%d tries, %v", len(tries), err)
		}
		for i := 1; i < len(tries); i++ {
			longest := min(80*time.Millisecond, 10*time.Millisecond<<(i-1))
			if pause := tries[i] - tries[i-1]; pause < longest/2 || pause > longest {
				t.Errorf("pause %d is %v, not between %v and %v", i, pause, longest/2, longest)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		b.took("Retry until its context ends", 5*time.Second, func() {
			if err := tnt.Retry(ctx, tnt.Policy{}, busy); !errors.Is(err, errcode.TransactionConflict) {
				t.Errorf("it ended with %v", err)
			}
		})
		b.setAway(true)
		b.cut()
		b.dialled()
		b.setAway(false)
		calls := 0
		if err := tnt.Retry(context.Background(), tnt.Policy{}, func(ctx context.Context) error {
			calls++
			return c.Ping(ctx)
		}); err != nil || calls != 2 {
			t.Errorf("while the server is away Retry called %d times: %v", calls, err)
		}
		if dials := b.dialled(); len(dials) != 1 || dials[0] != time.Since(b.began) {
			t.Errorf("Retry ended at %v, the connection was back at %v", time.Since(b.began), dials)
		}
	})
}
