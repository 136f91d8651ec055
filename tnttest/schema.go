package tnttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/tnttest/internal/memtx"
)

// Schema is what a server starts with, in the form of the JSON file that
// `tnt serve` takes.
type Schema struct {
	Spaces    []SpaceDef        `json:"spaces"`
	Sequences []SequenceDef     `json:"sequences,omitempty"`
	Users     map[string]string `json:"users,omitempty"` // passwords by name, as WithUser takes them
}

// SpaceDef declares a space.
type SpaceDef struct {
	ID         uint32     `json:"id,omitempty"` // 0: the next that is free, from 512 on
	Name       string     `json:"name"`
	FieldCount int        `json:"field_count,omitempty"` // how many fields each tuple has, 0 for any
	Format     []Field    `json:"format,omitempty"`
	Indexes    []IndexDef `json:"indexes,omitempty"` // the primary index first
}

// Field declares a field of a format.
type Field struct {
	Name       string          `json:"name"`
	Type       string          `json:"type,omitempty"` // "any" by default
	IsNullable bool            `json:"is_nullable,omitempty"`
	Collation  string          `json:"collation,omitempty"`
	Default    json.RawMessage `json:"default,omitempty"`
}

// IndexDef declares an index.
type IndexDef struct {
	ID   *uint32 `json:"id,omitempty"` // nil: its place among the indexes of the space
	Name string  `json:"name"`
	Type string  `json:"type,omitempty"` // "tree", the default, or "hash"
	// Unique is true where it is not given.
	Unique *bool  `json:"unique,omitempty"`
	Parts  []Part `json:"parts"`
	// AutoIncrement gives the first part's field a sequence of its own: a nil in
	// it gets the next number. It is for the primary index, as is Sequence.
	AutoIncrement bool `json:"auto_increment,omitempty"`
	// Sequence names one that the schema has, to be used instead.
	Sequence string `json:"sequence,omitempty"`
}

// SequenceDef declares a sequence of numbers. What is 0 is Tarantool's default:
// 1, 2, 3 and so on.
type SequenceDef struct {
	Name  string `json:"name"`
	Start int64  `json:"start,omitempty"` // Min, or Max where Step is negative
	Min   int64  `json:"min,omitempty"`   // 1, or -1<<63 where Step is negative
	Max   int64  `json:"max,omitempty"`   // 1<<63 - 1, or -1 where Step is negative
	Step  int64  `json:"step,omitempty"`  // 1
	Cycle bool   `json:"cycle,omitempty"` // whether it begins anew at its end
}

// UniqueIndex declares a TREE index in which each key is there once. The fields
// are named as in the space's format, which has their types.
func UniqueIndex(name string, fields ...string) IndexDef { return indexOf(name, true, fields) }

// NonUniqueIndex declares a TREE index in which a key may be there many times.
// The fields are named as in the space's format, which has their types.
func NonUniqueIndex(name string, fields ...string) IndexDef { return indexOf(name, false, fields) }

func indexOf(name string, unique bool, fields []string) IndexDef {
	def := IndexDef{Name: name, Unique: &unique}
	for _, f := range fields {
		def.Parts = append(def.Parts, Part{Name: f})
	}
	return def
}

// Part declares a part of an index: of the field with a number or with a name.
type Part struct {
	Field       int    `json:"field,omitempty"` // from 1
	Name        string `json:"name,omitempty"`  // instead of Field: as the format has it
	Type        string `json:"type,omitempty"`
	IsNullable  bool   `json:"is_nullable,omitempty"`
	ExcludeNull bool   `json:"exclude_null,omitempty"`
	Collation   string `json:"collation,omitempty"`
	SortOrder   string `json:"sort_order,omitempty"` // "asc", the default, or "desc"
}

// ReadSchema reads a Schema from JSON. A key that it does not know is an error
// that names it, as is anything behind the schema.
func ReadSchema(r io.Reader) (Schema, error) {
	var s Schema
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Schema{}, fmt.Errorf("tnttest: reading a schema: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Schema{}, errors.New("tnttest: reading a schema: there is something behind it")
	}
	return s, nil
}

