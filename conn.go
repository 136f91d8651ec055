package tnt

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gotnt/tnt/internal/link"
	"github.com/gotnt/tnt/internal/mp"
	"github.com/gotnt/tnt/internal/session"
	"github.com/gotnt/tnt/internal/wire"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/schema"
)

// Conn is a connection to a Tarantool server, which many goroutines may use
// at once. It points at one live session at a time: when that is lost, a
// supervisor dials again, and requests fail as not connected meanwhile. Its
// methods are safe for concurrent use.
type Conn struct {
	opts             Options
	hooks            hooks
	network, address string
	settings         *mp.Settings // nil: the defaults

	state atomic.Int32
	up    atomic.Pointer[live] // nil while not connected

	watchers watchers
	counts   counts

	stateMu   sync.Mutex // held while hooks are told of a state, so that it is in order
	listeners []*listener

	mu  sync.Mutex
	run *run // nil between Disconnect and Connect
	// startAgain says that another run is to begin when the present one, which is
	// being disconnected, has ended.
	startAgain bool
	last       error         // why the connection is not up
	changed    chan struct{} // closed and replaced when up or run change
}

// live is a session with what its handshake found out.
type live struct {
	session  *session.Session
	greeting wire.Greeting
	features iproto.Features
	settings *mp.Settings                // of the connection
	env      atomic.Pointer[environment] // replaced with the schema
	fetched  atomic.Int64                // when the schema was, in nanoseconds since 1970
	streams  atomic.Uint64               // the last stream's number
	shutdown chan struct{}               // closed when the server announces its shutdown

	// verified is the server's schema of late, to which one that stays as it is
	// (Options.NoSchemaRefetch) is held; nil where none was fetched.
	verified atomic.Pointer[schema.Schema]

	fetchMu   sync.Mutex
	fetch     *schemaFetch  // of the schema, on its way; nil for none
	fetchTook time.Duration // the last one
}

// setSchema makes a schema the session's; nil for none.
func (l *live) setSchema(s *schema.Schema) {
	l.env.Store(&environment{
		schema: s, namesOnWire: l.features.Has(iproto.FeatureSpaceAndIndexNames), server: l.greeting.Version, settings: l.settings,
	})
	l.fetched.Store(time.Now().UnixNano())
}

// New makes a connection that is not connected yet. The error names what is
// wrong with the options.
func New(opts Options) (*Conn, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	hooks, err := sortHooks(opts.Hooks)
	if err != nil {
		return nil, err
	}
	c := &Conn{opts: opts, hooks: hooks, settings: mp.NewSettings(opts.MaxNesting), changed: make(chan struct{})}
	c.watchers.settings = c.settings
	c.network, c.address, _ = link.SplitAddress(opts.Address) // withDefaults has checked it
	c.state.Store(int32(Disconnected))
	return c, nil
}

// String describes the connection without the password.
func (c *Conn) String() string {
	return fmt.Sprintf("tnt.Conn(%v, %v)", c.opts, c.State())
}

// GoString is String, so that %#v shows no password either.
func (c *Conn) GoString() string { return c.String() }

// Options returns the options with every default filled in.
func (c *Conn) Options() Options { return c.opts }

// Fingerprint names the server and the user, for logs: the reference's
// fingerprint.
func (c *Conn) Fingerprint() string { return "tarantool(" + c.opts.String() + ")" }

// Host returns the host of the address, or the path of the unix socket.
func (c *Conn) Host() string {
	if host, _, err := net.SplitHostPort(c.address); err == nil && c.network == "tcp" {
		return host
	}
	return c.address
}

// Port returns the port of the address, "" for a unix socket.
func (c *Conn) Port() string {
	if _, port, err := net.SplitHostPort(c.address); err == nil && c.network == "tcp" {
		return port
	}
	return ""
}

// State returns the state of the connection.
func (c *Conn) State() State { return State(c.state.Load()) }

// IsConnected reports whether the connection is up and ready for requests:
// authenticated and, unless switched off, with a schema.
func (c *Conn) IsConnected() bool { return c.up.Load() != nil }

// Version returns the server's version, zero while not connected.
func (c *Conn) Version() iproto.Version {
	if l := c.up.Load(); l != nil {
		return l.greeting.Version
	}
	return iproto.Version{}
}

// InstanceUUID returns the UUID of the server's instance, "" while not
// connected.
func (c *Conn) InstanceUUID() string {
	if l := c.up.Load(); l != nil {
		return l.greeting.UUID
	}
	return ""
}

// InFlight returns how many requests wait for their answers now, 0 while not
// connected. Unlike Stats it takes no lock.
func (c *Conn) InFlight() int {
	if l := c.up.Load(); l != nil {
		return l.session.InFlight()
	}
	return 0
}

// Features returns what the server offers, nothing while not connected.
func (c *Conn) Features() iproto.Features {
	if l := c.up.Load(); l != nil {
		return l.features
	}
	return iproto.Features{}
}

// Schema returns the schema as last fetched, nil while not connected and
// where it is switched off.
func (c *Conn) Schema() *schema.Schema {
	if l := c.up.Load(); l != nil {
		return l.env.Load().schema
	}
	return nil
}

// SchemaVersion returns the version of Schema. ok is false where there is
// none.
func (c *Conn) SchemaVersion() (version uint64, ok bool) {
	if s := c.Schema(); s != nil {
		return s.Version, true
	}
	return 0, false
}

// current returns the live session. Where there is none it waits for it, if
// the options say so, or fails as not connected.
func (c *Conn) current(ctx context.Context, deadline time.Time) (*live, error) {
	if l := c.up.Load(); l != nil && !c.waitsFor(l) {
		return l, nil
	}
	var expired <-chan time.Time
	if !deadline.IsZero() && c.opts.WaitConnected {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		expired = timer.C
	}
	for {
		c.mu.Lock()
		l, r, last, changed := c.up.Load(), c.run, c.last, c.changed
		leaving := r != nil && r.isLeaving()
		c.mu.Unlock()
		if l != nil && !c.waitsFor(l) {
			return l, nil
		}
		if r == nil || leaving || !c.opts.WaitConnected {
			return nil, &notConnectedError{cause: last}
		}
		select {
		case <-changed:
		case <-expired:
			return nil, fmt.Errorf("%w (%w)", ErrTimeout, &notConnectedError{cause: last})
		case <-ctx.Done():
			return nil, fmt.Errorf("%w (%w)", context.Cause(ctx), &notConnectedError{cause: last})
		}
	}
}

// waitsFor reports whether requests are to wait for another session than l, which
// has just been lost: the supervisor has yet to see it.
func (c *Conn) waitsFor(l *live) bool {
	if !c.opts.WaitConnected {
		return false
	}
	select {
	case <-l.session.Dead():
		return true
	default:
		return false
	}
}

// waitUp waits until the connection is up. It returns false where ctx ends first,
// or where the connection is not to come up by itself.
func (c *Conn) waitUp(ctx context.Context) bool {
	for {
		c.mu.Lock()
		up, r, changed := c.up.Load() != nil, c.run, c.changed
		leaving := r != nil && r.isLeaving()
		c.mu.Unlock()
		switch {
		case up:
			return true
		case r == nil, leaving:
			return false
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// announce wakes all who wait for a change. mu is held.
func (c *Conn) announce() {
	close(c.changed)
	c.changed = make(chan struct{})
}
