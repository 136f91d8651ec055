package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gotnt/tnt"
)

// What users have: requests from inside of an HTTP server's handlers, in a
// process that does other things, too. The clients are another process, so that
// the CPU time is the server's.

// httpCase is a handler that asks something.
type httpCase struct {
	name, path string
	ask        func(ctx context.Context, conn *tnt.Conn, r *row) error
}

// httpCases are the handlers. The first asks nobody: what the others take beyond it
// is the requests'.
var httpCases = []httpCase{
	{"http, nobody asked", "/nobody", func(_ context.Context, _ *tnt.Conn, r *row) error {
		*r = row{1, "name1", 2, 1.5}
		return nil
	}},
	{"http, select", "/select", func(ctx context.Context, conn *tnt.Conn, r *row) error {
		return tnt.OneInto(ctx, conn, selectByKey, r)
	}},
	{"http, two selects", "/two", func(ctx context.Context, conn *tnt.Conn, r *row) error {
		return errors.Join(tnt.OneInto(ctx, conn, selectByKey, r), tnt.OneInto(ctx, conn, selectByKey, r))
	}},
}

// httpRound does each of the cases once with so many clients.
func (b *bench) httpRound(clients int) error {
	if !slices.ContainsFunc(httpCases, func(c httpCase) bool { return b.want.MatchString(c.name) }) {
		return nil
	}
	address, stop, err := b.serveHTTP()
	if err != nil {
		return err
	}
	var alone result
	for i, c := range httpCases {
		r, e := b.one(c.name, clients, func() (int, []time.Duration, error) {
			return b.httpClients(address, c.path, clients)
		})
		if err = errors.Join(err, e); err != nil {
			break
		}
		if r.Busy = true; i == 0 {
			alone = r
		}
		b.add(r, alone)
	}
	return errors.Join(err, stop())
}

// serveHTTP starts the server with the handlers.
func (b *bench) serveHTTP() (address string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	mux := http.NewServeMux()
	for _, c := range httpCases {
		mux.HandleFunc(c.path, func(w http.ResponseWriter, req *http.Request) {
			var r row
			if err := c.ask(req.Context(), b.conn, &r); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_ = json.NewEncoder(w).Encode(&r) // a client that is gone will not miss it
		})
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return listener.Addr().String(), func() error {
		err := server.Close()
		if e := <-served; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		return err
	}, nil
}

// httpClients has another process ask the server, and returns how many requests
// it did and the times of some.
func (b *bench) httpClients(address, path string, clients int) (int, []time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, nil, err
	}
	cmd := exec.Command(self, "-http-clients", strconv.Itoa(clients), "-time", b.each.String(), "-url", "http://"+address+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, nil, fmt.Errorf("the clients: %w", err)
	}
	var did httpDone
	err = json.Unmarshal(out, &did)
	return did.Requests, did.Times, err
}

// httpDone is what the process of the clients reports.
type httpDone struct {
	Requests int
	Times    []time.Duration
}

// runHTTPClients is the process of the clients.
func runHTTPClients(url string, clients int, d time.Duration, out io.Writer) error {
	req, err := http.NewRequest(http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var done httpDone
	end := time.Now().Add(d)
	for range clients {
		wg.Go(func() {
			n, times, e := httpClient(req, end)
			mu.Lock()
			defer mu.Unlock()
			done.Requests += n
			done.Times = append(done.Times, times...)
			err = errors.Join(err, e)
		})
	}
	wg.Wait()
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(done)
}

// httpClient asks over one connection until the time is over. It is as light as
// can be, as it takes the server's processors.
func httpClient(req *http.Request, end time.Time) (n int, times []time.Duration, err error) {
	conn, err := net.Dial("tcp", req.URL.Host)
	if err != nil {
		return 0, nil, err
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	ask := []byte("GET " + req.URL.Path + " HTTP/1.1\r\nHost: " + req.URL.Host + "\r\n\r\n")
	for start := time.Now(); start.Before(end); n++ {
		if _, err := conn.Write(ask); err != nil {
			return n, times, err
		}
		resp, err := http.ReadResponse(r, req)
		if err != nil {
			return n, times, err
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			return n, times, fmt.Errorf("%s: %w", resp.Status, err)
		}
		now := time.Now()
		if n%every == 0 {
			times = append(times, now.Sub(start))
		}
		start = now
	}
	return n, times, nil
}
