package pool_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// Which instance is at an address.

// Of two names of one instance the second is no member, until the first is gone.
func TestOneInstanceTwice(t *testing.T) {
	for _, version := range []string{"3.8.0", "2.6.0"} {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &embedded{ReplicaSet: tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), kvSpace, tnttest.WithVersion(version))}
				again := e.instance(0)
				again.Name = "again"
				p, err := pool.Open(t.Context(), pool.Options{Instances: append(e.instances(), again)})
				must(t, err)
				defer func() { _ = p.Close() }()
				e.pool = p
				time.Sleep(3 * time.Second)
				var masters, strangers []pool.Status
				for _, s := range []pool.Status{p.Status()[0], p.Status()[3]} {
					switch s.Role {
					case pool.Master:
						masters = append(masters, s)
					case pool.Unknown:
						strangers = append(strangers, s)
					}
				}
				if len(masters) != 1 || len(strangers) != 1 {
					t.Fatalf("one instance by two names is %+v and %+v", p.Status()[0], p.Status()[3])
				}
				if why := strangers[0].Why.Error(); !strings.Contains(why, "the same instance as "+masters[0].Name) || !strings.Contains(why, masters[0].UUID) {
					t.Errorf("why %s is none: %v", strangers[0].Name, why)
				}
				must(t, insert(t.Context(), p, 1))
				must(t, p.Remove(t.Context(), masters[0].Name))
				must(t, insert(t.Context(), p, 2)) // waits for the other name
				time.Sleep(10 * time.Second)
				for _, s := range p.Status() {
					if want := s.Name == strangers[0].Name; (s.Role == pool.Master) != want || s.Role == pool.Unknown {
						t.Errorf("%s is %v (%v)", s.Name, s.Role, s.Why)
					}
				}
			})
		})
	}
}

// A stranger at the address of an instance is found out whichever connection meets it:
// that for requests, or the one by which roles are learned.
func TestStrangerOnOneConnection(t *testing.T) {
	for _, meetsControl := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			e := &embedded{ReplicaSet: tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), kvSpace)}
			foreign := tnttest.RunReplicaSet(t, 1, tnttest.InMemory(), kvSpace)
			var dials atomic.Int64
			dials.Store(-100)
			opts := pool.Options{Instances: e.instances()}
			opts.Instances[1].Options.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
				if dials.Add(1) == 1 {
					return foreign.DialContext(ctx, network, "r0")
				}
				return e.DialContext(ctx, network, address)
			}
			p, err := pool.Open(t.Context(), opts)
			must(t, err)
			defer func() { _ = p.Close() }()
			e.pool = p
			e.wantRoles(t, pool.Master, pool.Replica, pool.Replica)
			time.Sleep(5 * time.Second) // what lasted is connected to again at once
			dials.Store(0)
			control := uint64(0)
			for _, r := range e.Instance(1).Requests() {
				if r.Type == iproto.TypeWatch && r.Body["EVENT_KEY"] == "box.status" {
					control = r.Conn
				}
			}
			for _, conn := range e.Instance(1).Connections() {
				if (conn.ID() == control) == meetsControl {
					conn.Close()
				}
			}
			synctest.Wait()
			var other *pool.IdentityError
			if s := p.Status()[1]; !errors.As(s.Why, &other) || other.What != "instance" {
				t.Errorf("a stranger was met (by the control connection: %v), and it is %v: %v", meetsControl, s.Role, s.Why)
			}
			time.Sleep(time.Second) // the next one meets the right one
			e.wantRoles(t, pool.Master, pool.Replica, pool.Replica)
		})
	}
}

// Those that were held against one that is gone are not any more.
func TestOutsidersWithoutTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &embedded{ReplicaSet: tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), kvSpace)}
		foreign := tnttest.RunReplicaSet(t, 1, tnttest.InMemory(), kvSpace)
		wrong := pool.Instance{Name: "wrong", Options: tnt.Options{Address: "wrong:3301", Dialer: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return foreign.DialContext(ctx, network, "r0")
		}}}
		p, err := pool.Open(t.Context(), pool.Options{Instances: []pool.Instance{wrong}, MaxWait: time.Second})
		must(t, err)
		defer func() { _ = p.Close() }()
		e.pool = p
		for _, i := range e.instances() {
			must(t, p.Add(i))
		}
		time.Sleep(time.Second)
		must(t, p.Remove(t.Context(), "wrong"))
		time.Sleep(time.Minute)
		e.wantRoles(t, pool.Master, pool.Replica, pool.Replica)
	})
}
