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
	"github.com/gotnt/tnt/pool"
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
	rs, err := tnttest.StartReplicaSet(3)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rs.Close() //nolint:errcheck // it ends with the program
	if err := rs.Listen("tcp", "127.0.0.1:0"); err != nil {
		fmt.Println(err)
		return
	}
	collector := tntprom.New(tntprom.Options{}) // of the pool's connections
	var opts pool.Options
	for _, address := range rs.Addrs() {
		opts.Instances = append(opts.Instances, pool.Instance{Options: tnt.Options{Address: address, Hooks: []tnt.Hook{collector}}})
	}
	p, err := pool.Open(context.Background(), opts)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector, tntprom.NewPoolCollector("main", p))
	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "tnt_pool") {
			fmt.Println(f.GetName())
		}
	}
	// Output:
	// tnt_pool_instances
	// tnt_pool_retries_total
	// tnt_pool_role_changes_total
	// tnt_pool_unserved_total
	// tnt_pool_wait_seconds_total
	// tnt_pool_waiting
	// tnt_pool_waits_total
}
