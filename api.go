package tnt

import (
	"context"
)

// API is the requests that Conn and Stream have in common, each embedding one. Its methods are safe for concurrent use and wait for the
// answer, or until ctx ends. For a caller that is alone on a connection that may
// be noticed 16 milliseconds late, but for deadlines less than 100 milliseconds
// away. Their errors are *RequestError; what the server refused is an *Error
// inside.
type API struct{ ex Executor }

// NewAPI returns the requests done on ex, for a type that embeds API.
func NewAPI(ex Executor) API { return API{ex} }

// Do does a request and returns its answer.
func (a API) Do(ctx context.Context, req Request) (Response, error) {
	return perform(ctx, a.ex, &req)
}

func perform[R Request](ctx context.Context, ex Executor, req *R) (Response, error) {
	var x exchange
	if err := do(ctx, ex, req, &x); err != nil {
		return Response{}, err
	}
	resp := Response{schemaVersion: x.slot.SchemaVersion, body: append([]byte(nil), x.body...), format: formatFor(x.env.schema, req)}
	x.release()
	return resp, nil
}

// Go starts a request and returns its answer on its way. ctx bounds the
// sending alone. A name that the schema lacks is not looked up again.
func (a API) Go(ctx context.Context, req Request) *Future { return a.start(ctx, req, flushed) }

func (a API) start(ctx context.Context, req Request, how sending) *Future {
	if isNil(&req) {
		return failed(nil, nil, errNilRequest)
	}
	rt, err := a.ex.Route(ctx)
	if err != nil {
		return failed(nil, req, err)
	}
	f := newFuture(rt.conn, req)
	ctx, f.hooks = rt.observe(ctx, req)
	l, err := rt.live(ctx)
	if err != nil {
		f.fail(err)
		return f
	}
	rt.conn.sendOn(ctx, l, rt.streamID(), f, how)
	return f
}

// Batch starts several requests and returns their answers on their way, in the
// same order.
func (a API) Batch(ctx context.Context, reqs ...Request) []*Future {
	futures := make([]*Future, len(reqs))
	for i, req := range reqs {
		futures[i] = a.Go(ctx, req)
	}
	return futures
}

// Ping does nothing but ask the server for an answer.
func (a API) Ping(ctx context.Context) error {
	return Exec(ctx, a.ex, Ping{})
}

// Select reads the tuples that a key of the space's primary index finds, all
// of them with the empty Key{}. Do with a Select has the other choices.
func (a API) Select(ctx context.Context, space string, key Key) ([]Tuple, error) {
	return doTuples(ctx, a, Select{Space: space, Key: key})
}

// Insert adds a tuple and returns it as stored; see the type Insert.
func (a API) Insert(ctx context.Context, space string, tuple any) (Tuple, error) {
	return doTuple(ctx, a, Insert{Space: space, Tuple: tuple})
}

// Replace adds or replaces a tuple and returns it as stored; see the type
// Insert for what tuple may be.
func (a API) Replace(ctx context.Context, space string, tuple any) (Tuple, error) {
	return doTuple(ctx, a, Replace{Space: space, Tuple: tuple})
}

// Update changes the tuple with that primary key, and returns it as it is
// then. It returns the zero Tuple where there is none.
func (a API) Update(ctx context.Context, space string, key Key, ops ...Op) (Tuple, error) {
	return doTuple(ctx, a, Update{Space: space, Key: key, Ops: ops})
}

// Delete removes the tuple with that primary key and returns it. It returns
// the zero Tuple where there is none.
func (a API) Delete(ctx context.Context, space string, key Key) (Tuple, error) {
	return doTuple(ctx, a, Delete{Space: space, Key: key})
}

// Upsert applies the operations to the tuple that has the same primary key,
// or inserts tuple where there is none.
func (a API) Upsert(ctx context.Context, space string, tuple any, ops ...Op) error {
	return Exec(ctx, a.ex, Upsert{Space: space, Tuple: tuple, Ops: ops})
}

// Call calls a stored function. Response.Data holds its results.
func (a API) Call(ctx context.Context, function string, args ...any) (Response, error) {
	return a.Do(ctx, Call{Function: function, Args: args})
}

// Call16 calls a stored function in the way of Tarantool 1.6, which makes
// every result a tuple.
func (a API) Call16(ctx context.Context, function string, args ...any) (Response, error) {
	return a.Do(ctx, Call16{Function: function, Args: args})
}

// Eval runs a piece of Lua, whose arguments are `...`. Response.Data holds
// its results.
func (a API) Eval(ctx context.Context, expr string, args ...any) (Response, error) {
	return a.Do(ctx, Eval{Expr: expr, Args: args})
}

// Execute runs an SQL statement; see the type Execute for its parameters.
func (a API) Execute(ctx context.Context, statement string, args ...any) (Response, error) {
	return a.Do(ctx, Execute{Statement: statement, Args: args})
}

func doTuples[R Request](ctx context.Context, a API, req R) ([]Tuple, error) {
	resp, err := perform(ctx, a.ex, &req)
	if err != nil {
		return nil, err
	}
	tuples, err := resp.Tuples()
	if err != nil {
		return nil, requestError(req, err, true)
	}
	return tuples, nil
}

func doTuple[R Request](ctx context.Context, a API, req R) (Tuple, error) {
	tuples, err := doTuples(ctx, a, req)
	if err != nil || len(tuples) == 0 {
		return Tuple{}, err
	}
	return tuples[0], nil
}
