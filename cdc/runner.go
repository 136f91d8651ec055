package cdc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// The pause between attempts to connect, when all servers were tried: it
// doubles from the first to the last.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// A runner follows servers for one All. Its goroutine alone touches what is
// below out.
type runner struct {
	f   *Feed
	out *outbox

	conv     *converter
	from     Start
	position Position // behind the last transaction that was put out
	located  bool     // position is where to subscribe
	begun    bool     // some of the snapshot was put out
	putAt    time.Time
	alive    bool      // rows or heartbeats came since the last attempt
	beatAt   time.Time // when a heartbeat came behind another one: the first comes before a refusal, too
}

func newRunner(f *Feed) *runner {
	r := &runner{f: f, out: newOutbox(f.opts.Buffer), conv: &converter{opts: &f.opts}}
	f.mu.Lock()
	r.from = f.from
	f.mu.Unlock()
	if f.mirror {
		r.conv.mirror = newMirror(f.mirrors)
	}
	return r
}

// run follows one server after the other until ctx ends or an error is final.
func (r *runner) run(ctx context.Context) {
	refused := map[string]error{} // final errors, by address, since one was followed
	denied := map[string]bool{}   // who denied a right at the last attempt
	lastAlive, followed := time.Now(), false
	pause := firstPause
	for at := 0; ; at++ {
		servers := r.f.servers()
		if len(servers) == 0 {
			r.out.end(errNoServer)
			return
		}
		at %= len(servers)
		opts := &servers[at]
		r.alive = false
		before := r.position
		err := explain(r.follow(ctx, opts), opts)
		if ctx.Err() != nil {
			return
		}
		if r.lived(err, before) {
			clear(refused)
			lastAlive, pause, followed = time.Now(), firstPause, true
		} else if r.beatAt.After(lastAlive) {
			lastAlive, followed = r.beatAt, true
		}
		if f := new(fatal); errors.As(err, f) {
			r.out.end(fmt.Errorf("%s: %w", opts, f.error))
			return
		}
		again, once := denied[opts.Address], opts.ConnectOnce && !followed
		delete(refused, opts.Address)
		delete(denied, opts.Address)
		if errors.Is(err, errcode.AccessDenied) && !again && !once {
			denied[opts.Address] = true // a server that starts may not know its users' rights yet
		} else if isFinal(err) || once && len(servers) == 1 {
			refused[opts.Address] = err
		}
		if refused[opts.Address] != nil && (allRefused(servers, refused) || time.Since(lastAlive) > r.f.opts.Silence) {
			r.out.end(fmt.Errorf("%s: %w", opts, err))
			return
		}
		wait := time.Duration(0)
		if at == len(servers)-1 || r.alive {
			wait = pause/2 + rand.N(pause/2)
			pause = min(2*pause, lastPause)
		}
		r.tell(State{Server: opts.String(), Err: err, Next: wait})
		if !sleep(ctx, wait) {
			return
		}
	}
}

// lived reports whether a server was followed by an attempt that ended with err. One that
// takes a position and then refuses it, as all from 2.10.8 on whose log is gone, was not.
func (r *runner) lived(err error, before Position) bool {
	return r.alive && (!isFinal(err) || r.position != before)
}

// allRefused reports whether the error of each server is final.
func allRefused(servers []tnt.Options, refused map[string]error) bool {
	return !slices.ContainsFunc(servers, func(o tnt.Options) bool { return refused[o.Address] == nil })
}

// sleep waits, and reports whether ctx still goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// fatal marks an error that ends the Feed, whatever other servers there are.
type fatal struct{ error }

func (e fatal) Unwrap() error { return e.error }

func (r *runner) tell(s State) {
	if r.f.opts.OnState != nil {
		r.f.opts.OnState(s)
	}
}

// follow follows one server until the connection is lost.
func (r *runner) follow(ctx context.Context, opts *tnt.Options) error {
	l, err := open(ctx, opts, max(r.f.opts.MaxTransaction, DefaultMaxTransaction), r.f.opts.Silence) // the schema may be larger
	if err != nil {
		return err
	}
	defer l.Close()
	r.conv.settings = l.settings
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	switch {
	case r.located:
		err = r.checkPosition(l)
	case r.from.kind == fromSnapshot:
		err = r.snapshot(ctx, l)
	default:
		err = r.locate(l)
	}
	if err != nil {
		return err
	}
	return r.subscribe(ctx, l)
}

