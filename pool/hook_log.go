package pool

import (
	"errors"
	"log/slog"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/internal/burst"
)

// LogHook returns a hook that logs to l: changes of roles, at level warn where an
// instance can't be used any more and otherwise at info; requests that waited and found
// no instance at warn, and retries at info, but together, a line in 10 s at most and one
// for what came after it. It logs no values and no statements. tnt.LogHook, in the
// instances' options, logs their connections.
func LogHook(l *slog.Logger) Hook { return &logHook{log: l} }

type logHook struct {
	log               *slog.Logger
	unserved, retries burst.Counter
}

// OnRole implements RoleHook.
func (h *logHook) OnRole(instance string, from, to Role, why error) {
	say := h.log.Info
	if to == Unknown || to == Superseded {
		say = h.log.Warn
	}
	say("pool: role", "instance", instance, "from", from.String(), "to", to.String(), "why", why)
}

// OnWait implements WaitHook.
func (h *logHook) OnWait(w Wait) {
	var none *NoInstanceError // what is around it may be the cause of a context, with anybody's data
	if !errors.As(w.Err, &none) {
		return
	}
	h.unserved.Add(func(n int) {
		h.log.Warn("pool: requests without an instance", "count", n, "view", w.View, "waited", w.Duration, "error", none)
	})
}

// OnRetry implements RetryHook.
func (h *logHook) OnRetry(r Retry) {
	h.retries.Add(func(n int) {
		h.log.Info("pool: requests done again", "count", n, "from", r.From, "to", r.To, "error", withoutStatement(r.Err))
	})
}

// withoutStatement returns the error of a request without its statement of SQL, which
// may hold literals.
func withoutStatement(err error) error {
	re, ok := err.(*tnt.RequestError) //nolint:errorlint // the very error of the try before
	if !ok || re.Request.Statement == "" {
		return err
	}
	bare := *re
	bare.Request.Statement = ""
	return &bare
}
