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
// causes are reached by errors.As and errors.Is, which also takes a code:
// errors.Is(err, errcode.TupleFound).
type Error = types.Error

// Errors of a connection. Which of them a request may end with, and what became
// of it then, is the table in docs/errors.md.
var (
	// ErrNotConnected is that of a request that was not sent, because the
	// connection was not up or was lost before that.
	ErrNotConnected = errors.New("not connected")
	// ErrConnectionLost is that of a request that was in flight when the
	// connection was lost: it may have been executed.
	ErrConnectionLost = errors.New("connection lost")
	// ErrClosed is the reason of a request's error, besides one of the two above,
	// where the connection was ended by Disconnect, Close or CloseGraceful.
	ErrClosed = errors.New("the connection was closed")
	// ErrTimeout is that of a request that took longer than
	// Options.RequestTimeout. It is context.DeadlineExceeded as well.
	ErrTimeout = session.ErrTimeout
	// ErrTooMany is that of a request beyond Options.MaxInFlight. It was not
	// sent.
	ErrTooMany = session.ErrTooMany
	// ErrNoTuple is that of One where the answer holds nothing, and of what is
	// asked of a zero Tuple.
	ErrNoTuple = errors.New("the answer holds no tuple")
	// ErrStreamLost is that of a Stream whose connection was lost: the server
	// has rolled its transaction back. A new Stream is needed.
	ErrStreamLost = errors.New("the stream's connection was lost and its transaction rolled back")
	// ErrSessionLost is that of a Pinned whose session was lost. A new one is
	// needed, and whatever was kept in the session is gone.
	ErrSessionLost = errors.New("the session that the requests were pinned to is lost")
	// ErrNotTarantool is that of a peer that does not greet as Tarantool does.
	ErrNotTarantool = wire.ErrNotTarantool
	// ErrTooLarge is that of a request beyond Options.MaxRequest.
	ErrTooLarge = errors.New("the request is too large")
)

// errFrameTooLarge is that of an answer beyond Options.MaxFrame.
var errFrameTooLarge = wire.ErrFrameTooLarge

// Fate is what became of a request that failed.
type Fate uint8

// What may have become of a request that failed.
const (
	// FateUnknown: it may have been executed, or may yet be.
	FateUnknown Fate = iota
	// FateUnsent: it was surely not sent.
	FateUnsent
	// FateRefused: the server answered with an error. Of a request on a space
	// that means that nothing was done; Lua and SQL may have done something before
	// they failed.
	FateRefused
	// FateExecuted: it was executed, and its answer is not what was asked for.
	FateExecuted
)

var fateNames = [...]string{"unknown", "unsent", "refused", "executed"}

// String returns the fate in one word.
func (f Fate) String() string {
	if int(f) < len(fateNames) {
		return fateNames[f]
	}
	return fmt.Sprintf("Fate(%d)", uint8(f))
}

// RequestError is the error of a request: which one it was, on which server,
// and what went wrong. It must not be changed.
type RequestError struct {
	Request RequestInfo
	// Server is the address of the instance, "" where none was chosen yet.
	Server string
	Err    error

	fate   Fate
	gaveUp bool  // by the end of the caller's context
	conn   *Conn // nil where none was chosen
}

// Fate returns what became of the request.
func (e *RequestError) Fate() Fate { return e.fate }

