package xlog

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/gotnt/tnt/types"
)

// A log whose header can't be read has rows that may be missed: where it stands
// behind the position, its error comes.
func TestSinceTellsOfALogThatCannotBeRead(t *testing.T) {
	for name, told := range map[string]bool{
		"00000000000000000001.xlog": false, // behind the one that has the position
		"00000000000000009999.xlog": true,
		"copy.xlog":                 true, // nobody knows where it belongs
	} {
		dir := threeLogs(t, logNames...)
		if err := os.WriteFile(filepath.Join(dir, name), []byte("XLOG\n0.1"), 0o600); err != nil {
			t.Fatal(err)
		}
		rows, err := since(t, dir, "{0: 8, 1: 318}")
		var damage *BlockError
		if errors.As(err, &damage) != told || rows != 6 {
			t.Errorf("with %s: %d rows, %v", name, rows, err)
		}
	}
}

// One that is followed may be about to be written.
func TestFollowWaitsForAHeader(t *testing.T) {
	dir := threeLogs(t, logNames[0])
	whole, err := os.ReadFile(filepath.Join("testdata", "38", logNames[1]))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "00000000000000000047.xlog")
	if err := os.WriteFile(path, whole[:20], 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d, err := OpenDir(dir, Follow(ctx))
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for tx, err := range d.Since(types.VClock{}) {
		if err != nil {
			if !errors.Is(err, context.Canceled) || rows != 48+278 {
				t.Errorf("after %d rows: %v", rows, err)
			}
			return
		}
		switch rows += len(tx); rows {
		case 48:
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
		case 48 + 278:
			cancel()
		}
	}
}
