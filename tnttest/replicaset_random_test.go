package tnttest_test

import (
	"context"
	goflag "flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/gotnt/tnt/tnttest"
)

// disturbance is something done to a replica set.
type disturbance struct{ what, who, pause int }

var disturbances = rapid.SliceOfN(rapid.Custom(func(r *rapid.T) disturbance {
	return disturbance{
		rapid.IntRange(0, 9).Draw(r, "what"), rapid.IntRange(0, 2).Draw(r, "who"), rapid.IntRange(0, 150).Draw(r, "pause in ms"),
	}
}), 1, 25)

// Whatever is done to a replica set, there is one leader a term, and when all
// is well again one leads, and those whose changes the others take have the
// same. There are a fifth as many runs as -rapid.checks says, as each starts
// three servers, and they are the same each time.
func TestReplicaSetAtRandom(t *testing.T) {
	checks, err := strconv.Atoi(goflag.Lookup("rapid.checks").Value.String())
	must(t, err)
	for seed := range checks / 5 {
		steps := disturbances.Example(seed)
		synctest.Test(t, func(t *testing.T) {
			rs := tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), membersSpace)
			o := observeAll(t, rs)
			for i, s := range steps {
				disturb(rs, s.what, s.who, i)
				time.Sleep(time.Duration(s.pause) * time.Millisecond)
			}
			if failure := recovers(t, rs, o); failure != "" {
				t.Fatalf("seed %d, %+v: %s", seed, steps, failure)
			}
		})
	}
}

// disturb does one thing. That it can't be done is no failure.
func disturb(rs *tnttest.ReplicaSet, what, who, key int) {
	switch what {
	case 0:
		_ = rs.Kill(who)
	case 1:
		_ = rs.Restart(who)
	case 2:
		_ = rs.Freeze(who)
	case 3:
		_ = rs.Thaw(who)
	case 4:
		_ = rs.Partition([]int{who})
	case 5:
		rs.Heal()
	case 6:
		_ = rs.Promote(who)
	case 7:
		_ = rs.Demote(who)
	case 8:
		_ = rs.SetReadOnly(who, key%2 == 0)
	}
	if i := rs.Leader(); i >= 0 {
		_ = insert(rs, i, key)
	}
}

// recovers makes all well, and says what is wrong then.
func recovers(t *testing.T, rs *tnttest.ReplicaSet, observers []*observer) (failure string) {
	t.Helper()
	rs.Heal()
	for i := range rs.Len() {
		_ = rs.Thaw(i)
		_ = rs.Restart(i)
		_ = rs.SetReadOnly(i, false)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := rs.WaitLeader(ctx); err != nil {
		return fmt.Sprintf("nobody leads: %v: %v, %v, %v", err, rs.Promote(0), rs.Promote(1), rs.Promote(2))
	}
	time.Sleep(time.Second)
	synctest.Wait()
	leader := rs.Leader()
	if leader < 0 {
		return "the leader did not last"
	}
	terms := make(map[any]any)
	for _, o := range observers {
		for _, e := range o.take("box.election") {
			v := e.value.(map[string]any)
			if v["role"] != "leader" {
				continue
			}
			if other, there := terms[v["term"]]; there && other != v["leader"] {
				return fmt.Sprintf("%v and %v led in term %v", other, v["leader"], v["term"])
			}
			terms[v["term"]] = v["leader"]
		}
	}
	must(t, insert(rs, leader, 1<<20))
	broken := false
	for i := range rs.Len() {
		info := newClient(t, rs.Instance(i)).do(callFrame(t, "box.info"))
		broken = broken || strings.Contains(info, "Split-Brain") || strings.Contains(info, "Missing")
	}
	for i := range rs.Len() {
		if n := count(t, rs.Instance(i)); n != count(t, rs.Instance(leader)) && !broken {
			return fmt.Sprintf("%s has %d tuples, the leader %s %d", rs.Name(i), n, rs.Name(leader), count(t, rs.Instance(leader)))
		}
	}
	return ""
}
