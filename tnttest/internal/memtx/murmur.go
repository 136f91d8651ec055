package memtx

import "math/bits"

// murmur computes MurmurHash3 (32 bits, little endian) over the pieces
// written to it, as Tarantool hashes the keys of HASH indexes. The order of a
// scan over such an index follows from it.
type murmur struct {
	h     uint32
	tail  [4]byte
	nTail int
	size  uint32
}

const (
	murmurSeed = 13
	murmurC1   = 0xcc9e2d51
	murmurC2   = 0x1b873593
)

func newMurmur() murmur { return murmur{h: murmurSeed} }

func (m *murmur) write(b []byte) {
	m.size += uint32(len(b))
	for _, c := range b {
		m.tail[m.nTail] = c
		if m.nTail++; m.nTail == len(m.tail) {
			m.nTail = 0
			k := uint32(m.tail[0]) | uint32(m.tail[1])<<8 | uint32(m.tail[2])<<16 | uint32(m.tail[3])<<24
			m.h ^= mixMurmur(k)
			m.h = bits.RotateLeft32(m.h, 13)*5 + 0xe6546b64
		}
	}
}

func mixMurmur(k uint32) uint32 { return bits.RotateLeft32(k*murmurC1, 15) * murmurC2 }

func (m *murmur) sum() uint32 {
	h := m.h
	if m.nTail > 0 {
		var k uint32
		for i := m.nTail - 1; i >= 0; i-- {
			k = k<<8 | uint32(m.tail[i])
		}
		h ^= mixMurmur(k)
	}
	h ^= m.size
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

// HashBytes is the hash of bytes, which numbers prepared statements by their
// texts.
func HashBytes(b []byte) uint32 {
	m := newMurmur()
	m.write(b)
	return m.sum()
}
