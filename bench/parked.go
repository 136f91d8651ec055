package main

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt/internal/mp"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// parked is the least that a client can do whose callers are goroutines that
// wait: each appends an encoded request under a lock and parks on a channel of
// its own, and one goroutine reads, wakes them, and writes in one go what they
// asked next. Nothing is
// encoded or decoded, nobody can give up, and nothing may fail. What a client
// needs beyond that is its own; what this needs beyond the limit is the price of
// goroutines.
type parked struct {
	conn    net.Conn
	callers []chan struct{}
	err     error // of the reader, once it has ended

	mu      sync.Mutex
	out     []byte
	spare   []byte // what was written last
	sent    int    // requests
	serving bool   // the reader will write
	writing bool
}

// runParked does selects by key from so many goroutines until the time is over,
// and returns how many were answered.
func runParked(network, address string, spaceID uint64, callers int, d time.Duration) (int, error) {
	conn, err := dial(network, address)
	if err != nil {
		return 0, err
	}
	p := &parked{conn: conn, callers: make([]chan struct{}, callers)}
	requests := make([][]byte, callers)
	for i := range callers {
		p.callers[i] = make(chan struct{}, 1)
		if requests[i], err = selectFrame(spaceID, uint64(i)); err != nil {
			return 0, err
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.err = p.read()
		for _, c := range p.callers {
			close(c)
		}
	}()
	var stop atomic.Bool
	defer time.AfterFunc(d, func() { stop.Store(true) }).Stop()
	var total atomic.Int64
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			n, ok := 0, true
			for ok && !stop.Load() {
				p.send(requests[i])
				if _, ok = <-p.callers[i]; ok {
					n++
				}
			}
			total.Add(int64(n))
		})
	}
	wg.Wait()
	err = conn.Close()
	<-ended
	if errors.Is(p.err, net.ErrClosed) {
		p.err = nil
	}
	return int(total.Load()), errors.Join(err, p.err)
}

func (p *parked) read() error {
	buf := make([]byte, 128<<10)
	for have := 0; ; {
		n, err := p.conn.Read(buf[have:])
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.serving = true
		before := p.sent
		p.mu.Unlock()
		have += n
		at, woken := 0, 0
		for {
			head, size, err := wire.FrameSize(buf[at:have])
			if err != nil {
				return err
			}
			end := at + head + int(size)
			if head == 0 || end > have {
				break
			}
			r := mp.NewReader(buf[at+head : end])
			h, err := wire.DecodeHeader(&r)
			if err != nil || h.Type != iproto.TypeOK || h.Sync >= uint64(len(p.callers)) {
				return fmt.Errorf("an answer of type %v to %d: %w", h.Type, h.Sync, err)
			}
			p.callers[h.Sync] <- struct{}{}
			at = end
			woken++
		}
		have = copy(buf, buf[at:have])
		p.gather(before + woken)
		p.mu.Lock()
		p.serving = false
		p.flush()
	}
}

// gather lets goroutines run until so many requests were sent, or, twice in a
// row, none was.
func (p *parked) gather(expected int) {
	for before, idle := -1, 0; idle < 2; {
		p.mu.Lock()
		sent := p.sent
		p.mu.Unlock()
		switch {
		case sent >= expected:
			return
		case sent == before:
			idle++
		default:
			idle = 0
		}
		before = sent
		runtime.Gosched()
	}
}

func (p *parked) send(frame []byte) {
	p.mu.Lock()
	p.out = append(p.out, frame...)
	p.sent++
	p.flush()
}

// flush writes, unless somebody else will, and unlocks mu.
func (p *parked) flush() {
	defer p.mu.Unlock()
	if p.serving || p.writing {
		return
	}
	p.writing = true
	for len(p.out) > 0 {
		out := p.out
		p.out = p.spare[:0]
		p.mu.Unlock()
		_, err := p.conn.Write(out)
		p.mu.Lock()
		p.spare = out
		if err != nil { // the reader will see it
			break
		}
	}
	p.writing = false
}
