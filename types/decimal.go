package types

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/shopspring/decimal"
	"github.com/tinylib/msgp/msgp"
)

// MaxDecimalDigits is the number of digits that a decimal of Tarantool 3.8 can
// have. It was 38 in earlier versions, which refuse more by an error of theirs.
const MaxDecimalDigits = 76

// maxDecimalExponent bounds the exponent of the first digit, both ways: it is
// DEC_MAX_MATH of the decNumber library, which Tarantool calculates with. It
// also bounds what Decimal.String can grow to.
const maxDecimalExponent = 999999

// A decimal is its scale as a MessagePack integer, then its digits as packed
// BCD: two a byte, the sign in the last half byte, a zero in front where the
// digits are even in number.
const (
	signPlus  = 0xc // a, e and f are read as plus too
	signMinus = 0xd // b is read as minus too
)

var (
	errDecimalShort    = errors.New("decimal: data is cut short")
	errDecimalDigits   = fmt.Errorf("decimal: more than %d digits", MaxDecimalDigits)
	errDecimalExponent = fmt.Errorf("decimal: the exponent is beyond %d", maxDecimalExponent)
)

// AppendDecimal appends the data of an extension of type ExtDecimal. The
// scale stays what it is: 1.00 is not 1. It fails where the decimal has more
// than MaxDecimalDigits digits; rounding is the caller's to decide.
func AppendDecimal(b []byte, d decimal.Decimal) ([]byte, error) {
	var buf [MaxDecimalDigits + 2]byte
	digits, exp, err := decimalParts(buf[:0], d)
	if err != nil {
		return b, err
	}
	sign := byte(signPlus)
	if digits[0] == '-' {
		sign, digits = signMinus, digits[1:]
	}
	if exp > 0 {
		b = msgp.AppendInt64(b, -exp)
	} else {
		b = msgp.AppendUint64(b, uint64(-exp))
	}
	if len(digits)%2 == 0 {
		b = append(b, digits[0]-'0')
		digits = digits[1:]
	}
	for ; len(digits) > 1; digits = digits[2:] {
		b = append(b, (digits[0]-'0')<<4|(digits[1]-'0'))
	}
	return append(b, (digits[0]-'0')<<4|sign), nil
}

// decimalParts appends the digits of d, after a minus where it is negative,
// to buf. Its value is those digits times ten to the power of exp.
func decimalParts(buf []byte, d decimal.Decimal) (digits []byte, exp int64, err error) {
	coef := d.Coefficient()
	if coef.BitLen() > 253 { // more than 10^76 has; keep a monster from being converted
		return nil, 0, errDecimalDigits
	}
	digits, exp = coef.Append(buf, 10), int64(d.Exponent())
	n := len(digits)
	if digits[0] == '-' {
		n--
	}
	if n > MaxDecimalDigits {
		return nil, 0, errDecimalDigits
	}
	if first := exp + int64(n) - 1; first > maxDecimalExponent || first < -maxDecimalExponent {
		return nil, 0, errDecimalExponent
	}
	return digits, exp, nil
}

// DecodeDecimal reads the data of an extension of type ExtDecimal. Negative
// zero, which decimal.Decimal does not have, becomes zero.
func DecodeDecimal(data []byte) (decimal.Decimal, error) {
	scale, data, err := msgp.ReadInt64Bytes(data)
	switch {
	case errors.Is(err, msgp.ErrShortBytes):
		return decimal.Decimal{}, errDecimalShort
	case err != nil:
		return decimal.Decimal{}, errors.New("decimal: the scale is no integer of 64 bits")
	case len(data) == 0:
		return decimal.Decimal{}, errDecimalShort
	}
	var buf [MaxDecimalDigits + 1]byte
	digits, negative, err := unpackDigits(buf[:0], data)
	if err != nil {
		return decimal.Decimal{}, err
	}
	// scale itself first: it may be anything, and the sum must not overflow.
	const limit = maxDecimalExponent + MaxDecimalDigits
	if first := -scale + int64(len(digits)) - 1; scale < -limit || scale > limit ||
		first > maxDecimalExponent || first < -maxDecimalExponent {
		return decimal.Decimal{}, errDecimalExponent
	}
	if len(digits) <= 18 {
		var v int64
		for _, c := range digits {
			v = 10*v + int64(c-'0')
		}
		if negative {
			v = -v
		}
		return decimal.New(v, int32(-scale)), nil
	}
	var coef big.Int
	coef.SetString(string(digits), 10)
	if negative {
		coef.Neg(&coef)
	}
	return decimal.NewFromBigInt(&coef, int32(-scale)), nil
}

// unpackDigits appends the digits of packed BCD to buf, without zeros in
// front, but at least one.
func unpackDigits(buf, data []byte) (digits []byte, negative bool, err error) {
	last := len(data) - 1
	for i, c := range data {
		hi, lo := c>>4, c&0xf
		if hi > 9 || i < last && lo > 9 || i == last && lo <= 9 {
			return nil, false, fmt.Errorf("decimal: byte 0x%02x among the digits", c)
		}
		if hi != 0 || len(buf) > 0 {
			buf = append(buf, '0'+hi)
		}
		if i < last && (lo != 0 || len(buf) > 0) {
			buf = append(buf, '0'+lo)
		}
		if len(buf) > MaxDecimalDigits {
			return nil, false, errDecimalDigits
		}
	}
	if len(buf) == 0 {
		buf = append(buf, '0')
	}
	sign := data[last] & 0xf
	return buf, sign == signMinus || sign == 0xb, nil
}

// FormatDecimal returns the decimal as Lua's tostring does: 1E+30, -1E-38,
// 1.00. It is the scientific form of decNumber, where a small exponent is
// written out, whereas Decimal.String writes out every one.
func FormatDecimal(d decimal.Decimal) string {
	s, exp := d.Coefficient().String(), int64(d.Exponent())
	var out []byte
	if s[0] == '-' {
		out, s = append(out, '-'), s[1:]
	}
	n := int64(len(s))
	first := exp + n - 1 // exponent of the first digit
	switch {
	case exp > 0 || first < -6:
		out = append(out, s[0])
		if n > 1 {
			out = append(append(out, '.'), s[1:]...)
		}
		return string(fmt.Appendf(out, "E%+d", first))
	case exp == 0:
		return string(append(out, s...))
	case n > -exp:
		out = append(append(out, s[:n+exp]...), '.')
		return string(append(out, s[n+exp:]...))
	default:
		out = append(out, "0."...)
		for range -exp - n {
			out = append(out, '0')
		}
		return string(append(out, s...))
	}
}
