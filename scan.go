package tnt

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// DefaultPageSize is the number of tuples that Scan fetches at once where it
// is not told.
const DefaultPageSize = 1000

// Scan iterates over what a select finds, an index or a range of it, however
// much that is: it fetches pageSize tuples at a time (DefaultPageSize where
// pageSize is not positive), the next ones when those are used up, so that
// one page is in memory. Limit and Offset count for the whole. A loop that is
// left early fetches no more.
//
//	for t, err := range tnt.Scan(ctx, conn, tnt.Select{Space: "users"}, 0) {
//		if err != nil {
//			return err
//		}
//		...
//	}
//
// An error comes as the last pair and ends the iteration. ctx bounds the whole
// of it. To go on later, or after an error, scan again with After set to
// AfterTuple of the last tuple, and without the Offset.
//
// Nothing is held open on the server: pages are requests of their own, which
// may be done on different sessions, so a reconnect between two of them does
// no harm. Tuples that others add or remove meanwhile are seen or not by
// whether they are behind the last page; those that stay are seen once each.
// For one consistent view scan in a Stream with a transaction, and for one
// server, where an Executor chooses among several, on a Route.
//
// A server without pagination (before 2.11), and an index of
// _session_settings, is read on behind the key of the last tuple. That takes
// the schema and a unique TREE index whose parts are not nullable, and where
// the key has some of the parts, with IterEq or IterReq, that those have a
// type with one form of each value, such as unsigned or string without
// collation. Elsewhere Scan fails, before anything is sent, with an error that
// is a *FeatureError and says what is in the way; a select that fits in one
// page always works. A HASH, BITSET or RTREE index has no pages on any server: a
// new one's own error says so.
//
// The iterator may be used again, which scans again, and by several
// goroutines. A tuple is the user's to keep; it keeps its page in memory.
func Scan(ctx context.Context, ex Executor, sel Select, pageSize int) iter.Seq2[Tuple, error] {
	return func(yield func(Tuple, error) bool) {
		newScan(ex, sel, pageSize).each(ctx, yield)
	}
}

// scan is how far a Scan is.
type scan struct {
	ex   Executor
	sel  Select // as asked for, but for the offset, which the first page takes off
	page uint64 // tuples in a page
	left uint64 // tuples still to read at the most
	done bool

	route Route // that the last page came by

	// Where the next page begins: behind the position, or if there is none
	// behind the tuple, or at the start.
	position string
	last     Tuple

	// unpaged is the server's answer that the index supports no pagination,
	// though the server does.
	unpaged error

	// What the first page was read from.
	seen    bool
	space   *schema.Space // nil without a schema
	onIndex *schema.Index
	version uint64 // of the schema
}

// each yields the tuples, and at the end an error if there is one.
func (s *scan) each(ctx context.Context, yield func(Tuple, error) bool) {
	for !s.done {
		tuples, err := s.next(ctx)
		if err != nil {
			yield(Tuple{}, err)
			return
		}
		for _, t := range tuples {
			if !yield(t, nil) {
				return
			}
		}
	}
}

func newScan(ex Executor, sel Select, pageSize int) *scan {
	s := &scan{ex: ex, sel: sel, page: DefaultPageSize, left: math.MaxUint64}
	if pageSize > 0 {
		s.page = min(uint64(pageSize), math.MaxUint32)
	}
	if sel.Limit != 0 {
		s.left = uint64(sel.Limit)
	}
	if sel.After != nil {
		s.position, s.last.raw = sel.After.position, sel.After.tuple
	}
	return s
}

// started reports whether the next page begins behind something.
func (s *scan) started() bool { return s.position != "" || s.last.raw != nil }

// scanTries is how often a page is asked for that meets another server than the
// one that it was made for.
const scanTries = 4

