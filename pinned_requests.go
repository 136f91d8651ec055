package tnt

import "context"

// The requests of a Pinned go to its one session.

// Do does a request and returns its answer. Its error is a *RequestError; what
// the server refused is an *Error inside.
func (p *Pinned) Do(ctx context.Context, req Request) (Response, error) { return Do(ctx, p, req) }

// Go starts a request and returns its answer on its way; see the function Go.
func (p *Pinned) Go(ctx context.Context, req Request) *Future { return Go(ctx, p, req) }

// Batch does several requests together and returns how each has ended; see the
// function Batch.
func (p *Pinned) Batch(ctx context.Context, reqs ...Request) []Result { return Batch(ctx, p, reqs...) }

// Ping does nothing but ask the server for an answer.
func (p *Pinned) Ping(ctx context.Context) error { return Exec(ctx, p, Ping{}) }

// Select reads the tuples that a key of the space's primary index finds, all
// of them with the empty Key{}. Do with a Select has the other choices.
func (p *Pinned) Select(ctx context.Context, space string, key Key) ([]Tuple, error) {
	return doTuples(ctx, p, Select{Space: space, Key: key})
}

// Insert adds a tuple and returns it as stored; see the type Insert.
func (p *Pinned) Insert(ctx context.Context, space string, tuple any) (Tuple, error) {
	return doTuple(ctx, p, Insert{Space: space, Tuple: tuple})
}

// Replace adds or replaces a tuple and returns it as stored; see the type
// Insert for what tuple may be.
func (p *Pinned) Replace(ctx context.Context, space string, tuple any) (Tuple, error) {
	return doTuple(ctx, p, Replace{Space: space, Tuple: tuple})
}

// Update changes the tuple with that primary key, and returns it as it is
// then. It returns the zero Tuple where there is none.
func (p *Pinned) Update(ctx context.Context, space string, key Key, ops ...Op) (Tuple, error) {
	return doTuple(ctx, p, Update{Space: space, Key: key, Ops: ops})
}

// Delete removes the tuple with that primary key and returns it. It returns
// the zero Tuple where there is none.
func (p *Pinned) Delete(ctx context.Context, space string, key Key) (Tuple, error) {
	return doTuple(ctx, p, Delete{Space: space, Key: key})
}

// Upsert applies the operations to the tuple that has the same primary key,
// or inserts tuple where there is none.
func (p *Pinned) Upsert(ctx context.Context, space string, tuple any, ops ...Op) error {
	return Exec(ctx, p, Upsert{Space: space, Tuple: tuple, Ops: ops})
}

// Call calls a stored function. Response.Data holds its results.
func (p *Pinned) Call(ctx context.Context, function string, args ...any) (Response, error) {
	return Do(ctx, p, Call{Function: function, Args: args})
}

// Call16 calls a stored function in the way of Tarantool 1.6, which makes
// every result a tuple.
func (p *Pinned) Call16(ctx context.Context, function string, args ...any) (Response, error) {
	return Do(ctx, p, Call16{Function: function, Args: args})
}

// Eval runs a piece of Lua, whose arguments are `...`. Response.Data holds
// its results.
func (p *Pinned) Eval(ctx context.Context, expr string, args ...any) (Response, error) {
	return Do(ctx, p, Eval{Expr: expr, Args: args})
}

// Execute runs an SQL statement; see the type Execute for its parameters.
func (p *Pinned) Execute(ctx context.Context, statement string, args ...any) (Response, error) {
	return Do(ctx, p, Execute{Statement: statement, Args: args})
}

// Prepare prepares an SQL statement. Prepared.Close releases it.
func (p *Pinned) Prepare(ctx context.Context, statement string) (*Prepared, error) {
	return NewPrepared(ctx, p, statement)
}
