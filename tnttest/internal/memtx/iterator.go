package memtx

import "github.com/gotnt/tnt/iproto"

// Iterator is the way to walk an index.
type Iterator iproto.Iterator

// The iterators of TREE and HASH indexes.
const (
	IterEq  = Iterator(iproto.IterEq)
	IterReq = Iterator(iproto.IterReq)
	IterAll = Iterator(iproto.IterAll)
	IterLT  = Iterator(iproto.IterLT)
	IterLE  = Iterator(iproto.IterLE)
	IterGE  = Iterator(iproto.IterGE)
	IterGT  = Iterator(iproto.IterGT)
	IterNP  = Iterator(iproto.IterNP)
	IterPP  = Iterator(iproto.IterPP)
)

// reverse reports whether the iterator walks down.
func (it Iterator) reverse() bool {
	return it == IterReq || it == IterLT || it == IterLE || it == IterPP
}

func (it Iterator) direction() int {
	if it.reverse() {
		return -1
	}
	return 1
}

func (it Iterator) exact() bool { return it == IterEq || it == IterReq }

// matches reports whether the iterator visits a row that compares so to its key.
func (it Iterator) matches(c int) bool {
	switch it {
	case IterEq, IterReq:
		return c == 0
	case IterLT:
		return c < 0
	case IterLE:
		return c <= 0
	case IterGT:
		return c > 0
	}
	return c >= 0
}

// iteratorMax is one past the greatest number of an iterator.
const iteratorMax = Iterator(iproto.IterPP) + 1
