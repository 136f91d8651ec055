package cdc

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
)

var errKeyChanged = errors.New("an update would change the primary key: the rows that are known are not those of the server")

// A mirror keeps the rows of some spaces, so that changes get their tuples
// before and after. A nil mirror keeps none.
type mirror struct {
	names   []string        // of spaces; none: all of the users'
	renamed map[uint32]bool // those that had one of the names
	rows    map[uint32]map[string][]byte
	fills   bool // see rules: of the server that is followed
}

func newMirror(names []string) *mirror {
	m := &mirror{names: names}
	m.clear()
	return m
}

// clear forgets all rows.
func (m *mirror) clear() {
	m.rows, m.renamed = map[uint32]map[string][]byte{}, map[uint32]bool{}
}

func (m *mirror) has(s *schema.Space) bool {
	return m != nil && s != nil && s.ID >= firstUserSpace &&
		(len(m.names) == 0 || slices.Contains(m.names, s.Name) || m.renamed[s.ID])
}

// apply carries out a change, and tells it what was and what is, to be read by the
// settings.
func (m *mirror) apply(change *Change, settings *mp.Settings) error {
	space := change.Space
	if !m.has(space) {
		return nil
	}
	fail := func(err error) error { return fmt.Errorf("cdc: mirror of space %q: %w", space.Name, err) }
	key, err := change.primaryKey()
	if err != nil {
		return fail(err)
	}
	rows := m.rows[space.ID]
	if rows == nil {
		rows = map[string][]byte{}
		m.rows[space.ID] = rows
	}
	old := rows[key]
	now := old
	switch change.Op {
	case Insert, Replace:
		now = change.Tuple.Raw()
	case Delete:
		now = nil
	case Update, Upsert:
		switch {
		case old == nil && change.Op == Upsert:
			now = change.Tuple.Raw()
		case old != nil:
			if now, err = applyOperations(old, change.Ops, space.Format, rules{lenient: change.Op == Upsert, fills: m.fills}); err != nil {
				return fail(err)
			}
			switch again, err := keyOfTuple(now, space); {
			case err == nil && again == key:
			case change.Op == Upsert: // one that would change the key is logged, and does nothing
				now = old
			default: // no server does such an update
				return fail(cmp.Or(err, errKeyChanged))
			}
		}
	}
	if now == nil {
		delete(rows, key)
	} else {
		rows[key] = now
	}
	change.Old, change.New = image(old, space, settings), image(now, space, settings)
	return nil
}

func image(raw []byte, space *schema.Space, settings *mp.Settings) *tnt.Tuple {
	if raw == nil {
		return nil
	}
	tuple, err := tupleOf(raw, space.Format, settings)
	if err != nil {
		return nil // these bytes were a tuple before
	}
	return &tuple
}

// define follows a change of a space.
func (m *mirror) define(op Op, before, after *schema.Space) error {
	if m == nil {
		return nil
	}
	if op == DropSpace {
		delete(m.rows, before.ID)
		delete(m.renamed, before.ID)
		return nil
	}
	if err := m.rename(before, after); err != nil {
		return err
	}
	if m.has(after) {
		if err := keyIsKnown(after); err != nil {
			return fmt.Errorf("cdc: mirror of space %q: %w", after.Name, err)
		}
	}
	rows := m.rows[after.ID]
	if before == nil || len(rows) == 0 || !m.has(after) || slices.Equal(parts(before), parts(after)) {
		return nil
	}
	if after.IndexByID(0) == nil { // it is being dropped, and its rows with it
		delete(m.rows, after.ID)
		return nil
	}
	again := make(map[string][]byte, len(rows))
	for _, raw := range rows {
		key, err := keyOfTuple(raw, after)
		if err != nil {
			return fmt.Errorf("cdc: mirror of space %q: %w", after.Name, err)
		}
		again[key] = raw
	}
	m.rows[after.ID] = again
	return nil
}

// rename keeps the rows of a space that is renamed. One whose rows are not kept
// must not come to a name of those that are.
func (m *mirror) rename(before, after *schema.Space) error {
	switch {
	case before == nil || before.Name == after.Name:
	case m.has(before):
		m.renamed[after.ID] = true
	case m.has(after):
		return fmt.Errorf("cdc: mirror of space %q: space %d, whose rows are not kept, is renamed to it from %q: name both in Mirror, or none for all spaces",
			after.Name, after.ID, before.Name)
	}
	return nil
}

func parts(s *schema.Space) []schema.Part {
	if index := s.IndexByID(0); index != nil {
		return index.Parts
	}
	return nil
}

func (m *mirror) truncate(s *schema.Space) {
	if m != nil {
		delete(m.rows, s.ID)
	}
}
