package memtx

// gcStepsPerStory is how many stories the crawler looks at for each that
// begins (TX_MANAGER_GC_STEPS_SIZE). How soon a deleted row leaves a HASH
// index decides the order of a later scan, so the crawler keeps the pace of
// the real one.
const gcStepsPerStory = 2

// gc lets the crawler make the steps that are due.
func (e *Engine) gc() {
	for ; e.mustStep > 0; e.mustStep-- {
		e.gcStep()
	}
}

func (e *Engine) gcStep() {
	st := e.crawler
	e.crawler = st.next
	if st == &e.stories || !e.unused(st) {
		return
	}
	for i := range st.links {
		l := &st.links[i]
		switch {
		case l.newer != nil:
			l.newer.links[i].older = l.older
			if l.older != nil {
				l.older.links[i].newer = l.newer
			}
		case st.deleted != 0:
			ix := st.space.indexes[i]
			if !ix.key.excludes(st.row) {
				ix.store.remove(st.row)
			}
		}
	}
	e.dropStory(st)
}

// unused reports whether no transaction can need the story any more.
func (e *Engine) unused(st *story) bool {
	if st.adder != nil || len(st.deleters) > 0 || len(st.readers) > 0 {
		return false
	}
	if oldest := e.oldestView(); st.added >= oldest || st.deleted >= oldest {
		return false
	}
	for i := range st.links {
		l := &st.links[i]
		if l.newer == nil && l.older != nil ||
			i > 0 && l.newer != nil && l.newer.adder != nil ||
			len(l.gapReaders) > 0 {
			return false
		}
	}
	return true
}

// oldestView returns the earliest point of time that a transaction still
// looks at.
func (e *Engine) oldestView() psn {
	oldest := e.nextPSN
	for t := range e.txns {
		if t.view != 0 {
			oldest = min(oldest, t.view)
		}
	}
	return oldest
}
