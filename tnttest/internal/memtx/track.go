package memtx

// gapRead is a range of an index that a transaction looked through. A row
// that appears in it later is one that the transaction should have seen.
type gapRead struct {
	txn   *Txn
	all   bool // the whole index
	iter  Iterator
	key   [][]byte
	after [][]byte // the range starts after this place, in terms of ix.cmp
	until *row     // and ends before this row
	// count tells that rows were counted rather than read, so that rows
	// which disappear matter too.
	count bool
}

// covers reports whether the row is in the range.
func (g *gapRead) covers(ix *Index, r *row) bool {
	if g.all {
		return true
	}
	if !g.iter.matches(ix.cmp.compareKey(r, g.key)) {
		return false
	}
	dir := g.iter.direction()
	if g.after != nil && dir*ix.cmp.compareKey(r, g.after) <= 0 {
		return false
	}
	return g.until == nil || dir*ix.order.compareRows(g.until, r) > 0
}

// trackRead remembers that the transaction saw the row of a story.
func (t *Txn) trackRead(st *story) {
	if st.readers == nil {
		st.readers = make(map[*Txn]struct{})
	}
	st.readers[t] = struct{}{}
	t.reads[st] = struct{}{}
}

// trackGapAt remembers that the transaction found nothing where a chain is.
func (t *Txn) trackGapAt(st *story, i int) {
	st = st.top(i)
	if st.links[i].gapReaders == nil {
		st.links[i].gapReaders = make(map[*Txn]struct{})
	}
	st.links[i].gapReaders[t] = struct{}{}
	t.gapChains = append(t.gapChains, gapChain{st, i})
}

// gapChain is a chain where a transaction found nothing.
type gapChain struct {
	story *story
	index int
}

// trackGap remembers a range that the transaction looked through.
func (t *Txn) trackGap(ix *Index, g gapRead) {
	if t.status != txnActive {
		return
	}
	g.txn = t
	ix.gaps = append(ix.gaps, &g)
	t.gapIndexes[ix] = struct{}{}
}

// trackPoint remembers that the transaction found nothing at a whole key.
func (t *Txn) trackPoint(ix *Index, key [][]byte) {
	t.trackGap(ix, gapRead{iter: IterEq, key: key})
}

// forgetReads drops all that the transaction read.
func (t *Txn) forgetReads() {
	for st := range t.reads {
		delete(st.readers, t)
	}
	for _, c := range t.gapChains {
		delete(c.story.top(c.index).links[c.index].gapReaders, t)
	}
	for ix := range t.gapIndexes {
		kept := ix.gaps[:0]
		for _, g := range ix.gaps {
			if g.txn != t {
				kept = append(kept, g)
			}
		}
		clear(ix.gaps[len(kept):])
		ix.gaps = kept
	}
	clear(t.reads)
	clear(t.gapIndexes)
	t.gapChains = nil
}

// gapWrite tells those who looked through an empty place of index i that a
// row appeared there.
func (e *Engine) gapWrite(st *story, i int) {
	ix := st.space.indexes[i]
	for _, g := range ix.gaps {
		if g.covers(ix, st.row) {
			g.txn.trackGapAt(st, i)
		}
	}
}

// countedDelete tells those who counted a row that it goes.
func (e *Engine) countedDelete(st *story) {
	for _, ix := range st.space.indexes {
		if ix.key.excludes(st.row) {
			continue
		}
		for _, g := range ix.gaps {
			if g.count && g.covers(ix, st.row) {
				g.txn.trackRead(st)
			}
		}
	}
}
