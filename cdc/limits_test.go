package cdc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// failure returns the error that a Feed ends with.
func failure(t *testing.T, f *Feed) error {
	t.Helper()
	for _, err := range f.All() {
		if err != nil {
			return err
		}
	}
	t.Fatal("the feed ended without an error")
	return nil
}

// followed makes a Feed and returns when it is connected.
func followed(t *testing.T, servers []tnt.Options, opts Options, each func(*Tx)) *Feed {
	t.Helper()
	ctx, cancel := context.WithCancel(testContext(t))
	following := make(chan struct{})
	var once sync.Once
	tell := opts.OnState
	opts.OnState = func(s State) {
		if s.Following {
			once.Do(func() { close(following) })
		}
		if tell != nil {
			tell(s)
		}
	}
	f := Stream(ctx, servers, opts)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for tx, err := range f.All() {
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				t.Errorf("the feed ended: %v", err)
				return
			}
			each(tx)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	select {
	case <-following:
	case <-ended:
		t.Fatal("not followed")
	}
	return f
}

// A follower must not be what makes a synchronous transaction confirmed; and
// what is rolled back, with all behind it, never comes.
func TestQuorumIsNotMet(t *testing.T) {
	onServers(t, "{replication_synchro_quorum = 2, replication_synchro_timeout = 0.3, replication_timeout = 0.05}",
		func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
			conn := connect(t, s)
			eval(t, conn, `box.schema.space.create('sync', {is_sync = true}):create_index('pk')`)
			if p.Version.AtLeast(2, 10, 0) { // nobody owns the queue, nor can without a quorum
				eval(t, conn, `box.cfg{replication_synchro_quorum = 1} box.ctl.promote() box.cfg{replication_synchro_quorum = 2}`)
			}
			came := make(chan string, 100)
			followed(t, at(s), Options{From: Now}, func(tx *Tx) {
				for _, c := range tx.Changes {
					came <- c.String()
				}
			})
			_, err := conn.Eval(testContext(t), `
			    local fiber = require('fiber')
			    fiber.create(function() pcall(box.space.goods.replace, box.space.goods, {5000, 'behind'}) end)
			    box.space.sync:insert({1})`)
			if !errors.Is(err, errcode.SyncQuorumTimeout) {
				t.Errorf("the insert: %v", err)
			}
			eval(t, conn, `box.cfg{replication_synchro_quorum = 1} box.space.sync:insert({2}) box.space.goods:replace({3, 'after'})`)
			var got []string
			for len(got) == 0 || !strings.Contains(got[len(got)-1], "after") {
				got = append(got, <-came)
			}
			want := []string{"insert sync [2]", `replace goods [id: 3, name: "after"]`}
			if rest := slices.DeleteFunc(slices.Clone(got), func(c string) bool { return strings.Contains(c, "behind") }); !slices.Equal(rest, want) {
				t.Errorf("came %q, wanted %q", got, want)
			}
			var there bool
			if resp, err := conn.Eval(testContext(t), `return box.space.goods:get(5000) ~= nil`); err != nil || resp.Decode(&there) != nil || there != (len(got) == 3) {
				t.Errorf("what was behind is there: %t, %v, and %q came", there, err, got)
			}
		})
}

// collectLogs makes a server drop its old logs.
const collectLogs = `
box.cfg{checkpoint_count = 1}
for i = 1, 3 do box.space.goods:replace({1, 'x', i}) box.snapshot() end
local fiber = require('fiber')
local deadline = fiber.time() + 10
while #box.info.gc().checkpoints > 1 and fiber.time() < deadline do fiber.sleep(0.01) end
`

// collected waits until the log behind a position is gone: the files go a
// little later.
func collected(t *testing.T, s *tarantool.Server, position types.VClock) ballot {
	t.Helper()
	opts := at(s)[0]
	for deadline := time.Now().Add(10 * time.Second); ; {
		l, err := open(testContext(t), &opts, 1<<20, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		b, err := l.vote()
		_ = l.Close()
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the log starts at %v, %v", b.gc, err)
		}
		if !position.Covers(b.gc) {
			return b
		}
	}
}

