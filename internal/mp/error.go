package mp

import (
	"github.com/gotnt/tnt/types"
)

// Keys of MP_ERROR and of its stack's elements, as in Tarantool's
// src/box/mp_error.cc.
const (
	errorStack   = 0
	errorType    = 0
	errorFile    = 1
	errorLine    = 2
	errorMessage = 3
	errorErrno   = 4
	errorCode    = 5
	errorFields  = 6
)

// DecodeError reads the map of an error: of MP_ERROR, and of a response's
// IPROTO_ERROR. The first error of the stack is returned, and the others are
// its causes. It returns nil for an empty stack.
func DecodeError(r *Reader) *types.Error { return decodeError(r, 0) }

func decodeError(r *Reader, depth int) *types.Error {
	var first *types.Error
	for range r.MapLen() {
		if r.Uint() != errorStack {
			r.Skip()
			continue
		}
		last := &first
		for range r.ArrayLen() {
			*last = decodeOneError(r, depth)
			last = &(*last).Cause
			if r.err != nil {
				return nil
			}
		}
	}
	if r.err != nil {
		return nil
	}
	return first
}

func decodeOneError(r *Reader, depth int) *types.Error {
	e := new(types.Error)
	for range r.MapLen() {
		switch r.Uint() {
		case errorType:
			e.Type = r.String()
		case errorFile:
			e.File = r.String()
		case errorLine:
			e.Line = r.Uint()
		case errorMessage:
			e.Message = r.String()
		case errorErrno:
			e.Errno = r.Uint()
		case errorCode:
			e.Code = types.ErrorCode(r.Uint())
		case errorFields:
			e.Fields, _ = r.value(depth + 1).(map[string]any)
		default:
			r.Skip()
		}
		if r.err != nil {
			break
		}
	}
	return e
}

// AppendError appends the map of an error in the order of a server.
func AppendError(b []byte, e *types.Error) ([]byte, error) {
	n := 0
	for cause := e; cause != nil; cause = cause.Cause {
		n++
	}
	b = AppendUint(AppendMapLen(b, 1), errorStack)
	b = AppendArrayLen(b, n)
	var err error
	for ; e != nil; e = e.Cause {
		pairs := 6
		if len(e.Fields) > 0 {
			pairs++
		}
		b = AppendMapLen(b, pairs)
		b = AppendString(append(b, errorType), e.Type)
		b = AppendUint(append(b, errorLine), e.Line)
		b = AppendString(append(b, errorFile), e.File)
		b = AppendString(append(b, errorMessage), e.Message)
		b = AppendUint(append(b, errorErrno), e.Errno)
		b = AppendUint(append(b, errorCode), uint64(e.Code))
		if len(e.Fields) > 0 {
			if b, err = AppendValue(append(b, errorFields), e.Fields); err != nil {
				return b, err
			}
		}
	}
	return b, nil
}
