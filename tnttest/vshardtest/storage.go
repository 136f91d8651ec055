package vshardtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

// register adds a storage's functions to its server.
func (in *Instance) register() {
	for name, h := range map[string]func(*tnttest.Call, []any) ([]any, error){
		"call": in.call, "bucket_stat": in.stat, "buckets_discovery": in.discovery, "_call": in.service,
	} {
		in.Server.Handle("vshard.storage."+name, func(c *tnttest.Call) ([]any, error) {
			args, err := c.Args()
			if err != nil {
				return nil, err
			}
			in.cluster.mu.Lock()
			in.cluster.requests++
			disabled := in.disabled
			in.cluster.mu.Unlock()
			if disabled {
				return nil, errDisabled
			}
			return h(c, args)
		})
	}
}

func at[T any](args []any, i int) (v T) {
	if i < len(args) {
		v, _ = args[i].(T)
	}
	return v
}

func (in *Instance) isMaster() bool {
	return in.cluster.sets[in.set].Instances[in.cluster.masters[in.set]] == in
}

func (in *Instance) nonMaster() map[string]any {
	set := in.cluster.sets[in.set]
	return sharding("NON_MASTER", 2, fmt.Sprintf("Replica %s is not a master for replicaset %s anymore", in.UUID, set.UUID), map[string]any{
		"master": set.Instances[in.cluster.masters[in.set]].UUID, "replica": in.UUID, "replicaset": set.UUID,
	})
}

// refuse returns the error of a bucket that can't be used in a mode, nil where
// it can.
func (in *Instance) refuse(bucket int, write bool) map[string]any {
	s := in.cluster.statuses[in.set][bucket]
	switch s.name {
	case "active", "pinned":
		return nil
	case "readonly", "sending":
		if write {
			return locked(bucket)
		}
		return nil
	case "sent", "garbage":
		return locked(bucket)
	case "receiving":
		if !write {
			return wrongBucket(bucket, "read is prohibited", s.destination)
		}
		return sharding("TRANSFER_IS_IN_PROGRESS", 7, fmt.Sprintf("Bucket %d is transferring to replicaset %s", bucket, s.destination),
			map[string]any{"bucket_id": bucket, "destination": s.destination})
	}
	return wrongBucket(bucket, "Not found", s.destination)
}

// call is vshard.storage.call: bucket, mode, function, arguments.
func (in *Instance) call(c *tnttest.Call, args []any) ([]any, error) {
	bucket, mode, function := int(at[int64](args, 0)), at[string](args, 1), at[string](args, 2)
	if mode != "read" && mode != "write" {
		return nil, &types.Error{Type: "LuajitError", Code: errcode.ProcLua, Message: "storage/init.lua:1573: Unknown mode"}
	}
	in.cluster.mu.Lock()
	refusal := in.refuse(bucket, mode == "write")
	if refusal == nil && mode == "write" && !in.isMaster() {
		refusal = in.nonMaster()
	}
	in.cluster.mu.Unlock()
	if refusal != nil {
		return []any{nil, refusal}, nil
	}
	results, err := in.run(c, function, bucket, at[[]any](args, 3))
	if err != nil {
		return []any{false, functionError(err)}, nil
	}
	const most = 3
	results = results[:min(most, len(results))]
	for len(results) > 0 && results[len(results)-1] == nil {
		results = results[:len(results)-1]
	}
	return append([]any{true}, results...), nil
}

func (in *Instance) run(c *tnttest.Call, function string, bucket int, args []any) ([]any, error) {
	in.cluster.mu.Lock()
	h := in.cluster.handlers[function]
	in.cluster.mu.Unlock()
	if h == nil {
		return nil, &types.Error{Type: "ClientError", Code: errcode.NoSuchProc, Message: "Procedure '" + function + "' is not defined"}
	}
	return h(&Call{Call: c, Set: in.cluster.sets[in.set].UUID, Instance: in.UUID, Bucket: bucket, Arguments: args})
}

// stat is vshard.storage.bucket_stat: of garbage it returns a stat and an error.
func (in *Instance) stat(_ *tnttest.Call, args []any) ([]any, error) {
	bucket := int(at[int64](args, 0))
	in.cluster.mu.Lock()
	defer in.cluster.mu.Unlock()
	s := in.cluster.statuses[in.set][bucket]
	if s.name == "" {
		return []any{nil, wrongBucket(bucket, "Not found", "")}, nil
	}
	stat := map[any]any{1: bucket, 2: s.name, "id": bucket, "status": s.name}
	if s.destination == "" {
		return []any{stat, nil}, nil
	}
	stat[3], stat["destination"] = s.destination, s.destination
	if s.name == "sending" {
		return []any{stat, nil}, nil
	}
	return []any{stat, wrongBucket(bucket, "read is prohibited", s.destination)}, nil
}

