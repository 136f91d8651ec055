package mp

import (
	"errors"
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// How deeply values may be nested is bounded, so that one that contains itself, or
// one made to be deep, is an error instead of the end of the stack. Lists, maps,
// structs, tuples and errors are a level each. Empty ones are, too, but in what a
// type reads or writes by its own methods: that is only passed over.

const (
	// DefaultNesting is the bound where no other is asked for.
	DefaultNesting = 256
	// MaxNesting is the highest that can be asked for. A level takes up to two kilobytes
	// of stack to read (TestStackOfDeepValues).
	MaxNesting = 10_000
)

// maxDepth is where Reader.depth, and the depth of what is written, end. With another
// bound than the default they begin elsewhere than at 0, maybe below it: so that is
// looked at where reading and writing begin, and nowhere on the way.
const maxDepth = DefaultNesting

// A deepError reports values that are nested too deeply.
type deepError struct {
	most    int
	written bool
}

// Error names the option of package tnt that the bound is set by.
func (e *deepError) Error() string {
	text := fmt.Sprintf("value is nested more than %d deep (Options.MaxNesting)", e.most)
	if e.written {
		text += ", or contains itself"
	}
	return text
}

func isTooDeep(err error) bool {
	var deep *deepError
	return errors.As(err, &deep)
}

// errTooDeep is the error of what is written, until its bound is put in.
var errTooDeep error = &deepError{most: DefaultNesting, written: true}

// written returns the error of what was written by the Settings.
func (s *Settings) written(err error) error {
	if s != nil && err == errTooDeep { //nolint:errorlint // nothing wraps it
		return &deepError{most: maxDepth - s.depth, written: true}
	}
	return err
}

// tooDeep is the failure of a Reader that meets too deep a value.
func (r *Reader) tooDeep() { r.Fail(&deepError{most: maxDepth - r.settings.start()}) }

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
		r.tooDeep()
		return false
	case n > len(r.b)-r.owed:
		r.fail("a value", msgp.ErrShortBytes)
		return false
	}
	r.depth++
	return true
}

// nested returns a Reader over data, which r has just read, as of a value
// inside of the one that r reads, so many levels deeper.
func (r *Reader) nested(data []byte, levels int) Reader {
	inner := Reader{b: data, size: len(data), depth: r.depth + levels, err: r.err, settings: r.settings}
	switch {
	case r.err != nil:
		inner.b = nil
	case inner.depth > maxDepth:
		inner.tooDeep()
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
