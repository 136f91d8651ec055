package memtx

import "testing"

func TestNew(t *testing.T) {
	e := New()
	if _, err := e.SpaceByName("_vspace"); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New()
	}
}
