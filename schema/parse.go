package schema

import (
	"errors"
	"fmt"
	"math"

	"github.com/gotnt/tnt/internal/mp"
)

// ParseSpace makes a space of a tuple of _space or _vspace, as MessagePack:
// [id, owner, name, engine, field_count, flags, format]. It has no indexes.
func ParseSpace(tuple []byte) (*Space, error) {
	r := mp.NewReader(tuple)
	if n := r.ArrayLen(); n < 7 {
		return nil, errors.Join(fmt.Errorf("a row of _space has %d fields, not 7", n), r.Err())
	}
	space := &Space{ID: uint32(r.Uint()), Owner: uint32(r.Uint()), Name: r.String(), Engine: r.String()}
	if r.Type() == mp.TypeUint {
		space.FieldCount = r.Uint()
	} else {
		r.Skip()
	}
	flags := r.Raw()
	fields := parseFields(&r)
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("a row of _space: %w", err)
	}
	if in := mp.NewReader(flags); in.Type() == mp.TypeMap { // before 1.7 they were a string
		space.Flags, _ = in.Value().(map[string]any)
	}
	space.Format = NewFormat(fields...)
	return space, nil
}

// ParseFormat makes a format of MessagePack: an array of maps {name=, type=,
// is_nullable=, ...}, as in _space and in IPROTO_TUPLE_FORMATS.
func ParseFormat(b []byte) (*Format, error) {
	r := mp.NewReader(b)
	fields := parseFields(&r)
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("a format: %w", err)
	}
	return NewFormat(fields...), nil
}

func parseFields(r *mp.Reader) []Field {
	if r.Type() != mp.TypeArray {
		r.Skip()
		return nil
	}
	var fields []Field
	for range r.ArrayLen() {
		field := Field{Type: "any"}
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

// ParseIndex makes an index of a tuple of _index or _vindex, as MessagePack:
// [space_id, id, name, type, opts, parts], where opts is a map, or before 1.6.5
// a number, and a part is a map or [field, type]. formatOf returns the format of a
// space, which gives the parts their names; it may be nil.
func ParseIndex(tuple []byte, formatOf func(spaceID uint32) *Format) (spaceID uint32, index *Index, err error) {
	r := mp.NewReader(tuple)
	if n := r.ArrayLen(); n < 6 {
		return 0, nil, errors.Join(fmt.Errorf("a row of _index has %d fields, not 6", n), r.Err())
	}
	spaceID = uint32(r.Uint())
	index = &Index{ID: uint32(r.Uint()), Name: r.String(), Type: r.String(), Unique: true}
	eachPair(&r, func(key string) {
		switch {
		case key == "unique" && r.Type() == mp.TypeBool:
			index.Unique = r.Bool()
		case key == "func" && r.Type() == mp.TypeUint:
			index.Functional = r.Uint() != 0
		default:
			r.Skip()
		}
	})
	if r.Err() == nil && r.Type() != mp.TypeArray {
		return 0, nil, fmt.Errorf("a row of _index has parts of type %v", r.Type())
	}
	for range r.ArrayLen() {
		index.Parts = append(index.Parts, parsePart(&r))
		if r.Err() != nil {
			break
		}
	}
	if err := r.Err(); err != nil {
		return 0, nil, fmt.Errorf("a row of _index: %w", err)
	}
	if formatOf != nil {
		index.nameParts(formatOf(spaceID))
	}
	return spaceID, index, nil
}

func parsePart(r *mp.Reader) Part {
	var part Part
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
	for i := range x.Parts {
		part := &x.Parts[i]
		if fields := f.Fields(); part.Field < len(fields) && part.Path == "" {
			part.Name = fields[part.Field].Name
		}
	}
}

// Parse makes a schema of the tuples of _vspace and _vindex, or of _space and
// _index. A tuple that can't be understood is passed over: a later server may
// have spaces of a kind that is unknown here, and the others are of use all the
// same.
func Parse(version uint64, spaces, indexes [][]byte) *Schema {
	var found []*Space
	byID := map[uint32]*Space{}
	for _, row := range spaces {
		if space, err := ParseSpace(row); err == nil {
			found = append(found, space)
			byID[space.ID] = space
		}
	}
	formatOf := func(id uint32) *Format { return byID[id].TupleFormat() }
	for _, row := range indexes {
		if id, index, err := ParseIndex(row, formatOf); err == nil && byID[id] != nil {
			byID[id].Indexes = append(byID[id].Indexes, index)
		}
	}
	return New(version, found...)
}
