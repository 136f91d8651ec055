package tnt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"time"

	"golang.org/x/text/encoding"

	"github.com/gotnt/tnt/internal/link"
	"github.com/gotnt/tnt/internal/mp"
)

// Defaults of Options, the same as the reference connector's.
const (
	DefaultAddress           = "127.0.0.1:3301"
	DefaultConnectTimeout    = 3 * time.Second
	DefaultReconnectInterval = time.Second / 3
	DefaultMaxReconnect      = 5 * time.Second
	DefaultPingInterval      = 5 * time.Second
	DefaultDeadAfter         = 30 * time.Second
	DefaultReadBuffer        = 128 << 10
	DefaultWriteBuffer       = 4 << 20
	DefaultMaxFrame          = 1 << 30
	DefaultMaxRequest        = 512 << 20
	DefaultMaxInFlight       = 1 << 20
	DefaultMaxPushes         = 16 << 20
	DefaultMaxNesting        = mp.DefaultNesting
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
	// when ctx ends: one that does not is left to itself, what it returns later is
	// closed, and other attempts are made beside it. Default: a net.Dialer.
	Dialer func(ctx context.Context, network, address string) (net.Conn, error)

	// ConnectTimeout bounds one attempt to connect: opening the socket,
	// greeting, ID, authentication and schema together. Default: 3 s. Never:
	// no bound.
	ConnectTimeout time.Duration
	// ConnectOnce makes Connect report the first failure instead of trying
	// until its context ends. A connection lost later is still restored.
	ConnectOnce bool
	// ReconnectInterval is the first pause between attempts to connect. Each
	// further one is twice as long, up to MaxReconnectInterval, less a random part
	// of up to a half. The first attempt after a loss is made at once, but where the
	// session was younger than ReconnectInterval. Default: 1/3 s. Never: no
	// reconnecting, neither in Connect nor later.
	ReconnectInterval time.Duration
	// MaxReconnectInterval is the longest pause between attempts to connect.
	// Default: 5 s, or ReconnectInterval if that is longer.
	MaxReconnectInterval time.Duration
	// WaitConnected makes requests wait, while their context and RequestTimeout
	// last, for a connection that is being restored, after a shutdown that the
	// server announced too. Default: they fail with ErrNotConnected at once.
	WaitConnected bool
	// AfterConnect is called whenever a session was made, before the connection
	// counts as up and other requests may use it: to set up what belongs to a
	// session. Its requests go to s. An error fails the attempt to connect. ctx
	// ends with the attempt's time.
	AfterConnect func(ctx context.Context, s *Pinned) error
	// RequestTimeout bounds a call where its context has no deadline: all that it
	// waits for together, and a batch as a whole. Default: none.
	RequestTimeout time.Duration
	// PingInterval is the pause between pings, which learn of schema changes
	// and keep the connection open. Default: 5 s. Never: no pings.
	PingInterval time.Duration
	// DeadAfter is how long nothing may move while a ping waits for its answer until
	// the connection counts as lost: no byte comes, and none goes of those up to the
	// ping's own. What the buffers of the server's system have taken, and on systems
	// other than Linux those of ours, some megabytes, counts as gone: DeadAfter has to
	// be longer than the server takes to read that. Default: 30 s. Never: for ever.
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
	// as connected, such as {"sql_full_metadata": true}; the function
	// SessionSettings returns those that the server has (2.3 and later). One that it lacks is an
	// error of Connect, a *SettingError. The map must not be changed.
	SessionSettings map[string]any

	// ReadBuffer is the number of bytes read at once when much is coming.
	// Default: 131072.
	ReadBuffer int
	// WriteBuffer is the number of bytes that may wait to be written until
	// senders wait for room. As many again, 1 MiB at least, may be acknowledgements of
	// watched values; a server that has more of them wait ends the connection.
	// Default: 4 MiB.
	WriteBuffer int
	// MaxFrame is the largest answer taken, in bytes. A larger one ends the
	// connection. Default: 1 GiB. At most 2 GiB less a byte.
	MaxFrame int
	// MaxRequest is the largest request sent, in bytes. A larger one fails and
	// leaves the connection as it is. Default: 512 MiB.
	MaxRequest int

	// MaxInFlight is how many requests may wait for their answers at once.
	// Default: 1048576, which is also the most that is possible.
	MaxInFlight int
	// WaitInFlight makes requests beyond MaxInFlight wait, while their context and
	// RequestTimeout last, until fewer are in flight. Default: they fail with
	// ErrTooMany at once.
	WaitInFlight bool
	// MaxPushes is how many bytes of pushes (box.session.push) of one Future may
	// wait to be taken by Pushes, with some fifty bytes for each push besides what it
	// holds; those beyond it are dropped, which Pushes tells by an error. Default:
	// 16 MiB.
	MaxPushes int
	// MaxNesting is how deeply values may be nested in one another, in what is sent and
	// in what comes: lists, maps, structs, tuples and errors are a level each, and of a
	// row the row itself is the first. What is nested more deeply is an error of its
	// request, or of its decoding, and leaves the connection as it is. What is only
	// passed on counts when it is read: a Tuple, Raw, Response.RawBody, or what a struct
	// has no field for. Default: 256. At most 10,000, so that no value ends a goroutine's
	// stack.
	MaxNesting int

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
	setDefault(&o.MaxReconnectInterval, max(DefaultMaxReconnect, o.ReconnectInterval))
	setDefault(&o.PingInterval, DefaultPingInterval)
	setDefault(&o.DeadAfter, DefaultDeadAfter)
	setDefault(&o.ReadBuffer, DefaultReadBuffer)
	setDefault(&o.WriteBuffer, DefaultWriteBuffer)
	setDefault(&o.MaxFrame, DefaultMaxFrame)
	setDefault(&o.MaxRequest, DefaultMaxRequest)
	setDefault(&o.MaxInFlight, DefaultMaxInFlight)
	setDefault(&o.MaxPushes, DefaultMaxPushes)
	setDefault(&o.MaxNesting, DefaultMaxNesting)
	if o.Dialer == nil {
		o.Dialer = new(net.Dialer).DialContext
	}
	if _, _, err := link.SplitAddress(o.Address); err != nil {
		return o, fmt.Errorf("tnt: Options.Address: %w", err)
	}
	for name, d := range map[string]time.Duration{
		"ConnectTimeout": o.ConnectTimeout, "ReconnectInterval": o.ReconnectInterval, "MaxReconnectInterval": o.MaxReconnectInterval, "RequestTimeout": o.RequestTimeout,
		"PingInterval": o.PingInterval, "DeadAfter": o.DeadAfter,
	} {
		if d < 0 && d != Never {
			return o, fmt.Errorf("tnt: Options.%s is negative: %v; it is a duration, 0 for the default or tnt.Never", name, d)
		}
	}
	for name, size := range map[string]int{
		"ReadBuffer": o.ReadBuffer, "WriteBuffer": o.WriteBuffer, "MaxFrame": o.MaxFrame, "MaxRequest": o.MaxRequest,
		"MaxInFlight": o.MaxInFlight, "MaxPushes": o.MaxPushes, "MaxNesting": o.MaxNesting,
	} {
		if size < 0 {
			return o, fmt.Errorf("tnt: Options.%s is negative: %d; 0 stands for the default", name, size)
		}
	}
	switch {
	case o.MaxInFlight > DefaultMaxInFlight:
		return o, fmt.Errorf("tnt: Options.MaxInFlight is %d: at most %d are possible", o.MaxInFlight, DefaultMaxInFlight)
	case o.MaxFrame > math.MaxInt32: // places in an answer are kept in 32 bits
		return o, fmt.Errorf("tnt: Options.MaxFrame is %d: at most %d are possible", o.MaxFrame, math.MaxInt32)
	case o.MaxNesting > mp.MaxNesting:
		return o, fmt.Errorf("tnt: Options.MaxNesting is %d: at most %d are possible", o.MaxNesting, mp.MaxNesting)
	case o.MaxReconnectInterval == Never:
		return o, errors.New("tnt: Options.MaxReconnectInterval is Never: ReconnectInterval switches reconnecting off")
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
