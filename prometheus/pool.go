package tntprom

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// PoolState is what a pool says of itself at a moment.
type PoolState struct {
	Instances []PoolInstance
	Waiting   int    // requests that wait now for an instance that may do them
	Waits     uint64 // requests that had to wait, ever
}

// PoolInstance is an instance of a pool.
type PoolInstance struct {
	Address   string // host:port, or the path of a unix socket
	Role      string // such as "rw", "ro" and "unknown"; a few words only
	Connected bool
}

// NewPoolCollector returns a collector of a pool's metrics, with the label pool
// having the name. state is asked whenever metrics are collected, must not wait,
// and is called by any goroutine.
func NewPoolCollector(name string, state func() PoolState) prometheus.Collector {
	return &poolCollector{name, state}
}

type poolCollector struct {
	name  string
	state func() PoolState
}

var (
	poolInstances = prometheus.NewDesc("tnt_pool_instances", "Instances of the pool, by role.", []string{"pool", "role", "connected"}, nil)
	poolWaiting   = prometheus.NewDesc("tnt_pool_waiting", "Requests that wait for an instance that may do them.", []string{"pool"}, nil)
	poolWaits     = prometheus.NewDesc("tnt_pool_waits_total", "Requests that had to wait for an instance that may do them.", []string{"pool"}, nil)
)

// Describe implements prometheus.Collector. Nothing is described, because two
// pools' collectors would describe the same and could not both be registered: the
// registry checks what is collected instead.
func (c *poolCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *poolCollector) Collect(out chan<- prometheus.Metric) {
	now := c.state()
	type group struct {
		role      string
		connected bool
	}
	groups := map[group]int{}
	for _, i := range now.Instances {
		groups[group{i.Role, i.Connected}]++
	}
	for g, n := range groups {
		send(out, poolInstances, prometheus.GaugeValue, float64(n), c.name, g.role, strconv.FormatBool(g.connected))
	}
	send(out, poolWaiting, prometheus.GaugeValue, float64(now.Waiting), c.name)
	send(out, poolWaits, prometheus.CounterValue, float64(now.Waits), c.name)
}
