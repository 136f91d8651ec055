package crud

import (
	"errors"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/luacall"
	"github.com/gotnt/tnt/schema"
)

// table is a result with rows. rows and metadata come in either order, and not
// at all where noreturn was asked for.
type table struct {
	rows   []luacall.Value
	format *schema.Format // names of the rows' fields
}

var errNoRows = &tnt.DecodeError{Err: errors.New("crud answered with something else than a map of rows and metadata")}

func parseTable(v luacall.Value) (t table, err error) {
	if v.IsNil() {
		return t, nil
	}
	ok := v.Map(func(key string, value luacall.Value) {
		switch key {
		case "rows":
			t.rows = value.Values()
		case "metadata":
			var fields []schema.Field
			for _, field := range value.Values() {
				fields = append(fields, schema.Field{Name: field.Get("name").Text()})
			}
			t.format = schema.NewFormat(fields...)
		}
	})
	if !ok {
		return t, errNoRows
	}
	return t, nil
}

func rowsOf[T any](t table) ([]T, error) {
	rows := make([]T, len(t.rows))
	for i, row := range t.rows {
		if err := luacall.DecodeInto(row, t.format, &rows[i]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// firstRow decodes the first row. ok is false where there is none.
func firstRow[T any](v luacall.Value) (row T, ok bool, err error) {
	t, err := parseTable(v)
	if err != nil || len(t.rows) == 0 {
		return row, false, err
	}
	err = luacall.DecodeInto(t.rows[0], t.format, &row)
	return row, err == nil, err
}
