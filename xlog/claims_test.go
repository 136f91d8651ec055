package xlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// compressedFile is a log of one block, of less than 128 bytes.
func compressedFile(block []byte) []byte {
	b := append([]byte("XLOG\n0.13\nVClock: {}\n\n"), 0xd5, 0xba, 0x0b, 0xba, byte(len(block)), 0, 0xce)
	b = binary.BigEndian.AppendUint32(b, checksum(block))
	b = append(b, 0xa7, 0, 0, 0, 0, 0, 0, 0)
	return append(b, block...)
}

// A block of zstd that claims to hold far more than its bytes can costs no memory,
// whichever of its frames it is that lies.
func TestClaimsOfFrames(t *testing.T) {
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	row := e.EncodeAll([]byte("\x82\x00\x0c\x03\x01"), nil)
	liar := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x80, 0x50, 0, 0, 0, 0x38, 1, 0, 0} // 896 MiB, of an empty block
	skipped := []byte{0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 'x'}
	for name, c := range map[string]struct {
		frames [][]byte
		rows   int
		lies   bool
	}{
		"the first":               {[][]byte{liar}, 0, true},
		"the second":              {[][]byte{row, liar}, 0, true},
		"one behind a skipped":    {[][]byte{skipped, liar}, 0, true},
		"none of three":           {[][]byte{row, skipped, row}, 2, false},
		"none, and one is cut":    {[][]byte{row, row[:len(row)-3]}, 0, true},
		"none, and a skipped cut": {[][]byte{row, skipped[:8]}, 0, true},
	} {
		r, err := NewReader(bytes.NewReader(compressedFile(bytes.Join(c.frames, nil))))
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		rows, last := 0, error(nil)
		for _, last = range r.Rows() {
			rows += map[bool]int{true: 1}[last == nil]
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
			t.Errorf("%s: %d MiB", name, used>>20)
		}
		var damage *BlockError
		if rows != c.rows || errors.As(last, &damage) != c.lies {
			t.Errorf("%s: %d rows, %v", name, rows, last)
		}
		_ = r.Close()
	}
}
