package types

import (
	"fmt"
	"strconv"
	"strings"
)

// VClockSize is how many components a VClock has: an instance's id is below it.
const VClockSize = 32

// VClock is a vector clock: of each instance of a replica set, by its id, the
// number (LSN) of the last row of its log that is known. Component 0 counts
// the rows that an instance keeps to itself, those of local spaces; it says
// nothing to others. The zero VClock stands before every row.
//
// VClocks are values: they are copied by assignment and equal by ==.
type VClock [VClockSize]uint64

// ParseVClock makes a VClock of its text as Tarantool writes it:
// "{1: 121, 2: 5}". Each id may stand there once.
func ParseVClock(s string) (VClock, error) {
	var v VClock
	inner, opened := strings.CutPrefix(strings.TrimSpace(s), "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if !opened || !closed {
		return VClock{}, vclockError(s, "it is not in braces")
	}
	if strings.TrimSpace(inner) == "" {
		return v, nil
	}
	var seen uint32
	for pair := range strings.SplitSeq(inner, ",") {
		left, right, ok := strings.Cut(pair, ":")
		id, err1 := strconv.ParseUint(strings.TrimSpace(left), 10, 32)
		lsn, err2 := strconv.ParseUint(strings.TrimSpace(right), 10, 63)
		switch {
		case !ok || err1 != nil || err2 != nil:
			return VClock{}, vclockError(s, fmt.Sprintf("%q is not an id and an LSN", strings.TrimSpace(pair)))
		case id >= VClockSize:
			return VClock{}, vclockError(s, fmt.Sprintf("id %d is more than %d", id, VClockSize-1))
		case seen&(1<<id) != 0:
			return VClock{}, vclockError(s, fmt.Sprintf("id %d stands there twice", id))
		}
		seen |= 1 << id
		v[id] = lsn
	}
	return v, nil
}

func vclockError(s, reason string) error {
	return fmt.Errorf("%.200q is no vclock such as {1: 121, 2: 5}: %s", s, reason)
}

// String returns the text that ParseVClock reads, as Tarantool writes it.
// Components of 0 are left out.
func (v VClock) String() string {
	b := []byte{'{'}
	for id, lsn := range v {
		if lsn == 0 {
			continue
		}
		if len(b) > 1 {
			b = append(b, ", "...)
		}
		b = strconv.AppendInt(b, int64(id), 10)
		b = append(b, ": "...)
		b = strconv.AppendUint(b, lsn, 10)
	}
	return string(append(b, '}'))
}

// MarshalText returns the same as String.
func (v VClock) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what ParseVClock does.
func (v *VClock) UnmarshalText(text []byte) error {
	parsed, err := ParseVClock(string(text))
	if err == nil {
		*v = parsed
	}
	return err
}

// Global returns the VClock without component 0, as it may be told to another
// instance.
func (v VClock) Global() VClock {
	v[0] = 0
	return v
}

// Covers reports whether every row that w knows of is known to v too, those of
// local spaces aside. Of two VClocks neither may cover the other.
func (v VClock) Covers(w VClock) bool {
	for id := 1; id < VClockSize; id++ {
		if v[id] < w[id] {
			return false
		}
	}
	return true
}

// Signature returns the sum of all components, after which Tarantool names its
// files.
func (v VClock) Signature() uint64 {
	var sum uint64
	for _, lsn := range v {
		sum += lsn
	}
	return sum
}
