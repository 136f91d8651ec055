package memtx

import "github.com/gotnt/tnt/errcode"

// InsertArrow refuses a batch of Arrow's as Tarantool's Community Edition does
// for every space: its engines have rows. What is wrong with the space, the
// user or the transaction is told first, as there.
func (e *Engine) InsertArrow(t *Txn, u *User, space uint32) *Error {
	sp, err := e.Space(space)
	if err != nil {
		return err
	}
	if err := e.checkAccess(u, sp, PrivWrite); err != nil {
		return err
	}
	if t != nil {
		if _, err := t.beginStmt(); err != nil {
			return err
		}
		t.dropStmt()
		if t.level == IsolationLinearizable {
			return t.checkSpace(sp)
		}
	}
	return Errorf(errcode.Unsupported, "CE version does not support arrow format")
}
