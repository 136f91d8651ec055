package xlog

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gotnt/tnt/types"
)

// threeLogs makes a directory of the log that was closed first, the one after
// it, and the one after that, which is still written.
func threeLogs(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("testdata", "38", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var logNames = []string{"plain_closed.xlog", "zstd_closed.xlog", "unclosed.xlog"}

func since(t *testing.T, dir, position string) (rows int, err error) {
	t.Helper()
	v, err := types.ParseVClock(position)
	if err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for tx, err := range d.Since(v) {
		if err != nil {
			return rows, err
		}
		rows += len(tx)
	}
	return rows, nil
}

func TestSince(t *testing.T) {
	dir := threeLogs(t, logNames...)
	for _, c := range []struct {
		position string
		rows     int
	}{
		{"{}", 48 + 278 + 6},
		{"{0: 1, 1: 47}", 278 + 6},
		{"{0: 1, 1: 50}", 275 + 6},
		{"{0: 8, 1: 318}", 6},
	} {
		if rows, err := since(t, dir, c.position); err != nil || rows != c.rows {
			t.Errorf("since %s: %d rows, %v, wanted %d", c.position, rows, err, c.rows)
		}
	}
	if _, err := since(t, dir, "{1: 49}"); err == nil || !strings.Contains(err.Error(), "inside of a transaction") {
		t.Errorf("inside of a transaction: %v", err)
	}
	if _, err := since(t, dir, "{1: 5000}"); !errors.Is(err, ErrAhead) {
		t.Errorf("ahead: %v", err)
	}
	if _, err := since(t, dir, "{1: 10, 2: 1}"); !errors.Is(err, ErrAhead) {
		t.Errorf("ahead in one component: %v", err)
	}
}

func TestSinceFindsGaps(t *testing.T) {
	if rows, err := since(t, threeLogs(t, logNames[0], logNames[2]), "{}"); !errors.Is(err, ErrGap) || rows != 48 {
		t.Errorf("the log in the middle is missing: %d rows, %v", rows, err)
	}
	if _, err := since(t, threeLogs(t, logNames[1:]...), "{1: 5}"); !errors.Is(err, ErrGap) {
		t.Errorf("the first log is missing: %v", err)
	}
	// The names of the logs in between would fit, but rows are lost.
	dir := threeLogs(t, logNames...)
	if err := os.Truncate(filepath.Join(dir, logNames[1]), 957); err != nil {
		t.Fatal(err)
	}
	if _, err := since(t, dir, "{}"); !errors.Is(err, ErrGap) {
		t.Errorf("the log in the middle is cut off: %v", err)
	}
}

// Two servers' directories in one are told apart.
func TestTwoDirectories(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"one", "two"} {
		if err := os.Rename(threeLogs(t, logNames...), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for c := range d.Verify() {
		if !c.Sound() {
			t.Errorf("%s: %v, %v", c.Path, c.Err, c.Damage)
		}
	}
	if _, err := since(t, dir, "{}"); err == nil || !strings.Contains(err.Error(), "two directories") {
		t.Errorf("since a position: %v", err)
	}
}

func TestVerify(t *testing.T) {
	sound := map[string]bool{}
	for _, path := range recorded(t) {
		sound[filepath.Base(path)] = Verify(path).Sound()
	}
	for name, is := range sound {
		broken := false
		for _, word := range []string{"corrupt", "huge", "junk", "zero", "empty", "in_meta", "bad_format", "killed"} {
			broken = broken || strings.Contains(name, word)
		}
		if is == broken {
			t.Errorf("%s is sound: %t", name, is)
		}
	}
	d, err := OpenDir(threeLogs(t, append(logNames[:1:1], "unclosed.xlog", "data.snap", "corrupt_crc.xlog", "empty.xlog")...))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for c := range d.Verify() {
		what := "sound"
		if !c.Sound() {
			what = "damaged"
		}
		if c.Err != nil {
			what = "broken"
		}
		if errors.Is(c.Err, ErrGap) {
			what = "gap"
		}
		got[filepath.Base(c.Path)] = what
	}
	want := map[string]string{"plain_closed.xlog": "sound", "corrupt_crc.xlog": "damaged", "data.snap": "sound", "empty.xlog": "broken", "unclosed.xlog": "sound"}
	for name, what := range want {
		if got[name] != what {
			t.Errorf("%s: %s, wanted %s", name, got[name], what)
		}
	}
}
