package tnt_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// onStreams runs a test on the servers that have streams.
func onStreams(t *testing.T, test func(t *testing.T, p *program)) {
	t.Helper()
	onServersWith(t, 2, 10, test)
}

func count(t *testing.T, ex tnt.Executor) int {
	t.Helper()
	return do(t, ex, tnt.Select{Space: "tester"}).Len()
}

func TestStreamsOfOldServer(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		if p.Version.AtLeast(2, 10, 0) {
			t.Skip("this one has streams")
		}
		conn := quiet(t, p)
		writes := conn.Stats().Writes
		stream := conn.Stream()
		for name, err := range map[string]error{
			"begin":    stream.Begin(testContext(t)),
			"commit":   stream.Commit(testContext(t)),
			"rollback": stream.Rollback(testContext(t)),
			"ping":     stream.Ping(testContext(t)),
			"InTx": tnt.InTx(testContext(t), conn, func(*tnt.Stream) error {
				t.Error("the function ran")
				return nil
			}),
		} {
			var missing *tnt.FeatureError
			if !errors.As(err, &missing) || missing.Feature != iproto.FeatureStreams || !tnt.SafeToRetry(err) {
				t.Errorf("%s: %v", name, err)
			}
			failsWith(t, name, err, "Tarantool 2.6.0, has no streams")
		}
		_, err := stream.Go(testContext(t), tnt.Ping{}).Wait(testContext(t))
		failsWith(t, "go", err, "has no streams")
		for name, req := range map[string]tnt.Request{
			"pagination": tnt.Select{Space: "tester", FetchPosition: true},
			"after":      tnt.Select{Space: "tester", After: tnt.AfterPosition("x")},
		} {
			_, err := conn.Do(testContext(t), req)
			failsWith(t, name, err, "has no pagination")
		}
		if after := conn.Stats().Writes; after != writes || stream.ID() != 0 {
			t.Errorf("%d writes", after-writes)
		}
	})
}

func TestStreamTransaction(t *testing.T) {
	beginLua, commitLua, rollbackLua := tnt.Call{Function: "box.begin"}, tnt.Call{Function: "box.commit"}, tnt.Call{Function: "box.rollback"}
	beginSQL, commitSQL, rollbackSQL := tnt.Execute{Statement: "START TRANSACTION"}, tnt.Execute{Statement: "COMMIT"}, tnt.Execute{Statement: "ROLLBACK"}
	for name, test := range map[string]struct{ begin, commit, rollback tnt.Request }{
		"requests": {tnt.Begin{}, tnt.Commit{}, tnt.Rollback{}},
		"lua":      {beginLua, commitLua, rollbackLua},
		"sql":      {beginSQL, commitSQL, rollbackSQL},
		"mixed":    {tnt.Begin{}, commitLua, rollbackSQL},
		"options":  {tnt.Begin{Isolation: tnt.ReadConfirmed, Timeout: 10 * time.Second}, tnt.Commit{}, tnt.Rollback{}},
	} {
		onStreams(t, func(t *testing.T, p *program) {
			t.Run(name, func(t *testing.T) {
				conn := shared(t, p)
				stream := conn.Stream()
				do(t, stream, test.begin)
				do(t, stream, tnt.Insert{Space: "tester", Tuple: []any{1, "x"}})
				equal(t, "seen inside", count(t, stream), 1)
				equal(t, "not seen outside", count(t, conn), 0)
				do(t, stream, test.rollback)
				equal(t, "rolled back", count(t, stream), 0)

				do(t, stream, test.begin) // the stream can be used again
				do(t, stream, tnt.Insert{Space: "tester", Tuple: []any{1, "x"}})
				do(t, stream, test.commit)
				equal(t, "committed", count(t, conn), 1)
			})
		})
	}
}

func TestStreamsInterleave(t *testing.T) {
	onStreams(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		a, b := conn.Stream(), conn.Stream()
		for i, stream := range []*tnt.Stream{a, b} {
			if err := stream.Begin(testContext(t)); err != nil {
				t.Fatal(err)
			}
			do(t, stream, tnt.Insert{Space: "tester", Tuple: []any{i, "x"}})
		}
		equal(t, "a sees its own", ids(t, a, tnt.Select{Space: "tester"}), ints(0))
		equal(t, "b sees its own", ids(t, b, tnt.Select{Space: "tester"}), ints(1))
		if a.ID() == b.ID() || a.ID() == 0 {
			t.Errorf("the streams are %d and %d", a.ID(), b.ID())
		}
		if err := a.Commit(testContext(t)); err != nil {
			t.Fatal(err)
		}
		equal(t, "a is committed", ids(t, conn, tnt.Select{Space: "tester"}), ints(0))
		if err := b.Rollback(testContext(t)); err != nil {
			t.Fatal(err)
		}
		equal(t, "b is not", ids(t, conn, tnt.Select{Space: "tester"}), ints(0))
	})
}

