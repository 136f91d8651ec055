package socket

import (
	"sync/atomic"
	"time"
)

// pulsePause is how often the pulse beats.
const pulsePause = 10 * time.Millisecond

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
}

func newPulse() *pulse {
	p := new(pulse)
	p.timer = time.AfterFunc(pulsePause, p.beat)
	p.timer.Stop()
	return p
}

// beats tells whether the pulse beats, and starts it where it doesn't. It may be
// called by several goroutines at once.
func (p *pulse) beats() bool {
	if !p.used.Load() {
		p.used.Store(true) // before a look at beating: see beat
	}
	if p.beating.Load() {
		return true
	}
	p.beating.Store(true)
	p.timer.Reset(pulsePause)
	return false
}

// beat goes on while a socket is used.
func (p *pulse) beat() {
	p.beating.Store(false)
	if p.used.Swap(false) { // else who comes sees that it doesn't beat
		p.beating.Store(true)
		p.timer.Reset(pulsePause)
	}
}
