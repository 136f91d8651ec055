package mp

import (
	"encoding/binary"
	"math"
	"reflect"
	"unsafe"
)

// quick is a kind of field that is read without calling its plan where what
// comes is what nearly always comes: calls of functions that only the plan
// knows cost about a third of a row's time (BenchmarkDecodeRows: 6.4 ms for
// 100,000 rows with them, 4.2 without, 3.4 of generated code). What else comes,
// and every error, is left to the plan.
type quick uint8

const (
	quickUint quick = iota + 1
	quickInt
	quickString
	quickFloat
)

// quickKind returns how a field of the plan's type may be read, 0 for none.
func (p *Plan) quickKind() quick {
	if p.unmarshals || p.slow || p.typ == durationType {
		return 0
	}
	switch p.typ.Kind() {
	case reflect.Uint64:
		return quickUint
	case reflect.Int64:
		return quickInt
	case reflect.String:
		return quickString
	case reflect.Float64:
		return quickFloat
	case reflect.Uint, reflect.Uintptr:
		if p.typ.Size() == 8 {
			return quickUint
		}
	case reflect.Int:
		if p.typ.Size() == 8 {
			return quickInt
		}
	}
	return 0
}

// decodeQuick reads fields of the struct that p points to from the front of b
// up to one that is for its plan, and returns how many it has read and the
// bytes left. It keeps all it needs in registers, hence its length.
//
//nolint:cyclop,gocognit,funlen // one loop without calls is the point of it
func decodeQuick(fields []*fieldPlan, b []byte, p unsafe.Pointer) (int, []byte) {
	for i, f := range fields {
		if f == nil || len(b) == 0 {
			return i, b
		}
		dst := unsafe.Add(p, f.offset)
		c := b[0]
		switch f.quick {
		case quickUint, quickInt:
			switch {
			case c <= 0x7f:
				*(*uint64)(dst) = uint64(c)
				b = b[1:]
			case c == 0xcc && len(b) > 1:
				*(*uint64)(dst) = uint64(b[1])
				b = b[2:]
			case c == 0xcd && len(b) > 2:
				*(*uint64)(dst) = uint64(binary.BigEndian.Uint16(b[1:]))
				b = b[3:]
			case c == 0xce && len(b) > 4:
				*(*uint64)(dst) = uint64(binary.BigEndian.Uint32(b[1:]))
				b = b[5:]
			case c == 0xcf && len(b) > 8 && (f.quick == quickUint || b[1] <= 0x7f):
				*(*uint64)(dst) = binary.BigEndian.Uint64(b[1:])
				b = b[9:]
			case f.quick == quickUint:
				return i, b
			case c >= 0xe0:
				*(*int64)(dst) = int64(int8(c))
				b = b[1:]
			case c == 0xd0 && len(b) > 1:
				*(*int64)(dst) = int64(int8(b[1]))
				b = b[2:]
			case c == 0xd1 && len(b) > 2:
				*(*int64)(dst) = int64(int16(binary.BigEndian.Uint16(b[1:])))
				b = b[3:]
			case c == 0xd2 && len(b) > 4:
				*(*int64)(dst) = int64(int32(binary.BigEndian.Uint32(b[1:])))
				b = b[5:]
			case c == 0xd3 && len(b) > 8:
				*(*uint64)(dst) = binary.BigEndian.Uint64(b[1:])
				b = b[9:]
			default:
				return i, b
			}
		case quickString:
			head, n := 1, int(c&0x1f)
			if c == 0xd9 && len(b) > 1 {
				head, n = 2, int(b[1])
			} else if c&0xe0 != 0xa0 {
				return i, b
			}
			if len(b) < head+n {
				return i, b
			}
			if text := b[head : head+n]; *(*string)(dst) != string(text) {
				*(*string)(dst) = string(text)
			}
			b = b[head+n:]
		case quickFloat:
			if c != 0xcb || len(b) < 9 {
				return i, b
			}
			*(*float64)(dst) = math.Float64frombits(binary.BigEndian.Uint64(b[1:]))
			b = b[9:]
		default:
			return i, b
		}
	}
	return len(fields), b
}
