// Package mp reads and writes MessagePack, the encoding of everything that
// IPROTO carries.
//
// It has three layers: primitives (Append functions and the Reader), untyped
// values (AppendValue and Reader.Value), and plans that turn Go types into
// encoders and decoders once and run them without reflection afterwards.
package mp

import (
	"math"

	"github.com/tinylib/msgp/msgp"
)

// Append functions write one value to the end of b in its shortest form and
// return the extended slice.

// AppendNil appends nil.
func AppendNil(b []byte) []byte { return append(b, 0xc0) }

// AppendBool appends a boolean.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 0xc3)
	}
	return append(b, 0xc2)
}

// AppendUint appends an unsigned integer.
func AppendUint(b []byte, v uint64) []byte {
	switch {
	case v <= math.MaxInt8:
		return append(b, byte(v))
	case v <= math.MaxUint8:
		return append(b, 0xcc, byte(v))
	case v <= math.MaxUint16:
		return append(b, 0xcd, byte(v>>8), byte(v))
	case v <= math.MaxUint32:
		return append(b, 0xce, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	return append(b, 0xcf, byte(v>>56), byte(v>>48), byte(v>>40), byte(v>>32), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

// AppendInt appends an integer. Values that are not negative are written in
// the unsigned forms: Tarantool takes the signed ones for negative numbers
// only, and would refuse 200 in an `unsigned` field if it came as int16.
func AppendInt(b []byte, v int64) []byte {
	if v >= 0 {
		return AppendUint(b, uint64(v))
	}
	return msgp.AppendInt64(b, v)
}

// AppendFloat64 appends a double.
func AppendFloat64(b []byte, v float64) []byte { return msgp.AppendFloat64(b, v) }

// AppendFloat32 appends a float.
func AppendFloat32(b []byte, v float32) []byte { return msgp.AppendFloat32(b, v) }

// AppendString appends a string (MP_STR). It need not be UTF-8.
func AppendString(b []byte, v string) []byte { return msgp.AppendString(b, v) }

// AppendStringBytes appends a string (MP_STR) given as bytes.
func AppendStringBytes(b, v []byte) []byte { return msgp.AppendStringFromBytes(b, v) }

// AppendBinary appends binary data (MP_BIN).
func AppendBinary(b, v []byte) []byte { return msgp.AppendBytes(b, v) }

// AppendArrayLen appends the head of an array of n values.
func AppendArrayLen(b []byte, n int) []byte { return msgp.AppendArrayHeader(b, uint32(n)) }

// AppendMapLen appends the head of a map of n pairs.
func AppendMapLen(b []byte, n int) []byte { return msgp.AppendMapHeader(b, uint32(n)) }

// AppendExt appends an extension value (MP_EXT) of the given type.
func AppendExt(b []byte, typ int8, data []byte) []byte {
	b = AppendExtLen(b, typ, len(data))
	return append(b, data...)
}

// AppendExtLen appends the head of an extension value whose n bytes of data
// the caller appends next.
func AppendExtLen(b []byte, typ int8, n int) []byte {
	switch {
	case n == 1 || n == 2 || n == 4 || n == 8 || n == 16:
		lead := byte(0xd4)
		for n > 1 {
			lead, n = lead+1, n/2
		}
		return append(b, lead, byte(typ))
	case n <= math.MaxUint8:
		return append(b, 0xc7, byte(n), byte(typ))
	case n <= math.MaxUint16:
		return append(b, 0xc8, byte(n>>8), byte(n), byte(typ))
	default:
		return append(b, 0xc9, byte(n>>24), byte(n>>16), byte(n>>8), byte(n), byte(typ))
	}
}
