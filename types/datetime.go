package types

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The bounds of a datetime, by src/lib/core/datetime.h of Tarantool's sources:
// the years -5879610 to 5879611, offsets from UTC-12:00 to UTC+14:00.
const (
	minSeconds = -185604722870400
	maxSeconds = 185480451417600
	minOffset  = -12 * 60
	maxOffset  = 14 * 60
	maxNsec    = 2_000_000_000 // a second more for a leap second
)

// The data of a datetime is 8 bytes, the seconds since 1970, and 8 more where
// any of these is not 0: nanoseconds, the offset in minutes, the zone's index.
// Bytes are in little-endian order.
const (
	shortDatetime = 8
	longDatetime  = 16
)

// AppendDatetime appends the data of an extension of type ExtDatetime.
//
// The instant is kept to the nanosecond. Of the time's Location, a name that
// Tarantool knows is kept with the offset, be it of the time zone database or
// an abbreviation with its own offset, such as MSK; of any other the offset
// alone. time.UTC is no zone at all, which Lua prints as Z; DecodeDatetime
// gives a Location of its own to datetimes whose zone is called UTC.
//
// Offsets are whole minutes: the seconds of an older local time are cut off,
// which does not change the instant. It fails for years and offsets that are
// beyond what Tarantool takes.
func AppendDatetime(b []byte, t time.Time) ([]byte, error) {
	seconds := t.Unix()
	if seconds < minSeconds || seconds > maxSeconds {
		return b, fmt.Errorf("datetime: the year %d is beyond what Tarantool takes", t.Year())
	}
	_, offset := t.Zone()
	offset /= 60
	if offset < minOffset || offset > maxOffset {
		return b, fmt.Errorf("datetime: the offset of %s is beyond what Tarantool takes, -12:00 to +14:00", t.Format("-07:00"))
	}
	index := zoneIndex(t.Location(), offset)
	b = binary.LittleEndian.AppendUint64(b, uint64(seconds))
	if t.Nanosecond() == 0 && offset == 0 && index == 0 {
		return b, nil
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(t.Nanosecond()))
	b = binary.LittleEndian.AppendUint16(b, uint16(int16(offset)))
	return binary.LittleEndian.AppendUint16(b, uint16(index)), nil
}

// DecodeDatetime reads the data of an extension of type ExtDatetime.
//
// The time's Location is time.UTC where the datetime has no zone and no
// offset, a fixed one where it has an offset or an abbreviation, and that of
// the time zone database where it has a zone of it. On a machine without that
// database, or where a later server has zones that this package does not
// know, it is a fixed one too.
func DecodeDatetime(data []byte) (time.Time, error) {
	if len(data) != shortDatetime && len(data) != longDatetime {
		return time.Time{}, fmt.Errorf("datetime: %d bytes of data, neither %d nor %d", len(data), shortDatetime, longDatetime)
	}
	seconds := int64(binary.LittleEndian.Uint64(data))
	if seconds < minSeconds || seconds > maxSeconds {
		return time.Time{}, fmt.Errorf("datetime: %d seconds are out of range", seconds)
	}
	if len(data) == shortDatetime {
		return time.Unix(seconds, 0).UTC(), nil
	}
	nsec := int32(binary.LittleEndian.Uint32(data[8:]))
	offset := int16(binary.LittleEndian.Uint16(data[12:]))
	index := int16(binary.LittleEndian.Uint16(data[14:]))
	switch {
	case nsec < 0 || nsec >= maxNsec:
		return time.Time{}, fmt.Errorf("datetime: %d nanoseconds are out of range", nsec)
	case offset < minOffset || offset > maxOffset:
		return time.Time{}, fmt.Errorf("datetime: the offset of %d minutes is out of range", offset)
	case index < 0 || index > maxZoneIndex:
		return time.Time{}, fmt.Errorf("datetime: the zone index %d is out of range", index)
	}
	return time.Unix(seconds, int64(nsec)).In(location(index, offset)), nil
}
