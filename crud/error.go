package crud

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/luacall"
	"github.com/gotnt/tnt/schema"
)

// ErrNoTuple is that of Get, Update, Delete, Min and Max where there is no
// tuple.
var ErrNoTuple = errors.New("crud: there is no such tuple")

// Error is an error that crud returned. crud has no codes of errors. What the
// request did until it failed is not known, so tnt.SafeToRetry is false.
type Error struct {
	Class string // such as "InsertError"
	Text  string // what went wrong; it differs by versions of crud and Tarantool
	Stack string // a traceback in Lua, often ""
	File  string // where in crud it was made
	Line  int    // likewise
	// Data is what a function for many was given that this error is about, as
	// MessagePack: a tuple with all fields of the space, also of an object that the
	// router could make a tuple of, or else the object; nil where the error is about
	// none. Operation decodes it.
	Data []byte
	// Format has the names of the fields of Data where that is a tuple. They are
	// known where the names of all fields came along with rows that were written;
	// it is nil where none were, and with NoReturn or Fields. It may be set, to
	// SpaceSchema.Format.
	Format *schema.Format
}

// Error returns the class and the text.
func (e *Error) Error() string { return "crud: " + e.Class + ": " + e.Text }

// Duplicate reports whether a unique index has the key already.
func (e *Error) Duplicate() bool { return strings.Contains(e.Text, "Duplicate key exists") }

// Operation decodes Data, a tuple by the names in Format. Where those are not known
// a T that takes a tuple by names, a struct with names in its tags or a map, is an
// error, because it can't be filled: set Format, or take a list or a struct without
// names. The error is a *tnt.DecodeError, also where there is no Data.
func Operation[T any](e *Error) (T, error) {
	if e.Data == nil {
		var none T
		return none, errNoData
	}
	return luacall.Decode[T](e.Data, e.Format)
}

var errNoData = &tnt.DecodeError{Err: errors.New("the error of crud is about no tuple")}

// ManyError is the error of a function for many tuples, of which some were not
// written. Those that are not among Errors were, unless Data of one is nil: such
// an error is about all.
type ManyError struct{ Errors []*Error }

// Error tells how many there are, and the first.
func (e *ManyError) Error() string {
	if len(e.Errors) == 1 {
		return e.Errors[0].Error()
	}
	return fmt.Sprintf("%v (and %d more)", e.Errors[0], len(e.Errors)-1)
}

// Unwrap returns the errors.
func (e *ManyError) Unwrap() []error {
	errs := make([]error, len(e.Errors))
	for i, one := range e.Errors {
		errs[i] = one
	}
	return errs
}

// parseError makes an error of the map that crud returns. Keys that are missing
// in it leave their field empty; a value that is no map is the text.
func parseError(v luacall.Value) error {
	e := parseOne(v)
	return &e
}

func parseOne(v luacall.Value) (e Error) {
	isMap := v.Map(func(key string, value luacall.Value) {
		switch key {
		case "class_name":
			e.Class = value.Text()
		case "err":
			e.Text = text(value)
		case "stack":
			e.Stack = value.Text()
		case "file":
			e.File = value.Text()
		case "line":
			e.Line = int(value.Int())
		case "operation_data":
			if !value.IsNil() {
				e.Data = value
			}
		}
	})
	if !isMap {
		e.Text = text(v)
	}
	return e
}

// text returns a string, or another value as Go prints it: crud passes on
// whatever a storage raised.
func text(v luacall.Value) string {
	if s := v.Text(); s != "" {
		return s
	}
	value, err := v.Any()
	if err != nil {
		return err.Error()
	}
	if e, ok := value.(error); ok {
		return e.Error()
	}
	return fmt.Sprint(value)
}

// parseMany makes an error of the list of maps that functions for many return,
// and of the single map that some failures are.
// format has the names of the tuples' fields.
func parseMany(v luacall.Value, format *schema.Format) error {
	if items, ok := v.Items(); ok {
		many := &ManyError{}
		for _, item := range items {
			e := parseOne(item)
			e.Format = format
			many.Errors = append(many.Errors, &e)
		}
		if len(many.Errors) > 0 {
			return many
		}
		return nil
	}
	e := parseOne(v)
	return &ManyError{Errors: []*Error{&e}}
}
