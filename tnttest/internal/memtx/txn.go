package memtx

import (
	"time"

	"github.com/gotnt/tnt/errcode"
)

// Isolation is the level of a transaction, as BEGIN gives it.
type Isolation uint64

// The levels of isolation. Nothing is ever prepared and not yet committed
// here, so that levels do not differ in what they see.
const (
	IsolationDefault Isolation = iota
	IsolationReadCommitted
	IsolationReadConfirmed
	IsolationBestEffort
	IsolationLinearizable
	isolationMax
)

type txnStatus uint8

const (
	txnActive txnStatus = iota
	// txnInView: another transaction changed what this one read; it goes on
	// in the state before that, and may not write.
	txnInView
	txnAborted
	txnDone
)

// Txn is a transaction. It is over after Commit or Rollback.
type Txn struct {
	engine   *Engine
	status   txnStatus
	abort    errcode.Code // the code of the error that aborted it
	view     psn          // it sees what was committed before this, 0: all
	stmts    []*stmt
	deadline time.Time // zero: none
	level    Isolation
	ddl      bool // it changed a system space

	reads      map[*story]struct{}
	gapChains  []gapChain
	gapIndexes map[*Index]struct{}
}

// Begin starts a transaction. The timeout is in seconds; 0 is the server's
// default, which is none.
func (e *Engine) Begin(timeout float64, level Isolation) (*Txn, *Error) {
	if timeout != 0 && !(timeout > 0) {
		return nil, IllegalParams("timeout must be a number greater than 0")
	}
	if level >= isolationMax {
		return nil, IllegalParams("unknown isolation level")
	}
	t := e.begin()
	t.level = level
	if timeout > 0 && timeout < maxTimeoutSeconds {
		t.deadline = e.Now().Add(time.Duration(timeout * float64(time.Second)))
	}
	return t, nil
}

// maxTimeoutSeconds keeps deadlines within what time.Duration can tell.
const maxTimeoutSeconds = 250 * 365 * 24 * 3600

func (e *Engine) begin() *Txn {
	t := &Txn{engine: e, reads: make(map[*story]struct{}), gapIndexes: make(map[*Index]struct{})}
	e.txns[t] = struct{}{}
	return t
}

// check reports whether the transaction can go on.
func (t *Txn) check() *Error {
	if t.status < txnAborted && !t.deadline.IsZero() && !t.engine.Now().Before(t.deadline) {
		t.status, t.abort = txnAborted, errcode.TransactionTimeout
	}
	switch {
	case t.status != txnAborted:
		return nil
	case t.abort == errcode.TransactionTimeout:
		return Errorf(errcode.TransactionTimeout, "Transaction has been aborted by timeout")
	case t.abort == errcode.TransactionYield:
		return Errorf(errcode.TransactionYield, "Transaction has been aborted by a fiber yield")
	}
	if t.abort == errcode.Readonly {
		return Errorf(errcode.Readonly, "Can't modify data on a read-only instance")
	}
	return Errorf(errcode.TransactionConflict, "Transaction has been aborted by conflict")
}

