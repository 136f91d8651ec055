package vshard

import (
	"context"
	"log/slog"
	"time"

	"github.com/gotnt/tnt/internal/burst"
)

// LogOptions are what LogHooks log besides what they always do.
type LogOptions struct {
	// Slow is from what duration on a call, or a Map, is logged, at level warn, without its
	// arguments. Beyond ten in 10 s they are counted, and told together. Default: none is.
	Slow time.Duration
}

// LogHooks returns hooks that log to l: configurations of a Provider, at level warn
// where they were not taken and otherwise at info; attempts that failed and were
// followed by another, and looks for buckets that failed, at warn, but together, a line
// in 10 s at most and one for what came after it. tnt.LogHook and pool.LogHook log the
// connections and the replica sets.
func LogHooks(l *slog.Logger, opts LogOptions) Hooks {
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
		hooks.End, hooks.EndMap = logSlow(l, opts.Slow)
	}
	return hooks
}

// logSlow returns hooks that log what takes so long.
func logSlow(l *slog.Logger, least time.Duration) (end func(context.Context, CallEnd), endMap func(context.Context, MapEnd)) {
	var few burst.Few
	log := func(ctx context.Context, function string, took time.Duration, more ...any) {
		if took < least {
			return
		}
		few.Add(func() {
			l.WarnContext(ctx, "vshard: slow call", append([]any{"function", function}, more...)...)
		}, func(n int) {
			l.Warn("vshard: more slow calls", "count", n, "last", function, "duration", took)
		})
	}
	end = func(ctx context.Context, end CallEnd) {
		log(ctx, end.Call.Function, end.Duration, "mode", end.Call.Mode.String(), "replicaset", end.ReplicaSet,
			"instance", end.Instance, "requests", end.Requests, "duration", end.Duration, "failed", end.Err != nil)
	}
	endMap = func(ctx context.Context, end MapEnd) {
		log(ctx, end.Map.Function, end.Duration, "mode", end.Map.Mode(), "replicasets", end.ReplicaSets,
			"attempts", end.Attempts, "duration", end.Duration, "failed", end.Err != nil)
	}
	return end, endMap
}
