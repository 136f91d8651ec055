package types

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// The days of a year and of a month by which Tarantool's src/lib/core/datetime.c
// judges beforehand whether a sum is in range.
const (
	averageYear  = 365.25
	averageMonth = averageYear / 12
	secondsOfDay = 24 * 60 * 60
)

// errDatetimeRange says that the result is not within -5879610-06-22 and
// 5879611-07-11.
var errDatetimeRange = errors.New("datetime: the result is beyond what Tarantool takes, the years -5879610 to 5879611")

// AddTo returns the time that is an interval after t, as Tarantool's
// datetime + interval gives it: first the years, months, weeks and days in the
// calendar, then the hours, minutes, seconds and nanoseconds, all on the local
// clock. A day that the month does not have is treated as Adjust says. It fails
// where the result, or a step to it, is out of Tarantool's range.
//
// The local clock is that of the zone which AppendDatetime would send: of a
// Location that Tarantool does not know, such as time.Local, the offset alone.
// What the clock shows at the end is understood as the server does: by the
// offset that the zone has when UTC's clock shows the same. So near a change of
// offsets one hour after another may be none.
//
// One thing is not as Tarantool 3.8 does it: before 1970 that loses a day where
// the time is not midnight, so that 1969-12-30T23:59:59Z and one day are
// 1969-12-30T23:59:59Z.
func (iv Interval) AddTo(t time.Time) (time.Time, error) { return iv.shift(t, 1) }

// SubtractFrom returns the time that is an interval before t, as Tarantool's
// datetime - interval gives it. It is AddTo with all parts negated.
func (iv Interval) SubtractFrom(t time.Time) (time.Time, error) { return iv.shift(t, -1) }

func (iv Interval) shift(t time.Time, sign int64) (time.Time, error) {
	if int(iv.Adjust) >= len(adjustNames) {
		return time.Time{}, fmt.Errorf("interval: there is no %v", iv.Adjust)
	}
	_, offset := t.Zone()
	offset = offset / 60 * 60
	secs := t.Unix() + int64(offset)
	day, clock := floorDiv(secs, secondsOfDay)
	day, err := iv.shiftDays(day, sign)
	if err != nil {
		return time.Time{}, err
	}
	secs = day*secondsOfDay + clock
	for _, p := range [...]struct{ n, unit int64 }{{iv.Hour, 60 * 60}, {iv.Min, 60}, {iv.Sec, 1}} {
		if p.n > maxSeconds/p.unit*2 || p.n < minSeconds/p.unit*2 {
			return time.Time{}, errDatetimeRange
		}
		if secs += sign * p.n * p.unit; secs < minSeconds || secs > maxSeconds {
			return time.Time{}, errDatetimeRange
		}
	}
	if !is32Bits(iv.Nsec) {
		return time.Time{}, fmt.Errorf("interval: %d nanoseconds are too many", iv.Nsec)
	}
	more, nsec := floorDiv(int64(t.Nanosecond())+sign*iv.Nsec, int64(time.Second))
	secs += more
	if index := zoneIndex(t.Location(), offset/60); index >= firstZone {
		_, offset = time.Unix(secs, 0).In(t.Location()).Zone()
		offset = offset / 60 * 60
	}
	if secs -= int64(offset); secs < minSeconds || secs > maxSeconds {
		return time.Time{}, errDatetimeRange
	}
	return time.Unix(secs, nsec).In(t.Location()), nil
}

func is32Bits(n int64) bool { return n == int64(int32(n)) }

// floorDiv divides and rounds down, so that the rest is never negative.
func floorDiv(a, b int64) (quotient, rest int64) {
	quotient, rest = a/b, a%b
	if rest < 0 {
		quotient--
		rest += b
	}
	return quotient, rest
}

