package pool

import (
	"errors"
	"fmt"
	"time"

	"github.com/gotnt/tnt"
)

// Defaults of Options.
const (
	DefaultMaxWait = 10 * time.Second
	DefaultProbe   = time.Second
)

// Instance is a server of a pool.
type Instance struct {
	// Name of the instance in the pool: for On, Status, errors and hooks. Default:
	// the address.
	Name string
	// Options say how to connect. Each instance may have credentials and TLS of its
	// own. The pool itself reconnects and waits: WaitConnected, ConnectOnce and a
	// ReconnectInterval of Never have no effect. Hooks are told of the connections for
	// requests, not of the control connection.
	Options tnt.Options
	// Zone is where the instance is, such as a data center; see Options.Zone.
	Zone string
	// Weight is its share of the requests that several instances can do, from 1 to
	// 100. Default: 1.
	Weight int
}

// Options say which instances a pool has and how it chooses among them.
type Options struct {
	// Instances to begin with; Add, Remove, Replace and Follow change them later.
	Instances []Instance
	// Connections is how many sockets each instance has for requests, besides its
	// control connection. More than one pays on machines with many cores. Default: 1.
	Connections int
	// MaxWait bounds how long a request waits for an instance that fits, and goes on
	// trying, since it began. The end of its context, and the RequestTimeout of the
	// instances where it has no deadline, come first. Default: 10 s. tnt.Never: it
	// waits for nothing; what may be done again is done once more, where another
	// instance fits at once.
	MaxWait time.Duration
	// Zone makes instances of that zone be chosen for reads wherever one of them
	// fits. Default: any.
	Zone string
	// MaxLag leaves out replicas that are staler than that, by the lag of their
	// upstream from the master; box.info is asked for it each Probe. Of an upstream that
	// has been idle for longer than that and a second the lag is not known: where
	// box.cfg.replication_timeout is more than a second, let MaxLag be so much more.
	// Default: any lag.
	MaxLag time.Duration
	// TryFor is how long a read waits for one instance where another fits as well;
	// then it goes to that. Reads are SELECT and PING, what View.Idempotent does, and
	// CALL, EVAL and SQL on Replica. Default: as long as its context.
	TryFor time.Duration
	// Balance chooses among several instances that fit. Default: round robin by
	// Weight. LeastInFlight is another.
	Balance Balance
	// Probe is how often each instance is asked for a sign of life, by a PING or, for
	// box.info, a CALL, and how long it may take for it; then it leaves the rotation
	// and is probed back. Default: 1 s.
	Probe time.Duration
	// Independent says that the instances are no replica set, such as the routers of
	// a sharded cluster: each counts as master if it is writable by its own account.
	Independent bool
	// Hooks are told of roles, waits and retries: each has one or several of the
	// methods of RoleHook, WaitHook and RetryHook. The slice must not be changed.
	Hooks []Hook
}

func (o Options) withDefaults() (Options, error) {
	for name, d := range map[string]time.Duration{"MaxWait": o.MaxWait, "MaxLag": o.MaxLag, "TryFor": o.TryFor, "Probe": o.Probe} {
		if d < 0 && (name != "MaxWait" || d != tnt.Never) {
			return o, fmt.Errorf("pool: Options.%s is negative: %v; 0 stands for the default", name, d)
		}
	}
	if o.Connections < 0 {
		return o, fmt.Errorf("pool: Options.Connections is negative: %d; 0 stands for 1", o.Connections)
	}
	if o.MaxWait == 0 {
		o.MaxWait = DefaultMaxWait
	}
	if o.Probe == 0 {
		o.Probe = DefaultProbe
	}
	o.Connections = max(o.Connections, 1)
	return o, nil
}

const maxWeight = 100

// checked returns the instance with its defaults, or what is wrong with it.
func (i Instance) checked() (Instance, error) {
	conn, err := tnt.New(i.Options)
	if err != nil {
		return i, fmt.Errorf("pool: instance %q: %w", i.Name, err)
	}
	if i.Name == "" {
		i.Name = conn.Options().Address
	}
	if i.Weight < 0 || i.Weight > maxWeight {
		return i, fmt.Errorf("pool: instance %q: its weight is %d, not from 1 to %d", i.Name, i.Weight, maxWeight)
	}
	i.Weight = max(i.Weight, 1)
	return i, nil
}

// checkAll checks instances, and that no two have the same name or address.
func checkAll(all []Instance) ([]Instance, error) {
	if len(all) == 0 {
		return nil, errors.New("pool: there are no instances")
	}
	names, addresses := map[string]bool{}, map[string]string{}
	checked := make([]Instance, 0, len(all))
	for _, i := range all {
		i, err := i.checked()
		if err != nil {
			return nil, err
		}
		address := i.Options.Address
		switch other, twice := addresses[address]; {
		case names[i.Name]:
			return nil, fmt.Errorf("pool: there are two instances with the name %q", i.Name)
		case twice && address != "" && i.Options.Dialer == nil:
			return nil, fmt.Errorf("pool: the instances %q and %q have the same address, %s", other, i.Name, address)
		}
		names[i.Name], addresses[address] = true, i.Name
		checked = append(checked, i)
	}
	return checked, nil
}

// forRequests returns the options of a connection for requests.
func (i Instance) forRequests() tnt.Options {
	o := i.Options
	o.WaitConnected, o.ConnectOnce = false, false
	if o.ReconnectInterval == tnt.Never {
		o.ReconnectInterval = 0
	}
	return o
}

// forControl returns the options of a control connection, which carries little.
func (i Instance) forControl() tnt.Options {
	o := i.forRequests()
	o.NoSchema, o.TupleFormats, o.SessionSettings = true, false, nil
	o.Hooks, o.RequestTimeout, o.WaitInFlight = nil, 0, false
	o.ReadBuffer, o.WriteBuffer, o.MaxInFlight = controlBuffer, controlBuffer, controlInFlight
	o.MaxNesting = 0 // what the pool asks for is nested as it is
	return o
}

const (
	controlBuffer   = 16 << 10
	controlInFlight = 64
)
