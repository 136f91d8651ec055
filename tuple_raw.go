package tnt

import (
	"errors"
	"fmt"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
)

// TupleOf makes a Tuple of MessagePack, an array, such as that of a tuple
// which came by another way than an answer. format gives its fields their names
// and may be nil. raw must not be changed afterwards. Its values may be nested as
// Options.MaxNesting is by default, to be read.
func TupleOf(raw []byte, format *schema.Format) (Tuple, error) {
	r := mp.NewReader(raw)
	if r.Type() != mp.TypeArray {
		return Tuple{}, fmt.Errorf("tnt: a tuple is an array, not %v", r.Type())
	}
	r.Skip()
	if err := r.Err(); err != nil {
		return Tuple{}, fmt.Errorf("tnt: not a tuple: %w", err)
	}
	if r.Len() > 0 {
		return Tuple{}, errors.New("tnt: there are bytes behind the tuple")
	}
	return Tuple{raw: raw, format: format}, nil
}
