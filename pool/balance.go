package pool

import (
	"math/rand/v2"
	"time"

	"github.com/gotnt/tnt"
)

// Candidate is an instance that fits, for a Balance to choose.
type Candidate struct {
	Name, Zone string
	Weight     int
	Role       Role
	// Lag is how far the replica is behind; known only with Options.MaxLag.
	Lag time.Duration

	member *member
	conns  []*tnt.Conn
}

// InFlight returns how many requests of this pool wait for the instance's answers
// now.
func (c *Candidate) InFlight() (n int) {
	for _, conn := range c.conns {
		n += conn.InFlight()
	}
	return n
}

// conn chooses one of the connections.
func (c *Candidate) conn() *tnt.Conn {
	if len(c.conns) == 1 {
		return c.conns[0]
	}
	first := c.member.next.Add(1)
	for i := range uint32(len(c.conns)) {
		if conn := c.conns[(first+i)%uint32(len(c.conns))]; conn.IsConnected() {
			return conn
		}
	}
	return c.conns[0]
}

// Balance chooses one of several instances, which are at least two, and returns its
// index. It is called for each request, by many goroutines at once; it must not block
// and must not keep or change what it gets.
type Balance func(fit []*Candidate) int

// LeastInFlight is a Balance that chooses the instance with the fewest requests in
// flight for its weight, and by chance among those that have equally few.
func LeastInFlight(fit []*Candidate) int {
	start := rand.IntN(len(fit))
	best := start
	least := fit[start].InFlight()
	for i := 1; i < len(fit); i++ {
		at := (start + i) % len(fit)
		n := fit[at].InFlight()
		if n*fit[best].Weight < least*fit[at].Weight {
			best, least = at, n
		}
	}
	return best
}

// choice is what a view can choose from.
type choice struct {
	fit   []*Candidate
	order []uint16 // of a round robin by weight, as indexes of fit
}

// newChoice makes a choice of the candidates, of a zone where any is in it.
func newChoice(fit []*Candidate, zone string) choice {
	if zone != "" {
		var near []*Candidate
		for _, c := range fit {
			if c.Zone == zone {
				near = append(near, c)
			}
		}
		if len(near) > 0 {
			fit = near
		}
	}
	return choice{fit: fit, order: weighted(fit)}
}

// weighted returns an order in which each candidate comes as often as it weighs,
// spread as evenly as can be.
func weighted(fit []*Candidate) []uint16 {
	total := 0
	for _, c := range fit {
		total += c.Weight
	}
	credit := make([]int, len(fit))
	order := make([]uint16, 0, total)
	for range total {
		best := 0
		for i, c := range fit {
			if credit[i] += c.Weight; credit[i] > credit[best] {
				best = i
			}
		}
		credit[best] -= total
		order = append(order, uint16(best))
	}
	return order
}

// next returns the candidate whose turn it is, another than avoid where there is
// one; nil where there is none at all.
func (ch *choice) next(p *Pool, avoid *member) *Candidate {
	switch len(ch.fit) {
	case 0:
		return nil
	case 1:
		return ch.fit[0]
	}
	at := 0
	if p.opts.Balance != nil {
		if at = p.opts.Balance(ch.fit); at < 0 || at >= len(ch.fit) {
			at = 0
		}
	} else {
		at = int(ch.order[p.turn.Add(1)%uint32(len(ch.order))])
	}
	if c := ch.fit[at]; c.member != avoid {
		return c
	}
	return ch.fit[(at+1+rand.IntN(len(ch.fit)-1))%len(ch.fit)]
}
