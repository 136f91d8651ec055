package tnt

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
)

// Prepared is a prepared SQL statement. It is safe for concurrent use, and
// survives reconnects: a server that doesn't know it any more is asked to
// prepare it again.
type Prepared struct {
	api       API
	statement string
	id        atomic.Uint64
	columns   []Column
	params    []Column
	gone      atomic.Bool
}

// Prepare prepares an SQL statement. Close releases it.
func (a API) Prepare(ctx context.Context, statement string) (*Prepared, error) {
	req := Prepare{Statement: statement}
	resp, err := a.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	columns, err1 := resp.columns(iproto.KeyMetadata)
	params, err2 := resp.columns(iproto.KeyBindMetadata)
	if err := errors.Join(err1, err2); err != nil {
		return nil, requestError(req, err, true)
	}
	p := &Prepared{api: a, statement: statement, columns: columns, params: params}
	p.id.Store(resp.StatementID())
	return p, nil
}

// ID returns the number the server gave the statement.
func (p *Prepared) ID() uint64 { return p.id.Load() }

// Columns describes the columns of the result.
func (p *Prepared) Columns() []Column { return p.columns }

// Params describes the parameters.
func (p *Prepared) Params() []Column { return p.params }

var errUnprepared = errors.New("the statement is closed")

// Execute runs the statement; see the type Execute for the parameters.
func (p *Prepared) Execute(ctx context.Context, args ...any) (Response, error) {
	return p.executeOn(ctx, p.api, args)
}

// ExecuteIn is Execute in a stream, so in its transaction, if it has one. The
// stream has to be one of the connection that the statement was prepared on.
func (p *Prepared) ExecuteIn(ctx context.Context, stream *Stream, args ...any) (Response, error) {
	return p.executeOn(ctx, stream.API, args)
}

func (p *Prepared) executeOn(ctx context.Context, api API, args []any) (Response, error) {
	req := p.Bind(args...)
	if p.gone.Load() {
		return Response{}, requestError(req, errUnprepared, false)
	}
	resp, err := api.Do(ctx, req)
	if !errors.Is(err, errcode.WrongQueryID) {
		return resp, err
	}
	again, err := api.Do(ctx, Prepare{Statement: p.statement})
	if err != nil {
		return Response{}, err
	}
	p.id.Store(again.StatementID())
	return api.Do(ctx, p.Bind(args...))
}

// Bind returns the statement with its parameters as a Request, for the
// functions that take one. Unlike Execute that is not prepared again where
// the server has forgotten it.
func (p *Prepared) Bind(args ...any) Execute {
	return Execute{ID: p.id.Load(), Args: args, text: p.statement}
}

// Close releases the statement on the server. It may be called again.
func (p *Prepared) Close(ctx context.Context) error {
	if p.gone.Swap(true) {
		return nil
	}
	_, err := p.api.Do(ctx, Prepare{ID: p.id.Load()})
	if errors.Is(err, errcode.WrongQueryID) {
		return nil // gone with the session it was prepared in
	}
	return err
}
