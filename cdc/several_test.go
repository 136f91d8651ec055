package cdc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// twoOf is a server by two names.
func twoOf(srv *tnttest.Server) []tnt.Options {
	servers := append(of(srv), of(srv)...)
	servers[1].Address = "memory:2"
	return servers
}

// A feed of several servers ends where each refuses, though it takes the
// position or begins a snapshot first.
func TestEmbeddedSeveralRefuse(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		put(t, srv, 1, "one")
		txs := take(t, Stream(t.Context(), of(srv), Options{From: Origin}), func(tx *Tx) bool { return len(tx.Changes) > 0 })
		at := AtPosition(txs[len(txs)-1].Position)
		put(t, srv, 2, strings.Repeat("large", 2000))
		for name, c := range map[string]struct {
			opts Options
			want error
		}{
			"gap":       {Options{From: at}, ErrGap},
			"too large": {Options{MaxTransaction: 8 << 10}, ErrTooLarge},
		} {
			if errors.Is(c.want, ErrGap) {
				srv.DropLog()
			}
			tries := 0
			c.opts.OnState = func(s State) {
				if s.Err == nil {
					return
				}
				if tries++; tries > 10 {
					panic(fmt.Sprintf("%s: attempt %d: %v", name, tries, s.Err))
				}
			}
			if err := failure(t, Stream(t.Context(), twoOf(srv), c.opts)); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// The other one is not there.
		servers := twoOf(srv)
		servers[1].Dialer = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody there") }
		ctx, cancel := context.WithTimeout(t.Context(), 3*DefaultSilence)
		defer cancel()
		if err := failure(t, Stream(ctx, servers, Options{From: at})); !errors.Is(err, ErrGap) {
			t.Errorf("one gap, and one that is away: %v", err)
		}
	})
}

// The vclocks of two replica sets say nothing of each other: that a server is of
// another is told as that, whatever they are.
func TestEmbeddedOtherReplicaSet(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		put(t, srv, 1, "one")
		txs := take(t, Stream(t.Context(), of(srv), Options{From: Origin}), func(tx *Tx) bool { return len(tx.Changes) > 0 })
		at := txs[len(txs)-1].Position
		at.ReplicaSet[0]++
		put(t, srv, 2, "two")
		srv.DropLog()
		for what, ahead := range map[string]uint64{"a gap": 0, "where it is": 1, "ahead": 100} {
			other := at
			other.VClock[1] += ahead
			if err := failure(t, Stream(t.Context(), of(srv), Options{From: AtPosition(other)})); !errors.Is(err, ErrOtherReplicaSet) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// What the rest of tnt takes for passing by itself does not end a feed.
func TestEmbeddedRefusedForAWhile(t *testing.T) {
	for _, code := range []errcode.Code{errcode.MemoryIssue, errcode.WALIO, errcode.WALQueueFull, errcode.SyncQueueFull, errcode.QuorumWait, errcode.Shutdown} {
		for _, request := range []iproto.Type{iproto.TypeSubscribe, iproto.TypeFetchSnapshot} {
			onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
				srv.Inject(tnttest.Fault{On: request, Times: 1, Error: &tnt.Error{Code: code, Message: "for a while"}})
				told := 0
				f := Stream(t.Context(), of(srv), Options{OnState: func(s State) {
					if told += map[bool]int{true: 1}[s.Err != nil]; s.Following {
						put(t, srv, 1, "one")
					}
				}})
				take(t, f, func(tx *Tx) bool { return tx.Phase == InLog })
				if told != 1 {
					t.Errorf("%v of %v was told %d times", code, request, told)
				}
			})
		}
	}
}

// MaxTransaction is for transactions: the schema that a feed from a position reads
// first may be larger, and so may an answer before that.
func TestEmbeddedSmallTransactions(t *testing.T) {
	onEmbedded(t, func(t *testing.T, srv *tnttest.Server) {
		servers := of(srv)
		servers[0].User, servers[0].Password = "reader", "secret"
		for _, start := range []Start{Now, Origin} {
			f := Stream(t.Context(), servers, Options{From: start, Spaces: []string{"goods"}, MaxTransaction: 600, OnState: func(s State) {
				if s.Err != nil {
					panic(s.Err)
				}
				put(t, srv, 1, "one")
			}})
			take(t, f, func(tx *Tx) bool { return tx.Changes[0].Op == Replace })
		}
		put(t, srv, 2, strings.Repeat("x", 700))
		if err := failure(t, Stream(t.Context(), servers, Options{From: Origin, MaxTransaction: 600})); !errors.Is(err, ErrTooLarge) {
			t.Errorf("a large transaction: %v", err)
		}
	}, tnttest.WithUser("reader", "secret"))
}