// next reads the next page. It looks at the session that the page is likely to
// be read from for what that can do, as it may change with a reconnect. A server
// that is another one by the time of the request costs another try.
func (s *scan) next(ctx context.Context) ([]Tuple, error) {
	ctx = startedAt(ctx, time.Now()) // Options.RequestTimeout is that of the page
	for try := 1; ; try++ {
		rt, err := bind(ctx, s.ex, s.sel.info(), ErrSessionLost, 0)
		if err != nil {
			return nil, err
		}
		req, within, err := s.request(ctx, rt)
		if err != nil {
			return nil, failedOn(ctx, rt, requestError(s.sel, err, s.unpaged != nil))
		}
		tuples, err := s.fetch(ctx, req, within)
		var lacks *FeatureError
		switch {
		case errors.As(err, &lacks) && try < scanTries:
			continue
		case s.seen && errors.Is(err, errcode.IteratorPosition):
			return nil, changedBy(err)
		case s.unpaged == nil && errors.Is(err, errcode.UnsupportedIndexFeature) && (req.FetchPosition || req.After != nil):
			s.unpaged = err
			continue
		}
		return tuples, err
	}
}

// request returns the select for the next page and, where the page may run
// beyond what was asked for, what its tuples have to share with the last one.
func (s *scan) request(ctx context.Context, rt Route) (req Select, within prefix, err error) {
	l := rt.pin.live
	req = s.sel
	req.Limit = uint32(min(s.page, s.left))
	req.After, req.FetchPosition = nil, s.left > s.page
	switch {
	case !req.FetchPosition && !s.started():
		return req, prefix{}, nil
	case s.unpaged == nil && l.features.Has(iproto.FeaturePagination):
		if s.position != "" {
			req.After = AfterPosition(s.position)
		} else if s.last.raw != nil {
			req.After = AfterTuple(s.last)
		}
		return req, prefix{}, nil
	}
	lacks := s.unpaged
	if lacks == nil {
		lacks = l.supports(1 << iproto.FeaturePagination)
	}
	req.FetchPosition = false
	req, within, err = s.byKey(l.settings, req, s.index(ctx, rt))
	if err != nil {
		err = fmt.Errorf("%w, and going on behind the last tuple's key is not exact: %w", lacks, err)
	}
	return req, within, err
}

// fetch reads a page and moves on behind it.
func (s *scan) fetch(ctx context.Context, req Select, within prefix) ([]Tuple, error) {
	x := exchange{byName: true}
	if err := do(ctx, s.ex, &req, &x); err != nil {
		return nil, err
	}
	resp := x.response(x.formatOf(req.info()))
	x.release()
	s.route = x.route
	err := s.checkSame(x.env.schema, req, resp)
	var tuples []Tuple
	if err == nil {
		tuples, err = resp.Tuples()
	}
	if err != nil {
		return nil, x.unread(req, err)
	}
	got := uint64(len(tuples))
	for i, t := range tuples {
		if same, err := within.in(t); err != nil {
			return nil, x.unread(req, err)
		} else if !same {
			tuples = tuples[:i]
			break
		}
	}
	s.done = got < uint64(req.Limit) || uint64(len(tuples)) < got || got == s.left
	s.sel.Offset = 0
	s.left -= uint64(len(tuples))
	if len(tuples) > 0 {
		s.position, s.last = resp.Position(), tuples[len(tuples)-1]
	}
	return tuples, nil
}

// ErrScanChanged is that of a Scan whose space or index became another one
// between two of its pages, so that going on would not be exact.
var ErrScanChanged = errors.New("the space or the index changed while it was scanned: scan again")

// changedBy returns the error of a page whose position, the server's own, is none of
// the index any more.
func changedBy(err error) error {
	var re *RequestError
	if !errors.As(err, &re) {
		return err
	}
	changed := *re
	changed.Err = fmt.Errorf("%w (%w)", ErrScanChanged, re.Err)
	return &changed
}

// checkSame holds the space and the index of a page against those of the first
// one. Where there is no schema to find them in, any change of the server's is
// taken for one of theirs.
func (s *scan) checkSame(known *schema.Schema, req Select, resp Response) error {
	space, index := spaceOf(known, req.info()), indexOf(known, req)
	first := !s.seen
	if first {
		s.seen, s.space, s.onIndex, s.version = true, space, index, resp.schemaVersion
		return nil
	}
	switch {
	case space == nil && s.space == nil && resp.schemaVersion != s.version:
		return fmt.Errorf("%w (there is no schema to tell whether it was another one)", ErrScanChanged)
	case (space == nil) != (s.space == nil), !index.Equal(s.onIndex), space != nil && space.ID != s.space.ID:
		return ErrScanChanged
	}
	return nil
}
