package telemetry

import (
	"cmp"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/gotnt/tnt"
)

// Tally knows the connections that a hook serves, and sums up what they count, by
// server. Counts of connections that have ended stay in the sums, so that these
// never fall.
type Tally struct {
	mu    sync.Mutex
	conns map[*tnt.Conn]tnt.Stats // and what they had counted when they came
	past  map[Server]tnt.Stats    // of those that are gone
}

// Server is the address of a server.
type Server struct {
	Host string // or the path of a unix socket
	Port string // "" for a unix socket
}

// ServerOf returns the server that a connection is to.
func ServerOf(c *tnt.Conn) Server { return Server{c.Host(), c.Port()} }

// String returns host and port in one, or the path of a unix socket; what is no
// UTF-8 in it is replaced, as labels can't hold it.
func (s Server) String() string {
	if s.Port == "" {
		return strings.ToValidUTF8(s.Host, "\uFFFD")
	}
	return net.JoinHostPort(s.Host, s.Port)
}

// Sum is what the connections to one server count together.
type Sum struct {
	Server Server
	tnt.Stats
	Connections int // that are to be up: from Connect to Disconnect
	Connected   int // that are up
	Busy        int // that are up and have requests in flight
}

// OnState is to be told of every change of state.
func (t *Tally) OnState(c *tnt.Conn, to tnt.State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conns == nil {
		t.conns, t.past = map[*tnt.Conn]tnt.Stats{}, map[Server]tnt.Stats{}
	}
	before, known := t.conns[c]
	switch {
	case to != tnt.Disconnected && !known:
		t.conns[c] = c.Stats()
		t.past[ServerOf(c)] = t.past[ServerOf(c)] // so that the server is known from now on
	case to == tnt.Disconnected && known:
		delete(t.conns, c)
		past := t.past[ServerOf(c)]
		add(&past, c.Stats(), before)
		t.past[ServerOf(c)] = past
	}
}

// Sums returns the sums of all servers that there were connections to, in the
// order of their addresses.
func (t *Tally) Sums() []Sum {
	t.mu.Lock()
	defer t.mu.Unlock()
	sums := make(map[Server]*Sum, len(t.past))
	for server, past := range t.past {
		sums[server] = &Sum{Server: server, Stats: past}
	}
	for c, before := range t.conns {
		sum, now := sums[ServerOf(c)], c.Stats()
		add(&sum.Stats, now, before)
		sum.InFlight += now.InFlight
		sum.WaitingForRoom += now.WaitingForRoom
		sum.WaitingForTurn += now.WaitingForTurn
		sum.Connections++
		if c.IsConnected() {
			sum.Connected++
			if now.InFlight > 0 {
				sum.Busy++
			}
		}
	}
	list := make([]Sum, 0, len(sums))
	for _, sum := range sums {
		list = append(list, *sum)
	}
	slices.SortFunc(list, func(a, b Sum) int {
		return cmp.Or(cmp.Compare(a.Server.Host, b.Server.Host), cmp.Compare(a.Server.Port, b.Server.Port))
	})
	return list
}

// add adds what was counted from one time to another.
func add(sum *tnt.Stats, now, before tnt.Stats) {
	sum.Requests += now.Requests - before.Requests
	sum.Errors += now.Errors - before.Errors
	sum.Late += now.Late - before.Late
	sum.PushesDropped += now.PushesDropped - before.PushesDropped
	sum.Connects += now.Connects - before.Connects
	sum.Reconnects += now.Reconnects - before.Reconnects
	sum.BytesSent += now.BytesSent - before.BytesSent
	sum.BytesReceived += now.BytesReceived - before.BytesReceived
	sum.Writes += now.Writes - before.Writes
}
