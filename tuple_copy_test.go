package tnt

import (
	"testing"

	"github.com/gotnt/tnt/internal/mp"
)

// TestTuplesAreCopied reads Tuples among other values and changes what they were
// read from.
func TestTuplesAreCopied(t *testing.T) {
	b := value([]any{[]any{1, "ann"}, []any{2}})
	var rows []Tuple
	r := mp.NewReader(b)
	if err := mp.DecodeInto(&r, &rows); err != nil {
		t.Fatal(err)
	}
	clear(b)
	if got := rows[0].String() + rows[1].String(); got != `[1, "ann"][2]` {
		t.Errorf("they have become %s", got)
	}
}
