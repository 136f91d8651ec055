package tnt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// heapUnder checks how much memory is in use at the most, while do runs, above what
// was before. What is allocated while the collector runs counts as in use, so a peer
// that floods holds paused for reading with each piece, and stands still meanwhile.
func heapUnder(t *testing.T, most uint64, paused *sync.RWMutex, do func()) {
	t.Helper()
	before, peak := heapInUse(), uint64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				paused.Lock()
				peak = max(peak, heapInUse())
				paused.Unlock()
			}
		}
	}()
	do()
	peakAtEnd := heapInUse()
	close(stop)
	<-done
	if peak = max(peak, peakAtEnd); peak > before+most {
		t.Errorf("memory grew by %d KiB, more than %d", (peak-before)>>10, most>>10)
	}
}

// writePaused writes a piece of a flood.
func (p *peer) writePaused(paused *sync.RWMutex, b []byte) error {
	paused.RLock()
	defer paused.RUnlock()
	_, err := p.Write(b)
	return err
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// answerAll answers every request of a peer.
func (p *peer) answerAll(answer func(h wire.Header) []byte) {
	for {
		h, _, err := p.next()
		if err != nil {
			return
		}
		if _, err := p.Write(answer(h)); err != nil {
			return
		}
	}
}

// TestHostileAnswers bounds the memory that a peer makes a client take by what it
// claims: each answer is an error that says so, or is cheap.
func TestHostileAnswers(t *testing.T) {
	body := func(value ...byte) []byte {
		return append([]byte{0x81, byte(iproto.KeyData)}, value...)
	}
	for name, test := range map[string]struct {
		body []byte
		want string
	}{
		"rows announced":   {body(0xdd, 0xff, 0xff, 0xff, 0xff), "cannot decode the answer"},
		"values announced": {body(0x91, 0xdd, 0x7f, 0xff, 0xff, 0xff), "cannot decode the answer"},
		"a map announced":  {body(0x91, 0xdf, 0x7f, 0xff, 0xff, 0xff), "cannot decode the answer"},
		"text announced":   {body(0x91, 0xdb, 0x7f, 0xff, 0xff, 0xff), "cannot decode the answer"},
		"bytes announced":  {body(0x91, 0xc6, 0x7f, 0xff, 0xff, 0xff), "cannot decode the answer"},
		"nesting":          {body([]byte(strings.Repeat("\x91", 1<<16) + "\xc0")...), "nested more than 10000 deep (Options.MaxNesting)"},
		"nested lists":     {body([]byte("\x91" + strings.Repeat("\x9f", 1<<18))...), "nested more than 10000 deep (Options.MaxNesting)"},
		"nested maps":      {body([]byte("\x91" + strings.Repeat("\x81\xa1k", 1<<16) + "\xc0")...), "nested more than 10000 deep (Options.MaxNesting)"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := fakeServer(t, func(p *peer) {
				p.answerAll(func(h wire.Header) []byte { return frame(iproto.TypeOK, h.Sync, test.body) })
			})
			// The most that the nesting can be: with less there is less to hold.
			conn := toFake(t, addr, func(o *tnt.Options) { o.MaxNesting = 10_000 })
			heapUnder(t, 4<<20, new(sync.RWMutex), func() {
				_, err := tnt.All[any](testContext(t), conn, tnt.Call{Function: "f"})
				failsWith(t, "its answer", err, test.want)
				var re *tnt.RequestError
				if !errors.As(err, &re) || re.Fate() != tnt.FateExecuted {
					t.Errorf("%v does not say that the request was executed", err)
				}
				if resp, err := conn.Call(testContext(t), "f"); err == nil {
					_, err = resp.Data()
					if err == nil {
						t.Error("Data has no error")
					}
				}
			})
		})
	}
}

// TestHostilePushes bounds what a Future keeps of pushes that nobody takes, the
// smallest of which hold nothing.
func TestHostilePushes(t *testing.T) {
	large := row(func(b []byte) []byte { return mp.AppendString(b, strings.Repeat("x", 10_000)) })
	for name, test := range map[string]struct {
		body  []byte
		sent  int // 120 megabytes of the large ones
		taken int // at the most
	}{
		"large": {large, 12_000, 105},
		"small": {row(func(b []byte) []byte { return append(b, 0xc0) }), 1_000_000, 30_000},
		"empty": {nil, 1_000_000, 30_000},
	} {
		t.Run(name, func(t *testing.T) { pushesAreBounded(t, test.body, test.sent, test.taken) })
	}
}