// TestManyStreams uses streams with ids of one, two and three bytes at once.
func TestManyStreams(t *testing.T) {
	onStreams(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		const n = 300
		streams := make([]*tnt.Stream, n)
		for i := range streams {
			streams[i] = conn.Stream()
			if err := streams[i].Begin(testContext(t)); err != nil {
				t.Fatal(err)
			}
			do(t, streams[i], tnt.Insert{Space: "tester", Tuple: []any{i, "x"}})
			if streams[i].ID() != uint64(i+1) {
				t.Fatalf("stream %d has the number %d", i, streams[i].ID())
			}
		}
		for i, stream := range streams {
			equal(t, "a stream's own", ids(t, stream, tnt.Select{Space: "tester", Key: tnt.K(i)}), ints(int64(i)))
			equal(t, "not another's", count(t, stream), 1)
			if i%2 == 0 {
				do(t, stream, tnt.Rollback{})
			}
		}
		for i, stream := range streams {
			if i%2 == 1 {
				do(t, stream, tnt.Commit{})
				break // the others conflict with nobody, but they read what is not theirs
			}
		}
		equal(t, "committed", ids(t, conn, tnt.Select{Space: "tester"}), ints(1))
	})
}

func TestTransactionTimeout(t *testing.T) {
	onStreams(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		stream := conn.Stream()
		if err := stream.Begin(testContext(t), tnt.Begin{Timeout: 300 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		do(t, stream, tnt.Insert{Space: "tester", Tuple: []any{1, "x"}})
		time.Sleep(400 * time.Millisecond) // the server's clock has no event to wait for
		err := stream.Commit(testContext(t))
		if !errors.Is(err, errcode.TransactionTimeout) || !tnt.SafeToRetry(err) {
			t.Errorf("a late commit: %v", err)
		}
		equal(t, "nothing is stored", count(t, conn), 0)
		if err := stream.Begin(testContext(t), tnt.Begin{}, tnt.Begin{}); err == nil {
			t.Error("two Begins succeeded")
		}
	})
}

func TestInTx(t *testing.T) {
	onStreams(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		insert := func(s *tnt.Stream) error {
			_, err := s.Insert(testContext(t), "tester", []any{1, "x"})
			return err
		}
		if err := tnt.InTx(testContext(t), conn, insert); err != nil {
			t.Fatal(err)
		}
		equal(t, "committed", count(t, conn), 1)
		lua(t, conn, "box.space.tester:truncate()")

		mine := errors.New("mine")
		err := tnt.InTx(testContext(t), conn, func(s *tnt.Stream) error { return errors.Join(insert(s), mine) })
		if !errors.Is(err, mine) {
			t.Errorf("got %v", err)
		}
		noTransaction(t, conn)
		equal(t, "an error rolls back", count(t, conn), 0)

		func() {
			defer func() {
				if p := recover(); p != "mine" {
					t.Errorf("the panic has become %v", p)
				}
			}()
			_ = tnt.InTx(testContext(t), conn, func(s *tnt.Stream) error {
				if err := insert(s); err != nil {
					t.Error(err)
				}
				panic("mine")
			})
		}()
		noTransaction(t, conn)
		equal(t, "a panic rolls back", count(t, conn), 0)

		ctx, cancel := context.WithCancel(t.Context())
		err = tnt.InTx(ctx, conn, func(s *tnt.Stream) error {
			defer cancel()
			return insert(s)
		})
		if err == nil || errors.Is(err, mine) {
			t.Errorf("a context that ended before the commit: %v", err)
		}
		noTransaction(t, conn)

		for range 3 {
			if err := tnt.InTx(testContext(t), conn, func(s *tnt.Stream) error {
				_, err := s.Replace(testContext(t), "tester", []any{1, "y"})
				return err
			}, tnt.Begin{Isolation: tnt.ReadCommitted}); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestInTxWhoseBeginIsGivenUp checks that a Begin that came through late does
// not leave its transaction open.
func TestInTxWhoseBeginIsGivenUp(t *testing.T) {
	onStreams(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address})
		other := connect(t, tnt.Options{Address: s.Address})
		s.Pause()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		done := make(chan error, 1)
		go func() {
			done <- tnt.InTx(ctx, conn, func(*tnt.Stream) error { return errors.New("the function ran") })
		}()
		err := <-done // before the server may answer
		s.Resume()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		noTransaction(t, other)
	})
}

// noTransaction waits until the server has none: streams are what it counts.
func noTransaction(t *testing.T, conn *tnt.Conn) {
	t.Helper()
	eventually(t, "no transaction is open", func() bool {
		return lua(t, conn, "return box.stat.net().STREAMS.current")[0] == int64(0)
	})
}

// TestInTxWhoseCommitIsNotSent has the commit wait for room in vain: the
// transaction must not stay open.
func TestInTxWhoseCommitIsNotSent(t *testing.T) {
	srv := embedded(t, tnttest.InMemory())
	stall := func(on bool) { srv.Connections()[0].StallReads(on) }
	conn := connect(t, tnt.Options{
		Dialer: srv.DialContext, WriteBuffer: 1, RequestTimeout: 50 * time.Millisecond, PingInterval: tnt.Never,
		Hooks: []tnt.Hook{onEnd(func(_ *tnt.Conn, r tnt.RequestInfo) {
			if r.Type.String() == "COMMIT" {
				stall(false)
			}
		})},
	})
	err := tnt.InTx(t.Context(), conn, func(*tnt.Stream) error {
		stall(true)
		for {
			if _, err := conn.Do(t.Context(), tnt.Ping{}); tnt.SafeToRetry(err) {
				return nil // there is no room any more
			}
		}
	})
	if !errors.Is(err, tnt.ErrTimeout) || !tnt.SafeToRetry(err) {
		t.Errorf("got %v", err)
	}
	eventually(t, "the transaction is rolled back", func() bool {
		requests := srv.Requests()
		return requests[len(requests)-1].Type.String() == "ROLLBACK"
	})
}

func TestTransactionConflict(t *testing.T) {
	onStreams(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		fill(t, conn, 1)
		tries := 0
		for {
			tries++
			err := tnt.InTx(testContext(t), conn, func(s *tnt.Stream) error {
				if _, err := s.Select(testContext(t), "tester", tnt.K(1)); err != nil {
					return err
				}
				if tries == 1 { // somebody else is quicker
					if _, err := conn.Update(testContext(t), "tester", tnt.K(1), tnt.OpAdd("age", 100)); err != nil {
						return err
					}
				}
				_, err := s.Update(testContext(t), "tester", tnt.K(1), tnt.OpAdd("age", 1))
				return err
			})
			if err == nil {
				break
			}
			if !errors.Is(err, errcode.TransactionConflict) || !tnt.SafeToRetry(err) {
				t.Fatal(err)
			}
		}
		equal(t, "tries", tries, 2)
		equal(t, "the result", lua(t, conn, "return box.space.tester:get(1).age"), ints(111))
	})
}

