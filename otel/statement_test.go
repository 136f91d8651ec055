package tntotel

import (
	"strings"
	"testing"
)

func TestWithoutLiterals(t *testing.T) {
	for _, c := range []struct{ statement, want string }{
		{"SELECT 1", "SELECT ?"},
		{"SELECT name FROM users WHERE id = ?", "SELECT name FROM users WHERE id = ?"},
		{"SELECT :name, $1, @x, #y FROM t1", "SELECT :name, $1, @x, #y FROM t1"},
		{"INSERT INTO t VALUES (1, 'O''Brien', -2.5e-3)", "INSERT INTO t VALUES (?, ?, -?)"},
		{`SELECT "a 'b' 1", "say ""2""" FROM "t 3"`, `SELECT "a 'b' 1", "say ""2""" FROM "t 3"`},
		{"SELECT x'FF00', X'00', 0x1F, .5, 1., 1e5+2", "SELECT ?, ?, ?, ?, ?, ?+?"},
		{"SELECT a1, _2b, имя3 FROM t WHERE a IS NOT NULL AND b = TRUE OR c=false", "SELECT a1, _2b, имя3 FROM t WHERE a IS NOT NULL AND b = ? OR c=?"},
		{"SELECT a -- password: hunter2\nFROM t /* 42 */ LIMIT 5", "SELECT a  FROM t   LIMIT ?"},
		{"SELECT a - -1, a-1, a*2/3", "SELECT a - -?, a-?, a*?/?"},
		{"SELECT 'not ended", "SELECT ?"},
		{"SELECT /* not ended 'x'", "SELECT"},
		{"SELECT 0xe-5", "SELECT ?-?"},
		{"SELECT [1, 'a'], {'k': 2}", "SELECT [?, ?], {?: ?}"},
		{"", ""},
	} {
		if got := withoutLiterals(c.statement); got != c.want {
			t.Errorf("%q: got %q, want %q", c.statement, got, c.want)
		}
	}
}

// FuzzWithoutLiterals has what was cleaned stay as it is, and hold no quoted
// string and no digit outside of a name.
func FuzzWithoutLiterals(f *testing.F) {
	for _, s := range []string{"SELECT 'a''b', 1e5, \"x\" -- c", "x'00", "0x", "1e", "/*", "$1 :a", "'", "\"", ".5.", "1e+"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		clean := withoutLiterals(s)
		if again := withoutLiterals(clean); again != clean {
			t.Errorf("%q became %q, and that %q", s, clean, again)
		}
		for rest := clean; rest != ""; {
			n, kind := token(rest)
			if kind != isOther || rest[0] == '\'' || isDigit(rest[0]) {
				t.Fatalf("%q became %q, which has the literal %q", s, clean, rest[:n])
			}
			rest = rest[n:]
		}
		if strings.Contains(clean, "'") && !strings.Contains(clean, `"`) {
			t.Errorf("%q became %q", s, clean)
		}
	})
}
