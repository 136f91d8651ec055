package vshard_test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/recordedtest"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/vshard"
)

// luaKeys are the keys that the recording made in Lua, by its cases, and Go has too.
var luaKeys = map[string]any{
	"hash of a decimal":       decimal.RequireFromString("1.50"),
	"hash of a null in table": []any{1, nil, 2},
	"hash of a datetime":      time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
}

// storages are those of the recorded cluster, two sets of two, which answer as if all
// went well, but for what a line is put in the place of.
type storages struct {
	sets   [2][2]*storage
	config vshard.Config

	// The test's own changes, and what servers read meanwhile for discovery.
	mu   sync.Mutex
	has  [2][]uint32 // buckets that discovery finds
	lost bool        // buckets are not found when they are looked for
}

// homeOf is the set that has a bucket: the recorded cluster has the first ones in the
// second set.
func homeOf(bucket uint32) int {
	if bucket > 50 {
		return 0
	}
	return 1
}

// pretend has discovery find a bucket at a set.
func (s *storages) pretend(bucket uint32, set int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.has[1-set] = slices.DeleteFunc(s.has[1-set], func(b uint32) bool { return b == bucket })
	s.has[set] = append(s.has[set], bucket)
}

type storage struct {
	name     string // its UUID, or its name where the cluster has those
	cluster  *storages
	set      int
	replica  bool
	srv      *tnttest.Server
	peers    *tnttest.ReplicaSet
	services map[string]tnttest.Handler // of _call
}

// newStorages starts the storages; named is that they are known by names.
func newStorages(t *testing.T, named bool) *storages {
	t.Helper()
	names := [2][2]string{
		{"8a274925-a26d-47fc-9e1b-af88ce939412", "3de2e3e1-9ebe-4d0d-abb1-26d301b84633"},
		{"1e02ae8a-afc0-4e91-ba34-843a356b8ed7", "001688c3-66f8-4a31-8e19-036c17d489c2"},
	}
	if named {
		names = [2][2]string{{"s1a", "s1b"}, {"s2a", "s2b"}}
	}
	s := &storages{config: vshard.Config{Buckets: 100, ReplicaSets: []vshard.ReplicaSet{
		{UUID: "cbf06940-0790-498b-948d-042b62cf3d29"}, {UUID: "ac522f65-aa94-4134-9f64-51ee384f1a54"},
	}}}
	for set := range s.sets {
		rs := tnttest.RunReplicaSet(t, 2, tnttest.WithoutElections(), tnttest.InMemory())
		config := &s.config.ReplicaSets[set]
		if named {
			config.Name = [...]string{"rs1", "rs2"}[set]
		}
		for i := range s.sets[set] {
			in := &storage{name: names[set][i], cluster: s, set: set, replica: i > 0, srv: rs.Instance(i), peers: rs}
			s.sets[set][i] = in
			config.Instances = append(config.Instances, pool.Instance{Name: in.name, Options: tnt.Options{Dialer: in.srv.DialContext}})
		}
	}
	return s
}

// set says which buckets discovery finds, and whether others are lost.
func (s *storages) set(has [2][]uint32, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.has, s.lost = has, lost
}

// at returns the storage that a line is from, when all are as if all went well. What
// was recorded of a router that is no storage is the first one's.
func (s *storages) at(l recordedtest.Line) *storage {
	var has [2][]uint32
	for b := range s.config.Buckets {
		has[homeOf(b+1)] = append(has[homeOf(b+1)], b+1)
	}
	s.set(has, false)
	for _, set := range s.sets {
		for _, in := range set {
			s.mu.Lock()
			in.services = make(map[string]tnttest.Handler)
			s.mu.Unlock()
			in.srv.Handle("vshard.storage.call", in.call)
			in.srv.Handle("vshard.storage.bucket_stat", in.stat)
			in.srv.Handle("vshard.storage.buckets_discovery", func(*tnttest.Call) ([]any, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				return []any{map[string]any{"buckets": slices.Clone(s.has[in.set])}}, nil
			})
			in.srv.Handle("vshard.storage._call", func(c *tnttest.Call) ([]any, error) {
				service, err := tnttest.Arg[string](c, 0)
				s.mu.Lock()
				h := in.services[service]
				s.mu.Unlock()
				if h != nil && err == nil {
					return h(c)
				}
				return in.serve(c)
			})
		}
		set[0].becomeMaster()
	}
	set, i := 0, 0
	if strings.HasPrefix(l.Conn, "s2") {
		set = 1
	}
	if len(l.Conn) > 2 && l.Conn[2] == 'b' {
		i = 1
	}
	return s.sets[set][i]
}

// becomeMaster makes it the one that can be written to.
func (in *storage) becomeMaster() {
	first, second := 0, 1
	if in.replica {
		first, second = 1, 0
	}
	_ = in.peers.SetReadOnly(second, true) // both are members
	_ = in.peers.SetReadOnly(first, false)
}

// answer has the storage answer calls of a function as the line does, at first alone
// where then is not nil.
func (in *storage) answer(function string, l recordedtest.Line, then tnttest.Handler) (answered func() int) {
	h, answered := l.Handler(then)
	in.srv.Handle(function, h)
	return answered
}

// service has the storage answer a service of _call.
func (in *storage) service(name string, h tnttest.Handler) {
	in.cluster.mu.Lock()
	defer in.cluster.mu.Unlock()
	in.services[name] = h
}

// once answers with values, and then by another handler, if there is one.
func once(then tnttest.Handler, values ...any) tnttest.Handler {
	var answered atomic.Bool
	return func(c *tnttest.Call) ([]any, error) {
		if answered.Swap(true) && then != nil {
			return then(c)
		}
		return values, nil
	}
}

// call answers a function with the name of the storage.
func (in *storage) call(*tnttest.Call) ([]any, error) { return []any{true, in.name}, nil }

// stat finds a bucket at its home, if it is not lost.
func (in *storage) stat(c *tnttest.Call) ([]any, error) {
	bucket, err := tnttest.Arg[uint32](c, 0)
	in.cluster.mu.Lock()
	lost := in.cluster.lost
	in.cluster.mu.Unlock()
	if homeOf(bucket) == in.set && !lost {
		return []any{map[string]any{"id": bucket, "status": "active"}, nil}, err
	}
	return []any{nil, map[string]any{"type": "ShardingError", "name": "WRONG_BUCKET", "code": 1, "bucket_id": bucket}}, err
}

// serve answers the services of _call.
func (in *storage) serve(c *tnttest.Call) ([]any, error) {
	service, err := tnttest.Arg[string](c, 0)
	switch service {
	case "info":
		return []any{map[string]any{"is_master": false}}, err
	case "storage_ref":
		return []any{50}, err
	case "storage_ref_make_with_buckets":
		return []any{map[string]any{"moved": []any{}, "is_done": true}}, err
	}
	return []any{true}, err
}
