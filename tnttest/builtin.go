package tnttest

import (
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
)

// registerBuiltins registers the functions of Lua's box that need no Lua.
func (s *Server) registerBuiltins() {
	s.Handle("box.info", func(*Call) ([]any, error) { return []any{s.info()}, nil })
	s.Handle("box.begin", callBegin)
	s.Handle("box.commit", callCommit)
	s.Handle("box.rollback", callRollback)
	s.Handle("box.session.push", func(c *Call) ([]any, error) {
		args, err := c.Args()
		if err != nil || len(args) == 0 {
			return nil, err
		}
		return []any{true}, c.Push(args[0])
	})
	s.Handle("box.session.user", func(c *Call) ([]any, error) { return []any{c.User()}, nil })
	s.registerUsers()
	if s.hasConsumers() {
		s.Handle("box.ctl.replica_gc", dropConsumer)
	}
}

// HandleDemo registers the functions that `tnt serve` has: echo, which returns
// its arguments, and bcast, which sets the value of an event.
func (s *Server) HandleDemo() {
	s.Handle("echo", func(c *Call) ([]any, error) {
		r := mp.NewReader(c.args)
		results := make([]any, r.ArrayLen())
		for i := range results {
			results[i] = Raw(r.Raw())
		}
		return results, r.Err()
	})
	s.Handle("bcast", func(c *Call) ([]any, error) {
		r := mp.NewReader(c.args)
		n := r.ArrayLen()
		if n == 0 || r.Type() != mp.TypeString {
			return nil, memtx.IllegalParams("Usage: box.broadcast(key, value)")
		}
		key := r.String()
		var data []byte
		if n > 1 && !r.Nil() {
			data = r.Raw()
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.broadcast(key, data)
		return nil, r.Err()
	})
}

// callBegin is box.begin. Outside of a stream the transaction would end with
// the call, so there it does nothing but fail at the return.
func callBegin(c *Call) ([]any, error) {
	s := c.conn.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.req.stream == nil {
		return nil, memtx.Errorf(errcode.FunctionTxActive, "Transaction is active at return from function")
	}
	if c.req.stream.txn != nil {
		return nil, memtx.Errorf(errcode.ActiveTransaction, "Operation is not permitted when there is an active transaction ")
	}
	txn, err := s.engine.Begin(0, memtx.IsolationDefault)
	if err != nil {
		return nil, err
	}
	c.req.stream.txn = txn
	return nil, nil
}

func callCommit(c *Call) ([]any, error) {
	c.conn.srv.mu.Lock()
	defer c.conn.srv.mu.Unlock()
	if c.req.stream == nil || c.req.stream.txn == nil {
		return nil, nil
	}
	txn := c.req.stream.txn
	c.req.stream.txn = nil
	if err := txn.Commit(); err != nil {
		return nil, err
	}
	return nil, nil
}

func callRollback(c *Call) ([]any, error) {
	c.conn.srv.mu.Lock()
	defer c.conn.srv.mu.Unlock()
	if c.req.stream != nil && c.req.stream.txn != nil {
		c.req.stream.txn.Rollback()
		c.req.stream.txn = nil
	}
	return nil, nil
}
