package memtx

import (
	"bytes"
	"strings"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
)

// parseSpace reads a row of _space.
func (e *Engine) parseSpace(tuple []byte) (*SpaceDef, *Error) {
	f := elements(tuple)
	def := &SpaceDef{
		ID: uint32(readInteger(f[0]).abs), Owner: uint32(readInteger(f[1]).abs), Name: string(text(f[2])),
		Engine: string(text(f[3])), FieldCount: int(uint32(readInteger(f[4]).abs)), RawFormat: bytes.Clone(f[6]),
		Local: isLocal(f[5]),
	}
	fail := func(why string) (*SpaceDef, *Error) {
		return nil, Errorf(errcode.CreateSpace, "Failed to create space '%s': %s", def.Name, why)
	}
	switch {
	case def.Name == "":
		return nil, Errorf(errcode.Identifier, "Invalid identifier '' (expected printable symbols only or it is too long)")
	case def.ID > maxSpaceID:
		return fail("space id is too big")
	case def.Engine != "memtx" && def.ID > SystemIDMax:
		return nil, Errorf(errcode.Unsupported, "The embedded server does not support engine '%s'", def.Engine)
	}
	for i, v := range elements(f[6]) {
		field, err := e.parseField(v, i)
		if err != nil {
			return nil, err
		}
		for _, other := range def.Format {
			if other.Name == field.Name {
				return nil, Errorf(errcode.SpaceFieldIsDuplicate, "Space field '%s' is duplicate", field.Name)
			}
		}
		def.Format = append(def.Format, field)
	}
	if n := def.FieldCount; n != 0 && n < len(def.Format) {
		return fail("exact_field_count must be either 0 or >= formatted field count")
	}
	return def, nil
}

// isLocal reports whether the options of a space make it local or temporary.
func isLocal(options []byte) bool {
	if typeOf(options) != mp.TypeMap {
		return false
	}
	n, rest := mapping(options)
	for range n {
		var k, v []byte
		k, rest = next(rest)
		v, rest = next(rest)
		switch name := string(text(k)); {
		case name == "group_id" && typeOf(v) == mp.TypeUint && readInteger(v).abs == 1,
			name == "temporary" && v[0] == 0xc3, name == "type" && typeOf(v) == mp.TypeString && strings.Contains(string(text(v)), "temporary"):
			return true
		}
	}
	return false
}

const maxSpaceID = 1<<31 - 1

// parseField reads a field of a format, number i from 0: a map, or the name
// and type in an array.
func (e *Engine) parseField(v []byte, i int) (FieldDef, *Error) {
	var d FieldDef
	fail := func(why string) (FieldDef, *Error) {
		return d, Errorf(errcode.WrongSpaceFormat, "Wrong space format field %d: %s", i+1, why)
	}
	if typeOf(v) != mp.TypeMap {
		return fail("expected a map")
	}
	n, rest := mapping(v)
	for range n {
		var key, val []byte
		key, rest = next(rest)
		val, rest = next(rest)
		if typeOf(key) != mp.TypeString {
			continue
		}
		switch string(text(key)) {
		case "name":
			if typeOf(val) != mp.TypeString {
				return fail("'name' must be string")
			}
			d.Name = string(text(val))
		case "type":
			t, ok := ParseFieldType(string(text(val)))
			if typeOf(val) != mp.TypeString || !ok {
				return fail("unknown field type")
			}
			d.Type = t
		case "is_nullable":
			d.Nullable = val[0] == 0xc3
		case "collation":
			if typeOf(val) == mp.TypeUint {
				d.Coll = e.collationByID(readInteger(val).abs)
			}
		case "default":
			d.Default = bytes.Clone(val)
		}
	}
	switch {
	case d.Name == "":
		return fail("field name is not specified")
	case d.Default != nil && !d.Type.accepts(d.Default, true):
		return d, Errorf(errcode.DefaultValueType, "Type of the default value does not match tuple field %d (%s) type: expected %s, got %s",
			i+1, d.Name, d.Type, kindName(d.Default))
	}
	return d, nil
}

// parseIndex reads a row of _index and finds its space.
func (e *Engine) parseIndex(tuple []byte) (*IndexDef, *Space, *Error) {
	f := elements(tuple)
	sp, err := e.Space(uint32(readInteger(f[0]).abs))
	if err != nil {
		return nil, nil, err
	}
	def := &IndexDef{SpaceID: sp.Def.ID, ID: uint32(readInteger(f[1]).abs), Name: string(text(f[2]))}
	switch typ := strings.ToUpper(string(text(f[3]))); typ {
	case "TREE", "HASH":
		def.Type = IndexType(typ)
	case "RTREE", "BITSET":
		return nil, nil, Errorf(errcode.Unsupported, "The embedded server does not support indexes of type %s", typ)
	default:
		return nil, nil, Errorf(errcode.IndexType, "Unsupported index type supplied for index '%s' in space '%s'", def.Name, sp.Def.Name)
	}
	if err := def.parseOptions(f[4]); err != nil {
		return nil, nil, err
	}
	parts := elements(f[5])
	if len(parts) == 0 {
		return nil, nil, errModifyIndex(def, sp, "part count must be positive")
	}
	for i, v := range parts {
		p, err := e.parsePart(sp, v, i)
		if err != nil {
			return nil, nil, err
		}
		def.Parts = append(def.Parts, p)
	}
	if err := def.check(sp); err != nil {
		return nil, nil, err
	}
	return def, sp, nil
}

