package types_test

import (
	"strings"
	"testing"

	"github.com/gotnt/tnt/types"
)

func TestVClockText(t *testing.T) {
	for _, c := range []struct{ in, out, err string }{
		{"{}", "{}", ""},
		{" { } ", "{}", ""},
		{"{1: 121, 2: 5}", "{1: 121, 2: 5}", ""},
		{"{2:5,0:3 , 31: 9223372036854775807}", "{0: 3, 2: 5, 31: 9223372036854775807}", ""},
		{"", "", "braces"},
		{"{1: 2", "", "braces"},
		{"{1}", "", "not an id"},
		{"{1: 2,}", "", "not an id"},
		{"{1: -2}", "", "not an id"},
		{"{1: 9223372036854775808}", "", "not an id"},
		{"{32: 1}", "", "more than 31"},
		{"{1: 1, 1: 2}", "", "twice"},
	} {
		v, err := types.ParseVClock(c.in)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: error %v, wanted one with %q", c.in, err, c.err)
			}
			continue
		}
		if err != nil || v.String() != c.out {
			t.Errorf("%q: %v, %v, wanted %s", c.in, v, err, c.out)
		}
	}
}

func TestVClockCovers(t *testing.T) {
	for _, c := range []struct {
		v, w         string
		covers, back bool
	}{
		{"{}", "{}", true, true},
		{"{1: 5}", "{1: 4}", true, false},
		{"{1: 5}", "{1: 4, 2: 1}", false, false},
		{"{0: 1, 1: 5}", "{0: 7, 1: 5}", true, true},
	} {
		v, w := mustVClock(t, c.v), mustVClock(t, c.w)
		if v.Covers(w) != c.covers || w.Covers(v) != c.back {
			t.Errorf("%v and %v: covers %t, %t", v, w, v.Covers(w), w.Covers(v))
		}
	}
}

func TestVClockSignature(t *testing.T) {
	v := mustVClock(t, "{0: 3, 1: 25}")
	if v.Signature() != 28 || v.Global().Signature() != 25 {
		t.Errorf("signatures %d, %d", v.Signature(), v.Global().Signature())
	}
}

func FuzzParseVClock(f *testing.F) {
	f.Add("{1: 121, 2: 5}")
	f.Add("{31:1}")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := types.ParseVClock(s)
		if err != nil {
			return
		}
		if again, err := types.ParseVClock(v.String()); err != nil || again != v {
			t.Fatalf("%q: read as %v, written and read as %v, %v", s, v, again, err)
		}
	})
}

func mustVClock(t *testing.T, s string) types.VClock {
	t.Helper()
	v, err := types.ParseVClock(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
