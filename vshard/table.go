package vshard

import (
	"context"
	"maps"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt/pool"
)

// table is a configuration with its connections, and where each bucket is. All
// but the entries never changes: Reconfigure swaps it as a whole. An entry is
// corrected on its own, without a lock, as storages tell.
type table struct {
	config  Config
	sets    []*set
	byKey   map[string]*set // by name and by UUID
	entries []atomic.Int32  // by bucket: 1 + the number of its set; 0: not known
}

type set struct {
	ReplicaSet
	number int
	pool   connections

	asking sync.Mutex // held by the one that asks for the master
	asked  time.Time  // when that was last done
}

// askAgain is the pause between questions for the master.
const askAgain = 50 * time.Millisecond

// findMaster asks the instances which is the master, as the one that is known
// will not do. Of many callers one asks.
func (s *set) findMaster(ctx context.Context) {
	if !s.asking.TryLock() {
		return
	}
	defer s.asking.Unlock()
	if time.Since(s.asked) < askAgain {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	s.pool.refresh(ctx)
	s.asked = time.Now()
}

func (t *table) lookup(bucket uint32) *set {
	if n := t.entries[bucket].Load(); n > 0 {
		return t.sets[n-1]
	}
	return nil
}

func (t *table) assign(bucket uint32, s *set) {
	if int(bucket) < len(t.entries) {
		t.entries[bucket].Store(int32(s.number + 1))
	}
}

// drop forgets where a bucket is, if that is still the given set.
func (t *table) drop(bucket uint32, s *set) {
	t.entries[bucket].CompareAndSwap(int32(s.number+1), 0)
}

// counts returns how many buckets each set has, and how many are not known.
func (t *table) counts() (bySet []int, unknown int) {
	bySet = make([]int, len(t.sets))
	for b := 1; b < len(t.entries); b++ {
		if n := t.entries[b].Load(); n > 0 {
			bySet[n-1]++
		} else {
			unknown++
		}
	}
	return bySet, unknown
}

// newTable makes a table. Pools of replica sets that are in the table before are used
// again, still with the instances of before. It returns the sets whose pools are new.
func newTable(config Config, before *table) (t *table, opened []*set, err error) {
	t = &table{config: config, byKey: make(map[string]*set), entries: make([]atomic.Int32, config.Buckets+1)}
	for i, rs := range config.ReplicaSets {
		s := &set{ReplicaSet: rs, number: i}
		if old := before.same(rs, config.Pool); old != nil {
			s.pool = old.pool
		} else {
			if s.pool, err = config.connect(rs, config.Pool); err != nil {
				return nil, opened, err
			}
			opened = append(opened, s)
		}
		t.sets = append(t.sets, s)
		maps.Copy(t.byKey, map[string]*set{rs.Name: s, rs.UUID: s})
	}
	delete(t.byKey, "")
	if before != nil && len(before.entries) == len(t.entries) {
		for b := 1; b < len(t.entries); b++ {
			if old := before.lookup(uint32(b)); old != nil {
				if s := t.byKey[old.ID()]; s != nil {
					t.assign(uint32(b), s)
				}
			}
		}
	}
	return t, opened, nil
}

// same returns the set of a table whose pool does for a replica set: where instances
// are others it is changed.
func (t *table) same(rs ReplicaSet, opts pool.Options) *set {
	if t == nil || !samePool(t.config.Pool, opts) {
		return nil
	}
	s := t.byKey[rs.ID()]
	if s == nil || s.Name != rs.Name || s.UUID != rs.UUID {
		return nil
	}
	return s
}

// samePool reports whether pools that have the same instances are the same. A function is
// compared by its code, and hooks by their number, as pool does.
func samePool(a, b pool.Options) bool {
	same := reflect.ValueOf(a.Balance).Pointer() == reflect.ValueOf(b.Balance).Pointer() && len(a.Hooks) == len(b.Hooks)
	for _, o := range []*pool.Options{&a, &b} {
		// What is the replica sets', or has no effect, or was compared.
		o.Instances, o.MaxWait, o.TryFor, o.Independent, o.Balance, o.Hooks = nil, 0, 0, false, nil, nil
	}
	return same && reflect.DeepEqual(a, b)
}
