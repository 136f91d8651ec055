package cdc

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/schema"
)

// ErrCollation reports that a Mirror has a space whose primary key has a collation. Which
// strings are one key then depends on the version of ICU that the server was built
// with. To name the other spaces in Mirror is the cure, or to have whole
// tuples logged.
var ErrCollation = errors.New("cdc: the primary key has a collation, by which keys are told apart on the server alone; name the other spaces in Mirror")

// binaryCollation is the id of "binary", which compares bytes, as does 0.
const binaryCollation = 3

var errNoKey = errors.New("it has no primary index")

// primaryKey returns the key of a change, equal for keys that the server takes
// as equal.
func (c *Change) primaryKey() (string, error) {
	if key := c.Key.Raw(); key != nil {
		return keyOf(key, c.Space, true)
	}
	return keyOf(c.Tuple.Raw(), c.Space, false)
}

// keyOfTuple returns the key of an encoded tuple, as primaryKey does.
func keyOfTuple(raw []byte, space *schema.Space) (string, error) { return keyOf(raw, space, false) }

// keyOf reads a key, of a tuple or itself.
func keyOf(raw []byte, space *schema.Space, isKey bool) (string, error) {
	index := space.IndexByID(0)
	if index == nil {
		return "", errNoKey
	}
	if err := keyIsKnown(space); err != nil {
		return "", err
	}
	var b []byte
	for i := range index.Parts {
		part := &index.Parts[i]
		path := []step{{index: i}}
		if !isKey {
			path = []step{{index: part.Field}}
			if part.Path != "" {
				inner, err := parsePath(strings.TrimPrefix(part.Path, "."))
				if err != nil {
					return "", err
				}
				path = append(path, inner...)
			}
		}
		v, err := valueAt(raw, path)
		if err == nil {
			b, err = mp.AppendValue(b, normal(v))
		}
		if err != nil {
			return "", fmt.Errorf("part %d of the primary key: %w", i+1, err)
		}
	}
	return string(b), nil
}

// keyIsKnown reports a space whose keys can't be told apart here.
func keyIsKnown(space *schema.Space) error {
	for _, part := range parts(space) {
		if part.Collation != 0 && part.Collation != binaryCollation {
			return fmt.Errorf("%w: part %q has collation %d", ErrCollation, part.Name+part.Path, part.Collation)
		}
	}
	return nil
}

// valueAt decodes what a path leads to inside a value.
func valueAt(raw []byte, path []step) (any, error) {
	r := mp.NewReader(raw)
	for _, s := range path {
		found := false
		switch r.Type() {
		case mp.TypeArray:
			n := r.ArrayLen()
			if found = !s.isKey && s.index >= 0 && s.index < n; found {
				for range s.index {
					r.Skip()
				}
			}
		case mp.TypeMap:
			for n := r.MapLen(); n > 0 && !found && r.Err() == nil; n-- {
				if found = s.matches(r.Raw()); !found {
					r.Skip()
				}
			}
		}
		if err := r.Err(); err != nil {
			return nil, err
		}
		if !found {
			return nil, errNoField
		}
	}
	v := r.Value()
	return v, r.Err()
}

// normal makes values that are equal to the server the same: numbers, however
// they are encoded, and times, wherever they are.
func normal(v any) any {
	switch n := v.(type) {
	case float64:
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return v
		}
		if whole, accuracy := new(big.Float).SetFloat64(n).Int(nil); accuracy == big.Exact {
			return normalInt(whole)
		}
		return number(decimal.NewFromFloat(n).String())
	case decimal.Decimal:
		if n.IsInteger() {
			return normalInt(n.BigInt())
		}
		return number(n.String())
	case time.Time:
		return n.UTC()
	}
	return v
}

func normalInt(n *big.Int) any {
	switch {
	case n.IsInt64():
		return n.Int64()
	case n.IsUint64():
		return n.Uint64()
	}
	return number(n.String())
}

// number is a form of other numbers that no string has.
func number(text string) any { return []any{text} }
