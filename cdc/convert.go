package cdc

import (
	"fmt"
	"slices"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// A converter makes changes of rows, and keeps the schema in step with them.
type converter struct {
	opts     *Options
	settings *mp.Settings // of the server that is followed
	catalog  *catalog
	mirror   *mirror // nil: none
	shared   bool    // the catalog is in use elsewhere: it is cloned before it changes
	changed  bool    // the catalog is another than that of the last Tx
}

// wanted reports whether a space is followed, by its name as it is or was.
func (c *converter) wanted(s *schema.Space) bool {
	if s == nil {
		return false
	}
	if s.ID < firstUserSpace {
		return c.opts.System
	}
	return len(c.opts.Spaces) == 0 || slices.Contains(c.opts.Spaces, s.Name)
}

// synchronous reports whether a transaction touches a synchronous space, for
// servers whose rows don't say.
func (c *converter) synchronous(rows []replication.Row) bool {
	for i := range rows {
		body, err := replication.DecodeBody(rows[i].Type, rows[i].Body)
		if err != nil || body.SpaceID == 0 {
			continue
		}
		if is, _ := c.catalog.space(body.SpaceID).Flags["is_sync"].(bool); is {
			return true
		}
	}
	return false
}

// changes appends what a row changes. Rows of a snapshot are a state and no
// events.
func (c *converter) changes(list []Change, row *replication.Row, snapshot bool) ([]Change, error) {
	op, ok := operationOf(row.Type)
	if !ok || row.Local() {
		return list, nil
	}
	body, err := replication.DecodeBody(row.Type, row.Body)
	if err != nil {
		return list, err
	}
	if body.IndexID != 0 {
		return list, nil // it found nothing: a row that was found is named by its primary key
	}
	space := c.catalog.space(body.SpaceID)
	if c.wanted(space) || c.mirror.has(space) {
		change, err := c.rowChange(op, space, &body)
		if err != nil {
			return list, fmt.Errorf("a row of space %q (%d): %w", space.Name, space.ID, err)
		}
		if err := c.mirror.apply(&change, c.settings); err != nil {
			return list, err
		}
		if c.wanted(space) {
			list = append(list, change)
		}
	}
	switch body.SpaceID {
	case spaceSpace, spaceIndex:
		return c.definition(list, row.Type, &body)
	case spaceTruncate:
		if snapshot || row.Type == iproto.TypeDelete {
			return list, nil
		}
		return c.truncation(list, &body)
	}
	return list, nil
}

func operationOf(t iproto.Type) (Op, bool) {
	switch t {
	case iproto.TypeInsert:
		return Insert, true
	case iproto.TypeReplace:
		return Replace, true
	case iproto.TypeUpdate:
		return Update, true
	case iproto.TypeUpsert:
		return Upsert, true
	case iproto.TypeDelete:
		return Delete, true
	}
	return 0, false
}

// tupleOf is tnt.TupleOf of a tuple that is read by the settings.
func tupleOf(raw []byte, format *schema.Format, settings *mp.Settings) (tnt.Tuple, error) {
	t, err := tnt.TupleOf(raw, format)
	if err == nil && settings != nil {
		t = mp.MakeTuple(raw, format, settings).(tnt.Tuple)
	}
	return t, err
}

func (c *converter) rowChange(op Op, space *schema.Space, body *replication.Body) (change Change, err error) {
	change = Change{Op: op, Space: space}
	if body.Key != nil {
		if change.Key, err = tupleOf(body.Key, nil, c.settings); err != nil {
			return change, err
		}
	}
	if body.Tuple != nil {
		if change.Tuple, err = tupleOf(body.Tuple, space.Format, c.settings); err != nil {
			return change, err
		}
	}
	if body.Ops != nil {
		if change.Ops, err = decodeOperations(body.Ops, body.IndexBase, c.settings); err != nil {
			return change, err
		}
	}
	for _, image := range []struct {
		raw []byte
		to  **tnt.Tuple
	}{{body.Old, &change.Old}, {body.New, &change.New}} {
		if image.raw == nil {
			continue
		}
		tuple, err := tupleOf(image.raw, space.Format, c.settings)
		if err != nil {
			return change, err
		}
		*image.to = &tuple
	}
	return change, nil
}

// definition follows a row of _space or _index.
func (c *converter) definition(list []Change, typ iproto.Type, body *replication.Body) ([]Change, error) {
	if c.shared {
		c.catalog, c.shared = c.catalog.clone(), false
	}
	before, after, err := c.catalog.apply(typ, body)
	if err != nil {
		return list, err
	}
	change := Change{Op: AlterSpace, Space: after}
	switch {
	case before == nil && after == nil:
		return list, nil // an index of a space that is gone, where the schema is today's
	case after == nil:
		change = Change{Op: DropSpace, Space: before}
	case before == nil:
		change.Op = CreateSpace
	}
	c.changed = c.changed || change.Space.ID >= firstUserSpace
	if err := c.mirror.define(change.Op, before, after); err != nil {
		return list, err
	}
	if change.Space.ID >= firstUserSpace && (c.wanted(before) || c.wanted(after)) {
		list = append(list, change)
	}
	return list, nil
}

// truncation follows a row of _truncate: [id of the space, how often].
func (c *converter) truncation(list []Change, body *replication.Body) ([]Change, error) {
	from := body.Tuple
	if from == nil {
		from = body.Key
	}
	r := mp.NewReader(from)
	r.ArrayLen()
	id := uint32(r.Uint())
	if err := r.Err(); err != nil {
		return list, fmt.Errorf("a row of _truncate: %w", err)
	}
	space := c.catalog.space(id)
	c.mirror.truncate(space)
	if id >= firstUserSpace && c.wanted(space) {
		list = append(list, Change{Op: Truncate, Space: space})
	}
	return list, nil
}

// tx makes a Tx of a transaction of the log.
func (c *converter) tx(d *replication.Decided) (*Tx, error) {
	tx := &Tx{size: d.Size}
	if !d.RolledBack && len(c.opts.Spaces) == 0 { // most rows are changes
		tx.Changes = make([]Change, 0, len(d.Rows))
	}
	for i := range d.Rows {
		row := &d.Rows[i]
		if !row.Local() {
			tx.Origin = row.ReplicaID
		}
		tx.Time = replication.Time(row.Timestamp)
		if d.RolledBack {
			continue
		}
		var err error
		if tx.Changes, err = c.changes(tx.Changes, row, false); err != nil {
			return nil, fmt.Errorf("cdc: row %d of instance %d: %w", row.LSN, row.ReplicaID, err)
		}
	}
	return tx, nil
}

// seal gives a Tx the schema as it is. One that no other Tx has takes its memory.
func (c *converter) seal(tx *Tx) {
	if !c.shared {
		tx.size += c.catalog.size()
	}
	tx.catalog, c.shared = c.catalog, true
	tx.SchemaChanged, c.changed = c.changed, false
}
