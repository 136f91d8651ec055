// The program cdc-cache answers HTTP requests for users out of a cache in its
// memory, which the changes of the server's log invalidate:
//
//	cdc-cache --listen 127.0.0.1:8080 tarantool://reader:secret@127.0.0.1:3301
//	curl 127.0.0.1:8080/users/1
//
// The space is
//
//	box.schema.space.create('users', {format = {{'id', 'unsigned'}, {'name', 'string'}}})
//	box.space.users:create_index('pk')
//
// The user needs the role "replication".
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"

	"github.com/gotnt/tnt"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "the `address` to listen on")
	flag.Parse()
	if err := run(*listen, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "cdc-cache:", err)
		os.Exit(1)
	}
}

func run(listen, url string) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	opts, err := tnt.ParseURL(url)
	if err != nil {
		return err
	}
	conn, err := tnt.ConnectOptions(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	c := newCache(conn)
	server := &http.Server{Addr: listen, Handler: c.handler()}
	go func() {
		cancel(c.follow(ctx, []tnt.Options{opts}))
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return context.Cause(ctx)
}

func (c *cache) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
		if err != nil {
			http.Error(w, "the id is no number", http.StatusBadRequest)
			return
		}
		switch u, err := c.get(r.Context(), id); {
		case errors.Is(err, tnt.ErrNoTuple):
			http.NotFound(w, r)
		case err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		default:
			_ = json.NewEncoder(w).Encode(u) // the client may be gone
		}
	})
	return mux
}
