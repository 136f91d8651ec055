package tnt

import (
	"fmt"
	"strings"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// Response is the answer to a request. It is the user's to keep, never
// changes, is safe for concurrent use, and may be decoded more than once.
type Response struct {
	schemaVersion uint64
	body          []byte         // MessagePack
	format        *schema.Format // of the space that was read, where it is known
	settings      *mp.Settings   // what it is read by; nil: the defaults
}

// newResponse makes a Response that keeps body.
func newResponse(schemaVersion uint64, body []byte, format *schema.Format, settings *mp.Settings) Response {
	return Response{schemaVersion: schemaVersion, body: body, format: format, settings: settings}
}

// SchemaVersion returns the version of the schema at the time of the answer.
func (r Response) SchemaVersion() uint64 { return r.schemaVersion }

// RawBody returns the answer's body as MessagePack. It must not be changed.
func (r Response) RawBody() []byte { return r.body }

func (r Response) parse(body *wire.Body) error {
	if err := body.Decode(r.body); err != nil {
		return &DecodeError{err}
	}
	return nil
}

// Len returns the number of rows: tuples, results of a function or rows of
// SQL. It is 0 for an answer that has none.
func (r Response) Len() int {
	var body wire.Body
	if r.parse(&body) != nil || !body.Has(iproto.KeyData) {
		return 0
	}
	data := body.Reader(iproto.KeyData)
	return data.ArrayLen()
}

// Data returns the rows as untyped values, a tuple as a []any; docs/types.md has
// the types. It returns nil for an answer that has no rows.
func (r Response) Data() ([]any, error) {
	var body wire.Body
	if err := r.parse(&body); err != nil || !body.Has(iproto.KeyData) {
		return nil, err
	}
	data := r.settings.Reader(body.Raw(iproto.KeyData))
	rows := make([]any, data.ArrayLen())
	for i := range rows {
		rows[i] = data.Value()
	}
	if err := data.Err(); err != nil {
		return nil, &DecodeError{err}
	}
	return rows, nil
}

// rows returns each row as its bytes, an MP_TUPLE as those of its array.
func (r Response) rows() ([][]byte, error) {
	var body wire.Body
	if err := r.parse(&body); err != nil || !body.Has(iproto.KeyData) {
		return nil, err
	}
	data := body.Reader(iproto.KeyData)
	rows := make([][]byte, data.ArrayLen())
	for i := range rows {
		if data.IsTuple() {
			rows[i], _ = data.TupleArray()
			continue
		}
		rows[i] = data.Raw()
	}
	if err := data.Err(); err != nil {
		return nil, &DecodeError{err}
	}
	return rows, nil
}

// Tuples returns the rows as tuples. It is an error where one is no list.
func (r Response) Tuples() ([]Tuple, error) {
	var body wire.Body
	if err := r.parse(&body); err != nil || !body.Has(iproto.KeyData) {
		return nil, err
	}
	formats, err := r.formats(&body)
	if err != nil {
		return nil, &DecodeError{err}
	}
	data := formats.settings.Reader(body.Raw(iproto.KeyData))
	tuples := make([]Tuple, data.ArrayLen())
	for i := range tuples {
		switch {
		case data.Type() == mp.TypeArray:
			tuples[i] = Tuple{raw: data.Raw(), format: formats.main, settings: formats.settings}
		case data.IsTuple():
			array, f := data.TupleArray()
			tuples[i] = makeTuple(array, f, formats.settings)
		default:
			data.Fail(fmt.Errorf("row %d is %s, which is no tuple: take it by Data, Decode or tnt.One", i+1, data.Type().Article()))
		}
	}
	if err := data.Err(); err != nil {
		return nil, &DecodeError{err}
	}
	return tuples, nil
}

// NewResponse makes a Response of rows, as an answer would hold them: for tests
// of code that takes one. A row may be of any type that can be sent; a struct, or a
// pointer to one, is a tuple of its fields by position. Tuples keep the names of
// their fields, so all rows have to be Tuples of one format, or none may have names.
// They may be nested as Options.MaxNesting is by default.
func NewResponse(rows ...any) (Response, error) {
	w := wire.NewBody(nil)
	w.Key(iproto.KeyData)
	w.B = mp.AppendArrayLen(w.B, len(rows))
	var format *schema.Format
	for i, row := range rows {
		var own *schema.Format
		if t, ok := row.(Tuple); ok {
			own = t.format
		}
		if i == 0 {
			format = own
		}
		if !own.Equal(format) {
			return Response{}, fmt.Errorf("tnt: row %d has other names for its fields than the first, and a Response has one format for all", i+1)
		}
		var err error
		if w.B, err = mp.AppendRow(w.B, row, nil); err != nil {
			return Response{}, fmt.Errorf("tnt: row %d: %w", i+1, err)
		}
	}
	return newResponse(0, w.End(), format, nil), nil
}

// String shows the rows, at most 50, and what an SQL statement changed.
func (r Response) String() string {
	var b strings.Builder
	b.WriteByte('[')
	rows, names, n, err := r.open(true)
	for i := 0; i < n && err == nil; i++ {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == printedFields {
			b.WriteString("...")
			break
		}
		var v any
		if rows.Type() == mp.TypeArray {
			array := rows.Raw()
			v = makeTuple(array, names, rows.Settings())
		} else {
			v = rows.Value()
		}
		if err = rows.Err(); err == nil {
			b.WriteString(printed(v))
		}
	}
	if err != nil {
		fmt.Fprintf(&b, "(%v)", err)
	}
	b.WriteByte(']')
	if count, ids := r.sqlInfo(); count > 0 || len(ids) > 0 {
		fmt.Fprintf(&b, " (%d rows changed)", count)
	}
	return b.String()
}

// Position returns where the page ended, for AfterPosition: what a Select
// with FetchPosition asked for. It is "" where the answer has none.
func (r Response) Position() string {
	var body wire.Body
	if r.parse(&body) != nil {
		return ""
	}
	return body.String(iproto.KeyPosition)
}

// Column describes a column of an SQL result.
type Column struct {
	Name            string
	Type            string
	Collation       string // where sql_full_metadata is on
	IsNullable      bool   // likewise
	IsAutoincrement bool   // likewise
	Span            string // the expression as it was written; likewise
}

// Columns returns the columns of an SQL result, nil for another answer.
func (r Response) Columns() ([]Column, error) { return r.columns(iproto.KeyMetadata) }

func (r Response) columns(key iproto.Key) ([]Column, error) {
	var body wire.Body
	if err := r.parse(&body); err != nil || !body.Has(key) {
		return nil, err
	}
	columns, err := parseColumns(body.Reader(key))
	if err != nil {
		return nil, &DecodeError{err}
	}
	return columns, nil
}

func parseColumns(r mp.Reader) ([]Column, error) {
	var columns []Column
	for range r.ArrayLen() {
		columns = append(columns, Column{})
		c := &columns[len(columns)-1]
		for range r.MapLen() {
			switch key := r.Uint(); {
			case key == iproto.FieldName:
				c.Name = r.String()
			case key == iproto.FieldType:
				c.Type = r.String()
			case key == iproto.FieldColl:
				c.Collation = r.String()
			case key == iproto.FieldIsNullable:
				c.IsNullable = r.Bool()
			case key == iproto.FieldIsAutoincrement:
				c.IsAutoincrement = r.Bool()
			case key == iproto.FieldSpan && r.Type() == mp.TypeString:
				c.Span = r.String()
			default:
				r.Skip()
			}
		}
		if c.Span == "" {
			c.Span = c.Name // the server leaves out one that says the same
		}
		if r.Err() != nil {
			break
		}
	}
	return columns, r.Err()
}

// RowCount returns the number of rows that an SQL statement changed.
func (r Response) RowCount() uint64 {
	count, _ := r.sqlInfo()
	return count
}

// AutoincrementIDs returns the numbers that an SQL INSERT generated.
func (r Response) AutoincrementIDs() []int64 {
	_, ids := r.sqlInfo()
	return ids
}

func (r Response) sqlInfo() (count uint64, ids []int64) {
	var body wire.Body
	if r.parse(&body) != nil || !body.Has(iproto.KeySQLInfo) {
		return 0, nil
	}
	info := body.Reader(iproto.KeySQLInfo)
	for range info.MapLen() {
		switch info.Uint() {
		case iproto.SQLInfoRowCount:
			count = info.Uint()
		case iproto.SQLInfoAutoincrementIDs:
			for range info.ArrayLen() {
				ids = append(ids, info.Int())
			}
		default:
			info.Skip()
		}
	}
	return count, ids
}

// StatementID returns the number of the statement that a Prepare prepared, 0
// for another answer.
func (r Response) StatementID() uint64 {
	var body wire.Body
	if r.parse(&body) != nil {
		return 0
	}
	return body.Uint(iproto.KeyStmtID)
}
