package cdc

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/tnttest"
)

// A consumer that is kept by its UUID keeps the log of a server of 3.3 and
// later, over its restart, until it is dropped.
func TestConsumerKeepsTheLog(t *testing.T) {
	onServers(t, "{replication_timeout = 0.1}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		if !p.Version.AtLeast(3, 3, 0) {
			t.Skipf("takes Tarantool 3.3, this is %v", p.Version)
		}
		conn := connect(t, s)
		numbers := &numbersFrom{next: 2000, t: t}
		var checkpoint Checkpoint
		var written sync.Once
		f := Stream(testContext(t), at(s), Options{From: Now, OnState: func(State) {
			written.Do(func() { eval(t, conn, counting, 2000, 10) })
		}})
		for tx, err := range f.All() {
			if err != nil {
				t.Fatal(err)
			}
			numbers.check(tx)
			checkpoint = tx.Checkpoint()
			if numbers.next == 2010 {
				break
			}
		}
		eval(t, conn, counting, 2010, 10)
		eval(t, conn, collectLogs)
		s.Kill()
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		again := connect(t, s)
		take(t, Stream(testContext(t), at(s), Options{From: At(checkpoint)}), func(tx *Tx) bool {
			numbers.check(tx)
			return numbers.next == 2020
		})
		if err := Drop(testContext(t), again, checkpoint.Consumer); err != nil {
			t.Fatal(err)
		}
		if err := Drop(testContext(t), again, checkpoint.Consumer); err != nil {
			t.Errorf("one that is not there any more: %v", err)
		}
		eval(t, again, `assert(box.space._gc_consumers:count() == 0)`)
		eval(t, again, collectLogs)
		collected(t, s, checkpoint.Position.VClock)
		if err := failure(t, Stream(testContext(t), at(s), Options{From: At(checkpoint)})); !errors.Is(err, ErrGap) {
			t.Errorf("from the checkpoint of a consumer that was dropped: %v", err)
		}
	})
}

// Drop names the rights that it takes, and refuses a consumer that is connected.
func TestDropRefuses(t *testing.T) {
	onServers(t, "{replication_timeout = 0.1}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		if !p.Version.AtLeast(3, 3, 0) {
			t.Skipf("takes Tarantool 3.3, this is %v", p.Version)
		}
		conn := connect(t, s)
		eval(t, conn, `
		    box.session.su('admin')
		    box.schema.user.create('reader', {password = 'x'})
		    box.schema.user.grant('reader', 'replication')`)
		consumer := uuid.New()
		reader, err := tnt.ConnectOptions(testContext(t), tnt.Options{Address: s.Address, User: "reader", Password: "x"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = reader.Close() }()
		if err := Drop(testContext(t), reader, consumer); !errors.Is(err, errcode.AccessDenied) || !strings.Contains(err.Error(), "'execute', 'lua_call', 'box.ctl.replica_gc'") {
			t.Errorf("without a right: %v", err)
		}
		eval(t, conn, `box.session.su('admin') box.schema.user.grant('reader', 'execute', 'lua_call', 'box.ctl.replica_gc')`)
		ctx, cancel := context.WithCancel(testContext(t))
		ended := make(chan error, 1)
		following := make(chan struct{})
		var once sync.Once
		f := Stream(ctx, at(s), Options{From: Now, Consumer: consumer, OnState: func(State) { once.Do(func() { close(following) }) }})
		go func() { ended <- failure(t, f) }()
		<-following
		mine := errors.New("my cause")
		soon, stop := context.WithTimeoutCause(testContext(t), 100*time.Millisecond, mine)
		defer stop()
		if err := Drop(soon, reader, consumer); !errors.Is(err, mine) {
			t.Errorf("one that is connected: %v", err)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the feed ended by %v", err)
		}
		if err := Drop(testContext(t), reader, consumer); err != nil { // also where the server has not noticed yet
			t.Error(err)
		}
		eval(t, conn, `assert(box.space._gc_consumers:count() == 0)`)
	})
}

// While the server holds an earlier connection of the follower, another
// attempt is made.
func TestEarlierConnectionIsWaitedFor(t *testing.T) {
	onServers(t, "{replication_timeout = 0.1}", func(t *testing.T, p tarantool.Program, s *tarantool.Server) {
		consumer := uuid.New()
		ctx, cancel := context.WithCancel(testContext(t))
		following := make(chan struct{})
		var once sync.Once
		first := Stream(ctx, at(s), Options{From: Now, Consumer: consumer, OnState: func(s State) {
			if s.Following {
				once.Do(func() { close(following) })
			}
		}})
		ended := make(chan error, 1)
		go func() { ended <- failure(t, first) }()
		<-following
		refused := 0
		followed(t, at(s), Options{From: Now, Consumer: consumer, OnState: func(s State) {
			if s.Err == nil {
				return
			}
			if refused++; !errors.Is(s.Err, errcode.Cfg) || !strings.Contains(s.Err.Error(), "earlier connection") {
				t.Errorf("%v", s)
			}
			cancel() // the earlier one ends
		}}, func(*Tx) {})
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the first ended by %v", err)
		}
		if refused == 0 {
			t.Error("the second was not refused")
		}
	})
}

// A second follower with the same UUID waits until the first is gone; the
// consumer's row is there from 3.3 on, and Drop frees it.
func TestEmbeddedConsumer(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		id := uuid.New()
		ctx, cancel := context.WithCancel(t.Context())
		following := make(chan struct{}, 1)
		first := Stream(ctx, of(srv), Options{From: Now, Consumer: id, OnState: func(s State) {
			if s.Following {
				following <- struct{}{}
			}
		}})
		ended := make(chan error)
		go func() { ended <- failure(t, first) }()
		<-following
		refused := false
		second := Stream(t.Context(), of(srv), Options{From: Now, Consumer: id, OnState: func(s State) {
			refused = refused || errors.Is(s.Err, errcode.Cfg)
		}})
		go func() {
			time.Sleep(3 * time.Second)
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("the first ended with %v", err)
			}
			time.Sleep(10 * time.Second)
			_ = srv.Space("goods").Replace(1, "one")
		}()
		take(t, second, func(tx *Tx) bool { return len(tx.Changes) > 0 })
		if !refused {
			t.Error("the second was not refused")
		}
		synctest.Wait()
		conn, err := tnt.ConnectOptions(t.Context(), of(srv)[0])
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		kept := func() int {
			n, err := srv.Space("_gc_consumers").Len()
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if want := map[bool]int{true: 1}[conn.Version().AtLeast(3, 3, 0)]; kept() != want {
			t.Errorf("%d consumers, wanted %d", kept(), want)
		}
		if err := Drop(t.Context(), conn, id); err != nil || kept() != 0 {
			t.Errorf("%v, and %d consumers are left", err, kept())
		}
	})
}
