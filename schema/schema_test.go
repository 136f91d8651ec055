package schema_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
)

func users() *schema.Space {
	return &schema.Space{
		ID: 512, Name: "users", Engine: "memtx", Flags: map[string]any{"is_sync": true},
		Format: schema.NewFormat(
			schema.Field{Name: "id", Type: "unsigned"},
			schema.Field{Name: "name", Type: "string", IsNullable: true, Collation: 2},
		),
		Indexes: []*schema.Index{
			{Name: "pk", Type: "tree", Unique: true, Parts: []schema.Part{{Name: "id", Type: "unsigned"}}},
			{ID: 1, Name: "path", Type: "tree", Parts: []schema.Part{{Field: 1, Path: "a.b", Type: "string"}}},
		},
	}
}

func ExampleNew() {
	s := schema.New(87, &schema.Space{
		ID: 512, Name: "users",
		Format:  schema.NewFormat(schema.Field{Name: "id", Type: "unsigned"}, schema.Field{Name: "name", Type: "string"}),
		Indexes: []*schema.Index{{Name: "pk", Type: "tree", Unique: true, Parts: []schema.Part{{Name: "id", Type: "unsigned"}}}},
	})
	space := s.Space("users")
	fmt.Println(s.Version, space.ID, space.Format.Names(), space.Index("pk").PartNames())
	// Output: 87 512 [id name] [id]
}

func TestSchema(t *testing.T) {
	s := schema.New(3, users(), &schema.Space{ID: 300, Name: "early"}, &schema.Space{ID: 512, Name: "later of the same id"})
	var ids []uint32
	for space := range s.Spaces() {
		ids = append(ids, space.ID)
	}
	if !slices.Equal(ids, []uint32{300, 512, 512}) || s.Len() != 3 {
		t.Errorf("the spaces are %v", ids)
	}
	if s.SpaceByID(512).Name != "later of the same id" || s.Space("users") == nil || s.Space("none") != nil || s.SpaceByID(1) != nil {
		t.Error("spaces are found by other names and ids than theirs")
	}
	var none *schema.Schema
	if none.Space("x") != nil || none.SpaceByID(1) != nil || none.Len() != 0 || len(slices.Collect(none.Spaces())) != 0 {
		t.Error("a nil schema knows something")
	}
	var nowhere *schema.Space
	if nowhere.Index("pk") != nil || nowhere.IndexByID(0) != nil || nowhere.TupleFormat() != nil {
		t.Error("a nil space has something")
	}
}

func TestFormat(t *testing.T) {
	f := schema.NewFormat(schema.Field{Name: "a"}, schema.Field{Name: "b"}, schema.Field{Name: "a", Type: "string"})
	if i, ok := f.Index("a"); i != 0 || !ok || f.Len() != 3 {
		t.Errorf("the first of two fields of one name is %d, %t", i, ok)
	}
	if _, ok := f.Index("c"); ok {
		t.Error("there is a field that is not there")
	}
	if schema.NewFormat() != nil {
		t.Error("a format without fields is one")
	}
	var none *schema.Format
	if none.Names() != nil || none.Fields() != nil || none.Len() != 0 || !none.Equal(nil) || none.Equal(f) {
		t.Error("a nil format has fields")
	}
}

