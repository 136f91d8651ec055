package iproto

import (
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	for _, test := range []struct {
		major, minor, patch int
		want                bool
	}{{2, 6, 0, true}, {2, 6, 1, false}, {2, 5, 9, true}, {2, 7, 0, false}, {1, 99, 99, true}, {3, 0, 0, false}} {
		if v := (Version{2, 6, 0}); v.AtLeast(test.major, test.minor, test.patch) != test.want {
			t.Errorf("%v is at least %d.%d.%d: %v", v, test.major, test.minor, test.patch, !test.want)
		}
	}
	for _, bad := range []string{"", "3", "x.y.z", "3.x.0", "3.8.-1", "-1.2.3"} {
		if v, err := ParseVersion(bad); err == nil {
			t.Errorf("%q is %v", bad, v)
		}
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		TypeSelect.String(): "SELECT", TypeCall16.String(): "CALL_16", (TypeError | 3).String(): "ERROR 3", Type(999).String(): "request type 999",
		KeySpaceID.String(): "SPACE_ID", Key(0x7f).String(): "key 0x7f", IterEq.String(): "EQ", IterPP.String(): "PP", Iterator(99).String(): "iterator 99",
		FeatureStreams.String(): "streams", FeatureInsertArrow.String(): "insert_arrow", Feature(99).String(): "feature 99",
	} {
		if got != want {
			t.Errorf("%q should be %q", got, want)
		}
	}
}

func TestParseIterator(t *testing.T) {
	for it := IterEq; it <= IterPP; it++ {
		for _, name := range []string{it.String(), strings.ToLower(it.String())} {
			if got, err := ParseIterator(name); err != nil || got != it {
				t.Errorf("%s: got %v, %v", name, got, err)
			}
		}
	}
	for _, bad := range []string{"", "equal", "14", "-1", "256", " eq"} {
		if it, err := ParseIterator(bad); err == nil {
			t.Errorf("%q is %v", bad, it)
		}
	}
}

func TestFeatures(t *testing.T) {
	f := NewFeatures(4, FeatureStreams, FeatureWatchers, 200)
	if !f.Has(FeatureStreams) || f.Has(FeaturePagination) || (Features{}).Has(FeatureStreams) {
		t.Error("the features are others than those given")
	}
	if s := f.String(); s != "protocol 4: streams, watchers" {
		t.Error(s)
	}
	if missing, ok := f.Missing(1<<FeatureStreams | 1<<FeaturePagination); missing != FeaturePagination || !ok {
		t.Error(missing, ok)
	}
	if _, ok := f.Missing(1 << FeatureWatchers); ok {
		t.Error("what is there is missing")
	}
}
