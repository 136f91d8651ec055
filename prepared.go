package tnt

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
)

// Prepared is a prepared SQL statement. It is safe for concurrent use, and
// survives reconnects and changes of the schema: a server that doesn't know it any
// more, or says that it has expired, is asked to prepare it again. Where it has no
// room for that (box.cfg.sql_cache_size) the statement is executed unprepared.
type Prepared struct {
	ex        Executor
	statement string
	known     atomic.Pointer[preparation]
	gone      atomic.Bool
}

// preparation is what the server said of a statement when it prepared it.
type preparation struct {
	id              uint64
	columns, params []Column
}

// readPreparation reads the answer to req.
func readPreparation(req Prepare, resp Response) (*preparation, error) {
	columns, err1 := resp.columns(iproto.KeyMetadata)
	params, err2 := resp.columns(iproto.KeyBindMetadata)
	if err := errors.Join(err1, err2); err != nil {
		return nil, answerError(req, err)
	}
	return &preparation{id: resp.StatementID(), columns: columns, params: params}, nil
}

// NewPrepared prepares an SQL statement on ex. Close releases it.
func NewPrepared(ctx context.Context, ex Executor, statement string) (*Prepared, error) {
	req := Prepare{Statement: statement}
	resp, err := Do(ctx, ex, req)
	if err != nil {
		return nil, err
	}
	known, err := readPreparation(req, resp)
	if err != nil {
		return nil, err
	}
	p := &Prepared{ex: ex, statement: statement}
	p.known.Store(known)
	return p, nil
}

// ID returns the number the server gave the statement.
func (p *Prepared) ID() uint64 { return p.known.Load().id }

// Columns describes the columns of the result, as they were when the statement was
// prepared last.
func (p *Prepared) Columns() []Column { return p.known.Load().columns }

// Params describes the parameters.
func (p *Prepared) Params() []Column { return p.known.Load().params }

var errUnprepared = errors.New("the statement is closed")

// Execute runs the statement; see the type Execute for the parameters.
func (p *Prepared) Execute(ctx context.Context, args ...any) (Response, error) {
	return p.executeOn(ctx, p.ex, args)
}

// ExecuteIn is Execute in a stream, so in its transaction, if it has one. The
// stream has to be one of the connection that the statement was prepared on.
func (p *Prepared) ExecuteIn(ctx context.Context, stream *Stream, args ...any) (Response, error) {
	return p.executeOn(ctx, stream, args)
}

func (p *Prepared) executeOn(ctx context.Context, ex Executor, args []any) (Response, error) {
	req := p.Bind(args...)
	if p.gone.Load() {
		return Response{}, requestError(req, errUnprepared, false)
	}
	ctx = startedAt(ctx, time.Now())
	resp, err := Do(ctx, ex, req)
	if !isRefused(err) || !isUnprepared(err) {
		return resp, err
	}
	// It was not executed. A statement is one session's, so both have to go to the
	// same.
	pinned, err := Pin(ctx, ex)
	if err != nil {
		return Response{}, err
	}
	prepare := Prepare{Statement: p.statement}
	again, err := Do(ctx, pinned, prepare)
	if isFull(err) {
		return Do(ctx, pinned, Execute{Statement: p.statement, Args: args})
	}
	if err != nil {
		return Response{}, err
	}
	known, err := readPreparation(prepare, again)
	if err != nil {
		return Response{}, err
	}
	p.known.Store(known)
	return Do(ctx, pinned, p.Bind(args...))
}

// Bind returns the statement with its parameters as a Request, for the
// functions that take one. Unlike Execute that is not prepared again where
// the server has forgotten it.
func (p *Prepared) Bind(args ...any) Execute {
	return Execute{ID: p.ID(), Args: args, text: p.statement}
}

// Close releases the statement on the server. It may be called again.
func (p *Prepared) Close(ctx context.Context) error {
	if p.gone.Swap(true) {
		return nil
	}
	_, err := Do(ctx, p.ex, Prepare{ID: p.ID()})
	if errors.Is(err, errcode.WrongQueryID) {
		return nil // gone with the session it was prepared in
	}
	return err
}
