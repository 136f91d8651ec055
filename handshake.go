package tnt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/internal/mp"
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

// dial makes a session that is ready for requests. A server that is starting
// is asked again until the attempt's time is over.
func (c *Conn) dial(r *run) (*live, error) {
	ctx, cancel := c.connectContext(r.ctx)
	defer cancel()
	for {
		l, err := c.attempt(ctx, r)
		if err == nil || !isStarting(err) || !sleep(ctx, startingPause) {
			return l, err
		}
	}
}

// isStarting tells whether the error is that of a server that is loading its
// data or bootstrapping, when even the schema's own spaces may be missing.
func isStarting(err error) bool {
	return errors.Is(err, errcode.Loading) || errors.Is(err, errcode.NoSuchSpace) || errors.Is(err, errcode.NoSuchIndexID)
}

func (c *Conn) attempt(ctx context.Context, r *run) (*live, error) {
	conn, err := c.open(ctx)
	if err != nil {
		return nil, contextError(ctx, err)
	}
	greeting, err := readGreeting(ctx, conn)
	if err != nil {
		_ = conn.Close()
		return nil, contextError(ctx, err)
	}
	l := &live{greeting: greeting, shutdown: make(chan struct{})}
	l.session = session.Start(conn, session.Config{
		MaxFrame:      uint64(c.opts.MaxFrame),
		ReadBuffer:    c.opts.ReadBuffer,
		WriteBuffer:   c.opts.WriteBuffer,
		OnEvent:       func(body []byte) { c.event(l, body) },
		OnLate:        func(h wire.Header) { c.hooks.onLate(c, h) },
		OnPushDropped: func(h wire.Header) { c.hooks.onDrop(c, Drop{Sync: h.Sync}) },
		OnSchemaVersion: func(uint64) {
			if !c.opts.NoSchema && !c.opts.NoSchemaRefetch {
				select {
				case r.stale <- struct{}{}:
				default: // it will look anyway
				}
			}
		},
	})
	if err := c.introduce(ctx, l); err != nil {
		l.session.Close()
		return nil, contextError(ctx, err)
	}
	return l, nil
}

// contextError prefers the reason why the context ended to what came of that.
func contextError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w (%w)", cause, err)
	}
	return err
}

// open opens the socket, and the encryption where there is any.
func (c *Conn) open(ctx context.Context) (net.Conn, error) {
	conn, err := c.opts.Dialer(ctx, c.network, c.address)
	if err != nil {
		return nil, err
	}
	if c.opts.TLS == nil {
		return conn, nil
	}
	config := c.opts.TLS
	if config.ServerName == "" && !config.InsecureSkipVerify {
		config = config.Clone()
		config.ServerName = c.Host()
	}
	encrypted := tls.Client(conn, config)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("tls: %w", err)
	}
	return encrypted, nil
}

// readGreeting reads what the server says first.
func readGreeting(ctx context.Context, conn net.Conn) (wire.Greeting, error) {
	stop := context.AfterFunc(ctx, func() {
		if conn.SetDeadline(time.Unix(1, 0)) != nil {
			_ = conn.Close() // one without deadlines, such as through SSH
		}
	})
	defer stop()
	var b [wire.GreetingSize]byte
	for have := 0; have < len(b); {
		n, err := conn.Read(b[have:])
		have += n
		if !wire.IsGreetingPrefix(b[:have]) {
			return wire.Greeting{}, wrongPeer(b[:have])
		}
		if err != nil && have < len(b) {
			return wire.Greeting{}, noGreeting(have, err)
		}
	}
	if !stop() {
		return wire.Greeting{}, context.Cause(ctx)
	}
	return wire.DecodeGreeting(b[:])
}

func noGreeting(have int, err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it closed the connection after %d of %d bytes of a greeting", ErrNotTarantool, have, wire.GreetingSize)
	}
	if have == 0 {
		return fmt.Errorf("no greeting came: the peer may expect TLS or another protocol, such as HTTP: %w", err)
	}
	return fmt.Errorf("the greeting broke off after %d bytes: %w", have, err)
}

// wrongPeer says what it is that doesn't greet as Tarantool does.
func wrongPeer(b []byte) error {
	text := string(b)
	switch {
	case strings.HasPrefix(text, "HTTP/"):
		return fmt.Errorf("%w: it speaks HTTP", ErrNotTarantool)
	case len(b) > 2 && b[0] >= 0x14 && b[0] <= 0x17 && b[1] == 3:
		return fmt.Errorf("%w: it speaks TLS; use tarantools:// or Options.TLS", ErrNotTarantool)
	case strings.HasPrefix(text, "SSH-"):
		return fmt.Errorf("%w: it speaks SSH", ErrNotTarantool)
	}
	return fmt.Errorf("%w: it begins with %q", ErrNotTarantool, b[:min(len(b), 32)])
}