func pushesAreBounded(t *testing.T, body []byte, sent, most int) {
	t.Helper()
	var paused sync.RWMutex
	addr := fakeServer(t, func(p *peer) {
		h, _, err := p.next()
		if err != nil {
			return
		}
		pushes := bytes.Repeat(frame(iproto.TypeChunk, h.Sync, body), 100)
		for range sent / 100 {
			if p.writePaused(&paused, pushes) != nil {
				return
			}
		}
		_, _ = p.Write(frame(iproto.TypeOK, h.Sync, emptyBody))
		p.drain()
	})
	conn := toFake(t, addr, func(o *tnt.Options) { o.MaxPushes = 1 << 20 })
	heapUnder(t, 24<<20, &paused, func() {
		f := conn.Go(testContext(t), tnt.Call{Function: "f"})
		if _, err := f.Wait(testContext(t)); err != nil {
			t.Fatal(err)
		}
		taken := 0
		var last error
		for _, err := range f.Pushes(testContext(t)) {
			if last = err; err == nil {
				taken++
			}
		}
		failsWith(t, "the end of the pushes", last, "Options.MaxPushes")
		if taken == 0 || taken > most {
			t.Errorf("%d pushes were kept in 1 MiB, %d at the most", taken, most)
		}
	})
	if n := conn.Stats().PushesDropped; int(n) < sent-most {
		t.Errorf("%d pushes are counted as dropped", n)
	}
}

// TestHostileEventsAndLateAnswers bounds what is kept of events that nobody watches
// and of answers that nobody waits for: nothing.
func TestHostileEventsAndLateAnswers(t *testing.T) {
	var paused sync.RWMutex
	addr := fakeServer(t, func(p *peer) {
		h, _, err := p.next()
		if err != nil {
			return
		}
		for i := 0; i < 50_000; {
			var piece []byte
			for range 100 {
				w := wire.NewBody(nil)
				w.String(iproto.KeyEventKey, fmt.Sprintf("key %d %s", i, strings.Repeat("x", 800))) // forty megabytes
				w.String(iproto.KeyEventData, "value")
				piece = append(piece, frame(iproto.TypeEvent, 0, w.End())...)
				piece = append(piece, frame(iproto.TypeOK, uint64(i)<<20|h.Sync&0xfffff+1, emptyBody)...)
				i++
			}
			if p.writePaused(&paused, piece) != nil {
				return
			}
		}
		_, _ = p.Write(frame(iproto.TypeOK, h.Sync, emptyBody))
		p.drain()
	})
	conn := toFake(t, addr)
	heapUnder(t, 20<<20, &paused, func() {
		if err := conn.Ping(testContext(t)); err != nil {
			t.Fatal(err)
		}
	})
	if n := conn.Stats().Late; n < 49_000 {
		t.Errorf("%d answers are counted as late", n)
	}
}

// TestHostileSilence bounds what callers leave behind who give up one after
// another at a peer that answers nothing.
func TestHostileSilence(t *testing.T) {
	addr := fakeServer(t, func(p *peer) { _, _ = io.Copy(io.Discard, p) })
	conn := toFake(t, addr, func(o *tnt.Options) { o.MaxInFlight = 1000 })
	gone, cancel := context.WithCancel(context.Background())
	heapUnder(t, 16<<20, new(sync.RWMutex), func() {
		refused := 0
		for i := range 20_000 {
			f := conn.Go(gone, tnt.Call{Function: "f"})
			select {
			case <-f.Done():
				_, err := f.Wait(context.Background())
				if !errors.Is(err, tnt.ErrTooMany) || !tnt.SafeToRetry(err) {
					t.Fatalf("request %d: %v", i, err)
				}
				if text := err.Error(); !strings.HasSuffix(text, ": Options.MaxInFlight is 1000") {
					t.Fatalf("request %d: %s", i, text)
				}
				refused++
			default:
			}
		}
		if refused != 19_000 {
			t.Errorf("%d requests of 20,000 were refused", refused)
		}
	})
	cancel()
}
