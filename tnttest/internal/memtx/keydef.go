package memtx

import (
	"encoding/binary"
	"math"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
)

// Part is a part of a key: a field of the tuple and how to order it.
type Part struct {
	Field       int // from 0
	Type        FieldType
	Nullable    bool
	ExcludeNull bool // tuples with nil there are not in the index
	Desc        bool
	Coll        *Collation
}

// keyDef orders tuples and keys by parts.
type keyDef struct {
	parts []Part
	// unique is the number of the first parts that tell tuples apart, unless
	// one of them is nil.
	unique      int
	nullable    bool
	excludeNull bool
}

func newKeyDef(parts []Part, unique int) *keyDef {
	k := &keyDef{parts: parts, unique: unique}
	for i := range parts {
		k.nullable = k.nullable || parts[i].Nullable && i < unique
		k.excludeNull = k.excludeNull || parts[i].ExcludeNull
	}
	return k
}

// merged returns the parts of k and those of pk that are not among them.
func (k *keyDef) merged(pk *keyDef, unique bool) *keyDef {
	parts := append([]Part(nil), k.parts...)
	for _, p := range pk.parts {
		if !k.has(p) {
			parts = append(parts, p)
		}
	}
	n := len(parts)
	if unique {
		n = len(k.parts)
	}
	m := newKeyDef(parts, n)
	m.nullable, m.excludeNull = k.nullable, k.excludeNull
	return m
}

func (k *keyDef) has(p Part) bool {
	for _, q := range k.parts {
		if q.Field == p.Field && q.Coll == p.Coll {
			return true
		}
	}
	return false
}

func isNil(v []byte) bool { return len(v) == 0 || v[0] == 0xc0 }

// compareParts orders two values of a part. A field that is not there is nil,
// and nil is below everything.
func (p *Part) compare(a, b []byte) int {
	c := 0
	switch aNil, bNil := isNil(a), isNil(b); {
	case aNil && bNil:
		return 0
	case aNil:
		c = -1
	case bNil:
		c = 1
	default:
		c = compareValues(a, b, p.Coll)
	}
	if p.Desc {
		return -c
	}
	return c
}

// compareRows orders two tuples.
func (k *keyDef) compareRows(a, b *row) int {
	sawNil := false
	for i := range k.parts {
		if i == k.unique && !sawNil {
			return 0
		}
		p := &k.parts[i]
		x, y := a.field(p.Field), b.field(p.Field)
		if c := p.compare(x, y); c != 0 {
			return c
		}
		sawNil = sawNil || isNil(x)
	}
	return 0
}

// compareKey orders a tuple and a key, which may have fewer parts.
func (k *keyDef) compareKey(r *row, key [][]byte) int {
	for i := range min(len(key), len(k.parts)) {
		p := &k.parts[i]
		if c := p.compare(r.field(p.Field), key[i]); c != 0 {
			return c
		}
	}
	return 0
}

// compareKeys orders two keys by the parts both have.
func (k *keyDef) compareKeys(a, b [][]byte) int {
	for i := range min(len(a), len(b), len(k.parts)) {
		if c := k.parts[i].compare(a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}

// excludes reports whether the index leaves the tuple out.
func (k *keyDef) excludes(r *row) bool {
	if !k.excludeNull {
		return false
	}
	for _, p := range k.parts {
		if p.ExcludeNull && isNil(r.field(p.Field)) {
			return true
		}
	}
	return false
}

// key returns the key of a tuple.
func (k *keyDef) key(r *row) [][]byte {
	key := make([][]byte, len(k.parts))
	for i, p := range k.parts {
		if key[i] = r.field(p.Field); len(key[i]) == 0 {
			key[i] = []byte{0xc0}
		}
	}
	return key
}

// encodeKey returns a key as an array.
func encodeKey(key [][]byte) []byte {
	b := mp.AppendArrayLen(nil, len(key))
	for _, v := range key {
		b = append(b, v...)
	}
	return b
}

// validate checks the types of a key's values.
func (k *keyDef) validate(key [][]byte, allowNil bool) *Error {
	for i, v := range key {
		p := &k.parts[i]
		if !p.Type.accepts(v, p.Nullable && allowNil) {
			return Errorf(errcode.KeyPartType, "Supplied key type of part %d does not match index part type: expected %s", i, p.Type)
		}
		if lo, hi, ok := p.Type.bounds(); ok && !isNil(v) {
			if n := readInteger(v); less(n, lo) || less(hi, n) {
				e := Errorf(errcode.KeyPartValueOutOfRange, "The value of key part exceeds the supported range for type")
				return with(e, "partno", uint64(i), "field_type", p.Type.String())
			}
		}
	}
	return nil
}

// hash returns the hash of a key, the same for numbers that are equal.
func (k *keyDef) hash(key [][]byte) uint32 {
	m := newMurmur()
	for i, v := range key {
		hashValue(&m, v, k.parts[i].Coll)
	}
	return m.sum()
}

func hashValue(m *murmur, v []byte, coll *Collation) {
	switch typeOf(v) {
	case mp.TypeUint, mp.TypeInt:
		hashInteger(m, readInteger(v))
	case mp.TypeFloat32, mp.TypeFloat64:
		hashFloat(m, readFloat(v))
	case mp.TypeString:
		s := text(v)
		if coll != nil {
			s = coll.key(s)
		}
		m.write(s)
	default:
		m.write(v)
	}
}

// hashInteger hashes a number in the fewest bytes that hold it.
func hashInteger(m *murmur, i integer) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], i.abs)
	n := int64(i.abs)
	switch {
	case !i.neg && i.abs <= math.MaxUint8, i.neg && n >= math.MinInt8:
		m.write(b[7:])
	case !i.neg && i.abs <= math.MaxUint16, i.neg && n >= math.MinInt16:
		m.write(b[6:])
	case !i.neg && i.abs <= math.MaxUint32, i.neg && n >= math.MinInt32:
		m.write(b[4:])
	default:
		m.write(b[:])
	}
}

// hashFloat hashes a whole number as the integer it equals.
func hashFloat(m *murmur, f float64) {
	switch {
	case math.IsInf(f, 0) || f != math.Trunc(f) || f < -(1<<63) || f >= 1<<64: // NaN too
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], math.Float64bits(f))
		m.write(b[:])
	case f >= 0:
		hashInteger(m, integer{abs: uint64(f)})
	default:
		hashInteger(m, integer{neg: true, abs: uint64(int64(f))})
	}
}
