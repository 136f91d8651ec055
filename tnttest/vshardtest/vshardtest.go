// Package vshardtest is a fake of a cluster that is sharded by Tarantool's
// module vshard: embedded servers that answer as its storages do, with buckets
// that move when a test says so. It is for tests of programs that use package
// vshard:
//
//	cluster := vshardtest.Run(t, vshardtest.Options{Buckets: 100, ReplicaSets: 2, Instances: 2})
//	cluster.Handle("get_user", func(c *vshardtest.Call) ([]any, error) { ... })
//	for _, set := range cluster.Sets() {
//		... // set.UUID, set.Instances[0].Server.Addr()
//	}
//
// It answers as storages of vshard 0.1.42 were recorded to.
package vshardtest

import (
	"fmt"
	"sync"
	"time"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

// Options of a cluster.
type Options struct {
	Buckets     int // Default: 100
	ReplicaSets int // Default: 2
	Instances   int // in each replica set; the first is the master. Default: 2
	// Server are options of each server, such as tnttest.InMemory().
	Server []tnttest.Option
}

// Set is a replica set.
type Set struct {
	UUID      string
	Instances []*Instance

	servers *tnttest.ReplicaSet
}

// Instance is a storage.
type Instance struct {
	UUID   string // by which the module calls it: the name to give it in a pool
	Server *tnttest.Server

	set      int
	cluster  *Cluster
	disabled bool
	refs     map[ref]bool
	sessions map[uint64]bool // those that have had a ref
}

// ref holds a replica set's buckets in their place, for a session.
type ref struct {
	conn uint64
	id   int64
}

// Call is a call of a function, on a storage.
type Call struct {
	*tnttest.Call
	Set, Instance string // UUIDs
	Bucket        int    // 0 in a map
	Arguments     []any
}

// Handler serves calls of a function.
type Handler func(*Call) ([]any, error)

// status of a bucket on a replica set.
type status struct {
	name        string // "active", "sending", "receiving", "sent", "garbage", "readonly", "pinned"
	destination string
}

// Cluster is a fake cluster. Its methods are safe for concurrent use.
type Cluster struct {
	buckets int
	sets    []*Set

	mu       sync.Mutex
	handlers map[string]Handler
	statuses []map[int]status // by replica set and bucket
	masters  []int            // by replica set: the instance
	requests int
}

// Run starts a cluster for a test and ends it with the test. Buckets are spread
// evenly: the first replica set has the first ones.
func Run(tb tnttest.TB, opts Options) *Cluster {
	tb.Helper()
	if opts.Buckets <= 0 {
		opts.Buckets = 100
	}
	if opts.ReplicaSets <= 0 {
		opts.ReplicaSets = 2
	}
	if opts.Instances <= 0 {
		opts.Instances = 2
	}
	c := &Cluster{buckets: opts.Buckets, handlers: make(map[string]Handler), masters: make([]int, opts.ReplicaSets)}
	for s := range opts.ReplicaSets {
		set := &Set{
			UUID:    fmt.Sprintf("00000000-0000-4000-8000-0000000000%02x", s+1),
			servers: tnttest.RunReplicaSet(tb, opts.Instances, append([]tnttest.Option{tnttest.WithoutElections()}, opts.Server...)...),
		}
		has := make(map[int]status)
		for b := s*opts.Buckets/opts.ReplicaSets + 1; b <= (s+1)*opts.Buckets/opts.ReplicaSets; b++ {
			has[b] = status{name: "active"}
		}
		c.sets, c.statuses = append(c.sets, set), append(c.statuses, has)
		for i := range opts.Instances {
			in := &Instance{
				UUID: fmt.Sprintf("00000000-0000-4000-8000-00000000%02x%02x", s+1, i+1), Server: set.servers.Instance(i),
				set: s, cluster: c, refs: make(map[ref]bool), sessions: make(map[uint64]bool),
			}
			in.register()
			set.Instances = append(set.Instances, in)
		}
	}
	return c
}

// Sets returns the replica sets. They must not be changed.
func (c *Cluster) Sets() []*Set { return c.sets }

// Handle registers a function on all storages.
func (c *Cluster) Handle(name string, h Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handlers[name] = h
}

// Requests returns how many requests the storages have had.
func (c *Cluster) Requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}

// SetMaster makes an instance the master of its replica set, by their numbers
// from 0 on: it can be written to, and the others are read-only.
func (c *Cluster) SetMaster(set, instance int) {
	c.SetStorageMaster(set, instance)
	servers := c.sets[set].servers
	for i := range servers.Len() {
		if i != instance {
			_ = servers.SetReadOnly(i, true) // it is a member
		}
	}
	_ = servers.SetReadOnly(instance, false)
}

