package crud

import (
	"context"
	"errors"
	"fmt"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/luacall"
)

// Client is a cluster's routers. It is safe for concurrent use and may be
// copied.
type Client struct{ ex tnt.Executor }

// New makes a client of a router's connection, or of whatever chooses one of
// several routers for each request, such as a pool's view of any instance.
func New(ex tnt.Executor) Client { return Client{ex: ex} }

var errNoClient = errors.New("crud: the Client is empty: make it by crud.New")

// do calls a function of crud, which returns a result and an error, or just a
// result: the one place where requests are made.
func (c Client) do(ctx context.Context, function string, args ...any) (result, failed luacall.Value, err error) {
	if c.ex == nil {
		return nil, nil, errNoClient
	}
	return tnt.Two[luacall.Value, luacall.Value](ctx, c.ex, tnt.Call{Function: "crud." + function, Args: args})
}

// call calls a function that returns a result, or nil and an error.
func (c Client) call(ctx context.Context, function string, args ...any) (luacall.Value, error) {
	result, failed, err := c.do(ctx, function, args...)
	if err == nil && !failed.IsNil() {
		err = parseError(failed)
	}
	return result, err
}

// only returns the options that a call was given.
func only[T any](given []T) (opts T, err error) {
	switch len(given) {
	case 0:
		return opts, nil
	case 1:
		return given[0], nil
	}
	return opts, fmt.Errorf("crud: %d options were given where one is taken", len(given))
}