func TestGapAheadAndOthers(t *testing.T) {
	onServers(t, "{replication_timeout = 0.1}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		position, err := positionNow(t, s)
		if err != nil {
			t.Fatal(err)
		}
		eval(t, conn, collectLogs)
		early := position
		early.VClock[1] = 5
		b := collected(t, s, early.VClock)
		if err := failure(t, Stream(testContext(t), at(s), Options{From: AtPosition(early)})); !errors.Is(err, ErrGap) {
			t.Errorf("a position whose log is gone: %v", err)
		}
		if err := failure(t, Stream(testContext(t), at(s), Options{From: Origin})); !errors.Is(err, ErrGap) {
			t.Errorf("the origin, whose log is gone: %v", err)
		}
		ahead := position
		ahead.VClock[1] += 1000
		if err := failure(t, Stream(testContext(t), at(s), Options{From: AtPosition(ahead)})); !errors.Is(err, ErrAhead) {
			t.Errorf("a position ahead: %v", err)
		}
		ahead = position
		ahead.VClock = types.VClock{1: b.vclock[1], 2: 1}
		if err := failure(t, Stream(testContext(t), at(s), Options{From: AtPosition(ahead)})); !errors.Is(err, ErrAhead) {
			t.Errorf("a position ahead in one component: %v", err)
		}
		other := Position{uuid.New(), b.vclock.Global()}
		if err := failure(t, Stream(testContext(t), at(s), Options{From: AtPosition(other)})); !errors.Is(err, ErrOtherReplicaSet) {
			t.Errorf("another replica set: %v", err)
		}
	})
}

func TestWhoTellsOfGaps(t *testing.T) {
	for _, c := range []struct {
		major, minor, patch int
		tells               bool
	}{{2, 6, 0, false}, {2, 10, 7, false}, {2, 10, 8, true}, {2, 11, 0, false}, {2, 11, 1, true}, {3, 8, 0, true}} {
		v := iproto.Version{Major: c.major, Minor: c.minor, Patch: c.patch}
		if tellsGaps(v) != c.tells {
			t.Errorf("%v tells: %t", v, !c.tells)
		}
	}
}

// The gap that a server of 2.6 keeps silent about, where the log goes between
// the check and the subscription.
func TestSilentGapIsFoundAtTheFirstHeartbeat(t *testing.T) {
	onServers(t, "{replication_timeout = 0.05}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		position, err := positionNow(t, s)
		if err != nil {
			t.Fatal(err)
		}
		eval(t, conn, collectLogs)
		position.VClock[1] = 5
		opts := at(s)[0]
		l, err := open(testContext(t), &opts, 1<<20, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		r := newRunner(Stream(testContext(t), at(s), Options{From: AtPosition(position)}))
		r.position, r.conv.catalog = position, newCatalog() // not checked before
		if err := explain(r.subscribe(testContext(t), l), &opts); !errors.Is(err, ErrGap) {
			t.Errorf("%v", err)
		}
	})
}

// standstill is for how long a consumer takes nothing: longer than a silent
// follower lives, which is four times replication_timeout. TNT_STANDSTILL
// makes it longer.
func standstill(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("TNT_STANDSTILL")
	if text == "" {
		return 2500 * time.Millisecond
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A consumer that takes nothing costs neither the connection nor memory.
func TestStalledConsumer(t *testing.T) {
	onServers(t, "{replication_timeout = 0.25}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		const buffer = 64 << 10
		lost := 0
		f := Stream(testContext(t), at(s), Options{From: Now, Buffer: buffer, OnState: func(s State) {
			if s.Err != nil {
				t.Log(s)
				lost++
			}
		}})
		ctx, cancel := context.WithCancel(testContext(t))
		defer cancel()
		r := newRunner(f)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r.run(ctx)
		}()
		for f.safe() == (types.VClock{}) {
			time.Sleep(time.Millisecond)
		}
		eval(t, conn, `for i = 1, 20000 do box.space.goods:replace({i, string.rep('x', 200)}) end`)
		time.Sleep(standstill(t))
		r.out.mu.Lock()
		size := r.out.size
		r.out.mu.Unlock()
		if size == 0 || size > buffer {
			t.Errorf("%d bytes are held, Buffer is %d", size, buffer)
		}
		for range 20000 {
			if _, err := r.out.get(ctx); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		<-ended
		if lost != 0 {
			t.Errorf("the connection was lost %d times", lost)
		}
	})
}

// A server that is silent for longer than Silence, as it has nothing to say,
// is left alone.
func TestSilentServerIsLeftAlone(t *testing.T) {
	onServers(t, "{replication_timeout = 60}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		came := make(chan *Tx, 10)
		followed(t, at(s), Options{From: Now, Silence: 400 * time.Millisecond, OnState: func(s State) {
			if s.Err != nil {
				t.Errorf("%v", s)
			}
		}}, func(tx *Tx) { came <- tx })
		for range 3 {
			time.Sleep(900 * time.Millisecond)
			eval(t, conn, `box.space.goods:replace({1, 'x'})`)
			<-came
		}
	})
}

