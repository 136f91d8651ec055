package xlog

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/gotnt/tnt/types"
)

func TestFollow(t *testing.T) {
	whole, err := os.ReadFile("testdata/38/plain_closed.xlog")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.xlog")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	write := func(b []byte) {
		if _, err := f.Write(b); err != nil {
			t.Error(err)
		}
	}
	write(whole[:500])
	r, err := Open(path, Follow(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	written := make(chan struct{})
	go func() {
		defer close(written)
		for piece := range slices.Chunk(whole[500:], 97) { // less than some blocks
			write(piece)
		}
	}()
	defer func() { <-written }()
	rows := 0
	for _, err := range r.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		rows++
	}
	if rows != 48 || !r.End().Clean {
		t.Errorf("%d rows, %+v", rows, r.End())
	}
}

// A directory is followed from log to log, also where the writer of one died.
func TestFollowDirectory(t *testing.T) {
	dir := t.TempDir()
	add := func(name string, cut int) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join("testdata", "38", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".inprogress"), text[:len(text)-cut], 0o600)
		}
		if err == nil {
			err = os.Rename(filepath.Join(dir, name+".inprogress"), filepath.Join(dir, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	add("plain_closed.xlog", magicSize) // without its end mark
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d, err := OpenDir(dir, Follow(ctx))
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for tx, err := range d.Since(types.VClock{}) {
		if err != nil {
			if rows != 48+278+6 || !errors.Is(err, context.Canceled) {
				t.Fatalf("after %d rows: %v", rows, err)
			}
			return
		}
		switch rows += len(tx); rows {
		case 48:
			add("zstd_closed.xlog", 0)
		case 48 + 278:
			add("unclosed.xlog", 0)
		case 48 + 278 + 6:
			cancel()
		}
	}
	t.Errorf("it ended without an error, after %d rows", rows)
}

// A log that is missing between two is a gap when it is followed, too.
func TestFollowDirectoryFindsGaps(t *testing.T) {
	dir := threeLogs(t, logNames[0])
	d, err := OpenDir(dir, Follow(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for tx, err := range d.Since(types.VClock{}) {
		if err != nil {
			if rows != 48 || !errors.Is(err, ErrGap) {
				t.Errorf("after %d rows: %v", rows, err)
			}
			return
		}
		if rows += len(tx); rows == 48 {
			if err := os.Rename(filepath.Join(threeLogs(t, logNames[2]), logNames[2]), filepath.Join(dir, logNames[2])); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// blockReader gives bytes once, and then nothing.
type blockReader struct{ b []byte }

func (r *blockReader) Read(p []byte) (int, error) {
	n := copy(p, r.b)
	r.b = r.b[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func TestFollowEndsWithItsContext(t *testing.T) {
	whole, err := os.ReadFile("testdata/38/plain_closed.xlog")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := NewReader(&blockReader{whole[:500]}, Follow(ctx))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		go func() {
			synctest.Wait() // until the rows that are there were read
			cancel()
		}()
		last := error(nil)
		for _, err := range r.Rows() {
			last = err
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("ended by %v", last)
		}
	})
}

// What is there already is no reason to go on.
func TestFollowEndsInTheMiddle(t *testing.T) {
	dir := threeLogs(t, logNames...)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	d, err := OpenDir(dir, Follow(ctx))
	if err != nil {
		t.Fatal(err)
	}
	mine, last, txs := errors.New("my cause"), error(nil), 0
	for _, last = range d.Since(types.VClock{}) {
		if txs++; txs == 3 {
			cancel(mine)
		}
	}
	if !errors.Is(last, context.Canceled) || txs > 48 { // some of the rest of a block
		t.Errorf("%d transactions, then %v", txs, last)
	}
}
