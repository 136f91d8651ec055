package cdc

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
)

// A mirror keeps the rows of some spaces, so that changes get their tuples
// before and after. A nil mirror keeps none.
type mirror struct {
	names []string // of spaces; none: all of the users'
	rows  map[uint32]map[string][]byte
	fills bool // see rules: of the server that is followed
}

func (m *mirror) has(s *schema.Space) bool {
	return m != nil && s != nil && s.ID >= firstUserSpace && (len(m.names) == 0 || slices.Contains(m.names, s.Name))
}

// apply carries out a change, and tells it what was and what is.
func (m *mirror) apply(change *Change) error {
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
		}
	}
	if now == nil {
		delete(rows, key)
	} else {
		rows[key] = now
	}
	change.Old, change.New = image(old, space), image(now, space)
	return nil
}

func image(raw []byte, space *schema.Space) *tnt.Tuple {
	if raw == nil {
		return nil
	}
	tuple, err := tnt.TupleOf(raw, space.Format)
	if err != nil {
		return nil // these bytes were a tuple before
	}
	return &tuple
}

// primaryKey returns the key of a change, equal for keys that the server takes
// as equal.
func (c *Change) primaryKey() (string, error) {
	index := c.Space.IndexByID(0)
	if index == nil {
		return "", errors.New("it has no primary index")
	}
	from := c.Tuple
	if c.Key.Raw() != nil {
		from = c.Key
	}
	var b []byte
	for i, part := range index.Parts {
		if part.Path != "" || part.Collation != 0 && part.Collation != binaryCollation {
			return "", errors.New("the primary index has a JSON path or a collation, by which keys are not told apart here")
		}
		at := part.Field
		if c.Key.Raw() != nil {
			at = i
		}
		v, err := from.At(at)
		if err != nil {
			return "", err
		}
		if b, err = mp.AppendValue(b, normal(v)); err != nil {
			return "", err
		}
	}
	return string(b), nil
}

// binaryCollation is the id of "binary", which compares bytes, as does 0.
const binaryCollation = 3

// normal makes numbers that are equal the same.
func normal(v any) any {
	switch n := v.(type) {
	case float64:
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return v
		}
		d := decimal.NewFromFloat(n)
		if d.IsInteger() {
			return normal(d)
		}
		return d
	case decimal.Decimal:
		if n.IsInteger() && n.BigInt().IsInt64() {
			return n.BigInt().Int64()
		}
		if n.IsInteger() && n.BigInt().IsUint64() {
			return n.BigInt().Uint64()
		}
		return n.String()
	}
	return v
}

// define follows a change of a space.
func (m *mirror) define(op Op, before, after *schema.Space) error {
	if m == nil {
		return nil
	}
	if op == DropSpace {
		delete(m.rows, before.ID)
		return nil
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
		c := Change{Op: Replace, Space: after, Tuple: *image(raw, after)}
		key, err := c.primaryKey()
		if err != nil {
			return fmt.Errorf("cdc: mirror of space %q: %w", after.Name, err)
		}
		again[key] = raw
	}
	m.rows[after.ID] = again
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
