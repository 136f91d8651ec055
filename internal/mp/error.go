package mp

import (
	"fmt"
	"math"

	"github.com/gotnt/tnt/errcode"
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
// its causes. It returns nil for an empty stack. The error is the caller's.
func DecodeError(r *Reader) *types.Error {
	var first *types.Error
	for range r.MapLen() {
		if r.Uint() != errorStack {
			r.Skip()
			continue
		}
		first = nil
		last := &first
		for range r.ArrayLen() {
			*last = decodeOneError(r)
			if r.err != nil {
				return nil
			}
			last = &(*last).Cause
		}
	}
	if r.err != nil {
		return nil
	}
	return first
}

func decodeOneError(r *Reader) *types.Error {
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
			code := r.Uint()
			if code > math.MaxUint32 {
				r.Fail(fmt.Errorf("msgpack: %d is no code of an error", code))
			}
			e.Code = errcode.Code(code)
		case errorFields:
			for range r.MapLen() {
				name := r.String()
				if _, twice := e.Fields[name]; twice {
					r.Fail(at(name, errSameKeys))
				}
				e.SetField(name, r.Value())
			}
		default:
			r.Skip()
		}
		if r.err != nil {
			break
		}
	}
	return e
}

// errorValue reads the data of an extension of type ExtError.
func (r *Reader) errorValue(data []byte) *types.Error {
	inner := r.nested(data, 1)
	e := DecodeError(&inner)
	if e == nil && inner.err == nil {
		inner.err = fmt.Errorf("msgpack: an MP_ERROR at offset %d holds no error", r.Offset())
	}
	r.end(&inner)
	return e
}

// AppendError appends the map of an error and its causes, in the order of a
// server: as data of MP_ERROR, or as a response's IPROTO_ERROR. It fails where
// a field has no form in MessagePack, or the chain of causes has no end.
func AppendError(b []byte, e *types.Error) ([]byte, error) { return appendError(b, e, 0) }

func appendError(b []byte, e *types.Error, depth int) ([]byte, error) {
	n := 0
	for cause := e; cause != nil; cause = cause.Cause {
		n++
		if n > DefaultNesting {
			return b, errTooDeep
		}
	}
	b = append(AppendMapLen(b, 1), errorStack)
	b = AppendArrayLen(b, n)
	for ; e != nil; e = e.Cause {
		var err error
		if b, err = appendOneError(b, e, depth); err != nil {
			return b, err
		}
	}
	return b, nil
}

func appendOneError(b []byte, e *types.Error, depth int) ([]byte, error) {
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
	if len(e.Fields) == 0 {
		return b, nil
	}
	b = AppendMapLen(append(b, errorFields), len(e.Fields))
	for _, name := range e.FieldNames() {
		var err error
		b = AppendString(b, name)
		if b, err = appendValue(b, e.Fields[name], depth); err != nil {
			return b, at(name, err)
		}
	}
	return b, nil
}

// appendErrorExt appends an error as a value, MP_ERROR.
func appendErrorExt(b []byte, e *types.Error, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return b, errTooDeep
	}
	start := len(b)
	b, err := appendError(b, e, depth+1)
	if err != nil {
		return b, err
	}
	// The length comes first but is known now: move the data behind it.
	data := len(b) - start
	b = AppendExtLen(b, types.ExtError, data)
	head := len(b) - start - data
	var tmp [8]byte
	copy(tmp[:], b[start+data:])
	copy(b[start+head:], b[start:start+data])
	copy(b[start:], tmp[:head])
	return b, nil
}