// discovery is vshard.storage.buckets_discovery.
func (in *Instance) discovery(_ *tnttest.Call, args []any) ([]any, error) {
	const page = 1000
	from := int(at[int64]([]any{at[map[string]any](args, 0)["from"]}, 0))
	in.cluster.mu.Lock()
	defer in.cluster.mu.Unlock()
	buckets := []int{}
	for b, s := range in.cluster.statuses[in.set] {
		if b >= from && (s.name == "active" || s.name == "pinned") {
			buckets = append(buckets, b)
		}
	}
	slices.Sort(buckets)
	if len(args) == 0 {
		return []any{buckets}, nil
	}
	answer := map[string]any{"buckets": buckets}
	if len(buckets) > page {
		answer["buckets"], answer["next_from"] = buckets[:page], buckets[page]
	}
	return []any{answer}, nil
}

// service is vshard.storage._call: what it is to do, and that one's arguments.
func (in *Instance) service(c *tnttest.Call, args []any) ([]any, error) {
	in.cluster.mu.Lock()
	defer in.cluster.mu.Unlock()
	r := ref{conn: c.Conn().ID(), id: at[int64](args, 1)}
	if r.id >= fromBig {
		return []any{nil, sharding("STORAGE_REF_USE", 28, "Can not use a storage ref: no ref", map[string]any{"reason": "no ref"})}, nil
	}
	switch at[string](args, 0) {
	case "info":
		return []any{map[string]any{"is_master": in.isMaster(), "name": nil}}, nil
	case "storage_ref":
		return in.ref(c, r, seconds(args, 2)), nil
	case "storage_ref_make_with_buckets":
		return in.refBuckets(c, r, args), nil
	case "storage_map":
		return in.mapped(c, r, args)
	case "storage_unref":
		if !in.refs[r] {
			return []any{nil, sharding("STORAGE_REF_DEL", 29, "Can not delete a storage ref: no ref", map[string]any{"reason": "no ref"})}, nil
		}
		delete(in.refs, r)
		return []any{true}, nil
	}
	return nil, &types.Error{Type: "LuajitError", Code: errcode.ProcLua, Message: "storage/init.lua:3735: attempt to call a nil value"}
}

// fromBig is where Lua has integers as objects: no two of them are the same
// key of a table, so a ref of such a number is never found.
const fromBig = 100_000_000_000_000

func seconds(args []any, i int) time.Duration {
	if i >= len(args) {
		return 0
	}
	switch n := args[i].(type) {
	case int64:
		return time.Duration(n) * time.Second
	case float64:
		return time.Duration(n * float64(time.Second))
	}
	return 0
}

// ref adds a ref and returns how many buckets it holds: none that are being
// moved.
func (in *Instance) ref(c *tnttest.Call, r ref, d time.Duration) []any {
	if in.refs[r] {
		return []any{nil, sharding("STORAGE_REF_ADD", 27, "Can not add a storage ref: duplicate ref", map[string]any{"reason": "duplicate ref"})}
	}
	in.refs[r], in.sessions[r.conn] = true, true
	in.refTimer(r, d)
	go func() {
		<-c.Conn().Done() // a ref ends with its session
		in.cluster.mu.Lock()
		defer in.cluster.mu.Unlock()
		delete(in.refs, r)
	}()
	held := 0
	for _, s := range in.cluster.statuses[in.set] {
		if s.name == "active" || s.name == "pinned" {
			held++
		}
	}
	return []any{held}
}

func (in *Instance) refBuckets(c *tnttest.Call, r ref, args []any) []any {
	moved := []any{}
	wanted := at[[]any](args, 3)
	for _, v := range wanted {
		b, _ := v.(int64)
		s := in.cluster.statuses[in.set][int(b)]
		if s.name != "" && s.name != "sent" && s.name != "garbage" {
			continue
		}
		m := map[string]any{"id": b}
		if s.destination != "" {
			m["dst"] = s.destination
		}
		moved = append(moved, m)
	}
	if len(moved) == len(wanted) {
		return []any{map[string]any{"moved": moved}}
	}
	if refused := in.ref(c, r, seconds(args, 2)); refused[0] == nil {
		return refused
	}
	return []any{map[string]any{"moved": moved, "is_done": true}}
}

// mapped calls a function under a ref, which it uses up. The lock is let go of
// meanwhile.
func (in *Instance) mapped(c *tnttest.Call, r ref, args []any) ([]any, error) {
	if !in.refs[r] {
		reason := "no ref"
		if !in.sessions[r.conn] {
			reason = "no session"
		}
		return []any{nil, sharding("STORAGE_REF_USE", 28, "Can not use a storage ref: "+reason, map[string]any{"reason": reason})}, nil
	}
	results, err := in.unlocked(func() ([]any, error) { return in.run(c, at[string](args, 2), 0, at[[]any](args, 3)) })
	delete(in.refs, r)
	if err != nil {
		return []any{nil, functionError(err)}, nil
	}
	return append([]any{true}, results[:min(1, len(results))]...), nil
}

// unlocked calls f without the lock, which it has again however f ends: the caller
// unlocks it.
func (in *Instance) unlocked(f func() ([]any, error)) ([]any, error) {
	in.cluster.mu.Unlock()
	defer in.cluster.mu.Lock()
	return f()
}
