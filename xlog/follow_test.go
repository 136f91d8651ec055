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
