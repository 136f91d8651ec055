package recordedtest

import (
	"maps"
	"slices"
	"testing"
)

// Coverage counts by which public function each line of recordings was decoded,
// and which lines have none.
type Coverage struct {
	decoded, excused map[string]int
}

// Decoded counts a line that a public function has decoded.
func (c *Coverage) Decoded(function string) { c.decoded = count(c.decoded, function) }

// Excused counts a line that no public function decodes, by its kind.
func (c *Coverage) Excused(kind string) { c.excused = count(c.excused, kind) }

func count(m map[string]int, key string) map[string]int {
	if m == nil {
		m = make(map[string]int)
	}
	m[key]++
	return m
}

// Excuse is a kind of lines that no public function decodes.
type Excuse struct {
	Lines int
	Why   string
}

// Check fails the test unless the lines were decoded by just these functions, so
// often each, the others have just these excuses, and all of them are so many.
func (c *Coverage) Check(tb testing.TB, lines int, decoded map[string]int, excuses map[string]Excuse) {
	tb.Helper()
	excused, all := make(map[string]int), 0
	for kind, e := range excuses {
		excused[kind] = e.Lines
	}
	for _, held := range []struct {
		what      string
		got, want map[string]int
	}{{"decoded by", c.decoded, decoded}, {"excused as", c.excused, excused}} {
		for _, key := range slices.Sorted(maps.Keys(held.want)) {
			all += held.want[key]
			if got := held.got[key]; got != held.want[key] {
				tb.Errorf("%d lines were %s %s, want %d", got, held.what, key, held.want[key])
			}
		}
		for key, got := range held.got {
			if _, ok := held.want[key]; !ok {
				tb.Errorf("%d lines were %s %s, want none", got, held.what, key)
			}
		}
	}
	if all != lines {
		tb.Errorf("the tables tell of %d lines, and there are %d", all, lines)
	}
}