// locate finds out where to subscribe.
func (r *runner) locate(l *conn) error {
	now, err := l.vote() // before the schema, whose changes since may come again
	if err != nil {
		return err
	}
	today, err := l.catalogNow()
	if err != nil {
		return err
	}
	position, known := r.from.checkpoint.Position, today
	switch {
	case r.from.kind != fromPosition:
		if position.ReplicaSet, err = l.replicaSet(); err != nil {
			return err
		}
		if r.from.kind == fromNow {
			position.VClock = now.vclock.Global()
			break
		}
		known = newCatalog()
		known.addSystem(today)
	case r.from.catalog != nil:
		known = r.from.catalog.clone()
		known.addSystem(today)
	case r.from.checkpoint.schema != nil:
		if known, err = decodeCatalog(r.from.checkpoint.schema); err != nil {
			return fatal{err}
		}
		known.addSystem(today)
	}
	position.VClock = position.VClock.Global()
	r.position = position
	if err := r.compare(now, l.greeting.Version); err != nil {
		return r.strange(l, err)
	}
	r.conv.catalog = known
	r.start()
	return nil
}

// start notes that the position is where to subscribe.
func (r *runner) start() {
	r.located, r.putAt = true, time.Now()
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	r.f.read = r.position
	if r.from.kind == fromSnapshot {
		return
	}
	r.f.given, r.f.lastPut = r.position.VClock, r.position.VClock
	if r.f.acked == (types.VClock{}) { // a second All takes back nothing, and gives away nothing
		r.f.acked = r.position.VClock
	}
}

// checkPosition reports a server that doesn't have what comes behind the
// position: some say so late, or never.
func (r *runner) checkPosition(l *conn) error {
	b, err := l.vote()
	if err != nil {
		return err
	}
	if err := r.compare(b, l.greeting.Version); err != nil {
		return r.strange(l, err)
	}
	return nil
}

// strange returns why a position does not fit a server: the error that the vclocks
// make, or that they are of two replica sets and say nothing.
func (r *runner) strange(l *conn, err error) error {
	if set, failed := l.replicaSet(); failed == nil && set != r.position.ReplicaSet {
		return otherReplicaSet(r.position.ReplicaSet, set.String())
	}
	return err
}

func otherReplicaSet(position uuid.UUID, server string) error {
	return final{fmt.Errorf("%w: the position is of %v, the server of %s", ErrOtherReplicaSet, position, server)}
}

// tellsGaps reports servers that refuse a position whose log is gone. Those of
// before may say nothing until the next write; but where a log begins they tell
// truly, while later ones that keep a log for a consumer deny it
// in their ballot after a restart. 2.11.0 is older than 2.10.8.
func tellsGaps(v iproto.Version) bool {
	return v.AtLeast(2, 10, 8) && (!v.AtLeast(2, 11, 0) || v.AtLeast(2, 11, 1))
}

func (r *runner) compare(b ballot, v iproto.Version) error {
	switch at := r.position.VClock; {
	case !tellsGaps(v) && !at.Covers(b.gc):
		return final{fmt.Errorf("%w: the position is %v, the server's log starts at %v", ErrGap, at, b.gc.Global())}
	case !b.vclock.Covers(at):
		return final{fmt.Errorf("%w: the position is %v, the server is at %v", ErrAhead, at, b.vclock.Global())}
	}
	return nil
}

// snapshot takes the data that are there.
func (r *runner) snapshot(ctx context.Context, l *conn) error {
	r.conv.catalog, r.conv.shared = newCatalog(), false
	if r.conv.mirror != nil {
		r.conv.mirror.clear()
	}
	err := r.takeSnapshot(ctx, l)
	if err != nil && r.begun && ctx.Err() == nil {
		if errors.Is(err, ErrStalled) {
			return fatal{err}
		}
		return fatal{fmt.Errorf("%w: %w", ErrSnapshotLost, explain(err, l.opts))}
	}
	return err
}

