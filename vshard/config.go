package vshard

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/gotnt/tnt/pool"
)

// Config is a cluster.
type Config struct {
	// Buckets is how many there are: bucket_count of the cluster's own
	// configuration. The two must be the same.
	Buckets     uint32
	ReplicaSets []ReplicaSet
	// Discovery is the pause between looks for where buckets are; as long as
	// some are not known it is at most 1 s. Default: 10 s.
	Discovery time.Duration
	// MaxWait bounds how long a call is tried where its context does not end
	// before, and the time of one attempt to read: without Pool.TryFor, or a
	// RequestTimeout of the instances, an instance that hangs may take all of it.
	// Default: 10 s.
	MaxWait time.Duration
	// Pool are options of each replica set's pool: which instance of several does a
	// read, how many sockets each has, and the like. Its Instances are those of the
	// replica set. Its TryFor is for reads, all modes but RW: they go to another
	// instance then, where there is one. Its MaxWait and Independent have no effect.
	Pool pool.Options
	// Hooks are told of what happens.
	Hooks Hooks

	connect func(ReplicaSet, pool.Options) (connections, error) // nil but in tests
}

// ReplicaSet is a part of a cluster. It has a UUID, or a name, by which
// storages know it (Tarantool 3's declarative configuration), or both.
type ReplicaSet struct {
	Name, UUID string
	// Instances are the storages. Where they have names in the declarative
	// configuration, those are their names here as well.
	Instances []pool.Instance
}

// ID returns the name, or the UUID where there is no name.
func (rs ReplicaSet) ID() string {
	if rs.Name != "" {
		return rs.Name
	}
	return rs.UUID
}

const (
	defaultDiscovery = 10 * time.Second
	defaultMaxWait   = 10 * time.Second
	// unknownDiscovery is the pause between discoveries while buckets are missing.
	unknownDiscovery = time.Second
	// leastDiscovery is what passes from one to the next at the least, however many calls
	// want to know.
	leastDiscovery = 250 * time.Millisecond
)

// withDefaults checks the configuration.
func (c Config) withDefaults() (Config, error) {
	if c.Buckets == 0 {
		return c, errNoBuckets
	}
	if len(c.ReplicaSets) == 0 {
		return c, errors.New("vshard: there are no replica sets")
	}
	seen := make(map[string]bool)
	for i, rs := range c.ReplicaSets {
		switch {
		case rs.ID() == "":
			return c, fmt.Errorf("vshard: replica set %d has neither a name nor a UUID", i+1)
		case len(rs.Instances) == 0:
			return c, fmt.Errorf("vshard: replica set %s has no instances", rs.ID())
		}
		if err := pool.CheckInstances(rs.Instances); err != nil {
			return c, fmt.Errorf("vshard: replica set %s: %w", rs.ID(), err)
		}
		for _, key := range []string{rs.Name, rs.UUID} {
			if key != "" && seen[key] {
				return c, fmt.Errorf("vshard: two replica sets are %s", key)
			}
			seen[key] = true
		}
	}
	if c.Discovery <= 0 {
		c.Discovery = defaultDiscovery
	}
	if c.MaxWait <= 0 {
		c.MaxWait = defaultMaxWait
	}
	if c.connect == nil {
		c.connect = connect
	}
	return c, nil
}

// A Provider knows the cluster, and its changes: a file, etcd, and the like.
type Provider interface {
	// Configs iterates over the configuration, first the present one, until ctx
	// ends. A pair with an error leaves the one before as it is.
	Configs(ctx context.Context) iter.Seq2[Config, error]
}

var errNoConfig = errors.New("vshard: the provider has no configuration")

// OpenProvider opens a router for the configuration that a provider has, and
// reconfigures it as the provider says until Close. Where ctx ends before there is a
// configuration, so does the one of Configs.
func OpenProvider(ctx context.Context, p Provider) (*Router, error) {
	watching, cancel := context.WithCancel(context.Background())
	goesOn := context.AfterFunc(ctx, cancel)
	next, stop := iter.Pull2(p.Configs(watching))
	config, err, ok := next()
	switch {
	case !goesOn():
		err = context.Cause(ctx)
	case err == nil && !ok:
		err = errNoConfig
	}
	var r *Router
	if err == nil {
		r, err = Open(ctx, config)
	}
	if err != nil {
		cancel()
		stop()
		return nil, err
	}
	r.workers.Go(func() {
		defer cancel()
		defer stop()
		defer context.AfterFunc(r.ctx, cancel)()
		for {
			config, err, ok := next()
			if !ok {
				return
			}
			if err == nil {
				err = r.Reconfigure(r.ctx, config)
			}
			r.configured(err)
		}
	})
	return r, nil
}
