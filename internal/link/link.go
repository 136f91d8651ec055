// Package link opens the way to a Tarantool server: the socket, its encryption,
// the greeting, the features (IPROTO_ID) and the authentication. What comes out
// is a connection that is ready for requests, for a session, for replication or
// for a probe. It starts no goroutine that outlives a call.
package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
)

// Stage is a step on the way to a session, as it is named in errors and hooks.
type Stage string

// The stages, in their order.
const (
	StageDial     Stage = "dial"
	StageTLS      Stage = "tls"
	StageGreeting Stage = "greeting"
	StageID       Stage = "id"
	StageAuth     Stage = "auth"
)

// Error is the failure of a stage. Its text is that of Err.
type Error struct {
	Stage Stage
	Err   error
}

// Error returns what went wrong.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns what went wrong.
func (e *Error) Unwrap() error { return e.Err }

// Config is where a link leads, and who goes there.
type Config struct {
	Network, Address string // "tcp" or "unix"
	Dialer           func(ctx context.Context, network, address string) (net.Conn, error)
	TLS              *tls.Config // nil: plain

	User     string // "": the server's guest, without authentication
	Password string
	// Auth is the method of authentication, "" for what the server asks for.
	Auth string
	// AllowPlainPassword permits a method that sends the password itself over a
	// connection that is not encrypted.
	AllowPlainPassword bool

	// Features are told to the server; it sends nothing that takes others. nil: the
	// server is not asked for its own either (IPROTO_ID), and has none.
	Features []iproto.Feature
	// MaxFrame is the largest frame taken from the server, in bytes.
	MaxFrame uint64
	// Settings are what the server's errors are read by; nil: the defaults.
	Settings *mp.Settings
}

// Link is a connection after authentication. It belongs to one goroutine at a
// time, but for Close.
type Link struct {
	net.Conn
	Greeting wire.Greeting
	Features iproto.Features

	maxFrame uint64
	settings *mp.Settings
	sync     uint64
}

// Open opens a link. ctx bounds all of it, whatever the dialer does. The error
// is an *Error; it holds the context's cause where that ended it, and what came
// of that.
func Open(ctx context.Context, cfg *Config) (*Link, error) {
	conn, err := dial(ctx, cfg)
	if err != nil {
		return nil, failed(ctx, StageDial, err)
	}
	if cfg.TLS != nil {
		encrypted := tls.Client(conn, tlsConfig(cfg))
		if err := encrypted.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, failed(ctx, StageTLS, fmt.Errorf("tls: %w", err))
		}
		conn = encrypted
	}
	l := &Link{Conn: conn, maxFrame: cfg.MaxFrame, settings: cfg.Settings}
	if err := l.introduce(ctx, cfg); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return l, nil
}

// dial dials, and returns when ctx ends though the dialer does not.
func dial(ctx context.Context, cfg *Config) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result, 1)
	go func() {
		conn, err := cfg.Dialer(ctx, cfg.Network, cfg.Address)
		if conn == nil && err == nil {
			err = errNoConnection
		}
		results <- result{conn, err}
	}()
	select {
	case r := <-results:
		return r.conn, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-results: // the usual dialer ends with the context
		return r.conn, r.err
	case <-time.After(dialerGrace):
	}
	go func() { // the one that does not gives its connection back some day
		if r := <-results; r.conn != nil {
			_ = r.conn.Close()
		}
	}()
	return nil, context.Cause(ctx)
}

var errNoConnection = errors.New("the dialer returned neither a connection nor an error")

// dialerGrace is how long a dialer may take to notice the end of its context.
const dialerGrace = 100 * time.Millisecond

// tlsConfig returns the configuration with the server's name in it.
func tlsConfig(cfg *Config) *tls.Config {
	config := cfg.TLS
	if config.ServerName == "" && !config.InsecureSkipVerify {
		config = config.Clone()
		config.ServerName = cfg.Address
		if host, _, err := net.SplitHostPort(cfg.Address); err == nil && cfg.Network == "tcp" {
			config.ServerName = host
		}
	}
	return config
}

// introduce does what comes before requests.
func (l *Link) introduce(ctx context.Context, cfg *Config) (err error) {
	if err := l.bounded(ctx, func() error {
		l.Greeting, err = readGreeting(l.Conn)
		return err
	}); err != nil {
		return failed(ctx, StageGreeting, err)
	}
	method := ""
	if cfg.Features != nil {
		if method, err = l.identify(ctx, cfg.Features); err != nil {
			return failed(ctx, StageID, err)
		}
	}
	if cfg.User == "" {
		return nil
	}
	if err := l.authenticate(ctx, cfg, method); err != nil {
		return failed(ctx, StageAuth, err)
	}
	return nil
}

// failed names the stage of a failure, and puts the reason why the context
// ended in front of what came of that.
func failed(ctx context.Context, stage Stage, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w (%w)", cause, err)
	}
	return &Error{Stage: stage, Err: err}
}

// bounded calls fn, whose reads and writes end with ctx.
func (l *Link) bounded(ctx context.Context, fn func() error) error {
	if ctx.Done() == nil {
		return fn()
	}
	stop := context.AfterFunc(ctx, func() {
		if l.SetDeadline(time.Unix(1, 0)) != nil {
			_ = l.Close() // one without deadlines, such as through SSH
		}
	})
	err := fn()
	if !stop() && err == nil {
		err = context.Cause(ctx) // the deadline is set, or is about to be
	}
	return err
}

// IsPermanent reports whether a failure to open a link, or of a request of the
// handshake, will stay the same if it is tried again: another program answers
// there, or one without TLS, the user is refused, or the server's certificate does
// not verify.
func IsPermanent(err error) bool {
	var certificate *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	switch {
	case errors.Is(err, wire.ErrNotTarantool), errors.Is(err, wire.ErrConsole),
		errors.Is(err, errPlainPassword), errors.Is(err, errUnknownMethod),
		errors.As(err, &certificate), errors.As(err, &plain):
		return true
	}
	var failure *Error
	if !errors.As(err, &failure) || failure.Stage != StageAuth {
		return false
	}
	return errors.Is(err, errcode.CredsMismatch) || errors.Is(err, errcode.NoSuchUser) || errors.Is(err, errcode.AccessDenied)
}