// Error says the request, the server and what went wrong.
func (e *RequestError) Error() string {
	var b strings.Builder
	b.WriteString("tnt: " + e.Request.String())
	if e.Server != "" {
		b.WriteString(" on " + e.Server)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

// Unwrap returns what went wrong.
func (e *RequestError) Unwrap() error { return e.Err }

// nestedError is an error of this package inside of another one's text, which says
// already whose it is.
type nestedError struct{ err error }

func nested(err error) error { return &nestedError{err} }

func (e *nestedError) Error() string { return strings.TrimPrefix(e.err.Error(), "tnt: ") }

func (e *nestedError) Unwrap() error { return e.err }

// failedOn completes the error of a request with the instance and the stream that it
// failed on, and with whether the caller's context ended it.
func failedOn(ctx context.Context, rt Route, err error) error {
	re, ok := err.(*RequestError) //nolint:errorlint // the one that was just made
	if !ok {
		return err
	}
	if re.conn == nil && rt.conn != nil {
		re.Server, re.conn, re.Request.Stream = rt.conn.address, rt.conn, rt.stream
	}
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		re.gaveUp = true
	}
	return err
}

// SchemaError reports a name that can't be resolved.
type SchemaError struct {
	What  string
	stale bool // a newer schema may know
}

// Error says what is unknown.
func (e *SchemaError) Error() string { return e.What }

// FeatureError reports a feature that the server lacks. Nothing was sent.
type FeatureError struct {
	Feature iproto.Feature
	// What is lacking, where the protocol has no Feature for it; "" otherwise.
	What   string
	Server iproto.Version
}

// Error says the feature and the server's version.
func (e *FeatureError) Error() string {
	if e.What != "" {
		return fmt.Sprintf("the server, Tarantool %v, does not take %s", e.Server, e.What)
	}
	return fmt.Sprintf("the server, Tarantool %v, has no %v", e.Server, e.Feature)
}

// DecodeError reports an answer, complete and well received, that can't be
// decoded into what was asked for. The request was executed and the
// connection is whole.
type DecodeError struct{ Err error }

// Error says what could not be decoded.
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
		return ErrNotConnected.Error() + ": Connect has not been called"
	case errors.Is(e.cause, ErrNotConnected): // so it says already
		return e.cause.Error()
	}
	return ErrNotConnected.Error() + ": " + e.cause.Error()
}

func (e *notConnectedError) Is(target error) bool { return target == ErrNotConnected }

func (e *notConnectedError) Unwrap() error { return e.cause }

// connectionLostError is ErrConnectionLost with the reason for it.
type connectionLostError struct{ cause error }

func (e *connectionLostError) Error() string {
	return ErrConnectionLost.Error() + ": " + e.cause.Error()
}

func (e *connectionLostError) Is(target error) bool { return target == ErrConnectionLost }

func (e *connectionLostError) Unwrap() error { return e.cause }

var errNilRequest = errors.New("tnt: the request is nil")

// requestError gives an error of the session, of encoding or of a context its
// request. sent says that the request may have been sent.
func requestError(req Request, err error, sent bool) error {
	switch {
	case err == nil:
		return nil
	case isNil(&req):
		return errNilRequest
	}
	return infoError(req.info(), err, sent)
}

// An error may be the cause of a context, which may be anything, such as the error of
// another request: what is in it says nothing of this one.
func infoError(info RequestInfo, err error, sent bool) error {
	var lost *session.LostError
	fate := FateUnknown
	switch {
	case errors.As(err, &lost) && lost.Sent:
		err = &connectionLostError{cause: lost.Cause}
	case errors.As(err, &lost):
		err, sent = &notConnectedError{cause: lost.Cause}, false
	case err == context.Canceled || err == context.DeadlineExceeded: //nolint:errorlint // bare ones get words
		err = fmt.Errorf("gave up: %w", err)
	}
	if !sent {
		fate = FateUnsent
	}
	return &RequestError{Request: info, Err: err, fate: fate}
}

// routeError is infoError for a request that an executor found no way for, which may
// have said it all already, as a Stream does that was not bound.
func routeError(ctx context.Context, info RequestInfo, err error) error {
	if re, ok := err.(*RequestError); ok && re.Request.Type == info.Type && error(re) != context.Cause(ctx) { //nolint:errorlint // this very one
		return re
	}
	return infoError(info, err, false)
}

// answerError is requestError for a request whose answer can't be taken as it was
// asked for.
func answerError(req Request, err error) error {
	return &RequestError{Request: req.info(), Err: err, fate: FateExecuted}
}

// refusal is requestError for what the server answered.
func refusal(req Request, err error) error {
	return &RequestError{Request: req.info(), Err: err, fate: FateRefused}
}

// isUnsent reports whether an error is of a request that was surely not sent.
func isUnsent(err error) bool {
	var re *RequestError
	return errors.As(err, &re) && re.fate == FateUnsent
}

// isRefused reports whether an error is the server's own answer to a request.
func isRefused(err error) bool {
	var re *RequestError
	return errors.As(err, &re) && re.fate == FateRefused
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

// isAny reports whether an error is one of the targets.
func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
