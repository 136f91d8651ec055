package tnt

import (
	"log/slog"
	"sync"
	"time"

	"github.com/gotnt/tnt/schema"
)

// seldom is the least time between two lines of a kind that a server can cause
// many of.
const seldom = 10 * time.Second

// LogHook returns a hook that logs to l: connects and disconnects at level
// info; losses, failed attempts to connect and schemas not fetched at level
// warn; late answers and what was dropped at level warn too, but together, a
// line in 10 s at most. It logs neither values nor passwords.
func LogHook(l *slog.Logger) Hook { return &logHook{log: l} }

type logHook struct {
	log            *slog.Logger
	lates, dropped counter
}

func (h *logHook) OnConnect(c *Conn, a ConnectAttempt) {
	if a.Err != nil {
		h.log.Warn("tnt: cannot connect", "server", c.opts.String(), "duration", a.Duration, "error", a.Err)
		return
	}
	h.log.Info("tnt: connected", "server", c.opts.String(), "version", a.Version.String(), "duration", a.Duration)
}

func (h *logHook) OnState(c *Conn, from, to State, cause error) {
	switch {
	case from == Connected && isGivenUp(cause):
		h.log.Info("tnt: disconnected", "server", c.opts.String())
	case from == Connected:
		h.log.Warn("tnt: connection lost", "server", c.opts.String(), "error", cause)
	case to == Disconnected && !isGivenUp(cause):
		h.log.Warn("tnt: not connecting again", "server", c.opts.String(), "error", cause)
	}
}

func (h *logHook) OnSchema(c *Conn, _ *schema.Schema, err error) {
	if err != nil {
		h.log.Warn("tnt: schema not fetched", "server", c.opts.String(), "error", err)
	}
}

func (h *logHook) OnLate(c *Conn, sync uint64) {
	if n := h.lates.add(time.Now()); n > 0 {
		h.log.Warn("tnt: answers came too late", "server", c.opts.String(), "count", n, "sync", sync)
	}
}

func (h *logHook) OnDrop(c *Conn, d Drop) {
	if n := h.dropped.add(time.Now()); n > 0 {
		h.log.Warn("tnt: pushes or events dropped", "server", c.opts.String(), "count", n, "sync", d.Sync, "key", d.Key)
	}
}

// counter counts what is told seldom.
type counter struct {
	mu    sync.Mutex
	told  time.Time
	count int
}

// add counts one, and returns how many came since the last time it returned
// any; 0 where that is too short ago.
func (c *counter) add(now time.Time) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	if now.Sub(c.told) < seldom {
		return 0
	}
	n := c.count
	c.told, c.count = now, 0
	return n
}
