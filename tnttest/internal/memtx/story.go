package memtx

// row is a tuple in the indexes of a space. Its bytes never change.
type row struct {
	data   []byte
	fields [][]byte // the first fields, those that indexes look at
	story  *story   // what transactions did to it lately, nil: nothing

	// A row that only stands for a place in a tree has a key instead of
	// fields: before (bias -1) or after (bias 1) all tuples equal to it.
	probe [][]byte
	bias  int
}

func (r *row) field(i int) []byte {
	if i < len(r.fields) {
		return r.fields[i]
	}
	return nil
}

// story is the life of a row between transactions: who added and who deleted
// it, and who read it. In every index the stories of one key form a chain,
// newest first; the row of the newest is the one that is in the index, even
// when no transaction can see it any more. The crawler (gc.go) takes stories
// away that nobody needs, and only then do deleted rows leave the indexes.
//
// The rules are those of Tarantool's src/box/memtx_tx.c without its prepared
// state: with no log to write, a transaction commits at once.
type story struct {
	row      *row
	space    *Space
	adder    *stmt   // not committed yet
	deleters []*stmt // not committed yet
	added    psn     // when committed, 0: long ago
	deleted  psn     // when committed, 0: not deleted
	readers  map[*Txn]struct{}
	links    []link // one an index

	prev, next *story // in the list of all stories
}

// link is the place of a story in the chain of an index.
type link struct {
	newer, older *story
	// own tells that the story's transaction itself made the change that
	// this one covers.
	own bool
	// gapReaders found nothing at this key. They are kept at the newest story.
	gapReaders map[*Txn]struct{}
}

// psn is the place of a transaction in the order of commits.
type psn int64

const (
	psnRolledBack psn = 1 // deleted "long ago", so that nobody sees it
	psnFirst      psn = 2
)

// stmt is a change that a transaction made.
type stmt struct {
	txn  *Txn
	user *User // who does it, nil for the server itself
	add  *story
	del  *story // what it deletes or replaces
	// ownDelete: what it deletes was added by its own transaction.
	ownDelete bool
	ddl       *ddlUndo // what to take back in the schema
	row       Row      // what it does, none where it does nothing
}

// newStory begins the story of a row, in the list of all.
func (e *Engine) newStory(s *Space, r *row) *story {
	e.mustStep += gcStepsPerStory
	st := &story{row: r, space: s, links: make([]link, len(s.indexes))}
	r.story = st
	st.prev, st.next = e.stories.prev, &e.stories
	st.prev.next, st.next.prev = st, st
	return st
}

// storyOf returns the story of a row, begun now if it has none.
func (e *Engine) storyOf(s *Space, r *row) *story {
	if r.story == nil {
		return e.newStory(s, r)
	}
	return r.story
}

// dropStory takes a story off the list of all.
func (e *Engine) dropStory(st *story) {
	if e.crawler == st {
		e.crawler = st.next
	}
	st.prev.next, st.next.prev = st.next, st.prev
	st.row.story = nil
}

// linkTop puts a new story on top of the chain of index i.
func (st *story) linkTop(older *story, i int) {
	st.links[i].older = older
	older.links[i].newer = st
	st.links[i].gapReaders, older.links[i].gapReaders = older.links[i].gapReaders, nil
}

// top returns the newest story of the chain.
func (st *story) top(i int) *story {
	for st.links[i].newer != nil {
		st = st.links[i].newer
	}
	return st
}

// sink changes places with the next older story in the chain of index i.
func (st *story) sink(i int) {
	older := st.links[i].older
	newer, oldest := st.links[i].newer, older.links[i].older
	older.links[i].newer, older.links[i].older = newer, st
	st.links[i].newer, st.links[i].older = older, oldest
	if oldest != nil {
		oldest.links[i].newer = st
	}
	if newer != nil {
		newer.links[i].older = older
		return
	}
	older.links[i].gapReaders, st.links[i].gapReaders = st.links[i].gapReaders, nil
	st.space.indexes[i].store.put(older.row)
}

// deletedBy reports whether a statement of the transaction deletes the row.
func (st *story) deletedBy(t *Txn) bool {
	for _, s := range st.deleters {
		if s.txn == t {
			return true
		}
	}
	return false
}

// ownedBy reports whether it is sure that no other transaction can change the
// row before t is through: t added it, or read it.
func (st *story) ownedBy(t *Txn) bool {
	if st.adder != nil && st.adder.txn == t {
		return true
	}
	_, read := st.readers[t]
	return read
}

func (st *story) addDeleter(s *stmt) {
	st.deleters = append(st.deleters, s)
	s.del = st
}

func (st *story) dropDeleter(s *stmt) {
	for i, d := range st.deleters {
		if d == s {
			st.deleters = append(st.deleters[:i:i], st.deleters[i+1:]...)
			break
		}
	}
	s.del = nil
}

// visible finds what the transaction, nil for none, sees of the chain of index
// i that starts at st, and whether its own change decides that for good.
func (st *story) visible(t *Txn, i int) (seen *story, own bool) {
	view := psn(1<<63 - 1)
	if t != nil && t.view != 0 {
		view = t.view
	}
	for ; st != nil; st = st.links[i].older {
		switch {
		case t != nil && st.deletedBy(t):
			return nil, st.ownedBy(t)
		case st.deleted != 0 && st.deleted < view:
			return nil, false
		case st.adder != nil && st.adder.txn == t:
			return st, true
		case st.adder == nil && st.added < view:
			return st, false
		}
	}
	return nil, false
}

// read returns what the transaction sees where r is in index ix, and
// remembers that it looked.
func (e *Engine) read(t *Txn, ix *Index, r *row) *row {
	if r.story == nil {
		if t != nil {
			t.trackRead(e.newStory(ix.space, r))
		}
		return r
	}
	seen, own := r.story.visible(t, ix.pos)
	if t != nil && !own {
		if seen == nil {
			t.trackGapAt(r.story, ix.pos)
		} else {
			t.trackRead(seen)
		}
	}
	if seen == nil {
		return nil
	}
	return seen.row
}
