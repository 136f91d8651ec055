package xlog

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/klauspost/compress/zstd"

	"github.com/gotnt/tnt/internal/mp"
)

// The marks of a block, by src/box/xlog.c of Tarantool's sources.
const (
	magicPlain = 0xd5ba0bab
	magicZstd  = 0xd5ba0bba
	magicEnd   = 0xd510aded
	magicSize  = 4
)

// blockHead is the length of a block's head: its mark, then as MessagePack its
// length, the checksum of the block before (not used), its own, and a string
// that fills the rest.
const blockHead = 19

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is Tarantool's crc32c, which starts at 0 and is not inverted.
func checksum(b []byte) uint32 { return ^crc32.Update(math.MaxUint32, castagnoli, b) }

// A block's head.
type head struct {
	length     int
	crc        uint32
	compressed bool
}

// decodeHead reads a head, whose mark was seen.
func decodeHead(b []byte) (head, error) {
	h := head{compressed: binary.BigEndian.Uint32(b) == magicZstd}
	r := mp.NewReader(b[magicSize:blockHead])
	length := r.Uint()
	r.Uint() // the checksum of the block before
	crc := r.Uint()
	if r.Err() == nil && r.Len() > 0 {
		r.StringBytes()
	}
	if err := r.Err(); err != nil {
		return h, err
	}
	if r.Len() > 0 || crc > math.MaxUint32 || length > math.MaxInt64 {
		return h, fmt.Errorf("length %d, checksum %x and %d bytes more", length, crc, r.Len())
	}
	h.crc = uint32(crc)
	h.length = int(min(length, math.MaxInt-blockHead)) // no file has more, nor the address space where an int is short
	return h, nil
}

// decompressor takes blocks apart. Its zero value is ready.
type decompressor struct{ d *zstd.Decoder }

// zstdRatio is how many bytes one of a zstd stream can stand for: a block of
// three bytes is up to 128 KiB.
const zstdRatio = 128 << 10 / 3

// decompress returns what a block holds, of at most limit bytes.
func (z *decompressor) decompress(b []byte, limit int) ([]byte, error) {
	if z.d == nil {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(limit)))
		if err != nil {
			return nil, err
		}
		z.d = d
	}
	if err := checkClaims(b); err != nil {
		return nil, err
	}
	return z.d.DecodeAll(b, nil)
}

// checkClaims reports a frame that claims to hold more than its bytes can stand for:
// the library allocates what each frame claims.
func checkClaims(b []byte) error {
	for len(b) > 0 {
		var frame zstd.Header
		if err := frame.Decode(b); err != nil {
			return err
		}
		size := min(frameSize(&frame, b), len(b))
		if frame.HasFCS && frame.FrameContentSize/zstdRatio > uint64(size) {
			return fmt.Errorf("%d bytes claim to be %d", size, frame.FrameContentSize)
		}
		b = b[size:]
	}
	return nil
}

// frameSize returns how many bytes of b a frame takes: more than there are where it is
// cut off.
func frameSize(frame *zstd.Header, b []byte) int {
	at := frame.HeaderSize
	if frame.Skippable {
		return at + int(min(frame.SkippableSize, math.MaxInt32>>1))
	}
	for last := false; !last; { // a block's head: whether it is the last, its kind in two bits, its size
		if at+3 > len(b) {
			return len(b)
		}
		h := int(b[at]) | int(b[at+1])<<8 | int(b[at+2])<<16
		last = h&1 != 0
		if at += 3; h>>1&3 == zstdRepeated {
			at++
		} else {
			at += h >> 3
		}
	}
	if frame.HasCheckSum {
		at += 4
	}
	return at
}

// zstdRepeated is the kind of a block that is one byte, as often as its size says.
const zstdRepeated = 1

func (z *decompressor) close() {
	if z.d != nil {
		z.d.Close()
	}
}
