package tnt_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/errcode"
	"github.com/gotnt/tnt/iproto"
	"github.com/gotnt/tnt/tnttest"
)

// serve starts an embedded server for an example, with a space of users.
func serve() *tnttest.Server {
	srv, err := tnttest.Start(tnttest.WithSpace(tnttest.SpaceDef{
		Name:   "users",
		Format: []tnttest.Field{{Name: "id", Type: "unsigned"}, {Name: "name", Type: "string"}, {Name: "age", Type: "unsigned"}},
		Indexes: []tnttest.IndexDef{
			{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}},
			{Name: "name", Parts: []tnttest.Part{{Field: 2, Type: "string"}}},
		},
	}))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := srv.Listen("tcp", "127.0.0.1:0"); err != nil {
		log.Fatal(err)
	}
	for i, name := range []string{"Ann", "Bob", "Cid"} {
		if err := srv.Space("users").Insert(i+1, name, 20+10*i); err != nil {
			log.Fatal(err)
		}
	}
	return srv
}

// User is a tuple of the space users.
type User struct {
	ID   int
	Name string
	Age  int
}

func Example() {
	srv := serve()
	defer srv.Close()
	ctx := context.Background()

	conn, err := tnt.Connect(ctx, srv.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	if _, err := conn.Insert(ctx, "users", User{4, "Dan", 50}); err != nil {
		log.Fatal(err)
	}
	user, err := tnt.One[User](ctx, conn, tnt.Select{Space: "users", Key: tnt.K(4)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%+v\n", user)
	// Output: {ID:4 Name:Dan Age:50}
}

func ExampleConnectOptions() {
	srv := serve()
	defer srv.Close()
	conn, err := tnt.ConnectOptions(context.Background(), tnt.Options{
		Address:        srv.Addr(),
		RequestTimeout: time.Second,
		Hooks: []tnt.Hook{tnt.StateFunc(func(_ *tnt.Conn, from, to tnt.State, _ error) {
			fmt.Println(from, "->", to)
		})},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := conn.Disconnect(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Disconnected -> Connecting
	// Connecting -> Connected
	// Connected -> Disconnecting
	// Disconnecting -> Disconnected
}

func ExampleParseURL() {
	opts, err := tnt.ParseURL("tarantool://alice:s3cret@db.example:3302?request_timeout=2s&no_schema=true")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(opts, opts.RequestTimeout, opts.NoSchema) // the password is not shown
	// Output: alice@db.example:3302 2s true
}

// dial connects an example to its server.
func dial(srv *tnttest.Server) *tnt.Conn {
	conn, err := tnt.Connect(context.Background(), srv.URL())
	if err != nil {
		log.Fatal(err)
	}
	return conn
}

func ExampleSelect() {
	srv := serve()
	defer srv.Close()
	conn := dial(srv)
	defer conn.Close()

	users, err := tnt.All[User](context.Background(), conn, tnt.Select{
		Space: "users", Index: "name", Key: tnt.K("B"), Iterator: iproto.IterGE, Limit: 10,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(users)
	// Output: [{2 Bob 30} {3 Cid 40}]
}

func ExampleTuple() {
	srv := serve()
	defer srv.Close()
	conn := dial(srv)
	defer conn.Close()

	tuples, err := conn.Select(context.Background(), "users", tnt.K(1))
	if err != nil {
		log.Fatal(err)
	}
	tuple := tuples[0]
	name, err := tuple.Get("name")
	if err != nil {
		log.Fatal(err)
	}
	last, err := tuple.At(-1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(name, last, tuple)
	// Output: Ann 20 [id: 1, name: "Ann", age: 20]
}

func ExampleInsert() {
	srv := serve()
	defer srv.Close()
	conn := dial(srv)
	defer conn.Close()
	ctx := context.Background()

	for _, tuple := range []any{
		[]any{4, "Dan", 50},
		map[string]any{"id": 5, "name": "Eve", "age": 60},
		User{ID: 6, Name: "Fay", Age: 70},
		User{ID: 6, Name: "Gus", Age: 80},
	} {
		stored, err := conn.Do(ctx, tnt.Insert{Space: "users", Tuple: tuple})
		if errors.Is(err, errcode.TupleFound) {
			fmt.Println("there is one already")
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		rows, err := stored.Tuples()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(rows[0])
	}
	// Output:
	// [id: 4, name: "Dan", age: 50]
	// [id: 5, name: "Eve", age: 60]
	// [id: 6, name: "Fay", age: 70]
	// there is one already
}

func ExampleConn_Update() {
	srv := serve()
	defer srv.Close()
	conn := dial(srv)
	defer conn.Close()

	tuple, err := conn.Update(context.Background(), "users", tnt.K(1), tnt.OpAdd("age", 1), tnt.OpAssign("name", "Anna"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tuple)
	// Output: [id: 1, name: "Anna", age: 21]
}

func ExampleConn_Upsert() {
	srv := serve()
	defer srv.Close()
	conn := dial(srv)
	defer conn.Close()
	ctx := context.Background()

	for range 2 {
		if err := conn.Upsert(ctx, "users", []any{9, "Ira", 1}, tnt.OpAdd("age", 1)); err != nil {
			log.Fatal(err)
		}
		tuples, err := conn.Select(ctx, "users", tnt.K(9))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(tuples)
	}
	// Output:
	// [[id: 9, name: "Ira", age: 1]]
	// [[id: 9, name: "Ira", age: 2]]
}

func ExampleConn_Delete() {
	srv := serve()
	defer srv.Close()
	conn := dial(srv)
	defer conn.Close()

	tuple, err := conn.Delete(context.Background(), "users", tnt.K(2))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tuple.GetOr("name", "nobody"))
	// Output: Bob
}

func ExampleConn_Call() {
	srv := serve()
	defer srv.Close()
	if err := srv.HandleFunc("sum", func(a, b int) int { return a + b }); err != nil {
		log.Fatal(err)
	}
	conn := dial(srv)
	defer conn.Close()

	sum, err := tnt.One[int](context.Background(), conn, tnt.Call{Function: "sum", Args: []any{2, 3}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sum)
	// Output: 5
}

func ExampleConn_Batch() {
	srv := serve()
	defer srv.Close()
	conn := dial(srv)
	defer conn.Close()
	ctx := context.Background()

	for _, result := range conn.Batch(ctx,
		tnt.Select{Space: "users", Key: tnt.K(1)},
		tnt.Select{Space: "users", Key: tnt.K(2)},
		tnt.Select{Space: "users", Key: tnt.K(404)},
	) {
		if result.Err != nil {
			log.Fatal(result.Err)
		}
		tuples, err := result.Response.Tuples()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(tuples)
	}
	// Output:
	// [[id: 1, name: "Ann", age: 20]]
	// [[id: 2, name: "Bob", age: 30]]
	// []
}

func ExampleFuture_Pushes() {
	srv := serve()
	defer srv.Close()
	srv.Handle("count", func(c *tnttest.Call) ([]any, error) {
		for i := range 3 {
			if err := c.Push(i); err != nil {
				return nil, err
			}
		}
		return []any{"done"}, nil
	})
	conn := dial(srv)
	defer conn.Close()
	ctx := context.Background()

	f := conn.Go(ctx, tnt.Call{Function: "count"})
	for push, err := range f.Pushes(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		rows, err := push.Data()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(rows...)
	}
	resp, err := f.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Data())
	// Output:
	// 0
	// 1
	// 2
	// [done] <nil>
}

func ExampleInTx() {
	srv := serve()
	defer srv.Close()
	conn := dial(srv)
	defer conn.Close()
	ctx := context.Background()

	transfer := func(from, to, years int) error {
		return tnt.InTx(ctx, conn, func(s *tnt.Stream) error {
			giver, err := s.Update(ctx, "users", tnt.K(from), tnt.OpSub("age", years))
			if err != nil {
				return err
			}
			if age, _ := giver.Get("age"); age.(int64) < 18 {
				return errors.New("too young to give so much")
			}
			_, err = s.Update(ctx, "users", tnt.K(to), tnt.OpAdd("age", years))
			return err
		})
	}
	fmt.Println(transfer(3, 1, 5))
	fmt.Println(transfer(1, 3, 20))
	users, err := tnt.All[User](ctx, conn, tnt.Select{Space: "users"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(users)
	// Output:
	// <nil>
	// too young to give so much
	// [{1 Ann 25} {2 Bob 30} {3 Cid 35}]
}

func ExampleSafeToRetry() {
	conn, err := tnt.New(tnt.Options{})
	if err != nil {
		log.Fatal(err)
	}
	err = conn.Ping(context.Background())
	fmt.Println(err, errors.Is(err, tnt.ErrNotConnected), tnt.SafeToRetry(err))
	// Output: tnt: PING on 127.0.0.1:3301: not connected: Connect has not been called true true
}

func ExampleSchema() {
	srv := serve()
	defer srv.Close()
	conn := dial(srv)
	defer conn.Close()

	space := conn.Schema().Space("users")
	fmt.Println(space.Name, space.Engine, space.Format.Names())
	for _, index := range space.Indexes {
		fmt.Println(index.ID, index.Name, index.Parts[0].Name, index.Parts[0].Type)
	}
	// Output:
	// users memtx [id name age]
	// 0 pk id unsigned
	// 1 name name string
}

// SQL takes a real server: the embedded one has none.
func ExampleConn_Prepare() {
	ctx := context.Background()
	conn, err := tnt.Connect(ctx, "127.0.0.1:3301")
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	query, err := conn.Prepare(ctx, `SELECT "id", "name" FROM "users" WHERE "age" > :age`)
	if err != nil {
		log.Fatal(err)
	}
	defer query.Close(ctx)
	users, err := tnt.All[User](ctx, conn, query.Bind(tnt.Named("age", 30)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(users)
}
