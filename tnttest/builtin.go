package tnttest

import (
	"math"
	"strings"

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
		switch {
		case err != nil:
			return nil, err
		case len(args) == 0:
			return nil, memtx.IllegalParams("Usage: box.session.push(data)")
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
	timeout, level, wrong := beginOptions(c)
	if wrong != nil {
		return nil, wrong
	}
	txn, err := s.engine.Begin(timeout, level)
	if err != nil {
		return nil, err
	}
	c.req.stream.txn = txn
	return nil, nil
}

// beginOptions reads the options of box.begin, by the words of the real one.
func beginOptions(c *Call) (timeout float64, level memtx.Isolation, err error) {
	args, err := c.Args()
	if err != nil || len(args) == 0 || args[0] == nil {
		return 0, 0, err
	}
	options, named := args[0].(map[string]any)
	list, listed := args[0].([]any)
	_, mixed := args[0].(map[any]any)
	switch {
	case !named && !listed && !mixed:
		return 0, 0, memtx.IllegalParams("options should be a table")
	case mixed || len(list) > 0:
		return 0, 0, memtx.IllegalParams("unexpected option '1'")
	}
	if value, given := options["txn_isolation"]; given {
		if level, given = isolationOf(value); !given {
			return 0, 0, memtx.IllegalParams("txn_isolation must be one of box.txn_isolation_level (keys or values)")
		}
	}
	if value, given := options["timeout"]; given {
		if timeout = luaNumber(value); !(timeout > 0) {
			return 0, 0, memtx.IllegalParams("timeout must be a number greater than 0")
		}
	}
	if value, given := options["is_sync"]; given {
		switch yes, ok := value.(bool); {
		case !ok:
			return 0, 0, memtx.IllegalParams("is_sync must be a boolean")
		case !yes:
			return 0, 0, memtx.IllegalParams("is_sync can only be true")
		}
	}
	for name := range options {
		if name != "txn_isolation" && name != "timeout" && name != "is_sync" {
			return 0, 0, memtx.IllegalParams("unexpected option '%s'", name)
		}
	}
	return timeout, level, nil
}

// isolations are the levels of isolation by their numbers.
var isolations = []string{"default", "read-committed", "read-confirmed", "best-effort", "linearizable"}

// isolationOf finds a level by its name, its key in box.txn_isolation_level, or its
// number.
func isolationOf(value any) (level memtx.Isolation, ok bool) {
	name, _ := value.(string)
	for i, known := range isolations {
		if name == known || name == strings.ToUpper(strings.ReplaceAll(known, "-", "_")) || name == "" && luaNumber(value) == float64(i) {
			return memtx.Isolation(i), true
		}
	}
	return 0, false
}

// luaNumber is a decoded value as a number of Lua, NaN where it is none.
func luaNumber(value any) float64 {
	switch n := value.(type) {
	case int64:
		return float64(n)
	case uint64:
		return float64(n)
	case float64:
		return n
	}
	return math.NaN()
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
