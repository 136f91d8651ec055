package clustertest

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gotnt/tnt/internal/tarantool"
)

// StartNamed starts a cluster with a declarative configuration: the instances
// s1a, s1b, s2a, s2b and router, whose application is the module named, and
// whose ports it has as PORT-s1a and so on. It returns the configuration with
// the ports. The Tarantool has to be 3.0 or later.
func StartNamed(tb testing.TB, p tarantool.Program, config string) (map[string]*Instance, string) {
	tb.Helper()
	names := []string{"router", "s1a", "s1b", "s2a", "s2b"}
	base := freePorts(tb, len(names))
	addresses := make(map[string]string)
	for i, name := range names {
		port := strconv.Itoa(base + i)
		config = strings.ReplaceAll(config, "PORT-"+name, port)
		addresses[name] = net.JoinHostPort("127.0.0.1", port)
	}
	path := filepath.Join(tb.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		tb.Fatal(err)
	}
	instances := start(tb, p, "", path, base, names)
	for name, i := range instances {
		i.Address = addresses[name]
	}
	return instances, config
}
