package queue

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/luacall"
	"github.com/gotnt/tnt/internal/mp"
)

// request is a call of the module, or an EVAL, which has spaces in it.
type request struct {
	text string
	args []any
	// again is that the request may be done twice, so one that was lost is.
	again bool
	// wait is how long the server is asked to wait.
	wait time.Duration
	// mute is that a queue that does not run answers with nothing.
	mute bool
}

// do does a request on the present session, and on the next one where it was
// surely not done: not sent, or answered with nil by a queue that does not
// run; or where it may be done twice.
func (c *Client) do(ctx context.Context, r request) (results []luacall.Value, err error) {
	ctx, cancel := c.call(ctx, r.wait)
	defer cancel()
	var l *link
	var lost error // of an attempt that may have been done
	for {
		if l, err = c.link(ctx, l); err != nil {
			return nil, notFound(err, lost)
		}
		results, err = once(ctx, l, r)
		err = named(err)
		switch {
		case err == nil && !r.refusedBy(results):
			return results, nil
		case err == nil:
			if running(ctx, l) == nil {
				return results, nil // a nil of its own: it is the caller's to read
			}
			l.leave()
		case errors.Is(err, ErrNotRunning):
			l.leave()
		case isLost(err) && tnt.SafeToRetry(err):
			l.leave()
		case isLost(err) && r.again:
			lost = err
			l.leave()
		default:
			return nil, err
		}
	}
}

func once(ctx context.Context, l *link, r request) ([]luacall.Value, error) {
	if strings.ContainsRune(r.text, ' ') {
		return luacall.Eval(ctx, l, r.text, r.args...)
	}
	return luacall.Do(ctx, l, r.text, r.args...)
}

// refused reports whether an answer is the nil of a queue that does not run. No
// value at all is that of an empty tube, and of functions without a result.
func refused(results []luacall.Value) bool { return len(results) == 1 && results[0].IsNil() }

// refusedBy reports whether an answer may be that of a queue that does not run.
func (r request) refusedBy(results []luacall.Value) bool {
	return refused(results) || r.mute && len(results) == 0
}

// entry is a task as the module sends it.
type entry struct {
	id    ID
	state State
	data  luacall.Value
}

// parseEntry reads a task: its number, its state and what was put.
func parseEntry(v luacall.Value) (e entry, err error) {
	items, ok := v.Items()
	if !ok || len(items) < 2 {
		return e, &tnt.DecodeError{Err: errAnswer}
	}
	state := items[1].Text()
	if t := items[0].Type(); t != mp.TypeUint || len(state) != 1 || state[0] <= ' ' {
		return e, &tnt.DecodeError{Err: errAnswer}
	}
	return entry{id: ID(items[0].Int()), state: State(state[0]), data: luacall.At(items, 2)}, nil
}
