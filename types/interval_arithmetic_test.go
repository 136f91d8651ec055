package types

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestIntervalAddTo(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	// What Tarantool 3.8.0 answers, but for the last of them.
	for _, c := range []struct {
		from string
		iv   Interval
		sum  string
	}{
		{"2023-01-31T10:00:00Z", Interval{Month: 1}, "2023-02-28T10:00:00Z"},
		{"2023-01-31T10:00:00Z", Interval{Month: 1, Adjust: AdjustExcess}, "2023-03-03T10:00:00Z"},
		{"2023-02-28T10:00:00Z", Interval{Month: 1, Adjust: AdjustLast}, "2023-03-31T10:00:00Z"},
		{"2023-02-28T10:00:00Z", Interval{Month: 1}, "2023-03-28T10:00:00Z"},
		{"2024-02-29T10:00:00Z", Interval{Year: 1}, "2025-02-28T10:00:00Z"},
		{"2024-02-29T10:00:00Z", Interval{Year: -1, Adjust: AdjustLast}, "2023-02-28T10:00:00Z"},
		{"2024-02-29T10:00:00Z", Interval{Year: 1, Month: -12}, "2024-02-28T10:00:00Z"},
		{"2024-01-01T00:00:00Z", Interval{Week: 1, Day: -1, Hour: 25, Min: -61, Sec: 61, Nsec: -1}, "2024-01-08T00:00:00.999999999Z"},
		{"2024-01-01T23:30:00+05:00", Interval{Hour: 1}, "2024-01-02T00:30:00+05:00"},
		{"1969-12-30T23:59:59Z", Interval{Day: 1}, "1969-12-31T23:59:59Z"},
	} {
		if got, err := c.iv.AddTo(at(c.from)); err != nil || !got.Equal(at(c.sum)) {
			t.Errorf("%s and %v are %v, %v, want %s", c.from, c.iv, got, err, c.sum)
		}
		negated := Interval{
			Year: -c.iv.Year, Month: -c.iv.Month, Week: -c.iv.Week, Day: -c.iv.Day,
			Hour: -c.iv.Hour, Min: -c.iv.Min, Sec: -c.iv.Sec, Nsec: -c.iv.Nsec, Adjust: c.iv.Adjust,
		}
		if got, err := negated.SubtractFrom(at(c.from)); err != nil || !got.Equal(at(c.sum)) {
			t.Errorf("%s less %v are %v, %v, want %s", c.from, negated, got, err, c.sum)
		}
	}
}

func TestIntervalAddToRefuses(t *testing.T) {
	now := time.Unix(0, 0).UTC()
	for _, iv := range []Interval{
		{Year: 5879611},
		{Year: -5879611 * 2},
		{Year: math.MaxInt64},
		{Month: math.MinInt64},
		{Week: math.MaxInt32},
		{Day: math.MaxInt64},
		{Day: math.MinInt64},
		{Hour: math.MaxInt64},
		{Min: math.MinInt64},
		{Sec: math.MaxInt64},
		{Sec: maxSeconds + 1},
		{Nsec: math.MaxInt64},
		{Adjust: 3},
	} {
		if got, err := iv.AddTo(now); err == nil {
			t.Errorf("%v was added: %v", iv, got)
		}
	}
}

func TestIntervalSubtractFromRefuses(t *testing.T) {
	for _, iv := range []Interval{{Year: -5879611}, {Day: math.MinInt64}, {Day: math.MaxInt64}, {Sec: -maxSeconds - 1}, {Hour: math.MinInt64}} {
		if got, err := iv.SubtractFrom(time.Unix(0, 0).UTC()); err == nil {
			t.Errorf("%v was subtracted: %v", iv, got)
		}
	}
}

func TestIntervalSums(t *testing.T) {
	a := Interval{Year: 1, Month: 2, Week: 3, Day: 4, Hour: 5, Min: 6, Sec: 7, Nsec: 8, Adjust: AdjustLast}
	b := Interval{Year: 10, Month: 20, Week: 30, Day: 40, Hour: 50, Min: 60, Sec: 70, Nsec: 80}
	sum, err := a.Add(b)
	if want := (Interval{11, 22, 33, 44, 55, 66, 77, 88, AdjustLast}); sum != want || err != nil {
		t.Errorf("the sum is %+v, %v", sum, err)
	}
	if back, err := sum.Sub(b); back != a || err != nil {
		t.Errorf("the difference is %+v, %v", back, err)
	}
	for i := range intervalParts {
		var most, one Interval
		*most.parts()[i], *one.parts()[i] = partLimits[i], 1
		if _, err := most.Add(one); err == nil || !strings.Contains(err.Error(), intervalNames[i]) {
			t.Errorf("past the most of %s: %v", intervalNames[i], err)
		}
		if _, err := most.Sub(one); err != nil {
			t.Errorf("up to the most of %s: %v", intervalNames[i], err)
		}
		*most.parts()[i], *one.parts()[i] = math.MaxInt64, math.MaxInt64 // the sum of which is -2
		if sum, err := most.Add(one); err == nil {
			t.Errorf("%s that overflow: %v", intervalNames[i], sum)
		}
		*most.parts()[i], *one.parts()[i] = 0, math.MinInt64
		if difference, err := most.Sub(one); err == nil {
			t.Errorf("%s that overflow: %v", intervalNames[i], difference)
		}
	}
}

func ExampleInterval_AddTo() {
	lastOfJanuary := time.Date(2024, time.January, 31, 12, 0, 0, 0, time.UTC)
	for _, adjust := range []Adjust{AdjustNone, AdjustExcess} {
		next, err := Interval{Month: 1, Adjust: adjust}.AddTo(lastOfJanuary)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(adjust, next.Format(time.DateOnly))
	}
	// Output:
	// none 2024-02-29
	// excess 2024-03-02
}

func ExampleIntervalBetween() {
	from := time.Date(2023, time.December, 31, 23, 0, 0, 0, time.UTC)
	to := time.Date(2024, time.February, 1, 0, 30, 0, 0, time.UTC)
	fmt.Println(IntervalBetween(from, to))
	// Output: +1 years, -10 months, -30 days, -23 hours, 30 minutes <nil>
}
