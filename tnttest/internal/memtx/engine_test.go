package memtx

import (
	"testing"

	"github.com/gotnt/tnt/internal/mp"
)

func TestNew(t *testing.T) {
	e := New()
	sp, err := e.SpaceByName("_vspace")
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Select(nil, e.User("guest"), &Select{Space: sp.Def.ID, Iterator: uint64(IterAll), Limit: 100, Key: []byte{0x90}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tuple := range out.Tuples {
		if id := readInteger(elements(tuple)[0]).abs; id == spaceID {
			t.Error("guest sees _space, which it has no rights on")
		}
	}
}

// TestLight fills a table and empties it again in another order.
func TestLight(t *testing.T) {
	key := newKeyDef([]Part{{Type: TypeUnsigned}}, 1)
	h := newLight(key)
	rows := make([]*row, 1000)
	for i := range rows {
		v := mp.AppendUint(nil, uint64(i*i))
		rows[i] = &row{fields: [][]byte{v}}
		if old := h.put(rows[i]); old != nil {
			t.Fatalf("row %d is there before it was put", i)
		}
	}
	for i := range rows {
		j := i * 7 % len(rows)
		if h.get(rows[j].fields) != rows[j] {
			t.Fatalf("row %d is lost", j)
		}
		h.remove(rows[j])
		if h.get(rows[j].fields) != nil {
			t.Fatalf("row %d is still there", j)
		}
	}
	if h.count != 0 {
		t.Errorf("%d rows are left", h.count)
	}
}

func TestFormatG(t *testing.T) {
	for want, f := range map[string]float64{"1e+300": 1e300, "5.5": 5.5, "0.1": 0.1, "1e-05": 1e-5, "123457": 123456.7} {
		if got := formatG(f, 6); got != want {
			t.Errorf("%v is printed as %s, want %s", f, got, want)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New()
	}
}
