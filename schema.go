package tnt

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"

	"github.com/gotnt/tnt/internal/iproto"
	"github.com/gotnt/tnt/internal/mp"
)

// Schema is a snapshot of a server's spaces and indexes. It never changes
// and is safe for concurrent use. A nil Schema knows nothing.
type Schema struct {
	// Version of the schema (IPROTO_SCHEMA_VERSION).
	Version uint64
	byID    map[uint32]*Space
	byName  spaceNames
}

func newSchema(version uint64) *Schema {
	return &Schema{Version: version, byID: map[uint32]*Space{}, byName: spaceNames{all: map[string]*Space{}}}
}

func (s *Schema) add(space *Space) {
	s.byID[space.ID] = space
	s.byName.add(space)
}

// Space returns the space of that name, nil where there is none.
func (s *Schema) Space(name string) *Space {
	if s == nil {
		return nil
	}
	return s.byName.find(name)
}

// SpaceByID returns the space of that number, nil where there is none.
func (s *Schema) SpaceByID(id uint32) *Space {
	if s == nil {
		return nil
	}
	return s.byID[id]
}

// Spaces iterates over the spaces by their numbers.
func (s *Schema) Spaces() iter.Seq[*Space] {
	return func(yield func(*Space) bool) {
		if s == nil {
			return
		}
		for _, id := range slices.Sorted(maps.Keys(s.byID)) {
			if !yield(s.byID[id]) {
				return
			}
		}
	}
}

// Space is a space of a Schema.
type Space struct {
	ID     uint32
	Name   string
	Engine string // "memtx", "vinyl", "sysview", ...
	Owner  uint32 // number of a user
	// FieldCount is how many fields each tuple has, 0 for any number.
	FieldCount uint64
	// Flags are the space's options, such as "temporary". It must not be changed.
	Flags   map[string]any
	Format  *Format  // nil where the fields have no names
	Indexes []*Index // by their numbers
}

// Index returns the index of that name, nil where there is none.
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

// IndexByID returns the index of that number, nil where there is none.
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

// format returns the space's format, nil for a space that is not known.
func (s *Space) format() *Format {
	if s == nil {
		return nil
	}
	return s.Format
}

// Index is an index of a Space.
type Index struct {
	ID     uint32
	Name   string
	Type   string // "tree", "hash", "bitset", "rtree"
	Unique bool
	Parts  []IndexPart
	// Functional tells that the keys are what a function makes of the tuples.
	Functional bool

	partNames []string // of Parts
}

// IndexPart is a part of an index's key.
type IndexPart struct {
	Field      int    // number of the field, from 0
	Name       string // of the field; "" where the format has none
	Path       string // JSON path inside the field; "" for the field itself
	Type       string // "unsigned", "string", ...
	IsNullable bool
	Collation  uint64 // number of a collation, 0 for none
}

// names returns the names of the parts, nil where not all have one.
func (x *Index) names() []string {
	if x == nil || slices.Contains(x.partNames, "") {
		return nil
	}
	return x.partNames
}

// FieldFormat is a field of a Format.
type FieldFormat struct {
	Name       string
	Type       string // "any" where none is given
	IsNullable bool
	Collation  uint64 // number of a collation, 0 for none
}

// Format is the names and types of a tuple's fields. It never changes. A nil
// Format has no fields.
type Format struct {
	Fields []FieldFormat
	names  []string
	byName map[string]int
}

func newFormat(fields []FieldFormat) *Format {
	if len(fields) == 0 {
		return nil
	}
	f := &Format{Fields: fields, names: make([]string, len(fields)), byName: make(map[string]int, len(fields))}
	for i, field := range fields {
		f.names[i] = field.Name
		if _, taken := f.byName[field.Name]; !taken {
			f.byName[field.Name] = i
		}
	}
	return f
}

// Index returns the number of the field of that name.
func (f *Format) Index(name string) (i int, ok bool) {
	if f == nil {
		return 0, false
	}
	i, ok = f.byName[name]
	return i, ok
}

// Names returns the names of the fields. It must not be changed.
func (f *Format) Names() []string {
	if f == nil {
		return nil
	}
	return f.names
}

// Numbers of the views that hold the schema, and a bound for fetching it
// again when it changed meanwhile.
const (
	viewSpace       = 281
	viewIndex       = 289
	schemaFetchMost = 10
)

// fetchSchema reads the schema. do does a request on the session in question.
// DDL between its two selects makes it try again.
func fetchSchema(ctx context.Context, do func(context.Context, Request) (Response, error)) (*Schema, error) {
	for try := 1; ; try++ {
		spaces, err := do(ctx, Select{SpaceID: viewSpace, Iterator: IterAll})
		if err != nil {
			return nil, err
		}
		indexes, err := do(ctx, Select{SpaceID: viewIndex, Iterator: IterAll})
		if err != nil {
			return nil, err
		}
		if spaces.SchemaVersion() == indexes.SchemaVersion() || try == schemaFetchMost {
			return sharedSchema(spaces, indexes)
		}
	}
}