// SetStorageMaster makes an instance the master for the module alone, as between
// two steps of a change of the configuration: what is read-only stays so.
func (c *Cluster) SetStorageMaster(set, instance int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.masters[set] = instance
}

// Disable switches a storage off, as vshard.storage.disable does, or on.
func (c *Cluster) Disable(set, instance int, on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sets[set].Instances[instance].disabled = on
}

// Where returns the number of the replica set that has a bucket, -1 for none.
func (c *Cluster) Where(bucket int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s, has := range c.statuses {
		if name := has[bucket].name; name == "active" || name == "sending" || name == "readonly" || name == "pinned" {
			return s
		}
	}
	return -1
}

// Lock locks a bucket, as before it is sent: it can be read, not written. Unlock
// ends that.
func (c *Cluster) Lock(bucket int) { c.set(bucket, "readonly") }

// Unlock makes a bucket that is locked active.
func (c *Cluster) Unlock(bucket int) { c.set(bucket, "active") }

func (c *Cluster) set(bucket int, name string) {
	at := c.Where(bucket)
	c.mu.Lock()
	defer c.mu.Unlock()
	if at >= 0 {
		c.statuses[at][bucket] = status{name: name}
	}
}

// Send begins to move a bucket to a replica set: the two point at each other
// until finish is called, after which the old one is garbage, for its writes
// and reads to be told that it is locked, until forget is called.
func (c *Cluster) Send(bucket, to int) (finish, forget func()) {
	from := c.Where(bucket)
	c.mu.Lock()
	defer c.mu.Unlock()
	if from < 0 || from == to {
		return func() {}, func() {}
	}
	c.statuses[from][bucket] = status{"sending", c.sets[to].UUID}
	c.statuses[to][bucket] = status{"receiving", c.sets[from].UUID}
	finish = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.statuses[from][bucket] = status{"sent", c.sets[to].UUID}
		c.statuses[to][bucket] = status{name: "active"}
	}
	forget = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.statuses[from][bucket] = status{"", c.sets[to].UUID}
	}
	return finish, forget
}

// Move moves a bucket to a replica set at once.
func (c *Cluster) Move(bucket, to int) {
	if c.Where(bucket) < 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.statuses[to][bucket] = status{name: "active"}
		return
	}
	finish, forget := c.Send(bucket, to)
	finish()
	forget()
}

// Stray makes two replica sets say of a bucket that the other one has it, as
// happens while it is being moved. Move ends that.
func (c *Cluster) Stray(bucket, one, other int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.statuses[one][bucket] = status{"", c.sets[other].UUID}
	c.statuses[other][bucket] = status{"", c.sets[one].UUID}
}

// Refs returns how many refs hold a replica set's buckets in their place.
func (c *Cluster) Refs(set int) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, in := range c.sets[set].Instances {
		n += len(in.refs)
	}
	return n
}

func sharding(name string, code int, message string, more map[string]any) map[string]any {
	e := map[string]any{"type": "ShardingError", "name": name, "code": code, "message": message}
	for k, v := range more {
		e[k] = v
	}
	return e
}

func wrongBucket(bucket int, reason, destination string) map[string]any {
	more := map[string]any{"bucket_id": bucket, "reason": reason}
	if destination != "" {
		more["destination"] = destination
	}
	return sharding("WRONG_BUCKET", 1, fmt.Sprintf("Cannot perform action with bucket %d, reason: %s", bucket, reason), more)
}

func locked(bucket int) map[string]any {
	return sharding("BUCKET_IS_LOCKED", 22, fmt.Sprintf("Bucket %d is locked", bucket), map[string]any{"bucket_id": bucket})
}

var errDisabled = &types.Error{
	Type: "LuajitError", Code: errcode.ProcLua, File: "./src/lua/utils.c",
	Message: `{"reason":"storage is disabled explicitly","code":33,"type":"ShardingError","message":"Storage is disabled: storage is disabled explicitly","name":"STORAGE_IS_DISABLED"}`,
}

// functionError is what vshard makes of what a function raised.
func functionError(err error) map[string]any {
	m := map[string]any{"type": "ClientError", "base_type": "ClientError", "name": "PROC_LUA", "code": int(errcode.ProcLua), "message": err.Error()}
	if e, ok := err.(*types.Error); ok { //nolint:errorlint // what a handler returns is not wrapped
		m["message"] = e.Message
		if e.Code == errcode.NoSuchProc { // which vshard finds itself
			m["name"], m["code"] = "NO_SUCH_PROC", int(e.Code)
		} else {
			m["details"] = e
		}
	}
	return m
}

// refTimer forgets a ref when its time has passed.
func (in *Instance) refTimer(r ref, d time.Duration) {
	time.AfterFunc(d, func() {
		in.cluster.mu.Lock()
		defer in.cluster.mu.Unlock()
		delete(in.refs, r)
	})
}
