package cdc

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
)

var errNoField = errors.New("no such field")

// rules say how a server carries out operations.
type rules struct {
	lenient bool // those that can't be done are passed over, as in an upsert
	fills   bool // fields missing before one that is set become nil: 2.8.1 and later
}

// applyOperations returns a tuple as operations leave it. The result is the value that the
// server has, though a number may be encoded in another width.
func applyOperations(tuple []byte, ops []Operation, format *schema.Format, by rules) ([]byte, error) {
	for i := range ops {
		path, err := operationPath(&ops[i], format)
		var changed []byte
		if err == nil {
			changed, err = edit(tuple, path, &ops[i], by.fills, true)
		}
		switch {
		case err == nil:
			tuple = changed
		case !by.lenient:
			return nil, fmt.Errorf("operation %v: %w", ops[i], err)
		}
	}
	return tuple, nil
}

// edit carries out an operation on what a path leads to inside a value.
func edit(value []byte, path []step, op *Operation, fills, root bool) ([]byte, error) {
	if len(path) == 0 {
		return calculate(value, op)
	}
	r := mp.NewReader(value)
	switch r.Type() {
	case mp.TypeArray:
		return editArray(&r, path, op, fills, root)
	case mp.TypeMap:
		return editMap(&r, path, op)
	}
	return nil, errNoField
}

func editArray(r *mp.Reader, path []step, op *Operation, fills, root bool) ([]byte, error) {
	items := make([][]byte, r.ArrayLen())
	for i := range items {
		items[i] = r.Raw()
	}
	if path[0].isKey || r.Err() != nil {
		return nil, errors.Join(errNoField, r.Err())
	}
	at, size := path[0].index, len(items)
	if len(path) > 1 || op.Code != '=' && op.Code != '!' && op.Code != '#' {
		if at < 0 {
			at += size
		}
		if at < 0 || at >= size {
			return nil, errNoField
		}
		inner, err := edit(items[at], path[1:], op, fills, false)
		if err != nil {
			return nil, err
		}
		items[at] = inner
		return joinArray(items), nil
	}
	return rearrange(items, at, op, fills, root)
}

// rearrange sets, inserts or deletes items of an array.
func rearrange(items [][]byte, at int, op *Operation, fills, root bool) ([]byte, error) {
	size := len(items)
	insert := op.Code == '!' || op.Code == '=' && at >= size
	if at < 0 {
		at += size
		if insert {
			at++
		}
	}
	switch {
	case at < 0:
		return nil, errNoField
	case insert:
		if at > size && (!root || !fills) || at > size+maxFill {
			return nil, errNoField
		}
		for len(items) < at {
			items = append(items, []byte{0xc0})
		}
		items = slices.Insert(items, at, op.raw[0])
	case op.Code == '=':
		items[at] = op.raw[0]
	default:
		count, ok := op.Args[0].(int64)
		switch {
		case !ok || count <= 0:
			return nil, fmt.Errorf("cannot delete %v fields", op.Args[0])
		case at < size:
			items = slices.Delete(items, at, at+int(min(count, int64(size-at))))
		case !root:
			return nil, errNoField
		}
	}
	return joinArray(items), nil
}

// maxFill is how many fields an operation may leave out behind a tuple's end:
// far more than fit in one.
const maxFill = 1 << 20

func joinArray(items [][]byte) []byte {
	b := mp.AppendArrayLen(nil, len(items))
	for _, item := range items {
		b = append(b, item...)
	}
	return b
}

