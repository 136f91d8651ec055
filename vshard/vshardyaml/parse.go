// Package vshardyaml reads a cluster for package vshard from the declarative
// configuration of Tarantool 3, as Tarantool itself does: the YAML that its
// instances are started with. It is a module of its own for its YAML library.
package vshardyaml

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/vshard"
)

// Options say what a router takes from the configuration.
type Options struct {
	// User and Password to connect with. Default: those by which the cluster's
	// own routers connect (iproto.advertise.sharding), as far as they are given.
	// Where there is a User without a Password it is looked up in credentials.
	User, Password string
	// Client takes the addresses that instances advertise to clients
	// (iproto.advertise.client) where they do. Default: those for the cluster's
	// own routers.
	Client bool
	// Instance may change how an instance is connected to, such as by TLS.
	Instance func(instance string, opts *tnt.Options)
}

// defaultBuckets is Tarantool's own default of sharding.bucket_count.
const defaultBuckets = 3000

type section = map[string]any

var errConditional = errors.New("vshardyaml: the configuration has conditional sections, which depend on the instance's version and are not understood here: resolve them first")

// Parse reads a configuration. Replica sets and instances are known by their
// names, replica sets by their UUIDs too where those are given. Which instance is the
// master is not read: the router learns that from the servers.
func Parse(data []byte, opts Options) (vshard.Config, error) {
	var c vshard.Config
	var global section
	if err := yaml.Unmarshal(data, &global); err != nil {
		return c, fmt.Errorf("vshardyaml: %w", err)
	}
	if _, ok := global["conditional"]; ok {
		return c, errConditional
	}
	c.Buckets = defaultBuckets
	if v := at(global, "sharding", "bucket_count"); v != nil {
		n, ok := number(v)
		if !ok {
			return c, fmt.Errorf("vshardyaml: sharding.bucket_count is %v", v)
		}
		c.Buckets = n
	}
	groups := sections(global["groups"])
	for _, groupName := range sorted(groups) {
		group := groups[groupName]
		sets := sections(group["replicasets"])
		for _, setName := range sorted(sets) {
			set, err := replicaSet([]section{global, group, sets[setName]}, groupName, setName, opts)
			if err != nil {
				return c, err
			}
			if len(set.Instances) > 0 {
				c.ReplicaSets = append(c.ReplicaSets, set)
			}
		}
	}
	if len(c.ReplicaSets) == 0 {
		return c, errors.New("vshardyaml: no instance has the role storage in sharding.roles")
	}
	return c, nil
}

// replicaSet reads a replica set, which has no instances where none of its are
// storages. scopes are the sections that it is in, from the outermost on.
func replicaSet(scopes []section, groupName, name string, opts Options) (vshard.ReplicaSet, error) {
	set := vshard.ReplicaSet{Name: name}
	instances := sections(scopes[len(scopes)-1]["instances"])
	for _, instanceName := range sorted(instances) {
		merged := section{}
		for _, scope := range append(slices.Clone(scopes), instances[instanceName]) {
			merged = merge(merged, scope)
		}
		i := &instance{config: merged, opts: opts, names: map[string]string{
			"instance_name": instanceName, "replicaset_name": name, "group_name": groupName,
		}}
		if !slices.Contains(texts(at(merged, "sharding", "roles")), "storage") {
			continue
		}
		in, err := i.read(instanceName)
		set.UUID = cmp.Or(set.UUID, i.text("database", "replicaset_uuid"))
		if err = cmp.Or(i.wrong, err); err != nil {
			return set, fmt.Errorf("vshardyaml: instance %s: %w", instanceName, err)
		}
		set.Instances = append(set.Instances, in)
	}
	return set, nil
}

// instance is one with all that its scopes say of it.
type instance struct {
	config section
	opts   Options
	names  map[string]string // of variables
	wrong  error             // the first that is no text and has to be one
}

func (i *instance) read(name string) (pool.Instance, error) {
	in := pool.Instance{Name: name}
	address, tls, err := i.address()
	if err != nil {
		return in, err
	}
	in.Options = tnt.Options{Address: address, User: i.opts.User, Password: i.opts.Password}
	if in.Options.User == "" {
		in.Options.User, in.Options.Password = i.advertised("login"), i.advertised("password")
	}
	if in.Options.User != "" && in.Options.Password == "" {
		in.Options.Password = i.text("credentials", "users", in.Options.User, "password")
	}
	if i.opts.Instance != nil {
		i.opts.Instance(name, &in.Options)
	}
	if tls && in.Options.TLS == nil {
		return in, errors.New("it is reached by TLS: set TLS in Options.Instance")
	}
	return in, nil
}

// advertised is what the instance advertises to routers of the cluster: where it
// has nothing for them, what it advertises to its peers.
func (i *instance) advertised(key string) string {
	if at(i.config, "iproto", "advertise", "sharding") != nil {
		return i.text("iproto", "advertise", "sharding", key)
	}
	return i.text("iproto", "advertise", "peer", key)
}

var errNoAddress = errors.New("it advertises no address, and listens on none that could be connected to")

// address is where the instance is reached, and whether by TLS.
func (i *instance) address() (address string, tls bool, err error) {
	uri, params := "", any(nil)
	if i.opts.Client {
		uri = i.text("iproto", "advertise", "client")
	}
	if uri == "" {
		uri = i.advertised("uri")
		params = cmpAny(at(i.config, "iproto", "advertise", "sharding", "params"), at(i.config, "iproto", "advertise", "peer", "params"))
	}
	if uri == "" {
		listen, _ := at(i.config, "iproto", "listen").([]any)
		for _, one := range listen {
			m, _ := one.(section)
			text, _ := m["uri"].(string)
			if text = i.fill(text); reachable(text) {
				uri, params = text, m["params"]
				break
			}
		}
	}
	if uri == "" {
		return "", false, errNoAddress
	}
	if strings.Contains(uri, "{{") {
		return "", false, fmt.Errorf("there is an unknown variable in %q", uri)
	}
	m, _ := params.(section)
	return strings.Replace(uri, "unix/:", "unix:", 1), m["transport"] == "ssl", nil
}

func cmpAny(a, b any) any {
	if a != nil {
		return a
	}
	return b
}

// reachable reports whether an address to listen on can be connected to: it is
// not that of all interfaces, and its port is not one that is chosen later.
func reachable(uri string) bool {
	if uri == "" || strings.HasPrefix(uri, "unix/:") || strings.HasPrefix(uri, "/") || strings.HasPrefix(uri, "./") {
		return uri != ""
	}
	host, port, err := net.SplitHostPort(uri)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return port != "0" && host != "" && (ip == nil || !ip.IsUnspecified())
}

// variable is a name in double braces.
var variable = regexp.MustCompile(`\{\{ *(.*?) *\}\}`)

// fill puts the names of the instance and what it is in into a text. Unknown
// ones stay.
func (i *instance) fill(s string) string {
	return variable.ReplaceAllStringFunc(s, func(found string) string {
		if value, ok := i.names[variable.FindStringSubmatch(found)[1]]; ok {
			return value
		}
		return found
	})
}

func (i *instance) text(path ...string) string {
	v := at(i.config, path...)
	s, ok := v.(string)
	if !ok && v != nil && i.wrong == nil { // its value may be a secret
		i.wrong = fmt.Errorf("%s is no text, which Tarantool takes there alone: put it in quotes", strings.Join(path, "."))
	}
	return i.fill(s)
}
