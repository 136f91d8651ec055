package iproto

import (
	"fmt"
	"strconv"
	"strings"
)

// Iterator is the way a SELECT walks an index (IPROTO_ITERATOR). Its zero value
// is IterEq, which with an empty key means every tuple.
type Iterator uint8

// The iterators, by the names of Lua's box.index.
const (
	IterEq            Iterator = iota // equal to the key
	IterReq                           // equal to the key, in reverse order
	IterAll                           // all, in order; with a key: from it on
	IterLT                            // less than the key, in reverse order
	IterLE                            // less or equal, in reverse order
	IterGE                            // greater or equal
	IterGT                            // greater than the key
	IterBitsAllSet                    // BITSET indexes
	IterBitsAnySet                    // BITSET indexes
	IterBitsAllNotSet                 // BITSET indexes
	IterOverlaps                      // RTREE indexes
	IterNeighbor                      // RTREE indexes
	IterNP                            // next prefix (3.2 and later)
	IterPP                            // previous prefix (3.2 and later)
	iterMax
)

var iterNames = [iterMax]string{
	"EQ", "REQ", "ALL", "LT", "LE", "GE", "GT", "BITS_ALL_SET", "BITS_ANY_SET",
	"BITS_ALL_NOT_SET", "OVERLAPS", "NEIGHBOR", "NP", "PP",
}

// String returns the name that Lua's box.index has for the iterator.
func (i Iterator) String() string {
	if i < iterMax {
		return iterNames[i]
	}
	return "iterator " + strconv.Itoa(int(i))
}

// ParseIterator returns the iterator of a name in any case, or of a number.
func ParseIterator(s string) (Iterator, error) {
	for i := IterEq; i <= IterPP; i++ {
		if strings.EqualFold(s, i.String()) {
			return i, nil
		}
	}
	if n, err := strconv.ParseUint(s, 10, 8); err == nil && Iterator(n) <= IterPP {
		return Iterator(n), nil
	}
	return 0, fmt.Errorf("%q is no iterator such as EQ, REQ, ALL, LT, LE, GE or GT", s)
}
