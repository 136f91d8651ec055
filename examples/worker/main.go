// Command worker sends the mails of a queue, module queue on Tarantool: several at a
// time, each again where it failed, and the last ones before it ends.
//
//	go run ./worker -db "tarantool://app:secret@a:3301,b:3301,c:3301/" -workers 8
//	go run ./worker -db "tarantool://app:secret@a:3301,b:3301,c:3301/" -put ann@example.org
//	go run ./worker                                # on the embedded server, with some mails
//
// A real server needs module queue, and its user the rights that the documentation of
// package queue names. Its tube example_mails is made where there is none.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/gotnt/tnt/pool"
	"github.com/gotnt/tnt/queue"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/queuetest"
)

const tube = "example_mails"

func main() {
	db := flag.String("db", "", "the instances of the replica set, as a `URL`")
	put := flag.String("put", "", "put a mail for this `address` instead of sending mails")
	workers := flag.Int("workers", 4, "how many mails to send at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *db, *put, *workers)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, db, put string, workers int) error {
	demo := db == ""
	if demo {
		srv, err := embedded()
		if err != nil {
			return err
		}
		defer srv.Close()
		db = srv.URL()
	}
	p, err := pool.Connect(ctx, db)
	if err != nil {
		return err
	}
	defer p.Close()
	client, err := queue.Open(ctx, p)
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		_ = client.Close(ending) // what it holds is given to others
	}()
	mails := client.Tube(tube)
	if !demo {
		if mails, err = client.Create(ctx, tube, queue.FIFOTTL, queue.CreateOptions{IfNotExists: true}); err != nil {
			return err
		}
	}
	switch {
	case put != "":
		_, err := mails.Put(ctx, Mail{To: put})
		return err
	case demo:
		for _, to := range []string{"ann@example.org", "bob@example.org", "nobody"} {
			if _, err := mails.Put(ctx, Mail{To: to}); err != nil {
				return err
			}
		}
	}
	return work(ctx, mails, workers, show, slog.Default())
}

// show stands for a mail server.
func show(_ context.Context, id queue.ID, m Mail) error {
	if m.To == "nobody" {
		return errNoAddress
	}
	slog.Info("sent", "mail", id, "to", m.To)
	return nil
}

// embedded starts a server in this process, with the tube.
func embedded() (*tnttest.Server, error) {
	srv, err := tnttest.Start()
	if err != nil {
		return nil, err
	}
	if _, err := srv.Listen("tcp", "127.0.0.1:0"); err != nil {
		srv.Close()
		return nil, err
	}
	queuetest.Attach(srv).Create(tube, string(queue.FIFOTTL))
	return srv, nil
}
