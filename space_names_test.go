package tnt

import (
	"fmt"
	"testing"
)

// TestSpaceNames has spaces of one place, which the nearest one must not hide.
func TestSpaceNames(t *testing.T) {
	schema := newSchema(1)
	ids := map[string]uint32{
		"":      300, // no server has such, but nothing forbids it
		"_user": 304, "users": 512, "order": 513, "papers": 514, "cars": 515, "bars": 516, "ärger": 517,
	}
	for name, id := range ids {
		schema.add(&Space{ID: id, Name: name})
	}
	for i := range uint32(500) {
		schema.add(&Space{ID: 1000 + i, Name: fmt.Sprintf("space%03d", i)})
	}
	if nearest("cars") != nearest("bars") {
		t.Fatal("the names have places of their own, so they show nothing")
	}
	for name, id := range ids {
		if space := schema.Space(name); space == nil || space.ID != id {
			t.Errorf("space %q is %+v", name, space)
		}
	}
	for i := range uint32(500) {
		if space := schema.Space(fmt.Sprintf("space%03d", i)); space == nil || space.ID != 1000+i {
			t.Errorf("space %d is %+v", i, space)
		}
	}
	for _, name := range []string{"tars", "car", "space500", "Users", "\x00"} {
		if space := schema.Space(name); space != nil {
			t.Errorf("space %q, which does not exist, is %+v", name, space)
		}
	}
}

// TestUserSpacesAreNear has a space of the server's own where a user's belongs.
func TestUserSpacesAreNear(t *testing.T) {
	for _, order := range [][]uint32{{304, 512}, {512, 304}} {
		schema := newSchema(1)
		for _, id := range order {
			schema.add(&Space{ID: id, Name: map[uint32]string{304: "_cars", 512: "_bars"}[id]})
		}
		if near := schema.byName.near[nearest("_bars")]; near == nil || near.ID != 512 {
			t.Errorf("added in the order %v, %+v is near", order, near)
		}
	}
}
