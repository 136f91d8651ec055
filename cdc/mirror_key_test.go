package cdc

import (
	"errors"
	"testing"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
)

// No server updates a primary key, so an update that would means that the mirror has
// other rows than the server: an error. An upsert that would does nothing.
func TestMirrorOfAChangedKey(t *testing.T) {
	space := &schema.Space{ID: 512, Name: "s", Format: schema.NewFormat(schema.Field{Name: "id"})}
	space.Indexes = []*schema.Index{{Parts: []schema.Part{{Field: 0, Type: "unsigned"}}}}
	tuple := func(values ...any) tnt.Tuple {
		raw, err1 := mp.AppendValue(nil, values)
		made, err2 := tnt.TupleOf(raw, space.Format)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		return made
	}
	rawOps, err := mp.AppendValue(nil, []any{[]any{"=", 0, 2}})
	if err != nil {
		t.Fatal(err)
	}
	ops, err := decodeOperations(rawOps, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := newMirror(nil)
	if err := m.apply(&Change{Op: Insert, Space: space, Tuple: tuple(1)}, nil); err != nil {
		t.Fatal(err)
	}
	upsert := &Change{Op: Upsert, Space: space, Tuple: tuple(1), Ops: ops}
	if err := m.apply(upsert, nil); err != nil || upsert.New.String() != "[id: 1]" {
		t.Errorf("an upsert: %v, %v", upsert.New, err)
	}
	if err := m.apply(&Change{Op: Update, Space: space, Key: tuple(1), Ops: ops}, nil); !errors.Is(err, errKeyChanged) {
		t.Errorf("an update: %v", err)
	}
}
