package tnttest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/types"
)

var membersSpace = tnttest.WithSpace(tnttest.SpaceDef{
	ID: 512, Name: "kv",
	Format:  []tnttest.Field{{Name: "k", Type: "unsigned"}, {Name: "v", Type: "any", IsNullable: true}},
	Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1}}}},
})

// inBubble runs a test of a replica set of three in a bubble, whose clock
// costs no time.
func inBubble(t *testing.T, opts []tnttest.Option, f func(*testing.T, *tnttest.ReplicaSet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t, tnttest.RunReplicaSet(t, 3, append([]tnttest.Option{tnttest.InMemory(), membersSpace}, opts...)...))
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// elections returns what was heard of box.election and box.status as text.
func elections(o *observer) []string {
	var text []string
	for _, e := range o.take("box.election", "box.status") {
		v := e.value.(map[string]any)
		if e.key == "box.status" {
			text = append(text, fmt.Sprintf("status ro=%v cfg=%v", v["is_ro"], v["is_ro_cfg"]))
			continue
		}
		text = append(text, fmt.Sprintf("term %v %v ro=%v leader=%v", v["term"], v["role"], v["is_ro"], v["leader"]))
	}
	return text
}

func wantElections(t *testing.T, who string, o *observer, want ...string) {
	t.Helper()
	synctest.Wait()
	got := elections(o)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s heard\n  %s\nwant\n  %s", who, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func observeAll(t *testing.T, rs *tnttest.ReplicaSet) []*observer {
	t.Helper()
	var all []*observer
	for _, srv := range rs.Instances() {
		all = append(all, observe(t, srv, "box.status", "box.election", "box.shutdown"))
	}
	synctest.Wait()
	for _, o := range all {
		o.take()
	}
	return all
}

func count(t *testing.T, srv *tnttest.Server) int {
	t.Helper()
	n, err := srv.Space("kv").Len()
	must(t, err)
	return n
}

func wantCounts(t *testing.T, rs *tnttest.ReplicaSet, want ...int) {
	t.Helper()
	for i, n := range want {
		if got := count(t, rs.Instance(i)); got != n {
			t.Errorf("%s has %d tuples, want %d", rs.Name(i), got, n)
		}
	}
}

func wantLeader(t *testing.T, rs *tnttest.ReplicaSet, want int) {
	t.Helper()
	if got := rs.Leader(); got != want {
		t.Errorf("the leader is %d, want %d", got, want)
	}
}

func insert(rs *tnttest.ReplicaSet, i, k int) error { return rs.Instance(i).Space("kv").Insert(k) }

// wantReadOnly checks that a member takes no writes, and why.
func wantReadOnly(t *testing.T, rs *tnttest.ReplicaSet, i int, want map[string]any) {
	t.Helper()
	err := insert(rs, i, 1<<20)
	var e *types.Error
	if !errors.As(err, &e) || e.Code != errcode.Readonly {
		t.Fatalf("a write to %s: %v, want ER_READONLY", rs.Name(i), err)
	}
	for k, v := range want {
		if fmt.Sprint(e.Fields[k]) != fmt.Sprint(v) {
			t.Errorf("%s of %s's error is %v, want %v: %v", k, rs.Name(i), e.Fields[k], v, e)
		}
	}
	if len(e.Fields) != len(want) {
		t.Errorf("%s's error has the fields %v, want %v", rs.Name(i), e.Fields, want)
	}
}

func TestReplicaSetAtRest(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rs *tnttest.ReplicaSet) {
		wantLeader(t, rs, 0)
		must(t, insert(rs, 0, 1))
		must(t, rs.Instance(0).CreateSpace(tnttest.SpaceDef{
			Name: "later", Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
		}))
		must(t, rs.Instance(0).Space("later").Insert(1, "x"))
		must(t, rs.Instance(0).Space("later").Replace(1, "y"))
		must(t, insert(rs, 0, 2))
		if _, err := rs.Instance(0).Space("kv").Delete(2); err != nil {
			t.Fatal(err)
		}
		for _, srv := range rs.Instances() {
			tnttest.AssertTuples(t, srv.Space("kv"), []any{1})
			tnttest.AssertTuples(t, srv.Space("later"), []any{1, "y"})
		}
		uuids := uuidsOf(t, rs)
		want := "Can't modify data on a read-only instance - state is election follower with term 2, leader is 1 (" + uuids[0] +
			"), synchro queue with term 2 belongs to 1 (" + uuids[0] + ")"
		if err := insert(rs, 1, 1); !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %s", err, want)
		}
		wantReadOnly(t, rs, 1, map[string]any{
			"reason": "synchro", "state": "follower", "term": 2, "leader_id": 1, "leader_uuid": uuids[0],
			"queue_owner_id": 1, "queue_owner_uuid": uuids[0], "queue_term": 2,
		})
	})
}

