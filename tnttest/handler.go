package tnttest

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// Handler serves a CALL or EVAL. What it returns is the answer; an error is
// sent as that of a function that raised it. A *types.Error keeps its code and
// payload. Handlers run in goroutines of their own.
type Handler func(*Call) ([]any, error)

// Call is a call of a function. It must not be used after its handler returned.
type Call struct {
	conn *Conn
	req  *request
	args []byte
}

// Context is done when the client is gone or the server closes.
func (c *Call) Context() context.Context { return c.conn.ctx }

// Name returns the name of the function, or the text of an EVAL or an EXECUTE.
func (c *Call) Name() string {
	switch c.req.header.Type {
	case iproto.TypeEval:
		return c.req.body.String(iproto.KeyExpr)
	case iproto.TypeExecute:
		return c.req.body.String(iproto.KeySQLText)
	}
	return c.req.body.String(iproto.KeyFunctionName)
}

// Conn returns the connection that the call came by.
func (c *Call) Conn() *Conn { return c.conn }

// User returns the name of the user who calls.
func (c *Call) User() string {
	c.conn.srv.mu.Lock()
	defer c.conn.srv.mu.Unlock()
	return c.conn.user.Name
}

// Args returns the arguments as Go values: int64 and uint64, float64, string,
// []byte, bool, []any, map[string]any, decimals, UUIDs, times and nil.
func (c *Call) Args() ([]any, error) {
	r := mp.Widest.Reader(c.args)
	v := r.Value()
	if err := r.Err(); err != nil {
		return nil, err
	}
	args, _ := v.([]any)
	return args, nil
}

// Push sends a value to the client before the answer, as box.session.push does.
func (c *Call) Push(value any) error {
	b := appendDataLen(mp.AppendMapLen(nil, 1), 1)
	b, err := mp.Widest.AppendValue(b, value)
	if err != nil {
		return err
	}
	c.conn.reply(c.req.header, reply{status: iproto.TypeChunk, body: b})
	return c.conn.ctx.Err()
}

// Space returns a space as the caller sees it: with the caller's rights, and
// in the transaction of the stream that the call came in.
func (c *Call) Space(name string) *Space {
	return &Space{srv: c.conn.srv, name: name, call: c}
}

// Handle registers a handler for a function by its name, instead of what was
// registered before. A nil handler takes the function away.
func (s *Server) Handle(name string, h Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h == nil {
		delete(s.handlers, name)
		return
	}
	s.handlers[name] = h
}

// HandleEval registers a handler for the exact text of an EVAL.
func (s *Server) HandleEval(text string, h Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h == nil {
		delete(s.evals, text)
		return
	}
	s.evals[text] = h
}

// handlerFor returns the handler that the request calls for, nil where there is none.
func (c *Conn) handlerFor(req *request) Handler {
	switch req.header.Type {
	case iproto.TypeCall, iproto.TypeCall16, iproto.TypeEval, iproto.TypeExecute:
		c.srv.mu.Lock()
		defer c.srv.mu.Unlock()
		return c.handlerForLocked(req)
	}
	return nil
}

func (c *Conn) handlerForLocked(req *request) Handler {
	s := c.srv
	switch req.header.Type {
	case iproto.TypeExecute:
		return c.executeHandler(req)
	case iproto.TypeCall, iproto.TypeCall16:
		return s.handlers[req.body.String(iproto.KeyFunctionName)]
	case iproto.TypeEval:
		return s.evals[req.body.String(iproto.KeyExpr)]
	}
	return nil
}

// call runs a handler.
func (c *Conn) call(req *request, h Handler) reply {
	if r, ok := c.checkCall(req); !ok {
		return r
	}
	call := &Call{conn: c, req: req, args: []byte{0x90}}
	if req.body.Has(iproto.KeyTuple) {
		call.args = req.body.Raw(iproto.KeyTuple)
	}
	r, failed := run(h, call)
	if after, ok := c.afterCall(req); !ok && !failed {
		return after
	}
	return r
}

