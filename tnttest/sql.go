package tnttest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
	"github.com/gotnt/tnt/types"
)

// Statement is an SQL statement that a client executes. It must not be used
// after its handler returned.
type Statement struct {
	*Call
	text   string
	groups []string
	names  []string // of the parameters, "?" for one without a name
}

// Text returns the statement as the client sent or prepared it.
func (s *Statement) Text() string { return s.text }

// Groups returns what the groups of a pattern matched, the whole first; nil
// where the statement was registered by its text.
func (s *Statement) Groups() []string { return s.groups }

// Param returns the place of a named parameter among the arguments, from 0 on,
// and -1 where there is none. The name has its prefix, as in ":id" or "@id".
func (s *Statement) Param(name string) int {
	for i, n := range s.names {
		if n == name && n != "?" {
			return i
		}
	}
	return -1
}

// Column describes a column of a result. What is empty is left out of the
// metadata, as the real server leaves it out without sql_full_metadata.
type Column struct {
	Name          string
	Type          string // as SQL names it: "integer", "string", ... "any" where it is empty
	Collation     string
	Nullable      *bool
	AutoIncrement bool
	Span          string // the expression that it is
}

// SQLResult is the answer to a statement: rows where it has columns, else how
// many rows were changed.
type SQLResult struct {
	Columns []Column
	Rows    [][]any

	RowCount      uint64
	AutoIncrement []int64 // the ids that an INSERT made
}

// sqlHandler answers the statements that it is for.
type sqlHandler struct {
	text    string         // as normalised has it, "" where there is a pattern
	pattern *regexp.Regexp // nil where there is a text
	handle  func(*Statement) (SQLResult, error)
	columns []Column // known before it is executed
}

// normalised makes statements alike that differ in white space and a last
// semicolon.
func normalised(text string) string {
	return strings.Join(strings.Fields(strings.TrimSuffix(strings.TrimSpace(text), ";")), " ")
}

// HandleExecute registers a Go function for an SQL statement, executed or
// prepared, instead of what was registered for it before. White space and a last
// semicolon don't matter, all else does. The function's parameters are decoded
// from those of the statement, in their order; those not given are zero values.
// The first may be a context.Context, done when the client is gone, or a
// *Statement. Its result is one of these, or nothing, and then an error or none:
//
//   - a slice of structs: rows, whose columns are the exported fields, by the
//     names in their tags `tnt:"name"`, and typed by the fields' types
//   - an integer: how many rows were changed
//   - an SQLResult: all of what an answer can have
//
// The columns, if given, are those of the rows; a client that prepares the
// statement is told of them. HandleExecute returns an error where fn is no such
// function.
func (s *Server) HandleExecute(statement string, fn any, columns ...Column) error {
	h, err := sqlHandlerOf(fn, columns)
	if err != nil {
		return fmt.Errorf("tnttest: HandleExecute %q: %w", statement, err)
	}
	h.text = normalised(statement)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, old := range s.statements {
		if old.pattern == nil && old.text == h.text {
			s.statements[i] = h
			return nil
		}
	}
	s.statements = append(s.statements, h)
	return nil
}

// HandleExecuteMatch is HandleExecute for all statements that match a pattern
// and were not registered by their text. Statement.Groups has what its groups
// matched. Of several patterns the first registered counts.
func (s *Server) HandleExecuteMatch(pattern *regexp.Regexp, fn any, columns ...Column) error {
	h, err := sqlHandlerOf(fn, columns)
	if err != nil {
		return fmt.Errorf("tnttest: HandleExecuteMatch %q: %w", pattern, err)
	}
	h.pattern = pattern
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statements = append(s.statements, h)
	return nil
}

// statement finds the handler of a statement, nil where there is none, and what
// its groups match.
func (s *Server) statement(text string) (*sqlHandler, []string) {
	text = normalised(text)
	for _, h := range s.statements {
		if h.pattern == nil && h.text == text {
			return h, nil
		}
	}
	for _, h := range s.statements {
		if h.pattern != nil {
			if groups := h.pattern.FindStringSubmatch(text); groups != nil {
				return h, groups
			}
		}
	}
	return nil, nil
}

// executeHandler returns what executes a statement, nil where nothing does and
// the request is to be answered by executeUnknown.
func (c *Conn) executeHandler(req *request) Handler {
	text, err := c.statementText(req)
	if err != nil {
		return nil
	}
	h, groups := c.srv.statement(text)
	if h == nil {
		return nil
	}
	return func(call *Call) ([]any, error) {
		st := &Statement{Call: call, text: text, groups: groups, names: parameters(text)}
		args, fail := bind(call.req, st.names)
		if fail != nil {
			return nil, fail
		}
		call.args = args
		res, err := h.handle(st)
		if err != nil {
			return nil, err
		}
		if res.Columns == nil {
			res.Columns = h.columns
		}
		return []any{res}, nil
	}
}

// statementText is the statement that an EXECUTE has, or has prepared.
func (c *Conn) statementText(req *request) (string, *types.Error) {
	if req.body.Has(iproto.KeySQLText) {
		return req.body.String(iproto.KeySQLText), nil
	}
	id := uint32(req.body.Uint(iproto.KeyStmtID))
	text, ok := c.prepared[id]
	if !ok {
		e := memtx.Errorf(errcode.WrongQueryID, "Prepared statement with id %d does not exist", id)
		e.SetField("value", uint64(id))
		return "", e
	}
	return text, nil
}

