package cdc

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/gotnt/tnt/types"
)

// Position is a place between two transactions of a replica set's logs. It
// holds on each of its instances, as long as that keeps its log. The zero
// Position is none.
//
// Store a Position in the same transaction as the effect of what came before
// it: that makes the effect exactly once.
type Position struct {
	ReplicaSet uuid.UUID
	VClock     types.VClock
}

// IsZero reports whether there is no position.
func (p Position) IsZero() bool { return p == Position{} }

// String returns the text that ParsePosition reads:
// "9d1e8e6a-… {1: 121, 2: 5}"; "" for the zero Position.
func (p Position) String() string {
	if p.IsZero() {
		return ""
	}
	return p.ReplicaSet.String() + " " + p.VClock.String()
}

// ParsePosition makes a Position of its text.
func ParsePosition(s string) (Position, error) {
	if strings.TrimSpace(s) == "" {
		return Position{}, nil
	}
	id, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	set, err := uuid.Parse(id)
	if err != nil {
		return Position{}, fmt.Errorf("cdc: %q is no position such as \"9d1e8e6a-b4d3-4f0c-9a59-3d1c7c1d0e55 {1: 121}\": %w", s, err)
	}
	v, err := types.ParseVClock(rest)
	if err != nil {
		return Position{}, fmt.Errorf("cdc: %q is no position: %w", s, err)
	}
	return Position{ReplicaSet: set, VClock: v.Global()}, nil
}

// MarshalText returns the same as String.
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what ParsePosition does.
func (p *Position) UnmarshalText(text []byte) error {
	parsed, err := ParsePosition(string(text))
	if err == nil {
		*p = parsed
	}
	return err
}
