package pool

import (
	"context"

	"github.com/gotnt/tnt"
)

// The requests of a View. Each stands here, as at tnt.Conn, where a reader of the
// documentation looks for it.

// Do does a request and returns its answer. Its error is a *RequestError; what
// the server refused is an *Error inside.
func (v *View) Do(ctx context.Context, req tnt.Request) (tnt.Response, error) {
	return tnt.Do(ctx, v, req)
}

// Go starts a request and returns its answer on its way; see the function Go.
func (v *View) Go(ctx context.Context, req tnt.Request) *tnt.Future { return tnt.Go(ctx, v, req) }

// Batch does several requests together and returns how each has ended; see the
// function Batch.
func (v *View) Batch(ctx context.Context, reqs ...tnt.Request) []tnt.Result {
	return tnt.Batch(ctx, v, reqs...)
}

// Ping does nothing but ask the server for an answer.
func (v *View) Ping(ctx context.Context) error { return tnt.Exec(ctx, v, tnt.Ping{}) }

// Select reads the tuples that a key of the space's primary index finds, all
// of them with the empty Key{}. Do with a Select has the other choices.
func (v *View) Select(ctx context.Context, space string, key tnt.Key) ([]tnt.Tuple, error) {
	return doTuples(ctx, v, tnt.Select{Space: space, Key: key})
}

// Insert adds a tuple and returns it as stored; see the type Insert.
func (v *View) Insert(ctx context.Context, space string, tuple any) (tnt.Tuple, error) {
	return doTuple(ctx, v, tnt.Insert{Space: space, Tuple: tuple})
}

// Replace adds or replaces a tuple and returns it as stored; see the type
// Insert for what tuple may be.
func (v *View) Replace(ctx context.Context, space string, tuple any) (tnt.Tuple, error) {
	return doTuple(ctx, v, tnt.Replace{Space: space, Tuple: tuple})
}

// Update changes the tuple with that primary key, and returns it as it is
// then. It returns the zero Tuple where there is none.
func (v *View) Update(ctx context.Context, space string, key tnt.Key, ops ...tnt.Op) (tnt.Tuple, error) {
	return doTuple(ctx, v, tnt.Update{Space: space, Key: key, Ops: ops})
}

// Delete removes the tuple with that primary key and returns it. It returns
// the zero Tuple where there is none.
func (v *View) Delete(ctx context.Context, space string, key tnt.Key) (tnt.Tuple, error) {
	return doTuple(ctx, v, tnt.Delete{Space: space, Key: key})
}

// Upsert applies the operations to the tuple that has the same primary key,
// or inserts tuple where there is none.
func (v *View) Upsert(ctx context.Context, space string, tuple any, ops ...tnt.Op) error {
	return tnt.Exec(ctx, v, tnt.Upsert{Space: space, Tuple: tuple, Ops: ops})
}

// Call calls a stored function. Response.Data holds its results.
func (v *View) Call(ctx context.Context, function string, args ...any) (tnt.Response, error) {
	return tnt.Do(ctx, v, tnt.Call{Function: function, Args: args})
}

// Call16 calls a stored function in the way of Tarantool 1.6, which makes
// every result a tuple.
func (v *View) Call16(ctx context.Context, function string, args ...any) (tnt.Response, error) {
	return tnt.Do(ctx, v, tnt.Call16{Function: function, Args: args})
}

// Eval runs a piece of Lua, whose arguments are `...`. Response.Data holds
// its results.
func (v *View) Eval(ctx context.Context, expr string, args ...any) (tnt.Response, error) {
	return tnt.Do(ctx, v, tnt.Eval{Expr: expr, Args: args})
}

// Execute runs an SQL statement; see the type Execute for its parameters.
func (v *View) Execute(ctx context.Context, statement string, args ...any) (tnt.Response, error) {
	return tnt.Do(ctx, v, tnt.Execute{Statement: statement, Args: args})
}

// Prepare prepares an SQL statement. Prepared.Close releases it.
func (v *View) Prepare(ctx context.Context, statement string) (*tnt.Prepared, error) {
	return tnt.NewPrepared(ctx, v, statement)
}

// Stream returns a new stream of one instance, which is chosen at the first request
// and kept: requests in it are done in order, and may make up a transaction. When that
// instance is lost, or superseded as master, it fails with tnt.ErrStreamLost.
func (v *View) Stream() *tnt.Stream { return tnt.NewStream(v) }

func doTuples(ctx context.Context, ex tnt.Executor, req tnt.Request) ([]tnt.Tuple, error) {
	resp, err := tnt.Do(ctx, ex, req)
	if err != nil {
		return nil, err
	}
	return resp.Tuples()
}

func doTuple(ctx context.Context, ex tnt.Executor, req tnt.Request) (tnt.Tuple, error) {
	tuples, err := doTuples(ctx, ex, req)
	if err != nil || len(tuples) == 0 {
		return tnt.Tuple{}, err
	}
	return tuples[0], nil
}
