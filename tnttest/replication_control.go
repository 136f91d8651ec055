package tnttest

import (
	"errors"
	"fmt"
	"time"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

const (
	defaultMaxLog             = 16 << 20
	defaultReplicationTimeout = time.Second
)

// WithReplicationTimeout sets the time between two heartbeats to followers, 1 s
// by default. One that says nothing for four of them is cut off.
func WithReplicationTimeout(d time.Duration) Option {
	return func(o *options) { o.replicationTimeout = d }
}

// WithLogSize sets how many bytes of committed requests the server keeps for
// followers, 16 MiB by default. What is older goes, as the files of a real one do.
func WithLogSize(n int) Option { return func(o *options) { o.maxLog = n } }

// WithoutLog makes the server keep no log, as wal_mode = 'none' does: it refuses
// followers.
func WithoutLog() Option { return func(o *options) { o.noLog = true } }

// DropLog drops the log of what was committed so far, as an operator does who
// removes the files. A follower that has not got all of it has a gap: a server
// of 2.10.8 and later tells it at once, one of before at the next write.
func (s *Server) DropLog() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes.drop()
	s.changes.wake()
}

// Cut ends the connection of the follower that gets the row after so many more
// rows, in the middle of that row's bytes. Rows of snapshots count, too. It cuts
// once; 0 cuts at the next row.
func (s *Server) Cut(afterRows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.severing = max(afterRows, 0) + 1
}

// severs counts a row, and reports whether its connection is to be cut.
func (s *Server) severs() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.severing == 0 {
		return false
	}
	s.severing--
	return s.severing == 0
}

// LogRow is a row that Emit adds to the log.
type LogRow struct {
	// Type is that of a request that changes a space, or NOP, or one of
	// RAFT_CONFIRM, RAFT_ROLLBACK, RAFT_PROMOTE and RAFT_DEMOTE.
	Type iproto.Type
	// ReplicaID is of the instance that wrote the row, 0: this server. All rows
	// of a transaction are of one.
	ReplicaID uint32
	// LSN is the row's number, 0: the next of its instance. A greater one leaves
	// a hole.
	LSN uint64
	// Synchronous makes the transaction wait for a decision. It is for its last
	// row. Servers before 2.6.3 don't say so in the log.
	Synchronous bool

	Space string // by its name
	Key   []any  // UPDATE, DELETE
	Tuple []any  // INSERT, REPLACE, UPSERT
	Ops   [][]any

	// Of a decision: on whose transactions, and up to which LSN, from which on
	// for a rollback; and the term.
	Of   uint32
	UpTo uint64
	Term uint64
}

// Emit adds a transaction to the log as if it were committed, by this server
// or another of its replica set, and sends it to followers. It changes no space: a
// snapshot doesn't have it. A member of a ReplicaSet takes none, since its log
// is the set's. It returns the LSN of the last row.
func (s *Server) Emit(rows ...LogRow) (lsn uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.member != nil:
		return 0, fmt.Errorf("tnttest: the log of %s is that of its replica set: commit something instead", s.member.name)
	case s.changes.off:
		return 0, errors.New("tnttest: the server keeps no log")
	case len(rows) == 0:
		return 0, errors.New("tnttest: a transaction has one row at least")
	}
	list := make([]replication.Row, len(rows))
	last := uint64(0)
	for i := range rows {
		r := &rows[i]
		id := r.ReplicaID
		if id == 0 {
			id = s.standing().id
		}
		if i == 0 && id < types.VClockSize {
			last = s.changes.vclock[id]
		}
		row := replication.Row{Type: r.Type, ReplicaID: id, LSN: max(r.LSN, last+1)}
		switch {
		case id >= types.VClockSize:
			return 0, fmt.Errorf("tnttest: replica id is %d, more than %d", id, types.VClockSize-1)
		case i > 0 && id != list[0].ReplicaID:
			return 0, fmt.Errorf("tnttest: rows of the instances %d and %d in one transaction", list[0].ReplicaID, id)
		case r.LSN != 0 && r.LSN <= last:
			return 0, fmt.Errorf("tnttest: row %d of instance %d is there already: its last is %d", r.LSN, id, last)
		}
		if r.Synchronous && s.flagsRows() {
			row.Flags = replication.FlagWaitSync | replication.FlagWaitAck
		}
		if row.Body, err = s.emittedBody(r); err != nil {
			return 0, err
		}
		list[i], last = row, row.LSN
	}
	s.changes.add(s.clock.Now(), list)
	return last, nil
}

// flagsRows reports whether rows say that they are synchronous.
func (s *Server) flagsRows() bool {
	v := s.opts.version
	return v.AtLeast(2, 6, 3) && (!v.AtLeast(2, 7, 0) || v.AtLeast(2, 7, 2))
}

func (s *Server) emittedBody(r *LogRow) ([]byte, error) {
	switch r.Type {
	case iproto.TypeNop:
		return nil, nil
	case iproto.TypeRaftConfirm, iproto.TypeRaftRollback, iproto.TypeRaftPromote, iproto.TypeRaftDemote:
		return decisionBody(r.Of, r.UpTo, r.Term), nil
	case iproto.TypeInsert, iproto.TypeReplace, iproto.TypeUpdate, iproto.TypeUpsert, iproto.TypeDelete:
	default:
		return nil, fmt.Errorf("tnttest: a log has no rows of type %v", r.Type)
	}
	space, fail := s.engine.SpaceByName(r.Space)
	if fail != nil {
		return nil, fail
	}
	row := memtx.Row{Space: space.Def.ID, Request: memtx.Request{Type: r.Type}}
	var err error
	if row.Request.Key, err = appendTupleOf(nil, r.Key); err != nil {
		return nil, err
	}
	if row.Tuple, err = appendTupleOf(nil, r.Tuple); err != nil {
		return nil, err
	}
	row.Request.Tuple = row.Tuple
	row.Request.Ops = mp.AppendArrayLen(nil, len(r.Ops))
	for _, op := range r.Ops {
		if row.Request.Ops, err = appendTupleOf(row.Request.Ops, op); err != nil {
			return nil, err
		}
	}
	return requestBody(&row), nil
}

func headerOf(sync uint64) wire.Header { return wire.Header{Sync: sync} }
