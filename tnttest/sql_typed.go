package tnttest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/types"
)

var (
	statementType = reflect.TypeFor[*Statement]()
	sqlResultType = reflect.TypeFor[SQLResult]()
)

// sqlHandlerOf makes a handler of a Go function.
func sqlHandlerOf(fn any, columns []Column) (*sqlHandler, error) {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		return nil, fmt.Errorf("%T is no function", fn)
	}
	t := v.Type()
	first := 0
	if t.NumIn() > 0 && (t.In(0) == contextType || t.In(0) == statementType) {
		first = 1
	}
	for i := first; i < t.NumIn(); i++ {
		if _, err := mp.PlanOf(t.In(i)); err != nil {
			return nil, fmt.Errorf("parameter %d: %w", i+1, err)
		}
	}
	result, err := sqlResultOf(t)
	if err != nil {
		return nil, err
	}
	h := &sqlHandler{columns: columns}
	if h.columns == nil {
		h.columns = result.columns
	}
	if result.rows && len(h.columns) != len(result.columns) {
		return nil, fmt.Errorf("%d columns are given for rows of %d", len(h.columns), len(result.columns))
	}
	h.handle = func(st *Statement) (SQLResult, error) {
		in, err := arguments(st.Call, t, first)
		if err != nil {
			return SQLResult{}, err
		}
		if first == 1 && t.In(0) == statementType {
			in[0] = reflect.ValueOf(st)
		}
		return result.of(v.Call(in), h.columns)
	}
	return h, nil
}

// sqlResult says what a function returns.
type sqlResult struct {
	fails   bool // its last result is an error
	whole   bool // an SQLResult
	count   bool // an integer
	rows    bool
	fields  []int // of the structs that are rows
	columns []Column
}

func sqlResultOf(t reflect.Type) (r sqlResult, err error) {
	n := t.NumOut()
	if n > 0 && t.Out(n-1) == errorType {
		r.fails = true
		n--
	}
	if n == 0 {
		return r, nil
	}
	out := t.Out(0)
	switch {
	case n > 1:
		return r, fmt.Errorf("it returns %d values: one and an error are the most", n)
	case out == sqlResultType:
		r.whole = true
	case out.Kind() >= reflect.Int && out.Kind() <= reflect.Uint64:
		r.count = true
	case out.Kind() == reflect.Slice && out.Elem().Kind() == reflect.Struct:
		r.rows = true
		r.fields, r.columns, err = columnsOf(out.Elem())
	default:
		err = fmt.Errorf("its result %v is neither a slice of structs nor an integer nor an SQLResult", out)
	}
	return r, err
}

// columnsOf returns the fields of a struct that are columns.
func columnsOf(t reflect.Type) (fields []int, columns []Column, err error) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("tnt"), ",")
		switch {
		case name == "-" || !f.IsExported():
			continue
		case f.Anonymous:
			return nil, nil, fmt.Errorf("%v embeds %v: a row's columns are fields of its own", t, f.Type)
		case name == "":
			name = f.Name
		}
		fields = append(fields, i)
		columns = append(columns, Column{Name: name, Type: sqlType(f.Type)})
	}
	if len(fields) == 0 {
		return nil, nil, fmt.Errorf("%v has no exported field", t)
	}
	return fields, columns, nil
}

// sqlType is SQL's name of what a Go type holds.
func sqlType(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[decimal.Decimal]():
		return "decimal"
	case reflect.TypeFor[uuid.UUID]():
		return "uuid"
	case reflect.TypeFor[time.Time]():
		return "datetime"
	case reflect.TypeFor[types.Interval]():
		return "interval"
	}
	switch k := t.Kind(); {
	case k >= reflect.Int && k <= reflect.Uint64:
		return "integer"
	case k == reflect.Float32 || k == reflect.Float64:
		return "double"
	case k == reflect.String:
		return "string"
	case k == reflect.Bool:
		return "boolean"
	case k == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return "varbinary"
	case k == reflect.Slice || k == reflect.Array:
		return "array"
	case k == reflect.Map:
		return "map"
	}
	return "any"
}

var errNegativeCount = errors.New("a statement changes no negative number of rows")

// of makes the result of what a function returned.
func (r sqlResult) of(out []reflect.Value, columns []Column) (SQLResult, error) {
	if r.fails {
		if err, _ := out[len(out)-1].Interface().(error); err != nil {
			return SQLResult{}, err
		}
	}
	switch {
	case r.whole:
		res, _ := out[0].Interface().(SQLResult)
		return res, nil
	case r.count && out[0].CanUint():
		return SQLResult{RowCount: out[0].Uint()}, nil
	case r.count && out[0].Int() < 0:
		return SQLResult{}, errNegativeCount
	case r.count:
		return SQLResult{RowCount: uint64(out[0].Int())}, nil
	case !r.rows:
		return SQLResult{}, nil
	}
	res := SQLResult{Columns: columns, Rows: make([][]any, out[0].Len())}
	for i := range res.Rows {
		row := make([]any, len(r.fields))
		for k, f := range r.fields {
			row[k] = out[0].Index(i).Field(f).Interface()
		}
		res.Rows[i] = row
	}
	return res, nil
}
