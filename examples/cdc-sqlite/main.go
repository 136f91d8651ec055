// The program cdc-sqlite keeps a table of SQLite equal to a space of
// Tarantool, exactly once: the position in Tarantool's log is stored in the same
// SQLite transaction as the effect of what came before it. Whichever side is
// killed, and whenever, it goes on without a loss and without a repeat.
//
//	cdc-sqlite --db goods.db tarantool://reader:secret@127.0.0.1:3301 ...
//
// The space is
//
//	box.schema.space.create('goods', {format = {{'id', 'unsigned'}, {'name', 'string'}, {'stock', 'integer'}}})
//	box.space.goods:create_index('pk')
//
// Of several servers of a replica set it follows one, and another when that is
// lost. The user needs the role "replication".
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/cdc"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	interrupted := ctx.Err() != nil
	stop()
	if err != nil && !interrupted {
		fmt.Fprintln(os.Stderr, "cdc-sqlite:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("cdc-sqlite", flag.ContinueOnError)
	path := flags.String("db", "goods.db", "the `file` of the SQLite database")
	verbose := flags.Bool("v", false, "print each position that was stored")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var servers []tnt.Options
	for _, url := range flags.Args() {
		opts, err := tnt.ParseURL(url)
		if err != nil {
			return err
		}
		servers = append(servers, opts)
	}
	s, err := openStore(ctx, *path)
	if err != nil {
		return err
	}
	defer func() { _ = s.db.Close() }()
	return follow(ctx, s, servers, func(p cdc.Position) {
		if *verbose {
			fmt.Println(p)
		}
	})
}

// follow takes what the servers commit into the store, until ctx ends or an
// error is final. stored is told of each position.
func follow(ctx context.Context, s *store, servers []tnt.Options, stored func(cdc.Position)) error {
	for {
		from, err := s.start(ctx)
		if err != nil {
			return err
		}
		feed := cdc.Stream(ctx, servers, cdc.Options{From: from, Spaces: []string{"goods"}})
		for tx, err := range feed.All() {
			if needsSnapshot(err) {
				if err := s.forget(ctx); err != nil {
					return err
				}
				break
			}
			if err != nil {
				return err
			}
			if err := s.apply(ctx, tx); err != nil {
				return err
			}
			stored(tx.Position)
		}
	}
}

// needsSnapshot reports errors by which the log does not lead on from the
// position: what there is has to be taken anew.
func needsSnapshot(err error) bool {
	return errors.Is(err, cdc.ErrGap) || errors.Is(err, cdc.ErrAhead) || errors.Is(err, cdc.ErrSnapshotLost)
}
