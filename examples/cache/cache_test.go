package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const want = `tea costs 10; 1000 more reads asked the server for next to nothing: true
tea costs 11; 1000 more reads asked the server for next to nothing: true
`

func TestProgram(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out, nil); err != nil || out.String() != want {
		t.Errorf("got\n%s%v, want\n%s", &out, err, want)
	}
}

func TestProgramOnRealServer(t *testing.T) {
	srv := tnttest.RunReal(t, tnttest.Schema{})
	var out bytes.Buffer
	err := run(t.Context(), &out, []string{srv.URL()})
	if !srv.Version().AtLeast(2, 10, 0) {
		if err == nil || !strings.Contains(err.Error(), "watchers") {
			t.Errorf("Tarantool %v has no watchers: %v", srv.Version(), err)
		}
		return
	}
	if err != nil || out.String() != want {
		t.Errorf("got\n%s%v, want\n%s", &out, err, want)
	}
}

// inBubble runs a test with a cache, whose clock costs no time.
func inBubble(t *testing.T, f func(t *testing.T, srv *tnttest.Server, prices *Cache[string, Price])) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := tnttest.Run(t, tnttest.InMemory(), tnttest.WithSchema(schema))
		conn, err := tnt.ConnectOptions(t.Context(), tnt.Options{Dialer: srv.DialContext})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		prices, err := newPrices(conn)
		if err != nil {
			t.Fatal(err)
		}
		defer prices.Close()
		if err := srv.Space("cache_prices").Insert("tea", 10); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the first event has come
		f(t, srv, prices)
	})
}

// get gets a price and fails the test where it is not want.
func get(t *testing.T, prices *Cache[string, Price], want uint64) {
	t.Helper()
	if got, err := prices.Get(t.Context(), "tea"); err != nil || got.Price != want {
		t.Errorf("got %v, %v; want %d", got, err, want)
	}
}

// set changes the price behind the cache's back.
func set(t *testing.T, srv *tnttest.Server, price uint64) {
	t.Helper()
	if err := srv.Space("cache_prices").Replace("tea", price); err != nil {
		t.Fatal(err)
	}
}

func TestKeptUntilTheEvent(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *tnttest.Server, prices *Cache[string, Price]) {
		get(t, prices, 10)
		set(t, srv, 11)
		get(t, prices, 10) // nobody said that it changed
		if err := srv.Broadcast(changed, 1); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		get(t, prices, 11)
	})
}

func TestDroppedWithTheConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *tnttest.Server, prices *Cache[string, Price]) {
		get(t, prices, 10)
		set(t, srv, 11)
		srv.RefuseConnections(true)
		srv.Connections()[0].Close()
		synctest.Wait()
		if got, err := prices.Get(t.Context(), "tea"); !errors.Is(err, tnt.ErrNotConnected) {
			t.Errorf("got %v, %v without a connection", got, err)
		}
		srv.RefuseConnections(false)
		time.Sleep(time.Minute) // of the bubble's: the connection is restored
		get(t, prices, 11)
	})
}

// TestLoadedBeforeTheEvent has a value loaded, changed, and the event come before
// the answer: it must not be kept.
func TestLoadedBeforeTheEvent(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *tnttest.Server, prices *Cache[string, Price]) {
		remove := srv.Inject(tnttest.Fault{On: iproto.TypeSelect, Space: "cache_prices", Late: time.Second})
		loaded := make(chan error, 1)
		go func() {
			_, err := prices.Get(context.WithoutCancel(t.Context()), "tea")
			loaded <- err
		}()
		time.Sleep(time.Second / 2) // the select is executed, its answer waits
		set(t, srv, 11)
		if err := srv.Broadcast(changed, 1); err != nil {
			t.Fatal(err)
		}
		if err := <-loaded; err != nil {
			t.Fatal(err)
		}
		remove()
		get(t, prices, 11)
	})
}
