package types

import "fmt"

// ErrorCode is the number of a kind of error of Tarantool. It is an error
// itself, for errors.Is to look for in what a request returned:
//
//	errors.Is(err, types.ErrTupleFound)
type ErrorCode uint32

// String returns the code's name in Tarantool, such as ER_TUPLE_FOUND, or
// its number where this package has no name for it.
func (c ErrorCode) String() string {
	if name, ok := codeNames[c]; ok {
		return name
	}
	return fmt.Sprintf("code %d", uint32(c))
}

// Error returns the code's name and number.
func (c ErrorCode) Error() string {
	if name, ok := codeNames[c]; ok {
		return fmt.Sprintf("%s (%d)", name, uint32(c))
	}
	return c.String()
}