// introduce does ID, authentication and the schema on a new session.
func (c *Conn) introduce(ctx context.Context, l *live) error {
	do := func(ctx context.Context, req Request) (Response, error) { return c.send(ctx, l, req).Wait(ctx) }
	l.setSchema(nil)
	authType, err := c.identify(ctx, l, do)
	if err != nil {
		return err
	}
	if c.opts.User != "" {
		if err := c.authenticate(ctx, l, authType, do); err != nil {
			return err
		}
	}
	l.setSchema(nil) // with the features, which are known now
	if err := c.applySettings(ctx, do); err != nil {
		return err
	}
	if c.opts.NoSchema {
		return nil
	}
	s, err := fetchSchema(ctx, do)
	if err != nil {
		return err
	}
	l.setSchema(s)
	return nil
}

type doFunc func(context.Context, Request) (Response, error)

// identify asks for the server's features. One from before 2.10 doesn't know
// the request and has none.
func (c *Conn) identify(ctx context.Context, l *live, do doFunc) (authType string, err error) {
	resp, err := do(ctx, identify{tupleFormats: c.opts.TupleFormats})
	if errors.Is(err, errcode.UnknownRequestType) || errors.Is(err, errcode.InvalidMsgpack) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var body wire.Body
	if err := resp.parse(&body); err != nil {
		return "", err
	}
	var offered []iproto.Feature
	if body.Has(iproto.KeyFeatures) {
		features := body.Reader(iproto.KeyFeatures)
		for range features.ArrayLen() {
			if f := features.Uint(); f < 64 {
				offered = append(offered, iproto.Feature(f))
			}
		}
	}
	l.features = iproto.NewFeatures(int(body.Uint(iproto.KeyVersion)), offered...)
	return body.String(iproto.KeyAuthType), nil
}

// authenticate proves to be the user.
func (c *Conn) authenticate(ctx context.Context, l *live, method string, do doFunc) error {
	if c.opts.Auth != "" {
		method = c.opts.Auth
	}
	user, err1 := c.encodeString(c.opts.User)
	password, err2 := c.encodeString(c.opts.Password)
	if err1 != nil || err2 != nil {
		return errors.New("the user or password can't be written in the connection's encoding")
	}
	req := auth{user: user, method: method}
	switch method {
	case "", authChapSHA1:
		req.method = authChapSHA1
		req.proof = wire.ChapSHA1(password, l.greeting.Salt)
	case authPapSHA256:
		if c.opts.TLS == nil && c.network != "unix" && !c.opts.AllowPlainPassword {
			return errors.New("pap-sha256 sends the password itself, and the connection is not encrypted: use TLS, or set Options.AllowPlainPassword")
		}
		req.proof = []byte(password)
	default:
		return fmt.Errorf("the server asks for the unknown authentication method %q", method)
	}
	_, err := do(ctx, req)
	return err
}

// identify is the request IPROTO_ID.
type identify struct{ tupleFormats bool }

func (identify) Type() iproto.Type { return iproto.TypeID }

func (identify) place() place { return place{} }

func (i identify) appendBody(b []byte, _ *environment) ([]byte, error) {
	features := []iproto.Feature{
		iproto.FeatureStreams, iproto.FeatureTransactions, iproto.FeatureErrorExtension, iproto.FeatureWatchers, iproto.FeaturePagination,
		iproto.FeatureSpaceAndIndexNames, iproto.FeatureWatchOnce, iproto.FeatureIsSync, iproto.FeatureInsertArrow,
	}
	if i.tupleFormats {
		features = append(features, iproto.FeatureDMLTupleExtension, iproto.FeatureCallRetTupleExtension, iproto.FeatureCallArgTupleExtension)
	}
	w := wire.NewBody(b)
	w.Uint(iproto.KeyVersion, iproto.ProtocolVersion)
	w.Key(iproto.KeyFeatures)
	w.B = mp.AppendArrayLen(w.B, len(features))
	for _, f := range features {
		w.B = mp.AppendUint(w.B, uint64(f))
	}
	return w.End(), nil
}

// auth is the request IPROTO_AUTH.
type auth struct {
	user, method string
	proof        []byte // a scramble, or the password for pap-sha256
}

func (auth) Type() iproto.Type { return iproto.TypeAuth }

func (a auth) place() place { return place{name: "user " + a.user} }

func (a auth) appendBody(b []byte, _ *environment) ([]byte, error) {
	w := wire.NewBody(b)
	w.String(iproto.KeyUserName, a.user)
	w.Key(iproto.KeyTuple)
	w.B = mp.AppendString(mp.AppendArrayLen(w.B, 2), a.method)
	w.B = mp.AppendStringBytes(w.B, a.proof)
	return w.End(), nil
}

// connectError gives an error of Connect its words.
func connectError(c *Conn, err error) error {
	return fmt.Errorf("tnt: cannot connect to %s: %w", c.opts.String(), err)
}

// tlsFor returns the configuration that tarantools:// stands for.
func tlsFor(address string) *tls.Config {
	host, _, err := splitHostPort(address)
	if err != nil {
		host = ""
	}
	return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
}