func uuidsOf(t *testing.T, rs *tnttest.ReplicaSet) []string {
	t.Helper()
	var all []string
	for _, srv := range rs.Instances() {
		o := observe(t, srv, "box.id")
		synctest.Wait()
		all = append(all, o.take()[0].value.(map[string]any)["instance_uuid"].(string))
	}
	return all
}

// A failover takes the steps that clients of a real replica set hear of:
// failover/election-kill.log of the recordings.
func TestKill(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rs *tnttest.ReplicaSet) {
		o := observeAll(t, rs)
		must(t, insert(rs, 0, 1))
		start := time.Now()
		must(t, rs.Kill(0))
		synctest.Wait()
		if err := o[0].gone(); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a client of the killed member: %v", err)
		}
		if _, err := rs.Instance(0).Dial(context.Background()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a new client of the killed member: %v", err)
		}
		wantLeader(t, rs, -1)
		leader, err := rs.WaitLeader(context.Background())
		if leader != 1 || err != nil {
			t.Fatalf("the new leader is %d, %v", leader, err)
		}
		if took := time.Since(start); took != 103*time.Millisecond && took != 104*time.Millisecond {
			t.Errorf("the failover took %v", took)
		}
		must(t, insert(rs, 1, 2))
		time.Sleep(10 * time.Millisecond)
		wantElections(t, "r1", o[1],
			"term 2 follower ro=true leader=0", "term 3 candidate ro=true leader=0", "term 3 leader ro=true leader=2",
			"status ro=false cfg=false", "term 3 leader ro=false leader=2")
		wantElections(t, "r2", o[2],
			"term 2 follower ro=true leader=0", "term 3 follower ro=true leader=0", "term 3 follower ro=true leader=2")

		must(t, rs.Restart(0))
		back := observe(t, rs.Instance(0), "box.status", "box.election")
		time.Sleep(10 * time.Millisecond)
		wantElections(t, "r0", back,
			"status ro=true cfg=false", "term 2 follower ro=true leader=0", "term 3 follower ro=true leader=2")
		wantCounts(t, rs, 2, 2, 2)
	})
}

func TestQuorumLost(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rs *tnttest.ReplicaSet) {
		o := observeAll(t, rs)
		must(t, rs.Kill(1))
		time.Sleep(time.Second)
		wantLeader(t, rs, 0)
		must(t, rs.Kill(2))
		time.Sleep(time.Second)
		wantElections(t, "r0", o[0], "status ro=true cfg=false", "term 2 follower ro=true leader=0")
		wantLeader(t, rs, -1)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := rs.WaitLeader(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for a leader that can't be: %v", err)
		}
		if err := rs.Promote(0); err == nil {
			t.Error("a member without a majority was promoted")
		}
		must(t, rs.Restart(2))
		if leader, err := rs.WaitLeader(context.Background()); leader != 0 || err != nil {
			t.Errorf("the leader is %d, %v", leader, err)
		}
	})
}

// A leader that was stopped believes to lead when it goes on: what it commits
// then nobody takes.
func TestFreeze(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rs *tnttest.ReplicaSet) {
		o := observeAll(t, rs)
		c := newClient(t, rs.Instance(0))
		synctest.Wait() // the member has begun to read: a pipe takes nothing before
		must(t, rs.Freeze(0))
		c.send(insertFrame(0, 7, 100))
		idle, err := rs.Instance(0).Dial(context.Background()) // it accepts, and does not greet
		must(t, err)
		defer func() { _ = idle.Close() }()
		must(t, idle.SetReadDeadline(time.Now().Add(time.Hour)))
		if n, err := idle.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Error("a frozen member greets")
		}
		wantLeader(t, rs, 1)
		wantElections(t, "r0", o[0])
		o[1].take()
		must(t, insert(rs, 1, 1))
		wantCounts(t, rs, 0, 1, 1)

		must(t, rs.Thaw(0))
		if got, err := c.receive(); err != nil || !strings.Contains(got, "OK") {
			t.Errorf("the write that waited: %s, %v", got, err)
		}
		time.Sleep(10 * time.Millisecond)
		wantElections(t, "r0", o[0], "status ro=true cfg=false",
			"term 2 follower ro=true leader=0", "term 3 follower ro=true leader=2")
		wantCounts(t, rs, 2, 1, 1)
		info := newClient(t, rs.Instance(1))
		info.want(callFrame(t, "box.info"), "Split-Brain discovered")
		must(t, insert(rs, 1, 2))
		wantCounts(t, rs, 3, 2, 2)
		if err := rs.Promote(0); err == nil || !strings.Contains(err.Error(), "Split-Brain") {
			t.Errorf("promoting one whose changes the others refuse: %v", err)
		}
	})
}

