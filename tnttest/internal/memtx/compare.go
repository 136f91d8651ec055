package memtx

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"

	"github.com/gotnt/tnt/internal/mp"
)

// The classes of values, in the order that a part of type scalar has.
const (
	classNil = iota
	classBool
	classNumber
	classString
	classBinary
	classUUID
	classDatetime
	classOther
)

func classOf(v []byte) int {
	switch typeOf(v) {
	case mp.TypeNil:
		return classNil
	case mp.TypeBool:
		return classBool
	case mp.TypeUint, mp.TypeInt, mp.TypeFloat32, mp.TypeFloat64:
		return classNumber
	case mp.TypeString:
		return classString
	case mp.TypeBinary:
		return classBinary
	case mp.TypeExt:
		switch ext, _ := extension(v); ext {
		case extDecimal:
			return classNumber
		case extUUID:
			return classUUID
		case extDatetime:
			return classDatetime
		}
	}
	return classOther
}

// compareValues orders two values that are not nil and that parts of keys can
// hold: by class first, then within it.
func compareValues(a, b []byte, coll *Collation) int {
	class := classOf(a)
	if other := classOf(b); class != other {
		return cmp.Compare(class, other)
	}
	switch class {
	case classBool:
		return cmp.Compare(a[0], b[0])
	case classNumber:
		return compareNumbers(a, b)
	case classString:
		if coll != nil {
			return coll.compare(text(a), text(b))
		}
		return bytes.Compare(text(a), text(b))
	case classBinary:
		return bytes.Compare(text(a), text(b))
	case classUUID:
		_, x := extension(a)
		_, y := extension(b)
		return bytes.Compare(x, y)
	case classDatetime:
		return compareDatetimes(a, b)
	}
	return 0
}

func compareNumbers(a, b []byte) int {
	ta, tb := typeOf(a), typeOf(b)
	switch {
	case tb == mp.TypeExt:
		return -compareDecimalTo(b, a)
	case ta == mp.TypeExt:
		return compareDecimalTo(a, b)
	case tb == mp.TypeFloat32 || tb == mp.TypeFloat64:
		return -compareFloatTo(readFloat(b), a)
	case ta == mp.TypeFloat32 || ta == mp.TypeFloat64:
		return compareFloatTo(readFloat(a), b)
	}
	x, y := readInteger(a), readInteger(b)
	switch {
	case less(x, y):
		return -1
	case less(y, x):
		return 1
	}
	return 0
}

// compareFloatTo orders a float and a number that is no decimal. NaN is below
// every other number.
func compareFloatTo(f float64, v []byte) int {
	if t := typeOf(v); t == mp.TypeUint || t == mp.TypeInt {
		return compareFloatToInteger(f, readInteger(v))
	}
	g := readFloat(v)
	switch fNaN, gNaN := math.IsNaN(f), math.IsNaN(g); {
	case fNaN && gNaN:
		const quiet = 1 << 51
		return cmp.Compare(math.Float64bits(f)&quiet, math.Float64bits(g)&quiet)
	case fNaN:
		return -1
	case gNaN:
		return 1
	}
	return cmp.Compare(f, g)
}

// compareFloatToInteger is exact: it does not round the integer.
func compareFloatToInteger(f float64, i integer) int {
	switch {
	case math.IsNaN(f) || f < -(1<<63):
		return -1
	case f >= 1<<64:
		return 1
	}
	whole, fraction := math.Modf(f)
	w := integer{neg: whole < 0}
	if w.neg {
		w.abs = uint64(int64(whole))
	} else {
		w.abs = uint64(whole)
	}
	switch {
	case less(w, i):
		return -1
	case less(i, w):
		return 1
	}
	return cmp.Compare(fraction, 0)
}

// compareDecimalTo orders a decimal and a number of any kind.
func compareDecimalTo(dec, v []byte) int {
	_, data := extension(dec)
	a, _ := readDecimal(data)
	switch typeOf(v) {
	case mp.TypeExt:
		_, data := extension(v)
		b, _ := readDecimal(data)
		return compareDecimals(&a, &b)
	case mp.TypeFloat32, mp.TypeFloat64:
		f := readFloat(v)
		b, ok := decimalFromFloat(f)
		switch {
		case ok:
			return compareDecimals(&a, &b)
		case math.IsNaN(f) || f < 0:
			return 1
		}
		return -1
	}
	b := decimalFromInteger(readInteger(v))
	return compareDecimals(&a, &b)
}

// compareDatetimes orders points in time: seconds, then nanoseconds. The
// zone does not count.
func compareDatetimes(a, b []byte) int {
	_, x := extension(a)
	_, y := extension(b)
	if c := cmp.Compare(datetimeSeconds(x), datetimeSeconds(y)); c != 0 {
		return c
	}
	return cmp.Compare(datetimeNanos(x), datetimeNanos(y))
}

func datetimeSeconds(data []byte) int64 {
	if len(data) < 8 {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(data))
}

func datetimeNanos(data []byte) int32 {
	if len(data) < 16 {
		return 0
	}
	return int32(binary.LittleEndian.Uint32(data[8:]))
}

// Same reports whether two values are equal, whatever way their numbers are
// encoded. The order of a map's pairs counts.
func Same(a, b []byte) bool {
	ta, tb := typeOf(a), typeOf(b)
	switch {
	case ta != mp.TypeArray && ta != mp.TypeMap:
		return ta == mp.TypeNil && tb == mp.TypeNil || tb != mp.TypeNil && classOf(a) == classOf(b) &&
			(classOf(a) != classOther && compareValues(a, b, nil) == 0 || bytes.Equal(a, b))
	case ta != tb:
		return false
	}
	x, y := children(a), children(b)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if !Same(x[i], y[i]) {
			return false
		}
	}
	return true
}

// children returns the values of an array, or the keys and values of a map.
func children(v []byte) [][]byte {
	if typeOf(v) == mp.TypeArray {
		return elements(v)
	}
	n, rest := mapping(v)
	all := make([][]byte, 2*n)
	for i := range all {
		all[i], rest = next(rest)
	}
	return all
}
