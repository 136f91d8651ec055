package types

import (
	"encoding/hex"
	"testing"
	"time"
)

// Bytes as Tarantool 3.8.0 has them.
func TestDatetime(t *testing.T) {
	moscow, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Skip("no time zone database:", err)
	}
	for _, c := range []struct {
		t    time.Time
		data string
	}{
		{time.Unix(0, 0).UTC(), "0000000000000000"},
		{time.Date(2022, 8, 31, 18, 7, 54, 308543321, time.FixedZone("", 3*3600)), "4a790f630000000059ff6312b4000000"},
		{time.Date(2024, 2, 29, 0, 0, 0, 0, moscow), "d09edf650000000000000000b400b303"},
		{time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), "00096e88f1ffffff"},
		{time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), "7f41f4ff3a000000ffc99a3b00000000"},
		{time.Unix(-2, 5e8).UTC(), "feffffffffffffff0065cd1d00000000"},
		{time.Date(-4000, 1, 1, 0, 0, 0, 0, time.UTC), "0005c822d4ffffff"},
		{time.Date(2024, 1, 1, 0, 0, 0, 0, time.FixedZone("UTC", 0)), "80009265000000000000000000002801"},
		{time.Date(2024, 1, 1, 0, 0, 0, 0, time.FixedZone("", -12*3600)), "40a99265000000000000000030fd0000"},
	} {
		b, err := AppendDatetime(nil, c.t)
		if got := hex.EncodeToString(b); err != nil || got != c.data {
			t.Errorf("%v is %s, %v, not %s", c.t, got, err, c.data)
		}
		back, err := DecodeDatetime(b)
		if err != nil || back.Format(time.RFC3339Nano) != c.t.Format(time.RFC3339Nano) || back.Location().String() != c.t.Location().String() {
			t.Errorf("%v comes back as %v, %v", c.t, back, err)
		}
		again, err := AppendDatetime(nil, back)
		if got := hex.EncodeToString(again); err != nil || got != c.data {
			t.Errorf("%v is %s, %v, not %s", back, got, err, c.data)
		}
	}
}

func TestDatetimeZones(t *testing.T) {
	for _, c := range []struct {
		name    string
		seconds int // of a fixed offset; noOffset for a zone of the database
		tail    string
	}{
		{"MSK", 3 * 3600, "b400ee00"},
		{"MSK", 4 * 3600, "f0000000"},        // not the offset that MSK stands for
		{"AMT", -4 * 3600, "10ff0000"},       // stands for several
		{"Mine", 1800, "1e000000"},           // unknown
		{"", 3600 + 59, "3c000000"},          // seconds are cut off, upwards
		{"", -3600 - 59, "c4ff0000"},         // and downwards
		{"US/Eastern", noOffset, "d4fe0603"}, // an alias
		{"America/New_York", noOffset, "d4fe0603"},
		{"Etc/UTC", noOffset, "00009903"},
	} {
		loc := time.FixedZone(c.name, c.seconds)
		if c.seconds == noOffset {
			var err error
			if loc, err = time.LoadLocation(c.name); err != nil {
				t.Skip("no time zone database:", err)
			}
		}
		b, err := AppendDatetime(nil, time.Date(2024, 1, 1, 0, 0, 0, 1, loc))
		if err != nil || hex.EncodeToString(b[12:]) != c.tail {
			t.Errorf("%s, %d: %x, %v, not %s", c.name, c.seconds, b[12:], err, c.tail)
		}
	}
}

// Every index has a place, always the same one, that leads back to the index.
func TestZoneIndexes(t *testing.T) {
	for index, entry := range zoneByIndex() {
		if entry.name == "" || entry.offset == noOffset {
			continue
		}
		loc := location(int16(index), entry.offset)
		if loc != location(int16(index), entry.offset) || loc == time.UTC || loc.String() != entry.name {
			t.Errorf("%d %s is %v", index, entry.name, loc)
		}
		if got := zoneIndex(loc, int(entry.offset)); got != int16(index) {
			t.Errorf("%d %s has index %d", index, entry.name, got)
		}
	}
	for _, a := range aliases {
		if entry := zoneByIndex()[a.index]; entry.name == "" || entry.name == a.name {
			t.Errorf("%s is an alias of %q", a.name, entry.name)
		}
	}
	for _, a := range abbreviations {
		if a.index >= firstZone {
			t.Errorf("%s has index %d", a.name, a.index)
		}
	}
	for _, z := range zones {
		if z.index < firstZone {
			t.Errorf("%s has index %d", z.name, z.index)
		}
	}
}

func TestDatetimeRefuses(t *testing.T) {
	for _, data := range []string{
		"", "00", "00000000000000", "000000000000000000",
		"ffffffffffffff7f", "0000000000000080",
		"0000000000000000ffffffff00000000", // nanoseconds
		"00000000000000000000000049030000", // offset
		"000000000000000000000000000000ff", // index
		"00000000000000000000000000000104",
	} {
		b, _ := hex.DecodeString(data)
		if tm, err := DecodeDatetime(b); err == nil {
			t.Errorf("%s is %v", data, tm)
		}
	}
	for _, tm := range []time.Time{
		time.Unix(maxSeconds+1, 0), time.Unix(minSeconds-1, 0),
		time.Unix(0, 0).In(time.FixedZone("", 15*3600)), time.Unix(0, 0).In(time.FixedZone("", -13*3600)),
	} {
		if b, err := AppendDatetime([]byte{1}, tm); err == nil || len(b) != 1 {
			t.Errorf("%v is %x, %v", tm, b, err)
		}
	}
}

// A server that knows more zones than this package, or an offset that is not
// the abbreviation's: the offset is kept.
func TestDatetimeOfUnknownZone(t *testing.T) {
	for _, tail := range []string{"b4000004", "b4002801"} {
		b, _ := hex.DecodeString("000000000000000000000000" + tail)
		tm, err := DecodeDatetime(b)
		if err != nil || tm.Format("15:04-0700") != "03:00+0300" {
			t.Errorf("%s: %v, %v", tail, tm, err)
		}
	}
}

func FuzzDatetime(f *testing.F) {
	for _, s := range []string{"0000000000000000", "d09edf650000000000000000b400b303", "80009265000000000000000000002801"} {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tm, err := DecodeDatetime(data)
		if err != nil {
			return
		}
		b, err := AppendDatetime(nil, tm)
		if err != nil {
			// A zone may have had a local time of its own, once.
			if _, offset := tm.Zone(); offset > 14*3600 || offset < -12*3600 || tm.Unix() == maxSeconds+1 {
				return
			}
			t.Fatal(err)
		}
		again, err := DecodeDatetime(b)
		if err != nil || !again.Equal(tm) {
			t.Fatalf("%v becomes %v, %v", tm, again, err)
		}
	})
}
