package tnt

import (
	"github.com/gotnt/tnt/iproto"
)

// Call calls a stored function. Its results come as they are: one element of
// the response's data for each.
type Call struct {
	Function string
	Args     []any
}

// Type implements Request.
func (r Call) Type() iproto.Type { return iproto.TypeCall }

func (r Call) info() RequestInfo { return RequestInfo{Type: iproto.TypeCall, Function: r.Function} }

func (r Call) needs() uint64 { return 0 }

func (r Call) encode(e *encoder) error { return e.lua(iproto.KeyFunctionName, r.Function, r.Args) }

// Call16 is Call as it was up to Tarantool 1.6: every result is made a tuple.
type Call16 struct {
	Function string
	Args     []any
}

// Type implements Request.
func (r Call16) Type() iproto.Type { return iproto.TypeCall16 }

func (r Call16) info() RequestInfo { return RequestInfo{Type: iproto.TypeCall16, Function: r.Function} }

func (r Call16) needs() uint64 { return 0 }

func (r Call16) encode(e *encoder) error { return e.lua(iproto.KeyFunctionName, r.Function, r.Args) }

// Eval runs a piece of Lua, whose arguments are `...`.
type Eval struct {
	Expr string
	Args []any
}

// Type implements Request.
func (r Eval) Type() iproto.Type { return iproto.TypeEval }

func (r Eval) info() RequestInfo { return RequestInfo{Type: iproto.TypeEval} }

func (r Eval) needs() uint64 { return 0 }

func (r Eval) encode(e *encoder) error { return e.lua(iproto.KeyExpr, r.Expr, r.Args) }

// lua writes the body of a request that runs Lua.
func (e *encoder) lua(key iproto.Key, text string, args []any) error {
	e.begin()
	e.String(key, text)
	if err := e.list(iproto.KeyTuple, args); err != nil {
		return err
	}
	e.B = e.End()
	return nil
}
