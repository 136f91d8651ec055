package vshard

import (
	"context"
	"log/slog"
	"time"

	"github.com/gotnt/tnt/internal/burst"
)

// LogOptions are what LogHooks log besides what they always do.
type LogOptions struct {
	// Slow is from what duration on a call is logged, at level warn, without its
	// arguments. Beyond ten in 10 s they are counted, and told together. Default: none is.
	Slow time.Duration
}

// LogHooks returns hooks that log to l: configurations of a Provider, at level warn
// where they were not taken and otherwise at info; attempts that failed and were
// followed by another, and looks for buckets that failed, at warn, but together, a line
// in 10 s at most and one for what came after it. tnt.LogHook and pool.LogHook log the
// connections and the replica sets.
func LogHooks(l *slog.Logger, opts LogOptions) Hooks {
	var slow burst.Few
	var again, discovery burst.Counter
	hooks := Hooks{
		Again: func(_ context.Context, a Again) {
			again.Add(func(n int) {
				l.Warn("vshard: calls tried again", "count", n, "function", a.Call.Function, "replicaset", a.ReplicaSet, "instance", a.Instance, "error", a.Err)
			})
		},
		Discovery: func(end DiscoveryEnd) {
			if end.Err == nil {
				return
			}
			discovery.Add(func(n int) {
				l.Warn("vshard: buckets not found out", "count", n, "unknown", end.Unknown, "error", end.Err)
			})
		},
		Configured: func(err error) {
			if err != nil {
				l.Warn("vshard: configuration not taken", "error", err)
				return
			}
			l.Info("vshard: configured")
		},
	}
	if opts.Slow > 0 {
		hooks.End = func(ctx context.Context, end CallEnd) {
			if end.Duration < opts.Slow {
				return
			}
			slow.Add(func() {
				l.WarnContext(ctx, "vshard: slow call", "function", end.Call.Function, "mode", end.Call.Mode.String(), "replicaset", end.ReplicaSet,
					"instance", end.Instance, "requests", end.Requests, "duration", end.Duration, "failed", end.Err != nil)
			}, func(n int) {
				l.Warn("vshard: more slow calls", "count", n, "last", end.Call.Function, "duration", end.Duration)
			})
		}
	}
	return hooks
}
