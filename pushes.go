package tnt

import (
	"context"
	"errors"
	"iter"
	"sync"
	"unsafe"
)

// pushes are messages out of band (box.session.push) that wait to be taken.
type pushes struct {
	limit int // bytes

	mu    sync.Mutex
	queue []Response
	size  int           // of those in queue, as sizeOf has them
	lost  bool          // some were dropped
	ended bool          // no more come
	more  chan struct{} // closed when some come, or the end; nil where nobody waits
}

// sizeOf returns how many bytes a push takes, which of a small one, or an empty one,
// is far more than it holds.
func sizeOf(push Response) int { return int(unsafe.Sizeof(push)) + len(push.body) }

// add adds a push, unless there is no room for it.
func (p *pushes) add(push Response) bool {
	p.mu.Lock()
	room := !p.lost && (len(p.queue) == 0 || p.size+sizeOf(push) <= p.limit)
	if room {
		p.queue = append(p.queue, push)
		p.size += sizeOf(push)
	} else {
		p.lost = true
	}
	p.wake()
	return room
}

func (p *pushes) end() {
	p.mu.Lock()
	p.ended = true
	p.wake()
}

// wake unlocks mu and wakes who waits.
func (p *pushes) wake() {
	more := p.more
	p.more = nil
	p.mu.Unlock()
	if more != nil {
		close(more)
	}
}

// next takes a push, or returns what to wait for; nil at the end.
func (p *pushes) next() (push Response, ok bool, wait <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) > 0 {
		push = p.queue[0]
		p.queue[0] = Response{}
		p.queue = p.queue[1:]
		p.size -= sizeOf(push)
		return push, true, nil
	}
	if p.ended || p.lost {
		return Response{}, false, nil
	}
	if p.more == nil {
		p.more = make(chan struct{})
	}
	return Response{}, false, p.more
}

// Pushes iterates over what the request's function sends by
// box.session.push, as it comes, until the answer is there. Each push goes to
// one of the iterators that run. A push's value is its one row: Decode, Data.
// The last pair has an error, if the request failed, ctx ended, or pushes were
// dropped because more than Options.MaxPushes bytes of them waited. After the
// iteration, or a break out of it, Wait has the answer, and another call of
// Pushes goes on where this one stopped.
func (f *Future) Pushes(ctx context.Context) iter.Seq2[Response, error] {
	return func(yield func(Response, error) bool) {
		for {
			push, ok, wait := f.pushes.next()
			switch {
			case ok:
				if !yield(push, nil) {
					return
				}
				continue
			case wait == nil:
				if err := f.endOfPushes(); err != nil {
					yield(Response{}, err)
				}
				return
			}
			select {
			case <-wait:
			case <-ctx.Done():
				yield(Response{}, failedOn(ctx, f.route, requestError(f.req, context.Cause(ctx), true)))
				return
			}
		}
	}
}

var errPushesLost = errors.New("pushes were dropped, because more than Options.MaxPushes bytes of them waited to be taken")

// endOfPushes returns why there are no more pushes, nil where the answer is there.
func (f *Future) endOfPushes() error {
	f.pushes.mu.Lock()
	lost := f.pushes.lost
	f.pushes.mu.Unlock()
	if lost {
		return failedOn(context.Background(), f.route, requestError(f.req, errPushesLost, true))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
