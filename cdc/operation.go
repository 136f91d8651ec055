package cdc

import (
	"fmt"

	"github.com/gotnt/tnt/internal/mp"
)

// Operation is one of an Update or an Upsert.
type Operation struct {
	// Code is the operator: '=', '+', '-', '&', '|', '^', ':', '!' or '#'.
	Code byte
	// Field is the number of the field, from 0 or from the end where negative,
	// if Path is "".
	Field int
	// Path is the field's name, or a JSON path that begins with it.
	Path string
	// Args are the operands, as tnt.Tuple gives values; a splice has three, of
	// which the first is a position from 0.
	Args []any

	raw [][]byte // of Args
}

// String shows the operation as Lua writes it, with fields from 0.
func (o Operation) String() string {
	field := any(o.Path)
	if o.Path == "" {
		field = o.Field
	}
	return fmt.Sprintf("{%c %v %v}", o.Code, field, o.Args)
}

// decodeOperations reads operations whose fields are counted from base, and their values
// by the settings.
func decodeOperations(b []byte, base int, settings *mp.Settings) ([]Operation, error) {
	r := mp.NewReader(b)
	var ops []Operation
	for n := r.ArrayLen(); n > 0; n-- {
		argc := r.ArrayLen() - 2
		code := r.String()
		if r.Err() == nil && (len(code) != 1 || argc < 1) {
			return nil, fmt.Errorf("operation %q with %d arguments", code, argc)
		}
		op := Operation{}
		if r.Err() == nil {
			op.Code = code[0]
		}
		if r.Type() == mp.TypeString {
			op.Path = r.String()
		} else if op.Field = int(r.Int()); op.Field >= 0 {
			op.Field -= base
		}
		for i := range argc {
			raw := r.Raw()
			inner := settings.Reader(raw)
			v := inner.Value()
			if err := inner.Err(); err != nil {
				r.Fail(err)
			}
			if at, ok := v.(int64); ok && op.Code == ':' && i == 0 && at >= 0 {
				v = at - int64(base)
			}
			op.Args, op.raw = append(op.Args, v), append(op.raw, raw)
			if r.Err() != nil {
				break
			}
		}
		if err := r.Err(); err != nil {
			return nil, fmt.Errorf("operations: %w", err)
		}
		ops = append(ops, op)
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("operations: %w", err)
	}
	return ops, nil
}
