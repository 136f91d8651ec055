package types

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// Interval is a span of time in parts, as Tarantool adds it to a datetime.
// The parts stay apart: a month is no number of days. Any may be negative.
// The zero Interval is that of datetime.interval.new().
type Interval struct {
	Year, Month, Week   int64 // these three fit into int32
	Day, Hour, Min, Sec int64
	Nsec                int64 // fits into int32
	Adjust              Adjust
}

// Adjust says what becomes of the 31st of a month when an Interval's months
// lead to a shorter one.
type Adjust uint8

// The ways to adjust a day that the month does not have. AdjustNone is the
// default, in Tarantool as well as here; the numbers on the wire differ.
const (
	AdjustNone   Adjust = iota // the month's last day
	AdjustExcess               // as many days into the next month as there are too many
	AdjustLast                 // as none, and the last day of a month stays the last
)

var adjustNames = [...]string{"none", "excess", "last"}

// adjustOnWire has dt_adjust_t of Tarantool's c-dt by Adjust: DT_LIMIT,
// DT_EXCESS, DT_SNAP. It is its own inverse.
var adjustOnWire = [...]Adjust{AdjustNone: 1, AdjustExcess: 0, AdjustLast: 2}

// String returns Lua's name of it.
func (a Adjust) String() string {
	if int(a) < len(adjustNames) {
		return adjustNames[a]
	}
	return "Adjust(" + strconv.Itoa(int(a)) + ")"
}

// The keys of an interval's parts on the wire, by src/lib/core/mp_interval.c
// of Tarantool's sources: 0 to 7 in the order of the struct, then adjust.
const (
	intervalParts  = 8
	intervalAdjust = 8
)

var intervalNames = [intervalParts]string{
	"years", "months", "weeks", "days", "hours", "minutes", "seconds", "nanoseconds",
}

func (iv *Interval) parts() [intervalParts]*int64 {
	return [...]*int64{&iv.Year, &iv.Month, &iv.Week, &iv.Day, &iv.Hour, &iv.Min, &iv.Sec, &iv.Nsec}
}

// is32 reports whether the server keeps a part as an int32.
func is32(part int) bool { return part < 3 || part == 7 }

// String returns the interval as Lua's tostring does, such as
// "+1 years, -2 days". Adjust is not part of it.
func (iv Interval) String() string {
	var b []byte
	for i, p := range iv.parts() {
		if *p == 0 && (intervalNames[i] != "seconds" || len(b) > 0) {
			continue
		}
		if len(b) > 0 {
			b = append(b, ", "...)
		} else if *p >= 0 {
			b = append(b, '+')
		}
		b = strconv.AppendInt(b, *p, 10)
		b = append(b, ' ')
		b = append(b, intervalNames[i]...)
	}
	return string(b)
}

// AppendInterval appends the data of an extension of type ExtInterval. It
// fails where a part is beyond what Tarantool can hold.
func AppendInterval(b []byte, iv Interval) ([]byte, error) {
	if int(iv.Adjust) >= len(adjustOnWire) {
		return b, fmt.Errorf("interval: there is no %v", iv.Adjust)
	}
	start := len(b)
	b = append(b, 0)
	for i, p := range iv.parts() {
		v := *p
		if v == 0 {
			continue
		}
		if is32(i) && v != int64(int32(v)) {
			return b[:start], fmt.Errorf("interval: %d %s are too many", v, intervalNames[i])
		}
		b = append(b, byte(i))
		if v > 0 {
			b = msgp.AppendUint64(b, uint64(v))
		} else {
			b = msgp.AppendInt64(b, v)
		}
		b[start]++
	}
	if a := adjustOnWire[iv.Adjust]; a != 0 {
		b = append(b, intervalAdjust, byte(a))
		b[start]++
	}
	return b, nil
}

var errIntervalShort = errors.New("interval: data is cut short")

// DecodeInterval reads the data of an extension of type ExtInterval.
func DecodeInterval(data []byte) (Interval, error) {
	iv := Interval{Adjust: AdjustExcess} // what is not sent is 0
	if len(data) == 0 {
		return Interval{}, errIntervalShort
	}
	count, data := data[0], data[1:]
	parts := iv.parts()
	var seen [256]bool
	for range count {
		if len(data) < 2 {
			return Interval{}, errIntervalShort
		}
		key := int(data[0])
		v, rest, err := msgp.ReadInt64Bytes(data[1:])
		switch {
		case errors.Is(err, msgp.ErrShortBytes):
			return Interval{}, errIntervalShort
		case err != nil:
			return Interval{}, fmt.Errorf("interval: part %d is no integer of 64 bits", key)
		case seen[key]:
			return Interval{}, fmt.Errorf("interval: part %d is there twice", key)
		case key == intervalAdjust && 0 <= v && v < int64(len(adjustOnWire)):
			iv.Adjust = adjustOnWire[v]
		case key >= intervalParts:
			return Interval{}, fmt.Errorf("interval: no part %d of value %d is known", key, v)
		case is32(key) && (v < math.MinInt32 || v > math.MaxInt32):
			return Interval{}, fmt.Errorf("interval: %d %s are too many", v, intervalNames[key])
		default:
			*parts[key] = v
		}
		seen[key] = true
		data = rest
	}
	if len(data) > 0 {
		return Interval{}, fmt.Errorf("interval: %d bytes too many", len(data))
	}
	return iv, nil
}
