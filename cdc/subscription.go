package cdc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// How often a position is acknowledged. A server cuts a follower off that is
// silent for four of its replication_timeouts, which are the pauses between its
// heartbeats: until two of those came in a row the shortest that works is assumed.
const (
	shortestAck = 20 * time.Millisecond
	longestAck  = time.Second
)

// quietMove is how long a Feed may give out nothing, while the log moves on,
// until an empty Tx says so.
const quietMove = 10 * time.Second

// A subscription is a stream of rows from one connection.
type subscription struct {
	r *runner
	l *conn

	rows    replication.Assembler
	pending replication.Queue
	seen    types.VClock // of all rows that came
	start   types.VClock
	said    types.VClock // how far the log went, by the answer
	suspect bool         // the server is further than what came, and sends nothing
	checked bool         // for a silent gap

	lastBeat time.Time    // zero where rows came behind it
	ackEvery atomic.Int64 // nanoseconds
	ackErr   error        // why the connection was closed for want of an acknowledgement
	beat     chan struct{}
}

// subscribe follows the log from the position on.
func (r *runner) subscribe(ctx context.Context, l *conn) error {
	version := l.greeting.Version
	l.maxFrame = r.f.opts.MaxTransaction
	if err := l.send(iproto.TypeSubscribe, subscribeBody(r.position, r.f.opts.Consumer, version)); err != nil {
		return err
	}
	answer, _, err := l.receive()
	if err != nil {
		return err
	}
	if err := l.refusal(&answer); err != nil {
		return err
	}
	body, err := replication.DecodeBody(answer.Type, answer.Body)
	if err != nil {
		return misread(err)
	}
	if body.ReplicaSet != r.position.ReplicaSet.String() { // 2.6 does not check it
		return otherReplicaSet(r.position.ReplicaSet, body.ReplicaSet)
	}
	if err := r.compare(ballot{vclock: body.VClock}, version); err != nil {
		return err
	}
	s := &subscription{
		r: r, l: l, start: r.position.VClock, seen: r.position.VClock, said: body.VClock, beat: make(chan struct{}, 1),
		rows:    replication.Assembler{Max: r.f.opts.MaxTransaction},
		pending: replication.Queue{Max: r.f.opts.MaxPending, NoFlags: noFlags(version)},
		checked: tellsGaps(version),
	}
	s.ackEvery.Store(int64(shortestAck))
	r.alive = true
	if r.conv.mirror != nil {
		r.conv.mirror.fills = version.AtLeast(2, 8, 1)
	}
	r.heardOf(body.VClock)
	r.tell(State{Server: l.opts.String(), Following: true})
	ackCtx, cancel := context.WithCancel(ctx)
	acked := make(chan struct{})
	go func() {
		defer close(acked)
		s.acknowledge(ackCtx)
	}()
	err = s.read(ctx)
	cancel()
	_ = l.Close() // a write may wait for room
	<-acked
	if errors.Is(err, net.ErrClosed) && s.ackErr != nil {
		return s.ackErr
	}
	return err
}

// acknowledge tells the server that the connection lives, and what it may
// drop. It waits for nobody who takes transactions.
func (s *subscription) acknowledge(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.beat:
		case <-timer.C:
		}
		if err := s.l.send(iproto.TypeOK, ackBody(s.r.f.safe(), s.l.greeting.Version)); err != nil {
			s.ackErr = fmt.Errorf("an acknowledgement: %w", err)
			_ = s.l.Close() // ends the reading, too
			return
		}
		timer.Reset(time.Duration(s.ackEvery.Load()))
	}
}

// safe returns what the server may drop: what was acknowledged. What came since
// and is nobody's is none of that until a Tx has told of it: a position that is
// stored is that of a Tx, and the log is needed from there on.
func (f *Feed) safe() types.VClock {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.acked
}

// read takes rows until the connection is lost.
func (s *subscription) read(ctx context.Context) error {
	for {
		row, _, err := s.l.receive()
		switch {
		case errors.Is(err, errSilence):
			err = s.probe(ctx)
		case err != nil && errors.Is(err, ErrTooLarge):
			err = fatal{err}
		case err != nil:
		case row.Type&iproto.TypeError != 0:
			err = s.l.refusal(&row)
		case row.Type == iproto.TypeOK:
			s.suspect = false
			err = s.heartbeat(ctx)
		case row.Type == iproto.TypeRaft: // the state of elections
		default:
			s.suspect, s.lastBeat = false, time.Time{}
			err = s.row(ctx, row)
		}
		if err != nil {
			return err
		}
	}
}

