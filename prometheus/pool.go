package tntprom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gotnt/tnt/internal/telemetry"
	"github.com/gotnt/tnt/pool"
)

// NewPoolCollector returns a collector of a pool's metrics, with the label pool
// having the name, which is another for each pool of a registry. What it reads of the
// pool costs requests nothing.
func NewPoolCollector(name string, p *pool.Pool) prometheus.Collector {
	desc := func(metric, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(metric, help, labels, prometheus.Labels{"pool": name})
	}
	return &poolCollector{
		pool:        p,
		instances:   desc("tnt_pool_instances", "Instances of the pool, by role.", "role"),
		roleChanges: desc("tnt_pool_role_changes_total", "How often an instance came to have the role.", "role"),
		waiting:     desc("tnt_pool_waiting", "Requests that wait for an instance that fits."),
		waits:       desc("tnt_pool_waits_total", "Waits for an instance that have ended."),
		waitTime:    desc("tnt_pool_wait_seconds_total", "Time of all waits for an instance together."),
		unserved:    desc("tnt_pool_unserved_total", "Requests that failed because no instance fitted."),
		retries:     desc("tnt_pool_retries_total", "Requests that were done again."),
	}
}

type poolCollector struct {
	pool *pool.Pool

	instances, roleChanges, waiting, waits, waitTime, unserved, retries *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *poolCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.instances, c.roleChanges, c.waiting, c.waits, c.waitTime, c.unserved, c.retries} {
		out <- d
	}
}

// Collect implements prometheus.Collector. Roles that no instance has are sent as
// well, so that the number of masters can be asked for when it is 0.
func (c *poolCollector) Collect(out chan<- prometheus.Metric) {
	byRole, stats := telemetry.ByRole(c.pool.Status()), c.pool.Stats()
	for _, role := range telemetry.Roles {
		send(out, c.instances, prometheus.GaugeValue, float64(byRole[role]), role.String())
		send(out, c.roleChanges, prometheus.CounterValue, float64(stats.RoleChanges[role]), role.String())
	}
	send(out, c.waiting, prometheus.GaugeValue, float64(stats.Waiting))
	send(out, c.waits, prometheus.CounterValue, float64(stats.Waits))
	send(out, c.waitTime, prometheus.CounterValue, stats.WaitTime.Seconds())
	send(out, c.unserved, prometheus.CounterValue, float64(stats.Unserved))
	send(out, c.retries, prometheus.CounterValue, float64(stats.Retries))
}
