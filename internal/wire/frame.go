package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/gotnt/tnt/internal/mp"
)

// frameHead is the length of the length that starts a frame as written here
// and by every server: 0xce and four bytes.
const frameHead = 5

// ErrFrameTooLarge is that of a frame beyond the limit of whoever reads it.
var ErrFrameTooLarge = errors.New("the frame is too large")

// CheckFrameSize returns an ErrFrameTooLarge where a frame of so many bytes is
// beyond the limit.
func CheckFrameSize(size, limit uint64) error {
	if size > limit {
		return fmt.Errorf("%w: the server sent %d bytes, Options.MaxFrame is %d", ErrFrameTooLarge, size, limit)
	}
	return nil
}

// FrameSize reads the length that starts a frame. It returns the number of
// bytes the length itself takes, 0 where b is too short to tell, and the
// number of bytes that follow it.
func FrameSize(b []byte) (head int, size uint64, err error) {
	if len(b) == 0 {
		return 0, 0, nil
	}
	if b[0] == 0xce { // what Tarantool sends
		if len(b) < frameHead {
			return 0, 0, nil
		}
		return frameHead, uint64(binary.BigEndian.Uint32(b[1:])), nil
	}
	if mp.TypeOf(b[0]) != mp.TypeUint {
		return 0, 0, fmt.Errorf("iproto: a frame starts with byte 0x%02x (%v) instead of its length", b[0], mp.TypeOf(b[0]))
	}
	r := mp.NewReader(b)
	size = r.Uint()
	if r.Err() != nil {
		return 0, 0, nil
	}
	return r.Offset(), size, nil
}

// BeginFrame appends room for the length of a frame. EndFrame fills it in.
func BeginFrame(b []byte) []byte { return append(b, 0xce, 0, 0, 0, 0) }

// EndFrame writes the length of the frame that BeginFrame started at b[start].
func EndFrame(b []byte, start int) error {
	n := len(b) - start - frameHead
	if uint64(n) > math.MaxUint32 {
		return fmt.Errorf("iproto: a frame of %d bytes is past what its length can tell", n)
	}
	binary.BigEndian.PutUint32(b[start+1:], uint32(n))
	return nil
}
