package tnt

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// Future is an answer on its way. Its methods are safe for concurrent use:
// several goroutines may wait for it, and again.
type Future struct {
	conn   *Conn
	req    Request
	format *schema.Format
	hooks  *observed

	done chan struct{} // closed when resp and err are set
	resp Response
	err  error

	mu     sync.Mutex
	pushes []Response
	more   chan struct{} // closed when pushes or the end come; nil where nobody waits
}

func newFuture(c *Conn, req Request) *Future {
	return &Future{conn: c, req: req, done: make(chan struct{})}
}

// failed returns a Future of a request that was not sent.
func failed(c *Conn, req Request, err error) *Future {
	f := newFuture(c, req)
	f.fail(err)
	return f
}

// fail ends the future of a request that was not sent.
func (f *Future) fail(err error) {
	f.err = requestError(f.req, err, false)
	f.end()
}

// Done is closed when the answer, or an error, is there.
func (f *Future) Done() <-chan struct{} { return f.done }

// finished tells whether the answer, or an error, is there.
func (f *Future) finished() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// Wait waits for the answer, for Options.RequestTimeout where ctx has no
// deadline. That the time is over or ctx ends ends this wait alone: the
// request goes on, and another Wait may get the answer.
func (f *Future) Wait(ctx context.Context) (Response, error) {
	select {
	case <-f.done:
		return f.resp, f.err
	default:
	}
	var expired <-chan time.Time
	if timeout := f.conn.timeout(ctx); timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-f.done:
		return f.resp, f.err
	case <-expired:
		return Response{}, requestError(f.req, ErrTimeout, true)
	case <-ctx.Done():
		return Response{}, requestError(f.req, context.Cause(ctx), true)
	}
}

// Pushes iterates over what the request's function sends by
// box.session.push, as it comes, until the answer is there. Each push goes to
// one of the iterators that run. A push's value is its one row: Decode, Data.
// The last pair has an error, if the request failed or ctx ended. After the
// iteration, or a break out of it, Wait has the answer, and another call of
// Pushes goes on where this one stopped.
func (f *Future) Pushes(ctx context.Context) iter.Seq2[Response, error] {
	return func(yield func(Response, error) bool) {
		for {
			push, ok, wait := f.nextPush()
			if ok {
				if !yield(push, nil) {
					return
				}
				continue
			}
			if wait == nil {
				if f.err != nil {
					yield(Response{}, f.err)
				}
				return
			}
			select {
			case <-wait:
			case <-ctx.Done():
				yield(Response{}, requestError(f.req, context.Cause(ctx), true))
				return
			}
		}
	}
}

// nextPush takes a push, or tells what to wait for; nil at the end.
func (f *Future) nextPush() (push Response, ok bool, wait <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.pushes) > 0 {
		push = f.pushes[0]
		f.pushes[0] = Response{}
		f.pushes = f.pushes[1:]
		return push, true, nil
	}
	select {
	case <-f.done:
		return Response{}, false, nil
	default:
	}
	if f.more == nil {
		f.more = make(chan struct{})
	}
	return Response{}, false, f.more
}

// Push implements session.Receiver.
func (f *Future) Push(body []byte) {
	f.mu.Lock()
	f.pushes = append(f.pushes, Response{body: f.conn.decoded(body)})
	more := f.more
	f.more = nil
	f.mu.Unlock()
	if more != nil {
		close(more)
	}
}

// Receive implements session.Receiver.
func (f *Future) Receive(h wire.Header, body []byte, err error) {
	switch {
	case err != nil:
		f.err = requestError(f.req, err, true)
	case h.Type&iproto.TypeError != 0:
		f.err = refusal(f.req, serverError(h.Type, f.conn.decoded(body)))
	default:
		f.resp = Response{schemaVersion: h.SchemaVersion, body: f.conn.decoded(body), format: f.format}
	}
	f.end()
}

// end makes the answer, or the error, known.
func (f *Future) end() {
	f.hooks.end(len(f.resp.body), f.err)
	f.mu.Lock()
	more := f.more
	f.more = nil
	close(f.done)
	f.mu.Unlock()
	if more != nil {
		close(more)
	}
}
