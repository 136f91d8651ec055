package soaktest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gotnt/tnt"
)

// fate is what a writer knows of a write.
type fate byte

const (
	fateTrying  fate = iota // not over, or in an unknown way
	fateAcked               // it is done
	fateNothing             // it is surely not done
)

// ledger holds what has become of each write. A write is a row of space soak_rows
// with a number of its own, written once.
type ledger struct {
	most  int // writes, spread evenly over the time
	begun time.Time
	lasts time.Duration

	mu       sync.Mutex
	rows     []fate
	pairs    []fate // transactions, each of two rows
	counters []counter
}

// counter is a row that one caller adds to.
type counter struct{ acked, unknown uint64 }

func newLedger(most, counters int, lasts time.Duration) *ledger {
	return &ledger{most: most, begun: time.Now(), lasts: lasts, counters: make([]counter, counters)}
}

// early is how many writes may be ahead of the time.
const early = 2000

// take gives out the numbers of n writes to come; false where there have been
// enough by now, so that the server's memory is for all of the time.
func take(l *ledger, list *[]fate, n int) (first int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if float64(len(*list)+n) > early+float64(l.most)*time.Since(l.begun).Seconds()/l.lasts.Seconds() {
		return 0, false
	}
	first = len(*list)
	*list = append(*list, make([]fate, n)...)
	return first, true
}

// end records how a write has ended.
func (l *ledger) end(list *[]fate, i int, f fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	(*list)[i] = f
}

// fateOf returns what an error says of a request on a space.
func fateOf(err error) fate {
	var re *tnt.RequestError
	switch {
	case err == nil:
		return fateAcked
	case !errors.As(err, &re):
		return fateTrying
	case re.Fate() == tnt.FateExecuted:
		return fateAcked
	case re.Fate() == tnt.FateUnsent, re.Fate() == tnt.FateRefused:
		return fateNothing
	}
	return fateTrying
}

// count records how an addition to a counter has ended.
func (l *ledger) count(n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch fateOf(err) {
	case fateAcked:
		l.counters[n].acked++
	case fateTrying:
		l.counters[n].unknown++
	}
}

// held is what a server was found to hold in the end.
type held struct {
	rows     map[uint64]uint64 // nonces by the numbers of the rows
	pairs    map[uint64]uint64
	counters map[uint64]uint64
}

// check holds what a server has against what it should.
func (l *ledger) check(h held, wrong func(format string, args ...any)) (checked int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, f := range l.rows {
		nonce, there := h.rows[uint64(i)]
		checkRow(fmt.Sprintf("row %d", i), f, there, wrong)
		if there && nonce != nonceOf(i) {
			wrong("row %d holds %d, not %d", i, nonce, nonceOf(i))
		}
	}
	for i, f := range l.pairs {
		_, a := h.pairs[uint64(2*i)]
		_, b := h.pairs[uint64(2*i+1)]
		if a != b {
			wrong("transaction %d is half done: its first row is there: %t, its second: %t", i, a, b)
		}
		checkRow(fmt.Sprintf("transaction %d", i), f, a, wrong)
	}
	for i, n := range l.counters {
		got := h.counters[uint64(i)]
		if got < n.acked || got > n.acked+n.unknown {
			wrong("counter %d is %d: %d additions were acknowledged and %d may have been done", i, got, n.acked, n.unknown)
		}
	}
	if extra := len(h.rows) > len(l.rows) || len(h.pairs) > 2*len(l.pairs); extra {
		wrong("there are %d rows of %d and %d of pairs of %d", len(h.rows), len(l.rows), len(h.pairs), 2*len(l.pairs))
	}
	return len(l.rows) + len(l.pairs) + len(l.counters)
}

func checkRow(what string, f fate, there bool, wrong func(format string, args ...any)) {
	switch {
	case f == fateAcked && !there:
		wrong("%s was acknowledged and is lost", what)
	case f == fateNothing && there:
		wrong("%s was surely not written, and is there", what)
	}
}

// acked returns how many writes were acknowledged.
func (l *ledger) acked() (n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, list := range [][]fate{l.rows, l.pairs} {
		for _, f := range list {
			if f == fateAcked {
				n++
			}
		}
	}
	for _, c := range l.counters {
		n += c.acked
	}
	return n
}

// nonceOf returns what the row with a number holds besides it.
func nonceOf(i int) uint64 { return (uint64(i)*0x9E3779B97F4A7C15 ^ 0x5bf03635) >> 8 }
