package tntprom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gotnt/tnt/internal/telemetry"
)

// ofConnections are the metrics that are read from the connections when they
// are collected, summed up by server. They cost requests nothing.
var ofConnections = []metric{
	gauge("tnt_connections", "Connections that are to be up: from Connect to Disconnect.", func(s *telemetry.Sum) int { return s.Connections }),
	gauge("tnt_connected", "Connections that are up.", func(s *telemetry.Sum) int { return s.Connected }),
	gauge("tnt_in_flight", "Requests that wait for their answer.", func(s *telemetry.Sum) int { return s.InFlight }),
	gauge("tnt_waiting_for_room", "Requests that wait for room in the write buffer.", func(s *telemetry.Sum) int { return s.WaitingForRoom }),
	gauge("tnt_waiting_for_turn", "Requests that wait until fewer are in flight.", func(s *telemetry.Sum) int { return s.WaitingForTurn }),
	counter("tnt_requests_sent_total", "Requests sent, each of a batch and the connections' own included.", func(s *telemetry.Sum) uint64 { return s.Requests }),
	counter("tnt_error_answers_total", "Answers that were errors.", func(s *telemetry.Sum) uint64 { return s.Errors }),
	counter("tnt_late_answers_total", "Answers that came after their caller had given up.", func(s *telemetry.Sum) uint64 { return s.Late }),
	counter("tnt_connects_total", "Sessions that came up.", func(s *telemetry.Sum) uint64 { return s.Connects }),
	counter("tnt_reconnects_total", "Sessions that came up after the loss of another.", func(s *telemetry.Sum) uint64 { return s.Reconnects }),
	counter("tnt_sent_bytes_total", "Bytes sent.", func(s *telemetry.Sum) uint64 { return s.BytesSent }),
	counter("tnt_received_bytes_total", "Bytes received.", func(s *telemetry.Sum) uint64 { return s.BytesReceived }),
	counter("tnt_writes_total", "Writes to sockets, each of which may carry many requests.", func(s *telemetry.Sum) uint64 { return s.Writes }),
}

// metric is one that is read from connections.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(*telemetry.Sum) float64
}

func (m metric) collect(out chan<- prometheus.Metric, s *telemetry.Sum) {
	send(out, m.desc, m.kind, m.read(s), s.Server.String())
}

// send sends a value to a registry. One that it can't take, for labels that are
// no UTF-8, is an error of the collection, and no panic.
func send(out chan<- prometheus.Metric, desc *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
	m, err := prometheus.NewConstMetric(desc, kind, v, labels...)
	if err != nil {
		m = prometheus.NewInvalidMetric(desc, err)
	}
	out <- m
}

func gauge(name, help string, read func(*telemetry.Sum) int) metric {
	return metric{
		desc: prometheus.NewDesc(name, help, []string{"server"}, nil), kind: prometheus.GaugeValue,
		read: func(s *telemetry.Sum) float64 { return float64(read(s)) },
	}
}

func counter(name, help string, read func(*telemetry.Sum) uint64) metric {
	return metric{
		desc: prometheus.NewDesc(name, help, []string{"server"}, nil), kind: prometheus.CounterValue,
		read: func(s *telemetry.Sum) float64 { return float64(read(s)) },
	}
}
