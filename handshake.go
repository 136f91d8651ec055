package tnt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/link"
	"github.com/gotnt/tnt/internal/session"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

const (
	authChapSHA1  = wire.AuthChapSHA1
	authPapSHA256 = wire.AuthPapSHA256
)

// startingPause is the pause before asking a server again that is starting.
const startingPause = 100 * time.Millisecond

// connectContext bounds one attempt to connect.
func (c *Conn) connectContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.opts.ConnectTimeout == Never {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, c.opts.ConnectTimeout,
		fmt.Errorf("connect timeout of %v: %w", c.opts.ConnectTimeout, context.DeadlineExceeded))
}

// connect makes one attempt to connect, and tells the hooks. A server that is
// starting is asked again until the attempt's time is over.
func (r *run) connect() (*live, ConnectAttempt) {
	c := r.conn
	attempt := ConnectAttempt{Address: c.address}
	begin := time.Now()
	ctx, cancel := c.connectContext(r.ctx)
	defer cancel()
	var l *live
	var starting error
	for {
		l = c.try(ctx, r, &attempt)
		if attempt.Err == nil || !isStarting(attempt.Stage, attempt.Err) {
			break
		}
		if starting = attempt.Err; !sleep(ctx, startingPause) {
			break
		}
	}
	attempt.Duration = time.Since(begin)
	if attempt.Err != nil && starting != nil && !errors.Is(attempt.Err, starting) {
		attempt.Err = fmt.Errorf("%w; before that: %w", attempt.Err, starting)
	}
	c.hooks.onConnect(c, attempt)
	return l, attempt
}

// isStarting reports whether the error is that of a server that is loading its
// data or bootstrapping, when even the schema's own spaces may be missing; those that
// an AfterConnect asks for are the user's.
func isStarting(stage ConnectStage, err error) bool {
	return errors.Is(err, errcode.Loading) ||
		stage != StageAfterConnect && (errors.Is(err, errcode.NoSuchSpace) || errors.Is(err, errcode.NoSuchIndexID))
}

// try goes the way to a session once.
func (c *Conn) try(ctx context.Context, r *run, attempt *ConnectAttempt) *live {
	cfg, err := c.linkConfig()
	if err != nil {
		attempt.Stage, attempt.Permanent, attempt.Err = StageAuth, true, err
		return nil
	}
	opened, err := link.Open(ctx, cfg)
	if err != nil {
		var failed *link.Error
		errors.As(err, &failed)
		attempt.Stage, attempt.Permanent, attempt.Err = ConnectStage(failed.Stage), link.IsPermanent(err), err
		return nil
	}
	attempt.RemoteAddr = opened.RemoteAddr()
	l := c.startSession(r, opened)
	if attempt.Stage, attempt.Err = c.introduce(ctx, l); attempt.Err != nil {
		l.session.Fail(attempt.Err) // which a Pinned of AfterConnect tells
		l.session.Close()
		attempt.Permanent = isPermanent(attempt.Stage, attempt.Err)
		attempt.Err = ofAttempt(contextError(ctx, attempt.Err))
		return nil
	}
	attempt.Version = l.greeting.Version
	return l
}

// attemptError is why an attempt failed whose session was lost. It is no
// ErrConnectionLost: it becomes the reason of requests that were never sent.
type attemptError struct{ failed, cause error }

func (e *attemptError) Error() string { return e.failed.Error() }

func (e *attemptError) Unwrap() error { return e.cause }

// ofAttempt returns the error of an attempt for one of its requests.
func ofAttempt(err error) error {
	var lost *connectionLostError
	if errors.As(err, &lost) {
		return &attemptError{err, lost.cause}
	}
	return err
}

