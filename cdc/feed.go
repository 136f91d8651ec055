package cdc

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/types"
)

// Feed is the changes of a server. All may run once at a time; the other
// methods are safe for concurrent use.
type Feed struct {
	ctx     context.Context      //nolint:containedctx // as iterators take none, that of Stream bounds them
	servers func() []tnt.Options // those to follow one of, as they are now
	opts    Options
	err     error // of the options
	mirrors []string
	mirror  bool

	mu        sync.Mutex
	running   bool
	from      Start        // of the next All
	acked     types.VClock // what the server may drop
	given     types.VClock // position of the last Tx given out
	lastPut   types.VClock // of the last Tx read ahead
	read      Position     // how far the log was read
	server    types.VClock // how far it goes, as last heard
	lastWrite time.Time    // when what was read last was written
}

// Stream makes a Feed of a server, or of several of one replica set: it follows
// one of them, and another when that is lost. Nothing happens until All is
// called. ctx bounds the Feed's life. Of the servers' Options those count that
// say how to connect; ConnectOnce ends the Feed where its one server fails before it
// was ever followed.
func Stream(ctx context.Context, servers []tnt.Options, opts Options) *Feed {
	servers = slices.Clone(servers)
	f := newFeed(ctx, func() []tnt.Options { return servers }, opts)
	if len(servers) == 0 {
		f.err = errNoServer
	}
	return f
}

// StreamPool makes a Feed of the instances of a pool, which have to be of one
// replica set: it follows one of them, and another, from the same position,
// when that is lost. Instances that are added to the pool later are among those, and
// one that is removed is none of them any more; the connection to it ends when it is
// lost. The Feed has connections of its own, and ends with an error when its
// connection is lost and the pool closed, or without an instance. For the rest see Stream.
func StreamPool(ctx context.Context, p *pool.Pool, opts Options) *Feed {
	return newFeed(ctx, func() []tnt.Options {
		instances := p.Instances()
		servers := make([]tnt.Options, len(instances))
		for i := range instances {
			servers[i] = instances[i].Options
			servers[i].ConnectOnce = false // as in the pool
		}
		return servers
	}, opts)
}

var errNoServer = errors.New("cdc: no server to follow")

func newFeed(ctx context.Context, servers func() []tnt.Options, opts Options) *Feed {
	f := &Feed{ctx: ctx, servers: servers}
	f.opts, f.err = opts.withDefaults()
	f.from = f.opts.From
	return f
}

// Mirror makes a Feed keep the rows of spaces, of all users' spaces where none
// is named, and give Old and New of each Change in them. It returns the Feed,
// which has to start from Snapshot or Origin. Memory grows with the rows.
//
// A space that is renamed is kept by its new name. One whose primary key has a
// collation can't be mirrored: All ends with an ErrCollation at its definition.
func Mirror(f *Feed, spaces ...string) *Feed {
	f.mirror, f.mirrors = true, slices.Clone(spaces)
	if f.opts.From.kind != fromSnapshot && f.opts.From.kind != fromOrigin && f.err == nil {
		f.err = errors.New("cdc: a Mirror takes a Feed from Snapshot or Origin, as it has to know the rows before the changes")
	}
	return f
}

// All iterates over the transactions, as they are decided, and waits for more.
// Lost connections are restored; an error is final, and the last. It is
// ctx's where that ended.
//
// Each transaction comes once. A second All goes on behind the last Tx that
// the first gave out; in the middle of a snapshot, and of a Mirror, it starts
// where the first did.
func (f *Feed) All() iter.Seq2[*Tx, error] {
	return func(yield func(*Tx, error) bool) {
		if err := f.begin(); err != nil {
			yield(nil, err)
			return
		}
		defer f.finish()
		ctx, cancel := context.WithCancel(f.ctx)
		r := newRunner(f)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r.run(ctx)
		}()
		defer func() {
			cancel()
			<-ended
		}()
		for {
			tx, err := r.out.get(ctx)
			if err != nil {
				if f.ctx.Err() != nil {
					err = context.Cause(f.ctx)
				}
				yield(nil, err)
				return
			}
			f.giveOut(tx)
			if !yield(tx, nil) {
				return
			}
			if !f.opts.ManualAck && tx.Phase != InSnapshot {
				f.acknowledge(tx.Position.VClock)
			}
		}
	}
}

func (f *Feed) begin() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	if f.running {
		return errors.New("cdc: All of this Feed is running already")
	}
	f.running = true
	return nil
}

func (f *Feed) finish() {
	f.mu.Lock()
	f.running = false
	f.mu.Unlock()
}

// giveOut notes where the next All starts.
func (f *Feed) giveOut(tx *Tx) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if tx.Phase == InSnapshot {
		return
	}
	f.given = tx.Position.VClock
	if !f.mirror {
		f.from = Start{kind: fromPosition, checkpoint: Checkpoint{Position: tx.Position}, catalog: tx.catalog}
	}
}

func (f *Feed) acknowledge(v types.VClock) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acked = later(f.acked, v) // one that is behind takes nothing back
}

// later returns the vclock that covers two.
func later(v, w types.VClock) types.VClock {
	for id, lsn := range w {
		v[id] = max(v[id], lsn)
	}
	return v
}

// Ack says that what came up to a position is done with, so that the server
// need not keep the log of it. It is for Options.ManualAck, and needs no
// connection. It fails for a position that the Feed has not given out.
func (f *Feed) Ack(p Position) error {
	f.mu.Lock()
	set, given := f.read.ReplicaSet, f.given
	f.mu.Unlock()
	if p.ReplicaSet != set {
		return fmt.Errorf("%w: acknowledged is %v", ErrOtherReplicaSet, p)
	}
	if !given.Covers(p.VClock) {
		return fmt.Errorf("cdc: position %v was not given out yet: that is %v", p.VClock, given)
	}
	f.acknowledge(p.VClock)
	return nil
}

// Lag returns how far the server's log was read, and how long ago the row that
// was read last had been written; 0 where all is read that the server has, as
// far as it said, and given out.
func (f *Feed) Lag() (Position, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lastWrite.IsZero() || f.read.VClock.Covers(f.server) && f.given.Covers(f.lastPut) {
		return f.read, 0
	}
	return f.read, max(0, time.Since(f.lastWrite))
}
