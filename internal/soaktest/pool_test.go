package soaktest_test

import (
	"context"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/soaktest"
	"github.com/gotnt/tnt/pool"
)

// TestSoakPool has a pool of one instance under the same, with two connections for
// requests.
func TestSoakPool(t *testing.T) {
	soak(t, soaktest.Embedded, soaktest.Config{
		Duration: *duration / 2, Clients: []soaktest.Client{{Name: "pool", Connect: connectPool}},
	})
}

func connectPool(ctx context.Context, addresses []string) (tnt.Executor, func(), error) {
	p, err := pool.New(pool.Options{
		Instances: []pool.Instance{{Options: tnt.Options{
			Address: addresses[0], ReconnectInterval: 20 * time.Millisecond, MaxReconnectInterval: 200 * time.Millisecond,
			ConnectTimeout: 2 * time.Second, PingInterval: 100 * time.Millisecond, DeadAfter: 500 * time.Millisecond,
		}}},
		Connections: 2, Probe: 100 * time.Millisecond,
	})
	if err != nil {
		return nil, nil, err
	}
	if err := p.WaitMaster(ctx); err != nil {
		_ = p.Close()
		return nil, nil, err
	}
	return p, func() { _ = p.Close() }, nil
}
