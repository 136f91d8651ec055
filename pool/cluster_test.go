package pool_test

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/pool"
)

//go:embed testdata/replica.lua
var replicaScript string

// cluster is three real servers that replicate to each other.
type cluster struct {
	tarantool.Program
	servers []*tarantool.Server
	direct  []*tnt.Conn // to each, for the operator
}

// onClusters runs a test on a replica set of each Tarantool there is, that is at least
// the version.
func onClusters(t *testing.T, mode string, major, minor int, f func(t *testing.T, c *cluster)) {
	t.Helper()
	for _, p := range tarantool.Programs(t) {
		t.Run(p.Version.String(), func(t *testing.T) {
			if !p.Version.AtLeast(major, minor, 0) {
				t.Skipf("takes Tarantool %d.%d, this is %v", major, minor, p.Version)
			}
			t.Parallel()
			c, err := startCluster(p, mode, replicationTimeout)
			if err != nil {
				t.Fatal(err)
			}
			defer c.close()
			f(t, c)
		})
	}
}

// replicationTimeout is shorter than the default, a second, so that elections take one
// second and not four.
const replicationTimeout = 250 * time.Millisecond

func startCluster(p tarantool.Program, mode string, timeout time.Duration) (*cluster, error) {
	c := &cluster{Program: p}
	var peers []string
	for i := range 3 {
		s, err := tarantool.NewScript(p.Path, replicaScript, fmt.Sprintf("NUMBER=%d", i+1), "MODE="+mode, fmt.Sprintf("TIMEOUT=%v", timeout.Seconds()))
		if err != nil {
			return nil, err
		}
		c.servers = append(c.servers, s)
		peers = append(peers, s.Address)
	}
	var wg sync.WaitGroup
	errs := make([]error, 3)
	for i, s := range c.servers {
		s.SetEnv("PEERS=" + strings.Join(peers, ","))
		wg.Go(func() { errs[i] = s.Run() })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			c.close()
			return nil, fmt.Errorf("r%d: %w", i+1, err)
		}
	}
	for _, s := range c.servers {
		conn, err := tnt.New(tnt.Options{Address: s.Address, WaitConnected: true, NoSchema: true})
		if err != nil {
			return nil, err
		}
		conn.Start()
		c.direct = append(c.direct, conn)
	}
	return c, nil
}

func (c *cluster) close() {
	for _, conn := range c.direct {
		_ = conn.Disconnect(context.Background())
	}
	for _, s := range c.servers {
		_ = s.Close()
	}
}

// options are those of a pool of the cluster, whose instances are r1, r2 and r3.
func (c *cluster) options() pool.Options {
	var opts pool.Options
	for i, s := range c.servers {
		opts.Instances = append(opts.Instances, pool.Instance{Name: fmt.Sprintf("r%d", i+1), Options: tnt.Options{Address: s.Address}})
	}
	return opts
}

func (c *cluster) open(t *testing.T, opts pool.Options) *pool.Pool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	p, err := pool.Open(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// lua runs Lua on an instance, past the pool.
func (c *cluster) lua(i int, expr string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, err := c.direct[i].Eval(ctx, expr, args...)
	return err
}

// master returns the number of the pool's master, -1 for none.
func master(p *pool.Pool) int {
	for i, s := range p.Status() {
		if s.Role == pool.Master {
			return i
		}
	}
	return -1
}

// switchTo makes an instance the master by read_only, as an operator does.
func (c *cluster) switchTo(from, to int) error {
	if err := c.lua(from, `box.cfg{read_only = true}`); err != nil {
		return err
	}
	return c.lua(to, `box.cfg{read_only = false}`)
}

// keys returns the keys that an instance has, read in pages: an EVAL may not run for
// long.
func (c *cluster) keys(i int) (map[uint64]bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	all := map[uint64]bool{}
	for last := uint64(0); ; {
		page, err := tnt.One[[]uint64](ctx, c.direct[i], tnt.Eval{Expr: `
			local keys = {}
			for _, t in ipairs(box.space.kv:select({...}, {iterator = 'GE', limit = 10000})) do table.insert(keys, t[1]) end
			return keys`, Args: []any{last}})
		if err != nil {
			return nil, err
		}
		for _, k := range page {
			all[k] = true
			last = k + 1
		}
		if len(page) < 10000 {
			return all, nil
		}
	}
}

// rows returns how many rows an instance has.
func (c *cluster) rows(i int) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return tnt.One[int](ctx, c.direct[i], tnt.Eval{Expr: `return box.space.kv:len()`})
}

// promote makes an instance the leader. It is done again where another election came
// first.
func (c *cluster) promote(t *testing.T, i int) {
	t.Helper()
	eventually(t, fmt.Sprintf("r%d is promoted", i+1), func() bool { return c.lua(i, `box.ctl.promote()`) == nil })
}
