package cdc

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/tnttest"
)

// A feed of a pool goes on at another instance when the one that it follows is
// killed, and at one that the pool was given later.
func TestStreamPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rs := tnttest.RunReplicaSet(t, 3, tnttest.InMemory(), goods)
		at := func(i int) pool.Instance {
			return pool.Instance{Options: tnt.Options{Address: rs.Addrs()[i], Dialer: rs.DialContext}}
		}
		p, err := pool.Open(t.Context(), pool.Options{Instances: []pool.Instance{at(0), at(1)}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Close() })
		followed := make(map[string]bool)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour) // of the bubble
		defer cancel()
		f := StreamPool(ctx, p, Options{From: Origin, Spaces: []string{"goods"}, OnState: func(s State) {
			if s.Following {
				followed[s.Server] = true
			}
		}})
		write := func(id int) {
			time.Sleep(time.Second) // until the pool knows who was killed
			if _, err := p.Master().Replace(t.Context(), "goods", []any{id, fmt.Sprint(id)}); err != nil {
				t.Fatal(err)
			}
		}
		write(0)
		next := 0
		for tx, err := range f.All() {
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range tx.Changes {
				if c.Op != Replace {
					continue
				}
				if got := c.Tuple.String(); got != fmt.Sprintf(`[id: %d, name: "%d"]`, next, next) {
					t.Fatalf("%s where %d has to be", got, next)
				}
				switch next++; next {
				case 3:
					if err := rs.Kill(0); err != nil {
						t.Fatal(err)
					}
				case 6:
					if err := errors.Join(p.Add(at(2)), rs.Restart(0)); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second) // it has caught up
					if err := errors.Join(p.Remove(t.Context(), rs.Addrs()[0]), rs.Kill(1)); err != nil {
						t.Fatal(err)
					}
					if _, err := rs.WaitLeader(t.Context()); err != nil {
						t.Fatal(err)
					}
					if err := rs.Promote(2); err != nil { // the one that the pool has
						t.Fatal(err)
					}
				}
				if next < 9 {
					write(next)
				}
			}
			if next == 9 {
				break
			}
		}
		if len(followed) != 3 {
			t.Errorf("followed were %v", followed)
		}
	})
}

// A feed of a pool that was closed has nothing to follow.
func TestStreamClosedPool(t *testing.T) {
	p, err := pool.New(pool.Options{Instances: []pool.Instance{{Options: tnt.Options{Address: "127.0.0.1:1"}}}})
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Close()
	if err := failure(t, StreamPool(t.Context(), p, Options{})); !errors.Is(err, errNoServer) {
		t.Error(err)
	}
}
