// Package telemetry is what the modules for traces and metrics share: words for
// how requests end, and sums of what connections count. It is safe for
// concurrent use.
package telemetry

import (
	"context"
	"errors"
	"strings"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
)

// Words for how a request ended that no code of the server says.
const (
	OK     = "OK"
	Left   = "left"  // a loop over a batch was left, which is no failure
	Other  = "other" // what has no word of its own; of the server, a code without a name
	Closed = "closed"
)

// outcomes are the errors that have a word, in the order that they are looked for
// in. Those of a connection come first, because the reason for its loss may be a
// timeout of its own.
var outcomes = []struct {
	err  error
	word string
}{
	{tnt.ErrLeft, Left},
	{tnt.ErrClosed, Closed},
	{tnt.ErrStreamLost, "stream_lost"},
	{tnt.ErrSessionLost, "session_lost"},
	{tnt.ErrConnectionLost, "connection_lost"},
	{tnt.ErrNotConnected, "not_connected"},
	{tnt.ErrTimeout, "timeout"},
	{context.DeadlineExceeded, "timeout"},
	{context.Canceled, "canceled"},
	{tnt.ErrTooMany, "too_many_in_flight"},
	{tnt.ErrTooLarge, "too_large"},
}

// Outcome returns how a request ended whose context that was, in a word out of a
// bounded set: OK, the name of the server's error (ER_TUPLE_FOUND), or a word of this
// package. It holds nothing of the error's text.
func Outcome(ctx context.Context, err error) string {
	if err == nil {
		return OK
	}
	if code, refused := CodeOf(err); refused {
		return nameOf(code)
	}
	cause := ownCause(ctx, err)
	for _, o := range outcomes {
		if errors.Is(err, o.err) && !errors.Is(cause, o.err) {
			return o.word
		}
	}
	switch {
	case cause != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "timeout"
	case cause != nil:
		return "canceled"
	case errors.As(err, new(*tnt.SchemaError)):
		return "schema"
	case errors.As(err, new(*tnt.FeatureError)):
		return "feature"
	}
	return Other
}

// ownCause returns the cause that the program gave a context, where it is in the error
// of a request. It may be the error of another request, as that of an errgroup, and
// says nothing of this one. Else it is nil.
func ownCause(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if cause == nil || cause == ctx.Err() || !errors.Is(err, cause) { //nolint:errorlint // a context without a cause of its own
		return nil
	}
	return cause
}

// nameOf returns the name of a code of the server's, Other for one without.
func nameOf(code errcode.Code) string {
	if code.IsKnown() {
		return code.String()
	}
	return Other
}

// CodeOf returns the code of the error that the server answered with. refused
// is false where the error is another.
func CodeOf(err error) (code errcode.Code, refused bool) {
	var re *tnt.RequestError
	var e *tnt.Error
	if !errors.As(err, &re) || re.Fate() != tnt.FateRefused || !errors.As(re, &e) {
		return 0, false
	}
	return e.Code, true
}

// Operation returns the name of what a request does, out of a bounded set: its
// type's name, for a batch after "BATCH", which alone stands for one of several
// types, and Other for a type that the protocol does not have.
func Operation(req tnt.RequestInfo) string {
	name, known := operations[req.Type]
	switch {
	case req.Size > 0 && req.Type == 0:
		return "BATCH"
	case !known && req.Size > 1:
		return "BATCH " + Other
	case !known:
		return Other
	case req.Size > 1:
		return batches[req.Type]
	}
	return name
}

// operations and batches are the names of the types of requests, alone and in
// batches.
var operations, batches = names()

func names() (one, many map[iproto.Type]string) {
	one, many = map[iproto.Type]string{}, map[iproto.Type]string{}
	for _, t := range []iproto.Type{
		iproto.TypeSelect, iproto.TypeInsert, iproto.TypeReplace, iproto.TypeUpdate, iproto.TypeDelete, iproto.TypeCall16,
		iproto.TypeAuth, iproto.TypeEval, iproto.TypeUpsert, iproto.TypeCall, iproto.TypeExecute, iproto.TypeNop,
		iproto.TypePrepare, iproto.TypeBegin, iproto.TypeCommit, iproto.TypeRollback, iproto.TypeInsertArrow,
		iproto.TypeDeleteRange, iproto.TypePing, iproto.TypeID, iproto.TypeWatch, iproto.TypeUnwatch, iproto.TypeWatchOnce,
		iproto.TypeVote,
	} {
		one[t], many[t] = t.String(), "BATCH "+t.String()
	}
	return one, many
}

// IsCode reports whether an outcome is the name of a code of the server.
func IsCode(outcome string) bool { return strings.HasPrefix(outcome, "ER_") }
