package tnt

import (
	"cmp"
	"errors"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
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

func (r Call) place() place { return place{name: r.Function} }

func (r Call) appendBody(b []byte, _ *environment) ([]byte, error) {
	return appendLua(b, iproto.KeyFunctionName, r.Function, r.Args)
}

// Call16 is Call as it was up to Tarantool 1.6: every result is made a tuple.
type Call16 struct {
	Function string
	Args     []any
}

// Type implements Request.
func (r Call16) Type() iproto.Type { return iproto.TypeCall16 }

func (r Call16) place() place { return place{name: r.Function} }

func (r Call16) appendBody(b []byte, _ *environment) ([]byte, error) {
	return appendLua(b, iproto.KeyFunctionName, r.Function, r.Args)
}

// Eval runs a piece of Lua, whose arguments are `...`.
type Eval struct {
	Expr string
	Args []any
}

// Type implements Request.
func (r Eval) Type() iproto.Type { return iproto.TypeEval }

func (r Eval) place() place { return place{} }

func (r Eval) appendBody(b []byte, _ *environment) ([]byte, error) {
	return appendLua(b, iproto.KeyExpr, r.Expr, r.Args)
}

func appendLua(b []byte, key iproto.Key, text string, args []any) ([]byte, error) {
	w := wire.NewBody(b)
	w.String(key, text)
	w.Key(iproto.KeyTuple)
	var err error
	if w.B, err = appendList(w.B, args); err != nil {
		return b, err
	}
	return w.End(), nil
}

// Execute runs an SQL statement: Statement, or the prepared one whose number
// is ID where Statement is "".
//
// Args are the values of the statement's parameters: those of "?" by position,
// those of ":name", "@name" and "$name" by Named.
type Execute struct {
	Statement string
	ID        uint64
	Args      []any

	text string // of the prepared statement, for errors and hooks
}

// NamedArg is the value of a named parameter of an SQL statement.
type NamedArg struct {
	Name  string // with or without its ":", "@" or "$"; ":" is assumed
	Value any
}

// Named makes the value of a named parameter for Execute.Args.
func Named(name string, value any) NamedArg { return NamedArg{name, value} }

// Type implements Request.
func (r Execute) Type() iproto.Type { return iproto.TypeExecute }

func (r Execute) place() place { return place{name: cmp.Or(r.Statement, r.text)} }

func (r Execute) appendBody(b []byte, _ *environment) ([]byte, error) {
	if r.Statement == "" && r.ID == 0 {
		return b, errNoStatement
	}
	w := wire.NewBody(b)
	appendStatement(&w, r.Statement, r.ID)
	w.Key(iproto.KeySQLBind)
	w.B = mp.AppendArrayLen(w.B, len(r.Args))
	var err error
	for _, arg := range r.Args {
		if named, ok := arg.(NamedArg); ok {
			w.B = mp.AppendString(mp.AppendMapLen(w.B, 1), named.wireName())
			arg = named.Value
		}
		if w.B, err = appendValue(w.B, arg); err != nil {
			return b, err
		}
	}
	return w.End(), nil
}

func (a NamedArg) wireName() string {
	if a.Name != "" {
		switch a.Name[0] {
		case ':', '@', '$':
			return a.Name
		}
	}
	return ":" + a.Name
}

var errNoStatement = errors.New("there is neither a statement nor the number of a prepared one")

func appendStatement(w *wire.BodyWriter, text string, id uint64) {
	if text != "" {
		w.String(iproto.KeySQLText, text)
		return
	}
	w.Uint(iproto.KeyStmtID, id)
}

// Prepare prepares an SQL statement, or, with Statement "", releases the
// prepared one whose number is ID (unprepare). Conn.Prepare is the convenient
// form.
type Prepare struct {
	Statement string
	ID        uint64
}

// Type implements Request.
func (r Prepare) Type() iproto.Type { return iproto.TypePrepare }

func (r Prepare) place() place { return place{name: r.Statement} }

func (r Prepare) appendBody(b []byte, _ *environment) ([]byte, error) {
	if r.Statement == "" && r.ID == 0 {
		return b, errNoStatement
	}
	w := wire.NewBody(b)
	appendStatement(&w, r.Statement, r.ID)
	return w.End(), nil
}
