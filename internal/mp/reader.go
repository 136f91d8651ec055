package mp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/tinylib/msgp/msgp"
)

// ErrTruncated reports bytes that end in the middle of a value.
var ErrTruncated = errors.New("msgpack: data ends in the middle of a value")

// Reader takes values from the front of a byte slice. Its first error stays
// and makes every later read return a zero value, so that a sequence of reads
// needs one check of Err at its end. What it returns as []byte points into
// the slice that it reads.
type Reader struct {
	b    []byte // what is left
	size int    // of the whole slice, to tell offsets
	err  error

	depth int // of containers around what is read, see enter
	owed  int // values that those still lack

	settings *Settings
}

// NewReader returns a Reader over b.
func NewReader(b []byte) Reader { return Reader{b: b, size: len(b)} }

// Err returns the first error met.
func (r *Reader) Err() error { return r.err }

// Len returns the number of bytes left.
func (r *Reader) Len() int { return len(r.b) }

// Offset returns the number of bytes read.
func (r *Reader) Offset() int { return r.size - len(r.b) }

// Rest returns the bytes left, without reading them.
func (r *Reader) Rest() []byte { return r.b }

// Advance passes over n of the bytes left.
func (r *Reader) Advance(n int) { r.b = r.b[n:] }

// Fail makes err the error of the Reader, unless it has one already.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

// Type returns the kind of the next value, TypeInvalid where there is none.
func (r *Reader) Type() Type {
	if len(r.b) == 0 {
		return TypeInvalid
	}
	return kinds[r.b[0]]
}

// fail records what went wrong with a read of a value of the wanted kind.
func (r *Reader) fail(wanted string, err error) {
	switch got := r.Type(); {
	case errors.Is(err, msgp.ErrShortBytes):
		err = ErrTruncated
	case got == TypeInvalid && len(r.b) > 0:
		err = fmt.Errorf("msgpack: byte 0x%02x at offset %d starts no value", r.b[0], r.Offset())
	default:
		err = fmt.Errorf("msgpack: expected %s at offset %d, got %v", wanted, r.Offset(), got)
	}
	r.Fail(err)
}

// Nil consumes a nil, if that is what comes next, and reports whether it did.
func (r *Reader) Nil() bool {
	if len(r.b) > 0 && r.b[0] == 0xc0 {
		r.b = r.b[1:]
		return true
	}
	return false
}

// Bool reads a boolean.
func (r *Reader) Bool() bool {
	v, rest, err := msgp.ReadBoolBytes(r.b)
	if err != nil {
		r.fail("a boolean", err)
		return false
	}
	r.b = rest
	return v
}

// Integers, strings and the heads of arrays are read by hand: untyped values
// take a tenth less time than through msgp's functions, which return value,
// rest and error (BenchmarkDecodeRows/values).

// number returns the big-endian number of n bytes behind the first byte, as
// much as there is of it.
func (r *Reader) number(n int) (v uint64, ok bool) {
	b := r.b
	if len(b) <= n {
		return 0, false
	}
	switch n {
	case 1:
		v = uint64(b[1])
	case 2:
		v = uint64(binary.BigEndian.Uint16(b[1:]))
	case 4:
		v = uint64(binary.BigEndian.Uint32(b[1:]))
	case 8:
		v = binary.BigEndian.Uint64(b[1:])
	}
	r.b = b[1+n:]
	return v, true
}

// integer reads an integer: v, or v-2^64 where negative is true.
func (r *Reader) integer(wanted string) (v uint64, negative bool) {
	if len(r.b) == 0 {
		r.fail(wanted, msgp.ErrShortBytes)
		return 0, false
	}
	ok := false
	switch c := r.b[0]; {
	case c <= 0x7f:
		r.b = r.b[1:]
		return uint64(c), false
	case c >= 0xe0:
		r.b = r.b[1:]
		return uint64(int64(int8(c))), true
	case 0xcc <= c && c <= 0xcf:
		v, ok = r.number(1 << (c - 0xcc))
	case 0xd0 <= c && c <= 0xd3:
		n := 1 << (c - 0xd0)
		v, ok = r.number(n)
		shift := 64 - 8*n
		v = uint64(int64(v<<shift) >> shift)
		negative = int64(v) < 0
	default:
		r.fail(wanted, nil)
		return 0, false
	}
	if !ok {
		r.fail(wanted, msgp.ErrShortBytes)
	}
	return v, negative
}

// Uint reads an integer that is not negative.
func (r *Reader) Uint() uint64 {
	if len(r.b) > 0 && r.b[0] <= math.MaxInt8 {
		v := r.b[0]
		r.b = r.b[1:]
		return uint64(v)
	}
	start := r.b
	v, negative := r.integer("an unsigned integer")
	if negative {
		r.b = start
		r.misfit("an unsigned integer")
		return 0
	}
	return v
}

// Int reads an integer.
func (r *Reader) Int() int64 {
	if len(r.b) > 0 && r.b[0] <= math.MaxInt8 {
		v := r.b[0]
		r.b = r.b[1:]
		return int64(v)
	}
	start := r.b
	v, negative := r.integer("an integer")
	if !negative && v > math.MaxInt64 {
		r.b = start
		r.misfit("an integer")
		return 0
	}
	return int64(v)
}

// misfit records that the number that comes next is out of range.
func (r *Reader) misfit(wanted string) {
	if r.err == nil {
		r.Fail(fmt.Errorf("msgpack: number at offset %d does not fit into %s", r.Offset(), wanted))
	}
}

