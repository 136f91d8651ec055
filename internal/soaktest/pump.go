package soaktest

import (
	"time"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// greetingSize is how many bytes come from a server before the first frame.
const greetingSize = 128

// mergePause is how long pieces wait for others.
const mergePause = 5 * time.Millisecond

// pump passes the bytes of a link on, one way.
type pump struct {
	*link
	way    int
	head   int    // bytes of the greeting that are still to come
	buf    []byte // what was read
	rest   []byte // of a frame that has not come whole
	frames int    // seen so far
	ruined bool   // garbage went on: nothing may follow it
}

func newPump(l *link, way int) *pump {
	p := &pump{link: l, way: way, buf: make([]byte, 64<<10)}
	if way == down {
		p.head = greetingSize
	}
	return p
}

// run passes on until either side ends.
func (p *pump) run() {
	defer p.ended(p.way)
	for p.calm() {
		n, err := p.ends[p.way].Read(p.buf)
		if err != nil {
			return
		}
		w, _ := p.proxy.now(p.way)
		if p.ruined || w.swallow {
			if w.swallow {
				p.ruined = true // what is missing can't be made good
			}
			continue
		}
		if p.pass(w, p.buf[:n]) != nil {
			return
		}
	}
}

// calm waits while the way is stalled. It returns false at the end of the link.
func (p *pump) calm() bool {
	for {
		w, changed := p.proxy.now(p.way)
		if !w.stall {
			return p.ctx.Err() == nil
		}
		select {
		case <-changed:
		case <-p.ctx.Done():
			return false
		}
	}
}

// pass passes a piece on.
func (p *pump) pass(w weather, b []byte) error {
	if p.head > 0 {
		n := min(p.head, len(b))
		p.head -= n
		if err := p.write(p.way, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	frames, whole := p.cut(b)
	if (w.merge || w.shuffle) && len(frames) > 0 {
		frames, whole = p.more(frames, whole)
	}
	if w.shuffle {
		p.shuffle(frames)
	}
	var out []byte
	for _, f := range frames {
		out = append(out, f...)
		if w.twice && isAnswer(f) {
			out = append(out, f...)
			p.countOdd()
		}
	}
	if d := p.doom(p.way); d != nil && d.garbage != nil && whole {
		p.order(p.way, nil)
		p.ruined = p.way == up
		out = append(out, d.garbage...)
	}
	return p.deliver(w, out)
}

// cut returns the whole frames that have come, and whether nothing is left.
func (p *pump) cut(b []byte) (frames [][]byte, whole bool) {
	p.rest = append(p.rest, b...)
	left := p.rest
	for {
		head, size, err := wire.FrameSize(left)
		if err != nil { // not ours to judge
			frames, left = append(frames, left), nil
			break
		}
		if head == 0 || uint64(len(left)) < uint64(head)+size {
			break
		}
		n := head + int(size)
		frames = append(frames, left[:n:n])
		left = left[n:]
		p.frames++
	}
	p.rest = append([]byte(nil), left...)
	return frames, len(left) == 0
}

// more waits for further frames.
func (p *pump) more(frames [][]byte, whole bool) ([][]byte, bool) {
	src := p.ends[p.way]
	_ = src.SetReadDeadline(time.Now().Add(mergePause))
	defer func() { _ = src.SetReadDeadline(time.Time{}) }()
	if n, err := src.Read(p.buf); err == nil {
		var later [][]byte
		later, whole = p.cut(p.buf[:n])
		frames = append(frames, later...)
	}
	return frames, whole
}

// shuffle changes the order of the answers between two messages that have theirs:
// events and pushes.
func (p *pump) shuffle(frames [][]byte) {
	first := 0
	for i := 0; i <= len(frames); i++ {
		if i < len(frames) && isAnswer(frames[i]) {
			continue
		}
		for j := i - 1; j > first; j-- {
			k := first + p.proxy.draw(j-first+1)
			frames[j], frames[k] = frames[k], frames[j]
			p.countOdd()
		}
		first = i + 1
	}
}

func (p *pump) countOdd() {
	p.proxy.mu.Lock()
	p.proxy.odd++
	p.proxy.mu.Unlock()
}

// isAnswer reports whether a frame is the one answer to a request.
func isAnswer(frame []byte) bool {
	head, _, err := wire.FrameSize(frame)
	if err != nil || head == 0 {
		return false
	}
	r := mp.NewReader(frame[head:])
	h, err := wire.DecodeHeader(&r)
	return err == nil && h.Type != iproto.TypeEvent && h.Type != iproto.TypeChunk
}

// deliver writes a piece as the weather has it.
func (p *pump) deliver(w weather, b []byte) error {
	for len(b) > 0 {
		n := len(b)
		if w.split > 0 {
			n = min(n, 1+p.proxy.draw(w.split))
		}
		if !p.sleep(w.delay) {
			return errCut
		}
		if err := p.write(p.way, b[:n]); err != nil {
			return err
		}
		b = b[n:]
		if now, _ := p.proxy.now(p.way); now != w {
			w = now
			if w.stall && !p.calm() {
				return errCut
			}
			if w.swallow {
				p.ruined = true
				return nil
			}
		}
	}
	return nil
}

// sleep waits, or returns false at the end of the link.
func (p *pump) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.ctx.Done():
		return false
	}
}
