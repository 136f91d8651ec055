package schema

import (
	"cmp"
	"iter"
	"slices"
)

// Schema is a snapshot of a server's spaces and indexes. It never changes. A
// nil Schema knows nothing.
type Schema struct {
	// Version of the schema (IPROTO_SCHEMA_VERSION). The server changes it with
	// every change of a space or an index.
	Version uint64

	spaces []*Space // by their ids
	byID   map[uint32]*Space
	byName map[string]*Space
}

// New makes a schema of spaces, which must not be changed afterwards. Their ids
// and names should differ: of two with the same the later one is found.
func New(version uint64, spaces ...*Space) *Schema {
	s := &Schema{
		Version: version,
		spaces:  slices.Clone(spaces),
		byID:    make(map[uint32]*Space, len(spaces)),
		byName:  make(map[string]*Space, len(spaces)),
	}
	for _, space := range spaces {
		s.byID[space.ID] = space
		s.byName[space.Name] = space
		for _, index := range space.Indexes {
			index.partNames = index.PartNames()
		}
	}
	slices.SortFunc(s.spaces, func(a, b *Space) int { return cmp.Compare(a.ID, b.ID) })
	return s
}

// Space returns the space of that name, nil where there is none.
func (s *Schema) Space(name string) *Space {
	if s == nil {
		return nil
	}
	return s.byName[name]
}

// SpaceByID returns the space of that id, nil where there is none.
func (s *Schema) SpaceByID(id uint32) *Space {
	if s == nil {
		return nil
	}
	return s.byID[id]
}

// Spaces iterates over the spaces in the order of their ids.
func (s *Schema) Spaces() iter.Seq[*Space] {
	return func(yield func(*Space) bool) {
		if s == nil {
			return
		}
		for _, space := range s.spaces {
			if !yield(space) {
				return
			}
		}
	}
}

// Len returns the number of spaces.
func (s *Schema) Len() int {
	if s == nil {
		return 0
	}
	return len(s.spaces)
}