func parseSchema(spaces, indexes Response) (*Schema, error) {
	s := newSchema(spaces.SchemaVersion())
	spaceRows, err1 := spaces.rows()
	indexRows, err2 := indexes.rows()
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("the schema is not readable: %w", err)
	}
	// A row that can't be understood is passed over: a later server may have
	// spaces of a kind unknown here, and the others are of use all the same.
	for _, row := range spaceRows {
		if space := parseSpace(row); space != nil {
			s.add(space)
		}
	}
	for _, row := range indexRows {
		if id, index := parseIndex(row); index != nil && s.byID[id] != nil {
			space := s.byID[id]
			index.nameParts(space.Format)
			space.Indexes = append(space.Indexes, index)
		}
	}
	return s, nil
}

// parseSpace reads [id, owner, name, engine, field_count, flags, format].
func parseSpace(row []byte) *Space {
	r := mp.NewReader(row)
	if r.ArrayLen() < 7 {
		return nil
	}
	space := &Space{ID: uint32(r.Uint()), Owner: uint32(r.Uint()), Name: r.String(), Engine: r.String()}
	if r.Type() == mp.TypeUint {
		space.FieldCount = r.Uint()
	} else {
		r.Skip()
	}
	flags := r.Raw()
	fields := parseFormat(&r)
	if r.Err() != nil {
		return nil
	}
	if in := mp.NewReader(flags); in.Type() == mp.TypeMap { // before 1.7 they were a string
		space.Flags, _ = in.Value().(map[string]any)
	}
	space.Format = newFormat(fields)
	return space
}

// parseFormat reads an array of maps: {name=, type=, is_nullable=, ...}.
func parseFormat(r *mp.Reader) []FieldFormat {
	if r.Type() != mp.TypeArray {
		r.Skip()
		return nil
	}
	var fields []FieldFormat
	for range r.ArrayLen() {
		field := FieldFormat{Type: "any"}
		eachPair(r, func(key string) {
			switch {
			case key == "name" && r.Type() == mp.TypeString:
				field.Name = r.String()
			case key == "type" && r.Type() == mp.TypeString:
				field.Type = r.String()
			case key == "is_nullable" && r.Type() == mp.TypeBool:
				field.IsNullable = r.Bool()
			case key == "collation" && r.Type() == mp.TypeUint:
				field.Collation = r.Uint()
			default:
				r.Skip()
			}
		})
		fields = append(fields, field)
		if r.Err() != nil {
			return nil
		}
	}
	return fields
}

// eachPair calls fn for each pair of a map with a string key, to read or skip
// the value. What is not a map is passed over.
func eachPair(r *mp.Reader, fn func(key string)) {
	if r.Type() != mp.TypeMap {
		r.Skip()
		return
	}
	for range r.MapLen() {
		if r.Type() != mp.TypeString {
			r.Skip()
			r.Skip()
			continue
		}
		fn(r.String())
		if r.Err() != nil {
			return
		}
	}
}

// parseIndex reads [space_id, id, name, type, opts, parts], where opts is a
// map, or before 1.6.5 a number, and a part is a map or [field, type].
func parseIndex(row []byte) (spaceID uint32, index *Index) {
	r := mp.NewReader(row)
	if r.ArrayLen() < 6 {
		return 0, nil
	}
	spaceID = uint32(r.Uint())
	index = &Index{ID: uint32(r.Uint()), Name: r.String(), Type: r.String(), Unique: true}
	eachPair(&r, func(key string) {
		if key == "unique" && r.Type() == mp.TypeBool {
			index.Unique = r.Bool()
			return
		}
		if key == "func" && r.Type() == mp.TypeUint {
			index.Functional = r.Uint() != 0
			return
		}
		r.Skip()
	})
	if r.Type() != mp.TypeArray {
		return 0, nil
	}
	for range r.ArrayLen() {
		index.Parts = append(index.Parts, parsePart(&r))
		if r.Err() != nil {
			return 0, nil
		}
	}
	return spaceID, index
}

func parsePart(r *mp.Reader) IndexPart {
	var part IndexPart
	if r.Type() == mp.TypeArray {
		n := r.ArrayLen()
		if n >= 2 {
			part.Field = fieldNumber(r)
			part.Type = r.String()
		}
		for i := 2; i < n; i++ {
			r.Skip()
		}
		return part
	}
	eachPair(r, func(key string) {
		switch {
		case key == "field" && r.Type() == mp.TypeUint:
			part.Field = fieldNumber(r)
		case key == "type" && r.Type() == mp.TypeString:
			part.Type = r.String()
		case key == "path" && r.Type() == mp.TypeString:
			part.Path = r.String()
		case key == "is_nullable" && r.Type() == mp.TypeBool:
			part.IsNullable = r.Bool()
		case key == "collation" && r.Type() == mp.TypeUint:
			part.Collation = r.Uint()
		default:
			r.Skip()
		}
	})
	return part
}

// fieldNumber reads the number of a field, which has to fit an int.
func fieldNumber(r *mp.Reader) int {
	n := r.Uint()
	if n > math.MaxInt {
		r.Fail(fmt.Errorf("a part of an index is field %d", n))
		return 0
	}
	return int(n)
}

func (x *Index) nameParts(f *Format) {
	x.partNames = make([]string, len(x.Parts))
	for i := range x.Parts {
		if field := x.Parts[i].Field; f != nil && field < len(f.Fields) && x.Parts[i].Path == "" {
			x.Parts[i].Name = f.Fields[field].Name
		}
		x.partNames[i] = x.Parts[i].Name
	}
}

// Version is a server's version, such as 3.8.0.
type Version = iproto.Version