// Float64 reads a number of any kind: Lua writes whole numbers as integers.
func (r *Reader) Float64() float64 {
	switch r.Type() {
	case TypeFloat64:
		if len(r.b) >= 9 {
			v := math.Float64frombits(binary.BigEndian.Uint64(r.b[1:]))
			r.b = r.b[9:]
			return v
		}
	case TypeFloat32:
		if len(r.b) >= 5 {
			v := math.Float32frombits(binary.BigEndian.Uint32(r.b[1:]))
			r.b = r.b[5:]
			return float64(v)
		}
	case TypeUint:
		return float64(r.Uint())
	case TypeInt:
		return float64(r.Int())
	default:
		r.fail("a number", nil)
		return 0
	}
	r.fail("a number", msgp.ErrShortBytes)
	return 0
}

// StringBytes reads a string (MP_STR) without copying it.
func (r *Reader) StringBytes() []byte {
	b := r.b
	if len(b) == 0 {
		r.fail("a string", msgp.ErrShortBytes)
		return nil
	}
	head, n := 1, uint64(b[0]&0x1f)
	if c := b[0]; c < 0xa0 || c > 0xbf {
		if c < 0xd9 || c > 0xdb {
			r.fail("a string", nil)
			return nil
		}
		size := 1 << (c - 0xd9)
		var ok bool
		if n, ok = r.number(size); !ok {
			r.fail("a string", msgp.ErrShortBytes)
			return nil
		}
		head += size
	}
	if n > uint64(len(b)-head) {
		r.fail("a string", msgp.ErrShortBytes)
		return nil
	}
	end := head + int(n)
	r.b = b[end:]
	return b[head:end:end]
}

// String reads a string (MP_STR). It may hold bytes that are not UTF-8.
func (r *Reader) String() string { return string(r.StringBytes()) }

// Binary reads binary data (MP_BIN) without copying it.
func (r *Reader) Binary() []byte {
	switch b := r.b; {
	case len(b) == 0:
		r.fail("binary data", msgp.ErrShortBytes)
		return nil
	case b[0] < 0xc4 || b[0] > 0xc6:
		r.fail("binary data", nil)
		return nil
	}
	n, ok := r.number(1 << (r.b[0] - 0xc4))
	if !ok || n > uint64(len(r.b)) {
		r.fail("binary data", msgp.ErrShortBytes)
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// ArrayLen reads the head of an array. The length is one that the bytes left
// can hold, so it is safe to allocate for.
func (r *Reader) ArrayLen() int {
	if len(r.b) > 0 && r.b[0]&0xf0 == 0x90 {
		n := int(r.b[0] & 0xf)
		if n < len(r.b) {
			r.b = r.b[1:]
			return n
		}
	}
	if len(r.b) >= 5 && r.b[0] == 0xdd { // how a server begins the rows of every answer
		if n := binary.BigEndian.Uint32(r.b[1:]); uint64(n) <= uint64(len(r.b)-5) {
			r.b = r.b[5:]
			return int(n)
		}
	}
	n, rest, err := msgp.ReadArrayHeaderBytes(r.b)
	if err != nil {
		r.fail("an array", err)
		return 0
	}
	if uint64(n) > uint64(len(rest)) {
		r.fail("an array", msgp.ErrShortBytes)
		return 0
	}
	r.b = rest
	return int(n)
}

// Fields is ArrayLen of a tuple that is read field by field, and not beyond: it is a
// level around those.
func (r *Reader) Fields() int {
	r.depth++
	return r.ArrayLen()
}

// MapLen reads the head of a map and returns its number of pairs, which the
// bytes left can hold.
func (r *Reader) MapLen() int {
	if len(r.b) > 0 && r.b[0]&0xf0 == 0x80 {
		n := int(r.b[0] & 0xf)
		if 2*n < len(r.b) {
			r.b = r.b[1:]
			return n
		}
	}
	n, rest, err := msgp.ReadMapHeaderBytes(r.b)
	if err != nil {
		r.fail("a map", err)
		return 0
	}
	if 2*uint64(n) > uint64(len(rest)) {
		r.fail("a map", msgp.ErrShortBytes)
		return 0
	}
	r.b = rest
	return int(n)
}

// Ext reads an extension value (MP_EXT) without copying its data.
func (r *Reader) Ext() (typ int8, data []byte) {
	head, n := extLen(r.b)
	switch {
	case head == 0 && r.Type() != TypeExt:
		r.fail("an extension", nil)
		return 0, nil
	case head == 0 || n > uint64(len(r.b)-head):
		r.fail("an extension", msgp.ErrShortBytes)
		return 0, nil
	}
	end := head + int(n)
	typ, data = int8(r.b[head-1]), r.b[head:end:end]
	r.b = r.b[end:]
	return typ, data
}

// extLen returns the length of an extension's head, its type byte included,
// and that of its data. The head is 0 where it is cut short or not one.
func extLen(b []byte) (head int, n uint64) {
	if len(b) == 0 {
		return 0, 0
	}
	switch c := b[0]; {
	case 0xd4 <= c && c <= 0xd8 && len(b) >= 2:
		return 2, 1 << (c - 0xd4)
	case c == 0xc7 && len(b) >= 3:
		return 3, uint64(b[1])
	case c == 0xc8 && len(b) >= 4:
		return 4, uint64(binary.BigEndian.Uint16(b[1:]))
	case c == 0xc9 && len(b) >= 6:
		return 6, uint64(binary.BigEndian.Uint32(b[1:]))
	}
	return 0, 0
}
