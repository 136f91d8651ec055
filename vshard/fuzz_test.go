package vshard

import (
	"context"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/luacall"
	"github.com/gotnt/tnt/internal/recordedtest"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// deaf is a replica set of which nothing is asked.
type deaf struct{ connections }

func (deaf) setMaster(string) bool               { return false }
func (deaf) refresh(context.Context)             {}
func (deaf) rest(string, time.Duration, error)   {}
func (deaf) pick(Mode, []string) (member, error) { return member{}, ErrNoInstance }

// Whatever a storage sends has a meaning, or is an error.
func FuzzAnswer(f *testing.F) {
	for _, l := range recordedtest.Load(f, "testdata/vshard-3.8.jsonl", 246) {
		results, err := l.Answer()
		if err != nil || len(results) < 2 {
			continue
		}
		f.Add([]byte(results[0].(tnttest.Raw)), []byte(results[1].(tnttest.Raw)))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		config, err := Config{
			Buckets: 10, ReplicaSets: []ReplicaSet{{Name: "one", Instances: []pool.Instance{{Name: "s"}}}},
			connect: func(ReplicaSet, pool.Options) (connections, error) { return deaf{}, nil },
		}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		table, _, err := newTable(config, nil)
		if err != nil {
			t.Fatal(err)
		}
		a := attempts{call: Call{Bucket: 1, Function: "f"}, set: table.sets[0]}
		then, err := a.judge(t.Context(), table, luacall.Value(first), luacall.Value(second))
		if err == nil && (then != giveUp || !luacall.Value(first).Bool()) {
			t.Errorf("% x, % x: then %d", first, second, then)
		}
		_, _ = parseRaised(&tnt.Error{Code: errcode.ProcLua, Message: string(first)})
	})
}
