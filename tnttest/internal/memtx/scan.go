package memtx

import (
	"bytes"

	"github.com/gotnt/tnt/internal/mp"
)

// scan visits the rows that the transaction sees, and remembers what it
// looked at. It returns the row of the index where it stopped, which need not
// be one that the transaction sees.
func (e *Engine) scan(t *Txn, u *User, ix *Index, it Iterator, key, after [][]byte, offset, limit uint64, emit func(*row)) *row {
	if src := ix.space.source; src != nil {
		e.scanView(t, u, ix, it, key, offset, limit, emit)
		return nil
	}
	if limit == 0 {
		return nil // the first step is never made
	}
	visit := func(r *row) bool {
		if offset > 0 {
			offset--
			return true
		}
		emit(r)
		limit--
		return limit > 0
	}
	if h, ok := ix.store.(*light); ok {
		e.scanHash(t, ix, h, it, key, visit)
		return nil
	}
	s := treeScan{e: e, t: t, ix: ix, it: it, key: key, after: after, offset: offset, limit: limit, emit: emit}
	s.run()
	return s.last
}

// scanHash visits rows in the order of slots, or the one with the key.
func (e *Engine) scanHash(t *Txn, ix *Index, h *light, it Iterator, key [][]byte, visit func(*row) bool) {
	each := func(r *row) bool {
		if r = e.read(t, ix, r); r == nil {
			return true
		}
		return visit(r)
	}
	switch {
	case it == IterEq:
		if r := h.get(key); r != nil {
			each(r)
		} else if t != nil {
			t.trackPoint(ix, key)
		}
		return
	case t != nil:
		t.trackGap(ix, gapRead{all: true})
	}
	if it == IterAll || len(key) == 0 {
		h.from(0, each)
		return
	}
	if slot, _ := h.find(h.hashKey(key), key); slot != lightEnd {
		h.from(slot+1, each)
	}
}

// treeScan is one walk along a tree.
type treeScan struct {
	e             *Engine
	t             *Txn
	ix            *Index
	it            Iterator
	key, after    [][]byte
	offset, limit uint64
	emit          func(*row)

	start    [][]byte // where the walk starts: key or after
	startsAt Iterator
	reached  *row // the first row after those that were skipped
	last     *row // the last row of the index that was looked at
	ended    bool
}

// run visits the rows.
func (s *treeScan) run() {
	if !s.prepare() {
		return
	}
	skip := s.offset
	s.ended = true
	matched := false
	s.ix.store.(*tree).walk(s.start, s.from(), func(r *row) bool {
		if s.it.exact() && s.ix.key.compareKey(r, s.key) != 0 {
			return false
		}
		matched = true
		if skip > 0 { // passed over unread
			if s.seen(r) {
				skip--
			}
			return true
		}
		if s.reached == nil {
			s.reached = r
		}
		s.last = r
		seen := s.e.read(s.t, s.ix, r)
		if seen == nil {
			return true
		}
		s.emit(seen)
		s.limit--
		s.ended = s.limit > 0
		return s.ended
	})
	if s.t != nil {
		s.track(matched)
	}
}

// prepare settles the iterator and the place to start from. It returns false
// where there can be nothing.
func (s *treeScan) prepare() bool {
	if len(s.key) == 0 {
		if s.it.reverse() {
			s.it = IterLE
		} else {
			s.it = IterGE
		}
	} else if s.it == IterAll {
		s.it = IterGE
	}
	if s.it == IterNP || s.it == IterPP {
		if s.after != nil {
			s.it = map[Iterator]Iterator{IterNP: IterGT, IterPP: IterLT}[s.it]
		} else if !s.prefix() {
			return false
		}
	}
	s.start, s.startsAt = s.key, s.it
	if s.after != nil {
		s.start = s.after[:min(len(s.after), len(s.ix.order.parts))]
		switch {
		case s.it.exact():
		case s.it.reverse():
			s.startsAt = IterLT
		default:
			s.startsAt = IterGT
		}
	}
	return true
}

// from is the iterator that finds the first row: past the place to start after.
func (s *treeScan) from() Iterator {
	switch {
	case s.after == nil || !s.it.exact():
		return s.startsAt
	case s.it.reverse():
		return IterLT
	}
	return IterGT
}

