package memtx

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/gotnt/tnt/internal/mp"
)

// decimalDigits is the precision of a decimal, and the limit of its exponent.
const decimalDigits = 76

// decimal is coef * 10^-scale. neg tells the sign, so that minus zero is one.
type decimal struct {
	neg   bool
	coef  big.Int // not negative
	scale int
}

// readDecimal decodes the data of an extension: the scale, then two digits a
// byte with the sign in the last half of a byte.
func readDecimal(data []byte) (d decimal, ok bool) {
	r := mp.NewReader(data)
	d.scale = int(r.Int())
	packed := r.Rest()
	if r.Err() != nil || len(packed) == 0 || len(packed) > decimalDigits/2+1 ||
		d.scale > decimalDigits || d.scale < -decimalDigits {
		return decimal{}, false
	}
	digits := make([]byte, 0, 2*len(packed))
	for i, c := range packed {
		digits = append(digits, '0'+c>>4)
		if i < len(packed)-1 {
			digits = append(digits, '0'+c&15)
		}
	}
	sign := packed[len(packed)-1] & 15
	for _, c := range digits {
		if c > '9' {
			return decimal{}, false
		}
	}
	if sign < 10 {
		return decimal{}, false
	}
	d.coef.SetString(string(digits), 10)
	d.neg = sign == 0x0b || sign == 0x0d
	return d, true
}

// append writes the decimal as an extension.
func (d *decimal) append(b []byte) []byte {
	digits := d.coef.String()
	if len(digits)%2 == 0 {
		digits = "0" + digits
	}
	data := mp.AppendInt(nil, int64(d.scale))
	sign := byte(0x0c)
	if d.neg {
		sign = 0x0d
	}
	for i := 0; i < len(digits)-1; i += 2 {
		data = append(data, (digits[i]-'0')<<4|(digits[i+1]-'0'))
	}
	data = append(data, (digits[len(digits)-1]-'0')<<4|sign)
	return mp.AppendExt(b, extDecimal, data)
}

func decimalFromInteger(i integer) decimal {
	var d decimal
	if i.neg {
		d.neg = true
		d.coef.SetUint64(-i.abs)
	} else {
		d.coef.SetUint64(i.abs)
	}
	return d
}

// decimalFromFloat converts by way of 15 significant digits. Values past the
// range of decimals, infinities and NaN have none.
func decimalFromFloat(f float64) (decimal, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return decimal{}, false
	}
	return parseDecimal(formatG(f, 15))
}

// parseDecimal reads digits with an optional point and exponent.
func parseDecimal(s string) (d decimal, ok bool) {
	if s, d.neg = strings.CutPrefix(s, "-"); s == "" {
		return decimal{}, false
	}
	mantissa, exponent, hasExponent := strings.Cut(s, "e")
	if hasExponent {
		e, err := strconv.Atoi(exponent)
		if err != nil {
			return decimal{}, false
		}
		d.scale = -e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	d.scale += len(fraction)
	if _, ok := d.coef.SetString(whole+fraction, 10); !ok {
		return decimal{}, false
	}
	ok = d.round()
	return d, ok
}

// round cuts the decimal to its precision, half up, and reports whether its
// exponent is in range.
func (d *decimal) round() bool {
	if n := len(d.coef.String()) - decimalDigits; n > 0 {
		unit := pow10(n)
		half := new(big.Int).Rsh(unit, 1)
		d.coef.Add(&d.coef, half)
		d.coef.Quo(&d.coef, unit)
		d.scale -= n
		if len(d.coef.String()) > decimalDigits { // 99..9 became 100..0
			d.coef.Quo(&d.coef, big.NewInt(10))
			d.scale--
		}
	}
	if n := d.scale - (decimalDigits + decimalDigits - 2); n > 0 { // underflow
		d.coef.Quo(&d.coef, pow10(n))
		d.scale -= n
	}
	return d.coef.Sign() == 0 || len(d.coef.String())-d.scale <= decimalDigits
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// signed returns the coefficient with its sign, for the given scale, which is
// not below the decimal's own.
func (d *decimal) signed(scale int) *big.Int {
	v := new(big.Int).Mul(&d.coef, pow10(scale-d.scale))
	if d.neg {
		v.Neg(v)
	}
	return v
}

// addDecimals returns a + b, or a - b, and whether the sum fits.
func addDecimals(a, b decimal, minus bool) (decimal, bool) {
	if minus {
		b.neg = !b.neg
	}
	scale := max(a.scale, b.scale)
	var sum decimal
	sum.scale = scale
	sum.coef.Add(a.signed(scale), b.signed(scale))
	sum.neg = sum.coef.Sign() < 0 || sum.coef.Sign() == 0 && a.neg && b.neg
	sum.coef.Abs(&sum.coef)
	ok := sum.round()
	return sum, ok
}

func compareDecimals(a, b *decimal) int {
	scale := max(a.scale, b.scale)
	return a.signed(scale).Cmp(b.signed(scale))
}

// String formats the decimal as Tarantool does: plain digits, an exponent
// where the scale is negative or much longer than the digits.
func (d *decimal) String() string {
	digits := d.coef.String()
	sign := ""
	if d.neg {
		sign = "-"
	}
	exponent := len(digits) - d.scale - 1
	switch {
	case d.scale == 0:
		return sign + digits
	case d.scale < 0 || exponent < -6:
		if len(digits) > 1 {
			digits = digits[:1] + "." + digits[1:]
		}
		if exponent < 0 {
			return sign + digits + "E" + strconv.Itoa(exponent)
		}
		return sign + digits + "E+" + strconv.Itoa(exponent)
	case d.scale < len(digits):
		return sign + digits[:len(digits)-d.scale] + "." + digits[len(digits)-d.scale:]
	}
	return sign + "0." + strings.Repeat("0", d.scale-len(digits)) + digits
}

// formatG formats a number as C's printf does by %.*g.
func formatG(f float64, precision int) string {
	switch {
	case math.IsNaN(f):
		if math.Signbit(f) {
			return "-nan"
		}
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	e := strconv.FormatFloat(f, 'e', precision-1, 64)
	mantissa, exponent, _ := strings.Cut(e, "e")
	x, _ := strconv.Atoi(exponent)
	if x < -4 || x >= precision {
		if strings.Contains(mantissa, ".") {
			mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
		}
		return mantissa + "e" + exponent
	}
	s := strconv.FormatFloat(f, 'f', precision-1-x, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