func errModifyIndex(def *IndexDef, sp *Space, why string) *Error {
	return Errorf(errcode.ModifyIndex, "Can't create or modify index '%s' in space '%s': %s", def.Name, sp.Def.Name, why)
}

func (def *IndexDef) parseOptions(v []byte) *Error {
	def.Unique = true
	n, rest := mapping(v)
	for range n {
		var key, val []byte
		key, rest = next(rest)
		val, rest = next(rest)
		switch string(text(key)) {
		case "unique":
			def.Unique = val[0] == 0xc3
		case "func":
			if typeOf(val) == mp.TypeUint && readInteger(val).abs != 0 {
				return Errorf(errcode.Unsupported, "The embedded server does not support functional indexes")
			}
		}
	}
	return nil
}

// parsePart reads a part of a key: a map, or the field and type in an array.
func (e *Engine) parsePart(sp *Space, v []byte, i int) (Part, *Error) {
	p := partParser{part: i, engine: e}
	var err *Error
	switch typeOf(v) {
	case mp.TypeArray:
		pair := elements(v)
		if len(pair) < 2 {
			return Part{}, p.fail("field id must be an integer")
		}
		if err = p.field(pair[0]); err == nil {
			err = p.typ(pair[1])
		}
		p.Nullable = p.Field < len(sp.Def.Format) && sp.Def.Format[p.Field].Nullable
	case mp.TypeMap:
		n, rest := mapping(v)
		for ; n > 0 && err == nil; n-- {
			var key, val []byte
			key, rest = next(rest)
			val, rest = next(rest)
			err = p.set(string(text(key)), val)
		}
		if err == nil && !p.hasType {
			err = p.fail("index part: unknown field type")
		}
	default:
		err = p.fail("expected a map")
	}
	return p.Part, err
}

// partParser is a part of a key in the making.
type partParser struct {
	Part

	part    int
	hasType bool
	engine  *Engine
}

func (p *partParser) fail(why string) *Error {
	return Errorf(errcode.WrongIndexParts, "Wrong index part %d: %s", p.part+1, why)
}

func (p *partParser) field(v []byte) *Error {
	if typeOf(v) != mp.TypeUint || readInteger(v).abs >= maxIndexedField {
		return p.fail("field id must be an integer")
	}
	p.Field = int(readInteger(v).abs)
	return nil
}

func (p *partParser) typ(v []byte) *Error {
	if typeOf(v) == mp.TypeString {
		p.Type, p.hasType = ParseFieldType(string(text(v)))
	}
	if !p.hasType {
		return p.fail("unknown field type")
	}
	return nil
}

func (p *partParser) set(option string, v []byte) *Error {
	yes := v[0] == 0xc3
	switch option {
	case "field":
		return p.field(v)
	case "type":
		return p.typ(v)
	case "is_nullable":
		p.Nullable = p.Nullable || yes
	case "exclude_null":
		p.ExcludeNull = yes
		p.Nullable = p.Nullable || yes
	case "sort_order":
		p.Desc = strings.EqualFold(string(text(v)), "desc")
	case "collation":
		if typeOf(v) != mp.TypeUint {
			return nil
		}
		if p.Coll = p.engine.collationByID(readInteger(v).abs); p.Coll == nil {
			return p.fail("collation was not found by ID")
		}
	case "path":
		return Errorf(errcode.Unsupported, "The embedded server does not support JSON paths in index parts")
	}
	return nil
}

// maxIndexedField is BOX_INDEX_FIELD_MAX.
const maxIndexedField = 1<<15 - 1

// check reports whether the index can be.
func (def *IndexDef) check(sp *Space) *Error {
	switch {
	case def.ID >= 128:
		return errModifyIndex(def, sp, "index id too big")
	case def.ID == 0 && !def.Unique:
		return errModifyIndex(def, sp, "primary key must be unique")
	case def.Type == Hash && !def.Unique:
		return errModifyIndex(def, sp, "HASH index must be unique")
	}
	for i, p := range def.Parts {
		for _, q := range def.Parts[:i] {
			if p.Field == q.Field && p.Coll == q.Coll {
				return errModifyIndex(def, sp, "same key part is indexed twice")
			}
		}
		switch {
		case !p.Type.indexable():
			return errModifyIndex(def, sp, "field type '"+p.Type.String()+"' is not supported")
		case p.Nullable && def.ID == 0:
			return Errorf(errcode.NullablePrimary, "Primary index of space '%s' can not contain nullable parts", sp.Def.Name)
		case p.Nullable && def.Type == Hash:
			return errModifyIndex(def, sp, "HASH does not support nullable parts")
		}
	}
	return nil
}
