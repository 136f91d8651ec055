package tnt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// Hook is told of what happens on a connection, by Options.Hooks: for logs
// (LogHook is one), metrics and traces. It has one or several of the methods of
// RequestStartHook, RequestEndHook, ConnectHook, StateHook, SchemaHook,
// LateHook and DropHook. One hook may serve several connections, and is called
// by many goroutines at once. It must not block, and must not call methods of
// the connection that wait. Hooks are called in their order in the options.
// What has no hook costs nothing.
type Hook any

// RequestStartHook is told of each request that a user does, before it is
// encoded.
type RequestStartHook interface {
	// OnRequestStart returns the context that the request goes on with, and that
	// OnRequestEnd gets: ctx, or one derived from it, with a trace's span for
	// one. Of Go, Batch and Each it bounds the sending alone.
	OnRequestStart(ctx context.Context, c *Conn, req RequestInfo) context.Context
}

// RequestEndHook is told how each request that a user did has ended: once for
// each, whether it was answered, failed, or was given up. It may run on the
// goroutine that reads from the connection.
type RequestEndHook interface {
	OnRequestEnd(ctx context.Context, c *Conn, req RequestInfo, end RequestEnd)
}

// ConnectHook is told of each attempt to connect that was finished.
type ConnectHook interface {
	OnConnect(c *Conn, attempt ConnectAttempt)
}

// StateHook is told of every change of state, in order, one at a time.
type StateHook interface {
	// OnState gets the reason for the change, nil for Connecting and Connected.
	OnState(c *Conn, from, to State, cause error)
}

// StateFunc is a StateHook.
type StateFunc func(c *Conn, from, to State, cause error)

// OnState implements StateHook.
func (f StateFunc) OnState(c *Conn, from, to State, cause error) { f(c, from, to, cause) }

// SchemaHook is told of each fetch of the schema after that of connecting.
type SchemaHook interface {
	// OnSchema gets the new schema, or the error that left the old one in its
	// place.
	OnSchema(c *Conn, s *schema.Schema, err error)
}

// LateHook is told of each answer that came after its caller had given up. It
// runs on the goroutine that reads from the connection.
type LateHook interface {
	// OnLate gets the request's sync, as the server may have logged it.
	OnLate(c *Conn, sync uint64)
}

// DropHook is told of what a server sent and nobody got. It runs on the
// goroutine that reads from the connection.
type DropHook interface {
	OnDrop(c *Conn, d Drop)
}

// Drop is a message out of band that nobody got.
type Drop struct {
	// Sync is that of the request whose push (box.session.push) was dropped, as
	// only Go and Batch take pushes; 0 for an event.
	Sync uint64
	// Key is that of the event that was dropped: it is no longer watched, or a
	// watcher that is slow has a newer one to see; "" for a push.
	Key string
}

// RequestInfo tells a hook of a request.
type RequestInfo struct {
	Type   iproto.Type
	Place  string // the space, function or statement, as in RequestError
	Stream uint64 // the stream's number; 0: none, or one that was not used yet
}

// RequestEnd tells how a request has ended.
type RequestEnd struct {
	Duration time.Duration // since before it was encoded, retries and waiting to be connected included
	Received int           // bytes of the answer's body; 0 where there is none
	Err      error         // nil, or what the caller gets
}

// ConnectAttempt tells of an attempt to connect.
type ConnectAttempt struct {
	Duration time.Duration
	Version  iproto.Version // the server's; zero where the attempt failed
	Err      error          // nil: connected
}

// hooks are the options' hooks by what they are told.
type hooks struct {
	starts   []RequestStartHook
	ends     []RequestEndHook
	connects []ConnectHook
	states   []StateHook
	schemas  []SchemaHook
	lates    []LateHook
	drops    []DropHook
}

func sortHooks(list []Hook) (hs hooks, err error) {
	for i, h := range list {
		known := keep(&hs.starts, h)
		known = keep(&hs.ends, h) || known
		known = keep(&hs.connects, h) || known
		known = keep(&hs.states, h) || known
		known = keep(&hs.schemas, h) || known
		known = keep(&hs.lates, h) || known
		known = keep(&hs.drops, h) || known
		if !known {
			return hs, fmt.Errorf("tnt: Hooks[%d], a %T, has none of the methods of a hook", i, h)
		}
	}
	return hs, nil
}

// keep adds a hook to those of an interface that it implements.
func keep[H any](list *[]H, h Hook) bool {
	known, ok := h.(H)
	if ok {
		*list = append(*list, known)
	}
	return ok
}

// ofRequests tells whether there are hooks for requests.
func (hs *hooks) ofRequests() bool { return len(hs.starts) > 0 || len(hs.ends) > 0 }

func (hs *hooks) onConnect(c *Conn, a ConnectAttempt) {
	for _, h := range hs.connects {
		h.OnConnect(c, a)
	}
}

func (hs *hooks) onState(c *Conn, from, to State, cause error) {
	for _, h := range hs.states {
		h.OnState(c, from, to, cause)
	}
}

func (hs *hooks) onSchema(c *Conn, s *schema.Schema, err error) {
	for _, h := range hs.schemas {
		h.OnSchema(c, s, err)
	}
}

func (hs *hooks) onLate(c *Conn, h wire.Header) {
	for _, hook := range hs.lates {
		hook.OnLate(c, h.Sync)
	}
}

func (hs *hooks) onDrop(c *Conn, d Drop) {
	for _, h := range hs.drops {
		h.OnDrop(c, d)
	}
}

// observed is a request that hooks are told of; nil where there are none.
type observed struct {
	conn  *Conn
	ctx   context.Context //nolint:containedctx // it is what OnRequestEnd gets
	info  RequestInfo
	begin time.Time
}

// observe tells the hooks that a request begins, where there are any for
// requests. The request goes on with the context that is returned.
func (rt Route) observe(ctx context.Context, req Request) (context.Context, *observed) {
	c := rt.conn
	if !c.hooks.ofRequests() {
		return ctx, nil
	}
	o := &observed{
		conn:  c,
		info:  RequestInfo{Type: req.Type(), Place: req.place().String(), Stream: rt.streamID()},
		begin: time.Now(),
	}
	for _, h := range c.hooks.starts {
		ctx = h.OnRequestStart(ctx, c, o.info)
	}
	o.ctx = ctx
	return ctx, o
}

// end tells the hooks that the request has ended.
func (o *observed) end(received int, err error) {
	if o == nil {
		return
	}
	end := RequestEnd{Duration: time.Since(o.begin), Received: received, Err: err}
	for _, h := range o.conn.hooks.ends {
		h.OnRequestEnd(o.ctx, o.conn, o.info, end)
	}
}

// errLeft is how a request of Each ends whose loop was left.
var errLeft = errors.New("the loop was left before the answer's turn")
