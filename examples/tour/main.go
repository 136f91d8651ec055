// Command tour is the tour of the README, in its order, as a program:
//
//	go run ./tour                                      # on the embedded server
//	go run ./tour tarantool://admin:secret@127.0.0.1   # on a real one
//
// On a real server it needs the right to make spaces, functions and users. It
// makes what is named tour_... and leaves it there; it begins with empty spaces.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gotnt/tnt"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	err := start(ctx, os.Stdout, os.Args[1:])
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tour:", err)
		os.Exit(1)
	}
}

// start runs the tour on the server of the first argument, or on an embedded one.
func start(ctx context.Context, out io.Writer, args []string) error {
	if len(args) > 0 {
		return run(ctx, out, args[0], true)
	}
	srv, err := embedded()
	if err != nil {
		return err
	}
	defer srv.Close()
	return run(ctx, out, srv.URL(), false)
}

// run takes the tour on the server at a URL, which it prepares where it is a real
// one.
func run(ctx context.Context, out io.Writer, url string, real bool) error {
	conn, err := tnt.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Disconnect(ctx) //nolint:errcheck // it ends with the program
	if real {
		if err := prepare(ctx, conn); err != nil {
			return fmt.Errorf("preparing the server: %w", err)
		}
	}
	for _, s := range steps {
		result, err := s.run(ctx, conn)
		var missing *tnt.FeatureError
		switch {
		case errors.As(err, &missing):
			fmt.Fprintf(out, "%s: not on this server: %v\n", s.name, missing)
		case err != nil:
			return fmt.Errorf("%s: %w", s.name, err)
		default:
			fmt.Fprintf(out, "%s: %v\n", s.name, result)
		}
	}
	return nil
}
