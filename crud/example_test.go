package crud_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/gotnt/tnt"
	"github.com/gotnt/tnt/crud"
	"github.com/gotnt/tnt/tnttest"
	"github.com/gotnt/tnt/tnttest/crudtest"
)

// fakeRouter is a router with a space of users, in the process.
func fakeRouter(ctx context.Context) (crud.Client, func(), error) {
	srv, err := tnttest.Start(tnttest.InMemory())
	if err != nil {
		return crud.Client{}, nil, err
	}
	err = crudtest.Attach(srv).CreateSpace(tnttest.SpaceDef{
		Name: "users",
		Format: []tnttest.Field{
			{Name: "id", Type: "unsigned"}, {Name: "bucket_id", Type: "unsigned"}, {Name: "name", Type: "string"}, {Name: "age", Type: "unsigned"},
		},
		Indexes: []tnttest.IndexDef{{Name: "pk", Parts: []tnttest.Part{{Field: 1, Type: "unsigned"}}}},
	})
	if err != nil {
		return crud.Client{}, nil, err
	}
	conn, err := tnt.ConnectOptions(ctx, tnt.Options{Dialer: srv.DialContext})
	return crud.New(conn), func() {
		conn.Close()
		srv.Close()
	}, err
}

type exampleUser struct {
	ID   int    `tnt:"id"`
	Name string `tnt:"name"`
	Age  int    `tnt:"age"`
}

func Example() {
	ctx := context.Background()
	routers, closeAll, err := fakeRouter(ctx) // or crud.New of a connection to a real one
	if err != nil {
		fmt.Println(err)
		return
	}
	defer closeAll()

	ann, err := crud.InsertObject[exampleUser](ctx, routers, "users", exampleUser{ID: 1, Name: "Ann", Age: 20})
	fmt.Println(ann, err)
	ann, err = crud.Update[exampleUser](ctx, routers, "users", 1, []crud.Op{crud.OpAdd("age", 1)})
	fmt.Println(ann, err)
	_, err = crud.Get[exampleUser](ctx, routers, "users", 2)
	fmt.Println(errors.Is(err, crud.ErrNoTuple))
	// Output:
	// {1 Ann 20} <nil>
	// {1 Ann 21} <nil>
	// true
}

// Some of many may fail: what was written is returned, and so is each failure
// with what it is about.
func ExampleInsertObjectMany() {
	ctx := context.Background()
	routers, closeAll, err := fakeRouter(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer closeAll()

	users := []exampleUser{{1, "Ann", 20}, {2, "Bob", 30}, {1, "Cy", 40}}
	written, err := crud.InsertObjectMany[exampleUser](ctx, routers, "users", users)
	fmt.Println(len(written), "written")
	var many *crud.ManyError
	if errors.As(err, &many) {
		for _, failed := range many.Errors {
			user, err := crud.Operation[exampleUser](failed)
			fmt.Println(user.Name, failed.Duplicate(), err)
		}
	}
	// Output:
	// 2 written
	// Cy true <nil>
}

func ExamplePages() {
	ctx := context.Background()
	routers, closeAll, err := fakeRouter(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer closeAll()
	for id := range 5 {
		if _, err := crud.InsertObject[exampleUser](ctx, routers, "users", exampleUser{ID: id, Name: "x"}); err != nil {
			fmt.Println(err)
		}
	}

	for user, err := range crud.Pages[exampleUser](ctx, routers, "users", []crud.Cond{crud.Gt("id", 1)}, 2) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Print(user.ID, " ")
	}
	// Output: 2 3 4
}
