package soaktest_test

import (
	"context"
	"flag"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/soaktest"
	"github.com/gotnt/tnt/internal/tarantool"
)

var (
	duration = flag.Duration("soak.duration", 6*time.Second, "how long each server is soaked")
	seed     = flag.Uint64("soak.seed", 0, "what faults and requests are drawn from; 0: another one each time")
	callers  = flag.Int("soak.callers", 8, "callers of each client")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// servers are the embedded one and every real one there is.
func servers(t *testing.T) map[string]func() (*soaktest.Server, error) {
	t.Helper()
	all := map[string]func() (*soaktest.Server, error){"embedded": soaktest.Embedded}
	programs, err := tarantool.Find()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range programs {
		all[p.Version.String()] = func() (*soaktest.Server, error) { return soaktest.Real(p) }
	}
	return all
}

// TestSoak puts connections with several sets of options under load through
// faults. More of it: go test ./internal/soaktest -run TestSoak -timeout 0
// -soak.duration=10m -v, and -soak.seed to have the same faults again.
func TestSoak(t *testing.T) {
	for name, start := range servers(t) {
		t.Run(name, func(t *testing.T) { soak(t, start, soaktest.Config{Duration: *duration}) })
	}
}

// TestSoakExecutor has an executor of several connections under the same.
func TestSoakExecutor(t *testing.T) {
	soak(t, soaktest.Embedded, soaktest.Config{
		Duration: *duration / 2, Addresses: 3,
		Clients: []soaktest.Client{{Name: "three by turns", Connect: connectTurns}},
	})
}

func soak(t *testing.T, start func() (*soaktest.Server, error), cfg soaktest.Config) {
	t.Helper()
	srv, err := start()
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	cfg.Server, cfg.Seed, cfg.Callers = srv, *seed, *callers
	if cfg.Seed == 0 {
		cfg.Seed = uint64(time.Now().UnixNano())
	}
	report, err := soaktest.Run(context.Background(), cfg)
	if err != nil {
		t.Fatalf("seed %d: %v", cfg.Seed, err)
	}
	t.Logf("\n%s", report)
	for _, v := range report.Violations {
		t.Errorf("%s", v)
	}
	if report.Checked == 0 || len(report.Faults) == 0 || report.Writes == 0 {
		t.Error("nothing was put to the test")
	}
	if t.Failed() {
		t.Logf("again: go test ./internal/soaktest -run '^%s$' -timeout 0 -soak.duration=%v -soak.seed=%d", t.Name(), *duration, cfg.Seed)
	}
}

// turns goes to one connection after the other.
type turns struct {
	conns []*tnt.Conn
	next  atomic.Uint64
}

func (x *turns) Route(ctx context.Context, a tnt.Attempt) (tnt.Route, error) {
	if a.Try > 2*len(x.conns) {
		return tnt.Route{}, fmt.Errorf("tried %d times: %w", a.Try-1, a.Err)
	}
	c := x.conns[x.next.Add(1)%uint64(len(x.conns))]
	return c.Route(ctx, tnt.Attempt{Request: a.Request, Try: 1})
}

func connectTurns(ctx context.Context, addresses []string) (tnt.Executor, func(), error) {
	x := new(turns)
	end := func() {
		for _, c := range x.conns {
			_ = c.Disconnect(context.Background())
		}
	}
	for _, address := range addresses {
		c, err := tnt.ConnectOptions(ctx, tnt.Options{
			Address: address, ReconnectInterval: 20 * time.Millisecond, MaxReconnectInterval: 200 * time.Millisecond,
			ConnectTimeout: 2 * time.Second, PingInterval: 100 * time.Millisecond, DeadAfter: 500 * time.Millisecond,
		})
		if err != nil {
			end()
			return nil, nil, err
		}
		x.conns = append(x.conns, c)
	}
	return x, end, nil
}
