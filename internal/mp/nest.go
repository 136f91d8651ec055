package mp

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// maxDepth bounds how deeply values may be nested, so that one that contains
// itself, or one made to be deep, is an error instead of the end of the stack.
const maxDepth = 256

var errTooDeep = fmt.Errorf("value is nested more than %d deep, or contains itself", maxDepth)

// What is allocated for containers is bounded by the bytes there are: every
// value takes one at least, so the values of a container and those that the
// containers around it still lack can't be more than the bytes left. Without
// the latter, each of many nested containers could claim all the bytes.

// enter begins a container of n values, to be allocated for. It returns false
// where there can't be so many, or where the nesting is too deep; the error is
// that of r then.
func (r *Reader) enter(n int) bool {
	switch {
	case r.err != nil:
		return false
	case r.depth >= maxDepth:
		r.Fail(errTooDeep)
		return false
	case n > len(r.b)-r.owed:
		r.fail("a value", msgp.ErrShortBytes)
		return false
	}
	r.depth++
	return true
}

// nested returns a Reader over data, which r has just read, as of a value
// inside of the one that r reads.
func (r *Reader) nested(data []byte) Reader {
	inner := Reader{b: data, size: len(data), depth: r.depth + 1, err: r.err, formats: r.formats}
	switch {
	case r.err != nil:
		inner.b = nil
	case inner.depth >= maxDepth:
		inner.Fail(errTooDeep)
	case r.owed > len(r.b):
		inner.Fail(ErrTruncated)
	}
	return inner
}

// end ends the reading of a nested value, which has to be used up.
func (r *Reader) end(inner *Reader) {
	if inner.err == nil && len(inner.b) > 0 {
		inner.err = fmt.Errorf("msgpack: %d bytes too many in an extension", len(inner.b))
	}
	if inner.err != nil {
		r.Fail(inner.err)
	}
}
