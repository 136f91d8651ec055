package memtx

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gotnt/tnt/internal/mp"
)

// FormatTuple prints a MessagePack value as Tarantool prints tuples in errors:
// JSON, with extensions as their strings.
func FormatTuple(v []byte) string {
	var s strings.Builder
	formatValue(&s, v, 0)
	if s.Len() > maxPrinted {
		return s.String()[:maxPrinted-3] + "..."
	}
	return s.String()
}

const (
	maxPrinted = 1023 * 1024
	// maxPrintDepth is how deep values are printed; what is deeper is "...".
	maxPrintDepth = 32
)

func formatValue(s *strings.Builder, v []byte, depth int) {
	switch typeOf(v) {
	case mp.TypeNil:
		s.WriteString("null")
	case mp.TypeBool:
		s.WriteString(strconv.FormatBool(v[0] == 0xc3))
	case mp.TypeUint, mp.TypeInt:
		s.WriteString(readInteger(v).String())
	case mp.TypeFloat32, mp.TypeFloat64:
		s.WriteString(formatG(readFloat(v), 6))
	case mp.TypeString, mp.TypeBinary:
		formatString(s, text(v))
	case mp.TypeArray:
		formatGroup(s, elements(v), false, depth)
	case mp.TypeMap:
		formatGroup(s, children(v), true, depth)
	case mp.TypeExt:
		formatExtension(s, v)
	}
}

func formatGroup(s *strings.Builder, values [][]byte, isMap bool, depth int) {
	open, end := byte('['), byte(']')
	if isMap {
		open, end = '{', '}'
	}
	s.WriteByte(open)
	if depth >= maxPrintDepth {
		s.WriteString("...")
		values = nil
	}
	for i, x := range values {
		switch {
		case isMap && i%2 == 1:
			s.WriteString(": ")
		case i > 0:
			s.WriteString(", ")
		}
		formatValue(s, x, depth+1)
	}
	s.WriteByte(end)
}

func formatString(s *strings.Builder, str []byte) {
	s.WriteByte('"')
	for _, c := range str {
		switch {
		case c == '"' || c == '\\':
			s.WriteByte('\\')
			s.WriteByte(c)
		case c == '\b':
			s.WriteString(`\b`)
		case c == '\f':
			s.WriteString(`\f`)
		case c == '\n':
			s.WriteString(`\n`)
		case c == '\r':
			s.WriteString(`\r`)
		case c == '\t':
			s.WriteString(`\t`)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(s, `\u%04x`, c)
		default:
			s.WriteByte(c)
		}
	}
	s.WriteByte('"')
}

func formatExtension(s *strings.Builder, v []byte) {
	ext, data := extension(v)
	switch {
	case ext == extDecimal:
		if d, ok := readDecimal(data); ok {
			s.WriteString(d.String())
			return
		}
	case ext == extUUID && len(data) == 16:
		fmt.Fprintf(s, "%x-%x-%x-%x-%x", data[:4], data[4:6], data[6:8], data[8:10], data[10:])
		return
	case ext == extDatetime && (len(data) == 8 || len(data) == 16):
		s.WriteString(formatDatetime(data))
		return
	}
	fmt.Fprintf(s, "(extension: type %d, len %d)", ext, len(data))
}

func formatDatetime(data []byte) string {
	zone := 0
	if len(data) == 16 {
		zone = int(int16(binary.LittleEndian.Uint16(data[12:])))
	}
	nanos := datetimeNanos(data)
	t := time.Unix(datetimeSeconds(data), int64(nanos)).In(time.FixedZone("", 60*zone))
	s := t.Format("2006-01-02T15:04:05")
	switch {
	case nanos == 0:
	case nanos%1e6 == 0:
		s += fmt.Sprintf(".%03d", nanos/1e6)
	case nanos%1e3 == 0:
		s += fmt.Sprintf(".%06d", nanos/1e3)
	default:
		s += fmt.Sprintf(".%09d", nanos)
	}
	if zone == 0 {
		return s + "Z"
	}
	return s + t.Format("-0700")
}
