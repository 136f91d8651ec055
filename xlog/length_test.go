package xlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"testing"
)

// A block that claims more than an int holds, which is soon where that has 32
// bits, is one that is cut off, as with every other length beyond the file's end.
func TestHugeLength(t *testing.T) {
	for _, length := range []uint64{1 << 30, 1<<31 + 7, math.MaxUint32, 1<<32 + 5, 1 << 62, math.MaxInt64} {
		for _, most := range []int{1000, DefaultMaxBlock, math.MaxInt} {
			head := make([]byte, blockHead)
			binary.BigEndian.PutUint32(head, magicPlain)
			head[4] = 0xcf
			binary.BigEndian.PutUint64(head[5:], length)
			head[15] = 0xa3 // a string of 3 bytes, behind two checksums of 0
			file := append([]byte("XLOG\n0.13\nVClock: {}\n\n"), head...)
			r, err := NewReader(bytes.NewReader(append(file, "and some of it"...)), MaxBlock(most))
			if err != nil {
				t.Fatal(err)
			}
			for row, err := range r.Rows() {
				t.Errorf("length %d, MaxBlock(%d): %+v, %v", length, most, row, err)
			}
			if end := r.End(); end.TailBytes != blockHead+14 || end.Clean {
				t.Errorf("length %d, MaxBlock(%d): %+v", length, most, end)
			}
		}
	}
}

// stuckReader gives what it has, and then neither bytes nor an end.
type stuckReader struct{ left []byte }

func (r *stuckReader) Read(p []byte) (int, error) {
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

func TestReaderWithoutProgress(t *testing.T) {
	if _, err := NewReader(&stuckReader{[]byte("XLOG\n")}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("in the header: %v", err)
	}
	r, err := NewReader(&stuckReader{[]byte("XLOG\n0.13\nVClock: {}\n\n")})
	if err != nil {
		t.Fatal(err)
	}
	last := error(nil)
	for _, last = range r.Rows() {
		continue
	}
	if !errors.Is(last, io.ErrNoProgress) {
		t.Errorf("in the rows: %v", last)
	}
}
