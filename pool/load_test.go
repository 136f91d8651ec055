package pool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/pool"
)

// load is writers that insert unique keys, each as fast as it is answered.
type load struct {
	pool   *pool.Pool
	cancel context.CancelFunc
	wg     sync.WaitGroup
	next   atomic.Uint64
	pause  time.Duration

	mu      sync.Mutex
	acked   map[uint64]time.Time // when each was answered
	writes  []span               // of all
	errs    []error              // of the writes that failed
	fates   map[tnt.Fate]int
	longest time.Duration
	per     []int // errors of each writer, but for writes that were rolled back
	// rolledBack are the keys of writes that the server began and took back: a leader
	// that is superseded does, of what has no quorum yet.
	rolledBack []uint64
}

// span is when a write was begun, and had its answer or error.
type span struct{ began, ended time.Time }

func startLoad(p *pool.Pool, writers int, pause time.Duration) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{
		pool: p, cancel: cancel, pause: pause, acked: map[uint64]time.Time{},
		fates: map[tnt.Fate]int{}, per: make([]int, writers),
	}
	for w := range writers {
		l.wg.Go(func() { l.write(ctx, w) })
	}
	return l
}

func (l *load) write(ctx context.Context, w int) {
	for ctx.Err() == nil {
		k := l.next.Add(1)
		began := time.Now()
		err := tnt.Exec(context.Background(), l.pool, tnt.Insert{Space: "kv", Tuple: []any{k, w}})
		ended := time.Now()
		l.mu.Lock()
		l.longest = max(l.longest, ended.Sub(began))
		l.writes = append(l.writes, span{began, ended})
		switch {
		case err == nil:
			l.acked[k] = ended
		case errors.Is(err, errcode.SyncRollback):
			l.rolledBack = append(l.rolledBack, k)
		default:
			l.per[w]++
		}
		l.mu.Unlock()
		l.note(err)
		if l.pause > 0 {
			time.Sleep(l.pause) // a rate, not a wait for something
		}
	}
}

// note counts a failure.
func (l *load) note(err error) {
	var re *tnt.RequestError
	if !errors.As(err, &re) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
	l.fates[re.Fate()]++
}

// lost returns the errors of the writes that failed and were not rolled back.
func (l *load) lost() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.errs), func(err error) bool { return errors.Is(err, errcode.SyncRollback) })
}

func (l *load) stop() {
	l.cancel()
	l.wg.Wait()
}

// acknowledged returns how many writes were, so far.
func (l *load) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// waitFor waits until n more writes are acknowledged.
func (l *load) waitFor(t *testing.T, n int) {
	t.Helper()
	want := l.acknowledged() + n
	eventually(t, fmt.Sprintf("%d more writes", n), func() bool { return l.acknowledged() >= want })
}

// gap returns the longest time between two acknowledgements after from.
func (l *load) gap(from time.Time) (longest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	times := make([]time.Time, 0, len(l.acked))
	for _, at := range l.acked {
		times = append(times, at)
	}
	sortTimes(times)
	last := from
	for _, at := range times {
		if at.Before(from) {
			continue
		}
		longest = max(longest, at.Sub(last))
		last = at
	}
	return longest
}

// wantAll checks that every acknowledged key is on the instance.
func (l *load) wantAll(t *testing.T, c *cluster, i int) {
	t.Helper()
	keys, err := c.keys(i)
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	for k := range l.acked {
		if !keys[k] {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d acknowledged rows are not on r%d", lost, len(l.acked), i+1)
	}
	for _, k := range l.rolledBack {
		if keys[k] {
			t.Errorf("row %d is on r%d, and was told to be rolled back", k, i+1)
		}
	}
}

// patience is for how long eventually waits: longer where servers are killed for minutes,
// as one that is run again on a busy machine has much to read.
func patience() time.Duration {
	if os.Getenv("TNT_POOL_RANDOM") != "" {
		return 2 * time.Minute
	}
	return 20 * time.Second
}

// eventually waits for what has no event to wait for.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience())
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
