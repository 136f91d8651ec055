package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// failoverStep shows a pool over an embedded replica set, whatever server the rest of
// the demonstration is on: nobody wants a real one's master killed.
var failoverStep = step{
	"A failover, on an embedded replica set of three", `p, err := pool.Connect(ctx, "tarantool://127.0.0.1:...,127.0.0.1:...,127.0.0.1:.../")
p.Insert(ctx, "kv", []any{1, "before"})
rs.Kill(0)   // the master
p.Idempotent().Replace(ctx, "kv", []any{2, "after"})`,
	failover,
}

// changes keeps what the pool tells of roles.
type changes struct {
	mu    sync.Mutex
	lines []string
}

// OnRole implements pool.RoleHook.
func (c *changes) OnRole(instance string, from, to pool.Role, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, fmt.Sprintf("%s: %v -> %v, because %v", instance, from, to, why))
}

// take returns the lines since the last time.
func (c *changes) take() (lines []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines, c.lines = c.lines, nil
	return lines
}

func failover(d *demo) (_ any, err error) {
	rs, err := tnttest.StartReplicaSet(3, tnttest.WithSpace(tnttest.SpaceDef{
		Name:    "kv",
		Format:  []tnttest.Field{{Name: "k", Type: "unsigned"}, {Name: "v", Type: "string"}},
		Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
	}))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rs.Close()) }()
	if err := rs.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	told := &changes{}
	opts := pool.Options{Hooks: []pool.Hook{told}}
	for i, addr := range rs.Addrs() {
		opts.Instances = append(opts.Instances, pool.Instance{Name: rs.Name(i), Options: tnt.Options{Address: addr}})
	}
	p, err := pool.Open(d.ctx, opts)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Close() }()
	if _, err := p.Insert(d.ctx, "kv", []any{1, "before"}); err != nil {
		return nil, err
	}
	told.take()
	if err := rs.Kill(0); err != nil {
		return nil, err
	}
	began := time.Now()
	// It may be sent before anybody knows of the loss, and is not done again by itself
	// then. Here twice is as good as once.
	_, err = p.Idempotent().Replace(d.ctx, "kv", []any{2, "after"})
	if err != nil {
		return nil, err
	}
	took := time.Since(began).Round(time.Millisecond)
	rows, err := tnt.All[struct {
		K uint64
		V string
	}](d.ctx, p, tnt.Select{Space: "kv"})
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the second write waited %v for the election, and no call failed: %v", took, rows)
	if err := p.Close(); err != nil {
		return nil, err
	}
	for _, line := range told.take() {
		fmt.Fprintf(&b, "\n     %s", line)
	}
	return b.String(), nil
}
