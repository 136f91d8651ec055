package tntprom_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	tntprom "github.com/gotnt/tnt/prometheus"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/vshard"
)

// BenchmarkHook is what the collector itself takes of a request.
func BenchmarkHook(b *testing.B) {
	conn, err := tnt.New(tnt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	c := tntprom.New(tntprom.Options{})
	b.ReportAllocs()
	for b.Loop() {
		c.OnRequestEnd(context.Background(), conn, tnt.RequestInfo{Type: iproto.TypeSelect, Space: "users"}, tnt.RequestEnd{Duration: time.Millisecond})
	}
}

// setups are what is measured: without a hook and with the collector.
var setups = []struct {
	name  string
	hooks func() []tnt.Hook
}{
	{"none", func() []tnt.Hook { return nil }},
	{"prometheus", func() []tnt.Hook { return []tnt.Hook{tntprom.New(tntprom.Options{})} }},
}

// connectTo connects with some hooks.
// BenchmarkRouterHooks is what the hooks themselves take of a router's call.
func BenchmarkRouterHooks(b *testing.B) {
	hooks := tntprom.NewRouterCollector("main", tntprom.Options{}).Hooks()
	end := vshard.CallEnd{Call: vshard.Call{Bucket: 1, Function: "f"}, Requests: 1, Duration: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		hooks.End(context.Background(), end)
	}
}

func connectTo(b *testing.B, srv *tnttest.Server, hooks []tnt.Hook) *tnt.Conn {
	b.Helper()
	conn, err := tnt.ConnectOptions(context.Background(), tnt.Options{Address: srv.Addr(), Hooks: hooks})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return conn
}

func newServer(b *testing.B) *tnttest.Server {
	b.Helper()
	srv := tnttest.Run(b, tnttest.WithSpace(users))
	conn := connectTo(b, srv, nil)
	if _, err := conn.Insert(b.Context(), "users", []any{1, "Ann"}); err != nil {
		b.Fatal(err)
	}
	return srv
}

type user struct {
	ID   uint64
	Name string
}

// BenchmarkSelect is a request to the embedded server, which runs in the same
// process, by one caller.
func BenchmarkSelect(b *testing.B) {
	srv := newServer(b)
	for _, s := range setups {
		b.Run(s.name, func(b *testing.B) {
			conn := connectTo(b, srv, s.hooks())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tnt.One[user](b.Context(), conn, tnt.Select{Space: "users", Key: tnt.K(1)}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHTTP is the same inside of a handler of an HTTP server, with clients
// in the same process.
func BenchmarkHTTP(b *testing.B) {
	srv := newServer(b)
	for _, s := range setups {
		b.Run(s.name, func(b *testing.B) {
			conn := connectTo(b, srv, s.hooks())
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				u, err := tnt.One[user](r.Context(), conn, tnt.Select{Space: "users", Key: tnt.K(1)})
				if err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
					return
				}
				_, _ = io.WriteString(w, u.Name)
			}))
			defer web.Close()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				client := web.Client()
				for pb.Next() {
					resp, err := client.Get(web.URL)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			})
		})
	}
}
