package tnttest

import (
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// checkArrow reports whether IPROTO_ARROW, if there is one, is MP_ARROW. What is
// in it is not looked at: no engine here could take it.
func (req *request) checkArrow() *types.Error {
	if !req.body.Has(iproto.KeyArrow) {
		return nil
	}
	r := req.body.Reader(iproto.KeyArrow)
	if typ, _ := r.Ext(); r.Err() != nil || typ != types.ExtArrow {
		return errMsgpack("packet body")
	}
	return nil
}

// insertArrow answers INSERT_ARROW, which always fails.
func (c *Conn) insertArrow(req *request) reply {
	space, _, err := c.resolve(req)
	if err != nil {
		return errorReply(err)
	}
	return errorReply(c.srv.engine.InsertArrow(req.txn(), c.user, space))
}
