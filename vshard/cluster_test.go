package vshard_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/clustertest"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/vshard"
)

func connectTo(t *testing.T, i *clustertest.Instance) *tnt.Conn {
	t.Helper()
	conn, err := tnt.Connect(t.Context(), i.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func configOf(c *clustertest.Sharded) vshard.Config {
	config := vshard.Config{Buckets: c.Buckets}
	for i, names := range [][]string{{"s1a", "s1b"}, {"s2a", "s2b"}} {
		set := vshard.ReplicaSet{UUID: clustertest.Sets[i]}
		for _, name := range names {
			set.Instances = append(set.Instances, pool.Instance{Name: name, Options: tnt.Options{Address: c.Instances[name].Address}})
		}
		config.ReplicaSets = append(config.ReplicaSets, set)
	}
	return config
}

// A real cluster, once for all parts of the test.
func TestRealCluster(t *testing.T) {
	clustertest.Each(t, func(t *testing.T, p tarantool.Program) {
		cluster := clustertest.StartSharded(t, p)
		lua := connectTo(t, cluster.Instances["router"])
		version, err := tnt.One[string](t.Context(), lua, tnt.Eval{Expr: "return _TARANTOOL .. ', vshard ' .. (vshard.consts.VERSION or vshard._VERSION or '?')"})
		t.Logf("Tarantool %s (%v)", version, err)
		config := configOf(cluster)
		var most atomic.Int64 // requests of a call that took less than 0.8 s
		config.Hooks.End = func(_ context.Context, end vshard.CallEnd) {
			if n := int64(end.Requests); end.Duration < 800*time.Millisecond && n > most.Load() {
				most.Store(n)
			}
		}
		r, err := vshard.Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		t.Run("hashes", func(t *testing.T) { realHashes(t, lua) })
		t.Run("calls", func(t *testing.T) { realCalls(t, r, cluster) })
		t.Run("map", func(t *testing.T) { realMap(t, r) })
		t.Run("locked bucket", func(t *testing.T) { realLocked(t, r, cluster) })
		t.Run("stray bucket", func(t *testing.T) { realStray(t, r, cluster) })
		t.Run("map with a paused replica set", func(t *testing.T) { realPausedSet(t, r, cluster, p.Version.Major >= 3) })
		if p.Version.Major < 3 {
			t.Log("buckets are not moved: 2.6.0 crashes when they are")
		} else {
			t.Run("rebalance", func(t *testing.T) { realRebalance(t, r, cluster) })
			if t.Logf("a call took %d requests at most", most.Load()); most.Load() > 20 {
				t.Errorf("%d requests for one call", most.Load())
			}
		}
		t.Run("dead replica set", func(t *testing.T) { realDeadSet(t, r, cluster) })
	})
}

func randomKey() any {
	switch rand.N(8) {
	case 0:
		return rand.Uint64() >> rand.N(64)
	case 1:
		return -rand.Int64() >> rand.N(63)
	case 2:
		return math.Float64frombits(rand.Uint64()&^(1<<62)&^(1<<52) | 1<<61) // no NaN
	case 3:
		return float64(rand.Int64N(1e12)) / 1e3
	case 4:
		return float64(rand.Int64())
	case 5:
		return []any{rand.Int64N(1000), "part", rand.Float64()}
	case 6:
		// A tie at the 15th digit.
		return float64(rand.Int64N(1e14))*10 + 5
	}
	b := make([]byte, rand.N(20))
	for i := range b {
		b[i] = byte('a' + rand.N(26))
	}
	return string(b)
}

func realHashes(t *testing.T, lua *tnt.Conn) {
	for range 20 {
		keys := make([]any, 500)
		for i := range keys {
			keys[i] = randomKey()
		}
		want, err := tnt.One[[][2]uint32](t.Context(), lua, tnt.Call{Function: "hashes", Args: []any{keys}})
		if err != nil || len(want) != len(keys) {
			t.Fatal(len(want), err)
		}
		for i, key := range keys {
			str, err1 := vshard.StrCRC32(100, key)
			pac, err2 := vshard.MPCRC32(100, key)
			if err1 != nil || err2 != nil || [2]uint32{str, pac} != want[i] {
				t.Fatalf("%v (%T): %d, %d, %v, %v, want %v", key, key, str, pac, err1, err2, want[i])
			}
		}
	}
}

func realCalls(t *testing.T, r *vshard.Router, cluster *clustertest.Sharded) {
	ctx := t.Context()
	for bucket := uint32(1); bucket <= cluster.Buckets; bucket++ {
		for mode := vshard.RW; mode <= vshard.BRE; mode++ {
			got, err := vshard.One[uint32](ctx, r, vshard.Call{Bucket: bucket, Mode: mode, Function: "echo", Args: []any{bucket}})
			if err != nil || got != bucket {
				t.Fatal(got, err)
			}
		}
	}
	if info := r.Info(); info.Unknown != 0 || info.Again != 0 {
		t.Errorf("%+v", info)
	}
	for _, code := range []errcode.Code{1, 2, 7, 22} {
		before := totalRuns(t, cluster)
		_, err := r.Do(ctx, vshard.Call{Bucket: 1, Function: "fail_with", Args: []any{code}})
		var e *vshard.FunctionError
		if ran := totalRuns(t, cluster) - before; !errors.As(err, &e) || ran != 1 {
			t.Errorf("an error of code %d: ran %d times: %v", code, ran, err)
		}
	}
}

func totalRuns(t *testing.T, cluster *clustertest.Sharded) (total int) {
	t.Helper()
	for _, name := range []string{"s1a", "s1b", "s2a", "s2b"} {
		conn, err := tnt.Connect(t.Context(), cluster.Instances[name].Address)
		if err != nil {
			t.Fatal(err)
		}
		n, err := tnt.One[int](t.Context(), conn, tnt.Eval{Expr: "return runs"})
		conn.Close()
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	return total
}

func realMap(t *testing.T, r *vshard.Router) {
	got, err := vshard.Map[int](t.Context(), r, "echo", []any{7}, vshard.MapOptions{})
	if err != nil || got[clustertest.Sets[0]] != 7 || got[clustertest.Sets[1]] != 7 {
		t.Errorf("all: %v, %v", got, err)
	}
	for bucket := uint32(1); bucket <= 100; bucket += 33 {
		got, err := vshard.Map[int](t.Context(), r, "echo", []any{7}, vshard.MapOptions{Buckets: []uint32{bucket}})
		if err != nil || len(got) != 1 {
			t.Errorf("bucket %d: %v, %v", bucket, got, err)
		}
	}
	_, err = vshard.Map[int](t.Context(), r, "fail_with", []any{7}, vshard.MapOptions{})
	var e *vshard.FunctionError
	if !errors.As(err, &e) {
		t.Errorf("a function that fails: %v", err)
	}
}

func evalOn[T any](t *testing.T, i *clustertest.Instance, expr string, args ...any) T {
	t.Helper()
	v, err := tnt.One[T](t.Context(), connectTo(t, i), tnt.Eval{Expr: expr, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// aBucket is one that a master has.
const aBucket = "return box.space._bucket.index.pk:min()[1]"

// A call that meets a bucket which is locked for 0.8 s goes on when it is not.
func realLocked(t *testing.T, r *vshard.Router, cluster *clustertest.Sharded) {
	//nolint:misspell // vshard's own word
	const lock = `local bucket, time = ...
local moving = rawget(_G, '__module_vshard_storage').rebalancer_transfering_buckets
moving[bucket] = true
box.space._bucket:update({bucket}, {{'=', 2, 'readonly'}})
require('fiber').create(function()
	require('fiber').sleep(time)
	moving[bucket] = nil
	box.space._bucket:update({bucket}, {{'=', 2, 'active'}})
end)
return true`
	master := cluster.Instances["s1a"]
	bucket := evalOn[uint32](t, master, aBucket)
	evalOn[bool](t, master, lock, bucket, 0.8)
	before, began := r.Info(), time.Now()
	_, err := r.Do(t.Context(), vshard.Call{Bucket: bucket, Function: "echo"})
	took, sent := time.Since(began), r.Info().Requests-before.Requests
	t.Logf("a bucket that was locked for 0.8 s: %d requests in %v", sent, took)
	if err != nil || sent > 20 || sent < 10 || took < 750*time.Millisecond {
		t.Errorf("%d requests in %v: %v", sent, took, err)
	}
}

// Two replica sets that point at each other end a call by its context.
func realStray(t *testing.T, r *vshard.Router, cluster *clustertest.Sharded) {
	const lose = `local bucket, other = ...
if box.space._bucket:get{bucket} ~= nil then
	for _, status in ipairs({'readonly', 'sending', 'sent', 'garbage'}) do
		local ops = {{'=', 2, status}}
		if status == 'sending' then
			ops[2], ops[3] = {'=', 3, other}, {'=', 4, {generation = 1}}
		end
		box.space._bucket:update({bucket}, ops)
	end
	box.space._bucket:delete{bucket}
end
rawget(_G, '__module_vshard_storage').route_map[bucket] = other
return true`
	const restore = `local bucket = ...
box.space._bucket:insert{bucket, 'receiving'}
box.space._bucket:update({bucket}, {{'=', 2, 'active'}})
return true`
	bucket := evalOn[uint32](t, cluster.Instances["s1a"], aBucket)
	evalOn[bool](t, cluster.Instances["s1a"], lose, bucket, clustertest.Sets[1])
	evalOn[bool](t, cluster.Instances["s2a"], lose, bucket, clustertest.Sets[0])
	ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
	defer cancel()
	before, began := r.Info(), time.Now()
	_, err := r.Do(ctx, vshard.Call{Bucket: bucket, Function: "echo"})
	took, sent := time.Since(began), r.Info().Requests-before.Requests
	t.Logf("two sets that point at each other: %d requests in %v", sent, took)
	var e *vshard.Error
	if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &e) || e.Destination == "" || sent > 20 || took > 900*time.Millisecond {
		t.Errorf("%d requests in %v: %v", sent, took, err)
	}
	evalOn[bool](t, cluster.Instances["s1a"], restore, bucket)
	if _, err := r.Do(t.Context(), vshard.Call{Bucket: bucket, Function: "echo"}); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}

// refsLeft returns how many refs a storage has, when it has none or they stay: a Map whose
// context has ended gives its own back beside its end.
func refsLeft(t *testing.T, in *clustertest.Instance) (left int) {
	for range 100 {
		if left = evalOn[int](t, in, "return require('vshard.storage.ref').count"); left == 0 {
			break
		}
	}
	return left
}

// A map that one replica set does not answer lets go of the others, and buckets can be
// moved afterwards.
func realPausedSet(t *testing.T, r *vshard.Router, cluster *clustertest.Sharded, moves bool) {
	cluster.Instances["s2a"].Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := vshard.Map[int](ctx, r, "echo", []any{7}, vshard.MapOptions{})
	left := refsLeft(t, cluster.Instances["s1a"])
	cluster.Instances["s2a"].Resume()
	var e *vshard.MapError
	if !errors.As(err, &e) || e.ReplicaSet != clustertest.Sets[1] || !errors.Is(err, context.DeadlineExceeded) || left != 0 {
		t.Errorf("%d refs are left: %v", left, err)
	}
	bucket := evalOn[uint32](t, cluster.Instances["s2a"], aBucket) // answered in the order of arrival
	if left := refsLeft(t, cluster.Instances["s2a"]); left != 0 {
		t.Errorf("%d refs are left on the one that was paused", left)
	}
	if _, err := r.Do(t.Context(), vshard.Call{Bucket: bucket, Function: "echo"}); err != nil {
		t.Errorf("a call there: %v", err)
	}
	if !moves {
		return
	}
	for from, to := range map[string]string{"s1a": clustertest.Sets[1], "s2a": clustertest.Sets[0]} {
		const send = "return vshard.storage.bucket_send(box.space._bucket.index.status:min('active')[1], ..., {timeout = 5})"
		if !evalOn[bool](t, cluster.Instances[from], send, to) {
			t.Errorf("%s can't send a bucket", from)
		}
	}
}

// setWeights tells the masters how to share the buckets.
func setWeights(t *testing.T, cluster *clustertest.Sharded, first, second int) {
	t.Helper()
	for _, name := range []string{"s1a", "s2a"} {
		conn := connectTo(t, cluster.Instances[name])
		if _, err := conn.Call(t.Context(), "reweigh", first, second); err != nil {
			t.Fatal(err)
		}
	}
}

// bucketsOn waits until a master has so many buckets.
func bucketsOn(t *testing.T, cluster *clustertest.Sharded, name string, want int) {
	t.Helper()
	conn := connectTo(t, cluster.Instances[name])
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	const wait = `local want = ... while vshard.storage.buckets_count() ~= want do
		if rawget(vshard.storage, 'rebalancer_wakeup') then vshard.storage.rebalancer_wakeup() end require('fiber').sleep(0.05) end`
	if _, err := conn.Eval(ctx, wait, want); err != nil {
		t.Fatalf("waiting for %s to have %d buckets: %v", name, want, err)
	}
}

// Users see nothing of a rebalance.
func realRebalance(t *testing.T, r *vshard.Router, cluster *clustertest.Sharded) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var calls, inserted atomic.Int64
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for ctx.Err() == nil {
				bucket, n := 1+rand.Uint32N(cluster.Buckets), calls.Add(1)
				_, err := r.Do(t.Context(), vshard.Call{Bucket: bucket, Function: "add", Args: []any{bucket, n}})
				if err != nil {
					t.Errorf("a write: %v", err)
					return
				}
				inserted.Add(1)
				if _, err = r.Do(t.Context(), vshard.Call{Bucket: bucket, Mode: vshard.RO, Function: "echo"}); err != nil {
					t.Errorf("a read: %v", err)
					return
				}
			}
		})
	}
	setWeights(t, cluster, 20, 80)
	bucketsOn(t, cluster, "s1a", 20)
	cancel()
	workers.Wait()
	counts, err := vshard.Map[int64](t.Context(), r, "count", nil, vshard.MapOptions{})
	if err != nil || counts[clustertest.Sets[0]]+counts[clustertest.Sets[1]] != inserted.Load() {
		t.Errorf("%v, %v, %d were inserted", counts, err, inserted.Load())
	}
	t.Logf("%d writes while 30 buckets were moved, %d requests came after another", inserted.Load(), r.Info().Again)
}

// A replica set that is gone fails a map, which leaves nothing behind.
func realDeadSet(t *testing.T, r *vshard.Router, cluster *clustertest.Sharded) {
	cluster.Instances["s2a"].Kill()
	cluster.Instances["s2b"].Kill()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := vshard.Map[int](ctx, r, "echo", []any{7}, vshard.MapOptions{})
	var e *vshard.MapError
	if !errors.As(err, &e) || e.ReplicaSet != clustertest.Sets[1] {
		t.Errorf("got %v", err)
	}
	if refs := refsLeft(t, cluster.Instances["s1a"]); refs != 0 {
		t.Errorf("%d refs are left", refs)
	}
	owned := evalOn[uint32](t, cluster.Instances["s1a"], aBucket)
	if _, err := r.Do(t.Context(), vshard.Call{Bucket: owned, Function: "echo"}); err != nil {
		t.Errorf("a call on the other: %v", err)
	}
}
