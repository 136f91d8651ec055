package socket

import (
	"sync/atomic"
	"time"
)

const (
	// pulsePause is how often the pulse beats.
	pulsePause = 10 * time.Millisecond
	// pulseStart is how many calls within a pause, three a request, start it:
	// with fewer the beats take more of the CPU than they save.
	pulseStart = 5
)

// monitored is the process's pulse: that of all its sockets.
var monitored = newPulse()

// pulse keeps the scheduler's monitor (runtime.sysmon) at its work, which ends
// the turn of goroutines that run for too long. It falls asleep when the process
// has nothing to do, and is woken by system calls that the scheduler is told of,
// or at the time of the next timer. So while the pulse beats a timer is always
// due soon, and the call that starts the pulse has to be one that the scheduler
// is told of.
type pulse struct {
	beating atomic.Bool
	used    atomic.Bool // since the last beat
	timer   *time.Timer

	// Of the calls while it does not beat. Several at once may miscount.
	calls atomic.Int32
	since atomic.Int64 // when they began, in nanoseconds of Unix time
}

func newPulse() *pulse {
	p := new(pulse)
	p.timer = time.AfterFunc(pulsePause, p.beat)
	p.timer.Stop()
	return p
}

// beats tells, for each call, whether the pulse beats, and starts it with the last
// of several calls in a row. It may be called by several goroutines at once.
func (p *pulse) beats() bool {
	if !p.used.Load() {
		p.used.Store(true) // before a look at beating: see beat
	}
	if p.beating.Load() {
		return true
	}
	if p.often() {
		p.beating.Store(true)
		p.timer.Reset(pulsePause)
	}
	return false
}

// often counts a call and tells whether there are many.
func (p *pulse) often() bool {
	if now := time.Now().UnixNano(); now-p.since.Load() > int64(pulsePause) {
		p.since.Store(now)
		p.calls.Store(0)
	}
	return p.calls.Add(1) >= pulseStart
}

// beat goes on while a socket is used.
func (p *pulse) beat() {
	p.beating.Store(false)
	if p.used.Swap(false) { // else who comes sees that it doesn't beat
		p.beating.Store(true)
		p.timer.Reset(pulsePause)
	}
}

// inBubble tells whether the caller is in a bubble of testing/synctest, whose
// clock stands still while somebody waits for the network: no pulse could beat
// there. Times of such a clock have no monotonic part.
func inBubble() bool {
	now := time.Now()
	return now == now.Round(0) //nolint:staticcheck // Equal would not look at that part
}