// beginStmt starts a change.
func (t *Txn) beginStmt() (*stmt, *Error) {
	if t.status == txnInView {
		t.conflict()
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	s := &stmt{txn: t}
	t.stmts = append(t.stmts, s)
	return s, nil
}

// dropStmt forgets the last change, which failed.
func (t *Txn) dropStmt() { t.stmts = t.stmts[:len(t.stmts)-1] }

// conflict aborts the transaction.
func (t *Txn) conflict() {
	if t.status < txnAborted {
		t.status, t.abort, t.view = txnAborted, errcode.TransactionConflict, 0
	}
}

// overtaken tells the transaction that p changed what it had read. It is
// aborted if it wrote something, and sees the state before p otherwise.
func (t *Txn) overtaken(p psn) {
	switch {
	case t.status >= txnAborted:
	case len(t.stmts) > 0:
		t.conflict()
	default:
		t.status = txnInView
		if t.view == 0 || t.view > p {
			t.view = p
		}
	}
}

// Commit ends the transaction: all its changes are made, or none.
func (t *Txn) Commit() *Error {
	if err := t.check(); err != nil {
		t.Rollback()
		return err
	}
	e := t.engine
	if len(t.stmts) > 0 {
		p := e.nextPSN
		e.nextPSN++
		for _, s := range t.stmts {
			if s.add != nil {
				e.commitAdd(s, p)
			} else if s.del != nil {
				e.commitDelete(s, p)
			}
			e.gc()
		}
	}
	t.end()
	for _, s := range t.stmts {
		if s.add != nil {
			s.add.adder = nil
		}
		if s.del != nil {
			s.del.dropDeleter(s)
		}
	}
	if e.OnCommit != nil && !e.applying && len(t.stmts) > 0 {
		if rows := t.rows(); len(rows) > 0 {
			e.OnCommit(rows)
		}
	}
	return nil
}

// Rollback ends the transaction without its changes.
func (t *Txn) Rollback() {
	if t.status == txnDone {
		return
	}
	t.undo()
	t.end()
}

// Yield tells the transaction that others get a turn, as they do between two
// requests. One that changed the schema doesn't survive that.
func (t *Txn) Yield() {
	if !t.ddl || t.status >= txnAborted {
		return
	}
	t.undo()
	t.stmts = nil
	t.status, t.abort, t.view = txnAborted, errcode.TransactionYield, 0
}

// undo takes all changes back.
func (t *Txn) undo() {
	for i := len(t.stmts) - 1; i >= 0; i-- {
		t.engine.rollback(t.stmts[i])
	}
}

func (t *Txn) end() {
	t.status = txnDone
	t.view = 0
	t.forgetReads()
	delete(t.engine.txns, t)
}

// commitAdd makes an insertion or a replacement final.
func (e *Engine) commitAdd(s *stmt, p psn) {
	st := s.add
	for i := range st.links {
		for old := st.links[i].older; old != nil && old.added == 0 && old.adder != nil; old = st.links[i].older {
			st.sink(i)
		}
	}
	old := s.del
	e.passOn(s, old)
	if old != nil {
		old.overtakeReaders(s.txn, p)
		old.deleted = p
	} else {
		st.top(0).overtakeGapReaders(0, s.txn, p)
	}
	st.added = p
	for i := 1; i < len(st.links); i++ {
		e.abortDuplicates(st, i)
		st.top(i).overtakeGapReaders(i, s.txn, p)
	}
}

// passOn tells the transactions that will replace what s replaces that they
// replace its row now.
func (e *Engine) passOn(s *stmt, old *story) {
	if old == nil {
		for n := s.add.links[0].newer; n != nil; n = n.links[0].newer {
			if !n.links[0].own && n.adder != nil {
				s.add.addDeleter(n.adder)
			}
		}
		return
	}
	for _, d := range append([]*stmt(nil), old.deleters...) {
		if d != s {
			old.dropDeleter(d)
			s.add.addDeleter(d)
		}
	}
}

// commitDelete makes a deletion final.
func (e *Engine) commitDelete(s *stmt, p psn) {
	st := s.del
	for _, d := range append([]*stmt(nil), st.deleters...) {
		if d != s {
			st.dropDeleter(d)
		}
	}
	st.overtakeReaders(s.txn, p)
	st.deleted = p
}

func (st *story) overtakeReaders(writer *Txn, p psn) {
	for t := range st.readers {
		if t != writer {
			t.overtaken(p)
		}
	}
}

func (st *story) overtakeGapReaders(i int, writer *Txn, p psn) {
	for t := range st.links[i].gapReaders {
		if t != writer {
			t.overtaken(p)
		}
	}
}

// abortDuplicates aborts those whose rows have the same key as a row just
// committed in a unique index, unless they replace it.
func (e *Engine) abortDuplicates(st *story, i int) {
	for n := st.links[i].newer; n != nil; n = n.links[i].newer {
		s := n.adder
		switch {
		case s == nil || st.adder != nil && s.txn == st.adder.txn:
		case n.links[i].own && s.del == nil:
		case s.del == st:
		default:
			s.txn.conflict()
		}
	}
}

// rollback takes a change back.
func (e *Engine) rollback(s *stmt) {
	if s.ddl != nil {
		s.ddl.undo()
	}
	if st := s.add; st != nil {
		for i := range st.links {
			for st.links[i].older != nil {
				st.sink(i)
			}
		}
		st.adder = nil
		st.deleted = psnRolledBack
	}
	if s.del != nil {
		s.del.dropDeleter(s)
	}
	s.add, s.del, s.row = nil, nil, Row{}
}
