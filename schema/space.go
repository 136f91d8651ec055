package schema

import (
	"reflect"
	"slices"
)

// Space is a space of a Schema.
type Space struct {
	ID     uint32
	Name   string
	Engine string // "memtx", "vinyl", "sysview", ...
	Owner  uint32 // id of a user
	// FieldCount is how many fields each tuple has, 0 for any number.
	FieldCount uint64
	// Flags are the space's options, such as "temporary" or "is_sync".
	Flags   map[string]any
	Format  *Format  // nil where the fields have no names
	Indexes []*Index // by their ids
}

// Index returns the index of that name, nil where there is none, also of a nil
// Space.
func (s *Space) Index(name string) *Index {
	if s == nil {
		return nil
	}
	for _, index := range s.Indexes {
		if index.Name == name {
			return index
		}
	}
	return nil
}

// IndexByID returns the index of that id, nil where there is none, also of a nil
// Space.
func (s *Space) IndexByID(id uint32) *Index {
	if s == nil {
		return nil
	}
	for _, index := range s.Indexes {
		if index.ID == id {
			return index
		}
	}
	return nil
}

// TupleFormat returns Format, nil of a nil Space.
func (s *Space) TupleFormat() *Format {
	if s == nil {
		return nil
	}
	return s.Format
}

// Equal reports whether two spaces are the same in everything that a name may
// stand for: their ids, names, formats and indexes. Two nil Spaces are equal.
func (s *Space) Equal(other *Space) bool {
	if s == nil || other == nil || s == other {
		return s == other
	}
	return s.ID == other.ID && s.Name == other.Name && s.Engine == other.Engine &&
		s.Owner == other.Owner && s.FieldCount == other.FieldCount &&
		reflect.DeepEqual(s.Flags, other.Flags) && s.Format.Equal(other.Format) &&
		slices.EqualFunc(s.Indexes, other.Indexes, (*Index).Equal)
}

// Index is an index of a Space.
type Index struct {
	ID     uint32
	Name   string
	Type   string // "tree", "hash", "bitset", "rtree"
	Unique bool
	Parts  []Part
	// Functional reports that the keys are what a function makes of the tuples.
	Functional bool

	partNames []string // PartNames, of an index of a Schema
}

// Equal reports whether two indexes are the same. Two nil Indexes are equal.
func (x *Index) Equal(other *Index) bool {
	if x == nil || other == nil || x == other {
		return x == other
	}
	return x.ID == other.ID && x.Name == other.Name && x.Type == other.Type &&
		x.Unique == other.Unique && x.Functional == other.Functional && slices.Equal(x.Parts, other.Parts)
}

// Part is a part of an index's key.
type Part struct {
	Field      int    // number of the field, from 0
	Name       string // of the field; "" where the format has none, and where Path is set
	Path       string // JSON path inside the field; "" for the field itself
	Type       string // "unsigned", "string", ...
	IsNullable bool
	Collation  uint64 // id of a collation, 0 for none
}

// PartNames returns the names of the fields that the parts are, in the order of
// the parts: nil where one has no name, and of a nil Index. The slice must not be
// changed.
func (x *Index) PartNames() []string {
	switch {
	case x == nil:
		return nil
	case x.partNames != nil:
		return x.partNames
	}
	names := make([]string, len(x.Parts))
	for i, part := range x.Parts {
		if part.Name == "" {
			return nil
		}
		names[i] = part.Name
	}
	return names
}
