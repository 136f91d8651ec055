package session

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestDeadlinesOnOneProcessor has many callers with little time ask a peer that
// never answers. No caller is late for writing what others ask: that is held
// against how long a yield takes on a machine that busy, which a goroutine tells
// that does nothing else.
func TestDeadlinesOnOneProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for name, begin := range map[string]func() (context.Context, time.Time, context.CancelFunc){
		"deadline": func() (context.Context, time.Time, context.CancelFunc) {
			return context.Background(), time.Now().Add(time.Millisecond), func() {}
		},
		"context": func() (context.Context, time.Time, context.CancelFunc) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			return ctx, time.Time{}, cancel
		},
	} {
		t.Run(name, func(t *testing.T) {
			for try := 1; ; try++ {
				late, noise := lateness(t, begin)
				t.Logf("a sender was late by %v, a yield took up to %v", late, noise)
				switch {
				case late <= 2*noise:
					return
				case try == 3: // the machine's own troubles hit now one, now the other
					t.Fatalf("a sender was late by %v, while a yield took %v at the most", late, noise)
				}
			}
		})
	}
}

// lateness returns by how much the latest of many senders was late, and how long
// a yield took meanwhile.
func lateness(t *testing.T, begin func() (context.Context, time.Time, context.CancelFunc)) (late, noise time.Duration) {
	s, conn := pair(t, false, Config{})
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	const callers, calls = 500, 40
	var sending atomic.Int64
	stop := make(chan struct{})
	yield := canary(s, stop)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range calls {
				ctx, deadline, cancel := begin()
				took, err := expire(ctx, s, deadline)
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
					return
				}
				raise(&sending, took)
			}
		})
	}
	wg.Wait()
	close(stop)
	return time.Duration(sending.Load()) - time.Millisecond, <-yield
}

// canary yields, and takes the session's lock, until stop is closed, and then
// tells how long that took at the most.
func canary(s *Session, stop <-chan struct{}) <-chan time.Duration {
	longest := make(chan time.Duration, 1)
	go func() {
		var most time.Duration
		for {
			select {
			case <-stop:
				longest <- most
				return
			default:
				begin := time.Now()
				_ = s.Err()
				runtime.Gosched()
				most = max(most, time.Since(begin))
			}
		}
	}()
	return longest
}

func raise(most *atomic.Int64, to time.Duration) {
	for was := most.Load(); int64(to) > was && !most.CompareAndSwap(was, int64(to)); was = most.Load() {
	}
}

// expire does a request that is not answered, and tells how long it took to send.
func expire(ctx context.Context, s *Session, deadline time.Time) (time.Duration, error) {
	slot, err := s.Acquire(ctx, deadline)
	if err != nil {
		return 0, err
	}
	frame := request(slot, "x")
	begin := time.Now()
	err = s.Send(ctx, slot, frame, deadline)
	took := time.Since(begin)
	if err != nil {
		return took, err
	}
	return took, s.Wait(ctx, slot, deadline)
}

// TestSendersDoNotYield has a caller send beside another whose request is in
// flight: a goroutine that is ready to run does not run meanwhile.
func TestSendersDoNotYield(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s, conn := pair(t, false, Config{})
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	taken(t, s, 1)
	var ran atomic.Int64
	const n = 200
	meanwhile := 0
	for i := range n {
		slot := taken(t, s, 1)[0]
		frame := request(slot, "x")
		go ran.Add(1)
		if err := s.Send(t.Context(), slot, frame, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if ran.Load() > int64(i) {
			meanwhile++
		}
		waitFor(t, func() bool { return ran.Load() > int64(i) })
	}
	if meanwhile > n/2 { // a few, where the machine took the processor away
		t.Errorf("%d of %d sends let others run", meanwhile, n)
	}
}
