package cdc

import (
	"fmt"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/schema"
)

// Phase is the part of a Feed that a Tx is of.
type Phase uint8

// A Feed from a Snapshot gives InSnapshot, then one SnapshotEnd, which may have
// no changes, then InLog. All others give InLog.
const (
	InLog       Phase = iota // a transaction of the log
	InSnapshot               // some of the rows of the snapshot; it has no Position
	SnapshotEnd              // the last of them: the snapshot is whole
)

var phaseNames = [...]string{"log", "snapshot", "snapshot end"}

// String returns the name of the phase.
func (p Phase) String() string {
	if int(p) < len(phaseNames) {
		return phaseNames[p]
	}
	return fmt.Sprintf("phase %d", p)
}

// Tx is a transaction, or some rows of a snapshot. It is the user's to keep.
//
// One without changes says that the log has moved on without any of the spaces
// followed, so that the position that is stored does not fall behind.
type Tx struct {
	Changes []Change
	// Position is that behind the transaction: zero InSnapshot.
	Position Position
	// Time is when it was written, zero of a snapshot.
	Time time.Time
	// Origin is the id of the instance that wrote it, 0 of a snapshot.
	Origin uint32
	Phase  Phase
	// SchemaChanged reports that the Checkpoint's schema is another than that
	// of the Tx before.
	SchemaChanged bool

	feed    *Feed
	catalog *catalog
	size    int
}

// Checkpoint returns what a Feed can start from behind this Tx. It is without a
// Position InSnapshot.
func (tx *Tx) Checkpoint() Checkpoint {
	c := Checkpoint{Position: tx.Position}
	if tx.feed != nil {
		c.Consumer = tx.feed.opts.Consumer
	}
	if tx.catalog != nil {
		c.schema = tx.catalog.encode()
	}
	return c
}

// Op is what a Change does.
type Op uint8

// The operations. Those on spaces stand where the space is as the Change says;
// each index made, changed or dropped is an AlterSpace.
const (
	Insert Op = iota + 1
	Replace
	Update
	Upsert
	Delete
	Truncate
	CreateSpace
	AlterSpace
	DropSpace
)

var opNames = [...]string{"", "insert", "replace", "update", "upsert", "delete", "truncate", "create space", "alter space", "drop space"}

// String returns the name of the operation.
func (o Op) String() string {
	if int(o) < len(opNames) && o > 0 {
		return opNames[o]
	}
	return fmt.Sprintf("op %d", o)
}

// Change is a row of a transaction: the request that the server logged. An
// Update or a Delete by the primary key may have found nothing to change; one by
// another index that found nothing is left out.
type Change struct {
	Op Op
	// Space is what is changed, as it was at this row: with the names and indexes
	// of then. It must not be changed. Where a Feed starts at a bare Position and
	// the space was dropped since, it has an ID alone.
	Space *schema.Space
	// Key is of an Update or a Delete: the primary index's.
	Key tnt.Tuple
	// Tuple is of an Insert, a Replace or an Upsert, which inserts it where there
	// is none.
	Tuple tnt.Tuple
	// Ops are of an Update or an Upsert.
	Ops []Operation
	// Old and New are the tuple before and after, nil where there is none or it is
	// not known. Only a Mirror knows them, and the Enterprise Edition where a
	// space is told to log them.
	Old, New *tnt.Tuple
}

// String shows the change on one line.
func (c Change) String() string {
	name := ""
	if c.Space != nil {
		name = c.Space.Name
	}
	text := c.Op.String() + " " + name
	if c.Key.Raw() != nil {
		text += " key " + c.Key.String()
	}
	if c.Tuple.Raw() != nil {
		text += " " + c.Tuple.String()
	}
	if len(c.Ops) > 0 {
		text += fmt.Sprint(" ", c.Ops)
	}
	return text
}

// As decodes the tuple that a change leaves behind: New where that is known,
// or else Tuple. For T see tnt.One. An Update or a Delete has none unless
// a Mirror or the Enterprise Edition provides it: the error is tnt.ErrNoTuple.
func As[T any](c Change) (T, error) {
	var v T
	tuple := c.Tuple
	if c.New != nil {
		tuple = *c.New
	}
	if tuple.Raw() == nil || c.New == nil && c.Op == Upsert {
		return v, fmt.Errorf("cdc: %v of space %q: the log has no whole tuple of it; use a Mirror: %w", c.Op, c.Space.Name, tnt.ErrNoTuple)
	}
	err := tuple.Decode(&v)
	return v, err
}
