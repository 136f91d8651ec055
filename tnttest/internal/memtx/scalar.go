package memtx

import (
	"math"
	"math/big"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
)

// scalar is a value that an arithmetic, bitwise or splice operation works on.
type scalar struct {
	kind   scalarKind
	num    integer
	float  float64
	dec    decimal
	str    []byte
	binary bool // str is MP_BIN
}

type scalarKind uint8

// The kinds of scalars. Of two operands the lower numeric kind decides how
// they are added.
const (
	scalarNone scalarKind = iota
	scalarDecimal
	scalarDouble
	scalarFloat
	scalarInt
	scalarStr
)

func (s *scalar) isNumber() bool { return scalarDecimal <= s.kind && s.kind <= scalarInt }

func readScalar(v []byte) scalar {
	switch typeOf(v) {
	case mp.TypeUint, mp.TypeInt:
		return scalar{kind: scalarInt, num: readInteger(v)}
	case mp.TypeFloat32:
		return scalar{kind: scalarFloat, float: readFloat(v)}
	case mp.TypeFloat64:
		return scalar{kind: scalarDouble, float: readFloat(v)}
	case mp.TypeString:
		return scalar{kind: scalarStr, str: text(v)}
	case mp.TypeBinary:
		return scalar{kind: scalarStr, str: text(v), binary: true}
	case mp.TypeExt:
		if ext, data := extension(v); ext == extDecimal {
			if d, ok := readDecimal(data); ok {
				return scalar{kind: scalarDecimal, dec: d}
			}
		}
	}
	return scalar{}
}

// append writes the scalar into a field of the given type.
func (s *scalar) append(b []byte, typ FieldType) []byte {
	switch s.kind {
	case scalarInt:
		return s.num.append(b)
	case scalarDouble:
		if typ == TypeFloat32 {
			return mp.AppendFloat32(b, float32(s.float))
		}
		return mp.AppendFloat64(b, s.float)
	case scalarFloat:
		if typ == TypeDouble || typ == TypeFloat64 {
			return mp.AppendFloat64(b, s.float)
		}
		return mp.AppendFloat32(b, float32(s.float))
	case scalarDecimal:
		return s.dec.append(b)
	}
	if s.binary {
		return mp.AppendBinary(b, s.str)
	}
	return mp.AppendStringBytes(b, s.str)
}

func (s *scalar) toFloat() float64 {
	if s.kind == scalarInt {
		return s.num.float()
	}
	return s.float
}

func (s *scalar) toDecimal() (decimal, bool) {
	switch s.kind {
	case scalarDecimal:
		return s.dec, true
	case scalarInt:
		return decimalFromInteger(s.num), true
	}
	return decimalFromFloat(s.float)
}

// arith adds the argument of the operation to the scalar, or takes it away.
func (s *scalar) arith(op *updateOp) *Error {
	if !s.isNumber() {
		return op.errArgType("a number")
	}
	minus := op.code == '-'
	switch kind := min(s.kind, op.arith.kind); {
	case kind == scalarInt:
		return s.addInteger(op, minus)
	case kind >= scalarDouble:
		c := op.arith.toFloat()
		if minus {
			c = -c
		}
		c += s.toFloat()
		*s = scalar{kind: scalarDouble, float: c}
		if math.Abs(c) <= math.MaxFloat32 && c == float64(float32(c)) {
			s.kind = scalarFloat
		}
		return nil
	}
	a, okA := s.toDecimal()
	b, okB := op.arith.toDecimal()
	if !okA || !okB {
		return op.errArgType("a number convertible to decimal")
	}
	sum, ok := addDecimals(a, b, minus)
	if !ok {
		return Errorf(errcode.UpdateDecimalOverflow, "Decimal overflow when performing operation '%c' on field %s", op.code, op.field())
	}
	*s = scalar{kind: scalarDecimal, dec: sum}
	return nil
}

func (i integer) big() *big.Int {
	if i.neg {
		return big.NewInt(int64(i.abs))
	}
	return new(big.Int).SetUint64(i.abs)
}

func (s *scalar) addInteger(op *updateOp, minus bool) *Error {
	b := op.arith.num.big()
	if minus {
		b.Neg(b)
	}
	b.Add(b, s.num.big())
	switch {
	case b.IsUint64():
		s.num = integer{abs: b.Uint64()}
	case b.IsInt64():
		s.num = integer{neg: true, abs: uint64(b.Int64())}
	default:
		return Errorf(errcode.UpdateIntegerOverflow, "Integer overflow when performing '%c' operation on field %s", op.code, op.field())
	}
	return nil
}

// bit combines the scalar with the argument of the operation bit by bit.
func (s *scalar) bit(op *updateOp) *Error {
	if s.kind != scalarInt || s.num.neg {
		return op.errArgType("a positive integer")
	}
	switch op.code {
	case '&':
		s.num.abs &= op.bits
	case '|':
		s.num.abs |= op.bits
	default:
		s.num.abs ^= op.bits
	}
	return nil
}

// splice cuts a piece out of the string and puts another in its place.
func (s *scalar) splice(op *updateOp) *Error {
	if s.kind != scalarStr {
		return op.errArgType("a string or varbinary")
	}
	n := len(s.str)
	offset, cut := int(op.offset), int(op.cut)
	switch {
	case offset < -(n + 1):
		return op.errSplice()
	case offset < 0:
		offset += n + 1
	case offset > n:
		offset = n
	}
	switch {
	case cut < -(n - offset):
		cut = 0
	case cut < 0:
		cut += n - offset
	case cut > n-offset:
		cut = n - offset
	}
	str := make([]byte, 0, n-cut+len(op.paste))
	str = append(str, s.str[:offset]...)
	str = append(str, op.paste...)
	s.str = append(str, s.str[offset+cut:]...)
	return nil
}
