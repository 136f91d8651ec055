package crud

import (
	"errors"
	"fmt"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
)

// Op is one operation of an Update or an Upsert. The Op functions make it. A
// field is given by its name, or by its number counted from 0, or from the end by
// a negative one, as in package tnt; crud counts from 1.
type Op struct {
	code  string
	field any
	args  []any
}

func op[F tnt.Field](code string, field F, args ...any) Op {
	o := Op{code: code, field: field, args: args}
	if n, ok := any(field).(int); ok && n >= 0 {
		o.field = n + 1
	}
	return o
}

// OpAdd adds a number.
func OpAdd[F tnt.Field](field F, v any) Op { return op("+", field, v) }

// OpSub subtracts a number.
func OpSub[F tnt.Field](field F, v any) Op { return op("-", field, v) }

// OpAnd keeps the bits that are set in v too.
func OpAnd[F tnt.Field](field F, v uint64) Op { return op("&", field, v) }

// OpOr sets the bits of v.
func OpOr[F tnt.Field](field F, v uint64) Op { return op("|", field, v) }

// OpXor flips the bits of v.
func OpXor[F tnt.Field](field F, v uint64) Op { return op("^", field, v) }

// OpAssign sets the field.
func OpAssign[F tnt.Field](field F, v any) Op { return op("=", field, v) }

// OpInsert inserts a field before the given one.
func OpInsert[F tnt.Field](field F, v any) Op { return op("!", field, v) }

// OpDelete deletes count fields from the given one on.
func OpDelete[F tnt.Field](field F, count int) Op { return op("#", field, count) }

// OpSplice replaces, in a string field, the given number of bytes from a
// position (from 0; negative from the end) by the text.
func OpSplice[F tnt.Field](field F, position, remove int, text string) Op {
	if position >= 0 {
		position++
	}
	return op(":", field, position, remove, text)
}

var errNoOp = errors.New("an operation is empty: make it by crud.OpAssign, crud.OpAdd and the like")

// MarshalMsg appends the operation to b.
func (o Op) MarshalMsg(b []byte) ([]byte, error) {
	if o.code == "" {
		return b, errNoOp
	}
	return mp.Widest.AppendValue(b, append([]any{o.code, o.field}, o.args...))
}

// String shows the operation as crud gets it.
func (o Op) String() string { return fmt.Sprintf("{%s %v %v}", o.code, o.field, o.args) }

// list is never nil, which crud would take for something else than no
// operations.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// Cond is a condition of a Select: a field or an index, by its name, compared
// with a value, or with a list of the index's parts. The functions Eq, Lt, Le,
// Gt and Ge make it. A name that does not exist finds nothing and is no error.
type Cond struct {
	operator, name string
	value          any
}

// Eq finds what is equal.
func Eq(name string, value any) Cond { return Cond{"=", name, value} }

// Lt finds what is less, in descending order where the name is an index's.
func Lt(name string, value any) Cond { return Cond{"<", name, value} }

// Le finds what is less or equal, in descending order where the name is an index's.
func Le(name string, value any) Cond { return Cond{"<=", name, value} }

// Gt finds what is greater.
func Gt(name string, value any) Cond { return Cond{">", name, value} }

// Ge finds what is greater or equal.
func Ge(name string, value any) Cond { return Cond{">=", name, value} }

var errNoCond = errors.New("a condition is empty: make it by crud.Eq, crud.Gt and the like")

// MarshalMsg appends the condition to b.
func (c Cond) MarshalMsg(b []byte) ([]byte, error) {
	if c.operator == "" {
		return b, errNoCond
	}
	if _, ok := c.value.(tnt.Key); ok {
		return b, errors.New("a condition's value is a tnt.Key: give the value itself, or a list of the key's parts")
	}
	return mp.Widest.AppendValue(b, []any{c.operator, c.name, c.value})
}
