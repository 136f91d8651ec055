package pool_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// What the ends of tries and waits are: TryFor, MaxWait, contexts, silence.

// A master that falls silent yields to one that was writable when it was first heard of:
// that this one turned so was not seen.
func TestSilentMasterYields(t *testing.T) {
	for _, version := range []string{"3.8.0", "2.6.0"} {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &embedded{ReplicaSet: tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), kvSpace, tnttest.WithVersion(version), tnttest.WithoutElections())}
				gate := make(chan struct{})
				opts := pool.Options{Instances: e.instances()}
				opts.Instances[1].Options.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
					select {
					case <-gate:
						return e.DialContext(ctx, network, address)
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				}
				p, err := pool.Open(t.Context(), opts)
				must(t, err)
				defer func() { _ = p.Close() }()
				e.pool = p
				synctest.Wait()
				must(t, e.Freeze(0))
				began := time.Now()
				inFlight := make(chan error, 1)
				go func() { inFlight <- insert(t.Context(), p, 1) }()
				must(t, e.SetReadOnly(1, false))
				close(gate)
				// A probe each second that may take a second, and 200 ms.
				if err := <-inFlight; !errors.Is(err, pool.ErrSuperseded) || time.Since(began) > 2500*time.Millisecond {
					t.Errorf("what was in flight: %v after %v", err, time.Since(began))
				}
				must(t, insert(t.Context(), p, 2))
				e.wantRoles(t, pool.Superseded, pool.Master, pool.Replica)
				must(t, e.Thaw(0)) // it says that it is writable, and nobody knows whose turn was later
				time.Sleep(10 * time.Second)
				e.wantRoles(t, pool.Replica, pool.Master, pool.Replica)
			})
		})
	}
}
