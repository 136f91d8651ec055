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
	"github.com/gotnt/tnt/pool"
	tntprom "github.com/gotnt/tnt/prometheus"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/vshardtest"
	"github.com/gotnt/tnt/vshard"
)

var picture = flag.String("picture", "", "draw the dashboard of a run into this SVG file: takes 90 s and needs prometheus on PATH")

// The run of the picture: when what goes wrong begins and ends.
const (
	slowFrom, slowTo = 25 * time.Second, 35 * time.Second // selects take longer than some wait
	downFrom, downTo = 50 * time.Second, 58 * time.Second // the server takes no connections
	runFor           = 80 * time.Second

	promoteAt          = 15 * time.Second // another instance of the replica set becomes its master
	killAt             = 40 * time.Second // the master is killed, and one of the two others is elected
	alone, notAlone    = 60 * time.Second, 64 * time.Second
	moveFrom, moveTo   = 30 * time.Second, 45 * time.Second // buckets are moved, one by one
	lockFrom, lockTo   = 55 * time.Second, 57 * time.Second // one is locked meanwhile
	lockedBucket, most = 90, 40
)

// TestPicture has a program work with embedded servers that do not always behave,
// and a Prometheus watch it, and draws what the dashboard's expressions give.
func TestPicture(t *testing.T) {
	if *picture == "" {
		t.Skip("no picture was asked for by -picture FILE")
	}
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatalf("the expressions are evaluated by Prometheus: %v", err)
	}
	srv, conn, _, registry := newWorld(t, tntprom.Options{})
	rs, p := newPool(t)
	cluster := vshardtest.Run(t, vshardtest.Options{})
	ofRouter := tntprom.NewRouterCollector("shop", tntprom.Options{})
	config := configOf(cluster, ofRouter.Hooks())
	for i := range config.ReplicaSets {
		config.ReplicaSets[i].Name = fmt.Sprint("s", i+1)
	}
	router, err := vshard.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = router.Close() }()
	ofRouter.Observe(router)
	registry.MustRegister(tntprom.NewPoolCollector("main", p), ofRouter)
	web := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer web.Close()
	asked := startPrometheus(t, program, web.Listener.Addr().String())
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), runFor)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { work(ctx, t, srv, conn) })
	all.Go(func() { workOnPool(ctx, t, rs, p) })
	all.Go(func() { workOnRouter(ctx, t, cluster, router) })
	all.Wait()
	drawn, err := drawDashboard(asked, began.Add(5*time.Second), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*picture, drawn, 0o600); err != nil {
		t.Fatal(err)
	}
}

// workers has some goroutines do a request again and again until ctx ends.
func workers(ctx context.Context, n int, request func()) *sync.WaitGroup {
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for ctx.Err() == nil {
				request()
				pause(ctx, time.Duration(rand.IntN(8))*time.Millisecond)
			}
		})
	}
	return &all
}

// work does requests on a connection for the time of the run.
func work(ctx context.Context, t *testing.T, srv *tnttest.Server, conn *tnt.Conn) {
	t.Helper()
	if err := srv.HandleFunc("greet", func(name string) string { return "hello, " + name }); err != nil {
		t.Error(err)
	}
	all := workers(ctx, 16, func() { request(ctx, conn) })
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
	all.Wait()
}

// workOnPool writes to whoever is the master, and has that change.
func workOnPool(ctx context.Context, t *testing.T, rs *tnttest.ReplicaSet, p *pool.Pool) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	all := workers(ctx, 4, func() {
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, _ = p.Master().Replace(short, "users", []any{rand.IntN(1000), "Ann"})
		_, _ = p.Any().Replace(short, "users", []any{rand.IntN(1000), "Ann"}) // a replica refuses it
	})
	pause(ctx, promoteAt)
	must(rs.Promote((rs.Leader() + 1) % rs.Len()))
	pause(ctx, killAt-promoteAt)
	killed := rs.Leader()
	must(rs.Kill(killed))
	pause(ctx, alone-killAt)
	second := rs.Leader()
	must(rs.Kill(second)) // and so there is no majority
	pause(ctx, notAlone-alone)
	must(rs.Restart(second))
	must(rs.Restart(killed))
	all.Wait()
}

// workOnRouter calls functions in all buckets, while some are moved and one is locked.
func workOnRouter(ctx context.Context, t *testing.T, cluster *vshardtest.Cluster, router *vshard.Router) {
	t.Helper()
	cluster.Handle("get_user", func(c *vshardtest.Call) ([]any, error) { return c.Arguments, nil })
	cluster.Handle("put_user", func(c *vshardtest.Call) ([]any, error) { return c.Arguments, nil })
	all := workers(ctx, 4, func() {
		short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		bucket := uint32(1 + rand.IntN(100))
		_, _ = router.Do(short, vshard.Call{Bucket: bucket, Mode: vshard.BRO, Function: "get_user", Args: []any{1}})
		_, _ = router.Do(short, vshard.Call{Bucket: bucket, Function: "put_user", Args: []any{1}})
	})
	pause(ctx, moveFrom)
	for bucket := 1; bucket <= most; bucket++ {
		cluster.Move(bucket, 1)
		pause(ctx, (moveTo-moveFrom)/most)
	}
	pause(ctx, lockFrom-moveTo)
	cluster.Lock(lockedBucket)
	pause(ctx, lockTo-lockFrom)
	cluster.Unlock(lockedBucket)
	all.Wait()
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
