package replication

import (
	"errors"
	"fmt"
)

// Rough sizes in memory of what holds rows.
const (
	rowSize         = 96
	transactionSize = 64
)

// ErrTransactionTooLarge reports a transaction of more bytes than allowed.
var ErrTransactionTooLarge = errors.New("a transaction is larger than allowed")

// An IncompleteError reports a transaction of which rows are missing.
type IncompleteError struct {
	ReplicaID uint32
	TSN       uint64
	Rows      int // how many there are
	// Head reports that the first rows are missing, not the last ones.
	Head bool
}

// Error says which transaction it is and what it lacks.
func (e *IncompleteError) Error() string {
	lacks := "last"
	if e.Head {
		lacks = "first"
	}
	return fmt.Sprintf("the %s rows of transaction %d of instance %d are missing", lacks, e.TSN, e.ReplicaID)
}

// Transaction is the rows of a whole transaction, in their order.
type Transaction struct {
	Rows []Row
	Size int // bytes of memory that it takes, roughly
}

// Last returns the last row that is not of a local space, or nil.
func (t *Transaction) Last() *Row {
	for i := len(t.Rows) - 1; i >= 0; i-- {
		if !t.Rows[i].Local() {
			return &t.Rows[i]
		}
	}
	return nil
}

// Assembler makes transactions of rows. Its zero value is ready.
type Assembler struct {
	// Max is how many bytes a transaction may have, 0 for any number.
	Max int

	tx Transaction
}

// Add takes the next row. It returns the transaction that the row completes,
// nil where there are rows to come. After an error, which is an
// *IncompleteError or ErrTransactionTooLarge, the Assembler is of no more use until Reset.
func (a *Assembler) Add(row Row) (*Transaction, error) {
	if len(a.tx.Rows) == 0 {
		if !row.Local() && row.TSN != row.LSN {
			return nil, &IncompleteError{ReplicaID: row.ReplicaID, TSN: row.TSN, Head: true}
		}
	} else if err := a.belongs(&row); err != nil {
		return nil, err
	}
	a.tx.Rows = append(a.tx.Rows, row)
	a.tx.Size += rowSize + len(row.Body)
	if a.Max > 0 && a.tx.Size > a.Max {
		return nil, fmt.Errorf("%w: transaction %d of instance %d has more than %d bytes", ErrTransactionTooLarge, row.TSN, row.ReplicaID, a.Max)
	}
	if !row.Last() {
		return nil, nil
	}
	done := a.tx
	done.Size += transactionSize
	a.tx = Transaction{}
	return &done, nil
}

// belongs reports as an error that a row is not of the transaction begun.
func (a *Assembler) belongs(row *Row) error {
	first := &a.tx.Rows[0]
	if row.TSN != first.TSN {
		return a.End()
	}
	if last := a.tx.Last(); last != nil && !row.Local() && row.ReplicaID != last.ReplicaID {
		return a.End()
	}
	return nil
}

// End reports as an *IncompleteError that rows of a transaction are still to
// come.
func (a *Assembler) End() error {
	if len(a.tx.Rows) == 0 {
		return nil
	}
	e := &IncompleteError{TSN: a.tx.Rows[0].TSN, ReplicaID: a.tx.Rows[0].ReplicaID, Rows: len(a.tx.Rows)}
	if last := a.tx.Last(); last != nil {
		e.ReplicaID = last.ReplicaID
	}
	return e
}

// Rows returns how many rows wait for the rest of their transaction.
func (a *Assembler) Rows() int { return len(a.tx.Rows) }

// Reset forgets the rows of a transaction that is not whole.
func (a *Assembler) Reset() { a.tx = Transaction{} }