// prefix turns "next prefix" and "previous prefix" into iterators that walk
// from the end of the rows with the prefix.
func (s *treeScan) prefix() bool {
	last := len(s.key) - 1
	np := s.it == IterNP
	s.it = IterLT
	if np {
		s.it = IterGT
	}
	if np == s.ix.key.parts[last].Desc || typeOf(s.key[last]) != mp.TypeString {
		return true
	}
	str := bytes.Clone(text(s.key[last]))
	i := len(str) - 1
	for ; i >= 0 && str[i] == 0xff; i-- {
		str[i] = 0
	}
	if i < 0 {
		return false
	}
	str[i]++
	s.key = append([][]byte(nil), s.key...)
	s.key[last] = mp.AppendStringBytes(nil, str)
	s.it = IterLE
	if np {
		s.it = IterGE
	}
	return true
}

// seen reports whether the transaction sees a row, without a trace of it.
func (s *treeScan) seen(r *row) bool {
	if r.story == nil {
		return true
	}
	seen, _ := r.story.visible(s.t, s.ix.pos)
	return seen != nil
}

// track remembers the places of the index where a new row would have been
// visited. What the real server leaves out is left out here.
func (s *treeScan) track(matched bool) {
	if s.offset > 0 {
		g := gapRead{iter: s.startsAt, key: s.start, until: s.reached, count: true}
		s.t.trackGap(s.ix, g)
		s.clarify(&g)
	} else {
		s.trackStart(matched)
	}
	if s.reached == nil || !s.ended && s.reached == s.last {
		return
	}
	g := gapRead{iter: IterGE, after: s.ix.cmp.key(s.reached)}
	switch {
	case s.it.exact():
		g.iter, g.key = s.it, s.key
	case s.it.reverse():
		g.iter = IterLE
	}
	if !s.ended {
		g.until = s.last
	}
	s.t.trackGap(s.ix, g)
}

// trackStart remembers the place before the first row that was reached.
func (s *treeScan) trackStart(matched bool) {
	whole := len(s.start) == len(s.ix.order.parts)
	if whole && s.it.exact() && !matched && len(s.key) >= len(s.ix.key.parts) {
		s.t.trackPoint(s.ix, s.key)
	}
	switch {
	case !whole, s.startsAt == IterGT, s.startsAt == IterLT:
	case s.startsAt.exact():
		return
	case s.reached != nil && s.ix.order.compareKey(s.reached, s.start) == 0:
		return // the start itself is there
	}
	key := s.start[:min(len(s.start), len(s.ix.key.parts))]
	s.t.trackGap(s.ix, gapRead{iter: s.startsAt, key: key, until: s.reached})
}

// clarify remembers the rows that other transactions are about to change
// among those passed over.
func (s *treeScan) clarify(g *gapRead) {
	for st := s.e.stories.next; st != &s.e.stories; st = st.next {
		if st.space == s.ix.space && st.links[s.ix.pos].newer == nil && !s.ix.key.excludes(st.row) && g.covers(s.ix, st.row) {
			s.e.read(s.t, s.ix, st.row)
		}
	}
}

// scanView visits the rows of a system view that the user may see.
func (e *Engine) scanView(t *Txn, u *User, ix *Index, it Iterator, key [][]byte, offset, limit uint64, emit func(*row)) {
	src, err := ix.space.source.index(ix.Def.ID)
	if err != nil || limit == 0 {
		return
	}
	s := treeScan{e: e, t: t, ix: src, it: it, key: key, limit: 1 << 62}
	s.emit = func(r *row) {
		switch {
		case limit == 0 || ix.space.visible != nil && !ix.space.visible(u, r.data):
		case offset > 0:
			offset--
		default:
			limit--
			emit(r)
		}
	}
	s.run()
}

// get finds the row with a whole key of a unique index.
func (e *Engine) get(t *Txn, ix *Index, key [][]byte) *row {
	if r := ix.store.get(key); r != nil {
		return e.read(t, ix, r)
	}
	if t != nil {
		t.trackPoint(ix, key)
	}
	return nil
}