// executeUnknown answers an EXECUTE that no handler is for.
func (c *Conn) executeUnknown(req *request) reply {
	if err := c.srv.engine.CheckSQL(c.user); err != nil {
		return errorReply(err)
	}
	text, err := c.statementText(req)
	if err != nil {
		return errorReply(err)
	}
	return errorReply(errNoSQL(text))
}

func errNoSQL(text string) *types.Error {
	return memtx.Errorf(errcode.SQLExecute, "Failed to execute SQL statement: this is the embedded server of tnttest, "+
		"which has no SQL: register a Go function for the statement by Server.HandleExecute: %s", text)
}

// prepare answers PREPARE: of a text, or of an id that is to be forgotten.
func (c *Conn) prepare(req *request) reply {
	if err := c.srv.engine.CheckSQL(c.user); err != nil {
		return errorReply(err)
	}
	if !req.body.Has(iproto.KeySQLText) {
		if _, err := c.statementText(req); err != nil {
			return errorReply(err)
		}
		delete(c.prepared, uint32(req.body.Uint(iproto.KeyStmtID)))
		return okReply
	}
	text := req.body.String(iproto.KeySQLText)
	h, _ := c.srv.statement(text)
	if h == nil {
		return errorReply(errNoSQL(text))
	}
	id := memtx.HashBytes([]byte(text))
	if c.prepared == nil {
		c.prepared = make(map[uint32]string)
	}
	c.prepared[id] = text
	names := parameters(text)
	w := wire.NewBody(nil)
	w.Uint(iproto.KeyStmtID, uint64(id))
	w.Uint(iproto.KeyBindCount, uint64(len(names)))
	w.Key(iproto.KeyBindMetadata)
	w.B = mp.AppendArrayLen(w.B, len(names))
	for _, name := range names {
		w.B = Column{Name: name, Type: "ANY"}.appendTo(w.B)
	}
	if h.columns != nil {
		w.Key(iproto.KeyMetadata)
		w.B = appendColumns(w.B, h.columns)
	}
	return reply{body: w.End()}
}

func appendColumns(b []byte, columns []Column) []byte {
	b = mp.AppendArrayLen(b, len(columns))
	for _, c := range columns {
		b = c.appendTo(b)
	}
	return b
}

func (c Column) appendTo(b []byte) []byte {
	typ := c.Type
	if typ == "" {
		typ = "any"
	}
	n, at := 2, len(b)
	b = append(b, 0)
	b = mp.AppendString(mp.AppendUint(b, iproto.FieldName), c.Name)
	b = mp.AppendString(mp.AppendUint(b, iproto.FieldType), typ)
	if c.Collation != "" {
		b = mp.AppendString(mp.AppendUint(b, iproto.FieldColl), c.Collation)
		n++
	}
	if c.Nullable != nil {
		b = mp.AppendBool(mp.AppendUint(b, iproto.FieldIsNullable), *c.Nullable)
		n++
	}
	if c.AutoIncrement {
		b = mp.AppendBool(mp.AppendUint(b, iproto.FieldIsAutoincrement), true)
		n++
	}
	if c.Span != "" {
		b = mp.AppendString(mp.AppendUint(b, iproto.FieldSpan), c.Span)
		n++
	}
	b[at] = 0x80 | byte(n)
	return b
}

// reply makes the answer that the result is.
func (r SQLResult) reply() (reply, error) {
	w := wire.NewBody(nil)
	if r.Columns == nil && r.Rows != nil {
		return reply{}, errors.New("the result has rows and no columns")
	}
	if r.Columns != nil {
		w.Key(iproto.KeyMetadata)
		w.B = appendColumns(w.B, r.Columns)
		w.Key(iproto.KeyData)
		w.B = append(w.B, 0xdd, byte(len(r.Rows)>>24), byte(len(r.Rows)>>16), byte(len(r.Rows)>>8), byte(len(r.Rows)))
		for _, row := range r.Rows {
			if len(row) != len(r.Columns) {
				return reply{}, fmt.Errorf("a row has %d values for %d columns", len(row), len(r.Columns))
			}
			var err error
			if w.B, err = appendTupleOf(w.B, row); err != nil {
				return reply{}, err
			}
		}
		return reply{body: w.End()}, nil
	}
	w.Key(iproto.KeySQLInfo)
	pairs := 1
	if len(r.AutoIncrement) > 0 {
		pairs++
	}
	w.B = mp.AppendMapLen(w.B, pairs)
	w.B = mp.AppendUint(mp.AppendUint(w.B, iproto.SQLInfoRowCount), r.RowCount)
	if pairs > 1 {
		w.B = mp.AppendUint(w.B, iproto.SQLInfoAutoincrementIDs)
		w.B = mp.AppendArrayLen(w.B, len(r.AutoIncrement))
		for _, id := range r.AutoIncrement {
			w.B = mp.AppendInt(w.B, id)
		}
	}
	return reply{body: w.End()}, nil
}
