package memtx

import (
	"fmt"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/types"
)

// Error is an error as a client sees it, in the words of Tarantool.
type Error = types.Error

// Errorf returns a ClientError.
func Errorf(code errcode.Code, format string, args ...any) *Error {
	return &Error{Type: "ClientError", Code: code, Message: fmt.Sprintf(format, args...)}
}

// IllegalParams returns an error about an argument that makes no sense.
func IllegalParams(format string, args ...any) *Error {
	e := Errorf(errcode.IllegalParams, format, args...)
	e.Type = "IllegalParams"
	return e
}

// with adds names and values to the payload of an error and returns it.
func with(e *Error, pairs ...any) *Error {
	for i := 0; i < len(pairs); i += 2 {
		e.SetField(pairs[i].(string), pairs[i+1])
	}
	return e
}

func errNoSuchSpace(name string) *Error {
	return with(Errorf(errcode.NoSuchSpace, "Space '%s' does not exist", name), "space", name)
}

func errAccessDenied(access, objectType, objectName, user string) *Error {
	e := Errorf(errcode.AccessDenied, "%s access to %s '%s' is denied for user '%s'", access, objectType, objectName, user)
	e.Type = "AccessDeniedError"
	return with(e, "object_type", objectType, "object_name", objectName, "access_type", access, "user", user)
}

func errUnsupportedIndexFeature(ix *Index, what string) *Error {
	return Errorf(errcode.UnsupportedIndexFeature, "Index '%s' (%s) of space '%s' (%s) does not support %s",
		ix.Def.Name, ix.Def.Type, ix.space.Def.Name, ix.space.Def.Engine, what)
}