func TestShortFreeze(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rs *tnttest.ReplicaSet) {
		o := observeAll(t, rs)
		must(t, rs.Freeze(1))
		must(t, insert(rs, 0, 1))
		wantCounts(t, rs, 1, 0, 1)
		time.Sleep(time.Second)
		must(t, rs.Thaw(1))
		time.Sleep(10 * time.Millisecond)
		wantCounts(t, rs, 1, 1, 1)
		must(t, rs.Freeze(0))
		time.Sleep(50 * time.Millisecond)
		must(t, rs.Thaw(0))
		time.Sleep(time.Second)
		for i := range o {
			wantElections(t, rs.Name(i), o[i])
		}
	})
}

func TestPartition(t *testing.T) {
	for _, fencing := range []bool{true, false} {
		t.Run(fmt.Sprintf("fencing=%v", fencing), func(t *testing.T) {
			var opts []tnttest.Option
			if !fencing {
				opts = append(opts, tnttest.WithoutFencing())
			}
			inBubble(t, opts, func(t *testing.T, rs *tnttest.ReplicaSet) {
				o := observeAll(t, rs)
				must(t, rs.Partition([]int{0}))
				time.Sleep(time.Second)
				wantLeader(t, rs, 1)
				must(t, insert(rs, 1, 1))
				if err := insert(rs, 0, 2); (err == nil) == fencing {
					t.Errorf("a write to the old leader: %v", err)
				}
				rs.Heal()
				time.Sleep(time.Second)
				wantElections(t, "r0", o[0], "status ro=true cfg=false",
					"term 2 follower ro=true leader=0", "term 3 follower ro=true leader=2")
				if fencing {
					wantCounts(t, rs, 1, 1, 1)
					must(t, rs.Promote(0))
					must(t, insert(rs, 0, 3))
					wantCounts(t, rs, 2, 2, 2)
				} else {
					wantCounts(t, rs, 2, 1, 1)
				}
			})
		})
	}
	inBubble(t, nil, func(t *testing.T, rs *tnttest.ReplicaSet) {
		if err := rs.Partition([]int{0}, []int{0, 1}); err == nil {
			t.Error("a member is in two groups")
		}
		if err := rs.Partition([]int{3}); err == nil {
			t.Error("there is no member 3")
		}
	})
}

func TestLag(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rs *tnttest.ReplicaSet) {
		must(t, rs.SetLag(2, 5*time.Second))
		must(t, insert(rs, 0, 1))
		time.Sleep(3 * time.Second)
		must(t, insert(rs, 0, 2))
		wantCounts(t, rs, 2, 2, 0)
		newClient(t, rs.Instance(2)).want(callFrame(t, "box.info"), `"lag": double 4014000000000000`)
		if err := rs.Promote(2); err == nil {
			t.Error("a member that lacks something was promoted")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantCounts(t, rs, 2, 2, 1)
		must(t, rs.SetLag(2, 0))
		wantCounts(t, rs, 2, 2, 2)
		must(t, rs.Promote(2))
	})
}

func TestPromoteAndDemote(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rs *tnttest.ReplicaSet) {
		o := observeAll(t, rs)
		must(t, rs.Promote(2))
		wantLeader(t, rs, 2)
		wantElections(t, "r0", o[0], "status ro=true cfg=false", "term 2 follower ro=true leader=0",
			"term 3 follower ro=true leader=0", "term 3 follower ro=true leader=3")
		wantElections(t, "r2", o[2], "term 2 follower ro=true leader=0", "term 3 candidate ro=true leader=0",
			"term 3 leader ro=true leader=3", "status ro=false cfg=false", "term 3 leader ro=false leader=3")
		must(t, rs.Promote(2)) // it is the leader
		wantElections(t, "r2", o[2])
		must(t, rs.Demote(2))
		if leader, err := rs.WaitLeader(context.Background()); leader != 0 || err != nil {
			t.Errorf("after the demotion %d leads, %v", leader, err)
		}
		if err := rs.Demote(2); err == nil {
			t.Error("a follower was demoted")
		}
	})
}

