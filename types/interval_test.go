package types

import (
	"encoding/hex"
	"math"
	"testing"
)

// Text and bytes as Tarantool 3.8.0 has them.
func TestInterval(t *testing.T) {
	for _, c := range []struct {
		iv         Interval
		text, data string
	}{
		{Interval{}, "+0 seconds", "010801"},
		{
			Interval{Year: 1, Month: 2, Week: 3, Day: 4, Hour: 5, Min: 6, Sec: 7, Nsec: 8},
			"+1 years, 2 months, 3 weeks, 4 days, 5 hours, 6 minutes, 7 seconds, 8 nanoseconds",
			"09000101020203030404050506060707080801",
		},
		{Interval{Year: -1, Adjust: AdjustLast}, "-1 years", "0200ff0802"},
		{Interval{Month: 1, Adjust: AdjustExcess}, "+1 months", "010101"},
		{Interval{Sec: -100000, Nsec: -1}, "-100000 seconds, -1 nanoseconds", "0306d2fffe796007ff0801"},
		{Interval{Nsec: 5}, "+0 seconds, 5 nanoseconds", "0207050801"},
		{Interval{Day: 200, Adjust: AdjustExcess}, "+200 days", "0103ccc8"},
		{Interval{Adjust: AdjustExcess}, "+0 seconds", "00"},
	} {
		if got := c.iv.String(); got != c.text {
			t.Errorf("%q, not %q", got, c.text)
		}
		b, err := AppendInterval(nil, c.iv)
		if got := hex.EncodeToString(b); err != nil || got != c.data {
			t.Errorf("%v is %s, %v, not %s", c.iv, got, err, c.data)
		}
		if back, err := DecodeInterval(b); err != nil || back != c.iv {
			t.Errorf("%v comes back as %v, %v", c.iv, back, err)
		}
	}
}

func TestIntervalRefuses(t *testing.T) {
	for _, data := range []string{
		"", "01", "0100", "0200010801ff", "010803", "0108ff", "010901", "0100a0", "0100cd01",
		"0100ce80000000", "0103cf8000000000000000", "0107ce80000000", "0201010102", "0208010801",
	} {
		b, _ := hex.DecodeString(data)
		if iv, err := DecodeInterval(b); err == nil {
			t.Errorf("%s is %v", data, iv)
		}
	}
	for _, iv := range []Interval{{Year: math.MaxInt32 + 1}, {Nsec: math.MinInt32 - 1}, {Adjust: 3}} {
		if b, err := AppendInterval([]byte{1}, iv); err == nil || len(b) != 1 {
			t.Errorf("%v is %x, %v", iv, b, err)
		}
	}
}

func TestAdjustNames(t *testing.T) {
	if s := AdjustNone.String() + AdjustExcess.String() + AdjustLast.String() + Adjust(9).String(); s != "noneexcesslastAdjust(9)" {
		t.Error(s)
	}
}

func FuzzInterval(f *testing.F) {
	for _, s := range []string{"010801", "0306d2fffe796007ff0801", "0200ff0802"} {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		iv, err := DecodeInterval(data)
		if err != nil {
			return
		}
		b, err := AppendInterval(nil, iv)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := DecodeInterval(b); err != nil || again != iv {
			t.Fatalf("%v becomes %v, %v", iv, again, err)
		}
		if iv.String() == "" {
			t.Fatal("no text")
		}
	})
}
