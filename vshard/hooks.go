package vshard

import (
	"context"
	"time"
)

// Hooks are told of what a Router does, for logs, metrics and traces. Each may
// be nil. They are called by many goroutines at once and must not block.
type Hooks struct {
	// Start is told of each call before it is sent, and returns the context
	// that it goes on with: ctx, or one with a trace's span.
	Start func(ctx context.Context, call Call) context.Context
	// End is told of each call that Start was told of, when it has ended.
	End func(ctx context.Context, end CallEnd)
	// Again is told of each attempt that failed and is followed by another.
	Again func(ctx context.Context, again Again)
	// StartMap and EndMap are Start and End of each Map. Its attempts that failed are
	// told by EndMap alone.
	StartMap func(ctx context.Context, m MapCall) context.Context
	EndMap   func(ctx context.Context, end MapEnd)
	// Discovery is told of each look for where buckets are.
	Discovery func(DiscoveryEnd)
	// Configured is told of each configuration of a Provider's, with the error
	// that left the one before in its place.
	Configured func(err error)
}

// JoinHooks returns hooks that tell each of several. Each Start gets the context
// of the one before it, and each End and Again the context of the last; so do StartMap
// and EndMap.
func JoinHooks(list ...Hooks) Hooks {
	hooks := Hooks{
		Start: func(ctx context.Context, call Call) context.Context {
			for _, h := range list {
				if h.Start != nil {
					ctx = h.Start(ctx, call)
				}
			}
			return ctx
		},
		End: func(ctx context.Context, end CallEnd) {
			for _, h := range list {
				if h.End != nil {
					h.End(ctx, end)
				}
			}
		},
		Again: func(ctx context.Context, again Again) {
			for _, h := range list {
				if h.Again != nil {
					h.Again(ctx, again)
				}
			}
		},
		Discovery: func(end DiscoveryEnd) {
			for _, h := range list {
				if h.Discovery != nil {
					h.Discovery(end)
				}
			}
		},
		Configured: func(err error) {
			for _, h := range list {
				if h.Configured != nil {
					h.Configured(err)
				}
			}
		},
	}
	hooks.StartMap, hooks.EndMap = joinMapHooks(list)
	return hooks
}

func joinMapHooks(list []Hooks) (start func(context.Context, MapCall) context.Context, end func(context.Context, MapEnd)) {
	start = func(ctx context.Context, m MapCall) context.Context {
		for _, h := range list {
			if h.StartMap != nil {
				ctx = h.StartMap(ctx, m)
			}
		}
		return ctx
	}
	end = func(ctx context.Context, end MapEnd) {
		for _, h := range list {
			if h.EndMap != nil {
				h.EndMap(ctx, end)
			}
		}
	}
	return start, end
}

// CallEnd tells of a call that has ended.
type CallEnd struct {
	Call       Call
	ReplicaSet string // that was asked last; "" for none
	Instance   string // likewise
	Requests   int    // sent, those for finding the bucket included
	Duration   time.Duration
	Err        error // nil, or what the caller gets
}

// Again tells of an attempt that failed.
type Again struct {
	Call       Call
	ReplicaSet string
	Instance   string
	Pause      time.Duration // before the next one
	Err        error
}

// MapCall is what a Map was called with.
type MapCall struct {
	Function string
	Args     []any
	Buckets  []uint32 // whose replica sets are asked; nil: all
}

// Mode returns the name of the Lua router's function, as Mode.String does for a Call.
// There is but one: the masters are asked.
func (MapCall) Mode() string { return "map_callrw" }

// MapEnd tells of a Map that has ended.
type MapEnd struct {
	Map         MapCall
	ReplicaSets int // of the last attempt; of some buckets those that were found
	Attempts    int // more than one where buckets were moved, or a master was missing
	Duration    time.Duration
	Err         error // nil, or what the caller gets, but for one of decoding
}

// DiscoveryEnd tells of a look for where buckets are.
type DiscoveryEnd struct {
	Duration time.Duration
	Unknown  int   // buckets that nobody has said to have
	Err      error // of the replica sets that could not be asked, joined
}

func (r *Router) configured(err error) {
	if hook := r.table().config.Hooks.Configured; hook != nil {
		hook(err)
	}
}
