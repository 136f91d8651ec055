package tnt_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

func TestNegativeDurations(t *testing.T) {
	for name, set := range map[string]func(*tnt.Options){
		"ConnectTimeout":    func(o *tnt.Options) { o.ConnectTimeout = -2 },
		"ReconnectInterval": func(o *tnt.Options) { o.ReconnectInterval = -time.Second },
		"PingInterval":      func(o *tnt.Options) { o.PingInterval = -time.Second },
		"DeadAfter":         func(o *tnt.Options) { o.DeadAfter = math.MinInt64 },
		"RequestTimeout":    func(o *tnt.Options) { o.RequestTimeout = -time.Second },
	} {
		var o tnt.Options
		set(&o)
		if _, err := tnt.New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := tnt.New(tnt.Options{ConnectTimeout: tnt.Never, ReconnectInterval: tnt.Never, PingInterval: tnt.Never, DeadAfter: tnt.Never, RequestTimeout: tnt.Never}); err != nil {
		t.Error(err)
	}
}

func TestEachOfNothing(t *testing.T) {
	conn, err := tnt.New(tnt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range tnt.Each[int](t.Context(), conn, []tnt.Request{}) {
		t.Error("an answer", err)
	}
}

// TestOddPartNumbers has parts of an index at fields that can't be.
func TestOddPartNumbers(t *testing.T) {
	format := []any{map[string]any{"name": "a", "type": "unsigned"}}
	space := []any{512, 1, "odd", "memtx", 0, map[string]any{}, format}
	rows := map[string]any{
		"map":  map[string]any{"field": uint64(math.MaxUint64), "type": "unsigned"},
		"list": []any{uint64(1 << 63), "unsigned"},
	}
	for name, part := range rows {
		t.Run(name, func(t *testing.T) {
			index := []any{512, 0, "pk", "tree", map[string]any{}, []any{part}}
			addr := fakeServer(t, func(p *peer) {
				for _, r := range [][]any{space, index} {
					h, _, err := p.next()
					if err != nil {
						return
					}
					body := row(func(b []byte) []byte {
						b, err := mp.AppendValue(b, r)
						if err != nil {
							panic(err)
						}
						return b
					})
					if _, err := p.Write(frame(iproto.TypeOK, h.Sync, body)); err != nil {
						return
					}
				}
				p.drain()
			})
			conn := toFake(t, addr, func(o *tnt.Options) { o.NoSchema = false })
			if index := conn.Schema().Space("odd").Index("pk"); index != nil && index.Parts[0].Name != "" {
				t.Errorf("got %+v", index)
			}
		})
	}
}

func TestZeroTupleAsKey(t *testing.T) {
	s := tnttest.Run(t, tnttest.WithSpace(tnttest.SpaceDef{Name: "numbers"}))
	conn := connect(t, tnt.Options{Address: s.Addr()})
	for _, req := range []tnt.Request{
		tnt.Select{Space: "numbers", Key: tnt.K(tnt.Tuple{})},
		tnt.Delete{Space: "numbers", Key: tnt.K(tnt.Tuple{})},
	} {
		if _, err := conn.Do(testContext(t), req); !tnt.SafeToRetry(err) {
			t.Errorf("%T: %v", req, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestNilRequest(t *testing.T) {
	conn := connect(t, tnt.Options{Dialer: embedded(t).DialContext})
	if _, err := conn.Do(testContext(t), nil); err == nil {
		t.Error("Do took a nil request")
	}
	if _, err := conn.Go(testContext(t), nil).Wait(testContext(t)); err == nil {
		t.Error("Go took a nil request")
	}
	if _, err := tnt.One[int](testContext(t), conn, nil); err == nil {
		t.Error("One took a nil request")
	}
	var none *tnt.Select
	for what, err := range map[string]error{
		"Do":      second(conn.Do(testContext(t), none)),
		"Go":      second(conn.Go(testContext(t), none).Wait(testContext(t))),
		"One":     second(tnt.One[int](testContext(t), conn, none)),
		"OneInto": tnt.OneInto(testContext(t), conn, none, new(int)),
		"a chan":  second(tnt.One[chan int](testContext(t), conn, none)),
	} {
		if err == nil {
			t.Errorf("%s took a nil pointer", what)
		}
	}
	for _, err := range tnt.Each[int](testContext(t), conn, []tnt.Request{nil, none}) {
		if err == nil {
			t.Error("Each took a nil request")
		}
	}
	if n := conn.Stats().InFlight; n != 0 {
		t.Errorf("%d slots are taken", n)
	}
}

// TestNilTarget gives nowhere to put the answer, which is told before anything
// is sent.
func TestNilTarget(t *testing.T) {
	conn := connect(t, tnt.Options{Dialer: embedded(t).DialContext})
	for what, err := range map[string]error{
		"OneInto": tnt.OneInto(testContext(t), conn, tnt.Ping{}, (*int)(nil)),
		"AllInto": tnt.AllInto(testContext(t), conn, tnt.Ping{}, (*[]int)(nil)),
	} {
		failsWith(t, what, err, "tnt: PING: there is a nil where a pointer")
		if !tnt.SafeToRetry(err) {
			t.Errorf("%s: %v was sent", what, err)
		}
	}
	if _, err := conn.WatchFunc("key", nil); err == nil {
		t.Error("WatchFunc took a nil function")
	}
	if n := conn.Stats().InFlight; n != 0 {
		t.Errorf("%d slots are taken", n)
	}
}
