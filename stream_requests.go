package tnt

import "context"

// The requests of a Stream are done in order, one after the other.

// Do does a request and returns its answer. Its error is a *RequestError; what
// the server refused is an *Error inside.
func (s *Stream) Do(ctx context.Context, req Request) (Response, error) { return Do(ctx, s, req) }

// Go starts a request and returns its answer on its way; see the function Go.
func (s *Stream) Go(ctx context.Context, req Request) *Future { return Go(ctx, s, req) }

// Batch does several requests together and returns how each has ended; see the
// function Batch.
func (s *Stream) Batch(ctx context.Context, reqs ...Request) []Result { return Batch(ctx, s, reqs...) }

// Ping does nothing but ask the server for an answer.
func (s *Stream) Ping(ctx context.Context) error { return Exec(ctx, s, Ping{}) }

// Select reads the tuples that a key of the space's primary index finds, all
// of them with the empty Key{}. Do with a Select has the other choices.
func (s *Stream) Select(ctx context.Context, space string, key Key) ([]Tuple, error) {
	return doTuples(ctx, s, Select{Space: space, Key: key})
}

// Insert adds a tuple and returns it as stored; see the type Insert.
func (s *Stream) Insert(ctx context.Context, space string, tuple any) (Tuple, error) {
	return doTuple(ctx, s, Insert{Space: space, Tuple: tuple})
}

// Replace adds or replaces a tuple and returns it as stored; see the type
// Insert for what tuple may be.
func (s *Stream) Replace(ctx context.Context, space string, tuple any) (Tuple, error) {
	return doTuple(ctx, s, Replace{Space: space, Tuple: tuple})
}

// Update changes the tuple with that primary key, and returns it as it is
// then. It returns the zero Tuple where there is none.
func (s *Stream) Update(ctx context.Context, space string, key Key, ops ...Op) (Tuple, error) {
	return doTuple(ctx, s, Update{Space: space, Key: key, Ops: ops})
}

// Delete removes the tuple with that primary key and returns it. It returns
// the zero Tuple where there is none.
func (s *Stream) Delete(ctx context.Context, space string, key Key) (Tuple, error) {
	return doTuple(ctx, s, Delete{Space: space, Key: key})
}

// Upsert applies the operations to the tuple that has the same primary key,
// or inserts tuple where there is none.
func (s *Stream) Upsert(ctx context.Context, space string, tuple any, ops ...Op) error {
	return Exec(ctx, s, Upsert{Space: space, Tuple: tuple, Ops: ops})
}

// Call calls a stored function. Response.Data holds its results.
func (s *Stream) Call(ctx context.Context, function string, args ...any) (Response, error) {
	return Do(ctx, s, Call{Function: function, Args: args})
}

// Call16 calls a stored function in the way of Tarantool 1.6, which makes
// every result a tuple.
func (s *Stream) Call16(ctx context.Context, function string, args ...any) (Response, error) {
	return Do(ctx, s, Call16{Function: function, Args: args})
}

// Eval runs a piece of Lua, whose arguments are `...`. Response.Data holds
// its results.
func (s *Stream) Eval(ctx context.Context, expr string, args ...any) (Response, error) {
	return Do(ctx, s, Eval{Expr: expr, Args: args})
}

// Execute runs an SQL statement; see the type Execute for its parameters.
func (s *Stream) Execute(ctx context.Context, statement string, args ...any) (Response, error) {
	return Do(ctx, s, Execute{Statement: statement, Args: args})
}

// Prepare prepares an SQL statement. Prepared.Close releases it.
func (s *Stream) Prepare(ctx context.Context, statement string) (*Prepared, error) {
	return NewPrepared(ctx, s, statement)
}
