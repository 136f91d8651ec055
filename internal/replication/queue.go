package replication

import (
	"errors"
	"fmt"

	"github.com/gotnt/tnt/iproto"
)

// ErrTooMuchPending reports more bytes of undecided transactions than allowed.
var ErrTooMuchPending = errors.New("undecided synchronous transactions are more than allowed")

// Decided is a transaction that a Queue lets go.
type Decided struct {
	Transaction
	// RolledBack reports that it never happened. Its rows still move a vclock.
	RolledBack bool
}

// Queue holds synchronous transactions, and all that came after them, until a
// row says what became of them. It keeps their order: what it lets go is a
// prefix of what it was given. Its zero value is ready.
type Queue struct {
	// Max is how many bytes it may hold, 0 for any number.
	Max int
	// NoFlags is for the logs of servers that flag no rows (2.6.0 to 2.6.2,
	// 2.7.0 and 2.7.1): the caller says which transactions are synchronous, and
	// all that comes behind one shares its fate.
	NoFlags bool

	items []queued
	size  int
}

type queued struct {
	Decided
	undecided bool   // synchronous, and waits to be confirmed
	waits     bool   // is rolled back with the synchronous ones before it
	owner     uint32 // undecided: whose it is
	lsn       uint64 // undecided: of its last row
}

// Add takes the next transaction of a log; synchronous is for NoFlags. It
// returns what is decided now, oldest first.
func (q *Queue) Add(tx Transaction, synchronous bool) ([]Decided, error) {
	item := queued{Decided: Decided{Transaction: tx}}
	if last := tx.Last(); last != nil {
		switch {
		case isDecision(last.Type):
			if err := q.decide(last); err != nil {
				return nil, err
			}
		case q.NoFlags:
			item.undecided, item.waits = synchronous, !onlyNops(tx.Rows)
		default:
			item.undecided, item.waits = last.Flags.Synchronous(), last.Flags&FlagWaitSync != 0
		}
		item.owner, item.lsn = last.ReplicaID, last.LSN
	}
	if len(q.items) == 0 && !item.undecided {
		return []Decided{item.Decided}, nil
	}
	q.items = append(q.items, item)
	q.size += tx.Size
	free := q.release()
	if q.Max > 0 && q.size > q.Max {
		return free, fmt.Errorf("%w: more than %d bytes wait for a decision", ErrTooMuchPending, q.Max)
	}
	return free, nil
}

// Len returns how many transactions are held.
func (q *Queue) Len() int { return len(q.items) }

// Size returns how many bytes they are.
func (q *Queue) Size() int { return q.size }

// release takes from the front what no longer waits.
func (q *Queue) release() []Decided {
	n := 0
	for n < len(q.items) && !q.items[n].undecided {
		n++
	}
	free := make([]Decided, n)
	for i := range free {
		free[i] = q.items[i].Decided
		q.size -= free[i].Size
		q.items[i] = queued{} // let go of its memory
	}
	q.items = q.items[n:]
	return free
}

func (q *Queue) decide(row *Row) error {
	body, err := DecodeBody(row.Type, row.Body)
	if err != nil {
		return err
	}
	switch row.Type {
	case iproto.TypeRaftConfirm:
		q.confirm(body.ReplicaID, body.LSN)
	case iproto.TypeRaftRollback:
		q.rollback(body.ReplicaID, body.LSN)
	default: // who takes the queue over decides on all of it
		q.confirm(body.ReplicaID, body.LSN)
		q.rollback(body.ReplicaID, body.LSN+1)
		for i := range q.items {
			if q.items[i].undecided {
				return fmt.Errorf("%v %d of instance %d decides on instance %d's transactions, but transaction %d of instance %d waits",
					row.Type, row.LSN, row.ReplicaID, body.ReplicaID, q.items[i].lsn, q.items[i].owner)
			}
		}
	}
	return nil
}

func (q *Queue) confirm(owner uint32, lsn uint64) {
	for i := range q.items {
		it := &q.items[i]
		switch {
		case !it.undecided || it.owner != owner:
		case it.lsn > lsn:
			return
		default:
			it.undecided = false
		}
	}
}

// rollback undoes the synchronous transactions from an LSN on, and all those
// behind the first of them that wait.
func (q *Queue) rollback(owner uint32, lsn uint64) {
	found := false
	for i := range q.items {
		it := &q.items[i]
		found = found || it.undecided && it.owner == owner && it.lsn >= lsn
		if found && it.waits {
			it.undecided, it.RolledBack = false, true
		}
	}
}

func isDecision(t iproto.Type) bool {
	switch t {
	case iproto.TypeRaftConfirm, iproto.TypeRaftRollback, iproto.TypeRaftPromote, iproto.TypeRaftDemote:
		return true
	}
	return false
}

func onlyNops(rows []Row) bool {
	for i := range rows {
		if rows[i].Type != iproto.TypeNop {
			return false
		}
	}
	return true
}
