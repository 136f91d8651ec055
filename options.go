package tnt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/text/encoding"
)

// Defaults of Options, the same as the reference connector's.
const (
	DefaultAddress           = "127.0.0.1:3301"
	DefaultConnectTimeout    = 3 * time.Second
	DefaultReconnectInterval = time.Second / 3
	DefaultPingInterval      = 5 * time.Second
	DefaultDeadAfter         = 30 * time.Second
	DefaultReadBuffer        = 128 << 10
	DefaultWriteBuffer       = 4 << 20
	DefaultMaxFrame          = 1 << 30
	DefaultMaxRequest        = 512 << 20
)

// Never switches off what a duration in Options sets.
const Never = time.Duration(-1)

// Options say how to connect. The zero value is the documented default of
// each field. ParseURL makes Options of a URL.
type Options struct {
	// Address is "host:port", "[ipv6]:port", ":port", "host" (port 3301), a
	// port alone, or the path of a unix socket: one that begins with "/", "./"
	// or "unix:". Default: 127.0.0.1:3301.
	Address string
	// User to authenticate as. Default: none, which is the server's guest.
	User string
	// Password of User. It appears in no error, log line or String.
	Password string
	// Auth is the method of authentication: "chap-sha1" or "pap-sha256".
	// Default: what the server asks for.
	Auth string
	// AllowPlainPassword permits pap-sha256, which sends the password itself,
	// over a connection that is not encrypted.
	AllowPlainPassword bool
	// TLS, where set, encrypts the connection. Default: plain.
	TLS *tls.Config
	// Dialer opens the connection. network is "tcp" or "unix". It is to return
	// when ctx ends: until it does, no other attempt is made. Default: a
	// net.Dialer.
	Dialer func(ctx context.Context, network, address string) (net.Conn, error)

	// ConnectTimeout bounds one attempt to connect: opening the socket,
	// greeting, ID, authentication and schema together. Default: 3 s. Never:
	// no bound.
	ConnectTimeout time.Duration
	// ConnectOnce makes Connect report the first failure instead of trying
	// until its context ends. A connection lost later is still restored.
	ConnectOnce bool
	// ReconnectInterval is the pause between attempts to connect. Default:
	// 1/3 s. Never: no reconnecting, neither in Connect nor later.
	ReconnectInterval time.Duration
	// WaitConnected makes requests wait, while their context lasts, for a
	// connection that is being restored. Default: they fail with
	// ErrNotConnected at once.
	WaitConnected bool
	// ShutdownFailFast makes requests fail while a server is away whose shutdown
	// was announced to the connection (2.10 and later). Default: they wait, while
	// their context lasts, until it is back.
	ShutdownFailFast bool
	// RequestTimeout bounds the wait for an answer, and that for room in the
	// write buffer, where the request's context
	// has no deadline. Default: none.
	RequestTimeout time.Duration
	// PingInterval is the pause between pings, which learn of schema changes
	// and keep the connection open. Default: 5 s. Never: no pings.
	PingInterval time.Duration
	// DeadAfter is how long a server may be wholly silent while a ping waits
	// for its answer until the connection counts as lost. Default: 30 s. Never:
	// for ever.
	DeadAfter time.Duration

	// NoSchema leaves the schema unfetched: names are then resolved by the
	// server where it can (3.0 and later) and are an error elsewhere.
	NoSchema bool
	// NoSchemaRefetch keeps the schema as it is until RefetchSchema is called.
	NoSchemaRefetch bool
	// Encoding of strings on the wire. Default: none, strings are sent and
	// taken as they are, which for Go and Tarantool alike means UTF-8.
	Encoding encoding.Encoding
	// TupleFormats asks a server that can (3.0 and later) to send the names of
	// fields along with tuples, so that results of Call and Eval have them too.
	// Answers get longer by a format each.
	TupleFormats bool
	// SessionSettings are set whenever a connection was made, before it counts
	// as connected, such as {"sql_full_metadata": true}; API.SessionSettings
	// tells those that the server has (2.3 and later). One that it lacks is an
	// error of Connect, a *SettingError. The map must not be changed.
	SessionSettings map[string]any

	// ReadBuffer is the number of bytes read at once when much is coming.
	// Default: 131072.
	ReadBuffer int
	// WriteBuffer is the number of bytes that may wait to be written until
	// senders wait for room. Default: 4 MiB.
	WriteBuffer int
	// MaxFrame is the largest answer taken, in bytes. A larger one ends the
	// connection. Default: 1 GiB.
	MaxFrame int
	// MaxRequest is the largest request sent, in bytes. A larger one fails and
	// leaves the connection as it is. Default: 512 MiB.
	MaxRequest int

	// Hooks are told of what happens: LogHook(slog.Default()) logs it. The slice
	// must not be changed.
	Hooks []Hook
}

// withDefaults returns the options with every zero value replaced, or an
// error that names what is wrong.
func (o Options) withDefaults() (Options, error) {
	setDefault(&o.Address, DefaultAddress)
	setDefault(&o.ConnectTimeout, DefaultConnectTimeout)
	setDefault(&o.ReconnectInterval, DefaultReconnectInterval)
	setDefault(&o.PingInterval, DefaultPingInterval)
	setDefault(&o.DeadAfter, DefaultDeadAfter)
	setDefault(&o.ReadBuffer, DefaultReadBuffer)
	setDefault(&o.WriteBuffer, DefaultWriteBuffer)
	setDefault(&o.MaxFrame, DefaultMaxFrame)
	setDefault(&o.MaxRequest, DefaultMaxRequest)
	if o.Dialer == nil {
		o.Dialer = new(net.Dialer).DialContext
	}
	if _, _, err := splitAddress(o.Address); err != nil {
		return o, fmt.Errorf("tnt: Options.Address: %w", err)
	}
	for name, d := range map[string]time.Duration{
		"ConnectTimeout": o.ConnectTimeout, "ReconnectInterval": o.ReconnectInterval, "RequestTimeout": o.RequestTimeout,
		"PingInterval": o.PingInterval, "DeadAfter": o.DeadAfter,
	} {
		if d < 0 && d != Never {
			return o, fmt.Errorf("tnt: %s is negative: %v", name, d)
		}
	}
	for name, size := range map[string]int{
		"ReadBuffer": o.ReadBuffer, "WriteBuffer": o.WriteBuffer, "MaxFrame": o.MaxFrame, "MaxRequest": o.MaxRequest,
	} {
		if size < 0 {
			return o, fmt.Errorf("tnt: %s is negative: %d bytes", name, size)
		}
	}
	switch {
	case o.User == "" && o.Password != "":
		return o, errors.New("tnt: a password without a user")
	case o.Auth != "" && o.Auth != authChapSHA1 && o.Auth != authPapSHA256:
		return o, fmt.Errorf("tnt: unknown authentication method %q: it is %s or %s", o.Auth, authChapSHA1, authPapSHA256)
	}
	return o, nil
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// String describes the options without the password.
func (o Options) String() string {
	var b strings.Builder
	if o.User != "" {
		b.WriteString(o.User + "@")
	}
	b.WriteString(o.Address)
	return b.String()
}

// GoString is String, so that %#v shows no password either.
func (o Options) GoString() string { return "tnt.Options{" + o.String() + "}" }
