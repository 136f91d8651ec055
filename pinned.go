package tnt

import (
	"context"
	"fmt"
	"time"
)

// pin is one session that requests are held to.
type pin struct {
	live *live
	lost error // what its loss is to the requests: ErrSessionLost or ErrStreamLost
}

// session returns the session, or an error where it is lost.
func (p *pin) session() (*live, error) {
	if err := p.live.session.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", p.lost, &notConnectedError{cause: err})
	}
	return p.live, nil
}

// live returns the session to use. For a context, or a time, that is over there is
// none: what nobody wants any more must not be sent.
func (rt Route) live(ctx context.Context, deadline time.Time) (*live, error) {
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case isOver(deadline):
		return nil, ErrTimeout
	case rt.pin != nil:
		return rt.pin.session()
	}
	return rt.conn.current(ctx, deadline)
}

// Pinned is one session on one server, for requests that share what the server
// keeps for a session: its settings, the tasks of a queue, references of vshard's
// storages. When the session is lost all further requests fail with
// ErrSessionLost, and none is done on another one. Its methods are safe for
// concurrent use. It needs no release: it costs nothing by itself.
type Pinned struct {
	route Route
}

// Pin chooses a session of ex for requests that have to share one. It works on
// every server version. The error is that of a request: *RequestError.
func Pin(ctx context.Context, ex Executor) (*Pinned, error) {
	rt, err := bind(ctx, ex, RequestInfo{}, ErrSessionLost, 0)
	if err != nil {
		return nil, err
	}
	return &Pinned{route: rt}, nil
}

// bind returns the way over one session of ex, which has to have the features.
func bind(ctx context.Context, ex Executor, info RequestInfo, lost error, needs uint64) (Route, error) {
	if ex == nil {
		return Route{}, infoError(info, errNilExecutor, false)
	}
	a := Attempt{Request: info, Try: 1, Began: beganAt(ctx)}
	for {
		rt, err := ex.Route(ctx, a)
		switch {
		case err != nil:
			return Route{}, failedOn(ctx, rt, routeError(ctx, info, err))
		case rt.conn == nil:
			return Route{}, infoError(info, errNoRoute, false)
		case rt.pin != nil:
			return rt, nil // it is held to one already
		}
		l, err := rt.live(ctx, rt.deadline(ctx, a.Began))
		if err == nil {
			err = l.supports(needs)
		}
		if err == nil {
			rt.pin = &pin{live: l, lost: lost}
			return rt, nil
		}
		err = failedOn(ctx, rt, infoError(info, err, false))
		if !rt.mayRepeat(err) {
			return Route{}, err
		}
		a.Try, a.Err, a.Last = a.Try+1, err, rt
	}
}

// Route implements Executor.
func (p *Pinned) Route(_ context.Context, a Attempt) (Route, error) { return p.route, a.Err }

// Conn returns the connection whose session it is.
func (p *Pinned) Conn() *Conn { return p.route.conn }

// InstanceUUID returns the UUID of the instance that the session is on, by its
// greeting. In Options.AfterConnect, where Conn.InstanceUUID is that of the session
// before, it is the new one's.
func (p *Pinned) InstanceUUID() string { return p.route.pin.live.greeting.UUID }

// Lost is closed when the session is lost.
func (p *Pinned) Lost() <-chan struct{} { return p.route.pin.live.session.Dead() }

// Err returns why the session was lost, nil while it is up.
func (p *Pinned) Err() error {
	_, err := p.route.pin.session()
	return err
}

// supports refuses a request that the server does not know.
func (l *live) supports(needs uint64) error {
	missing, ok := l.features.Missing(needs)
	if !ok {
		return nil
	}
	return &FeatureError{Feature: missing, Server: l.greeting.Version}
}
