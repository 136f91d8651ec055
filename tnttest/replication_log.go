package tnttest

import (
	"time"

	"github.com/google/uuid"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// changeLog is what a server committed, its own transactions and those of
// others, in its order: what followers read. It is guarded by Server.mu.
type changeLog struct {
	off   bool // wal_mode is "none"
	limit int  // in bytes; what is older goes

	vclock types.VClock // behind the last transaction
	start  types.VClock // before the first that is kept
	kept   []loggedTx   // oldest first
	first  uint64       // the number of the first that is kept
	size   int

	followers map[uuid.UUID]*relay // they keep what they have not got
	more      chan struct{}        // closed at the next transaction; nil where nobody waits
}

// loggedTx is the rows of a transaction, without a sync.
type loggedTx struct {
	rows []replication.Row
	size int
}

// loggedRowSize is about what a row takes besides its body.
const loggedRowSize = 112

// commit adds a transaction of the member with the id.
func (l *changeLog) commit(origin uint32, at time.Time, rows []memtx.Row) {
	if l.off {
		l.vclock[origin] += uint64(len(rows))
		return
	}
	list := make([]replication.Row, len(rows))
	for i := range rows {
		list[i] = replication.Row{Type: rows[i].Request.Type, ReplicaID: origin, LSN: l.vclock[origin] + 1 + uint64(i), Body: requestBody(&rows[i])}
	}
	l.add(at, list)
}

// add adds the rows of a transaction, which have their numbers.
func (l *changeLog) add(at time.Time, rows []replication.Row) {
	tx := loggedTx{rows: rows}
	stamp := float64(at.UnixMicro()) / 1e6
	for i := range rows {
		row := &rows[i]
		row.Timestamp = stamp
		row.TSN, row.HasTSN = rows[0].LSN, len(rows) > 1
		if row.HasTSN && i == len(rows)-1 {
			row.Flags |= replication.FlagCommit
		}
		replication.Follow(&l.vclock, row)
		tx.size += loggedRowSize + len(row.Body)
	}
	l.kept = append(l.kept, tx)
	l.size += tx.size
	for l.size > l.limit && l.first < l.needed() {
		l.dropOne()
	}
	l.wake()
}

// needed is the number of the first transaction that somebody has still to
// get, or else of the last.
func (l *changeLog) needed() uint64 {
	n := l.end() - 1
	for _, r := range l.followers {
		n = min(n, r.next)
	}
	return n
}

func (l *changeLog) dropOne() {
	tx := &l.kept[0]
	for i := range tx.rows {
		replication.Follow(&l.start, &tx.rows[i])
	}
	l.size -= tx.size
	l.kept[0] = loggedTx{}
	l.kept = l.kept[1:]
	l.first++
}

// drop drops all that is there.
func (l *changeLog) drop() {
	for len(l.kept) > 0 {
		l.dropOne()
	}
	l.start = l.vclock // with wal_mode "none", too
	l.kept = nil
}

// at returns the transaction with a number, and false where it is still to
// come. One that is gone is the caller's to find by start.
func (l *changeLog) at(n uint64) (loggedTx, bool) {
	if n < l.first || n-l.first >= uint64(len(l.kept)) {
		return loggedTx{}, false
	}
	return l.kept[n-l.first], true
}

// end is the number of the transaction to come.
func (l *changeLog) end() uint64 { return l.first + uint64(len(l.kept)) }

// wait returns what is closed at the next transaction.
func (l *changeLog) wait() <-chan struct{} {
	if l.more == nil {
		l.more = make(chan struct{})
	}
	return l.more
}

func (l *changeLog) wake() {
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
}

// requestBody is the body of a row: that of the request.
func requestBody(row *memtx.Row) []byte {
	req := &row.Request
	w := wire.NewBody(nil)
	w.Uint(iproto.KeySpaceID, uint64(row.Space))
	if req.Index != 0 {
		w.Uint(iproto.KeyIndexID, uint64(req.Index))
	}
	if req.Ops != nil && req.IndexBase != 0 {
		w.Uint(iproto.KeyIndexBase, uint64(req.IndexBase))
	}
	switch req.Type {
	case iproto.TypeInsert, iproto.TypeReplace:
		w.Raw(iproto.KeyTuple, row.Tuple)
	case iproto.TypeUpdate: // its operations are where others have a tuple
		w.Raw(iproto.KeyKey, req.Key)
		w.Raw(iproto.KeyTuple, req.Ops)
	case iproto.TypeDelete:
		w.Raw(iproto.KeyKey, req.Key)
	case iproto.TypeUpsert:
		w.Raw(iproto.KeyTuple, req.Tuple)
		w.Raw(iproto.KeyOps, req.Ops)
	}
	return w.End()
}

// committed follows each transaction of the server's own.
func (s *Server) committed(rows []memtx.Row) {
	s.changes.commit(s.standing().id, s.clock.Now(), rows)
	if s.member != nil {
		s.member.committed(rows)
	}
}

// schemaSpaceID is the id of _schema.
const schemaSpaceID = 272

// nameReplicaSet writes who the replica set is to where followers find it, as
// its bootstrap does.
func (s *Server) nameReplicaSet() error {
	name := "cluster"
	if s.opts.version.AtLeast(3, 0, 0) {
		name = "replicaset_uuid"
	}
	tuple := mp.AppendString(mp.AppendArrayLen(nil, 2), name)
	tuple = mp.AppendString(tuple, s.replicaset.String())
	if fail := s.engine.SetLocal(schemaSpaceID, tuple); fail != nil {
		return fail
	}
	return nil
}
