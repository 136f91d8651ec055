package tnttest

import (
	"time"

	"github.com/google/uuid"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// What the versions differ in, by the recordings of 2.6.0 and 3.8.0.
func (s *Server) checksReplicaSet() bool { return s.opts.version.AtLeast(3, 0, 0) }
func (s *Server) tellsGaps() bool        { return s.opts.version.AtLeast(2, 10, 8) }
func (s *Server) hasJoinMeta() bool      { return s.opts.version.AtLeast(2, 11, 0) }

// follows reports whether a request is one of a follower's.
func follows(t iproto.Type) bool {
	return t == iproto.TypeFetchSnapshot || t == iproto.TypeSubscribe
}

// followRequest is what a FETCH_SNAPSHOT or a SUBSCRIBE says.
type followRequest struct {
	instance, replicaset uuid.UUID
	vclock               types.VClock
	version              uint64
	anon                 bool
}

// checkFollow checks the body of a follower's request.
func (req *request) checkFollow(v iproto.Version) *types.Error {
	if !req.hasBody {
		if req.header.Type == iproto.TypeFetchSnapshot && !v.AtLeast(3, 0, 0) {
			return nil
		}
		return errMsgpack("request body")
	}
	return req.decodeBody("request body", followKeys)
}

var followKeys = []iproto.Key{
	iproto.KeyInstanceUUID, iproto.KeyReplicasetUUID, iproto.KeyVClock, iproto.KeyServerVersion, iproto.KeyReplicaAnon, iproto.KeyIDFilter,
}

func (req *request) follow(v iproto.Version) (f followRequest, fail *types.Error) {
	if !req.hasBody {
		return f, nil
	}
	b := &req.body
	newer := v.AtLeast(3, 0, 0)
	for _, id := range []struct {
		key  iproto.Key
		name string
		to   *uuid.UUID
	}{{iproto.KeyInstanceUUID, "instance UUID", &f.instance}, {iproto.KeyReplicasetUUID, "replicaset UUID", &f.replicaset}} {
		if !b.Has(id.key) {
			continue
		}
		var err error
		if *id.to, err = uuid.Parse(b.String(id.key)); err == nil {
			continue
		}
		if !newer {
			id.name = "UUID"
		}
		return f, errMsgpack("%s", id.name)
	}
	if b.Has(iproto.KeyVClock) {
		r := b.Reader(iproto.KeyVClock)
		if f.vclock = replication.ReadVClock(&r); r.Err() != nil && newer { // older ones pass it over
			return f, errMsgpack("invalid VCLOCK")
		}
	}
	if b.Has(iproto.KeyIDFilter) {
		if r := b.Reader(iproto.KeyIDFilter); r.ArrayLen() > 0 {
			return f, memtx.Errorf(errcode.Unsupported, "The embedded server does not support ID_FILTER")
		}
	}
	f.version, f.anon = b.Uint(iproto.KeyServerVersion), b.Bool(iproto.KeyReplicaAnon)
	f.vclock = f.vclock.Global()
	return f, nil
}

// follow serves a follower's request, on the goroutine that reads the
// connection: nothing but acknowledgements comes behind a SUBSCRIBE. It
// returns false where the connection is to be closed.
func (c *Conn) follow(req *request, bad *types.Error, f *fault) bool {
	f.delay(c)
	if !c.srv.frozen.wait(c.ctx) {
		return false
	}
	var from followRequest
	if bad == nil {
		from, bad = req.follow(c.srv.opts.version)
	}
	var r *relay
	var snapshot []memtx.Stored
	c.srv.mu.Lock()
	if bad == nil {
		bad = c.mayFollow(req.header.Type, &from)
	}
	if bad == nil && req.header.Type == iproto.TypeSubscribe {
		r = c.srv.addFollower(c, req.header.Sync, &from)
	} else if bad == nil {
		snapshot, bad = c.srv.engine.Snapshot()
	}
	answer := c.srv.positionAnswer(req, bad)
	vclock := c.srv.changes.vclock
	c.srv.mu.Unlock()
	switch {
	case !c.answerFirst(req, answer, f):
		if r != nil {
			r.end()
		}
		return false
	case bad != nil && req.header.Type == iproto.TypeSubscribe:
		c.hangUp = true
		return false
	case bad != nil:
		return true
	case r != nil:
		c.relay = r
		c.wg.Go(r.run)
		return true
	}
	return c.sendSnapshot(req.header.Sync, &from, snapshot, vclock)
}

// mayFollow reports why a request is refused: by rights, by the log, by who
// asks. The lock is held.
func (c *Conn) mayFollow(t iproto.Type, from *followRequest) *types.Error {
	s := c.srv
	if fail := s.engine.CheckUniverse(c.user, memtx.PrivRead); fail != nil {
		return fail
	}
	if s.changes.off {
		return memtx.Errorf(errcode.Unsupported, "Replication does not support wal_mode = 'none'")
	}
	if t == iproto.TypeSubscribe {
		if fail := s.maySubscribe(from); fail != nil {
			return fail
		}
	}
	if s.hasConsumers() && from.instance != uuid.Nil {
		if fail := s.engine.CheckSpace(c.user, gcConsumersID, memtx.PrivWrite); fail != nil {
			return fail
		}
		position := s.changes.vclock
		if t == iproto.TypeSubscribe {
			position = from.vclock
		}
		return s.keepConsumer(from.instance, position)
	}
	return nil
}

func (s *Server) maySubscribe(from *followRequest) *types.Error {
	newer := s.checksReplicaSet()
	switch {
	case newer && from.instance == uuid.Nil:
		return memtx.Errorf(errcode.NilUUID, "Nil UUID is reserved and can't be used in replication")
	case from.instance == s.uuid:
		return memtx.Errorf(errcode.ConnectionToSelf, "Connection to self")
	case newer && from.replicaset != s.replicaset:
		return memtx.Errorf(errcode.ReplicasetUUIDMismatch, "Replica set UUID mismatch: expected %v, got %v", s.replicaset, from.replicaset)
	case !from.anon && newer:
		return memtx.Errorf(errcode.TooEarlySubscribe, "Can't subscribe non-anonymous replica %v until join is done", from.instance)
	case !from.anon:
		return memtx.Errorf(errcode.UnknownReplica, "Replica %v is not registered with replica set %v", from.instance, s.replicaset)
	case s.changes.followers[from.instance] != nil:
		return memtx.Errorf(errcode.Cfg, "Incorrect value for option 'replication': duplicate connection with the same replica UUID")
	}
	return nil
}

// positionAnswer is the first answer to a follower: how far the log goes, and
// of a SUBSCRIBE whose it is. The lock is held.
func (s *Server) positionAnswer(req *request, bad *types.Error) reply {
	if bad != nil {
		return errorReply(bad)
	}
	w := wire.NewBody(nil)
	w.Key(iproto.KeyVClock)
	w.B = replication.AppendVClock(w.B, s.changes.vclock)
	if req.header.Type == iproto.TypeSubscribe {
		w.String(iproto.KeyReplicasetUUID, s.replicaset.String())
	}
	return reply{body: w.End()}
}

// answerFirst writes the first answer. One to a SUBSCRIBE says who answers, in
// its header.
func (c *Conn) answerFirst(req *request, r reply, f *fault) bool {
	if f != nil || r.status != iproto.TypeOK {
		return c.answer(req, r, f)
	}
	row := replication.Row{Type: iproto.TypeOK, Sync: req.header.Sync, Body: r.body}
	if req.header.Type == iproto.TypeSubscribe {
		row.ReplicaID = c.srv.replicaID()
	}
	c.out.write(appendRowFrame(nil, &row))
	return true
}

// replicaID is the server's own id.
func (s *Server) replicaID() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.standing().id
}

