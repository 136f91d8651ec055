// Package memtx is Tarantool's engine memtx in Go: spaces with formats, TREE
// and HASH indexes over tuples kept as MessagePack, the operations of update
// and upsert, and transactions that do not see each other (MVCC).
//
// An Engine is not safe for concurrent use: as Tarantool runs it in one
// thread, its owner serializes the calls.
package memtx

import (
	"math"

	"github.com/gotnt/tnt/internal/mp"
)

// The types of extensions, in Tarantool's src/lib/core/mp_extension_types.h.
const (
	extDecimal  = 1
	extUUID     = 2
	extError    = 3
	extDatetime = 4
	extInterval = 6
	extTuple    = 7
)

// typeOf returns the kind of the value at the start of b, which is not empty.
func typeOf(b []byte) mp.Type { return mp.TypeOf(b[0]) }

// next splits the first value off b. b is known to be valid.
func next(b []byte) (value, rest []byte) {
	r := mp.NewReader(b)
	value = r.Raw()
	return value, r.Rest()
}

// array reads the head of an array: its length and the bytes after the head.
func array(b []byte) (n int, rest []byte) {
	r := mp.NewReader(b)
	n = r.ArrayLen()
	return n, r.Rest()
}

// mapping reads the head of a map: the number of its pairs and what follows.
func mapping(b []byte) (n int, rest []byte) {
	r := mp.NewReader(b)
	n = r.MapLen()
	return n, r.Rest()
}

// elements splits an array into its values.
func elements(b []byte) [][]byte {
	n, b := array(b)
	values := make([][]byte, n)
	for i := range values {
		values[i], b = next(b)
	}
	return values
}

// nilValue is nil.
var nilValue = []byte{0xc0}

// few splits an array of at most n values. Of a longer one it tells the length
// alone, so that a request costs no more than it should.
func few(b []byte, n int) (values [][]byte, count int) {
	if count, _ = array(b); count > n {
		return nil, count
	}
	return elements(b), count
}

// text reads a string or binary value as bytes.
func text(b []byte) []byte {
	r := mp.NewReader(b)
	if r.Type() == mp.TypeBinary {
		return r.Binary()
	}
	return r.StringBytes()
}

// extension reads an extension value.
func extension(b []byte) (typ int8, data []byte) {
	r := mp.NewReader(b)
	return r.Ext()
}

// integer is a number from -2^63 to 2^64-1.
type integer struct {
	neg bool   // below 0
	abs uint64 // the two's complement where neg
}

// readInteger reads a value of TypeUint or TypeInt.
func readInteger(b []byte) integer {
	r := mp.NewReader(b)
	if r.Type() == mp.TypeUint {
		return integer{abs: r.Uint()}
	}
	v := r.Int()
	return integer{neg: v < 0, abs: uint64(v)}
}

func (i integer) float() float64 {
	if i.neg {
		return float64(int64(i.abs))
	}
	return float64(i.abs)
}

func (i integer) append(b []byte) []byte {
	if i.neg {
		return mp.AppendInt(b, int64(i.abs))
	}
	return mp.AppendUint(b, i.abs)
}

// readFloat reads a value of TypeFloat32 or TypeFloat64.
func readFloat(b []byte) float64 {
	r := mp.NewReader(b)
	return r.Float64()
}

// readInt32 reads an integer that fits into 32 bits.
func readInt32(b []byte) (int32, bool) {
	if t := typeOf(b); t != mp.TypeUint && t != mp.TypeInt {
		return 0, false
	}
	v := readInteger(b)
	if v.neg {
		n := int64(v.abs)
		return int32(n), n >= math.MinInt32
	}
	return int32(v.abs), v.abs <= math.MaxInt32
}
