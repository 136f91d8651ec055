package tnt

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// Hook is told of what happens on a connection, by Options.Hooks: for logs
// (LogHook is one), metrics and traces. It has one or several of the methods of
// RequestStartHook, RequestEndHook, ConnectHook, StateHook, SchemaHook, PingHook,
// LateHook and DropHook. One hook may serve several connections, and is called
// by many goroutines at once. It must not block, and must not call methods of
// the connection that wait. Hooks are called in their order in the options.
// What has no hook costs nothing.
type Hook any

// RequestStartHook is told of each request that a user does, before it is
// encoded. The ROLLBACK of InTx is none.
type RequestStartHook interface {
	// OnRequestStart returns the context that the request goes on with, and that
	// OnRequestEnd gets: ctx, or one derived from it, with a trace's span for
	// one. Of Go it bounds the sending alone. A batch (Batch, Each) is told of once,
	// with its Size; where its requests have different types, Type is 0.
	OnRequestStart(ctx context.Context, c *Conn, req RequestInfo) context.Context
}

// RequestEndHook is told how each request that a user did has ended: once for
// each, whether it was answered, failed, or was given up. A request of Go that
// Future.Wait does again is told of as another one, with a start of its own. It may run
// on the goroutine that reads from the connection.
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

// PingHook is told, once for each, of the connection's own pings whose answer has
// not come by the time of the next.
type PingHook interface {
	// OnPingOverdue gets how long ago the ping was sent.
	OnPingOverdue(c *Conn, since time.Duration)
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
	// only Go takes pushes; 0 for an event and where Request is set.
	Sync uint64
	// Request is that of a Future whose pushes were dropped for want of room.
	Request RequestInfo
	// Key is that of the event that was dropped: it is no longer watched, or a
	// watcher that is slow has a newer one to see; "" for a push.
	Key string
}

// RequestEnd is how a request, or a batch of them, has ended.
type RequestEnd struct {
	Duration time.Duration // since before it was encoded, retries and waiting to be connected included
	Rows     int           // of the answer, or of all answers of a batch
	Sent     int           // bytes of the request as it was sent last, its header included
	Received int           // bytes of the answer's body
	Err      error         // nil, or what the caller gets; of a batch, the first error of a request
}

// ConnectAttempt is an attempt to connect.
type ConnectAttempt struct {
	// Address is that of the options, and RemoteAddr the one that was connected to,
	// nil where that failed.
	Address    string
	RemoteAddr net.Addr
	Duration   time.Duration
	Version    iproto.Version // the server's; zero where the attempt failed
	// Stage is where the attempt failed, "" where it did not.
	Stage ConnectStage
	// Permanent says that trying again will not help.
	Permanent bool
	Err       error // nil: connected
}

// ConnectStage is a step of an attempt to connect.
type ConnectStage string

// The steps of an attempt to connect, in their order.
const (
	StageDial         ConnectStage = "dial"
	StageTLS          ConnectStage = "tls"
	StageGreeting     ConnectStage = "greeting"
	StageID           ConnectStage = "id"
	StageAuth         ConnectStage = "auth"
	StageSettings     ConnectStage = "settings"
	StageSchema       ConnectStage = "schema"
	StageAfterConnect ConnectStage = "after_connect"
)

// hooks are the options' hooks by what they are told.
type hooks struct {
	starts   []RequestStartHook
	ends     []RequestEndHook
	connects []ConnectHook
	states   []StateHook
	schemas  []SchemaHook
	pings    []PingHook
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
		known = keep(&hs.pings, h) || known
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

// ofRequests reports whether there are hooks for requests.
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

func (hs *hooks) onPingOverdue(c *Conn, since time.Duration) {
	for _, h := range hs.pings {
		h.OnPingOverdue(c, since)
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
func (rt Route) observe(ctx context.Context, info RequestInfo) (context.Context, *observed) {
	c := rt.conn
	if !c.hooks.ofRequests() {
		return ctx, nil
	}
	if info.Space == "" && info.SpaceID != 0 {
		if space := c.Schema().SpaceByID(info.SpaceID); space != nil {
			info.Space = space.Name
		}
	}
	o := &observed{conn: c, info: info, begin: time.Now()}
	for _, h := range c.hooks.starts {
		ctx = h.OnRequestStart(ctx, c, o.info)
	}
	o.ctx = ctx
	return ctx, o
}

// end tells the hooks that the request has ended.
func (o *observed) end(sent int, body []byte, err error) {
	if o != nil {
		o.endBatch(sent, len(body), rowsIn(body), err)
	}
}

// endBatch is end of a request whose answer was looked at already.
func (o *observed) endBatch(sent, received, rows int, err error) {
	if o == nil {
		return
	}
	end := RequestEnd{Duration: time.Since(o.begin), Rows: rows, Sent: sent, Received: received, Err: err}
	for _, h := range o.conn.hooks.ends {
		h.OnRequestEnd(o.ctx, o.conn, o.info, end)
	}
}
