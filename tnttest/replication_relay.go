package tnttest

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// silentBeats is after how many replication_timeouts without a word a follower
// is cut off.
const silentBeats = 4

// relay sends the log to a follower. Its goroutine alone touches from and
// what is below next.
type relay struct {
	conn     *Conn
	id       uint32 // the server's
	sync     uint64
	follower uuid.UUID
	from     types.VClock
	beat     chan struct{} // it is time for a heartbeat

	// Guarded by Server.mu.
	acked time.Time
	stop  func() bool // takes the next beat back
	ended bool
	next  uint64 // the number of the next transaction

	beats uint64
	idle  bool // nothing was sent since the last heartbeat
}

// addFollower makes the relay of a SUBSCRIBE. The lock is held.
func (s *Server) addFollower(c *Conn, sync uint64, from *followRequest) *relay {
	r := &relay{
		conn: c, id: s.standing().id, sync: sync, follower: from.instance, from: from.vclock,
		beat: make(chan struct{}, 1), acked: s.clock.Now(), next: s.changes.first,
	}
	s.changes.followers[r.follower] = r
	r.arm()
	return r
}

// arm sets the timer of the next heartbeat. The lock is held.
func (r *relay) arm() {
	s := r.conn.srv
	r.stop = s.clock.AfterFunc(s.opts.replicationTimeout, r.tick)
}

// tick is called each replication_timeout. It cuts a follower off that is
// silent, even where the relay waits for it to read.
func (r *relay) tick() {
	s := r.conn.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.ended {
		return
	}
	now := s.clock.Now()
	switch {
	case s.frozen.on(): // it can't hear
		r.acked = now
	case now.Sub(r.acked) >= silentBeats*s.opts.replicationTimeout:
		r.endLocked()
		r.conn.wg.Go(r.timedOut)
		return
	}
	select {
	case r.beat <- struct{}{}:
	default:
	}
	r.arm()
}

// timedOut ends the connection of a silent follower. Before 3.0 the server
// says why.
func (r *relay) timedOut() {
	if c := r.conn; !c.srv.opts.version.AtLeast(3, 0, 0) {
		e := memtx.Errorf(errcode.System, "timed out")
		e.Type = "TimedOut"
		r.refuse(e)
	}
	r.conn.close()
}

// end forgets the follower.
func (r *relay) end() {
	r.conn.srv.mu.Lock()
	defer r.conn.srv.mu.Unlock()
	r.endLocked()
}

func (r *relay) endLocked() {
	if r.ended {
		return
	}
	r.ended = true
	r.stop()
	delete(r.conn.srv.changes.followers, r.follower)
}

// refuse sends an error and ends the connection.
func (r *relay) refuse(e *types.Error) {
	c := r.conn
	c.out.write(c.encodeFrame(headerOf(r.sync), errorReply(e)))
	c.flush(c.srv.opts.replicationTimeout)
	c.close()
}

// run sends the log until the connection ends.
func (r *relay) run() {
	defer r.end()
	c := r.conn
	if c.srv.tellsGaps() { // a newer server begins with a sign of life
		r.heartbeat()
	}
	for c.srv.frozen.wait(c.ctx) && c.out.waitForRoom() {
		tx, more, gap := r.take()
		switch {
		case gap != nil:
			r.refuse(gap)
			return
		case more != nil:
			select {
			case <-more:
			case <-r.beat:
				r.heartbeat()
			case <-c.ctx.Done():
				return
			}
		case !r.send(&tx):
			return
		}
	}
}

// take returns the next transaction, or what to wait for, or that it is gone.
func (r *relay) take() (tx loggedTx, more <-chan struct{}, gap *types.Error) {
	s := r.conn.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.changes
	if !r.from.Covers(l.start.Global()) && (s.tellsGaps() || l.end() > l.first) {
		return tx, nil, s.gapError(r.from)
	}
	r.next = max(r.next, l.first)
	tx, there := l.at(r.next)
	if !there {
		return tx, l.wait(), nil
	}
	r.next++
	return tx, nil, nil
}

// gapError says that the log behind a position is gone.
func (s *Server) gapError(at types.VClock) *types.Error {
	start := s.changes.start
	code := errcode.XlogGap
	if !s.tellsGaps() {
		code = errcode.ProcLua
	}
	e := memtx.Errorf(code, "%s", fmt.Sprintf("Missing .xlog file between LSN %d %v and %d %v", at.Signature(), at, start.Signature(), start))
	e.Type = "XlogGapError"
	return e
}

// send sends the rows of a transaction that the follower lacks.
func (r *relay) send(tx *loggedTx) bool {
	for i := range tx.rows {
		row := tx.rows[i]
		if row.LSN <= r.from[row.ReplicaID] {
			continue
		}
		row.Sync = r.sync
		if !r.conn.sendRow(&row) {
			return false
		}
		replication.Follow(&r.from, &row)
		r.idle = false
	}
	return true
}

// heartbeat sends a sign of life: before 2.10.8 only where nothing else was
// sent.
func (r *relay) heartbeat() {
	quiet := r.idle
	r.idle = true
	row := replication.Row{Type: iproto.TypeOK, Sync: r.sync, ReplicaID: r.id}
	row.Timestamp = float64(r.conn.srv.clock.Now().UnixMicro()) / 1e6
	switch {
	case r.conn.srv.tellsGaps():
		r.beats++
		row.Body = mp.AppendUint(append(mp.AppendMapLen(nil, 1), byte(iproto.KeyVClockSync)), r.beats)
	case !quiet:
		return
	}
	r.conn.out.write(appendRowFrame(nil, &row))
}

// acknowledged takes what a follower sends: nothing but acknowledgements. It
// returns false where it is something else, which ends the connection.
func (c *Conn) acknowledged(content []byte) bool {
	r := mp.NewReader(content)
	row, err := replication.DecodeRow(&r)
	fail := errMsgpack("packet header")
	if err == nil {
		var position *types.VClock
		if position, fail = ackedPosition(&row); fail == nil {
			c.relay.heard(*position)
			return true
		}
	}
	c.relay.end()
	c.out.write(c.encodeFrame(headerOf(c.relay.sync), errorReply(fail)))
	c.hangUp = true
	return false
}

func ackedPosition(row *replication.Row) (*types.VClock, *types.Error) {
	r := mp.NewReader(row.Body)
	if len(row.Body) == 0 || row.Type != iproto.TypeOK {
		return nil, errMsgpack("request body")
	}
	var position *types.VClock
	for n := r.MapLen(); n > 0; n-- {
		if k := r.Uint(); k == uint64(iproto.KeyVClock) {
			v := replication.ReadVClock(&r)
			position = &v
		} else {
			r.Skip()
		}
	}
	if r.Err() != nil || position == nil {
		return nil, errMsgpack("request body")
	}
	return position, nil
}

// heard notes an acknowledgement.
func (r *relay) heard(position types.VClock) {
	s := r.conn.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	r.acked = s.clock.Now()
	if !s.hasConsumers() || r.ended {
		return
	}
	_ = s.keepConsumer(r.follower, position.Global()) // the space takes it: it did at the SUBSCRIBE
}
