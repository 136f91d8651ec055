package soaktest

import (
	"context"
	"errors"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
)

func insertOf(i int) tnt.Insert {
	return tnt.Insert{Space: "soak_rows", Tuple: []any{i, nonceOf(i)}}
}

// wrote records how the write of row i has ended.
func (c *caller) wrote(i int, err error) error {
	f := fateOf(err)
	c.ledger.end(&c.ledger.rows, i, f)
	if f == fateAcked {
		if len(c.written) == 16 {
			c.written = c.written[1:]
		}
		c.written = append(c.written, i)
	}
	if errors.Is(err, errcode.TupleFound) {
		return mistaken("row %d, written once, is there already: %v", i, err)
	}
	return err
}

func (c *caller) insert(ctx context.Context) (int, error) {
	i, ok := take(c.ledger, &c.ledger.rows, 1)
	if !ok {
		return 0, nil
	}
	got, err := tnt.One[row](ctx, c.ex, insertOf(i))
	if err := c.wrote(i, err); err != nil {
		return 0, err
	}
	return 1, checkRowOf(got, i)
}

func checkRowOf(got row, i int) error {
	if got.ID != uint64(i) || got.Nonce != nonceOf(i) {
		return mistaken("row %d came back as %d, %d", i, got.ID, got.Nonce)
	}
	return nil
}

func (c *caller) insertByFutures(ctx context.Context) (checked int, err error) {
	n := 1 + c.random.IntN(10)
	first, ok := take(c.ledger, &c.ledger.rows, n)
	if !ok {
		return 0, nil
	}
	futures := make([]*tnt.Future, n)
	for i := range futures {
		futures[i] = tnt.Go(ctx, c.ex, insertOf(first+i))
	}
	for i, f := range futures {
		_, failed := f.Wait(ctx)
		err = worse(err, c.wrote(first+i, failed))
		checked++
	}
	return checked, err
}

func (c *caller) insertByBatch(ctx context.Context) (checked int, err error) {
	n := c.some()
	first, ok := take(c.ledger, &c.ledger.rows, n)
	if !ok {
		return 0, nil
	}
	reqs := make([]tnt.Request, n)
	for i := range reqs {
		reqs[i] = insertOf(first + i)
	}
	for i, result := range tnt.Batch(ctx, c.ex, reqs...) {
		err = worse(err, c.wrote(first+i, result.Err))
		checked++
	}
	return checked, err
}

func (c *caller) insertByEach(ctx context.Context) (checked int, err error) {
	n := c.some()
	first, ok := take(c.ledger, &c.ledger.rows, n)
	if !ok {
		return 0, nil
	}
	reqs := make([]tnt.Insert, n)
	for i := range reqs {
		reqs[i] = insertOf(first + i)
	}
	i := first
	for got, failed := range tnt.Each[row](ctx, c.ex, reqs) {
		failed = c.wrote(i, failed)
		if failed == nil {
			failed = checkRowOf(*got, i)
		}
		err = worse(err, failed)
		checked++
		i++
	}
	return checked, err
}

// insertByRetry tries again for as long as that is harmless, so that a row is
// written once at the most.
func (c *caller) insertByRetry(ctx context.Context) (int, error) {
	i, ok := take(c.ledger, &c.ledger.rows, 1)
	if !ok {
		return 0, nil
	}
	return 1, c.wrote(i, tnt.Retry(ctx, tnt.Policy{}, func(ctx context.Context) error {
		return tnt.Exec(ctx, c.ex, insertOf(i))
	}))
}

// update adds 1 to the caller's counter: a request that is done twice shows.
func (c *caller) update(ctx context.Context) (int, error) {
	got, err := tnt.One[row](ctx, c.ex, tnt.Update{Space: "soak_counters", Key: tnt.K(c.number), Ops: []tnt.Op{tnt.OpAdd(1, 1)}})
	c.ledger.count(c.number, err)
	if err != nil {
		return 0, err
	}
	return 1, c.checkCounter(got)
}

// checkCounter holds the counter's value against what is known of it.
func (c *caller) checkCounter(got row) error {
	c.ledger.mu.Lock()
	n := c.ledger.counters[c.number]
	c.ledger.mu.Unlock()
	if got.ID != uint64(c.number) || got.Nonce < n.acked || got.Nonce > n.acked+n.unknown {
		return mistaken("counter %d is %d of %d: %d additions were acknowledged, %d may have been done", c.number, got.Nonce, got.ID, n.acked, n.unknown)
	}
	return nil
}

