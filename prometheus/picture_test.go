package tntprom_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	tntprom "github.com/gotnt/tnt/prometheus"
	"github.com/gotnt/tnt/tnttest"
)

var picture = flag.String("picture", "", "draw the dashboard of a run into this SVG file: takes 90 s and needs prometheus on PATH")

// The run of the picture: when what goes wrong begins and ends.
const (
	slowFrom, slowTo = 25 * time.Second, 35 * time.Second // selects take longer than some wait
	downFrom, downTo = 50 * time.Second, 58 * time.Second // the server takes no connections
	runFor           = 80 * time.Second
)

// TestPicture has a program work with an embedded server that does not always
// behave, and a Prometheus watch it, and draws what the dashboard's expressions
// give.
func TestPicture(t *testing.T) {
	if *picture == "" {
		t.Skip("no picture was asked for by -picture FILE")
	}
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatalf("the expressions are evaluated by Prometheus: %v", err)
	}
	srv, conn, _, registry := newWorld(t, tntprom.Options{})
	registry.MustRegister(tntprom.NewPoolCollector("main", somePool))
	web := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer web.Close()
	asked := startPrometheus(t, program, web.Listener.Addr().String())
	began := time.Now()
	work(t, srv, conn)
	drawn, err := drawDashboard(asked, began.Add(5*time.Second), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*picture, drawn, 0o600); err != nil {
		t.Fatal(err)
	}
}

// work does requests for the time of the run.
func work(t *testing.T, srv *tnttest.Server, conn *tnt.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), runFor)
	defer cancel()
	if err := srv.HandleFunc("greet", func(name string) string { return "hello, " + name }); err != nil {
		t.Fatal(err)
	}
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			for ctx.Err() == nil {
				request(ctx, conn)
				pause(ctx, time.Duration(rand.IntN(8))*time.Millisecond)
			}
		})
	}
	pause(ctx, slowFrom)
	remove := srv.Inject(tnttest.Fault{On: iproto.TypeSelect, Delay: 15 * time.Millisecond})
	pause(ctx, slowTo-slowFrom)
	remove()
	pause(ctx, downFrom-slowTo)
	srv.RefuseConnections(true)
	for _, c := range srv.Connections() {
		c.Close()
	}
	pause(ctx, downTo-downFrom)
	srv.RefuseConnections(false)
	workers.Wait()
}

// request does one of several requests. That some fail is what is shown.
func request(ctx context.Context, conn *tnt.Conn) {
	short, cancel := context.WithTimeout(ctx, time.Duration(10+rand.IntN(20))*time.Millisecond)
	defer cancel()
	id := rand.IntN(1000)
	switch n := rand.IntN(100); {
	case n < 60:
		_, _ = tnt.One[user](short, conn, tnt.Select{Space: "users", Key: tnt.K(id)})
	case n < 75:
		_, _ = tnt.Do(ctx, conn, tnt.Replace{Space: "users", Tuple: []any{id, fmt.Sprint("user", id)}})
	case n < 80:
		_, _ = tnt.Do(ctx, conn, tnt.Insert{Space: "users", Tuple: []any{id, "again"}})
	case n < 95:
		_, _ = tnt.Do(ctx, conn, tnt.Call{Function: "greet", Args: []any{"Ann"}})
	default:
		gets := make([]tnt.Select, 20)
		for i := range gets {
			gets[i] = tnt.Select{Space: "users", Key: tnt.K(id + i)}
		}
		for _, err := range tnt.Each[user](ctx, conn, gets) {
			if err != nil {
				return
			}
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
