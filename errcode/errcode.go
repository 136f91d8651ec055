// Package errcode has the codes of Tarantool's errors. A code is an error
// itself, for errors.Is to look for in what a request returned:
//
//	if errors.Is(err, errcode.TupleFound) {
//		// a tuple with that key exists already
//	}
package errcode

import (
	"fmt"
	"strconv"
)

// Code is the number of a kind of error of Tarantool (box.error.* in Lua). It
// is a plain value and safe for concurrent use.
type Code uint32

// IsKnown reports whether this package has a name for the code.
func (c Code) IsKnown() bool {
	_, ok := c.name()
	return ok
}

func (c Code) name() (name string, ok bool) {
	if name, ok = codeNames[c]; !ok {
		name, ok = oldNames[c]
	}
	return name, ok
}

// String returns the code's name in Tarantool, such as ER_TUPLE_FOUND, or
// its number where this package has no name for it.
func (c Code) String() string {
	if name, ok := c.name(); ok {
		return name
	}
	return "code " + strconv.FormatUint(uint64(c), 10)
}

// Error returns the code's name and number.
func (c Code) Error() string {
	if name, ok := c.name(); ok {
		return fmt.Sprintf("%s (%d)", name, uint32(c))
	}
	return c.String()
}
