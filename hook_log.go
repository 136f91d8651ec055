package tnt

import (
	"context"
	"log/slog"
	"time"

	"github.com/gotnt/tnt/internal/burst"
	"github.com/gotnt/tnt/schema"
)

// LogOptions are what LogHook logs besides what it always does.
type LogOptions struct {
	// Slow is from what duration on a request is logged, at level warn, with its
	// type, what it worked on and how long it took. Of SQL the statement is left
	// out, because it may hold literals. Default: none is, and then watching requests
	// costs nothing.
	Slow time.Duration
}

// LogHook returns a hook that logs to l: connects and disconnects at level
// info; losses, failed attempts to connect, schemas not fetched and overdue pings
// at level warn; late answers and what was dropped at level warn too, but
// together, a line in 10 s at most and one for what came after it. It logs neither
// values nor passwords.
func LogHook(l *slog.Logger, opts ...LogOptions) Hook {
	h := &logHook{log: l}
	for _, o := range opts {
		if o.Slow > 0 {
			return &slowLogHook{logHook: h, slow: o.Slow}
		}
	}
	return h
}

type logHook struct {
	log            *slog.Logger
	lates, dropped burst.Counter
}

func (h *logHook) OnConnect(c *Conn, a ConnectAttempt) {
	if a.Err != nil {
		h.log.Warn("tnt: cannot connect", "server", c.opts.String(), "stage", string(a.Stage), "duration", a.Duration, "error", a.Err)
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

func (h *logHook) OnPingOverdue(c *Conn, since time.Duration) {
	h.log.Warn("tnt: a ping is overdue", "server", c.opts.String(), "since", since)
}

func (h *logHook) OnLate(c *Conn, sync uint64) {
	h.lates.Add(func(n int) {
		h.log.Warn("tnt: answers came too late", "server", c.opts.String(), "count", n, "sync", sync)
	})
}

func (h *logHook) OnDrop(c *Conn, d Drop) {
	h.dropped.Add(func(n int) {
		h.log.Warn("tnt: pushes or events dropped", "server", c.opts.String(), "count", n, "sync", d.Sync, "key", d.Key)
	})
}

// slowLogHook also logs slow requests.
type slowLogHook struct {
	*logHook
	slow time.Duration
	told burst.Few
}

func (h *slowLogHook) OnRequestEnd(ctx context.Context, c *Conn, req RequestInfo, end RequestEnd) {
	if end.Duration < h.slow {
		return
	}
	req.Statement = ""
	h.told.Add(func() {
		h.log.WarnContext(ctx, "tnt: slow request", "server", c.opts.String(), "request", req.String(),
			"duration", end.Duration, "rows", end.Rows, "failed", end.Err != nil)
	}, func(n int) {
		h.log.Warn("tnt: more slow requests", "server", c.opts.String(), "count", n, "last", req.String(), "duration", end.Duration)
	})
}

// isGivenUp reports whether a connection ended because nobody wants it any more.
func isGivenUp(err error) bool { return isAny(err, ErrClosed, errGaveUp) }