// row takes a row of the log.
func (s *subscription) row(ctx context.Context, row replication.Row) error {
	if row.Local() {
		return nil
	}
	if next := s.seen[row.ReplicaID] + 1; row.LSN != next {
		return final{fmt.Errorf("%w: after row %d of instance %d comes %d", ErrGap, next-1, row.ReplicaID, row.LSN)}
	}
	tx, err := s.rows.Add(row)
	var incomplete *replication.IncompleteError
	switch {
	case errors.Is(err, replication.ErrTransactionTooLarge):
		return fatal{fmt.Errorf("%w: Options.MaxTransaction: %w", ErrTooLarge, err)}
	case errors.As(err, &incomplete) && incomplete.Head:
		return fatal{fmt.Errorf("cdc: the position %v is inside of a transaction; take that of a Tx: %w", s.start, err)}
	case err != nil:
		return final{fmt.Errorf("cdc: %w", err)}
	}
	s.seen[row.ReplicaID] = row.LSN
	if tx == nil {
		return nil
	}
	synchronous := s.pending.NoFlags && s.r.conv.synchronous(tx.Rows)
	decided, err := s.pending.Add(*tx, synchronous)
	for i := range decided {
		if err := s.r.release(ctx, &decided[i]); err != nil {
			return err
		}
	}
	switch {
	case errors.Is(err, replication.ErrTooMuchPending):
		return fatal{fmt.Errorf("%w: Options.MaxPending: %w", ErrTooLarge, err)}
	case err != nil:
		return final{fmt.Errorf("cdc: %w", err)}
	}
	return nil
}

// release puts out a transaction that is decided.
func (r *runner) release(ctx context.Context, d *replication.Decided) error {
	tx, err := r.conv.tx(d)
	if err != nil {
		return fatal{err}
	}
	for i := range d.Rows {
		replication.Follow(&r.position.VClock, &d.Rows[i])
	}
	if len(tx.Changes) > 0 {
		if err := r.putLog(ctx, tx); err != nil {
			return err
		}
		r.reached(tx.Time)
		return nil
	}
	r.reached(tx.Time)
	return r.moveOn(ctx) // older servers have no heartbeats while there are rows
}

func (r *runner) putLog(ctx context.Context, tx *Tx) error {
	tx.feed, tx.Position = r.f, r.position
	tx.size += changeSize * len(tx.Changes)
	r.f.mu.Lock() // before the consumer has it, who may acknowledge it at once
	r.f.lastPut, r.f.read = r.position.VClock, r.position
	r.f.mu.Unlock()
	return r.put(ctx, tx, 0)
}

// heartbeat takes a sign of life.
func (s *subscription) heartbeat(ctx context.Context) error {
	s.measure(time.Now())
	s.r.heardOf(later(s.said, s.seen)) // newer servers have heartbeats between rows, too
	select {
	case s.beat <- struct{}{}:
	default:
	}
	if !s.checked {
		s.checked = true
		if err := s.silentGap(ctx); err != nil {
			return err
		}
		s.lastBeat = time.Time{} // that took its time
	}
	return s.r.moveOn(ctx)
}

// measure finds out by the pause between two heartbeats how often to
// acknowledge. One with rows in it counts for nothing: older servers have
// heartbeats only where there are none, and the consumer may have been waited for.
func (s *subscription) measure(now time.Time) {
	if !s.lastBeat.IsZero() {
		s.r.beatAt = now
		every := int64(min(max(now.Sub(s.lastBeat)/2, shortestAck), longestAck))
		if known := s.ackEvery.Load(); known == int64(shortestAck) || every < known {
			s.ackEvery.Store(every)
		}
	}
	s.lastBeat = now
}

// moveOn says by an empty Tx that the log has moved on.
func (r *runner) moveOn(ctx context.Context) error {
	r.f.mu.Lock()
	moved := r.f.lastPut != r.position.VClock
	r.f.mu.Unlock()
	if !moved || time.Since(r.putAt) < quietMove || !r.out.empty() {
		return nil
	}
	return r.putLog(ctx, &Tx{})
}

// ask asks the server how far it is, by another connection: any request but
// an acknowledgement would end this one.
func (s *subscription) ask(ctx context.Context) (ballot, error) {
	l, err := open(ctx, s.l.opts, DefaultMaxTransaction, s.r.f.opts.Silence)
	if err != nil {
		return ballot{}, err
	}
	defer l.Close()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	return l.vote()
}

// silentGap asks again whether the log is still there, when no row has come. A
// server of before 2.10.8 says nothing of it before the next write.
func (s *subscription) silentGap(ctx context.Context) error {
	if s.seen != s.start {
		return nil
	}
	b, err := s.ask(ctx)
	if err != nil {
		return fmt.Errorf("asking for the start of the log: %w", err)
	}
	if s.seen.Covers(b.gc) {
		return nil
	}
	return final{fmt.Errorf("%w: the position is %v, the server's log starts at %v", ErrGap, s.start, b.gc.Global())}
}

// probe finds out whether a server that sends nothing lives and has nothing to
// send.
func (s *subscription) probe(ctx context.Context) error {
	b, err := s.ask(ctx)
	if err != nil {
		return fmt.Errorf("nothing came for %v, and the server does not answer: %w", s.r.f.opts.Silence, err)
	}
	if s.seen.Covers(b.vclock) {
		s.suspect = false
		return nil
	}
	if s.suspect {
		return fmt.Errorf("nothing came for %v, though the server is at %v and what came at %v", 2*s.r.f.opts.Silence, b.vclock.Global(), s.seen)
	}
	s.suspect = true // it may have written just now
	return nil
}
