package tnt

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/session"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/types"
)

// Error is an error that the server, or a Lua function on it, returned. Its
// causes are reached by errors.As and errors.Is, which also takes an
// errcode.Code: errors.Is(err, errcode.TupleFound).
type Error = types.Error

// Errors of a connection.
var (
	// ErrNotConnected is that of a request while the connection is not up, and
	// of one that was in flight when the connection was lost.
	ErrNotConnected = errors.New("not connected")
	// ErrTimeout is that of a request that took longer than
	// Options.RequestTimeout. It is context.DeadlineExceeded as well.
	ErrTimeout = session.ErrTimeout
	// ErrNoTuple is that of One where the answer holds nothing, and of what is
	// asked of a zero Tuple.
	ErrNoTuple = errors.New("the answer holds no tuple")
	// ErrStreamLost is that of a Stream whose connection was lost: the server
	// has rolled its transaction back. A new Stream is needed.
	ErrStreamLost = errors.New("the stream's connection was lost and its transaction rolled back")
	// ErrNotTarantool is that of a peer that does not greet as Tarantool does.
	ErrNotTarantool = wire.ErrNotTarantool
	// ErrTooLarge is that of a request beyond Options.MaxRequest.
	ErrTooLarge = errors.New("the request is too large")
)

// RequestError is the error of a request: which one it was, what it worked
// on, and what went wrong.
type RequestError struct {
	Type  iproto.Type
	Place string // the space, function or statement; "" where there is none
	Err   error

	fate fate
}

// fate is what became of a request that failed.
type fate uint8

const (
	unanswered fate = iota // it may have been done
	unsent
	refused // Err is what the server answered
)

// Error tells the request, what it worked on and what went wrong.
func (e *RequestError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "tnt: %v", e.Type)
	if e.Place != "" {
		const most = 64 // of an SQL statement, its begin will do
		if len(e.Place) > most {
			fmt.Fprintf(&b, " %.*s...", most, e.Place)
		} else {
			fmt.Fprintf(&b, " %s", e.Place)
		}
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

// Unwrap returns what went wrong.
func (e *RequestError) Unwrap() error { return e.Err }

// SafeToRetry tells whether the request that returned err has surely had no
// effect: it was not sent, or the server refused it before doing anything, or
// rolled back the transaction it was in. Of a Lua function (Call, Eval) only
// the error's code is known: what it did before it raised that, outside of a
// transaction, is done.
func SafeToRetry(err error) bool {
	if err == nil {
		return false
	}
	var re *RequestError
	if errors.As(err, &re) && re.fate != refused {
		return re.fate == unsent // Err may be the cause of a context, which may be anything
	}
	switch codeOf(err) {
	case errcode.Loading, errcode.Readonly, errcode.WrongSchemaVersion, errcode.TransactionConflict, errcode.TransactionTimeout:
		return true
	}
	return false
}

// codeOf returns the code of a server's error, 0 for another. Its causes' don't
// matter: they may be of something that was tried on the way.
func codeOf(err error) (code errcode.Code) {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	errors.As(err, &code)
	return code
}

// isRefused tells whether an error is the server's own answer to a request.
func isRefused(err error) bool {
	var re *RequestError
	return errors.As(err, &re) && re.fate == refused
}

// SchemaError reports a name that can't be resolved.
type SchemaError struct {
	What  string
	stale bool // a newer schema may know
}

// Error tells what is unknown.
func (e *SchemaError) Error() string { return e.What }

// FeatureError reports a feature that the server lacks. Nothing was sent.
type FeatureError struct {
	Feature iproto.Feature
	Server  iproto.Version
}

// Error tells the feature and the server's version.
func (e *FeatureError) Error() string {
	return fmt.Sprintf("the server, Tarantool %v, has no %v", e.Server, e.Feature)
}

// DecodeError reports an answer, complete and well received, that can't be
// decoded into what was asked for. The request was executed and the
// connection is whole.
type DecodeError struct{ Err error }

// Error tells what could not be decoded.
func (e *DecodeError) Error() string { return "cannot decode the answer: " + e.Err.Error() }

// Unwrap returns what went wrong.
func (e *DecodeError) Unwrap() error { return e.Err }

// notConnectedError is ErrNotConnected with the reason for it.
type notConnectedError struct {
	cause error // nil: not asked to connect
}

func (e *notConnectedError) Error() string {
	switch {
	case e.cause == nil:
		return ErrNotConnected.Error()
	case errors.Is(e.cause, ErrNotConnected): // so it says already
		return e.cause.Error()
	}
	return ErrNotConnected.Error() + ": " + e.cause.Error()
}

func (e *notConnectedError) Is(target error) bool { return target == ErrNotConnected }

func (e *notConnectedError) Unwrap() error { return e.cause }

var errNilRequest = errors.New("tnt: the request is nil")

// requestError gives an error of the session, of encoding or of a context its
// place, and tells whether the request was surely not sent.
func requestError(req Request, err error, sent bool) error {
	switch {
	case err == nil:
		return nil
	case isNil(&req):
		return errNilRequest
	}
	var lost *session.LostError
	switch {
	case errors.As(err, &lost):
		err, sent = &notConnectedError{cause: lost.Cause}, lost.Sent
	case err == context.Canceled || err == context.DeadlineExceeded: //nolint:errorlint // bare ones get words
		err = fmt.Errorf("gave up: %w", err)
	}
	re := &RequestError{Type: req.Type(), Place: req.place().String(), Err: err}
	if !sent {
		re.fate = unsent
	}
	return re
}

// refusal is requestError for what the server answered.
func refusal(req Request, err error) error {
	return &RequestError{Type: req.Type(), Place: req.place().String(), Err: err, fate: refused}
}