// A leader whose read_only is set keeps its role, as on a real server.
func TestSetReadOnly(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rs *tnttest.ReplicaSet) {
		o := observeAll(t, rs)
		must(t, rs.SetReadOnly(0, true))
		wantElections(t, "r0", o[0], "status ro=true cfg=true", "term 2 leader ro=true leader=1")
		wantReadOnly(t, rs, 0, map[string]any{"reason": "config"})
		must(t, rs.SetReadOnly(0, false))
		wantElections(t, "r0", o[0], "status ro=false cfg=false", "term 2 leader ro=false leader=1")
	})
	inBubble(t, []tnttest.Option{tnttest.WithoutElections()}, func(t *testing.T, rs *tnttest.ReplicaSet) {
		o := observeAll(t, rs)
		wantReadOnly(t, rs, 1, map[string]any{"reason": "config"})
		must(t, rs.SetReadOnly(0, true))
		must(t, rs.SetReadOnly(1, false))
		wantElections(t, "r0", o[0], "status ro=true cfg=true", "term 1 follower ro=true leader=0")
		wantElections(t, "r1", o[1], "status ro=false cfg=false", "term 1 follower ro=false leader=0")
		wantLeader(t, rs, 1)
		must(t, rs.Promote(2))
		wantLeader(t, rs, 2)
		wantReadOnly(t, rs, 1, map[string]any{"reason": "config"})
		must(t, rs.Kill(2))
		time.Sleep(time.Minute)
		wantLeader(t, rs, -1)
	})
}

// Two masters that inserted the same key stop taking from each other, and one
// that deleted what the other changed does not.
func TestTwoMasters(t *testing.T) {
	inBubble(t, []tnttest.Option{tnttest.WithoutElections()}, func(t *testing.T, rs *tnttest.ReplicaSet) {
		must(t, rs.SetReadOnly(1, false))
		must(t, insert(rs, 0, 1))
		must(t, insert(rs, 1, 2))
		wantCounts(t, rs, 2, 2, 2)
		must(t, rs.Partition([]int{0}))
		_, err := rs.Instance(0).Space("kv").Delete(1)
		must(t, err)
		must(t, rs.Instance(1).Space("kv").Replace(1, "changed"))
		rs.Heal()
		must(t, rs.Partition([]int{0}))
		must(t, insert(rs, 0, 3))
		must(t, insert(rs, 1, 3))
		rs.Heal()
		must(t, insert(rs, 0, 4))
		for i := range 2 {
			newClient(t, rs.Instance(i)).want(callFrame(t, "box.info"), `"message": "Duplicate key exists in unique index`)
		}
	})
}

// What is made on the leader the others have, users and their rights too.
func TestSchemaIsReplicated(t *testing.T) {
	inBubble(t, []tnttest.Option{tnttest.WithSchema(tnttest.Schema{Users: map[string]string{"ann": "a", "bob": "b"}})}, func(t *testing.T, rs *tnttest.ReplicaSet) {
		must(t, rs.Instance(0).CreateUser("carol", "c"))
		if err := rs.Instance(1).CreateUser("dan", "d"); !errors.Is(err, errcode.Readonly) {
			t.Errorf("a user on a replica: %v", err)
		}
		c := newClient(t, rs.Instance(0))
		c.want(callFrame(t, "box.schema.user.revoke", "bob", "write", "universe"), "OK")
		must(t, rs.Promote(2))
		for _, space := range []string{"_user", "_priv", "_space", "_index"} {
			want, err := rs.Instance(0).Space(space).All()
			must(t, err)
			for i := 1; i < 3; i++ {
				got, err := rs.Instance(i).Space(space).All()
				must(t, err)
				if len(got) != len(want) {
					t.Errorf("%s of r%d has %d rows, of r0 %d", space, i, len(got), len(want))
				}
			}
		}
		newClient(t, rs.Instance(2)).want(callFrame(t, "box.schema.user.exists", "carol"), "c3")
	})
}

// A member whose read_only is set is elected where there is no other, and takes
// no writes then.
func TestReadOnlyLeader(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rs *tnttest.ReplicaSet) {
		must(t, rs.SetReadOnly(1, true))
		must(t, rs.Kill(0))
		if leader, err := rs.WaitLeader(context.Background()); leader != 2 || err != nil {
			t.Errorf("the leader is %d, %v", leader, err)
		}
		must(t, rs.Promote(1))
		wantLeader(t, rs, -1)
		wantReadOnly(t, rs, 1, map[string]any{"reason": "config"})
		must(t, rs.SetReadOnly(1, false))
		wantLeader(t, rs, 1)
	})
}

