package pool_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/box"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// The options of an instance are for the connections for requests; what the control
// connection gets of them, and what the pool sees to itself.

// attempts counts attempts to connect.
type attempts struct{ n atomic.Int64 }

func (a *attempts) OnConnect(*tnt.Conn, tnt.ConnectAttempt) { a.n.Add(1) }

func TestControlConnectionCarriesLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &embedded{ReplicaSet: tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), kvSpace, tnttest.WithUser("app", "s3cret"))}
		hook := &attempts{}
		opts := pool.Options{Instances: e.instances(), Connections: 2}
		o := &opts.Instances[0].Options
		o.User, o.Password, o.TupleFormats, o.Hooks = "app", "s3cret", true, []tnt.Hook{hook}
		p, err := pool.Open(t.Context(), opts)
		must(t, err)
		defer func() { _ = p.Close() }()
		synctest.Wait()
		if n := hook.n.Load(); n != 2 {
			t.Errorf("hooks were told of %d connections, want the two for requests", n)
		}
		features, types := map[uint64]string{}, map[uint64]string{}
		control := uint64(0)
		for _, r := range e.Instance(0).Requests() {
			types[r.Conn] += r.Type.String() + " "
			switch {
			case r.Type == iproto.TypeID:
				features[r.Conn] = fmt.Sprint(r.Body["FEATURES"])
			case r.Type == iproto.TypeWatch && r.Body["EVENT_KEY"] == "box.status":
				control = r.Conn
			}
		}
		if len(types) != 3 || control == 0 {
			t.Fatalf("r0 has the connections %v", types)
		}
		formats := fmt.Sprint(uint64(iproto.FeatureCallRetTupleExtension))
		for conn, got := range types {
			if has := strings.Contains(got, "SELECT"); has != (conn != control) {
				t.Errorf("the control connection is %d, and %d got %s", control, conn, got)
			}
			if !strings.Contains(got, "AUTH") {
				t.Errorf("connection %d did not authenticate: %s", conn, got)
			}
			if has := strings.Contains(features[conn]+" ", formats); has != (conn != control) {
				t.Errorf("the control connection is %d, and %d has the features %s", control, conn, features[conn])
			}
		}
	})
}

// The pool reconnects and waits by itself, whatever the options of an instance say.
func TestPoolReconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &embedded{ReplicaSet: tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), kvSpace)}
		opts := pool.Options{Instances: e.instances()}
		for i := range opts.Instances {
			o := &opts.Instances[i].Options
			o.ReconnectInterval, o.ConnectOnce, o.WaitConnected = tnt.Never, true, true
		}
		must(t, e.Kill(2))
		p, err := pool.Open(t.Context(), opts)
		must(t, err)
		defer func() { _ = p.Close() }()
		e.pool = p
		time.Sleep(10 * time.Second)
		e.wantRoles(t, pool.Master, pool.Replica, pool.Unknown)
		must(t, e.Restart(2))
		time.Sleep(10 * time.Second)
		e.wantRoles(t, pool.Master, pool.Replica, pool.Replica)
		must(t, e.Kill(1))
		began := time.Now()
		for range 4 {
			must(t, selectOne(t.Context(), p.Replica()))
		}
		if took := time.Since(began); took > 50*time.Millisecond {
			t.Errorf("reads waited %v for one that is lost", took)
		}
		must(t, e.Restart(1))
		time.Sleep(10 * time.Second)
		e.wantRoles(t, pool.Master, pool.Replica, pool.Replica)
	})
}

// One that is not running yet, or shuts down, is not used.
func TestStatusOfInstances(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		say := func(status map[string]any, want pool.Role, why string) {
			t.Helper()
			must(t, e.Instance(1).Broadcast("box.status", status))
			synctest.Wait()
			if s := e.pool.Status()[1]; s.Role != want || !strings.Contains(s.Why.Error(), why) {
				t.Errorf("with %v it is %v: %v", status, s.Role, s.Why)
			}
		}
		say(map[string]any{"is_ro": true, "status": "orphan"}, pool.Unknown, `its status is "orphan"`)
		say(map[string]any{"is_ro": true, "status": "running"}, pool.Replica, "read-only")
		say(map[string]any{"is_ro": true, "status": "loading"}, pool.Unknown, `"loading"`)
		say(map[string]any{}, pool.Unknown, `"loading"`) // nothing is said
		say(map[string]any{"is_ro": true}, pool.Replica, "read-only")
	})
	inBubble(t, []tnttest.Option{tnttest.WithVersion("2.6.0"), tnttest.WithoutElections()}, pool.Options{}, func(t *testing.T, e *embedded) {
		info, err := box.Info(t.Context(), e.named(t, 1))
		must(t, err)
		for _, status := range []string{"orphan", "running"} {
			must(t, e.Instance(1).HandleFunc("box.info", func() map[string]any {
				return map[string]any{
					"version": "2.6.0", "status": status, "ro": true, "id": info.ID, "uuid": info.UUID,
					"cluster": map[string]any{"uuid": info.ReplicasetUUID}, "replication": map[int]any{},
				}
			}))
			time.Sleep(2 * time.Second)
			if s := e.pool.Status()[1]; (s.Role == pool.Replica) != (status == "running") || status == "orphan" && !strings.Contains(s.Why.Error(), `its status is "orphan"`) {
				t.Errorf("asked, and %s, it is %v: %v", status, s.Role, s.Why)
			}
		}
	})
}

// An instance that announced its shutdown is not used from then on, though a probe that
// it has still to answer keeps the control connection, and is back when it is.
func TestStatusOfShutdown(t *testing.T) {
	inBubble(t, nil, pool.Options{}, func(t *testing.T, e *embedded) {
		e.quiet(t, 1)
		e.Instance(1).Inject(tnttest.Fault{On: iproto.TypePing, Delay: 900 * time.Millisecond, Times: 1})
		time.Sleep(time.Second - time.Millisecond)
		ended := make(chan error, 1)
		go func() { ended <- e.Shutdown(t.Context(), 1) }()
		synctest.Wait()
		if s := e.pool.Status()[1]; s.Role != pool.Unknown || s.Why.Error() != "it is shutting down" {
			t.Errorf("while it shuts down it is %v: %v", s.Role, s.Why)
		}
		for range 4 {
			must(t, selectOne(t.Context(), e.pool.Replica()))
		}
		must(t, <-ended)
		must(t, e.Restart(1))
		time.Sleep(10 * time.Second)
		e.wantRoles(t, pool.Master, pool.Replica, pool.Replica)
	})
}

// Open goes on waiting while one instance may come, though the others never will.
func TestOpenWaitsForOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &embedded{ReplicaSet: tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), kvSpace)}
		opts := pool.Options{Instances: e.instances()}
		opts.Instances[1].Options.User, opts.Instances[1].Options.Password = "nobody", "s3cret"
		opts.Instances[2].Options.User, opts.Instances[2].Options.Password = "nobody", "s3cret"
		must(t, e.Kill(0))
		go func() {
			time.Sleep(5 * time.Second)
			if err := e.Restart(0); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
			if err := e.Promote(0); err != nil {
				t.Error(err)
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		p, err := pool.Open(ctx, opts)
		must(t, err)
		must(t, p.Close())
	})
}
