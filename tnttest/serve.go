package tnttest

import (
	"bytes"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// stream is a stream of a connection: requests one after the other, in a
// transaction where one was begun. It is guarded by Server.mu.
type stream struct {
	id      uint64
	txn     *memtx.Txn
	busy    bool          // a request is being served
	pending []*request    // those that came meanwhile
	room    chan struct{} // closed when one of them is taken; nil where nobody waits for that
}

// maxPendingInStream bounds what a client can pile up behind a slow request.
// Past it the server reads no more until one of them is done.
const maxPendingInStream = 1024

// accept takes a frame's content. It returns false where the connection is to
// be closed.
func (c *Conn) accept(content []byte) bool {
	if c.relay != nil {
		return c.acknowledged(content)
	}
	req, bad := decode(content, c.srv.opts.version, c.srv.opts.protocol)
	f := c.srv.receive(c, req)
	req.bad = bad
	switch {
	case follows(req.header.Type) && !f.prevents():
		return c.follow(req, bad, f)
	case bad == nil && req.header.StreamID != 0 && c.srv.opts.protocol > 0:
		return c.acceptInStream(req, f)
	}
	return c.start(req, f)
}

// start serves a request, in a goroutine of its own where it may take time.
func (c *Conn) start(req *request, f *fault) bool {
	var h Handler
	if req.bad == nil && !f.prevents() {
		h = c.handlerFor(req)
	}
	if h == nil && !f.waits() {
		return c.perform(req, nil, f)
	}
	select {
	case c.slots <- struct{}{}:
	case <-c.ctx.Done():
		return false
	}
	req = req.clone()
	c.wg.Go(func() {
		defer func() { <-c.slots }()
		c.finish(req, h, f)
	})
	return true
}

// finish serves a request that may take time.
func (c *Conn) finish(req *request, h Handler, f *fault) {
	f.delay(c)
	if !c.srv.frozen.wait(c.ctx) {
		return
	}
	if !c.perform(req, h, f) {
		c.close()
	}
}

// perform executes a request and answers it, unless a fault says otherwise. It
// returns false where the connection is to be closed.
func (c *Conn) perform(req *request, h Handler, f *fault) bool {
	switch {
	case f.prevents() && f.CloseBefore:
		return false
	case f.prevents():
		return c.answer(req, errorReply(handlerError(f.Error)), f)
	case req.bad != nil:
		return c.answer(req, errorReply(req.bad), f)
	}
	return c.answer(req, c.execute(req, h), f)
}

// clone copies the request out of the buffer that it was read into.
func (req *request) clone() *request {
	copied := *req
	copied.raw = bytes.Clone(req.raw)
	if req.hasBody {
		_ = copied.body.Decode(copied.raw) // it could be decoded before
	}
	return &copied
}

// acceptInStream serves a request when those before it in its stream are done.
func (c *Conn) acceptInStream(req *request, f *fault) bool {
	s := c.srv
	s.mu.Lock()
	st := c.streams[req.header.StreamID]
	if st == nil {
		st = &stream{id: req.header.StreamID}
		c.streams[st.id] = st
	}
	req.stream = st
	var h Handler
	if !f.prevents() {
		h = c.handlerForLocked(req)
	}
	switch {
	case st.busy || h != nil || f.waits():
	case f.prevents():
		c.dropIdle(st)
		s.mu.Unlock()
		return c.perform(req, nil, f)
	default:
		r := c.executeLocked(req)
		c.dropIdle(st)
		s.mu.Unlock()
		return c.answer(req, r, f)
	}
	req = req.clone()
	req.fault, req.handler = f, h
	if st.busy {
		st.pending = append(st.pending, req)
		room := st.full()
		s.mu.Unlock()
		return c.waitFor(room)
	}
	st.busy = true
	s.mu.Unlock()
	c.wg.Go(func() { c.runStream(st, req) })
	return true
}

// full returns what to wait for where too many requests are pending, else nil.
// Server.mu is held.
func (st *stream) full() <-chan struct{} {
	if len(st.pending) <= maxPendingInStream {
		return nil
	}
	st.room = make(chan struct{})
	return st.room
}

// waitFor waits for room, nil: there is some. It returns false where the
// connection is gone.
func (c *Conn) waitFor(room <-chan struct{}) bool {
	if room == nil {
		return true
	}
	select {
	case <-room:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// take takes the next of the pending requests, and tells whom to wake: those
// that wait for room, if not nil. Server.mu is held.
func (st *stream) take() (req *request, room chan struct{}) {
	req, room = st.pending[0], st.room
	st.pending, st.room = st.pending[1:], nil
	return req, room
}

// runStream serves requests of a stream until none is left.
func (c *Conn) runStream(st *stream, req *request) {
	for req != nil {
		c.finish(req, req.handler, req.fault)
		var room chan struct{}
		c.srv.mu.Lock()
		if len(st.pending) == 0 || c.ctx.Err() != nil {
			st.busy, st.pending, req = false, nil, nil
			c.dropIdle(st)
		} else {
			req, room = st.take()
		}
		c.srv.mu.Unlock()
		if room != nil {
			close(room)
		}
	}
}

// dropIdle forgets a stream without a transaction.
func (c *Conn) dropIdle(st *stream) {
	if st.txn == nil && !st.busy {
		delete(c.streams, st.id)
	}
}

// execute carries out a request, by the handler if there is one.
func (c *Conn) execute(req *request, h Handler) reply {
	if h != nil {
		return c.call(req, h)
	}
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return c.executeLocked(req)
}

func (c *Conn) executeLocked(req *request) reply {
	s := c.srv
	defer func() {
		req.yield()
		s.schemaVersion.Store(s.engine.SchemaVersion())
	}()
	if v := req.header.SchemaVersion; v != 0 && v != s.engine.SchemaVersion() {
		return errorReply(memtx.Errorf(errcode.WrongSchemaVersion, "Wrong schema version, current: %d, in request: %d",
			int32(v), s.engine.SchemaVersion()))
	}
	switch req.header.Type {
	case iproto.TypePing:
		return okReply
	case iproto.TypeID:
		return c.identify(req)
	case iproto.TypeAuth:
		return c.authenticate(req)
	case iproto.TypeBegin:
		return c.begin(req)
	case iproto.TypeCommit:
		return c.commit(req)
	case iproto.TypeRollback:
		if txn := req.stream.txn; txn != nil {
			txn.Rollback()
			req.stream.txn = nil
		}
		return okReply
	case iproto.TypeSelect:
		return c.selectTuples(req)
	case iproto.TypeInsert, iproto.TypeReplace, iproto.TypeUpdate, iproto.TypeDelete, iproto.TypeUpsert:
		return c.change(req)
	case iproto.TypeInsertArrow:
		return c.insertArrow(req)
	case iproto.TypeWatch, iproto.TypeUnwatch, iproto.TypeWatchOnce:
		return c.watchRequest(req)
	case iproto.TypeCall, iproto.TypeCall16:
		return c.callUnknown(req)
	case iproto.TypeEval:
		return c.evalUnknown(req)
	case iproto.TypeExecute:
		return c.executeUnknown(req)
	case iproto.TypePrepare:
		return c.prepare(req)
	case iproto.TypeVote, iproto.TypeVoteOld:
		return s.vote(req.header.Type)
	}
	return errorReply(errUnknownType(req.header.Type))
}

// txn returns the transaction of the request's stream, nil for none.
func (req *request) txn() *memtx.Txn {
	if req.stream == nil {
		return nil
	}
	return req.stream.txn
}

// yield lets others have a turn after the request.
func (req *request) yield() {
	if txn := req.txn(); txn != nil {
		txn.Yield()
	}
}

// identify answers ID.
func (c *Conn) identify(req *request) reply {
	c.features = 0
	r := req.body.Reader(iproto.KeyFeatures)
	if req.body.Has(iproto.KeyFeatures) {
		for range r.ArrayLen() {
			if r.Type() != mp.TypeUint {
				return errorReply(errMsgpack("request body"))
			}
			if f := r.Uint(); f < 64 {
				c.features |= 1 << f
			}
		}
	}
	o := &c.srv.opts
	var mask uint64
	for _, f := range o.features {
		mask |= 1 << f
	}
	c.features &= mask
	w := wire.NewBody(nil)
	w.Uint(iproto.KeyVersion, o.protocol)
	w.Key(iproto.KeyFeatures)
	w.B = mp.AppendArrayLen(w.B, len(o.features))
	for _, f := range o.features {
		w.B = mp.AppendUint(w.B, uint64(f))
	}
	if o.protocol >= 4 {
		w.String(iproto.KeyAuthType, o.authType)
	}
	return reply{body: w.End()}
}

func (c *Conn) begin(req *request) reply {
	if req.stream.txn != nil {
		return errorReply(memtx.Errorf(errcode.ActiveTransaction, "Operation is not permitted when there is an active transaction "))
	}
	if req.body.Has(iproto.KeyIsSync) && !req.body.Bool(iproto.KeyIsSync) {
		return errorReply(memtx.IllegalParams("is_sync can only be true"))
	}
	txn, err := c.srv.engine.Begin(req.body.Float(iproto.KeyTimeout), memtx.Isolation(req.body.Uint(iproto.KeyTxnIsolation)))
	if err != nil {
		return errorReply(err)
	}
	req.stream.txn = txn
	return okReply
}

func (c *Conn) commit(req *request) reply {
	txn := req.stream.txn
	if txn == nil {
		return okReply
	}
	req.stream.txn = nil
	if err := txn.Commit(); err != nil {
		return errorReply(err)
	}
	return okReply
}

// resolve finds the space and the index by their names, where those are given.
func (c *Conn) resolve(req *request) (space, index uint32, err *types.Error) {
	space = uint32(req.body.Uint(iproto.KeySpaceID))
	index = uint32(req.body.Uint(iproto.KeyIndexID))
	var sp *memtx.Space
	if req.body.Has(iproto.KeySpaceName) {
		if sp, err = c.srv.engine.SpaceByName(req.body.String(iproto.KeySpaceName)); err != nil {
			return 0, 0, err
		}
		space = sp.Def.ID
	}
	switch req.header.Type {
	case iproto.TypeSelect, iproto.TypeUpdate, iproto.TypeDelete:
		if !req.body.Has(iproto.KeyIndexName) {
			break
		}
		if sp == nil {
			if sp, err = c.srv.engine.Space(space); err != nil {
				return 0, 0, err
			}
		}
		ix, err := sp.IndexByName(req.body.String(iproto.KeyIndexName))
		if err != nil {
			return 0, 0, err
		}
		index = ix.Def.ID
	}
	return space, index, nil
}

func (c *Conn) selectTuples(req *request) reply {
	space, index, err := c.resolve(req)
	if err != nil {
		return errorReply(err)
	}
	b := &req.body
	sel := memtx.Select{
		Space: space, Index: index,
		Iterator:      uint64(uint32(b.Uint(iproto.KeyIterator))),
		Offset:        b.Uint(iproto.KeyOffset),
		Limit:         b.Uint(iproto.KeyLimit),
		Key:           b.Raw(iproto.KeyKey),
		FetchPosition: b.Bool(iproto.KeyFetchPosition),
	}
	if b.Has(iproto.KeyAfterPosition) {
		sel.AfterPosition = []byte(b.String(iproto.KeyAfterPosition))
	} else if b.Has(iproto.KeyAfterTuple) {
		sel.AfterTuple = b.Raw(iproto.KeyAfterTuple)
	}
	out, err := c.srv.engine.Select(req.txn(), c.user, &sel)
	if err != nil {
		return errorReply(err)
	}
	return c.tupleReply(out.Space, out.Tuples, out.Position)
}

func (c *Conn) change(req *request) reply {
	space, index, err := c.resolve(req)
	if err != nil {
		return errorReply(err)
	}
	b := &req.body
	ch := memtx.Change{
		Space: space, Index: index,
		Key: b.Raw(iproto.KeyKey), Tuple: b.Raw(iproto.KeyTuple), Ops: b.Raw(iproto.KeyOps),
		IndexBase: int(int32(b.Uint(iproto.KeyIndexBase))),
	}
	e := c.srv.engine
	do := e.Insert
	switch req.header.Type {
	case iproto.TypeReplace:
		do = e.Replace
	case iproto.TypeDelete:
		do = e.Delete
	case iproto.TypeUpsert:
		do = e.Upsert
	case iproto.TypeUpdate: // its operations come as IPROTO_TUPLE
		do, ch.Ops, ch.Tuple = e.Update, ch.Tuple, nil
	}
	out, err := do(req.txn(), c.user, &ch)
	if err != nil {
		return errorReply(err)
	}
	var tuples [][]byte
	if out.Tuple != nil {
		tuples = [][]byte{out.Tuple}
	}
	return c.tupleReply(out.Space, tuples, nil)
}
