package crud

import (
	"context"
	"errors"
	"iter"

	"github.com/gotnt/tnt/internal/luacall"
)

// DefaultPageSize is how many rows Pages fetches at once where it is not told.
const DefaultPageSize = 1000

var errPagesFirst = errors.New("crud: Pages goes forward: First in its options must not be negative")

// Pages iterates over what all conditions find, however much that is: it fetches
// size rows at a time (DefaultPageSize where size is not positive), so one page
// is in memory. First in the options counts for the whole. An error comes as the
// last pair. Each page is a Select of its own: see there, and the package's
// documentation, for what it does while a replica set is down.
func Pages[T any](ctx context.Context, c Client, space string, conditions []Cond, size int, opts ...SelectOptions) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		s, err := only(opts)
		if err == nil && s.First < 0 {
			err = errPagesFirst
		}
		if err != nil {
			yield(none, err)
			return
		}
		p := pages{client: c, space: space, conditions: conditions, opts: s, size: size, left: s.First}
		if p.size <= 0 {
			p.size = DefaultPageSize
		}
		for {
			t, last, err := p.next(ctx)
			if err != nil {
				yield(none, err)
				return
			}
			for _, raw := range t.rows {
				var row T
				if err := luacall.DecodeInto(raw, t.format, &row); err != nil {
					yield(none, err)
					return
				}
				if !yield(row, nil) {
					return
				}
			}
			if last {
				return
			}
		}
	}
}

// pages fetches page after page.
type pages struct {
	client     Client
	space      string
	conditions []Cond
	opts       SelectOptions
	size       int
	left       int // rows still wanted; 0: no bound
}

// next fetches a page and remembers where the one after it begins. The whole
// row says so: with Fields, crud adds those of the index to it.
func (p *pages) next(ctx context.Context) (t table, last bool, err error) {
	p.opts.First = p.size
	if p.left > 0 {
		p.opts.First = min(p.size, p.left)
	}
	if t, err = selectTable(ctx, p.client, p.space, p.conditions, p.opts); err != nil {
		return t, false, err
	}
	n := len(t.rows)
	if n > 0 {
		p.opts.After = t.rows[n-1].Untagged()
	}
	if p.left > 0 {
		p.left -= n
		last = p.left <= 0
	}
	return t, last || n < p.opts.First, nil
}
