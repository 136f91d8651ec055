package pool

import (
	"context"
	"fmt"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
)

// View is a pool as seen by one who wants a certain kind of instance: a tnt.Executor
// like a tnt.Conn. It costs nothing, and needs no release; it is safe for concurrent
// use.
type View struct {
	pool       *Pool
	kind       kind
	name       string // of the instance, for kindNamed
	idempotent bool
}

// Master returns the view of the instance that takes writes, the one that is at the
// time of each request. The Pool itself is this view.
func (p *Pool) Master() *View { return p.View }

// Replica returns the view of the replicas, for what must not burden the master. CALL
// and EVAL on it are taken for reads: where the connection is lost in flight they are
// done again on another replica.
func (p *Pool) Replica() *View { return &View{pool: p, kind: kindReplica} }

// PreferReplica returns the view of the replicas, and of the master while there are
// none. CALL and EVAL are taken for writes: see Replica.
func (p *Pool) PreferReplica() *View { return &View{pool: p, kind: kindPreferReplica} }

// Any returns the view of all instances, the master and the replicas. A write that
// one of them refuses as read-only goes to the master.
func (p *Pool) Any() *View { return &View{pool: p, kind: kindAny} }

// On returns the view of one instance, whatever its role. The error says which names
// there are.
func (p *Pool) On(name string) (*View, error) {
	t := p.table.Load()
	for _, s := range t.status {
		if s.Name == name {
			return &View{pool: p, kind: kindNamed, name: name}, nil
		}
	}
	names := make([]string, len(t.status))
	for i, s := range t.status {
		names[i] = s.Name
	}
	return nil, fmt.Errorf("pool: there is no instance %q: there are %q", name, names)
}

// Idempotent returns the same view for requests that may be done again though they may
// have been executed, because doing them twice is as good as once; see tnt.Idempotent.
func (v *View) Idempotent() *View {
	again := *v
	again.idempotent = true
	return &again
}

// String says what the view chooses.
func (v *View) String() string {
	if v.kind == kindNamed {
		return v.name
	}
	return kindNames[v.kind]
}

// Route implements tnt.Executor.
func (v *View) Route(ctx context.Context, a tnt.Attempt) (tnt.Route, error) {
	if a.Try <= 1 {
		t := v.pool.table.Load()
		if c := v.choose(t, v.kind, nil); c != nil {
			return v.via(t, c, &a), nil
		}
	}
	return v.pool.search(ctx, v, a)
}

// choice returns what the view can choose from.
func (v *View) choice(t *table) *choice {
	if v.kind == kindNamed {
		if c := t.named[v.name]; c != nil {
			return &choice{fit: []*Candidate{c}}
		}
		return &choice{}
	}
	return &t.choices[v.kind]
}

// choose chooses an instance, nil where none fits.
func (v *View) choose(t *table, k kind, avoid *member) *Candidate {
	if k == kindNamed {
		return t.named[v.name]
	}
	return t.choices[k].next(v.pool, avoid)
}

// via returns the way to an instance.
func (v *View) via(t *table, c *Candidate, a *tnt.Attempt) tnt.Route {
	rt, _ := c.conn().Route(context.Background(), tnt.Attempt{Try: 1}) // it fails on later tries alone
	idempotent := v.idempotent || v.kind == kindReplica && runsCode(a.Request.Type)
	if idempotent {
		rt = rt.Idempotent()
	}
	d := v.pool.opts.TryFor
	if d > 0 && (idempotent || isRead(a.Request.Type)) && v.kind != kindMaster && v.kind != kindNamed && a.Try < len(t.choices[v.kind].fit) {
		rt = rt.TryFor(d)
	}
	return rt
}

// isRead reports whether a request changes nothing, whatever the server.
func isRead(typ iproto.Type) bool {
	switch typ {
	case iproto.TypeSelect, iproto.TypePing, iproto.TypeWatchOnce:
		return true
	}
	return false
}

// runsCode reports whether a request runs a function, Lua or SQL.
func runsCode(typ iproto.Type) bool {
	switch typ {
	case iproto.TypeCall, iproto.TypeCall16, iproto.TypeEval, iproto.TypeExecute:
		return true
	}
	return false
}
