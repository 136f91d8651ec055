package cdc

import (
	"context"
	"sync"
	"time"
)

// An outbox holds what was read ahead, up to a number of bytes and one Tx.
type outbox struct {
	limit int

	mu      sync.Mutex
	queue   []*Tx
	size    int
	err     error         // behind the last Tx
	changed chan struct{} // closed and replaced when something comes or goes
}

func newOutbox(limit int) *outbox { return &outbox{limit: limit, changed: make(chan struct{})} }

// notify wakes who waits. The caller holds mu.
func (o *outbox) notify() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// put adds a Tx. It waits while the outbox is full, for at most patience where
// that is not 0; then it returns ErrStalled.
func (o *outbox) put(ctx context.Context, tx *Tx, patience time.Duration) error {
	var late <-chan time.Time // never, without patience
	if patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		late = timer.C
	}
	for {
		o.mu.Lock()
		if len(o.queue) == 0 || o.size+tx.size <= o.limit {
			o.queue = append(o.queue, tx)
			o.size += tx.size
			o.notify()
			o.mu.Unlock()
			return nil
		}
		changed := o.changed
		o.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-late:
			return ErrStalled
		}
	}
}

// end puts an error behind the last Tx.
func (o *outbox) end(err error) {
	o.mu.Lock()
	o.err = err
	o.notify()
	o.mu.Unlock()
}

// get takes the next Tx, or the error behind the last. When ctx ends, what was
// read ahead is left.
func (o *outbox) get(ctx context.Context) (*Tx, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		o.mu.Lock()
		if len(o.queue) > 0 {
			tx := o.queue[0]
			o.queue[0] = nil
			o.queue = o.queue[1:]
			o.size -= tx.size
			o.notify()
			o.mu.Unlock()
			return tx, nil
		}
		err, changed := o.err, o.changed
		o.mu.Unlock()
		if err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}

// empty reports whether all was taken.
func (o *outbox) empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.queue) == 0
}