// snapshotBatch is how many rows of a snapshot make a Tx.
const snapshotBatch = 256

func (r *runner) takeSnapshot(ctx context.Context, l *conn) error {
	stall := r.f.opts.SnapshotStall
	l.patience, l.maxFrame = stall, r.f.opts.MaxTransaction
	defer func() { l.patience = r.f.opts.Silence }()
	if err := l.send(iproto.TypeFetchSnapshot, snapshotBody(r.f.opts.Consumer, l.greeting.Version)); err != nil {
		return err
	}
	var position Position
	tx := &Tx{Phase: InSnapshot, feed: r.f}
	for started := false; ; {
		row, size, err := l.receive()
		if errors.Is(err, errSilence) {
			return fatal{fmt.Errorf("%w: the server sent nothing for %v; it waits for synchronous transactions to be decided, or hangs", ErrStalled, stall)}
		}
		if err != nil {
			return err
		}
		if err := l.refusal(&row); err != nil {
			return err
		}
		r.alive = true
		switch {
		case row.Type == iproto.TypeOK && !started:
			body, err := replication.DecodeBody(row.Type, row.Body)
			if err != nil {
				return misread(err)
			}
			started, position.VClock = true, body.VClock.Global()
		case row.Type == iproto.TypeOK:
			if position.ReplicaSet == uuid.Nil {
				return fatal{errors.New("cdc: the snapshot does not say which replica set it is of")}
			}
			return r.endSnapshot(ctx, tx, position)
		case row.Type == iproto.TypeInsert:
			if err := r.snapshotRow(tx, &row, size, &position); err != nil {
				return fatal{fmt.Errorf("cdc: a row of the snapshot: %w", err)}
			}
			if len(tx.Changes) < snapshotBatch && tx.size < r.f.opts.Buffer/2 {
				continue
			}
			if err := r.put(ctx, tx, stall); err != nil {
				return err
			}
			r.begun = true
			tx = &Tx{Phase: InSnapshot, feed: r.f}
		}
	}
}

func (r *runner) snapshotRow(tx *Tx, row *replication.Row, size int, position *Position) (err error) {
	before := len(tx.Changes)
	if tx.Changes, err = r.conv.changes(tx.Changes, row, true); err != nil {
		return err
	}
	if len(tx.Changes) > before {
		tx.size += size + changeSize
	}
	if position.ReplicaSet != uuid.Nil {
		return nil
	}
	body, err := replication.DecodeBody(row.Type, row.Body)
	if err == nil && body.SpaceID == spaceSchema {
		if id, ok := replicaSetRow(body.Tuple); ok {
			position.ReplicaSet = id
		}
	}
	return err
}

// changeSize is about what a Change takes besides its bytes.
const changeSize = 192

func (r *runner) endSnapshot(ctx context.Context, tx *Tx, position Position) error {
	r.position = position
	tx.Phase, tx.Position = SnapshotEnd, position
	r.conv.changed = true
	r.f.mu.Lock() // before the consumer has it, who may acknowledge it at once
	r.f.lastPut, r.f.read = position.VClock, position
	r.f.mu.Unlock()
	if err := r.put(ctx, tx, r.f.opts.SnapshotStall); err != nil {
		return err
	}
	r.start()
	return nil
}

func (r *runner) put(ctx context.Context, tx *Tx, patience time.Duration) error {
	r.conv.seal(tx)
	r.putAt = time.Now()
	err := r.out.put(ctx, tx, patience)
	if errors.Is(err, ErrStalled) {
		return fatal{fmt.Errorf("%w: nobody asked for its next rows for %v", ErrStalled, patience)}
	}
	return err
}

// noFlags reports servers whose rows don't say that they are synchronous.
func noFlags(v iproto.Version) bool {
	return !v.AtLeast(2, 6, 3) || v.AtLeast(2, 7, 0) && !v.AtLeast(2, 7, 2)
}

// reached notes how far the log was read.
func (r *runner) reached(written time.Time) {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	r.f.read = r.position
	if !written.IsZero() {
		r.f.lastWrite = written
	}
}

// heardOf notes how far the server's log goes.
func (r *runner) heardOf(v types.VClock) {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	r.f.server = v
}
