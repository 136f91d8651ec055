package mp

import (
	"errors"
	"strconv"
)

// A pathError is an error inside of a value, with the way to it, such as
// Address.Lines[2].
type pathError struct {
	path string
	err  error
}

func (e *pathError) Error() string { return "field " + e.path + ": " + e.err.Error() }

func (e *pathError) Unwrap() error { return e.err }

// longestPath is how long a way may be to be made longer, in bytes. It ends at the
// value: what is left out is where it begins.
const longestPath = 2000

// at puts a step in front of the way to an error.
func at(step string, err error) error {
	if isTooDeep(err) {
		return err // the way would be as long as the value is deep
	}
	var inner *pathError
	if errors.As(err, &inner) {
		if len(inner.path) > longestPath {
			if inner.path[0] != '.' {
				inner.path = "..." + inner.path
			}
			return inner
		}
		if inner.path[0] != '[' {
			step += "."
		}
		return &pathError{path: step + inner.path, err: inner.err}
	}
	return &pathError{path: step, err: err}
}

func atIndex(i int, err error) error { return at("["+strconv.Itoa(i)+"]", err) }
