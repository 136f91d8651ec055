package main

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// inBubble runs a test with a cache that follows a server in memory.
func inBubble(t *testing.T, test func(t *testing.T, srv *tnttest.Server, c *cache, read func(id uint64) string)) {
	synctest.Test(t, func(t *testing.T) {
		srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithSpace(tnttest.SpaceDef{
			Name: "users", Format: []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}},
			Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
		}))
		opts := tnt.Options{Address: "memory:1", Dialer: srv.DialContext}
		conn, err := tnt.ConnectOptions(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		ctx, cancel := context.WithCancel(t.Context())
		c := newCache(conn)
		var following sync.WaitGroup
		following.Go(func() { _ = c.follow(ctx, []tnt.Options{opts}) })
		defer following.Wait()
		defer cancel()
		synctest.Wait()
		test(t, srv, c, func(id uint64) string {
			u, err := c.get(ctx, id)
			if err != nil {
				t.Error(err)
			}
			return u.Name
		})
	})
}

// A user that changes between the server's reading it and the answer is not
// kept.
func TestReadOverlapsChange(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *tnttest.Server, c *cache, read func(uint64) string) {
		users := srv.Space("users")
		if err := users.Insert(1, "before"); err != nil {
			t.Fatal(err)
		}
		srv.Inject(tnttest.Fault{On: iproto.TypeSelect, Space: "users", Late: time.Second, Times: 1})
		var slow sync.WaitGroup
		slow.Go(func() { read(1) })
		time.Sleep(time.Second / 2)
		if err := users.Replace(1, "after"); err != nil {
			t.Fatal(err)
		}
		slow.Wait()
		if got := read(1); got != "after" {
			t.Errorf("it is %q", got)
		}
	})
}

// Whatever was read while the users changed, and connections were cut: when all
// changes have come the cache has what the server has.
func TestCacheFollows(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *tnttest.Server, c *cache, read func(uint64) string) {
		users := srv.Space("users")
		for round := range 200 {
			for id := range 5 {
				if err := users.Replace(id, fmt.Sprint(round)); err != nil {
					t.Fatal(err)
				}
			}
			if round%20 == 10 {
				srv.Cut(round % 3)
			}
			var reads sync.WaitGroup
			for id := range uint64(5) {
				for range 3 {
					reads.Go(func() { read(id) })
				}
			}
			_, err := users.Update([]any{round % 5}, []any{"=", 1, "changed"})
			if err != nil {
				t.Fatal(err)
			}
			reads.Wait()
			time.Sleep(10 * time.Second) // also until it follows again
			synctest.Wait()
			for id := range 5 {
				want := fmt.Sprint(round)
				if id == round%5 {
					want = "changed"
				}
				if got := read(uint64(id)); got != want {
					t.Fatalf("round %d: user %d is %q, not %q", round, id, got, want)
				}
				read(uint64(id))
			}
		}
		if c.hits < 200 {
			t.Errorf("%d hits", c.hits)
		}
	})
}