// shiftDays moves a day, counted from 1970, by the interval's years, months,
// weeks and days.
func (iv Interval) shiftDays(day, sign int64) (int64, error) {
	for i, p := range [...]struct {
		n      int64
		months int64
		days   float64
	}{{iv.Year, 12, averageYear}, {iv.Month, 1, averageMonth}, {iv.Week, 0, 7}, {iv.Day, 0, 1}} {
		if p.n == 0 {
			continue
		}
		if i < 3 && !is32Bits(p.n) {
			return 0, fmt.Errorf("interval: %d %s are too many", p.n, intervalNames[i])
		}
		if n := float64(day+epochDay) + float64(sign*p.n)*p.days; n < math.MinInt32-1 || n > math.MaxInt32+1 || !is32Bits(int64(n)) {
			return 0, errDatetimeRange
		}
		if p.months == 0 {
			day += sign * p.n * int64(p.days)
			continue
		}
		day = addMonths(day, sign*p.n*p.months, iv.Adjust)
	}
	return day, nil
}

// epochDay is the number of 1970-01-01 where 0001-01-01 is 1.
const epochDay = 719163

// addMonths moves a day, counted from 1970, by months.
func addMonths(day, months int64, adjust Adjust) int64 {
	y, m, d := time.Unix(day*secondsOfDay, 0).UTC().Date()
	target := time.Date(y, m+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	if adjust != AdjustExcess && d >= 28 {
		last := daysIn(target)
		if d > last || adjust == AdjustLast && d == daysIn(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)) {
			d = last
		}
	}
	return target.Unix()/secondsOfDay + int64(d) - 1
}

// daysIn returns how many days the month has that begins at t.
func daysIn(t time.Time) int { return t.AddDate(0, 1, -1).Day() }

// Add returns the sum of two intervals, part by part. Adjust is the first's, as
// in Tarantool. It fails where a part is out of range.
func (iv Interval) Add(other Interval) (Interval, error) { return iv.combine(other, 1) }

// Sub returns the difference of two intervals, part by part. Adjust is the
// first's, as in Tarantool. It fails where a part is out of range.
func (iv Interval) Sub(other Interval) (Interval, error) { return iv.combine(other, -1) }

func (iv Interval) combine(other Interval, sign int64) (Interval, error) {
	ours, theirs := iv.parts(), other.parts()
	for i, p := range ours {
		most, n := partLimits[i], *theirs[i]
		if n < -2*most || n > 2*most || *p < -2*most || *p > 2*most { // with more the sum may overflow
			return Interval{}, fmt.Errorf("interval: %d and %d %s are beyond what Tarantool takes", *p, n, intervalNames[i])
		}
		if *p += sign * n; *p < -most || *p > most {
			return Interval{}, fmt.Errorf("interval: %d %s are beyond what Tarantool takes", *p, intervalNames[i])
		}
	}
	return iv, nil
}

// yearRange is how many years a datetime can span.
const yearRange = 5879611 + 5879610

// partLimits are the greatest values of the parts of a sum, by src/lib/core/datetime.h
// of Tarantool's sources.
var partLimits = [intervalParts]int64{
	yearRange, yearRange * 12, yearRange * 36525 / 700, yearRange * 36525 / 100,
	yearRange * 36525 * 24 / 100, yearRange * 36525 * 24 * 60 / 100, yearRange * 36525 * secondsOfDay / 100, math.MaxInt32,
}

// IntervalBetween returns to - from as Tarantool's datetime - datetime gives it:
// the difference of the years, of the months, and so on, as the two local clocks
// show them, and that of the offsets in the minutes. Parts may differ in sign.
// Tarantool 3.8 counts the time of days before 1970 backwards, which this does
// not.
func IntervalBetween(from, to time.Time) (Interval, error) {
	a, offsetA := clockParts(to)
	b, offsetB := clockParts(from)
	iv, err := a.Sub(b)
	if err != nil {
		return Interval{}, err
	}
	iv.Min -= int64(offsetA - offsetB)
	return iv, nil
}

// clockParts returns what the local clock shows, and its offset in minutes.
func clockParts(t time.Time) (Interval, int) {
	_, offset := t.Zone()
	offset /= 60
	t = time.Unix(t.Unix()+int64(offset)*60, int64(t.Nanosecond())).UTC()
	return Interval{
		Year: int64(t.Year()), Month: int64(t.Month()), Day: int64(t.Day()),
		Hour: int64(t.Hour()), Min: int64(t.Minute()), Sec: int64(t.Second()), Nsec: int64(t.Nanosecond()),
	}, offset
}
