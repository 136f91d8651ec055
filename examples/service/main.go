// Command service is an HTTP service of accounts on a replica set of Tarantool:
// transactions, a pool that fails over, a watcher, metrics, and an end that loses nothing.
//
//	go run ./service -db "tarantool://app:secret@a:3301,b:3301,c:3301/" -listen 127.0.0.1:8080
//	go run ./service                       # on three embedded servers
//
//	curl 127.0.0.1:8080/accounts/1
//	curl -d '{"from": 1, "to": 2, "amount": 10}' 127.0.0.1:8080/transfers
//	curl 127.0.0.1:8080/metrics            # for Prometheus
//
// A real replica set needs the space accounts (see schema in embedded.go) and, for
// transactions of a memtx space, box.cfg{memtx_use_mvcc_engine = true}. An operator
// stops transfers by box.broadcast('accounts.closed', true).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gotnt/tnt/pool"
)

// grace is how long requests may go on after the service was asked to end.
const grace = 10 * time.Second

func main() {
	db := flag.String("db", "", "the instances of the replica set, as a `URL`")
	listen := flag.String("listen", "127.0.0.1:8080", "the `address` to serve")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *db, *listen, slog.Default())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, db, listen string, log *slog.Logger) error {
	if db == "" {
		rs, err := embedded()
		if err != nil {
			return err
		}
		defer rs.Close() //nolint:errcheck // it ends with the program
		db = url(rs)
	}
	opts, err := pool.ParseURL(db)
	if err != nil {
		return err
	}
	opts.MaxWait = time.Second // an HTTP client does not wait for long
	opening, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	s, err := newService(opening, opts, log)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return errors.Join(err, s.pool.Close())
	}
	log.Info("serving", "address", listener.Addr())
	return serve(ctx, s, listener)
}

// serve serves until ctx ends, and then lets the requests that have begun end,
// before it closes their connections to the database.
func serve(ctx context.Context, s *service, listener net.Listener) error {
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		s.watch(watching)
	}()
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: grace}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()

	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err = errors.Join(err, server.Shutdown(ending))
	stop()
	<-watched
	return errors.Join(err, s.pool.CloseGraceful(ending))
}
