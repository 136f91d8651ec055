package tnt

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
)

// Execute runs an SQL statement: Statement, or the prepared one whose number
// is ID where Statement is "".
//
// Args are the values of the statement's parameters: those of "?" by position;
// those of ":name" and "@name" by Named, by sql.Named of database/sql, or by a
// map, with strings for keys, of several, in which a name without its ":" or "@" means ":".
// A single []any is an error, because it is nearly always one whose "..." was
// forgotten.
//
// Decimals, UUIDs, datetimes, intervals and errors take a server of 2.10 or later:
// an older one would crash, so they are refused with a *FeatureError.
type Execute struct {
	Statement string
	ID        uint64
	Args      []any

	text string // of the prepared statement, for errors and hooks
}

// NamedArg is the value of a named parameter of an SQL statement.
type NamedArg struct {
	Name  string // with or without its ":" or "@"; ":" is assumed
	Value any
}

// Named makes the value of a named parameter for Execute.Args.
func Named(name string, value any) NamedArg { return NamedArg{name, value} }

// Type implements Request.
func (r Execute) Type() iproto.Type { return iproto.TypeExecute }

func (r Execute) info() RequestInfo {
	return RequestInfo{Type: iproto.TypeExecute, Statement: cmp.Or(r.Statement, r.text)}
}

func (r Execute) needs() uint64 { return 0 }

func (r Execute) encode(e *encoder) error {
	if r.Statement == "" && r.ID == 0 {
		return errNoStatement
	}
	args, err := flattened(r.Args)
	if err != nil {
		return err
	}
	e.begin()
	e.statement(r.Statement, r.ID)
	e.Key(iproto.KeySQLBind)
	e.B = mp.AppendArrayLen(e.B, len(args))
	for i, arg := range args {
		if err := e.parameter(arg); err != nil {
			return fmt.Errorf("parameter %s: %w", parameterName(arg, i), err)
		}
	}
	e.B = e.End()
	return nil
}

var errOneSlice = errors.New("the only parameter is a []any: write args... to pass its elements")

// flattened returns the parameters with those of maps one by one, in the order
// of their names.
func flattened(args []any) ([]any, error) {
	if len(args) == 1 {
		if _, ok := args[0].([]any); ok {
			return nil, errOneSlice
		}
	}
	flat := make([]any, 0, len(args))
	for _, arg := range args {
		m, ok := namedFields(arg)
		if !ok {
			flat = append(flat, arg)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(m)) {
			flat = append(flat, NamedArg{name, m[name]})
		}
	}
	return flat, nil
}

// parameter writes one parameter.
func (e *encoder) parameter(arg any) (err error) {
	switch named := arg.(type) {
	case NamedArg:
		if err = e.parameterName(named.Name); err == nil {
			arg = named.Value
		}
	case sql.NamedArg:
		if err = e.parameterName(named.Name); err == nil {
			arg = named.Value
		}
	}
	if err != nil {
		return err
	}
	start := len(e.B)
	if e.B, err = e.settings.AppendValue(e.B, arg); err != nil {
		return err
	}
	if mp.TypeOf(e.B[start]) == mp.TypeExt && !e.server.AtLeast(2, 10, 0) {
		return &FeatureError{What: fmt.Sprintf("SQL parameters of type %T: it would crash; pass a string or a number and use CAST", arg), Server: e.server}
	}
	return nil
}

// parameterName writes the head of a named parameter.
func (e *encoder) parameterName(name string) error {
	bare := strings.TrimLeft(name, ":@")
	switch {
	case bare == "" || len(name)-len(bare) > 1:
		return fmt.Errorf("%q is no name of a parameter: it is :name, @name or name", name)
	case strings.HasPrefix(name, "$"):
		return fmt.Errorf("there are no parameters like %q: write :name or @name", name)
	case bare == name:
		name = ":" + name
	}
	e.B = mp.AppendString(mp.AppendMapLen(e.B, 1), name)
	return nil
}

// parameterName returns the name of a parameter, or its number from 1.
func parameterName(arg any, i int) string {
	switch named := arg.(type) {
	case NamedArg:
		return fmt.Sprintf("%q", named.Name)
	case sql.NamedArg:
		return fmt.Sprintf("%q", named.Name)
	}
	return strconv.Itoa(i + 1)
}

var errNoStatement = errors.New("there is neither a statement nor the number of a prepared one")

func (e *encoder) statement(text string, id uint64) {
	if text != "" {
		e.String(iproto.KeySQLText, text)
		return
	}
	e.Uint(iproto.KeyStmtID, id)
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

func (r Prepare) info() RequestInfo {
	return RequestInfo{Type: iproto.TypePrepare, Statement: r.Statement}
}

func (r Prepare) needs() uint64 { return 0 }

func (r Prepare) encode(e *encoder) error {
	if r.Statement == "" && r.ID == 0 {
		return errNoStatement
	}
	e.begin()
	e.statement(r.Statement, r.ID)
	e.B = e.End()
	return nil
}
