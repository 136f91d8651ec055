// Command cache keeps prices in memory until the server says that they changed.
//
//	go run ./cache                                     # on the embedded server
//	go run ./cache tarantool://admin:secret@127.0.0.1  # on a real one, of 2.10 or later
//
// On a real server it makes a space and a function, both named cache_..., and
// leaves them there.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/tnttest"
)

// changed is the event that the function of the server broadcasts.
const changed = "cache_prices.changed"

var schema = tnttest.Schema{Spaces: []tnttest.SpaceDef{{
	Name:    "cache_prices",
	Format:  []tnttest.Field{{Name: "name", Type: "string"}, {Name: "price", Type: "unsigned"}},
	Indexes: []tnttest.IndexDef{tnttest.UniqueIndex("pk", "name")},
}}}

// setPrice is the function in Lua. Those who write by other ways have to broadcast
// as well: on_replace of the space is the place for that where there are many.
const setPrice = `
function cache_set_price(name, price)
    box.space.cache_prices:replace{name, price}
    box.broadcast('` + changed + `', box.info.lsn)
end`

// Price is a tuple of the space cache_prices.
type Price struct {
	Name  string
	Price uint64
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	err := run(ctx, os.Stdout, os.Args[1:])
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cache:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, args []string) error {
	if len(args) == 0 {
		srv, err := embedded()
		if err != nil {
			return err
		}
		defer srv.Close()
		return show(ctx, out, srv.URL(), false)
	}
	return show(ctx, out, args[0], true)
}

// show sets a price twice, and reads it as often as it takes to see the change.
func show(ctx context.Context, out io.Writer, url string, real bool) error {
	conn, err := tnt.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close()
	if real {
		if err := prepare(ctx, conn); err != nil {
			return err
		}
	}
	prices, err := newPrices(conn)
	if err != nil {
		return err
	}
	defer prices.Close()
	for _, price := range []uint64{10, 11} {
		if _, err := conn.Call(ctx, "cache_set_price", "tea", price); err != nil {
			return err
		}
		reads := 0
		for got := uint64(0); got != price; reads++ {
			p, err := prices.Get(ctx, "tea")
			if err != nil {
				return err
			}
			got = p.Price
		}
		requests := conn.Stats().Requests
		for range 1000 {
			if _, err := prices.Get(ctx, "tea"); err != nil {
				return err
			}
		}
		few := conn.Stats().Requests-requests < 10
		fmt.Fprintf(out, "tea costs %d; 1000 more reads asked the server for next to nothing: %t\n", price, few)
	}
	return nil
}

func newPrices(conn *tnt.Conn) (*Cache[string, Price], error) {
	return NewCache(conn, changed, func(ctx context.Context, name string) (Price, error) {
		return tnt.One[Price](ctx, conn, tnt.Select{Space: "cache_prices", Key: tnt.K(name)})
	})
}

// embedded starts a server in this process, with the function in Go.
func embedded() (*tnttest.Server, error) {
	srv, err := tnttest.Start(tnttest.WithSchema(schema))
	if err != nil {
		return nil, err
	}
	tnttest.Proc2(srv, "cache_set_price", func(_ context.Context, name string, price uint64) error {
		if err := srv.Space("cache_prices").Replace(name, price); err != nil {
			return err
		}
		return srv.Broadcast(changed, price)
	})
	if _, err := srv.Listen("tcp", "127.0.0.1:0"); err != nil {
		srv.Close()
		return nil, err
	}
	return srv, nil
}

func prepare(ctx context.Context, conn *tnt.Conn) error {
	lua, err := schema.Lua()
	if err != nil {
		return err
	}
	_, err = conn.Eval(ctx, lua+setPrice)
	return err
}
