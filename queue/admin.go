package queue

import (
	"context"

	"github.com/gotnt/tnt/internal/luacall"
	"github.com/gotnt/tnt/internal/queuelua"
)

// Kind is what kind of queue a tube is. Servers may have more of their own.
type Kind string

// The kinds that the module has.
const (
	FIFO       Kind = "fifo"       // in order
	FIFOTTL    Kind = "fifottl"    // by priority, with delays and times to live and to run
	UTube      Kind = "utube"      // sub-queues whose tasks are done one by one
	UTubeTTL   Kind = "utubettl"   // both
	LimFIFOTTL Kind = "limfifottl" // fifottl with a bounded number of tasks
)

// CreateOptions are those of Create. What is not set is not sent.
type CreateOptions struct {
	IfNotExists bool
	Temporary   bool   // is lost when the server restarts
	Capacity    int    // of a limfifottl
	Engine      string // of the tube's space: "memtx", the default, or "vinyl"
	StorageMode string // of a utube: "default" or "ready_buffer"
}

func (o CreateOptions) encode() map[string]any {
	m := make(map[string]any)
	if o.IfNotExists {
		m["if_not_exists"] = true
	}
	if o.Temporary {
		m["temporary"] = true
	}
	if o.Capacity > 0 {
		m["capacity"] = o.Capacity
	}
	if o.Engine != "" {
		m["engine"] = o.Engine
	}
	if o.StorageMode != "" {
		m["storage_mode"] = o.StorageMode
	}
	return m
}

// Create makes a tube. It takes the right to EVAL.
func (c *Client) Create(ctx context.Context, name string, kind Kind, opts CreateOptions) (Tube, error) {
	_, err := c.do(ctx, request{text: queuelua.Create, args: []any{name, string(kind), opts.encode()}})
	return c.Tube(name), err
}

// Exists reports whether there is such a tube. It takes the right to EVAL.
func (t Tube) Exists(ctx context.Context) (bool, error) {
	results, err := t.client.do(ctx, request{text: queuelua.Exists, args: []any{t.name}, again: true})
	return err == nil && luacall.At(results, 0).Bool(), err
}

// Drop removes a tube with its tasks. The server refuses while tasks are taken
// or waited for.
func (t Tube) Drop(ctx context.Context) error {
	_, err := t.client.do(ctx, request{text: t.method("drop")})
	return err
}

// State returns the state of the master's queue: "RUNNING", as only such a one
// is the master.
func (c *Client) State(ctx context.Context) (string, error) {
	results, err := c.do(ctx, request{text: "queue.state", again: true})
	return luacall.At(results, 0).Text(), err
}
