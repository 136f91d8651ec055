package types

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// A zone is a name of the time zone database and its index in Tarantool.
type zone struct {
	index int16
	name  string
}

// An abbreviation is a name that stands for an offset, such as MSK.
type abbreviation struct {
	index  int16
	offset int16 // in minutes
	name   string
}

// noOffset is the offset of an abbreviation that means several.
const noOffset = math.MinInt16

// maxZoneIndex is MAX_TZINDEX of Tarantool's datetime.h.
const maxZoneIndex = 1024

// zoneByIndex finds the entry of an index: its name, and for an abbreviation
// its offset.
var zoneByIndex = sync.OnceValue(func() *[maxZoneIndex + 1]abbreviation {
	var t [maxZoneIndex + 1]abbreviation
	for _, z := range zones {
		t[z.index] = abbreviation{z.index, 0, z.name}
	}
	for _, a := range abbreviations {
		t[a.index] = a
	}
	return &t
})

// firstZone is the index from which on zones are those of the database.
const firstZone = 672

// zoneByName finds the entry of a name, that of an alias included.
var zoneByName = sync.OnceValue(func() map[string]abbreviation {
	t := make(map[string]abbreviation, len(abbreviations)+len(zones)+len(aliases))
	for _, a := range abbreviations {
		t[a.name] = a
	}
	for _, list := range [][]zone{zones, aliases} {
		for _, z := range list {
			t[z.name] = abbreviation{z.index, 0, z.name}
		}
	}
	return t
})

// locations are those of indexes that were met: loading one reads a file.
var locations [maxZoneIndex + 1]atomic.Pointer[time.Location]

// location returns the place that an index and an offset in minutes tell. Of
// the same index it is the same *Location, but for abbreviations that come
// with an offset that is not theirs.
func location(index, offset int16) *time.Location {
	if index == 0 {
		if offset == 0 {
			return time.UTC
		}
		return time.FixedZone("", int(offset)*60)
	}
	entry := zoneByIndex()[index]
	if entry.name == "" || index < firstZone && entry.offset != offset {
		return time.FixedZone(entry.name, int(offset)*60)
	}
	if loc := locations[index].Load(); loc != nil {
		return loc
	}
	if index < firstZone {
		// A location of its own for "UTC" as well, so that it is told from
		// time.UTC, which stands for a datetime without a zone.
		locations[index].CompareAndSwap(nil, time.FixedZone(entry.name, int(offset)*60))
		return locations[index].Load()
	}
	loc, err := time.LoadLocation(entry.name)
	if err != nil { // this machine has no time zone database
		return time.FixedZone(entry.name, int(offset)*60)
	}
	locations[index].CompareAndSwap(nil, loc)
	return locations[index].Load()
}

// zoneIndex returns the index of a location, 0 where Tarantool has none for
// it. offset is what it has at the time in question, in minutes.
func zoneIndex(loc *time.Location, offset int) int16 {
	if loc == time.UTC {
		return 0
	}
	entry, ok := zoneByName()[loc.String()]
	if !ok || entry.index < firstZone && int(entry.offset) != offset {
		return 0
	}
	return entry.index
}