func TestStreamLost(t *testing.T) {
	onStreams(t, func(t *testing.T, p *program) {
		s := ownServer(t, p)
		conn := connect(t, tnt.Options{Address: s.Address, ReconnectInterval: 5 * time.Millisecond})
		unused := conn.Stream()
		err := tnt.InTx(testContext(t), conn, func(stream *tnt.Stream) error {
			do(t, stream, tnt.Insert{Space: "tester", Tuple: []any{2, "lost"}})
			if err := conn.Reconnect(testContext(t)); err != nil {
				t.Error(err)
			}
			_, err := stream.Insert(testContext(t), "tester", []any{3, "outside of the transaction"})
			if !errors.Is(err, tnt.ErrStreamLost) || !errors.Is(err, tnt.ErrNotConnected) || !tnt.SafeToRetry(err) {
				t.Errorf("in the stream of a lost connection: %v", err)
			}
			return nil // the commit has to fail
		})
		if !errors.Is(err, tnt.ErrStreamLost) {
			t.Errorf("its commit: %v", err)
		}
		equal(t, "nothing is stored", count(t, conn), 0)
		if err := unused.Begin(testContext(t)); err != nil {
			t.Errorf("a stream that had not been used: %v", err)
		}
		if err := unused.Rollback(testContext(t)); err != nil {
			t.Error(err)
		}
	})
}

