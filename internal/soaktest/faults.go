package soaktest

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// fault is something that goes wrong for a while. do returns when it is over.
type fault struct {
	name string
	do   func(ctx context.Context, r *run) error
}

func sortFaults(faults []fault) {
	slices.SortFunc(faults, func(a, b fault) int { return cmp.Compare(a.name, b.name) })
}

// spell is a fault of a proxy's weather, one way or both.
func spell(name string, w weather, most time.Duration, ways ...int) fault {
	return fault{name, func(_ context.Context, r *run) error {
		p := r.proxy()
		for _, way := range ways {
			p.set(way, w)
		}
		r.pause(most)
		p.Calm()
		return nil
	}}
}

// proxyFaults are those of any server behind a proxy.
func proxyFaults() []fault {
	cut := func(name string, way int, reset bool) fault {
		return fault{name, func(_ context.Context, r *run) error {
			r.proxy().CutAfter(way, r.upTo(2000), reset)
			r.pause(50 * time.Millisecond)
			return nil
		}}
	}
	return []fault{
		cut("cut in the middle of requests", up, false),
		cut("cut in the middle of answers", down, false),
		cut("reset in the middle of requests", up, true),
		cut("reset in the middle of answers", down, true),
		{"closed toward the server alone", func(_ context.Context, r *run) error {
			r.proxy().CloseServerSide()
			r.pause(100 * time.Millisecond)
			return nil
		}},
		spell("half open: answers vanish", weather{swallow: true}, 1500*time.Millisecond, down),
		spell("half open: requests vanish", weather{swallow: true}, 1500*time.Millisecond, up),
		spell("half open: all vanishes", weather{swallow: true}, 1500*time.Millisecond, up, down),
		spell("answers stalled", weather{stall: true}, 1500*time.Millisecond, down),
		spell("requests stalled", weather{stall: true}, 1500*time.Millisecond, up),
		spell("both ways stalled", weather{stall: true}, 1500*time.Millisecond, up, down),
		spell("requests delayed", weather{delay: 20 * time.Millisecond}, 300*time.Millisecond, up),
		spell("answers delayed", weather{delay: 20 * time.Millisecond}, 300*time.Millisecond, down),
		spell("answers in single bytes", weather{split: 1}, 300*time.Millisecond, down),
		spell("requests in single bytes", weather{split: 1}, 300*time.Millisecond, up),
		spell("pieces of a few bytes", weather{split: 40}, 300*time.Millisecond, up, down),
		spell("pieces merged", weather{merge: true}, 300*time.Millisecond, up, down),
		spell("answers in another order", weather{shuffle: true}, 500*time.Millisecond, down),
		spell("answers twice", weather{twice: true}, 500*time.Millisecond, down),
		spell("answers twice and in another order", weather{twice: true, shuffle: true}, 500*time.Millisecond, down),
		garbage("garbage from the server", down, []byte{0xc1, 0xc1, 0xc1, 0xc1, 0xc1}),
		garbage("a frame of 4 GiB from the server", down, []byte{0xce, 0xff, 0xff, 0xff, 0xff}),
		garbage("half a header from the server", down, []byte{0xce, 0, 0, 0, 2, 0x82, 0x00}),
		garbage("an answer that nobody asked for", down, strayAnswer()),
		garbage("garbage from the client", up, []byte{0xc1, 0xc1, 0xc1, 0xc1, 0xc1}),
		{"nobody listens", func(_ context.Context, r *run) error {
			p := r.proxy()
			p.Refuse(true)
			p.each(func(l *link) { l.close(false) })
			r.pause(500 * time.Millisecond)
			p.Refuse(false)
			return nil
		}},
	}
}

func garbage(name string, way int, b []byte) fault {
	return fault{name, func(_ context.Context, r *run) error {
		r.proxy().Garbage(way, b)
		r.pause(50 * time.Millisecond)
		return nil
	}}
}

// strayAnswer is a whole answer to a request that was never made.
func strayAnswer() []byte {
	return []byte{0xce, 0, 0, 0, 10, 0x82, 0x00, 0x00, 0x01, 0xce, 0xff, 0xff, 0xff, 0xff, 0x80}
}
