package tnt

import (
	"errors"
	"fmt"

	"github.com/gotnt/tnt/internal/mp"
)

// Field is how an operation names the field it works on: by number from 0,
// by negative number from the end, by name, or by JSON path as in
// "address.street[1]" (names and paths: Tarantool 2.3 and later).
type Field interface{ int | string }

// Op is one operation of an Update or an Upsert. The Op functions make it;
// its zero value is none and fails to encode.
type Op struct {
	code   byte
	named  bool
	name   string
	number int
	args   [3]any
	argc   int
}

func op[F Field](code byte, field F, args ...any) Op {
	o := Op{code: code, argc: len(args)}
	copy(o.args[:], args)
	switch f := any(field).(type) {
	case int:
		o.number = f
	case string:
		o.named, o.name = true, f
	}
	return o
}

// OpAdd adds a number, which may be negative, a decimal or a double.
func OpAdd[F Field](field F, v any) Op { return op('+', field, v) }

// OpSub subtracts a number.
func OpSub[F Field](field F, v any) Op { return op('-', field, v) }

// OpAnd keeps the bits that are set in v too.
func OpAnd[F Field](field F, v uint64) Op { return op('&', field, v) }

// OpOr sets the bits of v.
func OpOr[F Field](field F, v uint64) Op { return op('|', field, v) }

// OpXor flips the bits of v.
func OpXor[F Field](field F, v uint64) Op { return op('^', field, v) }

// OpAssign sets the field.
func OpAssign[F Field](field F, v any) Op { return op('=', field, v) }

// OpInsert inserts a field before the given one.
func OpInsert[F Field](field F, v any) Op { return op('!', field, v) }

// OpDelete deletes count fields from the given one on.
func OpDelete[F Field](field F, count int) Op { return op('#', field, count) }

// OpSplice replaces, in a string field, the given number of bytes from a
// position (from 0; negative from the end) by the text.
func OpSplice[F Field](field F, position, remove int, text string) Op {
	return op(':', field, position, remove, text)
}

var (
	errNoOp      = errors.New("an operation is empty: make it by tnt.OpAssign, tnt.OpAdd and the like")
	errNoOpField = errors.New("an operation's field name is empty")
)

// appendOps writes the operations as an array.
func appendOps(s *mp.Settings, b []byte, ops []Op) ([]byte, error) {
	b = mp.AppendArrayLen(b, len(ops))
	var err error
	for i := range ops {
		if b, err = ops[i].append(s, b); err != nil {
			return b, fmt.Errorf("operation %d: %w", i+1, err)
		}
	}
	return b, nil
}

func (o *Op) append(s *mp.Settings, b []byte) ([]byte, error) {
	switch {
	case o.code == 0:
		return b, errNoOp
	case o.named && o.name == "":
		return b, errNoOpField
	}
	b = append(b, 0x90|byte(2+o.argc), 0xa1, o.code)
	if o.named {
		b = mp.AppendString(b, o.name)
	} else {
		b = mp.AppendInt(b, int64(o.number))
	}
	var err error
	for _, arg := range o.args[:o.argc] {
		if b, err = s.AppendNested(b, arg, 1); err != nil {
			return b, err
		}
	}
	return b, nil
}

// String shows the operation as Lua writes it.
func (o Op) String() string {
	field := any(o.name)
	if !o.named {
		field = o.number
	}
	return fmt.Sprintf("{%c %v %v}", o.code, field, o.args[:o.argc])
}