// linkConfig returns the options as the way to a session needs them.
func (c *Conn) linkConfig() (*link.Config, error) {
	user, err1 := c.encodeString(c.opts.User)
	password, err2 := c.encodeString(c.opts.Password)
	if err1 != nil || err2 != nil {
		return nil, errors.New("the user or password can't be written in the connection's encoding")
	}
	features := []iproto.Feature{
		iproto.FeatureStreams, iproto.FeatureTransactions, iproto.FeatureErrorExtension, iproto.FeatureWatchers,
		iproto.FeaturePagination, iproto.FeatureSpaceAndIndexNames, iproto.FeatureWatchOnce, iproto.FeatureIsSync,
		iproto.FeatureInsertArrow,
	}
	if c.opts.TupleFormats {
		features = append(features, iproto.FeatureDMLTupleExtension, iproto.FeatureCallRetTupleExtension, iproto.FeatureCallArgTupleExtension)
	}
	return &link.Config{
		Network: c.network, Address: c.address, Dialer: c.opts.Dialer, TLS: c.opts.TLS,
		User: user, Password: password, Auth: c.opts.Auth, AllowPlainPassword: c.opts.AllowPlainPassword,
		Features: features, MaxFrame: uint64(c.opts.MaxFrame), Settings: c.settings,
	}, nil
}

// startSession makes a session of a link.
func (c *Conn) startSession(r *run, opened *link.Link) *live {
	l := &live{greeting: opened.Greeting, features: opened.Features, settings: c.settings, shutdown: make(chan struct{})}
	l.session = session.Start(opened.Conn, session.Config{
		MaxFrame:      uint64(c.opts.MaxFrame),
		ReadBuffer:    c.opts.ReadBuffer,
		WriteBuffer:   c.opts.WriteBuffer,
		MaxInFlight:   c.opts.MaxInFlight,
		WaitInFlight:  c.opts.WaitInFlight,
		OnEvent:       func(body []byte) error { return c.event(l, body) },
		OnRefused:     func(n uint64, h wire.Header, body []byte) bool { return c.watchRefused(l, n, h, body) },
		OnLate:        func(h wire.Header) { c.hooks.onLate(c, h) },
		OnPushDropped: func(h wire.Header) { c.hooks.onDrop(c, Drop{Sync: h.Sync}) },
		OnSchemaVersion: func(uint64) {
			if c.keepsSchema() {
				select {
				case r.stale <- struct{}{}:
				default: // it will look anyway
				}
			}
		},
	})
	l.setSchema(nil)
	return l
}

// introduce does what comes between authentication and the first request of the
// user, and returns the step that failed.
func (c *Conn) introduce(ctx context.Context, l *live) (ConnectStage, error) {
	if err := c.applySettings(ctx, l); err != nil {
		return StageSettings, nested(err)
	}
	if !c.opts.NoSchema {
		s, err := c.fetchSchema(ctx, l)
		if err != nil {
			return StageSchema, nested(err)
		}
		l.setSchema(s)
		l.verified.Store(s)
	}
	if c.opts.AfterConnect != nil {
		p := &Pinned{route: Route{conn: c, pin: &pin{live: l, lost: ErrSessionLost}}}
		if err := c.opts.AfterConnect(ctx, p); err != nil {
			return StageAfterConnect, fmt.Errorf("Options.AfterConnect: %w", nested(err))
		}
	}
	return "", nil
}

// isPermanent reports whether what failed after authentication will fail again.
func isPermanent(stage ConnectStage, err error) bool {
	var missing *SettingError
	switch {
	case errors.As(err, &missing), errors.Is(err, wire.ErrFrameTooLarge):
		return true
	}
	return stage == StageSettings && isRefused(err) && !isStarting(stage, err) && !IsTransient(err)
}

// contextError puts the reason why the context ended in front of what came of
// that.
func contextError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w (%w)", cause, err)
	}
	return err
}

// ask does a request of the connection's own on a session, without hooks and
// without asking the server about the schema.
func (c *Conn) ask(ctx context.Context, l *live, req Request, deadline time.Time) (Response, error) {
	rt := Route{conn: c, pin: &pin{live: l, lost: ErrSessionLost}}
	var x exchange
	if _, err := once(ctx, rt, &req, &x, deadline, resolution{unchecked: true, own: true}); err != nil {
		return Response{}, failedOn(ctx, Route{conn: c}, err)
	}
	resp := x.response(nil)
	x.release()
	return resp, nil
}

// tlsFor returns the configuration that tarantools:// stands for.
func tlsFor(address string) *tls.Config {
	host, _, err := link.SplitHostPort(address)
	if err != nil {
		host = ""
	}
	return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
}