func (c *caller) upsert(ctx context.Context) (int, error) {
	err := tnt.Exec(ctx, c.ex, tnt.Upsert{Space: "soak_counters", Tuple: []any{c.number, 1}, Ops: []tnt.Op{tnt.OpAdd(1, 1)}})
	c.ledger.count(c.number, err)
	return 1, err
}

// replace writes a row as often as it takes.
func (c *caller) replace(ctx context.Context) (int, error) {
	i, ok := take(c.ledger, &c.ledger.rows, 1)
	if !ok {
		return 0, nil
	}
	err := tnt.Exec(ctx, tnt.Idempotent(c.ex), tnt.Replace{Space: "soak_rows", Tuple: []any{i, nonceOf(i)}})
	if fateOf(err) == fateNothing { // of the last try, which says nothing of those before
		c.ledger.end(&c.ledger.rows, i, fateTrying)
		return 1, err
	}
	return 1, c.wrote(i, err)
}

// readOwn reads a row that was acknowledged to this caller.
func (c *caller) readOwn(ctx context.Context) (int, error) {
	if len(c.written) == 0 {
		return 0, nil
	}
	i := c.written[c.random.IntN(len(c.written))]
	got, err := tnt.One[row](ctx, c.ex, tnt.Select{Space: "soak_rows", Key: tnt.K(i)})
	switch {
	case errors.Is(err, tnt.ErrNoTuple):
		return 1, mistaken("row %d was acknowledged to the one who does not find it", i)
	case err != nil:
		return 0, err
	}
	return 1, checkRowOf(got, i)
}

// scan reads a space that nobody changes.
func (c *caller) scan(ctx context.Context) (checked int, err error) {
	want := uint64(1)
	for got, err := range tnt.ScanAs[row](ctx, c.ex, tnt.Select{Space: "soak_fixed"}, 50+c.random.IntN(200)) {
		if err != nil {
			return checked, err
		}
		if got.ID != want || got.Nonce != want*3 {
			return checked, mistaken("a scan has %d, %d where %d is due", got.ID, got.Nonce, want)
		}
		want++
		checked++
	}
	if want != scanned+1 {
		return checked, mistaken("a scan has %d rows of %d, without an error", want-1, scanned)
	}
	return checked, nil
}

// pinned has the server's session keep something, and asks for it.
func (c *caller) pinned(ctx context.Context) (int, error) {
	p, err := tnt.Pin(ctx, c.ex)
	if err != nil {
		return 0, err
	}
	nonce := c.next()
	if err := tnt.Exec(ctx, p, tnt.Call{Function: "soak_keep", Args: []any{nonce}}); err != nil {
		return 0, unlessStarting(err)
	}
	got, err := tnt.One[uint64](ctx, p, tnt.Call{Function: "soak_kept"})
	if err != nil {
		return 0, unlessStarting(err)
	}
	// Others pin the same session, so what was kept is any caller's of this client.
	if got>>40 == 0 || (int(got>>40)-1)/c.Callers != c.number/c.Callers {
		return 1, mistaken("the session kept %d, which none of client %s had it keep", got, c.name)
	}
	return 1, nil
}

func (c *caller) prepared(ctx context.Context) (int, error) {
	p, err := tnt.NewPrepared(ctx, c.ex, "SELECT ?")
	if err != nil {
		return 0, err
	}
	nonce := c.next()
	got, err := tnt.One[uint64](ctx, c.ex, p.Bind(nonce))
	if err != nil {
		return 0, err
	}
	if got != nonce {
		return 1, mistaken("a prepared statement asked with %d, answered with %d", nonce, got)
	}
	if c.random.IntN(4) == 0 {
		_ = p.Close(ctx)
	}
	return 1, nil
}

var errChangedMind = errors.New("the caller has changed his mind")

// transaction writes two rows, or none.
func (c *caller) transaction(ctx context.Context) (int, error) {
	i, ok := take(c.ledger, &c.ledger.pairs, 1)
	if !ok {
		return 0, nil
	}
	var within error
	err := tnt.InTx(ctx, c.ex, func(s *tnt.Stream) error {
		for n := range 2 {
			id := 2*i + n
			within = tnt.Exec(ctx, s, tnt.Insert{Space: "soak_pairs", Tuple: []any{id, nonceOf(id)}})
			if within != nil {
				return within
			}
		}
		if c.random.IntN(5) == 0 {
			within = errChangedMind
		}
		return within
	})
	f := fateTrying
	switch {
	case err == nil:
		f = fateAcked
	case within != nil, tnt.SafeToRetry(err):
		f = fateNothing
	}
	c.ledger.end(&c.ledger.pairs, i, f)
	if errors.Is(err, errChangedMind) {
		return 1, nil
	}
	return 1, err
}
