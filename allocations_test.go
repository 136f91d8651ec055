package tnt_test

import (
	"context"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
)

// answerAll answers every request with the same body, and allocates nothing
// for that once it is under way.
func answerAll(p *peer, body []byte) {
	in, out := make([]byte, 64<<10), make([]byte, 0, 64<<10)
	have := copy(in, p.in)
	for {
		out = out[:0]
		at := 0
		for {
			head, size, err := wire.FrameSize(in[at:have])
			if err != nil || head == 0 || at+head+int(size) > have {
				break
			}
			r := mp.NewReader(in[at+head : at+head+int(size)])
			h, err := wire.DecodeHeader(&r)
			if err != nil {
				return
			}
			at += head + int(size)
			start := len(out)
			out = wire.AppendResponseHeader(wire.BeginFrame(out), wire.Header{Sync: h.Sync, SchemaVersion: 1})
			out = append(out, body...)
			if wire.EndFrame(out, start) != nil {
				return
			}
		}
		have = copy(in, in[at:have])
		if _, err := p.Write(out); err != nil {
			return
		}
		n, err := p.Read(in[have:])
		if err != nil {
			return
		}
		have += n
	}
}

// TestAllocations holds the numbers of allocations that are promised.
func TestAllocations(t *testing.T) {
	if withRace {
		t.Skip("the race detector allocates: make test runs this without it as well")
	}
	type numbers struct {
		ID    uint64
		Age   int64
		Score float64
	}
	type named struct {
		ID   uint64
		Name string
	}
	ofNumbers := row(func(b []byte) []byte {
		return mp.AppendFloat64(mp.AppendInt(mp.AppendUint(mp.AppendArrayLen(b, 3), 1000), -5), 1.5)
	})
	ofNames := row(func(b []byte) []byte {
		return mp.AppendString(mp.AppendUint(mp.AppendArrayLen(b, 2), 1), "a name")
	})
	connTo := func(body []byte, change ...func(*tnt.Options)) *tnt.Conn {
		return toFake(t, fakeServer(t, func(p *peer) { answerAll(p, body) }), change...)
	}
	plain, names := connTo(ofNumbers), connTo(ofNames)
	timeouts := connTo(ofNumbers, func(o *tnt.Options) { o.RequestTimeout = time.Minute })
	hooked := connTo(ofNumbers, func(o *tnt.Options) {
		o.Hooks = []tnt.Hook{tnt.StateFunc(func(*tnt.Conn, tnt.State, tnt.State, error) {})}
	})

	deadline, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	none := context.Background()
	sel := tnt.Select{SpaceID: 512, Key: tnt.K(1000), Limit: 1}
	update := tnt.Update{SpaceID: 512, Key: tnt.K(1000), Ops: []tnt.Op{tnt.OpAssign(1, 7)}}
	var n numbers
	var s named
	var many []numbers
	for name, c := range map[string]struct {
		most float64
		do   func() error
	}{
		"ping":                    {0, func() error { return plain.Ping(none) }},
		"select, reused":          {0, func() error { return tnt.OneInto(none, plain, sel, &n) }},
		"select, reused slice":    {0, func() error { return tnt.AllInto(none, plain, sel, &many) }},
		"select, a deadline":      {0, func() error { return tnt.OneInto(deadline, plain, sel, &n) }},
		"select, RequestTimeout":  {0, func() error { return tnt.OneInto(none, timeouts, sel, &n) }},
		"select, hooks of states": {0, func() error { return tnt.OneInto(none, hooked, sel, &n) }},
		"select, the same string": {0, func() error { return tnt.OneInto(none, names, sel, &s) }},
		"select, another string":  {1, func() error { s.Name = ""; return tnt.OneInto(none, names, sel, &s) }},
		"replace of a struct":     {0, func() error { return tnt.Exec(none, plain, tnt.Replace{SpaceID: 512, Tuple: &n}) }},
		"update":                  {0, func() error { return tnt.Exec(none, plain, update) }},
		"insert of a struct":      {0, func() error { return tnt.Exec(none, plain, tnt.Insert{SpaceID: 512, Tuple: &n}) }},
		"select of a new struct":  {2, func() error { _, err := tnt.One[numbers](none, plain, sel); return err }},
		"select, untyped":         {4, func() error { _, err := plain.Do(none, sel); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			for range 10 { // what is made once and kept
				if err := c.do(); err != nil {
					t.Fatal(err)
				}
			}
			got := testing.AllocsPerRun(1000, func() {
				if err := c.do(); err != nil {
					t.Fatal(err)
				}
			})
			if got > c.most {
				t.Errorf("%v allocations, at most %v are promised", got, c.most)
			}
		})
	}
}
