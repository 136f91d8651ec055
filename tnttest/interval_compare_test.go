package tnttest_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/tarantool"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest/internal/golden"
	"github.com/gotnt/tnt/types"
)

// arithmetic is Lua that adds, subtracts or compares, and returns the result or
// that there is none.
const arithmetic = `
local op, a, b = ...
local ok, r = pcall(function()
    if op == '+' then return a + b end
    return a - b
end)
if not ok then return nil, tostring(r) end
return r, ''
`

// lua asks a server to calculate.
func calculate(t *rapid.T, p *golden.Player, op string, a, b any) (any, string) {
	args := mp.AppendArrayLen(nil, 3)
	for _, v := range []any{op, a, b} {
		var err error
		if args, err = mp.AppendValue(args, v); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := p.DoRaw(frame(iproto.TypeEval, 0, 1, func(w *wire.BodyWriter) {
		w.String(iproto.KeyExpr, arithmetic)
		w.Raw(iproto.KeyTuple, args)
	}))
	if err != nil {
		t.Fatal(err)
	}
	r := mp.NewReader(answer)
	h, err := wire.DecodeHeader(&r)
	var body wire.Body
	if err != nil || h.Type != iproto.TypeOK || body.Decode(r.Rest()) != nil {
		t.Fatalf("%v: %s", err, golden.Essence(answer))
	}
	d := body.Reader(iproto.KeyData)
	d.ArrayLen()
	result := d.Value()
	why := d.String()
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	return result, why
}

func drawTime(t *rapid.T, label string, years int) time.Time {
	zones := []string{"", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "MSK"}
	zone := rapid.SampledFrom(zones).Draw(t, label+" zone")
	at := time.Unix(rapid.Int64Range(2*86400, int64(years)*365*86400).Draw(t, label), rapid.Int64Range(0, 999999999).Draw(t, label+" nsec"))
	if rapid.Bool().Draw(t, label+" at a month's end") {
		at = time.Date(at.Year(), at.Month()+1, 0, at.Hour(), 0, 0, 0, time.UTC)
	}
	switch zone {
	case "":
		return at.UTC()
	case "MSK":
		return at.In(time.FixedZone("MSK", 3*3600))
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Skip("no time zone database")
	}
	return at.In(loc)
}

func drawInterval(t *rapid.T, label string, scale int64) types.Interval {
	part := func(name string, limit int64) int64 {
		if rapid.Bool().Draw(t, label+" has "+name) {
			return 0
		}
		return rapid.Int64Range(-limit, limit).Draw(t, label+" "+name)
	}
	return types.Interval{
		Year: part("years", 20*scale), Month: part("months", 50*scale), Week: part("weeks", 60*scale), Day: part("days", 100*scale),
		Hour: part("hours", 500*scale), Min: part("minutes", 5000*scale), Sec: part("seconds", 1e6*scale), Nsec: part("nanoseconds", 1e9),
		Adjust: rapid.SampledFrom([]types.Adjust{types.AdjustNone, types.AdjustExcess, types.AdjustLast}).Draw(t, label+" adjust"),
	}
}

// TestIntervalsAsTheRealOnes calculates with random datetimes and intervals, in
// Go and on a real server.
func TestIntervalsAsTheRealOnes(t *testing.T) {
	programs, err := tarantool.Find()
	must(t, err)
	compared := 0
	for _, p := range programs {
		if !p.Version.AtLeast(3, 8, 0) {
			continue // older ones differ in zones, and 2.10 has none
		}
		compared++
		t.Run(p.Version.String(), func(t *testing.T) {
			srv, err := tarantool.Start(p.Path, "")
			must(t, err)
			t.Cleanup(func() { _ = srv.Close() })
			player, err := golden.Dial(srv.Address)
			must(t, err)
			t.Cleanup(player.Close)
			rapid.Check(t, func(t *rapid.T) { compareIntervals(t, player) })
		})
	}
	if compared == 0 {
		t.Skip("no Tarantool 3.8 or later on PATH nor in TARANTOOL")
	}
}

func compareIntervals(t *rapid.T, p *golden.Player) {
	a, b := drawTime(t, "a", 200), drawTime(t, "b", 200)
	a = a.AddDate(100, 0, 0) // so that no step ends before 1970, nor where the server's zones end, in 2437
	scale := rapid.SampledFrom([]int64{1, 1, 1, 1_000_000}).Draw(t, "scale")
	if scale > 1 { // only beyond all years, where both refuse
		a = a.UTC()
	}
	iv, iv2 := drawInterval(t, "interval", scale), drawInterval(t, "other", scale)
	for _, c := range []struct {
		op         string
		left, with any
		got        func() (any, error)
	}{
		{"+", a, iv, func() (any, error) { return iv.AddTo(a) }},
		{"-", a, iv, func() (any, error) { return iv.SubtractFrom(a) }},
		{"-", a, b, func() (any, error) { return types.IntervalBetween(b, a) }},
		{"+", iv, iv2, func() (any, error) { return iv.Add(iv2) }},
		{"-", iv, iv2, func() (any, error) { return iv.Sub(iv2) }},
	} {
		want, why := calculate(t, p, c.op, c.left, c.with)
		got, err := c.got()
		switch {
		case (err != nil) != (why != ""):
			t.Fatalf("%v %s %v: got %v, %v, the real one %v %s", c.left, c.op, c.with, got, err, want, why)
		case err == nil && essenceOf(got) != essenceOf(want):
			if at, ok := want.(time.Time); ok && at.Before(time.Unix(86400, 0)) {
				continue // before 1970 the real one loses a day
			}
			t.Fatalf("%v %s %v: got %v, the real one %v", c.left, c.op, c.with, essenceOf(got), essenceOf(want))
		}
	}
}

func essenceOf(v any) string {
	if at, ok := v.(time.Time); ok {
		return fmt.Sprint(at.Unix(), " ", at.Nanosecond())
	}
	return fmt.Sprintf("%+v", v)
}
