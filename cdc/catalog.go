package cdc

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/replication"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// Ids of system spaces. All those below firstUserSpace are.
const (
	spaceSchema    = 272
	spaceSpace     = 280
	spaceIndex     = 288
	spaceTruncate  = 330
	firstUserSpace = 512
)

// A catalog is the rows of _space and _index at a place in the log, and what
// they mean. It changes by being replaced: one that was handed out stays.
type catalog struct {
	spaces  map[uint32][]byte
	indexes map[indexID][]byte
	known   map[uint32]*schema.Space

	once    sync.Once
	encoded []byte
}

type indexID struct{ space, index uint32 }

func newCatalog() *catalog {
	return &catalog{spaces: map[uint32][]byte{}, indexes: map[indexID][]byte{}, known: map[uint32]*schema.Space{}}
}

func (c *catalog) clone() *catalog {
	return &catalog{spaces: maps.Clone(c.spaces), indexes: maps.Clone(c.indexes), known: maps.Clone(c.known)}
}

// size is about what its maps take: the rows are shared.
func (c *catalog) size() int { return 128*len(c.spaces) + 64*len(c.indexes) }

// space returns a space as it is now; one without a name where it is unknown.
func (c *catalog) space(id uint32) *schema.Space {
	if s := c.known[id]; s != nil {
		return s
	}
	return &schema.Space{ID: id}
}

// apply carries out a row of _space or _index. It returns the space that the
// row is about as it was and as it is, nil where there was or is none.
func (c *catalog) apply(typ iproto.Type, body *replication.Body) (before, after *schema.Space, err error) {
	id, err := definitionID(body)
	if err != nil {
		return nil, nil, err
	}
	before = c.known[id.space]
	if body.SpaceID == spaceSpace {
		row, err := redefine(c.spaces[id.space], typ, body, c.known[spaceSpace].TupleFormat())
		if err != nil {
			return nil, nil, err
		}
		if row == nil {
			delete(c.spaces, id.space)
		} else {
			c.spaces[id.space] = row
		}
	} else {
		row, err := redefine(c.indexes[id], typ, body, c.known[spaceIndex].TupleFormat())
		if err != nil {
			return nil, nil, err
		}
		if row == nil {
			delete(c.indexes, id)
		} else {
			c.indexes[id] = row
		}
	}
	c.rebuild(id.space)
	return before, c.known[id.space], nil
}

// redefine returns the row of a definition after a change; nil for none.
func redefine(row []byte, typ iproto.Type, body *replication.Body, format *schema.Format) ([]byte, error) {
	switch typ {
	case iproto.TypeInsert, iproto.TypeReplace:
		return body.Tuple, nil
	case iproto.TypeDelete:
		return nil, nil
	case iproto.TypeUpsert:
		if row == nil {
			return body.Tuple, nil
		}
	}
	if row == nil { // of a definition that is no more, where the schema is today's
		return nil, nil
	}
	ops, err := decodeOperations(body.Ops, body.IndexBase, nil)
	if err != nil {
		return nil, err
	}
	return applyOperations(row, ops, format, rules{lenient: typ == iproto.TypeUpsert, fills: true})
}

// definitionID reads which definition a row of _space or _index is about.
func definitionID(body *replication.Body) (indexID, error) {
	from := body.Key
	if from == nil {
		from = body.Tuple
	}
	r := mp.NewReader(from)
	n := r.ArrayLen()
	id := indexID{space: uint32(r.Uint())}
	if body.SpaceID == spaceIndex && n > 1 {
		id.index = uint32(r.Uint())
	}
	if err := r.Err(); err != nil {
		return id, fmt.Errorf("a row of space %d: %w", body.SpaceID, err)
	}
	return id, nil
}

// rebuild makes a space of its rows.
func (c *catalog) rebuild(id uint32) {
	row := c.spaces[id]
	if row == nil {
		delete(c.known, id)
		return
	}
	rows := [][]byte{}
	for _, x := range c.indexIDs(id) {
		rows = append(rows, c.indexes[x])
	}
	if s := schema.Parse(0, [][]byte{row}, rows).SpaceByID(id); s != nil {
		c.known[id] = s
	} else { // of a kind unknown here
		c.known[id] = &schema.Space{ID: id}
	}
}

func (c *catalog) indexIDs(space uint32) []indexID {
	var ids []indexID
	for i := range uint32(maxIndexes) {
		if c.indexes[indexID{space, i}] != nil {
			ids = append(ids, indexID{space, i})
		}
	}
	return ids
}

// maxIndexes is BOX_INDEX_MAX.
const maxIndexes = 128

// encode returns the rows of the users' spaces, as decodeCatalog reads them.
func (c *catalog) encode() []byte {
	c.once.Do(func() {
		var ids []uint32
		for id := range c.spaces {
			if id >= firstUserSpace {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		var indexes []indexID
		b := mp.AppendArrayLen(mp.AppendArrayLen(nil, 2), len(ids))
		for _, id := range ids {
			b = append(b, c.spaces[id]...)
			indexes = append(indexes, c.indexIDs(id)...)
		}
		b = mp.AppendArrayLen(b, len(indexes))
		for _, id := range indexes {
			b = append(b, c.indexes[id]...)
		}
		c.encoded = b
	})
	return c.encoded
}

func decodeCatalog(b []byte) (*catalog, error) {
	c := newCatalog()
	r := mp.NewReader(b)
	if n := r.ArrayLen(); n != 2 && r.Err() == nil {
		return nil, fmt.Errorf("cdc: a checkpoint's schema of %d parts", n)
	}
	for _, space := range []uint32{spaceSpace, spaceIndex} {
		for n := r.ArrayLen(); n > 0; n-- {
			body := replication.Body{SpaceID: space, Tuple: r.Raw()}
			if r.Err() != nil {
				break
			}
			if _, _, err := c.apply(iproto.TypeInsert, &body); err != nil {
				return nil, fmt.Errorf("cdc: a checkpoint's schema: %w", err)
			}
		}
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("cdc: a checkpoint's schema: %w", err)
	}
	return c, nil
}

// addSystem takes the system spaces of another catalog.
func (c *catalog) addSystem(other *catalog) {
	for id, row := range other.spaces {
		if id < firstUserSpace {
			c.spaces[id], c.known[id] = row, other.known[id]
		}
	}
	for id, row := range other.indexes {
		if id.space < firstUserSpace {
			c.indexes[id] = row
		}
	}
}