// appendRowFrame appends a row as a frame.
func appendRowFrame(b []byte, row *replication.Row) []byte {
	start := len(b)
	b = replication.AppendRow(wire.BeginFrame(b), row)
	if wire.EndFrame(b, start) != nil {
		return b[:start] // it is longer than a frame may be: no tuple is
	}
	return b
}

// sendSnapshot sends what the spaces hold.
func (c *Conn) sendSnapshot(sync uint64, from *followRequest, spaces []memtx.Stored, vclock types.VClock) bool {
	if from.version > 0 && c.srv.hasJoinMeta() {
		c.out.write(c.srv.joinMeta(sync))
	}
	for _, sp := range spaces {
		for _, tuple := range sp.Tuples {
			if !c.out.waitForRoom() {
				return false
			}
			w := wire.NewBody(nil)
			w.Uint(iproto.KeySpaceID, uint64(sp.Space))
			w.Raw(iproto.KeyTuple, tuple)
			row := replication.Row{Type: iproto.TypeInsert, Sync: sync, Body: w.End()}
			if !c.sendRow(&row) {
				return false
			}
		}
	}
	w := wire.NewBody(nil)
	w.Key(iproto.KeyVClock)
	w.B = replication.AppendVClock(w.B, vclock.Global())
	c.out.write(appendRowFrame(nil, &replication.Row{Type: iproto.TypeOK, Sync: sync, Body: w.End()}))
	return true
}