// run calls a handler and makes the answer of what it returned, which failed where
// that is an error. A panic is one, too, and so is the end of the goroutine, which
// therefore is one of its own.
func run(h Handler, call *Call) (r reply, failed bool) {
	fail := func(err error) { r, failed = errorReply(handlerError(err)), true }
	done, returned := make(chan struct{}), false
	go func() {
		defer close(done)
		defer func() {
			switch p := recover(); {
			case p != nil:
				fail(fmt.Errorf("the handler of %s panicked: %v", call.Name(), p))
			case !returned:
				fail(fmt.Errorf("the handler of %s ended its goroutine, as FailNow of a test does, which is for the test's own", call.Name()))
			}
		}()
		results, err := h(call)
		if err == nil {
			r, err = resultsReply(call.req.header.Type, results)
		}
		if err != nil {
			fail(err)
		}
		returned = true
	}()
	<-done
	return r, failed
}

// resultsReply makes the answer of what a handler returned.
func resultsReply(t iproto.Type, results []any) (reply, error) {
	if t == iproto.TypeExecute {
		res, _ := results[0].(SQLResult)
		return res.reply()
	}
	values, err := appendResults(t, results)
	if err != nil {
		return reply{}, err
	}
	return dataReply(len(results), values), nil
}

// checkCall reports whether the user may call.
func (c *Conn) checkCall(req *request) (reply, bool) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	if v := req.header.SchemaVersion; v != 0 && v != c.srv.engine.SchemaVersion() {
		return c.executeLocked(req), false // answers that the version is wrong
	}
	var err *types.Error
	switch req.header.Type {
	case iproto.TypeEval:
		err = c.srv.engine.CheckEval(c.user)
	case iproto.TypeExecute:
		err = c.srv.engine.CheckSQL(c.user)
	default:
		err = c.srv.engine.CheckCall(c.user, req.body.String(iproto.KeyFunctionName))
	}
	if err != nil {
		return errorReply(err), false
	}
	return reply{}, true
}

// afterCall rolls back a transaction that a call outside of a stream left open.
func (c *Conn) afterCall(req *request) (reply, bool) {
	if req.stream == nil {
		return reply{}, true
	}
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	if req.stream.id != 0 || req.stream.txn == nil {
		req.yield()
		return reply{}, true
	}
	req.stream.txn.Rollback()
	return errorReply(memtx.Errorf(errcode.FunctionTxActive, "Transaction is active at return from function")), false
}

// appendResults encodes what a handler returned. CALL_16 answers with tuples.
func appendResults(t iproto.Type, results []any) ([]byte, error) {
	var b []byte
	for _, v := range results {
		at := len(b)
		var err error
		if b, err = mp.Widest.AppendValue(b, v); err != nil {
			return nil, err
		}
		if t == iproto.TypeCall16 && mp.TypeOf(b[at]) != mp.TypeArray {
			b = append(b[:at], append([]byte{0x91}, b[at:]...)...)
		}
	}
	return b, nil
}

// handlerError makes the error that a client sees of a handler's.
func handlerError(err error) *types.Error {
	var e *types.Error
	if errors.As(err, &e) && e != nil {
		copied := *e // the handler's own may be shared, and answers add to it
		copied.Fields = maps.Clone(e.Fields)
		if copied.Type == "" {
			copied.Type = "ClientError"
		}
		return &copied
	}
	var code errcode.Code
	if !errors.As(err, &code) {
		code = errcode.ProcLua
	}
	e = memtx.Errorf(code, "%s", err.Error())
	if code == errcode.ProcLua {
		e.Type = "LuajitError"
	}
	return e
}

// callUnknown answers the call of a function that nobody registered.
func (c *Conn) callUnknown(req *request) reply {
	name := req.body.String(iproto.KeyFunctionName)
	if err := c.srv.engine.CheckCall(c.user, name); err != nil {
		return errorReply(err)
	}
	e := memtx.Errorf(errcode.NoSuchProc, "Procedure '%s' is not defined", name)
	e.SetField("func", name)
	return errorReply(e)
}

func (c *Conn) evalUnknown(*request) reply {
	if err := c.srv.engine.CheckEval(c.user); err != nil {
		return errorReply(err)
	}
	e := memtx.Errorf(errcode.ProcLua, "this is the embedded server of tnttest, which runs no Lua: "+
		"register a Go function for this very text by Server.HandleEval, or call one registered by Server.HandleFunc")
	e.Type = "LuajitError"
	return errorReply(e)
}
