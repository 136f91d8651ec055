package tnt_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/tnttest"
)

// TestPermanentFailures end the first Connect at once. After a success they don't
// end the connection, which says why it is not up, and comes up when they are over.
func TestPermanentFailures(t *testing.T) {
	says := func(text string) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				_, _ = io.WriteString(theirs, text)
				_ = theirs.Close()
			}()
			return ours, nil
		}
	}
	for name, test := range map[string]struct {
		change func(o *tnt.Options, srv *tnttest.Server)
		is     error
		as     any
	}{
		"wrong password":   {change: func(o *tnt.Options, _ *tnttest.Server) { o.User, o.Password = "alice", "wrong" }, is: errcode.CredsMismatch},
		"unknown user":     {change: func(o *tnt.Options, _ *tnttest.Server) { o.User, o.Password = "nobody", "x" }, is: errcode.CredsMismatch},
		"unknown setting":  {change: func(o *tnt.Options, _ *tnttest.Server) { o.SessionSettings = map[string]any{"no_such": true} }, as: new(*tnt.SettingError)},
		"HTTP":             {change: func(o *tnt.Options, _ *tnttest.Server) { o.Dialer = says("HTTP/1.1 400 Bad Request\r\n\r\n") }, is: tnt.ErrNotTarantool},
		"schema too large": {change: func(o *tnt.Options, _ *tnttest.Server) { o.MaxFrame = 1000 }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, err := tnttest.Start(tnttest.InMemory(), tnttest.WithUser("alice", "s3cret"))
				if err != nil {
					t.Fatal(err)
				}
				defer srv.Close()
				bad := tnt.Options{Dialer: srv.DialContext}
				test.change(&bad, srv)
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				began := time.Now()
				_, err = tnt.ConnectOptions(ctx, bad)
				if took := time.Since(began); err == nil || took > time.Second {
					t.Fatalf("%v after %v", err, took)
				}
				if test.is != nil && !errors.Is(err, test.is) || test.as != nil && !errors.As(err, test.as) {
					t.Errorf("got %v", err)
				}
				if strings.Count(err.Error(), "tnt: ") != 1 {
					t.Errorf("it says more than once whose it is: %v", err)
				}
				if errors.Is(err, context.DeadlineExceeded) || tnt.IsTransient(err) {
					t.Errorf("it is worth another try: %v", err)
				}
				if name == "schema too large" {
					failsWith(t, "its text", err, "Options.MaxFrame")
				}

				// Started, or asked to reconnect, it goes on.
				conn, err := tnt.New(bad)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.Disconnect(context.Background()) }()
				if err := conn.Reconnect(ctx); err == nil {
					t.Error("Reconnect succeeded")
				}
				time.Sleep(time.Minute)
				if s := conn.State(); s == tnt.Disconnected {
					t.Errorf("it has given up: %v", conn)
				}
				if err := conn.Ping(ctx); !errors.Is(err, tnt.ErrNotConnected) || test.is != nil && !errors.Is(err, test.is) {
					t.Errorf("a request meanwhile: %v", err)
				}
			})
		})
	}
}

// TestPeerThatHangsUp has Connect wait for a server whose proxy takes connections, and
// ends them, while it is away.
func TestPeerThatHangsUp(t *testing.T) {
	for _, said := range []string{"", "Tarantool 3"} {
		inTime(t, func(b *bubble) {
			dials := 0
			b.connect(func(o *tnt.Options) {
				o.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
					if dials++; dials > 3 {
						return b.dial(ctx, network, address)
					}
					ours, theirs := net.Pipe()
					go func() {
						_, _ = io.WriteString(theirs, said)
						_ = theirs.Close()
					}()
					return ours, nil
				}
			})
			if dials != 4 {
				t.Errorf("it dialled %d times", dials)
			}
		})
	}
}

// TestLaterLossesGoOn has a failure that would end the first Connect come later.
func TestLaterLossesGoOn(t *testing.T) {
	var wrong atomic.Bool
	synctest.Test(t, func(t *testing.T) {
		srv, err := tnttest.Start(tnttest.InMemory())
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{ConnectOnce: true, Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if !wrong.Load() {
				return srv.Dial(ctx)
			}
			ours, theirs := net.Pipe()
			go func() {
				_, _ = io.WriteString(theirs, "SSH-2.0-OpenSSH_9.2\r\n")
				_ = theirs.Close()
			}()
			return ours, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Disconnect(context.Background()) }()
		wrong.Store(true)
		for _, c := range srv.Connections() {
			c.Close()
		}
		time.Sleep(time.Minute)
		if err := conn.Ping(t.Context()); !errors.Is(err, tnt.ErrNotConnected) || !errors.Is(err, tnt.ErrNotTarantool) {
			t.Errorf("meanwhile: %v", err)
		}
		wrong.Store(false)
		time.Sleep(time.Minute)
		if err := conn.Ping(t.Context()); err != nil {
			t.Errorf("once it is over: %v", err)
		}
	})
}

// TestPermanentFailuresOfServers are those that take a real server, or TLS.
func TestPermanentFailuresOfServers(t *testing.T) {
	permanent := func(t *testing.T, what string, opts tnt.Options, is error) {
		t.Helper()
		opts.ReconnectInterval = time.Millisecond
		if _, err := tnt.ConnectOptions(testContext(t), opts); err == nil || errors.Is(err, context.DeadlineExceeded) || is != nil && !errors.Is(err, is) {
			t.Errorf("%s: %v", what, err)
		}
	}
	onServers(t, func(t *testing.T, p *program) {
		addr := p.shared.Address
		permanent(t, "a setting without such a value", tnt.Options{Address: addr, SessionSettings: map[string]any{"sql_default_engine": "steam"}}, nil)
		permanent(t, "a setting of another type", tnt.Options{Address: addr, SessionSettings: map[string]any{"sql_default_engine": 1}}, nil)
		permanent(t, "an unknown setting", tnt.Options{Address: addr, SessionSettings: map[string]any{"no_such": 1}}, nil)
		permanent(t, "a wrong password", tnt.Options{Address: addr, User: "alice", Password: "wrong"}, nil)
		permanent(t, "a schema larger than MaxFrame", tnt.Options{Address: addr, MaxFrame: 1000}, nil)
		permanent(t, "TLS to a plain port", tnt.Options{Address: addr, TLS: &tls.Config{MinVersion: tls.VersionTLS12}}, nil)
	})
	srv := embedded(t)
	addr, _ := listenTLS(t, srv)
	permanent(t, "a certificate that nobody vouches for", tnt.Options{Address: addr, TLS: &tls.Config{MinVersion: tls.VersionTLS12}}, nil)
}
