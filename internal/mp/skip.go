package mp

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// skipDepth is how deep a value may be nested to be passed over.
const skipDepth = 100_000

var (
	errNesting  = errors.New("nested too deeply")
	errNotValue = errors.New("no value starts so")
)

// Skip passes over one value, whatever it is.
func (r *Reader) Skip() { r.skip(skipDepth) }

// levelsLeft returns how many levels of values, the last of them without any inside,
// may be passed over at a depth so that they are none too deep to be read.
func levelsLeft(depth int) int { return maxDepth - depth + 1 }

// shallowRaw is Raw of a value that is nested no more deeply than may be read.
func (r *Reader) shallowRaw() []byte {
	start := r.b
	r.skip(levelsLeft(r.depth))
	return r.since(start)
}

// skip passes over one value of so many levels at the most.
func (r *Reader) skip(levels int) {
	rest, err := skip(r.b, 1, levels)
	switch {
	case errors.Is(err, errNesting) && levels < skipDepth:
		r.tooDeep()
	case errors.Is(err, errNesting):
		r.Fail(fmt.Errorf("msgpack: value at offset %d is nested too deeply", r.Offset()))
	case err != nil:
		r.fail("a value", err)
	default:
		r.b = rest
	}
}

// Raw reads one value, whatever it is, as its bytes, without copying them.
func (r *Reader) Raw() []byte {
	start := r.b
	r.Skip()
	return r.since(start)
}

// since returns what was read since start was left.
func (r *Reader) since(start []byte) []byte {
	if r.err != nil {
		return nil
	}
	n := len(start) - len(r.b)
	return start[:n:n]
}

// skip passes over n values and returns what is behind them. Unlike msgp.Skip it
// counts with 64 bits everywhere: lengths that wrap would be a way to keep a
// processor of 32 bits busy for minutes with a few bytes.
func skip(b []byte, n uint64, depth int) ([]byte, error) {
	if depth == 0 {
		return b, errNesting
	}
	for ; n > 0; n-- {
		size, inside, err := extent(b)
		if err != nil {
			return b, err
		}
		if size > uint64(len(b)) || inside > uint64(len(b))-size { // each has a byte at least
			return b, msgp.ErrShortBytes
		}
		b = b[size:]
		if inside > 0 {
			if b, err = skip(b, inside, depth-1); err != nil {
				return b, err
			}
		}
	}
	return b, nil
}

// extent returns the size of the value that b begins with, in bytes, and how many
// values follow that belong to it, as the elements of an array.
func extent(b []byte) (size, inside uint64, err error) {
	if len(b) == 0 {
		return 0, 0, msgp.ErrShortBytes
	}
	switch c := b[0]; {
	case c <= 0x7f, c >= 0xe0: // small integers
		return 1, 0, nil
	case c <= 0x8f: // map
		return 1, 2 * uint64(c&0xf), nil
	case c <= 0x9f: // array
		return 1, uint64(c & 0xf), nil
	case c <= 0xbf: // string
		return 1 + uint64(c&0x1f), 0, nil
	case c == 0xc1:
		return 0, 0, errNotValue
	case c <= 0xc3: // nil, false, true
		return 1, 0, nil
	case c <= 0xc6: // binary data
		size, err = behind(b, 1<<(c-0xc4))
		return size, 0, err
	case c <= 0xc9: // extension, whose type has a byte
		size, err = behind(b, 1<<(c-0xc7))
		return size + 1, 0, err
	case c <= 0xcb: // floats
		return 1 + 4<<(c-0xca), 0, nil
	case c <= 0xd3: // integers: unsigned, signed
		return 1 + 1<<((c-0xcc)&3), 0, nil
	case c <= 0xd8: // extension
		return 2 + 1<<(c-0xd4), 0, nil
	case c <= 0xdb: // string
		size, err = behind(b, 1<<(c-0xd9))
		return size, 0, err
	default: // array, map
		width := 2 << (c & 1)
		if size, err = behind(b, width); err != nil {
			return 0, 0, err
		}
		head := 1 + uint64(width)
		if inside = size - head; c >= 0xde {
			inside *= 2
		}
		return head, inside, nil
	}
}

// behind returns the size of a value whose length stands, in so many bytes,
// behind its first byte.
func behind(b []byte, width int) (uint64, error) {
	if len(b) <= width {
		return 0, msgp.ErrShortBytes
	}
	head := 1 + uint64(width)
	switch width {
	case 1:
		return head + uint64(b[1]), nil
	case 2:
		return head + uint64(binary.BigEndian.Uint16(b[1:])), nil
	}
	return head + uint64(binary.BigEndian.Uint32(b[1:])), nil
}
