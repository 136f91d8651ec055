package mp

import (
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"strconv"
	"unsafe"

	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/types"
)

// Numbers of one kind are read into another where nothing is lost: 2.0 into an
// int, an int into a float64 that has it exactly. Elsewhere it is an error, but
// for floats with the option round in their tag.

// whole reads an integer, or another number that is one. ok is false where it is
// none, and r has no error then but for a value that can't be read at all.
func (r *Reader) whole() (v uint64, negative bool) {
	switch r.Type() {
	case TypeFloat32, TypeFloat64:
		start := *r
		f := r.Float64()
		switch {
		case f != math.Trunc(f) || math.IsInf(f, 0):
			*r = start
			r.Fail(fmt.Errorf("msgpack: the number %v at offset %d is not whole", f, r.Offset()))
		case f >= 1<<64 || f < -1<<63:
			*r = start
			r.misfit("64 bits")
		case f < 0:
			return uint64(int64(f)), true
		}
		if r.err != nil {
			return 0, false
		}
		return uint64(f), false
	case TypeExt:
		return r.wholeDecimal()
	}
	return r.integer("an integer")
}

func (r *Reader) wholeDecimal() (v uint64, negative bool) {
	start := *r
	d := readExt(r, types.ExtDecimal, types.DecodeDecimal)
	if r.err != nil || d.IsZero() {
		return 0, false
	}
	if d.Exponent() > 19 { // its digits would be as many
		*r = start
		r.misfit("64 bits")
		return 0, false
	}
	if !d.IsInteger() {
		*r = start
		r.Fail(fmt.Errorf("msgpack: the decimal %s at offset %d is not whole", types.FormatDecimal(d), r.Offset()))
		return 0, false
	}
	switch n := d.BigInt(); {
	case n.IsInt64():
		return uint64(n.Int64()), n.Sign() < 0
	case n.IsUint64():
		return n.Uint64(), false
	}
	*r = start
	r.misfit("64 bits")
	return 0, false
}

// wholeInt is Int that takes other numbers too.
func (r *Reader) wholeInt(t reflect.Type) int64 {
	start := *r
	v, negative := r.whole()
	if r.err == nil && !negative && v > math.MaxInt64 {
		*r = start
		r.misfit("an integer, " + typeName(t))
		return 0
	}
	return int64(v)
}

// wholeUint is Uint that takes other numbers too.
func (r *Reader) wholeUint(t reflect.Type) uint64 {
	start := *r
	v, negative := r.whole()
	if r.err == nil && negative {
		*r = start
		r.misfit("an unsigned integer, " + typeName(t))
		return 0
	}
	return v
}

// exact reports whether a float with that many bits of precision has the number.
func exact(v uint64, precision int) bool {
	return bits.Len64(v)-bits.TrailingZeros64(v) <= precision
}

// float reads a number as a float of that many bits of precision. Where it has no
// such float that is an error, unless it may be rounded.
func (r *Reader) float(precision int, t reflect.Type, round bool) float64 {
	start := *r
	ok := true
	var f float64
	switch r.Type() {
	case TypeFloat64:
		f = r.Float64()
		ok = precision >= 53 || float64(float32(f)) == f || math.IsNaN(f)
		if math.Abs(f) > math.MaxFloat32 && precision < 53 && !math.IsInf(f, 0) {
			*r = start
			r.Fail(fmt.Errorf("msgpack: %v does not fit into %s", f, typeName(t)))
			return 0
		}
	case TypeUint, TypeInt:
		v, negative := r.integer("a number")
		if negative {
			f, v = float64(int64(v)), -v
		} else {
			f = float64(v)
		}
		ok = exact(v, precision)
	case TypeExt:
		d := readDecimal(r)
		switch {
		case r.err != nil:
			return 0
		case !round:
			*r = start
			r.Fail(fmt.Errorf("msgpack: the decimal at offset %d may be rounded in %s: take a decimal.Decimal, or the option round in the field's tag",
				r.Offset(), typeName(t)))
			return 0
		}
		// By way of the text, because an exponent may be large, and a power of ten is
		// not to be computed for that.
		size := 64
		if precision < 53 {
			size = 32
		}
		var err error
		if f, err = strconv.ParseFloat(types.FormatDecimal(d), size); err != nil {
			*r = start
			r.misfit(typeName(t))
			return 0
		}
	default:
		return r.Float64()
	}
	if r.err == nil && !ok && !round {
		*r = start
		r.Fail(fmt.Errorf("msgpack: the number at offset %d would be rounded in %s: take a wider type, or the option round in the field's tag",
			r.Offset(), typeName(t)))
		return 0
	}
	return f
}

func floatPlan[T float64 | float32](p *Plan, precision int, round bool) {
	p.decode = func(r *Reader, v unsafe.Pointer) {
		if r.Nil() {
			*(*T)(v) = 0
			return
		}
		if f := r.float(precision, p.typ, round); r.err == nil {
			*(*T)(v) = T(f)
		}
	}
	p.encode = func(b []byte, v unsafe.Pointer, _ int) ([]byte, error) {
		if precision < 53 {
			return AppendFloat32(b, float32(*(*T)(v))), nil
		}
		return AppendFloat64(b, float64(*(*T)(v))), nil
	}
}

// roundingPlan returns the plan of a field with the option round.
func (c *compiler) roundingPlan(t reflect.Type) (*Plan, error) {
	p := &Plan{typ: t, single: true}
	switch {
	case hasOwnForm(t) || marshals(t) || unmarshals(t):
	case t.Kind() == reflect.Float64:
		floatPlan[float64](p, 53, true)
		return p, nil
	case t.Kind() == reflect.Float32:
		floatPlan[float32](p, 24, true)
		return p, nil
	case t.Kind() == reflect.Pointer && t.Elem().Kind() != reflect.Pointer:
		elem, err := c.roundingPlan(t.Elem())
		if err != nil {
			return nil, err
		}
		p.single = false
		pointerTo(p, elem)
		return p, nil
	}
	return nil, fmt.Errorf("the option round in its tag is for float32, float64 and pointers to them, not for %s", typeName(t))
}

// decimalOfFloat returns the shortest decimal that is that float.
func decimalOfFloat(r *Reader) decimal.Decimal {
	narrow := r.Type() == TypeFloat32
	v := r.Float64()
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		r.Fail(fmt.Errorf("msgpack: %v is no decimal", v))
		return decimal.Decimal{}
	case narrow:
		return decimal.NewFromFloat32(float32(v))
	}
	return decimal.NewFromFloat(v)
}
