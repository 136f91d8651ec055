package types

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

// Text and bytes as Tarantool 3.8.0 has them.
func TestDecimal(t *testing.T) {
	nines := strings.Repeat("9", MaxDecimalDigits)
	for _, c := range []struct{ in, text, data string }{
		{"0", "0", "000c"},
		{"5", "5", "005c"},
		{"-12", "-12", "00012d"},
		{"1.00", "1.00", "02100c"},
		{"0e5", "0E+5", "fb0c"},
		{"0e-10", "0E-10", "0a0c"},
		{"1e30", "1E+30", "e21c"},
		{"1E2", "1E+2", "fe1c"},
		{"1.00e3", "1.00E+3", "ff100c"},
		{"1e76", "1E+76", "d0b41c"},
		{"-1.5e40", "-1.5E+40", "d0d9015d"},
		{"-1e-38", "-1E-38", "261d"},
		{"1e-6", "0.000001", "061c"},
		{"1e-7", "1E-7", "071c"},
		{"123e-8", "0.00000123", "08123c"},
		{"123456789.987654321", "123456789.987654321", "090123456789987654321c"},
		{nines, nines, "000" + nines + "c"},
		{"-0." + nines, "-0." + nines, "4c0" + nines + "d"},
	} {
		d := decimal.RequireFromString(c.in)
		if got := FormatDecimal(d); got != c.text {
			t.Errorf("%s prints as %s, not %s", c.in, got, c.text)
		}
		b, err := AppendDecimal([]byte{1}, d)
		if got := hex.EncodeToString(b[1:]); err != nil || got != c.data {
			t.Errorf("%s is %s, %v, not %s", c.in, got, err, c.data)
		}
		back, err := DecodeDecimal(b[1:])
		if err != nil || !back.Equal(d) || back.Exponent() != d.Exponent() {
			t.Errorf("%s comes back as %v, %v", c.in, back, err)
		}
	}
}

// Beyond what decimal.NewFromString takes, but within what the server sends.
func TestDecimalHugeExponents(t *testing.T) {
	for data, want := range map[string]string{"ce000f423f1c": "1E-999999", "d2fff0bdc11d": "-1E+999999"} {
		b, _ := hex.DecodeString(data)
		d, err := DecodeDecimal(b)
		if err != nil || FormatDecimal(d) != want {
			t.Errorf("%s is %s, %v", data, FormatDecimal(d), err)
		}
		if b, err = AppendDecimal(nil, d); err != nil || hex.EncodeToString(b) != data {
			t.Errorf("%s is %x, %v", want, b, err)
		}
	}
}

func TestDecimalReads(t *testing.T) {
	for data, want := range map[string]string{
		"000d": "0", "020d": "0.00", // negative zero
		"001a": "1", "001e": "1", "001f": "1", "001b": "-1", // other signs of packed BCD
		"00000000001c": "1",
		"d17fff1c":     "1E-32767",
	} {
		b, _ := hex.DecodeString(data)
		if d, err := DecodeDecimal(b); err != nil || FormatDecimal(d) != want {
			t.Errorf("%s is %v, %v, not %s", data, FormatDecimal(d), err, want)
		}
	}
}

func TestDecimalRefuses(t *testing.T) {
	for _, data := range []string{
		"", "00", "c01c", "a1", "0012", "00c1", "001cff", "00ab1c",
		"cf80000000000000001c", "d380000000000000001c", "d37fffffffffffffff1c", "ce000f42401c",
		"00" + strings.Repeat("99", 39) + "9c",
	} {
		b, _ := hex.DecodeString(data)
		if d, err := DecodeDecimal(b); err == nil {
			t.Errorf("%s is %s", data, FormatDecimal(d))
		}
	}
	for _, d := range []decimal.Decimal{
		decimal.RequireFromString(strings.Repeat("9", MaxDecimalDigits+1)),
		decimal.RequireFromString("1" + strings.Repeat("0", 200)),
		decimal.New(1, 1000000), decimal.New(1, -1000000), decimal.New(12, 999999),
	} {
		if b, err := AppendDecimal([]byte{1}, d); err == nil || len(b) != 1 {
			t.Errorf("%s is %x, %v", FormatDecimal(d), b, err)
		}
	}
}

func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"000c", "02100c", "e21c", "d0d9015d", "ce000f423f1c", "0a" + strings.Repeat("12", 30) + "3d"} {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := DecodeDecimal(data)
		if err != nil {
			return
		}
		b, err := AppendDecimal(nil, d)
		if err != nil {
			t.Fatalf("%s: %v", FormatDecimal(d), err)
		}
		again, err := DecodeDecimal(b)
		if err != nil || FormatDecimal(again) != FormatDecimal(d) {
			t.Fatalf("%s becomes %s, %v", FormatDecimal(d), FormatDecimal(again), err)
		}
	})
}