func TestTooLarge(t *testing.T) {
	onServers(t, "{}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		position, err := positionNow(t, s)
		if err != nil {
			t.Fatal(err)
		}
		eval(t, conn, `box.begin() for i = 1, 1000 do box.space.goods:replace({i, string.rep('x', 100)}) end box.commit()`)
		f := Stream(testContext(t), at(s), Options{From: AtPosition(position), MaxTransaction: 50 << 10})
		if err := failure(t, f); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "MaxTransaction") {
			t.Errorf("%v", err)
		}
	})
}

// Each error names the missing grant.
func TestMissingGrants(t *testing.T) {
	onServers(t, "{}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		conn := connect(t, s)
		eval(t, conn, `
		    box.session.su('admin')
		    for _, name in ipairs({'nobody', 'reader', 'replicator'}) do box.schema.user.create(name, {password = 'x'}) end
		    box.schema.user.grant('reader', 'read', 'universe')
		    box.schema.user.grant('replicator', 'replication')`)
		for _, from := range []Start{Snapshot, Now} {
			for _, c := range []struct {
				user string
				ok   bool
				want string
			}{
				{"nobody", false, "box.schema.user.grant('nobody', 'replication')"},
				{"reader", !p.Version.AtLeast(3, 3, 0), "grant('reader', 'write', 'space', '_gc_consumers')"},
				{"replicator", true, ""},
			} {
				opts := []tnt.Options{{Address: s.Address, User: c.user, Password: "x"}}
				if c.ok {
					f := followed(t, opts, Options{From: from}, func(*Tx) {})
					_ = f
					continue
				}
				if err := failure(t, Stream(testContext(t), opts, Options{From: from})); !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v", c.user, err)
				}
			}
		}
		err := failure(t, Stream(testContext(t), []tnt.Options{{Address: s.Address, User: "nobody", Password: "wrong"}}, Options{}))
		if !strings.Contains(err.Error(), "authentication") {
			t.Errorf("a wrong password: %v", err)
		}
	})
}

func TestServerWithoutLog(t *testing.T) {
	for _, p := range tarantool.Programs(t) {
		s, err := tarantool.StartUnix(p.Path, "")
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := failure(t, Stream(testContext(t), at(s), Options{})); !strings.Contains(err.Error(), "wal_mode = 'write'") {
			t.Errorf("%v: %v", p.Version, err)
		}
	}
}

// One of two servers is lost: the other is followed, from the same position.
func TestAnotherServerIsFollowed(t *testing.T) {
	onServers(t, "{replication_timeout = 0.1}", func(t *testing.T, p tarantool.Program, a *tarantool.Server) {
		b := startServer(t, p, fmt.Sprintf("{replication_timeout = 0.1, read_only = true, replication = 'guest@unix/:%s'}", a.Address))
		connA, connB := connect(t, a), connect(t, b)
		numbers := &numbersFrom{next: 2000, t: t}
		var written sync.Once
		f := Stream(testContext(t), append(at(a), at(b)...), Options{From: Now, OnState: func(State) {
			written.Do(func() { eval(t, connA, counting, 2000, 100) })
		}})
		for tx, err := range f.All() {
			if err != nil {
				t.Fatal(err)
			}
			numbers.check(tx)
			switch numbers.next {
			case 2100:
				eval(t, connB, `local f = require('fiber') while box.space.goods:get(2099) == nil do f.sleep(0.01) end`)
				a.Kill()
				eval(t, connB, `box.cfg{read_only = false}`)
				eval(t, connB, counting, 2100, 50)
			case 2150:
				return
			}
		}
	})
}

func TestReadOnlyServerIsFollowed(t *testing.T) {
	onServers(t, "{}", func(t *testing.T, p tarantool.Program, a *tarantool.Server) {
		b := startServer(t, p, fmt.Sprintf("{read_only = true, replication = 'guest@unix/:%s'}", a.Address))
		conn := connect(t, a)
		rows := 0
		for tx, err := range Stream(testContext(t), at(b), Options{}).All() {
			if err != nil {
				t.Fatal(err)
			}
			if tx.Phase == SnapshotEnd {
				eval(t, conn, `box.space.goods:replace({9, 'end of 1'})`)
			}
			rows += len(tx.Changes)
			if isEnd(1)(tx) {
				break
			}
		}
		if rows < 1002 {
			t.Errorf("%d rows", rows)
		}
	})
}