// TestEqual changes each part of a space, which then is another one.
func TestEqual(t *testing.T) {
	if !users().Equal(users()) {
		t.Fatal("a space differs from its like")
	}
	for name, change := range map[string]func(*schema.Space){
		"id":          func(s *schema.Space) { s.ID++ },
		"name":        func(s *schema.Space) { s.Name = "x" },
		"engine":      func(s *schema.Space) { s.Engine = "vinyl" },
		"owner":       func(s *schema.Space) { s.Owner = 1 },
		"field count": func(s *schema.Space) { s.FieldCount = 2 },
		"flags":       func(s *schema.Space) { s.Flags = nil },
		"format":      func(s *schema.Space) { s.Format = schema.NewFormat(s.Format.Fields()[0]) },
		"field":       func(s *schema.Space) { s.Format = schema.NewFormat(s.Format.Fields()[1], s.Format.Fields()[0]) },
		"indexes":     func(s *schema.Space) { s.Indexes = s.Indexes[:1] },
		"index":       func(s *schema.Space) { s.Indexes[0].Unique = false },
		"part":        func(s *schema.Space) { s.Indexes[1].Parts[0].Path = "a.c" },
		"nil":         func(s *schema.Space) { *s = schema.Space{} },
	} {
		changed := users()
		change(changed)
		if users().Equal(changed) || changed.Equal(users()) {
			t.Errorf("a space with another %s is the same", name)
		}
	}
	var none *schema.Space
	if none.Equal(users()) || users().Equal(nil) || !none.Equal(nil) {
		t.Error("a nil space equals one")
	}
}

func TestPartNames(t *testing.T) {
	s := schema.New(1, users())
	space := s.Space("users")
	if got := space.Index("pk").PartNames(); !slices.Equal(got, []string{"id"}) || &got[0] != &space.Index("pk").PartNames()[0] {
		t.Errorf("the names of the parts are %v, or others each time", got)
	}
	if got := space.Index("path").PartNames(); got != nil {
		t.Errorf("a part without a name has %v", got)
	}
	if (*schema.Index)(nil).PartNames() != nil {
		t.Error("a nil index has parts")
	}
}

func msgpack(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := mp.AppendValue(nil, v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestParse(t *testing.T) {
	format := []any{map[string]any{"name": "id", "type": "unsigned"}, map[string]any{"name": "name", "type": "string", "is_nullable": true, "collation": 2}}
	rows := [][]byte{
		msgpack(t, []any{512, 1, "users", "memtx", 0, map[string]any{"is_sync": true}, format}),
		msgpack(t, []any{513, 1, "short"}),
		msgpack(t, "no row"),
	}
	indexes := [][]byte{
		msgpack(t, []any{512, 0, "pk", "tree", map[string]any{"unique": true}, []any{map[string]any{"field": 0, "type": "unsigned"}}}),
		msgpack(t, []any{512, 1, "old", "hash", 1, []any{[]any{1, "string"}}}),
		msgpack(t, []any{999, 0, "of no space", "tree", map[string]any{}, []any{}}),
		msgpack(t, []any{512}),
	}
	s := schema.Parse(9, rows, indexes)
	space := s.Space("users")
	if s.Version != 9 || s.Len() != 1 || space == nil || len(space.Indexes) != 2 {
		t.Fatalf("the schema is %+v, users %+v", s, space)
	}
	if f := space.Format.Fields(); f[1] != (schema.Field{Name: "name", Type: "string", IsNullable: true, Collation: 2}) {
		t.Errorf("a field is %+v", f[1])
	}
	if part := space.Index("old").Parts[0]; part != (schema.Part{Field: 1, Name: "name", Type: "string"}) {
		t.Errorf("a part is %+v", part)
	}
	for _, bad := range []any{nil, []any{}, []any{1, 2, 3}, []any{"x", 1, "n", "e", 0, nil, []any{}}} {
		if space, err := schema.ParseSpace(msgpack(t, bad)); err == nil {
			t.Errorf("%v is the space %+v", bad, space)
		}
		if _, index, err := schema.ParseIndex(msgpack(t, bad), nil); err == nil {
			t.Errorf("%v is the index %+v", bad, index)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(msgpack(f, []any{512, 1, "s", "memtx", 0, map[string]any{}, []any{map[string]any{"name": "id"}}}))
	f.Add(msgpack(f, []any{512, 0, "pk", "tree", map[string]any{"unique": true}, []any{[]any{0, "unsigned"}, map[string]any{"field": 1, "path": "a"}}}))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = schema.ParseSpace(b)
		_, _, _ = schema.ParseIndex(b, func(uint32) *schema.Format { return nil })
		_, _ = schema.ParseFormat(b)
		schema.Parse(1, [][]byte{b}, [][]byte{b})
	})
}