func TestStreamNotConnected(t *testing.T) {
	conn, err := tnt.New(tnt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Stream().Begin(t.Context()); !errors.Is(err, tnt.ErrNotConnected) || !tnt.SafeToRetry(err) {
		t.Error(err)
	}
}

func TestStreamKeepsOrder(t *testing.T) {
	onStreams(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		lua(t, conn, "order = {} function note(i) require('fiber').sleep(math.random() / 1000) table.insert(order, i) end")
		stream := conn.Stream()
		var reqs []tnt.Request
		want := []any{}
		for i := range 50 {
			reqs = append(reqs, tnt.Call{Function: "note", Args: []any{i}})
			want = append(want, int64(i))
		}
		for _, result := range stream.Batch(testContext(t), reqs...) {
			if result.Err != nil {
				t.Fatal(result.Err)
			}
		}
		equal(t, "the order", lua(t, conn, "return order"), []any{want})
	})
}

func TestFeatures(t *testing.T) {
	onServers(t, func(t *testing.T, p *program) {
		conn := shared(t, p)
		f := conn.Features()
		if p.Version.AtLeast(3, 0, 0) {
			for _, feature := range []iproto.Feature{iproto.FeatureStreams, iproto.FeatureTransactions, iproto.FeatureErrorExtension, iproto.FeatureWatchers, iproto.FeaturePagination, iproto.FeatureSpaceAndIndexNames, iproto.FeatureWatchOnce} {
				if !f.Has(feature) {
					t.Errorf("no %v", feature)
				}
			}
			if f.Version < 7 {
				t.Errorf("protocol %d", f.Version)
			}
			failsWith(t, "as text", errors.New(f.String()), "streams, transactions")
		} else if f.Version != 0 || f.Has(iproto.FeatureStreams) {
			t.Errorf("an old server has %v", f)
		}
		disconnect(t, conn)
		if conn.Features() != (iproto.Features{}) {
			t.Error("there are features without a connection")
		}
	})
}

func TestPagination(t *testing.T) {
	onServersWith(t, 2, 11, func(t *testing.T, p *program) {
		conn := shared(t, p)
		fill(t, conn, 9)
		all := []any{}
		page := tnt.Select{Space: "tester", Limit: 4, FetchPosition: true}
		for {
			resp := do(t, conn, page)
			tuples, err := resp.Tuples()
			if err != nil {
				t.Fatal(err)
			}
			if len(tuples) == 0 {
				break
			}
			for _, tuple := range tuples {
				id, err := tuple.At(0)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, id)
			}
			if resp.Position() == "" {
				t.Fatal("no position")
			}
			page.After = tnt.AfterPosition(resp.Position())
		}
		equal(t, "by position", all, ints(1, 2, 3, 4, 5, 6, 7, 8, 9))
		last, err := conn.Select(testContext(t), "tester", tnt.K(5))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "behind a tuple", ids(t, conn, tnt.Select{Space: "tester", After: tnt.AfterTuple(last[0])}), ints(6, 7, 8, 9))
		equal(t, "behind it, in reverse", ids(t, conn, tnt.Select{Space: "tester", Iterator: iproto.IterLE, After: tnt.AfterTuple(last[0])}), ints(4, 3, 2, 1))
	})
}

// TestIsSync has a transaction be synchronous that works on a space which is
// not: on a server whose queue of such transactions belongs to nobody, that is
// refused; without the flag it is not.
func TestIsSync(t *testing.T) {
	onServersWith(t, 3, 2, func(t *testing.T, p *program) {
		conn := shared(t, p)
		ctx := testContext(t)
		for name, c := range map[string]struct {
			begin  tnt.Begin
			commit tnt.Commit
			want   error
		}{
			"neither": {},
			"begin":   {begin: tnt.Begin{IsSync: true}, want: errcode.SyncQueueUnclaimed},
			"commit":  {commit: tnt.Commit{IsSync: true}, want: errcode.SyncQueueUnclaimed},
		} {
			s := conn.Stream()
			if _, err := s.Do(ctx, c.begin); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, err := s.Replace(ctx, "tester", []any{1, "hello", 1, 4, "what is up"}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, err := s.Do(ctx, c.commit); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	onServers(t, func(t *testing.T, p *program) {
		if p.Version.AtLeast(2, 10, 0) {
			t.Skip("for servers that have no streams, and so no such transactions")
		}
		var missing *tnt.FeatureError
		_, err := shared(t, p).Do(testContext(t), tnt.Begin{IsSync: true})
		if !errors.As(err, &missing) || !tnt.SafeToRetry(err) {
			t.Errorf("got %v", err)
		}
	})
}
