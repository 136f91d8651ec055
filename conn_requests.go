package tnt

import "context"

// The requests of a Conn. Each stands here, and at Stream and Pinned, where a
// reader of the documentation looks for it; what they do is in functions that take
// any Executor.

// Do does a request and returns its answer. Its error is a *RequestError; what
// the server refused is an *Error inside.
func (c *Conn) Do(ctx context.Context, req Request) (Response, error) { return Do(ctx, c, req) }

// Go starts a request and returns its answer on its way; see the function Go.
func (c *Conn) Go(ctx context.Context, req Request) *Future { return Go(ctx, c, req) }

// Batch does several requests together and returns how each has ended; see the
// function Batch.
func (c *Conn) Batch(ctx context.Context, reqs ...Request) []Result { return Batch(ctx, c, reqs...) }

// Ping does nothing but ask the server for an answer.
func (c *Conn) Ping(ctx context.Context) error { return Exec(ctx, c, Ping{}) }

// Select reads the tuples that a key of the space's primary index finds, all
// of them with the empty Key{}. Do with a Select has the other choices.
func (c *Conn) Select(ctx context.Context, space string, key Key) ([]Tuple, error) {
	return doTuples(ctx, c, Select{Space: space, Key: key})
}

// Insert adds a tuple and returns it as stored; see the type Insert.
func (c *Conn) Insert(ctx context.Context, space string, tuple any) (Tuple, error) {
	return doTuple(ctx, c, Insert{Space: space, Tuple: tuple})
}

// Replace adds or replaces a tuple and returns it as stored; see the type
// Insert for what tuple may be.
func (c *Conn) Replace(ctx context.Context, space string, tuple any) (Tuple, error) {
	return doTuple(ctx, c, Replace{Space: space, Tuple: tuple})
}

// Update changes the tuple with that primary key, and returns it as it is
// then. It returns the zero Tuple where there is none.
func (c *Conn) Update(ctx context.Context, space string, key Key, ops ...Op) (Tuple, error) {
	return doTuple(ctx, c, Update{Space: space, Key: key, Ops: ops})
}

// Delete removes the tuple with that primary key and returns it. It returns
// the zero Tuple where there is none.
func (c *Conn) Delete(ctx context.Context, space string, key Key) (Tuple, error) {
	return doTuple(ctx, c, Delete{Space: space, Key: key})
}

// Upsert applies the operations to the tuple that has the same primary key,
// or inserts tuple where there is none.
func (c *Conn) Upsert(ctx context.Context, space string, tuple any, ops ...Op) error {
	return Exec(ctx, c, Upsert{Space: space, Tuple: tuple, Ops: ops})
}

// Call calls a stored function. Response.Data holds its results.
func (c *Conn) Call(ctx context.Context, function string, args ...any) (Response, error) {
	return Do(ctx, c, Call{Function: function, Args: args})
}

// Call16 calls a stored function in the way of Tarantool 1.6, which makes
// every result a tuple.
func (c *Conn) Call16(ctx context.Context, function string, args ...any) (Response, error) {
	return Do(ctx, c, Call16{Function: function, Args: args})
}

// Eval runs a piece of Lua, whose arguments are `...`. Response.Data holds
// its results.
func (c *Conn) Eval(ctx context.Context, expr string, args ...any) (Response, error) {
	return Do(ctx, c, Eval{Expr: expr, Args: args})
}

// Execute runs an SQL statement; see the type Execute for its parameters.
func (c *Conn) Execute(ctx context.Context, statement string, args ...any) (Response, error) {
	return Do(ctx, c, Execute{Statement: statement, Args: args})
}

// Prepare prepares an SQL statement. Prepared.Close releases it.
func (c *Conn) Prepare(ctx context.Context, statement string) (*Prepared, error) {
	return NewPrepared(ctx, c, statement)
}

// doTuples does a request and returns the tuples of its answer.
func doTuples[R Request](ctx context.Context, ex Executor, req R) ([]Tuple, error) {
	resp, rt, err := performOn(ctx, ex, &req)
	if err != nil {
		return nil, err
	}
	tuples, err := resp.Tuples()
	if err != nil {
		return nil, unread(rt, req, err)
	}
	return tuples, nil
}

// doTuple is doTuples for the first one, the zero Tuple where there is none.
func doTuple[R Request](ctx context.Context, ex Executor, req R) (Tuple, error) {
	tuples, err := doTuples(ctx, ex, req)
	if err != nil || len(tuples) == 0 {
		return Tuple{}, err
	}
	return tuples[0], nil
}
