package tntprom_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gotnt/tnt"
	tntprom "github.com/gotnt/tnt/prometheus"
	"github.com/gotnt/tnt/tnttest"
)

func ExampleNew() {
	srv, err := tnttest.Start(tnttest.WithSpace(users))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	if _, err := srv.Listen("tcp", "127.0.0.1:0"); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	collector := tntprom.New(tntprom.Options{})
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector)
	conn, err := tnt.ConnectOptions(ctx, tnt.Options{Address: srv.Addr(), Hooks: []tnt.Hook{collector}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	for range 3 {
		_, _ = conn.Insert(ctx, "users", []any{1, "Ann"})
	}

	// What Prometheus would fetch.
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	body, _ := io.ReadAll(answer.Body)
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, "tnt_requests_total") {
			fmt.Print(line)
		}
	}
	// Output:
	// tnt_requests_total{code="ER_TUPLE_FOUND",type="INSERT"} 2
	// tnt_requests_total{code="OK",type="INSERT"} 1
}

func ExampleNewPoolCollector() {
	registry := prometheus.NewRegistry()
	registry.MustRegister(tntprom.NewPoolCollector("main", func() tntprom.PoolState {
		return tntprom.PoolState{
			Instances: []tntprom.PoolInstance{{Address: "127.0.0.1:3301", Role: "rw", Connected: true}},
			Waits:     3,
		}
	}))
	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range families {
		fmt.Println(f.GetName(), len(f.GetMetric()))
	}
	// Output:
	// tnt_pool_instances 1
	// tnt_pool_waiting 1
	// tnt_pool_waits_total 1
}