// WithSchema adds all spaces and users of a schema.
func WithSchema(s Schema) Option {
	return func(o *options) {
		o.sequences = append(o.sequences, s.Sequences...)
		o.spaces = append(o.spaces, s.Spaces...)
		// In an order: the members of a replica set number them alike.
		for _, name := range slices.Sorted(maps.Keys(s.Users)) {
			o.users = append(o.users, userOption{name, s.Users[name]})
		}
	}
}

// CreateSpace adds a space.
func (s *Server) CreateSpace(def SpaceDef) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.createSpace(def)
}

// CreateUser adds a user, with the rights that WithUser tells.
func (s *Server) CreateUser(name, password string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.createUser(name, password)
}

// Ids of the spaces that hold the schema.
const (
	spaceID = 280
	indexID = 288
)

// owner returns the user that spaces belong to: guest, if it may do everything
// and thus could have made them.
func (s *Server) owner() uint64 {
	if s.opts.guestAll {
		return guestID
	}
	return adminID
}

// createSpace makes a space with its indexes, or nothing.
func (s *Server) createSpace(def SpaceDef) error {
	defer func() { s.schemaVersion.Store(s.engine.SchemaVersion()) }()
	if def.ID == 0 {
		def.ID = s.engine.FreeSpaceID()
	}
	txn, fail := s.engine.Begin(0, memtx.IsolationDefault)
	if fail != nil {
		return fail
	}
	defer txn.Rollback()
	insert := func(space uint32, row []byte, err error) error {
		if err != nil {
			return err
		}
		if _, fail := s.engine.Insert(txn, nil, &memtx.Change{Space: space, Tuple: row}); fail != nil {
			return fail
		}
		return nil
	}
	row, err := s.spaceRow(def)
	if err := insert(spaceID, row, err); err != nil {
		return fmt.Errorf("tnttest: space %s: %w", def.Name, err)
	}
	for i, ix := range def.Indexes {
		row, err := s.indexRow(def, i)
		if err := insert(indexID, row, err); err != nil {
			return fmt.Errorf("tnttest: space %s, index %s: %w", def.Name, ix.Name, err)
		}
		if err := s.attachSequence(def, i, insert); err != nil {
			return fmt.Errorf("tnttest: space %s, index %s: %w", def.Name, ix.Name, err)
		}
	}
	if fail := txn.Commit(); fail != nil {
		return fmt.Errorf("tnttest: space %s: %w", def.Name, fail)
	}
	return nil
}