// A transaction that wrote before its server became read-only can't go on.
func TestReadOnlyAborts(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rs *tnttest.ReplicaSet) {
		c := newClient(t, rs.Instance(0))
		c.want(frame(iproto.TypeBegin, 1, 1, nil), "OK")
		c.want(insertFrame(1, 2, 5), "OK")
		must(t, rs.Promote(1))
		c.want(selectAll(1, 3), `ClientError 7 "Can't modify data on a read-only instance"`)
		c.want(frame(iproto.TypeCommit, 1, 4, nil), `ClientError 7`)
		wantCounts(t, rs, 0, 0, 0)
	})
}

// 2.11 tells of the election alone, and names it as the reason.
func TestReadOnlyOf2x11(t *testing.T) {
	inBubble(t, []tnttest.Option{tnttest.WithVersion("2.11.0")}, func(t *testing.T, rs *tnttest.ReplicaSet) {
		uuids := uuidsOf(t, rs)
		wantReadOnly(t, rs, 1, map[string]any{
			"reason": "election", "state": "follower", "term": 2, "leader_id": 1, "leader_uuid": uuids[0],
		})
		err := insert(rs, 1, 1)
		if want := "Can't modify data on a read-only instance - state is election follower with term 2, leader is 1 (" + uuids[0] + ")"; !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %s", err, want)
		}
	})
}

func TestOldReplicaSet(t *testing.T) {
	inBubble(t, []tnttest.Option{tnttest.WithVersion("2.6.0")}, func(t *testing.T, rs *tnttest.ReplicaSet) {
		wantLeader(t, rs, 0)
		wantReadOnly(t, rs, 1, nil)
		err := insert(rs, 1, 1)
		if !strings.Contains(err.Error(), "Can't modify data because this instance is in read-only mode.") {
			t.Errorf("a write to a replica: %v", err)
		}
		c := newClient(t, rs.Instance(1))
		c.want(callFrame(t, "box.info"), `"ro": c3`)
		must(t, rs.Promote(1))
		c.want(callFrame(t, "box.info"), `"ro": c2`)
		if got := c.do(callFrame(t, "box.info")); strings.Contains(got, "election") {
			t.Errorf("a 2.6.0 tells of elections: %s", got)
		}
	})
}

// An ordered end waits for the clients that watch for it, and no longer than
// three seconds.
func TestShutdownOfMember(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rs *tnttest.ReplicaSet) {
		o := observeAll(t, rs)
		start := time.Now()
		must(t, rs.Shutdown(context.Background(), 0))
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("it waited %v for a client that stays", took)
		}
		if got := o[0].take("box.shutdown"); len(got) != 1 || got[0].value != true {
			t.Errorf("box.shutdown: %v", got)
		}
		if leader, err := rs.WaitLeader(context.Background()); leader != 1 || err != nil {
			t.Errorf("the leader is %d, %v", leader, err)
		}
		start = time.Now()
		_ = o[1].nc.Close()
		synctest.Wait()
		must(t, rs.Shutdown(context.Background(), 1))
		if took := time.Since(start); took != 0 {
			t.Errorf("it waited %v for nobody", took)
		}
		must(t, rs.Restart(1))
		again := observe(t, rs.Instance(1), "box.shutdown")
		synctest.Wait()
		if got := again.take(); len(got) != 1 || got[0].value != nil {
			t.Errorf("box.shutdown after a restart: %v", got)
		}
	})
}

func TestOperatingTheDead(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rs *tnttest.ReplicaSet) {
		must(t, rs.Kill(1))
		must(t, rs.Freeze(2))
		for name, err := range map[string]error{
			"kill a dead one":        rs.Kill(1),
			"freeze a dead one":      rs.Freeze(1),
			"thaw a dead one":        rs.Thaw(1),
			"configure a frozen one": rs.SetReadOnly(2, true),
			"promote a frozen one":   rs.Promote(2),
			"restart a frozen one":   rs.Restart(2),
			"no such member":         rs.Kill(3),
			"none below":             rs.Kill(-1),
		} {
			if err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		must(t, rs.Kill(2))
		must(t, rs.Restart(2))
		if rs.Instance(3) != nil {
			t.Error("there is a fourth member")
		}
	})
	if _, err := tnttest.StartReplicaSet(0); err == nil {
		t.Error("a replica set of nobody")
	}
}