func editMap(r *mp.Reader, path []step, op *Operation) ([]byte, error) {
	n := r.MapLen()
	pairs := make([][]byte, 0, 2*n)
	at := -1
	for i := range n {
		key := r.Raw()
		pairs = append(pairs, key, r.Raw())
		if r.Err() == nil && path[0].matches(key) {
			at = i
		}
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	last := len(path) == 1
	switch {
	case last && op.Code == '=' && at >= 0:
		pairs[2*at+1] = op.raw[0]
	case last && (op.Code == '=' || op.Code == '!') && at < 0:
		pairs = append(pairs, path[0].encode(), op.raw[0])
	case at < 0 || last && op.Code == '!':
		return nil, errNoField
	case last && op.Code == '#':
		pairs = slices.Delete(pairs, 2*at, 2*at+2)
	default:
		inner, err := edit(pairs[2*at+1], path[1:], op, false, false)
		if err != nil {
			return nil, err
		}
		pairs[2*at+1] = inner
	}
	b := mp.AppendMapLen(nil, len(pairs)/2)
	for _, part := range pairs {
		b = append(b, part...)
	}
	return b, nil
}

// calculate carries out an operation that changes a value.
func calculate(value []byte, op *Operation) ([]byte, error) {
	r := mp.NewReader(value)
	v := r.Value()
	if err := r.Err(); err != nil {
		return nil, err
	}
	var result any
	var err error
	switch op.Code {
	case '+', '-':
		result, err = add(v, op.Args[0], op.Code == '-')
	case '&', '|', '^':
		result, err = bitwise(v, op.Args[0], op.Code)
	case ':':
		result, err = splice(v, op.Args)
	default:
		return nil, fmt.Errorf("unknown operation %q", op.Code)
	}
	if err != nil {
		return nil, err
	}
	return mp.AppendValue(nil, result)
}

func add(a, b any, minus bool) (any, error) {
	x, ok1 := toBig(a)
	y, ok2 := toBig(b)
	if ok1 && ok2 {
		if minus {
			y.Neg(y)
		}
		switch x.Add(x, y); {
		case x.IsInt64():
			return x.Int64(), nil
		case x.IsUint64():
			return x.Uint64(), nil
		}
		return nil, errors.New("integer overflow")
	}
	_, dec1 := a.(decimal.Decimal)
	_, dec2 := b.(decimal.Decimal)
	if dec1 || dec2 {
		d, ok1 := toDecimal(a)
		e, ok2 := toDecimal(b)
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("%v and %v cannot be added", a, b)
		}
		if minus {
			e = e.Neg()
		}
		return d.Add(e), nil
	}
	f, ok1 := toFloat(a)
	g, ok2 := toFloat(b)
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("%v and %v cannot be added", a, b)
	}
	if minus {
		g = -g
	}
	return f + g, nil
}

func toBig(v any) (*big.Int, bool) {
	switch v := v.(type) {
	case int64:
		return big.NewInt(v), true
	case uint64:
		return new(big.Int).SetUint64(v), true
	}
	return nil, false
}

func toFloat(v any) (float64, bool) {
	if f, ok := v.(float64); ok {
		return f, true
	}
	if i, ok := toBig(v); ok {
		f, _ := new(big.Float).SetInt(i).Float64()
		return f, true
	}
	return 0, false
}

func toDecimal(v any) (decimal.Decimal, bool) {
	switch v := v.(type) {
	case decimal.Decimal:
		return v, true
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return decimal.Decimal{}, false
		}
		return decimal.NewFromFloat(v), true
	}
	if i, ok := toBig(v); ok {
		return decimal.NewFromBigInt(i, 0), true
	}
	return decimal.Decimal{}, false
}

func bitwise(a, b any, code byte) (any, error) {
	x, ok1 := toBig(a)
	y, ok2 := toBig(b)
	if !ok1 || !ok2 || !x.IsUint64() || !y.IsUint64() {
		return nil, fmt.Errorf("%v and %v are not both unsigned", a, b)
	}
	switch code {
	case '&':
		return x.Uint64() & y.Uint64(), nil
	case '|':
		return x.Uint64() | y.Uint64(), nil
	}
	return x.Uint64() ^ y.Uint64(), nil
}

// splice replaces a part of a string, by the rules of Tarantool's
// src/box/xrow_update_field.c.
func splice(v any, args []any) (any, error) {
	text, isText := v.(string)
	bytes, isBytes := v.([]byte)
	if isBytes {
		text = string(bytes)
	}
	if !isText && !isBytes || len(args) != 3 {
		return nil, fmt.Errorf("%v is not a string", v)
	}
	at, ok1 := args[0].(int64)
	cut, ok2 := args[1].(int64)
	paste, ok3 := args[2].(string)
	if raw, ok := args[2].([]byte); ok {
		paste, ok3 = string(raw), true
	}
	size := int64(len(text))
	if !ok1 || !ok2 || !ok3 || at < -size-1 {
		return nil, fmt.Errorf("splice of %v", args)
	}
	if at < 0 {
		at += size + 1
	}
	at = min(at, size)
	if cut < 0 {
		cut = max(0, cut+size-at)
	}
	cut = min(cut, size-at)
	text = text[:at] + paste + text[at+cut:]
	if isBytes {
		return []byte(text), nil
	}
	return text, nil
}