// spaceRow makes the row of _space.
func (s *Server) spaceRow(def SpaceDef) ([]byte, error) {
	b := mp.AppendArrayLen(nil, 7)
	b = mp.AppendUint(b, uint64(def.ID))
	b = mp.AppendUint(b, s.owner())
	b = mp.AppendString(b, def.Name)
	b = mp.AppendString(b, "memtx")
	b = mp.AppendUint(b, uint64(max(def.FieldCount, 0)))
	b = mp.AppendMapLen(b, 0)
	b = mp.AppendArrayLen(b, len(def.Format))
	for _, f := range def.Format {
		var err error
		if b, err = s.appendField(b, f); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (s *Server) appendField(b []byte, f Field) ([]byte, error) {
	m := pairs{}
	m.string("name", f.Name)
	if f.Type == "" {
		f.Type = "any"
	}
	m.string("type", f.Type)
	if f.IsNullable {
		m.bool("is_nullable", true)
	}
	if err := m.collation(s.engine, f.Collation); err != nil {
		return nil, err
	}
	if f.Default != nil {
		v, err := jsonToMsgpack(f.Default)
		if err != nil {
			return nil, fmt.Errorf("default of field %s: %w", f.Name, err)
		}
		m.raw("default", v)
	}
	return m.appendTo(b), nil
}

// indexRow makes the row of _index for index number i of the declaration.
func (s *Server) indexRow(def SpaceDef, i int) ([]byte, error) {
	ix := def.Indexes[i]
	id := uint32(i)
	if ix.ID != nil {
		id = *ix.ID
	}
	if ix.Type == "" {
		ix.Type = "tree"
	}
	b := mp.AppendArrayLen(nil, 6)
	b = mp.AppendUint(b, uint64(def.ID))
	b = mp.AppendUint(b, uint64(id))
	b = mp.AppendString(b, ix.Name)
	b = mp.AppendString(b, ix.Type)
	b = mp.AppendMapLen(b, 1)
	b = mp.AppendString(b, "unique")
	b = mp.AppendBool(b, ix.Unique == nil || *ix.Unique)
	b = mp.AppendArrayLen(b, len(ix.Parts))
	parts, err := def.resolve(ix.Parts)
	if err != nil {
		return nil, err
	}
	simple := true
	for _, p := range parts {
		simple = simple && p == (Part{Field: p.Field, Type: p.Type})
	}
	for _, p := range parts {
		if b, err = s.appendPart(b, p, simple); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Resolved returns the declaration with each part of an index as a server keeps it:
// by the number and the type of its field instead of its name. For fakes that look
// into tuples by themselves. The error names a part whose field is not there.
func (def SpaceDef) Resolved() (SpaceDef, error) {
	def.Indexes = slices.Clone(def.Indexes)
	for i := range def.Indexes {
		ix := &def.Indexes[i]
		parts, err := def.resolve(ix.Parts)
		if err != nil {
			return SpaceDef{}, fmt.Errorf("tnttest: index %q of space %q: %w", ix.Name, def.Name, err)
		}
		ix.Parts = parts
	}
	return def, nil
}

// resolve gives parts the numbers and types of their fields. A field of the
// format that is nullable makes its part so, where it is given by its name.
func (def *SpaceDef) resolve(given []Part) ([]Part, error) {
	parts := slices.Clone(given)
	for i := range parts {
		p := &parts[i]
		if p.Name != "" {
			if p.Field != 0 {
				return nil, fmt.Errorf("a part has the field %d and the name %q: one of them is enough", p.Field, p.Name)
			}
			at := slices.IndexFunc(def.Format, func(f Field) bool { return f.Name == p.Name })
			if at < 0 {
				return nil, fmt.Errorf("the format has no field %q", p.Name)
			}
			p.Field, p.Name = at+1, ""
			p.IsNullable = p.IsNullable || def.Format[at].IsNullable
		}
		if p.Field < 1 {
			return nil, fmt.Errorf("the fields of parts are counted from 1, not %d", p.Field-1)
		}
		if p.Type == "" && p.Field <= len(def.Format) {
			p.Type = def.Format[p.Field-1].Type
		}
	}
	return parts, nil
}

// appendPart appends a part, in the short form if all parts of the index can
// have that.
func (s *Server) appendPart(b []byte, p Part, simple bool) ([]byte, error) {
	if simple {
		b = mp.AppendArrayLen(b, 2)
		b = mp.AppendUint(b, uint64(p.Field-1))
		return mp.AppendString(b, p.Type), nil
	}
	m := pairs{}
	m.raw("field", mp.AppendUint(nil, uint64(p.Field-1)))
	m.string("type", p.Type)
	if p.IsNullable {
		m.bool("is_nullable", true)
	}
	if p.ExcludeNull {
		m.bool("exclude_null", true)
	}
	if p.SortOrder != "" {
		m.string("sort_order", p.SortOrder)
	}
	if err := m.collation(s.engine, p.Collation); err != nil {
		return nil, err
	}
	return m.appendTo(b), nil
}

// pairs is a map in the making.
type pairs struct {
	n int
	b []byte
}

func (m *pairs) raw(key string, v []byte) {
	m.n++
	m.b = append(mp.AppendString(m.b, key), v...)
}

func (m *pairs) string(key, v string)     { m.raw(key, mp.AppendString(nil, v)) }
func (m *pairs) bool(key string, v bool)  { m.raw(key, mp.AppendBool(nil, v)) }
func (m *pairs) appendTo(b []byte) []byte { return append(mp.AppendMapLen(b, m.n), m.b...) }

// collation adds a collation by its name, if it has one.
func (m *pairs) collation(e *memtx.Engine, name string) error {
	if name == "" {
		return nil
	}
	c := e.Collation(name)
	if c == nil {
		return memtx.Errorf(errcode.NoSuchCollation, "Collation '%s' does not exist", name)
	}
	m.raw("collation", mp.AppendUint(nil, uint64(c.ID)))
	return nil
}

func jsonToMsgpack(raw json.RawMessage) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return memtx.AppendJSON(nil, d)
}
