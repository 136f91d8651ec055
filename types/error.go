package types

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gotnt/tnt/errcode"
)

// Error is an error of Tarantool: what a request was refused with, or a value
// that holds an error. Its fields are those of MP_ERROR. It is the user's; it
// must not be changed while other goroutines use it.
type Error struct {
	Type    string         // class of the error, such as ClientError
	File    string         // where it was raised, in Lua or in the server's sources
	Line    uint64         // the line in File
	Message string         // what went wrong, for people
	Errno   uint64         // of the operating system, at that time
	Code    errcode.Code   // what went wrong, for programs
	Fields  map[string]any // details, by name; nil where there are none
	Cause   *Error         // what led to it, or nil

	order []string // names of Fields in the order that the server sent
}

// Error returns the message, and the code by name and number. An error of a
// type of the user's own has that in place of the code's name.
func (e *Error) Error() string {
	if custom, ok := e.Fields["custom_type"].(string); ok {
		return fmt.Sprintf("%s (%s, %d)", e.Message, custom, uint32(e.Code))
	}
	if e.Code.IsKnown() {
		return fmt.Sprintf("%s (%s, %d)", e.Message, e.Code.String(), uint32(e.Code))
	}
	return fmt.Sprintf("%s (%s)", e.Message, e.Code.String())
}

// Is reports whether target is the error's code. With Unwrap it makes errors.Is
// find a code anywhere in the chain of causes.
func (e *Error) Is(target error) bool {
	code, ok := target.(errcode.Code)
	return ok && code == e.Code
}

// Unwrap returns the cause, nil where there is none.
func (e *Error) Unwrap() error {
	if e.Cause == nil {
		return nil
	}
	return e.Cause
}

// SetField sets one of Fields and makes it the last of their order, unless it
// is set already.
func (e *Error) SetField(name string, value any) {
	if e.Fields == nil {
		e.Fields = make(map[string]any)
	}
	if _, ok := e.Fields[name]; !ok {
		e.order = append(slices.Clip(e.order), name) // which a copy of the error has, too
	}
	e.Fields[name] = value
}

// FieldNames returns the names of Fields: first those that came from the
// server or from SetField, in their order, then the others by name.
func (e *Error) FieldNames() []string {
	names := make([]string, 0, len(e.Fields))
	for _, name := range e.order {
		if _, ok := e.Fields[name]; ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == len(e.Fields) {
		return names
	}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		if !slices.Contains(e.order, name) {
			names = append(names, name)
		}
	}
	return names
}