// sendRow sends a row, or half of it where it is Sever's turn: then the
// connection ends, and it returns false.
func (c *Conn) sendRow(row *replication.Row) bool {
	frame := appendRowFrame(nil, row)
	if !c.srv.severs() {
		c.out.write(frame)
		return true
	}
	c.out.write(frame[:len(frame)/2])
	c.flush(time.Second)
	c.close()
	return false
}

// joinMeta is what comes before a snapshot: the state of elections and of the
// queue of synchronous transactions.
func (s *Server) joinMeta(sync uint64) []byte {
	s.mu.Lock()
	st := s.standing()
	owner, term, lsn := uint32(0), uint64(1), uint64(0)
	if m := s.member; m != nil && m.elects() {
		owner, term = m.queueOwner, m.queueTerm
	}
	s.mu.Unlock()
	b := appendRowFrame(nil, &replication.Row{Type: iproto.TypeJoinMeta, Sync: sync})
	raft := mp.AppendUint(append(mp.AppendMapLen(nil, 1), raftTerm), st.term)
	b = appendRowFrame(b, &replication.Row{Type: iproto.TypeRaft, Sync: sync, Body: raft})
	promote := decisionBody(owner, lsn, term)
	b = appendRowFrame(b, &replication.Row{Type: iproto.TypeRaftPromote, Sync: sync, ReplicaID: owner, Body: promote})
	return appendRowFrame(b, &replication.Row{Type: iproto.TypeJoinSnapshot, Sync: sync})
}

// raftTerm is IPROTO_RAFT_TERM, a key of a RAFT row's body.
const raftTerm = 0

// decisionBody is the body of a row that decides on synchronous transactions.
func decisionBody(of uint32, lsn, term uint64) []byte {
	w := wire.NewBody(nil)
	w.Uint(iproto.KeyReplicaID, uint64(of))
	w.Uint(iproto.KeyLSN, lsn)
	if term != 0 {
		w.Uint(iproto.KeyTerm, term)
	}
	return w.End()
}

// vote answers VOTE: where the log begins and ends. The lock is held.
func (s *Server) vote(t iproto.Type) reply {
	w := wire.NewBody(nil)
	if t == iproto.TypeVoteOld {
		w.Key(iproto.KeyVClock)
		w.B = replication.AppendVClock(w.B, s.changes.vclock)
		return reply{body: w.End()}
	}
	w.Raw(iproto.KeyBallot, s.ballot(s.changes.start))
	return reply{body: w.End()}
}
